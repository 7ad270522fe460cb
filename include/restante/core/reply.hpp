// What the core answers. Plain values; no byte layout.
#pragma once

#include <cstdint>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>

namespace restante {

/// What became of a message (docs/protocol.md, restante.v2, rule 7).
enum class MessageState : std::uint8_t {
  unknown = 0,
  waiting = 1,
  fetched = 2,
  acknowledged = 3,
  taken = 4,
  expired = 5,
  purged = 6,
};

enum class AssociateReply : std::uint8_t {
  /// The session holds the address now.
  associated,
  /// Some session holds it, perhaps this one; nothing changed.
  address_taken,
};

enum class PushReply : std::uint8_t {
  /// The message is in the mailbox.
  stored,
  /// The session does not hold the sender's address.
  not_associated,
  /// Longer than CoreOptions::payload_bytes_max.
  payload_too_large,
  /// The mailbox holds CoreOptions::mailbox_messages_max messages.
  mailbox_full,
  /// Nothing can be changed at present: the store does not take changes.
  storage_unavailable,
};

/// The answer to Get.
struct GetReply {
  enum class Result : std::uint8_t {
    /// `sender` and `payload` are those of the message that was taken.
    message,
    /// The mailbox is empty.
    empty,
    /// The session does not hold the address.
    not_associated,
    /// Nothing can be changed at present: the store does not take changes.
    storage_unavailable,
  };
  Result result = Result::empty;
  Address sender = {};
  /// Valid until the core is called again.
  BytesView payload = {};
};

}  // namespace restante
