// Which rules of the protocol, and which promises of Client, were put to the test.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <restante/core/address.hpp>
#include <restante/sim/connection_table.hpp>
#include <restante/sim/id_set.hpp>
#include <restante/sim/protocol_checker.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/trace.hpp>

namespace restante::sim {

/// The rules of docs/protocol.md, each with the cases that it distinguishes, and what server and client do when
/// connections, disks and servers fail.
enum class Rule : std::uint8_t {
  associate_free,
  associate_held_by_another,
  associate_held_by_itself,
  several_ids_held,
  ids_released_when_closed,
  mailbox_outlives_connection,
  get_not_held,
  get_empty,
  get_message,
  push_not_held,
  push_wrong_length,
  push_full,
  push_stored,
  push_to_nobody,
  push_to_itself,
  push_not_held_before_wrong_length,
  push_wrong_length_before_full,
  unknown_code,
  code_of_the_server,
  unknown_type,
  too_short,
  push_too_short,
  trailing_bytes,
  text,
  over_long_push,
  shut_down,
  /// What a store brings along: a commit that failed closes with 1013, and nothing is changed while it is away.
  commit_failed,
  store_unavailable,
  /// Several turns were one transaction; and what became of transactions that failed, or were under way in a crash.
  commits_completed_as_one,
  durable_told_with_failure,
  failed_commit_kept,
  failed_commit_lost,
  commits_lost_in_crash,
  /// What the server does with peers that do not read, and when it crashes.
  paused,
  resumed,
  stuck,
  crashed_with_messages_held,
  crashed_with_requests_waiting,
  mailbox_outlives_server,
  /// A connection ended, and something had not arrived.
  request_lost,
  reply_lost,
  /// What Client does (restante/client.hpp).
  connection_made_again,
  connection_not_made,
  id_restored,
  id_taken_on_return,
  id_restored_after_taken,
  id_forgotten_on_return,
  associated_after_refusal,
  associate_unknown,
  push_unknown,
  get_unknown,
  gave_up_waiting,
  refused_without_connection,
  refused_as_too_many,
  asked_from_callback,
  asked_when_connected,
  closed_with_requests_waiting,
  connected_after_close,
  count,
};

constexpr std::string_view name(Rule rule) noexcept {
  constexpr std::array<std::string_view, static_cast<std::size_t>(Rule::count)> names = {
      "associate_free",
      "associate_held_by_another",
      "associate_held_by_itself",
      "several_ids_held",
      "ids_released_when_closed",
      "mailbox_outlives_connection",
      "get_not_held",
      "get_empty",
      "get_message",
      "push_not_held",
      "push_wrong_length",
      "push_full",
      "push_stored",
      "push_to_nobody",
      "push_to_itself",
      "push_not_held_before_wrong_length",
      "push_wrong_length_before_full",
      "unknown_code",
      "code_of_the_server",
      "unknown_type",
      "too_short",
      "push_too_short",
      "trailing_bytes",
      "text",
      "over_long_push",
      "shut_down",
      "commit_failed",
      "store_unavailable",
      "commits_completed_as_one",
      "durable_told_with_failure",
      "failed_commit_kept",
      "failed_commit_lost",
      "commits_lost_in_crash",
      "paused",
      "resumed",
      "stuck",
      "crashed_with_messages_held",
      "crashed_with_requests_waiting",
      "mailbox_outlives_server",
      "request_lost",
      "reply_lost",
      "connection_made_again",
      "connection_not_made",
      "id_restored",
      "id_taken_on_return",
      "id_restored_after_taken",
      "id_forgotten_on_return",
      "associated_after_refusal",
      "associate_unknown",
      "push_unknown",
      "get_unknown",
      "gave_up_waiting",
      "refused_without_connection",
      "refused_as_too_many",
      "asked_from_callback",
      "asked_when_connected",
      "closed_with_requests_waiting",
      "connected_after_close",
  };
  return rule < Rule::count ? names[static_cast<std::size_t>(rule)] : std::string_view{"unknown"};
}

/// How often each rule decided about something that then was answered, or closed, or happened.
class RuleCounts {
 public:
  void reach(Rule rule, std::uint64_t times = 1) { counts_[static_cast<std::size_t>(rule)] += times; }
  std::uint64_t operator[](Rule rule) const { return counts_[static_cast<std::size_t>(rule)]; }

