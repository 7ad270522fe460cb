// Which interesting states a scenario can reach, so that a run or a sweep that never did can say so.
#pragma once

#include <string_view>
#include <vector>

#include <restante/sim/report.hpp>
#include <restante/sim/scenario.hpp>

namespace restante_sim {

/// The states that what clients do and the faults of a scenario make possible. A state that is not listed may be
/// reached all the same; one that is listed is worth asking why it never was.
std::vector<restante::sim::Sometimes> possible_states(const restante::sim::Scenario& scenario);

/// Those of them that were not reached, by name.
std::vector<std::string_view> never_reached(const restante::sim::Scenario& scenario,
                                            const restante::sim::SometimesCounts& counts);

}  // namespace restante_sim
