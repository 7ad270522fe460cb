// restante-sim exhaust: all interleavings of small worlds.
#pragma once

#include <cstdint>
#include <string>

#include "summary.hpp"

namespace restante_sim {

struct ExhaustCommand {
  /// The world by this name alone; all, where it is empty.
  std::string world;
  /// Steps more than each world is followed for, or fewer.
  std::int32_t more_steps = 0;
};

/// Prints how many interleavings each world has, how often they reached each rule, and what was found. Throws
/// std::invalid_argument where there is no such world. A rule that was never reached is a failure when all worlds were
/// exhausted.
ExitCode exhaust_command(const ExhaustCommand& command);

}  // namespace restante_sim
