// Runs a plan, heals everything, and says what came of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <restante/sim/perform.hpp>
#include <restante/sim/plan.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/scenario.hpp>
#include <restante/sim/simulation.hpp>
#include <restante/sim/trace.hpp>

namespace restante::sim {

/// How a run ended, worst last.
enum class Outcome : std::uint8_t {
  held,
  /// An expectation of the scenario was not met.
  unexpected,
  /// Something did not come about after everything had healed.
  not_live,
  /// Something happened that must not.
  violated,
};

struct RunResult {
  Outcome outcome = Outcome::held;
  std::vector<Violation> violations;
  std::vector<Violation> liveness_failures;
  /// What the scenario expected and did not come.
  std::vector<std::string> unmet;
  Totals totals;
  SometimesCounts sometimes;
  /// By client.
  std::vector<ClientTotals> clients;
  /// 0 where nobody asked for it.
  std::uint64_t trace_hash = 0;
  /// How long it took until everybody had what he wanted after everything had healed.
  Duration healed_after{};
};

struct RunOptions {
  /// Computes RunResult::trace_hash, which takes time.
  bool hash = false;
  /// Sees everything.
  std::vector<Observer*> observers = {};
};

namespace detail {

/// Does what a plan says.
class Execution {
 public:
  Execution(const Scenario& scenario, const Plan& plan, std::uint64_t seed, const RunOptions& options)
      : scenario_{scenario},
        plan_{plan},
        options_{options},
        simulation_{{.seed = seed,
                     .link = scenario.link,
                     .mailbox_messages_max = scenario.mailbox_messages_max,
                     .payload_bytes_max = scenario.payload_bytes_max,
                     .waiting_bytes_max = scenario.waiting_bytes_max,
                     .stuck_after = scenario.stuck_after,
                     .limits = limits_of(scenario),
                     .disk = scenario.disk}},
        performer_{simulation_} {
    if (options.hash) {
      simulation_.add_observer(hash_);
    }
    for (Observer* const observer : options.observers) {
      simulation_.add_observer(*observer);
    }
    for (const PlannedClient& client : plan.clients) {
      const ClientGroup& group = scenario.groups[client.group];
      ClientSetup setup{
          .id = client.id, .link = group.link, .raw = group.raw, .asks_on_return = group.get_every > Duration::zero()};
      setup.options.requests_max = group.requests_max;
      setup.options.reply_timeout = group.reply_timeout;
      if (group.speaks_v2()) {
        setup.correspondent = correspondent_of(group, client);
      }
      simulation_.add_client(std::move(setup));
      has_reader_.push_back(group.get_every > Duration::zero());
    }
  }

  RunResult run() {
    schedule_next();
    simulation_.run_until(SteadyTime{} + scenario_.duration);
    if (scenario_.heals_within > Duration::zero()) {
      heal();
      check_liveness();
    }
    return result();
  }

 private:
  static Limits limits_of(const Scenario& scenario) {
    Limits limits;
    limits.mailbox_messages_max = scenario.address_messages_max;
    limits.sender_messages_max = scenario.sender_messages_max;
    limits.room_messages_max = scenario.room_messages_max;
    return limits;
  }

  static CorrespondentSetup correspondent_of(const ClientGroup& group, const PlannedClient& client) {
    return {.address = client.address,
            .rooms = group.rooms,
            .keeps_offsets = group.keeps_offsets,
            .keeps_outbox = group.keeps_outbox,
            .storage_fails_every = group.storage_fails_every,
            .asks_receipts = group.asks_receipts,
            .handles_for = group.handles_for,
            .time_to_live = group.time_to_live,
            .reply_timeout = group.reply_timeout,
            .pushes_per_receiver_max = group.pushes_per_receiver_max,
            .messages_in_hand_max = group.messages_in_hand_max,
            .fetch_bytes_max = group.fetch_bytes_max};
  }

  // One event of the network at a time, however long the plan.
  void schedule_next() {
    if (next_ < plan_.actions.size()) {
      simulation_.network().timeline().at(
          SteadyTime{} + plan_.actions[next_].at, [this] { act_now(); }, EventWeight::deadline);
    }
  }

  void act_now() {
    while (next_ < plan_.actions.size() && SteadyTime{} + plan_.actions[next_].at <= simulation_.now()) {
      performer_.perform(plan_.actions[next_++]);
    }
    schedule_next();
  }

  // Everything that was broken works, everybody is there, and nobody pushes any more.
  void heal() {
    healing_from_ = simulation_.now();
    simulation_.note("everything heals");
    if (Disk* const disk = simulation_.disk(); disk != nullptr) {
      disk->heal();
    }
    // Whatever is to be done to the server happens in an event of the network.
    simulation_.network().timeline().at(simulation_.now(), [this] {
      simulation_.set_server_frozen(false);
      simulation_.start_server();
    });
    for (const std::unique_ptr<SimulatedClient>& client : simulation_.clients()) {
      simulation_.set_partitioned(*client, Direction::to_server, false);
      simulation_.set_partitioned(*client, Direction::to_client, false);
      simulation_.set_stalled(*client, Direction::to_server, false);
      simulation_.set_stalled(*client, Direction::to_client, false);
      client->resume_reading();
      client->heal_storage();
      if (client->is_raw()) {
        client->disconnect();
      } else {
        client->connect();
      }
    }
  }

  void check_liveness() {
    const SteadyTime deadline = after(simulation_.now(), scenario_.heals_within);
    bool quiet = false;
    do {
      run_until_satisfied(deadline);
      healed_after_ = simulation_.now() - healing_from_;
      // What was still on its way may be another message for somebody.
      quiet = simulation_.run_until_quiet(std::chrono::minutes{2});
    } while (quiet && !satisfied() && simulation_.now() < deadline);
    tell_unsatisfied();
    if (quiet) {
      simulation_.check_quiet();
    } else {
      simulation_.findings().liveness_failure("network", simulation_.now(), "the network does not fall quiet");
    }
  }

