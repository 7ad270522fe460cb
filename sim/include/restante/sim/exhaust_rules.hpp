// Which rules of the protocol were put to the test.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <restante/sim/connection_table.hpp>
#include <restante/sim/protocol_checker.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/trace.hpp>

namespace restante::sim {

/// The rules of docs/protocol.md, each with the cases that it distinguishes.
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
  };
  return rule < Rule::count ? names[static_cast<std::size_t>(rule)] : std::string_view{"unknown"};
}

/// How often each rule decided about something that then was answered, or closed.
class RuleCounts {
 public:
  void reach(Rule rule) { ++counts_[static_cast<std::size_t>(rule)]; }
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
    switch (entry.kind) {
      case EntryKind::opened_at_server:
        connections_.insert(entry.connection);
        break;
      case EntryKind::received_by_server:
        if (State* const state = connections_.find(entry.connection); state != nullptr) {
          if (entry.type == MessageType::binary) {
            state->waiting.push_back(rule_for(entry.connection, entry.bytes));
          }
        }
        break;
      case EntryKind::sent_by_server:
        sent(entry);
        break;
      case EntryKind::closed_at_server:
        closed(entry.connection);
        break;
      case EntryKind::closed_at_client:
        learn(entry.code);
        break;
      case EntryKind::server_crashed:
        connections_.clear();
        break;
      default:
        break;
    }
  }

 private:
  struct State {
    Queue<Rule> waiting;
    std::uint32_t ids_held = 0;
  };

  void sent(const Entry& entry) {
    State* const state = connections_.find(entry.connection);
    if (state == nullptr || state->waiting.empty()) {
      return;
    }
    const Rule rule = state->waiting.front();
    state->waiting.pop_front();
    const std::uint8_t id = entry.bytes.size() > 2 ? entry.bytes[2] : std::uint8_t{0};
    if (rule == Rule::associate_free) {
      if (released_.test(id)) {
        counts_.reach(Rule::ids_released_when_closed);
      }
      if (++state->ids_held > 1) {
        counts_.reach(Rule::several_ids_held);
      }
    } else if (rule == Rule::get_message && released_since_push_.test(id)) {
      counts_.reach(Rule::mailbox_outlives_connection);
    }
    counts_.reach(rule);
  }

  void closed(Connection connection) {
    for (std::size_t id = 0; id < released_.size(); ++id) {
      if (protocol_.holder(static_cast<std::uint8_t>(id)) == connection) {
        released_.set(id);
        released_since_push_.set(id, protocol_.depth(static_cast<std::uint8_t>(id)) > 0);
      }
    }
    connections_.erase(connection);
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
  ConnectionTable<State> connections_;
  /// Ids whose holder's connection closed, and those whose mailbox held something then.
  std::bitset<256> released_;
  std::bitset<256> released_since_push_;
};

}  // namespace restante::sim
