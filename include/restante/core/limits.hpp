// How much a core takes in from clients of restante.v2.
#pragma once

#include <cstddef>
#include <cstdint>

namespace restante {

/// Bounds for addresses other than classic ids, and for what v2 clients do. Everything is at least 1 unless said
/// otherwise; a value out of range fails an assertion when the core is made.
struct Limits {
  /// Bytes of a payload, up to 1 MiB.
  std::uint32_t payload_bytes_max = 64 * 1024;
  /// Messages, and bytes of payloads, that a mailbox holds.
  std::uint32_t mailbox_messages_max = 1'000;
  std::uint64_t mailbox_bytes_max = std::uint64_t{4} * 1024 * 1024;
  /// Of these, what one sender may use.
  std::uint32_t sender_messages_max = 500;
  std::uint64_t sender_bytes_max = std::uint64_t{2} * 1024 * 1024;
  /// Messages, and bytes of payloads, that a room keeps.
  std::uint32_t room_messages_max = 1'000;
  std::uint64_t room_bytes_max = std::uint64_t{4} * 1024 * 1024;
  /// Addresses besides the classic ids, rooms included.
  std::uint32_t addresses_max = 10'000;
  std::uint32_t rooms_max = 1'000;
  std::uint32_t room_members_max = 10'000;
  /// Rooms that one address may be a member of.
  std::uint32_t memberships_max = 64;
  /// Requests of one connection that wait at once, and of all together.
  std::uint32_t connection_waits_max = 64;
  std::uint32_t waits_max = 100'000;
  /// How long a request may wait; one that asks for longer waits so long.
  std::uint64_t wait_ms_max = 60 * 60 * 1'000;
  /// What one FETCH delivers at most, whatever it asks for: messages, and bytes of payloads behind the first.
  std::uint32_t fetch_messages_max = 256;
  std::uint32_t fetch_bytes_max = 64 * 1024;
  /// Messages in all mailboxes together that nobody ever opened, and how long they are kept.
  std::uint32_t unopened_messages_max = 1'000;
  std::uint64_t unopened_time_to_live_ms = 24 * 60 * 60 * 1'000;
  /// Bytes for all messages together but those of classic mailboxes, with what is kept beside the payload.
  std::uint64_t memory_bytes_max = std::uint64_t{256} * 1024 * 1024;
  /// Requests that an address may make in a second, with as many at once; 0 for any number.
  std::uint32_t requests_per_second_max = 0;
};

}  // namespace restante
