// What a request changed, for the store to keep. Plain values that can be written down and sent elsewhere.
#pragma once

#include <cstdint>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/core/reply.hpp>

namespace restante {

/// A message's place in its mailbox: grows by one from message to message and is never used twice.
using Offset = std::uint64_t;

/// Tells apart the lives of an address: 64 random bits. Another one means that what was known is lost. 0 is none.
using Epoch = std::uint64_t;

/// A message entered a mailbox or a room.
struct MessageStored {
  Address receiver = {};
  Offset offset = 0;
  Address sender = {};
  /// Valid for the length of the call.
  BytesView payload = {};
  /// The sender's number for it; 0 for none. The sender's window has it from now on.
  std::uint64_t sequence = 0;
  /// When it was accepted, in milliseconds since 1970-01-01 00:00 UTC.
  std::uint64_t time_ms = 0;
  /// When it expires unless it was delivered, on the same clock; 0 for never.
  std::uint64_t expires_ms = 0;
};

/// The oldest message of a mailbox left it by a classic GET.
struct MessageTaken {
  Address receiver = {};
  Offset offset = 0;
  friend constexpr bool operator==(const MessageTaken&, const MessageTaken&) = default;
};

// What follows is of restante.v2 alone. A store that is told of it keeps mailboxes with names.

/// An address exists from now on, by this number. Also for a classic id, when it gets an epoch.
struct AddressAdded {
  Address address = {};
  /// Valid for the length of the call.
  BytesView name = {};
  Epoch epoch = 0;
};

/// Somebody opened the address for the first time.
struct AddressOpened {
  Address address = {};
};

/// The address is no more, nor anything that was known of it; its number may be used again. Messages that it sent stay
/// where they are, but without the sequence numbers that it gave them.
struct AddressForgotten {
  Address address = {};
};

/// Messages of a mailbox up to this offset were delivered to its owner.
struct MessagesDelivered {
  Address receiver = {};
  Offset up_to = 0;
};

/// The owner acknowledged: messages of the mailbox up to this offset left it.
struct MessagesAcknowledged {
  Address receiver = {};
  Offset up_to = 0;
};

/// A message left a mailbox or room: expired, or purged (by the operator, or to make place in a room).
struct MessageRemoved {
  Address receiver = {};
  Offset offset = 0;
  MessageState state = MessageState::purged;
};

/// An address is a member of a room from now on, and has acknowledged everything below the cursor.
struct MemberJoined {
  Address room = {};
  Address member = {};
  Offset cursor = 0;
};

struct MemberLeft {
  Address room = {};
  Address member = {};
};

/// Messages of a room up to this offset were delivered to the member.
struct MemberDelivered {
  Address room = {};
  Address member = {};
  Offset up_to = 0;
};

/// The member acknowledged the messages up to this offset.
struct MemberAcknowledged {
  Address room = {};
  Address member = {};
  Offset up_to = 0;
};

}  // namespace restante
