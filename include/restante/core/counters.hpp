// Numbers that only grow, for operators and for checkers. They wrap after 2^64.
#pragma once

#include <cstdint>

namespace restante {

/// The books of all mailboxes and rooms since start. They balance after every call:
/// loaded + stored = acknowledged + taken + expired + purged + trimmed + held.
struct Books {
  /// Given back by the store at the (last) load.
  std::uint64_t loaded = 0;
  /// Pushed and accepted since.
  std::uint64_t stored = 0;
  /// Fetched by a classic GET since.
  std::uint64_t taken = 0;
  /// In the mailboxes now.
  std::uint64_t held = 0;
  /// Acknowledged by their receivers since.
  std::uint64_t acknowledged = 0;
  /// Their time to live ran out.
  std::uint64_t expired = 0;
  /// Removed by the operator.
  std::uint64_t purged = 0;
  /// Left a room to make place.
  std::uint64_t trimmed = 0;

  friend constexpr bool operator==(const Books&, const Books&) = default;
};

/// What the core answered since start, by kind.
struct Answers {
  std::uint64_t associated = 0;
  std::uint64_t address_taken = 0;
  std::uint64_t push_stored = 0;
  std::uint64_t push_not_associated = 0;
  std::uint64_t push_payload_too_large = 0;
  std::uint64_t push_mailbox_full = 0;
  std::uint64_t get_message = 0;
  std::uint64_t get_empty = 0;
  std::uint64_t get_not_associated = 0;
  std::uint64_t storage_unavailable = 0;

  friend constexpr bool operator==(const Answers&, const Answers&) = default;
};

}  // namespace restante
