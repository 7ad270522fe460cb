// Scenarios as files of TOML.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <restante/sim/scenario.hpp>
#include <restante/sim/scenario_text.hpp>

namespace restante_sim {

/// A file that is no scenario. what() says "file:line:column: what was found, what was expected".
class ScenarioError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads a file. Throws ScenarioError.
restante::sim::Scenario load_scenario(const std::string& path);

/// Reads what a file says; `path` is only for messages. Throws ScenarioError.
restante::sim::Scenario parse_scenario(std::string_view text, std::string_view path);

/// The other way round: parse_scenario() of it gives an equal scenario.
using restante::sim::to_toml;

}  // namespace restante_sim
