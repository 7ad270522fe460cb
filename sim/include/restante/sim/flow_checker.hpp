// Does the server give slow readers the time that it should? Judged by the events that it tells its owner.
#pragma once

#include <string_view>
#include <variant>

#include <restante/event.hpp>
#include <restante/sim/connection_table.hpp>
#include <restante/sim/report.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// Checks that a connection is closed as stuck only when it was paused, and has been for MessengerOptions::stuck_after.
class FlowChecker {
 public:
  FlowChecker(Findings& findings, Duration stuck_after) : findings_{findings}, stuck_after_{stuck_after} {}

  void observe(SteadyTime time, const Event& event) {
    if (const auto* paused = std::get_if<event::ConnectionPaused>(&event)) {
      findings_.sometimes.reach(Sometimes::connection_paused);
      paused_at_.insert(paused->connection) = time;
    } else if (const auto* resumed = std::get_if<event::ConnectionResumed>(&event)) {
      paused_at_.erase(resumed->connection);
    } else if (const auto* gone = std::get_if<event::ConnectionClosed>(&event)) {
      paused_at_.erase(gone->connection);
    } else if (const auto* refused = std::get_if<event::ConnectionRefused>(&event);
               refused != nullptr && refused->code == close_code::policy_violation) {
      findings_.sometimes.reach(Sometimes::connection_stuck);
      const SteadyTime* const paused_at = paused_at_.find(refused->connection);
      if (paused_at == nullptr) {
        findings_.violation(checker_name, time, "a connection was closed as stuck that was not paused");
      } else if (time < after(*paused_at, stuck_after_)) {
        findings_.violation(checker_name, time, "a connection was closed as stuck before its time");
      }
    }
  }

  /// A server that starts knows of no connection.
  void server_crashed() { paused_at_.clear(); }

 private:
  static constexpr std::string_view checker_name = "flow";

  Findings& findings_;
  Duration stuck_after_;
  ConnectionTable<SteadyTime> paused_at_;
};

}  // namespace restante::sim
