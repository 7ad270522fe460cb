#include "shrink.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <restante/sim/plan.hpp>

#include "guarded_run.hpp"
#include "run_command.hpp"
#include "scenario_fields.hpp"
#include "scenario_file.hpp"
#include "text.hpp"

namespace restante_sim {
namespace {

using restante::Duration;
using restante::sim::Action;
using restante::sim::ActionKind;
using restante::sim::ClientGroup;
using restante::sim::Expectation;
using restante::sim::Outcome;
using restante::sim::RunResult;
using restante::sim::Scenario;

// A scenario of actions alone, whose groups are one client each.
class Shrinker {
 public:
  Shrinker(Shrunk start, std::uint64_t seed, std::uint64_t runs_max, const std::function<void(const Shrunk&)>& progress)
      : best_{std::move(start)}, seed_{seed}, runs_max_{runs_max}, progress_{progress} {}

  Shrunk run() {
    bool shorter = true;
    while (shorter && best_.runs < runs_max_) {
      shorter = false;
      shorter |= shorten_duration();
      shorter |= leave_out_clients();
      shorter |= leave_out_kinds();
      shorter |= leave_out_actions();
      shorter |= leave_out_healing();
    }
    return std::move(best_);
  }

 private:
  // Takes a shorter scenario if it fails in the same way.
  bool try_out(Scenario candidate) {
    if (best_.runs >= runs_max_) {
      return false;
    }
    ++best_.runs;
    RunResult result = guarded_run(candidate, seed_);
    if (failure_of(candidate, result) != best_.failure) {
      return false;
    }
    best_.scenario = std::move(candidate);
    best_.result = std::move(result);
    if (progress_) {
      progress_(best_);
    }
    return true;
  }

  // Half as long, as often as that works; then just as long as there is something to do.
  bool shorten_duration() {
    bool shorter = false;
    while (try_duration(best_.scenario.duration / 2)) {
      shorter = true;
    }
    Duration last{};
    for (const Action& action : best_.scenario.actions) {
      last = std::max(last, action.at);
    }
    // A round number above it reads better.
    const Duration second = std::chrono::seconds{1};
    const Duration enough = (last / second + 1) * second;
    return (enough < best_.scenario.duration && try_duration(enough)) || shorter;
  }

  bool try_duration(Duration duration) {
    if (duration < std::chrono::milliseconds{1}) {
      return false;
    }
    Scenario candidate = best_.scenario;
    candidate.duration = duration;
    std::erase_if(candidate.actions, [duration](const Action& action) { return action.at >= duration; });
    return try_out(std::move(candidate));
  }

  bool leave_out_clients() {
    return leave_out(
        [this] { return best_.scenario.groups.size(); },
        [this](std::size_t begin, std::size_t end) { return without_clients(best_.scenario, begin, end); });
  }

  static std::optional<Scenario> without_clients(Scenario scenario, std::size_t begin, std::size_t end) {
    if (end - begin == scenario.groups.size()) {
      return std::nullopt;
    }
    std::erase_if(scenario.actions, [begin, end](const Action& action) {
      return concerns_client(action.kind) && action.client >= begin && action.client < end;
    });
    for (Action& action : scenario.actions) {
      if (concerns_client(action.kind) && action.client >= end) {
        action.client -= static_cast<std::uint32_t>(end - begin);
      }
    }
    scenario.groups.erase(scenario.groups.begin() + static_cast<std::ptrdiff_t>(begin),
                          scenario.groups.begin() + static_cast<std::ptrdiff_t>(end));
    return scenario;
  }

  bool leave_out_kinds() {
    bool shorter = false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(ActionKind::count); ++i) {
      Scenario candidate = best_.scenario;
      const std::size_t left_out = std::erase_if(
          candidate.actions, [i](const Action& action) { return action.kind == static_cast<ActionKind>(i); });
      if (left_out > 0) {
        shorter |= try_out(std::move(candidate));
      }
    }
    return shorter;
  }

  bool leave_out_actions() {
    return leave_out([this] { return best_.scenario.actions.size(); },
                     [this](std::size_t begin, std::size_t end) -> std::optional<Scenario> {
                       Scenario scenario = best_.scenario;
                       scenario.actions.erase(scenario.actions.begin() + static_cast<std::ptrdiff_t>(begin),
                                              scenario.actions.begin() + static_cast<std::ptrdiff_t>(end));
                       return scenario;
                     });
  }

  // Delta debugging: tries to do without each of ever smaller pieces, from the end, where what is left out changes
  // nothing that came before.
  template <class Size, class Without>
  bool leave_out(Size size, Without without) {
    bool shorter = false;
    for (std::size_t piece = size(); piece > 0; piece /= 2) {
      for (std::size_t end = size(); end > 0;) {
        const std::size_t begin = end > piece ? end - piece : 0;
        if (std::optional<Scenario> candidate = without(begin, end); candidate) {
          shorter |= try_out(std::move(*candidate));
        }
        end = begin;
      }
    }
    return shorter;
  }

