// Passwords and tokens, which do not belong on a command line: everybody on the machine can read those.
#pragma once

#include <string_view>

#include <restante/authentication/secret.hpp>

namespace restante::cli {

/// Reads a line of standard input, without its end. On a terminal, shows the prompt, and not what is typed. Throws
/// std::runtime_error where there is no line, or one that is longer than 8 KiB.
Secret read_secret(std::string_view prompt);

/// The same twice, on a terminal: throws std::runtime_error where the second line differs.
Secret read_new_secret(std::string_view prompt);

}  // namespace restante::cli
