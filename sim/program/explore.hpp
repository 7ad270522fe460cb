// restante-sim explore: one scenario with many seeds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <restante/sim/report.hpp>
#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>

#include "summary.hpp"

namespace restante_sim {

struct ExploreOptions {
  std::uint64_t from = 1;
  std::uint64_t seeds = 1000;
  /// Threads; each simulation has one of them to itself.
  unsigned jobs = 1;
  /// Goes on after a failure.
  bool keep_going = false;
};

/// A seed with which a scenario failed.
struct FailedSeed {
  std::uint64_t seed = 0;
  restante::sim::Outcome outcome = restante::sim::Outcome::violated;
  /// What was found, one in a line.
  std::string findings;
};

/// What came of many seeds.
struct Exploration {
  std::uint64_t seeds = 0;
  std::uint64_t requests = 0;
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t lost_with_connection = 0;
  restante::sim::SometimesCounts sometimes;
  std::uint64_t failures = 0;
  restante::sim::Outcome worst = restante::sim::Outcome::held;
  /// In the order of their seeds; only the first, where there are very many.
  std::vector<FailedSeed> failed;
  static constexpr std::size_t failed_kept_max = 100;
};

/// Runs `seeds` seeds, or up to the first that fails. The result depends on nothing but the scenario and the seeds, not
/// on jobs. `progress` is called from time to time with how many seeds are done and how many of them failed.
Exploration explore(const restante::sim::Scenario& scenario, const ExploreOptions& options,
                    const std::function<void(std::uint64_t done, std::uint64_t failures)>& progress = {});

struct ExploreCommand {
  std::string program = "restante-sim";
  std::string file;
  ExploreOptions options;
};

/// Prints what came of it, and a progress bar where standard error is a terminal. Throws ScenarioError.
ExitCode explore_command(const ExploreCommand& command);

}  // namespace restante_sim