  // What broke an invariant has to do so before everything heals.
  bool leave_out_healing() {
    if (best_.failure.outcome != Outcome::violated || best_.scenario.heals_within == Duration::zero()) {
      return false;
    }
    Scenario candidate = best_.scenario;
    candidate.heals_within = {};
    return try_out(std::move(candidate));
  }

  Shrunk best_;
  std::uint64_t seed_;
  std::uint64_t runs_max_;
  const std::function<void(const Shrunk&)>& progress_;
};

std::string size_text(const Scenario& scenario) {
  return counted(scenario.groups.size(), "client") + ", " + counted(scenario.actions.size(), "action") + ", " +
         rounded(scenario.duration);
}

std::string comment_of(const ShrinkCommand& command, const std::string& name, const Shrunk& shrunk) {
  std::string comment = "Made from " + name + " with seed " + std::to_string(command.seed) +
                        ", by leaving out what did not matter. It fails with the same seed:\n" +
                        findings(shrunk.result, "  ");
  comment.resize(comment.find_last_not_of('\n') + 1);
  return comment;
}

}  // namespace

Scenario as_actions(const Scenario& scenario, std::uint64_t seed) {
  restante::sim::Plan plan = restante::sim::make_plan(scenario, seed);
  Scenario written = scenario;
  written.only_actions = true;
  written.faults = {};
  written.groups.clear();
  for (const restante::sim::PlannedClient& client : plan.clients) {
    const ClientGroup& group = scenario.groups[client.group];
    ClientGroup one;
    one.name = client.name;
    one.id = client.id;
    one.link = group.link;
    one.raw = group.raw;
    // Who ever looks into his mailbox is to find it empty at the end.
    one.get_every = group.get_every;
    written.groups.push_back(std::move(one));
  }
  written.actions = std::move(plan.actions);
  return written;
}

std::optional<Failure> failure_of(const Scenario& scenario, const RunResult& result) {
  if (!result.violations.empty()) {
    return Failure{Outcome::violated, result.violations.front().checker};
  }
  if (!result.liveness_failures.empty()) {
    return Failure{Outcome::not_live, result.liveness_failures.front().checker};
  }
  for (const auto& [name, expectation] : scenario.expectations) {
    if (value_of(result, name).value_or(0) > expectation.max) {
      return Failure{Outcome::unexpected, name};
    }
  }
  return std::nullopt;
}

std::optional<Shrunk> shrink(const Scenario& scenario, std::uint64_t seed, std::uint64_t runs_max,
                             const std::function<void(const Shrunk&)>& progress) {
  Shrunk start;
  start.scenario = as_actions(scenario, seed);
  start.result = guarded_run(start.scenario, seed);
  start.runs = 1;
  const std::optional<Failure> failure = failure_of(scenario, start.result);
  if (!failure) {
    return std::nullopt;
  }
  start.failure = *failure;
  // Others would only say that a shorter run is a shorter run.
  start.scenario.expectations.clear();
  if (failure->outcome == Outcome::unexpected) {
    start.scenario.expectations[failure->subject].max = scenario.expectations.at(failure->subject).max;
  }
  return Shrinker{std::move(start), seed, runs_max, progress}.run();
}

ExitCode shrink_command(const ShrinkCommand& command) {
  const Scenario scenario = load_scenario(command.file);
  std::string last;
  const auto progress = [&last](const Shrunk& shrunk) {
    const std::string size = size_text(shrunk.scenario);
    if (size != last) {
      std::cerr << with_commas(shrunk.runs) << " runs: " << size << "\n";
      last = size;
    }
  };
  std::optional<Shrunk> shrunk = shrink(scenario, command.seed, command.runs_max, progress);
  if (!shrunk) {
    std::cerr << scenario.name << " with seed " << command.seed
              << ": nothing to make shorter: no checker complains, and nothing happened more often than expected\n";
    return ExitCode::usage;
  }
  shrunk->scenario.description = "";
  shrunk->scenario.name = scenario.name + ", made shorter";
  const std::string text = to_toml(shrunk->scenario, comment_of(command, scenario.name, *shrunk));
  if (command.output.empty()) {
    std::cout << text;
  } else {
    std::ofstream file{command.output, std::ios::binary};
    file << text;
    file.close();
    if (!file) {
      throw std::runtime_error{command.output + " could not be written"};
    }
  }
  std::cerr << "After " << with_commas(shrunk->runs) << " runs: " << size_text(shrunk->scenario) << "\n"
            << findings(shrunk->result, "  ");
  if (!command.output.empty()) {
    std::cerr << "  again: " << replay_command(command.program, command.output, command.seed) << "\n";
  }
  return ExitCode::held;
}

}  // namespace restante_sim
