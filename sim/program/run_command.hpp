// restante-sim run
#pragma once

#include <cstdint>
#include <string>

#include "summary.hpp"

namespace restante_sim {

struct RunCommand {
  /// How the program was called, for commands that are shown.
  std::string program = "restante-sim";
  std::string file;
  std::uint64_t seed = 1;
  /// Where the trace and the report go; empty: nowhere.
  std::string trace;
  std::string report;
  bool json = false;
};

/// What runs a scenario again.
std::string replay_command(const std::string& program, const std::string& file, std::uint64_t seed);

/// Prints a summary. Throws ScenarioError, and std::runtime_error for a file that cannot be written.
ExitCode run_command(const RunCommand& command);

}  // namespace restante_sim
