#include "shrink.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <restante/memory/random.hpp>
#include <restante/sim/plan.hpp>
#include <restante/sim/scenario_fields.hpp>

#include "guarded_run.hpp"
#include "run_command.hpp"
#include "scenario_file.hpp"
#include "text.hpp"
#include "usual.hpp"

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
using restante::sim::detail::concerns_client;

// A scenario of actions alone, whose groups are one client each.
class Shrinker {
 public:
  Shrinker(Shrunk start, std::uint64_t runs_max, const std::function<void(const Shrunk&)>& progress)
      : best_{std::move(start)}, runs_max_{runs_max}, progress_{progress} {}

  // First what happens at all, then how: two things that were moved together are hard to tell apart.
  Shrunk run() {
    while (best_.runs < runs_max_ && (leave_out() || leave_as_usual() || leave_out_at_random() || make_round())) {
    }
    return std::move(best_);
  }

 private:
  // Takes a shorter scenario if it fails in the same way: with the same seed, or as luck is another one where less
  // happens, with one of the first.
  bool try_out(const Scenario& candidate) {
    if (try_out(candidate, best_.seed)) {
      return true;
    }
    for (std::uint64_t seed = 1; seed <= other_seeds; ++seed) {
      if (seed != best_.seed && try_out(candidate, seed)) {
        return true;
      }
    }
    return false;
  }

  bool try_out(const Scenario& candidate, std::uint64_t seed) {
    if (best_.runs >= runs_max_) {
      return false;
    }
    ++best_.runs;
    RunResult result = guarded_run(candidate, seed);
    if (failure_of(candidate, result) != best_.failure) {
      return false;
    }
    best_.scenario = candidate;
    best_.seed = seed;
    best_.result = std::move(result);
    if (progress_) {
      progress_(best_);
    }
    return true;
  }

  bool leave_out() {
    bool shorter = shorten_duration();
    shorter |= leave_out_clients();
    shorter |= leave_out_kinds();
    shorter |= leave_out_actions();
    shorter |= leave_out_healing();
    shorter |= use_first_seed();
    return shorter;
  }

  bool make_round() {
    const bool shorter = close_gaps();
    return round_times() || shorter;
  }