  RuleCounts& operator+=(const RuleCounts& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      counts_[i] += other.counts_[i];
    }
    return *this;
  }

  friend bool operator==(const RuleCounts&, const RuleCounts&) = default;

 private:
  std::array<std::uint64_t, static_cast<std::size_t>(Rule::count)> counts_{};
};

/// Recognises which rule decides about each request, and counts it when the reply was sent. Whether the reply is right
/// is for ProtocolChecker to say, which must see each entry after this.
class RuleWatch final : public Observer {
 public:
  RuleWatch(RuleCounts& counts, const ProtocolChecker& protocol, ProtocolRules limits)
      : counts_{counts}, protocol_{protocol}, limits_{limits} {}

  void observe(const Entry& entry) override {
    if (std::exchange(just_started_, false)) {
      remember_survivors();
    }
    switch (entry.kind) {
      case EntryKind::opening:
        wires_.insert(entry.connection);
        break;
      case EntryKind::opened_at_server:
        wires_.find(entry.connection)->opened_at_server = true;
        break;
      case EntryKind::sent_by_client:
        wires_.find(entry.connection)->requests_sent += entry.type == MessageType::binary ? 1 : 0;
        break;
      case EntryKind::received_by_server:
        received(entry);
        break;
      case EntryKind::sent_by_server:
        sent(entry);
        break;
      case EntryKind::received_by_client:
        wires_.find(entry.connection)->replies_received += 1;
        break;
      case EntryKind::closed_at_client:
        learn(entry.code);
        end(entry.connection);
        break;
      case EntryKind::closed_at_server:
        if (entry.code == close_code::policy_violation && entry.text == "no reply came in time") {
          counts_.reach(Rule::gave_up_waiting);
        }
        release(entry.connection);
        break;
      case EntryKind::server_crashed:
        crashed();
        break;
      case EntryKind::server_started:
        just_started_ = true;
        break;
      default:
        break;
    }
  }

 private:
  struct Wire {
    Queue<Rule> waiting;
    IdSet held;
    std::uint32_t requests_sent = 0;
    std::uint32_t requests_received = 0;
    std::uint32_t replies_received = 0;
    bool opened_at_server = false;
    bool ended_at_client = false;
    bool ended_at_server = false;
  };

  void received(const Entry& entry) {
    Wire* const wire = wires_.find(entry.connection);
    if (entry.type == MessageType::binary) {
      wire->requests_received += 1;
      const Rule rule = rule_for(entry.connection, entry.bytes);
      wire->waiting.push_back(rule);
      if (rule == Rule::associate_free) {
        wire->held.insert(entry.bytes[2]);
      }
    }
  }

  void sent(const Entry& entry) {
    Wire* const wire = wires_.find(entry.connection);
    if (wire->waiting.empty()) {
      return;
    }
    const Rule rule = wire->waiting.front();
    wire->waiting.pop_front();
    const std::uint8_t id = entry.bytes.size() > 2 ? entry.bytes[2] : std::uint8_t{0};
    if (rule == Rule::associate_free) {
      if (released_.contains(id)) {
        counts_.reach(Rule::ids_released_when_closed);
      }
      IdSet others = wire->held;
      others.erase(id);
      if (!others.empty()) {
        counts_.reach(Rule::several_ids_held);
      }
    } else if (rule == Rule::get_message) {
      if (released_with_mail_.contains(id)) {
        counts_.reach(Rule::mailbox_outlives_connection);
      }
      if (survived_.contains(id)) {
        survived_.erase(id);
        counts_.reach(Rule::mailbox_outlives_server);
      }
    }
    counts_.reach(rule);
  }

  void release(Connection connection) {
    Wire& wire = *wires_.find(connection);
    wire.held.for_each([this](std::uint8_t id) {
      released_.insert(id);
      protocol_.depth(id) > 0 ? released_with_mail_.insert(id) : released_with_mail_.erase(id);
    });
    wire.ended_at_server = true;
    end_if_gone(connection);
  }

  void end(Connection connection) {
    wires_.find(connection)->ended_at_client = true;
    end_if_gone(connection);
  }