  void run_until_satisfied(SteadyTime deadline) {
    while (simulation_.now() < deadline && !satisfied()) {
      for (const std::unique_ptr<SimulatedClient>& client : simulation_.clients()) {
        if (client->associated() && client->requests() == 0 && reads(*client) && !client->is_raw()) {
          client->get(true);
        }
      }
      simulation_.run_until(std::min(after(simulation_.now(), std::chrono::milliseconds{500}), deadline));
    }
  }

  bool reads(const SimulatedClient& client) const { return has_reader_[client.index()]; }

  bool satisfied() {
    for (const std::unique_ptr<SimulatedClient>& client : simulation_.clients()) {
      if (const TappedCorrespondent* const correspondent = client->correspondent(); correspondent != nullptr) {
        if (!has_all(*client)) {
          return false;
        }
      } else if (!client->is_raw() && (!simulation_.protocol().held(client->id()) || !drained(*client))) {
        return false;
      }
    }
    return true;
  }

  // Everybody has what was for him, and knows what became of what he pushed.
  bool has_all(const SimulatedClient& client) {
    return client.correspondent()->outbox_messages() == 0 && simulation_.is_caught_up(client);
  }

  bool drained(const SimulatedClient& client) const {
    return !reads(client) || simulation_.protocol().depth(client.id()) == 0;
  }

  void tell_unsatisfied() {
    for (const std::unique_ptr<SimulatedClient>& client : simulation_.clients()) {
      if (client->is_raw()) {
        continue;
      }
      if (const TappedCorrespondent* const correspondent = client->correspondent(); correspondent != nullptr) {
        if (!has_all(*client)) {
          simulation_.findings().liveness_failure("liveness", simulation_.now(),
                                                  correspondent->setup().address + " has not got what was for it");
        }
        continue;
      }
      const std::string id = std::to_string(client->id());
      if (!simulation_.protocol().held(client->id())) {
        simulation_.findings().liveness_failure("liveness", simulation_.now(),
                                                "id " + id + " is wanted and found no holder");
      } else if (!drained(*client)) {
        simulation_.findings().liveness_failure("liveness", simulation_.now(),
                                                "the mailbox of " + id + " did not get empty");
      }
    }
  }

  RunResult result();

  const Scenario& scenario_;
  const Plan& plan_;
  const RunOptions& options_;
  Simulation simulation_;
  TraceHash hash_;
  Performer performer_;
  std::vector<bool> has_reader_;
  std::size_t next_ = 0;
  SteadyTime healing_from_{};
  Duration healed_after_{};
};

}  // namespace detail

/// The value of a number of a run by its name, as expectations use it; nothing for a name that there is not.
inline std::optional<std::uint64_t> value_of(const RunResult& result, std::string_view wanted) {
  for (const NamedNumber& number : numbers_of(result.totals)) {
    if (number.name == wanted) {
      return number.value;
    }
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    if (name(static_cast<Sometimes>(i)) == wanted) {
      return result.sometimes[static_cast<Sometimes>(i)];
    }
  }
  return std::nullopt;
}

inline RunResult detail::Execution::result() {
  RunResult result;
  Findings& findings = simulation_.findings();
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    for (const std::unique_ptr<SimulatedClient>& client : simulation_.clients()) {
      const LinkCounters counters = client->transport().counters(direction);
      if (client->transport().link().kind == LinkKind::datagram) {
        findings.totals.datagrams_lost += counters.lost;
        findings.totals.datagrams_doubled += counters.duplicated;
      }
      if (counters.sent + counters.duplicated < counters.delivered + counters.lost) {
        findings.violation("network", simulation_.now(), "a link delivered more than was sent");
      }
    }
  }
  result.violations = findings.violations();
  result.liveness_failures = findings.liveness_failures();
  result.totals = findings.totals;
  result.sometimes = findings.sometimes;
  for (const std::unique_ptr<SimulatedClient>& client : simulation_.clients()) {
    result.clients.push_back(client->totals());
  }
  result.trace_hash = options_.hash ? hash_.value() : 0;
  result.healed_after = healed_after_;
  for (const auto& [name, expectation] : scenario_.expectations) {
    const std::optional<std::uint64_t> value = value_of(result, name);
    if (!value || *value < expectation.min || *value > expectation.max) {
      result.unmet.push_back(name + " is " + (value ? std::to_string(*value) : "unknown") + ", expected " +
                             std::to_string(expectation.min) +
                             (expectation.max == UINT64_MAX        ? " or more"
                              : expectation.max == expectation.min ? ""
                                                                   : " to " + std::to_string(expectation.max)));
    }
  }
  result.outcome = !result.violations.empty()          ? Outcome::violated
                   : !result.liveness_failures.empty() ? Outcome::not_live
                   : !result.unmet.empty()             ? Outcome::unexpected
                                                       : Outcome::held;
  return result;
}

/// Runs a plan that was made from this scenario, or from a shorter version of it, with the seed that decides what links
/// do.
inline RunResult run(const Scenario& scenario, const Plan& plan, std::uint64_t seed, const RunOptions& options = {}) {
  return detail::Execution{scenario, plan, seed, options}.run();
}

/// Makes the plan and runs it.
inline RunResult run(const Scenario& scenario, std::uint64_t seed, const RunOptions& options = {}) {
  return run(scenario, make_plan(scenario, seed), seed, options);
}

}  // namespace restante::sim
