// What a request changed, for the store to keep. Plain values that can be written down and sent elsewhere.
#pragma once

#include <cstdint>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>

namespace restante {

/// A message's place in its mailbox: grows by one from message to message and is never used twice.
using Offset = std::uint64_t;

/// A message entered a mailbox.
struct MessageStored {
  Address receiver = {};
  Offset offset = 0;
  Address sender = {};
  /// Valid for the length of the call.
  BytesView payload = {};
};

/// The oldest message of a mailbox left it.
struct MessageTaken {
  Address receiver = {};
  Offset offset = 0;
  friend constexpr bool operator==(const MessageTaken&, const MessageTaken&) = default;
};

}  // namespace restante
