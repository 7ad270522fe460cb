// restante-sim shrink: a run that fails, made shorter.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>

#include "summary.hpp"

namespace restante_sim {

/// The same run as a scenario of actions alone, with a group for each client: with the same seed, it does the same to
/// the byte.
restante::sim::Scenario as_actions(const restante::sim::Scenario& scenario, std::uint64_t seed);

/// In which way a run failed: what a shorter one has to do as well.
struct Failure {
  restante::sim::Outcome outcome = restante::sim::Outcome::held;
  /// The checker, or the number that was above what was expected.
  std::string subject;
  friend bool operator==(const Failure&, const Failure&) = default;
};

/// Nothing for a run that held, and for one whose numbers were only too small: without clients they would be smaller.
std::optional<Failure> failure_of(const restante::sim::Scenario& scenario, const restante::sim::RunResult& result);

struct Shrunk {
  restante::sim::Scenario scenario;
  /// With which it fails: 1, where that does as well as the one that was given.
  std::uint64_t seed = 1;
  Failure failure;
  restante::sim::RunResult result;
  std::uint64_t runs = 0;
};

/// Leaves out clients, kinds of actions, actions and time, and makes usual what is set and round what is crooked, as
/// long as the run fails in the same way: what is left matters. Nothing where it does not fail in a way that can be
/// made shorter. Makes at most `runs_max` runs; the result depends on nothing else than what is given. `progress` is
/// told each step.
std::optional<Shrunk> shrink(const restante::sim::Scenario& scenario, std::uint64_t seed, std::uint64_t runs_max,
                             const std::function<void(const Shrunk&)>& progress = {});

struct ShrinkCommand {
  std::string program = "restante-sim";
  std::string file;
  std::uint64_t seed = 1;
  std::uint64_t runs_max = 5000;
  /// Empty: standard output.
  std::string output;
};

/// Writes the shorter scenario, and what it does to standard error. Throws ScenarioError and std::runtime_error.
ExitCode shrink_command(const ShrinkCommand& command);

}  // namespace restante_sim
