// Why something was refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace restante {

/// Reasons with their numbers on the wire (docs/protocol.md, restante.v2, rule 11). A newer server may have others.
enum class Refusal : std::uint8_t {
  malformed = 1,
  unknown_operation = 2,
  not_open = 3,
  already_open = 4,
  unauthorised = 5,
  address_taken = 6,
  bad_address = 7,
  no_such_address = 8,
  no_such_room = 9,
  not_a_member = 10,
  wrong_epoch = 11,
  stale_sequence = 12,
  sequence_ahead = 13,
  mailbox_full = 14,
  quota_exceeded = 15,
  payload_too_large = 16,
  classic_limit = 17,
  rate_limited = 18,
  limit_reached = 19,
  storage_unavailable = 20,
  going_away = 21,
};

/// How many numbers there are, 0 included, which is none.
inline constexpr std::size_t refusals = 22;

/// Its name, as docs/protocol.md has it; "unknown" for one that is not listed.
constexpr std::string_view name_of(Refusal refusal) noexcept {
  constexpr std::string_view names[refusals] = {
      "unknown",        "malformed",      "unknown_operation",   "not_open",       "already_open",      "unauthorised",
      "address_taken",  "bad_address",    "no_such_address",     "no_such_room",   "not_a_member",      "wrong_epoch",
      "stale_sequence", "sequence_ahead", "mailbox_full",        "quota_exceeded", "payload_too_large", "classic_limit",
      "rate_limited",   "limit_reached",  "storage_unavailable", "going_away"};
  const auto number = static_cast<std::uint8_t>(refusal);
  return number < refusals ? names[number] : names[0];
}

}  // namespace restante
