// A run as one page of HTML that needs nothing else: no network, no other files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>

#include "recorded_trace.hpp"

namespace restante_sim {

/// The page. `trace` must have seen the whole run. `replay_command` is what a person types to see the same run again;
/// where nothing is said, it is that for a file with the scenario's name. The same run gives the same bytes.
///
/// What clients sent, and what the scenario's file says, may be anything: all of it is escaped, bytes that are no UTF-8
/// are shown as such, and the page's policy lets it load nothing.
std::string html_report(const restante::sim::Scenario& scenario, std::uint64_t seed,
                        const restante::sim::RunResult& result, const RecordedTrace& trace,
                        std::string_view replay_command = {});

}  // namespace restante_sim
