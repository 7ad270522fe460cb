// The commands that prepare authentication: files of passwords, keys, and tokens. Each gives an exit code, and none
// talks to a server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "output.hpp"

namespace restante::cli {

struct PasswordCommand {
  std::string file;
  /// "set", "remove", "list" or "check".
  std::string action;
  /// Not with "list".
  std::string address;
};

/// Changes or asks a file of passwords; "set" makes it where there is none. `failed` where an address is not there, or
/// a password is wrong.
int passwords(const Output& output, const PasswordCommand& command);

struct KeyCommand {
  std::string file;
  /// "EdDSA" or "HS256".
  std::string algorithm;
  /// Empty for none.
  std::string id;
};

/// Makes a key and puts it into a new file. The public half, where there is one, goes to standard output.
int make_key(const Output& output, const KeyCommand& command);

struct MakeTokenCommand {
  std::string key_file;
  std::string address;
  std::uint32_t lifetime_s = 3600;
  std::string audience;
  std::vector<std::string> rooms;
  bool create_rooms = false;
};

/// Makes a token and prints it.
int make_token(const Output& output, const MakeTokenCommand& command);

struct CheckTokenCommand {
  std::string key_file;
  /// Empty for any.
  std::string address;
  std::string audience;
};

/// Checks the token on standard input, as a server would that allows clocks to differ by nothing, and prints what it
/// says. `failed` where it is not to be accepted.
int check_token(const Output& output, const CheckTokenCommand& command);

}  // namespace restante::cli
