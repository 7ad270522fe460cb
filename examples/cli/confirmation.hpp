// Asking a person whether something is meant that cannot be taken back.
#pragma once

#include <string>

#include "output.hpp"

namespace restante::cli {

/// Whether there is somebody to ask, at a terminal; where there is not, says what to do.
bool can_ask(const Output& output);

/// Whether the person at the terminal means it.
bool is_meant(const std::string& question);

}  // namespace restante::cli