  // What was sent by then and has not arrived never will.
  void end_if_gone(Connection connection) {
    const Wire& wire = *wires_.find(connection);
    if (wire.ended_at_client && wire.ended_at_server) {
      counts_.reach(Rule::request_lost, wire.requests_sent - wire.requests_received);
      counts_.reach(Rule::reply_lost, wire.requests_received - wire.replies_received);
      wires_.erase(connection);
    }
  }

  void crashed() {
    if (protocol_.books().held > 0) {
      counts_.reach(Rule::crashed_with_messages_held);
    }
    bool waiting = false;
    wires_.for_each([&waiting](Connection, Wire& wire) {
      waiting = waiting || !wire.waiting.empty();
      wire.waiting.clear();
      wire.ended_at_server = wire.opened_at_server;
    });
    if (waiting) {
      counts_.reach(Rule::crashed_with_requests_waiting);
    }
  }

  // The oldest message of these mailboxes is one that the server before had.
  void remember_survivors() {
    survived_.clear();
    for (std::size_t id = 0; protocol_.books().held > 0 && id < Address::classic_count; ++id) {
      if (protocol_.depth(static_cast<std::uint8_t>(id)) > 0) {
        survived_.insert(static_cast<std::uint8_t>(id));
      }
    }
  }

  void learn(CloseCode code) {
    if (code == close_code::unsupported_data) {
      counts_.reach(Rule::text);
    } else if (code == close_code::going_away) {
      counts_.reach(Rule::shut_down);
    } else if (code == close_code::try_again_later) {
      counts_.reach(Rule::commit_failed);
    }
  }

  Rule rule_for(Connection connection, BytesView request) const {
    if (request.size() < 3) {
      return Rule::too_short;
    }
    if (request[0] > 2) {
      return Rule::unknown_type;
    }
    const bool associate = request[0] == 0 && request[1] == 0;
    const bool get = request[0] == 1 && request[1] == 0;
    const bool push = request[0] == 2 && request[1] == 1;
    if (!associate && !get && !push) {
      return request[1] <= 3 ? Rule::code_of_the_server : Rule::unknown_code;
    }
    if (push) {
      return request.size() < 5 ? Rule::push_too_short : rule_for_push(connection, request);
    }
    if (request.size() > 3) {
      return Rule::trailing_bytes;
    }
    const Connection holder = protocol_.holder(request[2]);
    if (associate) {
      return holder == Connection{} ? Rule::associate_free
             : holder == connection ? Rule::associate_held_by_itself
                                    : Rule::associate_held_by_another;
    }
    if (holder != connection) {
      return Rule::get_not_held;
    }
    if (!protocol_.store_available()) {
      return Rule::store_unavailable;
    }
    return protocol_.depth(request[2]) == 0 ? Rule::get_empty : Rule::get_message;
  }

  Rule rule_for_push(Connection connection, BytesView request) const {
    const bool wrong_length = request[4] == 255 || request.size() - 5 != request[4];
    const bool full = protocol_.depth(request[3]) >= limits_.mailbox_messages_max;
    if (protocol_.holder(request[2]) != connection) {
      return wrong_length ? Rule::push_not_held_before_wrong_length : Rule::push_not_held;
    }
    if (wrong_length) {
      return request.size() > 259 ? Rule::over_long_push
             : full               ? Rule::push_wrong_length_before_full
                                  : Rule::push_wrong_length;
    }
    if (!protocol_.store_available()) {
      return Rule::store_unavailable;
    }
    if (full) {
      return Rule::push_full;
    }
    if (!protocol_.held(request[3])) {
      return Rule::push_to_nobody;
    }
    return request[2] == request[3] ? Rule::push_to_itself : Rule::push_stored;
  }

  RuleCounts& counts_;
  const ProtocolChecker& protocol_;
  ProtocolRules limits_;
  ConnectionTable<Wire> wires_;
  /// Ids whose holder's connection closed, and those whose mailbox held something then.
  IdSet released_;
  IdSet released_with_mail_;
  /// Mailboxes with messages that a server found when it started.
  IdSet survived_;
  bool just_started_ = false;
};

}  // namespace restante::sim
