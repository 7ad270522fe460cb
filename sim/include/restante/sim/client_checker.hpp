// Do clients keep to what Client promises? Judged by what goes over their end of the wire.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/client_options.hpp>
#include <restante/sim/connection_table.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// Checks, for each client that uses the library's Client: that it claims its id on each connection before it asks for
/// anything else, and not twice at once; that it has no more requests under way than it may; that it never finds a
/// reply impossible, which the server's checker found right, and tells of it what it says; that it gives up a
/// connection for want of a reply when it has waited for one as long as it should, and not before.
class ClientChecker final : public Observer {
 public:
  explicit ClientChecker(Findings& findings) : findings_{findings} {}

  struct Habits {
    /// ClientOptions::reply_timeout.
    Duration reply_timeout{};
    /// ClientOptions::requests_max.
    std::size_t requests_max = std::numeric_limits<std::size_t>::max();
    /// Its program asks for nothing before it has claimed an id.
    bool claims_first = true;
    /// Its program does not claim an id again while it waits to hear of it.
    bool claims_once = true;
    /// Its timer comes when it is due, and not at any time after.
    bool is_on_time = true;
  };

  /// Of a client of which nothing is known but its options, which are the usual ones.
  static Habits any_habits() {
    return {.reply_timeout = ClientOptions{}.reply_timeout,
            .claims_first = false,
            .claims_once = false,
            .is_on_time = false};
  }

  /// Judges this client from now on.
  void judge(ClientIndex client, Habits habits) {
    if (client >= judged_.size()) {
      judged_.resize(std::size_t{client} + 1);
    }
    judged_[client].habits = habits;
  }

  /// Compares what a client was told with what came over its wire. A client that is not judged is never wrong.
  void check_told(SteadyTime time, ClientIndex client, const ClientTotals& told) {
    if (client >= judged_.size() || !judged_[client].habits) {
      return;
    }
    const Replies& replies = judged_[client].replies;
    if (told.accepted != replies.accepted || told.mailbox_full != replies.mailbox_full ||
        told.messages != replies.messages || told.found_empty != replies.empty) {
      findings_.violation(checker_name, time,
                          "a client was told something else than what came: " + std::to_string(told.accepted) +
                              " accepted, " + std::to_string(told.mailbox_full) + " full, " +
                              std::to_string(told.messages) + " messages, " + std::to_string(told.found_empty) +
                              " empty; true are " + std::to_string(replies.accepted) + ", " +
                              std::to_string(replies.mailbox_full) + ", " + std::to_string(replies.messages) + ", " +
                              std::to_string(replies.empty));
    }
  }

  void observe(const Entry& entry) override {
    switch (entry.kind) {
      case EntryKind::opening:
        if (entry.client < judged_.size() && judged_[entry.client].habits) {
          connections_.insert(entry.connection).client = entry.client;
        }
        break;
      case EntryKind::sent_by_client:
        sent(entry);
        break;
      case EntryKind::received_by_client:
        received(entry);
        break;
      case EntryKind::closed_at_server:
        closed_at_server(entry);
        break;
      default:
        break;
    }
  }

 private:
  // How many of each kind came.
  struct Replies {
    std::uint64_t accepted = 0;
    std::uint64_t mailbox_full = 0;
    std::uint64_t messages = 0;
    std::uint64_t empty = 0;
  };

  struct Judged {
    std::optional<Habits> habits;
    Replies replies = {};
  };

  struct Asked {
    bool is_claim = false;
    std::uint8_t id = 0;
  };

  struct State {
    ClientIndex client = no_client;
    bool asked = false;
    /// The requests that have no reply yet.
    Queue<Asked> waiting;
    /// Ids that are claimed and not yet answered for.
    std::bitset<256> claimed;
    /// Since when the oldest of them waits: since it was sent, or since the reply before its own came.
    SteadyTime waiting_since{};
  };

  static constexpr std::string_view checker_name = "client";

  void sent(const Entry& entry) {
    State* const state = connections_.find(entry.connection);
    if (state == nullptr) {
      return;
    }
    const Habits& habits = *judged_[state->client].habits;
    const bool is_claim = entry.bytes.size() == 3 && entry.bytes[0] == 0 && entry.bytes[1] == 0;
    if (habits.claims_first && !state->asked && !is_claim) {
      findings_.violation(checker_name, entry.time, "a client asked for something before it claimed its id");
    }
    if (habits.claims_once && is_claim && state->claimed[entry.bytes[2]]) {
      findings_.violation(checker_name, entry.time, "a client claimed an id while it waited for the reply to a claim");
    }
    if (!is_claim && state->waiting.size() >= habits.requests_max) {
      findings_.violation(checker_name, entry.time, "a client had more requests under way than it may");
    }
    if (state->waiting.empty()) {
      state->waiting_since = entry.time;
    }
    state->asked = true;
    if (is_claim) {
      state->claimed.set(entry.bytes[2]);
    }
    state->waiting.push_back({is_claim, is_claim ? entry.bytes[2] : std::uint8_t{0}});
  }

  void received(const Entry& entry) {
    // Also what comes after the server has closed the connection.
    if (entry.client < judged_.size()) {
      count(entry.bytes, judged_[entry.client].replies);
    }
    State* const state = connections_.find(entry.connection);
    if (state == nullptr || state->waiting.empty()) {
      return;
    }
    const Habits& habits = *judged_[state->client].habits;
    if (habits.is_on_time && entry.time > after(state->waiting_since, habits.reply_timeout)) {
      findings_.violation(checker_name, entry.time, "a client waited longer for a reply than it should");
    }
    state->waiting_since = entry.time;
    if (state->waiting.front().is_claim) {
      state->claimed.reset(state->waiting.front().id);
    }
    state->waiting.pop_front();
  }

  static void count(BytesView reply, Replies& replies) {
    if (reply.size() < 3) {
      return;
    }
    const unsigned kind = reply[0] * 16U + reply[1];
    replies.accepted += kind == 0x12U ? 1 : 0;
    replies.mailbox_full += kind == 0x13U ? 1 : 0;
    replies.messages += kind == 0x20U ? 1 : 0;
    replies.empty += kind == 0x11U ? 1 : 0;
  }

  // What the server learns is what the client said.
  void closed_at_server(const Entry& entry) {
    const State* const state = connections_.find(entry.connection);
    if (state == nullptr) {
      return;
    }
    if (entry.code == close_code::protocol_error) {
      findings_.violation(checker_name, entry.time, "a client took a reply for one that it had not asked for");
    }
    if (entry.code == close_code::policy_violation && entry.text == "no reply came in time" &&
        (state->waiting.empty() ||
         entry.time < after(state->waiting_since, judged_[state->client].habits->reply_timeout))) {
      findings_.violation(checker_name, entry.time, "a client gave up before it had waited long enough for a reply");
    }
    connections_.erase(entry.connection);
  }

  Findings& findings_;
  std::vector<Judged> judged_;
  ConnectionTable<State> connections_;
};

}  // namespace restante::sim
