// The commands for the file of a store. They give exit codes.
#pragma once

#include <string>

#include "output.hpp"

namespace restante::cli {

struct StoreCommand {
  /// "check", "stats", "backup", "export", "import", "purge" or "renew".
  std::string action;
  std::string file;
  /// Where "backup" puts the copy, and whether it may replace something there.
  std::string copy;
  bool replaces = false;
  /// Whose messages "purge" removes, empty for everybody's; and whether only those that have expired.
  std::string name;
  bool expired = false;
  /// Nobody is asked whether it is meant.
  bool yes = false;
};

/// Does it, and prints what came of it, with `json` as objects. `failed` where the file cannot be used, or "check"
/// found something wrong, or the person who was asked did not mean it.
int look_after_store(const Output& output, const StoreCommand& command, bool json);

}  // namespace restante::cli