  // As short as it goes.
  bool shorten_duration() {
    for (const Duration duration : round_durations) {
      if (duration >= best_.scenario.duration) {
        break;
      }
      Scenario candidate = best_.scenario;
      candidate.duration = duration;
      std::erase_if(candidate.actions, [duration](const Action& action) { return action.at >= duration; });
      if (duration > Duration::zero() && try_out(candidate)) {
        return true;
      }
    }
    return false;
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

  // Where one thing less would change too much of what comes after it by chance, many things less may not: each is left
  // out with a probability that gets smaller and smaller.
  bool leave_out_at_random() {
    constexpr std::uint64_t rounds = 20;
    constexpr std::uint64_t rarest = 64;
    for (std::uint64_t one_of = 2; one_of <= rarest && one_of < 2 * best_.scenario.actions.size(); one_of *= 2) {
      for (std::uint64_t round = 0; round < rounds; ++round) {
        Scenario candidate = best_.scenario;
        const std::size_t left_out =
            std::erase_if(candidate.actions, [&](const Action&) { return random_.chance(1, one_of); });
        if (left_out > 0 && try_out(candidate)) {
          return true;
        }
      }
    }
    return false;
  }

  bool leave_out_kinds() {
    bool shorter = false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(ActionKind::count); ++i) {
      Scenario candidate = best_.scenario;
      const std::size_t left_out = std::erase_if(
          candidate.actions, [i](const Action& action) { return action.kind == static_cast<ActionKind>(i); });
      if (left_out > 0) {
        shorter |= try_out(candidate);
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
          shorter |= try_out(*candidate);
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
    return try_out(candidate);
  }

  // Nobody has to remember with which seed it fails.
  bool use_first_seed() { return best_.seed != 1 && try_out(best_.scenario, 1); }

  // What is as usual need not be read: one thing that is set after the other.
  bool leave_as_usual() {
    bool shorter = false;
    for (std::size_t number = 0;;) {
      std::optional<Scenario> candidate = with_one_usual(best_.scenario, number);
      if (!candidate) {
        return shorter;
      }
      // Without a disk, nothing can be done to one: what a file could not say is not tried.
      if (can_be_written(*candidate) && try_out(*candidate)) {
        shorter = true;
      } else {
        ++number;
      }
    }
  }

  static bool can_be_written(const Scenario& scenario) {
    try {
      parse_scenario(to_toml(scenario), "");
      return true;
    } catch (const ScenarioError&) {
      return false;
    }
  }

  // Where nothing happens for a while, what follows comes at once, or after a round time that is shorter.
  bool close_gaps() {
    bool shorter = false;
    Duration before{};
    for (std::size_t i = 0; i < best_.scenario.actions.size(); ++i) {
      for (const Duration gap : round_durations) {
        const Duration earlier = best_.scenario.actions[i].at - before - gap;
        if (earlier <= Duration::zero()) {
          break;
        }
        Scenario candidate = best_.scenario;
        for (std::size_t later = i; later < candidate.actions.size(); ++later) {
          candidate.actions[later].at -= earlier;
        }
        if (try_out(candidate)) {
          shorter = true;
          break;
        }
      }
      before = best_.scenario.actions[i].at;
    }
    return shorter;
  }

  // All times at once, as roughly as that works, then each by itself.
  bool round_times() {
    using namespace std::chrono_literals;
    constexpr Duration units[] = {1s, 100ms, 10ms, 1ms, 1us};
    bool shorter = false;
    for (const Duration unit : units) {
      shorter |= round_times(0, best_.scenario.actions.size(), unit);
    }
    for (std::size_t i = 0; i < best_.scenario.actions.size(); ++i) {
      for (const Duration unit : units) {
        shorter |= round_times(i, i + 1, unit);
      }
    }
    return shorter;
  }

  bool round_times(std::size_t begin, std::size_t end, Duration unit) {
    Scenario candidate = best_.scenario;
    bool changed = false;
    for (std::size_t i = begin; i < end; ++i) {
      const Duration beyond = candidate.actions[i].at % unit;
      candidate.actions[i].at -= beyond;
      changed = changed || beyond != Duration::zero();
    }
    std::stable_sort(candidate.actions.begin(), candidate.actions.end(),
                     [](const Action& left, const Action& right) { return left.at < right.at; });
    return changed && try_out(candidate);
  }

  Shrunk best_;
  static constexpr std::uint64_t other_seeds = 1;
  /// The first of them is no time at all.
  static constexpr std::array<Duration, 25> round_durations = [] {
    std::array<Duration, 25> durations{};
    Duration power = std::chrono::milliseconds{1};
    for (std::size_t i = 1; i < durations.size(); i += 3, power *= 10) {
      durations[i] = power;
      durations[i + 1] = 2 * power;
      durations[i + 2] = 5 * power;
    }
    return durations;
  }();

  restante::Random random_{1};
  std::uint64_t runs_max_;
  const std::function<void(const Shrunk&)>& progress_;
};

std::string size_text(const Scenario& scenario) {
  return counted(scenario.groups.size(), "client") + ", " + counted(scenario.actions.size(), "action") + ", " +
         rounded(scenario.duration);
}

std::string comment_of(const ShrinkCommand& command, const std::string& name, const Shrunk& shrunk) {
  const std::string same = shrunk.seed == command.seed ? "the same seed" : "seed " + std::to_string(shrunk.seed);
  std::string comment = "Made from " + name + " with seed " + std::to_string(command.seed) +
                        ", by leaving out what did not matter. It fails with " + same + ":\n" +
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
    one.requests_max = group.requests_max;
    one.reply_timeout = group.reply_timeout;
    // Who ever looks into his mailbox is to find it empty at the end.
    one.get_every = group.get_every;
    one.address = client.address;
    one.rooms = group.rooms;
    one.time_to_live = group.time_to_live;
    one.keeps_offsets = group.keeps_offsets;
    one.keeps_outbox = group.keeps_outbox;
    one.storage_fails_every = group.storage_fails_every;
    one.asks_receipts = group.asks_receipts;
    one.handles_for = group.handles_for;
    one.pushes_per_receiver_max = group.pushes_per_receiver_max;
    one.messages_in_hand_max = group.messages_in_hand_max;
    one.fetch_bytes_max = group.fetch_bytes_max;
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
  start.seed = seed;
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
  return Shrinker{std::move(start), runs_max, progress}.run();
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
    std::cerr << "  again: " << replay_command(command.program, command.output, shrunk->seed) << "\n";
  }
  return ExitCode::held;
}

}  // namespace restante_sim
