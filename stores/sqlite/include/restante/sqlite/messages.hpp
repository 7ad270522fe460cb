// Which messages of a file somebody means.
#pragma once

#include <cstdint>
#include <string>

namespace restante {

/// Which messages are meant.
struct SqliteMessages {
  /// Those in this mailbox or room; empty for all.
  std::string name = {};
  /// Only those that have expired by then, in milliseconds since 1970-01-01 00:00 UTC; 0 for the others, too. What was
  /// delivered to somebody does not expire any more.
  std::uint64_t expired_by_ms = 0;
};

}  // namespace restante
