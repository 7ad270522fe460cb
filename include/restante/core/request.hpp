// What a client can ask of the core. Plain values; no byte layout.
#pragma once

#include <array>
#include <cstdint>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>

namespace restante {

/// One client of the core: what a connection is to a transport. Numbers below Core::sessions_max are the caller's to
/// give out; a small number costs less memory.
using Session = std::uint32_t;

/// With what a v2 client claims that an address is its own (docs/protocol.md, restante.v2, rule 1).
enum class Proof : std::uint8_t { none = 0, credential = 1, resume_token = 2 };

/// What lets a client take its address over from its own broken connection: 128 random bits.
using ResumeToken = std::array<std::uint8_t, 16>;

/// Claim an address for this session.
struct Associate {
  Address address = {};
  friend constexpr bool operator==(const Associate&, const Associate&) = default;
};

/// Put a message into the receiver's mailbox.
struct Push {
  Address sender = {};
  Address receiver = {};
  /// Opaque bytes, copied when the message is stored.
  BytesView payload = {};
};

/// Take the oldest message out of one's own mailbox.
struct Get {
  Address address = {};
  friend constexpr bool operator==(const Get&, const Get&) = default;
};

}  // namespace restante
