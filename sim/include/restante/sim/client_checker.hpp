// Do clients keep to what Client promises? Judged by what goes over their end of the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <restante/sim/connection_table.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// Checks, for each client that uses the library's Client: that it claims its id on each connection before it asks for
/// anything else; that it never finds a reply impossible, which the server's checker found right; that it gives up a
/// connection for want of a reply only when it has waited for one as long as it should.
class ClientChecker final : public Observer {
 public:
  explicit ClientChecker(Findings& findings) : findings_{findings} {}

  struct Habits {
    /// ClientOptions::reply_timeout.
    Duration reply_timeout{};
    /// Its program asks for nothing before it has claimed an id.
    bool claims_first = true;
  };

  /// Judges this client from now on.
  void judge(ClientIndex client, Habits habits) {
    if (client >= judged_.size()) {
      judged_.resize(std::size_t{client} + 1);
    }
    judged_[client] = habits;
  }

  void observe(const Entry& entry) override {
    switch (entry.kind) {
      case EntryKind::opening:
        if (entry.client < judged_.size() && judged_[entry.client]) {
          connections_.insert(entry.connection).habits = *judged_[entry.client];
        }
        break;
      case EntryKind::sent_by_client:
        sent(entry);
        break;
      case EntryKind::received_by_client:
        if (State* const state = connections_.find(entry.connection); state != nullptr && !state->waiting.empty()) {
          state->waiting.pop_front();
        }
        break;
      case EntryKind::closed_at_server:
        closed_at_server(entry);
        break;
      default:
        break;
    }
  }

 private:
  struct State {
    Habits habits;
    bool asked = false;
    /// When each request was sent that has no reply yet.
    Queue<SteadyTime> waiting;
  };

  static constexpr std::string_view checker_name = "client";

  void sent(const Entry& entry) {
    State* const state = connections_.find(entry.connection);
    if (state == nullptr) {
      return;
    }
    if (state->habits.claims_first && !state->asked &&
        !(entry.bytes.size() == 3 && entry.bytes[0] == 0 && entry.bytes[1] == 0)) {
      findings_.violation(checker_name, entry.time, "a client asked for something before it claimed its id");
    }
    state->asked = true;
    state->waiting.push_back(entry.time);
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
        (state->waiting.empty() || entry.time < after(state->waiting.front(), state->habits.reply_timeout))) {
      findings_.violation(checker_name, entry.time, "a client gave up before it had waited long enough for a reply");
    }
    connections_.erase(entry.connection);
  }

  Findings& findings_;
  std::vector<std::optional<Habits>> judged_;
  ConnectionTable<State> connections_;
};

}  // namespace restante::sim
