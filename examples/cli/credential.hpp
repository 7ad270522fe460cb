// What the command line proves with that an address is its user's.
#pragma once

#include <string>

namespace restante::cli {

struct CredentialOptions {
  /// A file that holds a token, or empty.
  std::string token_file;
  /// A password is typed, or is the first line of standard input.
  bool asks_password = false;
};

/// The token or password to show, or nothing: what the options say, or else the variables RESTANTE_AUTH_TOKEN and
/// RESTANTE_PASSWORD of the environment. Throws std::runtime_error where it cannot be read.
std::string read_credential(const CredentialOptions& options);

}  // namespace restante::cli
