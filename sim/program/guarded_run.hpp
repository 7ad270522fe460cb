// Runs whose failed assertions are findings, not the end of the program.
#pragma once

#include <cstdint>

#include <restante/sim/plan.hpp>
#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>

namespace restante_sim {

/// From now on, a failed assertion of the library is thrown, and ends the run that it happened in with a violation,
/// found by the checker "assertion". Where that is not possible, because it failed where nothing may be thrown, the
/// program says which seed it was, if it was one, and ends with the code for a broken invariant.
void guard_assertions();

/// As restante::sim::run(). Any number of threads may run at once.
restante::sim::RunResult guarded_run(const restante::sim::Scenario& scenario, const restante::sim::Plan& plan,
                                     std::uint64_t seed, const restante::sim::RunOptions& options = {});
restante::sim::RunResult guarded_run(const restante::sim::Scenario& scenario, std::uint64_t seed,
                                     const restante::sim::RunOptions& options = {});

}  // namespace restante_sim
