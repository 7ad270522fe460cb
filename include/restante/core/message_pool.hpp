// Where the messages of all mailboxes lie.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/core/change.hpp>

namespace restante {

/// Messages in places of one size, named by a number. Memory is taken in chunks when it is first needed and kept for
/// reuse, so that storing a message of up to `place_bytes` bytes allocates nothing once a pool has been as full before;
/// longer payloads lie beside. Not thread safe.
class MessagePool {
 public:
  /// The longest payload of the classic protocol (docs/protocol.md, "Push"), and the longest that lies in a place.
  static constexpr std::uint32_t place_bytes = 254;

  /// Names a message in the pool.
  using Index = std::uint32_t;
  /// Names none.
  static constexpr Index none = UINT32_MAX;

  struct Message {
    Offset offset;
    /// When it was accepted, in milliseconds since 1970-01-01 00:00 UTC.
    std::uint64_t time_ms;
    /// The next younger message of the same mailbox, or the next free place.
    Index next;
    /// The next older one.
    Index previous;
    Address sender;
    Address receiver;
    std::uint32_t payload_bytes;
    /// Something is kept about it elsewhere: the core looks at what follows.
    bool tracked;
    /// It was delivered to somebody.
    bool delivered;
    /// The sender's number for it, or 0.
    std::uint64_t sequence;
    /// When it expires, in a TimerWheel, or TimerWheel::none.
    std::uint32_t timer;
    /// What its sender uses of the mailbox, in Quotas, or Quotas::none.
    std::uint32_t quota;
    /// The payload where it is longer than a place.
    std::unique_ptr<std::uint8_t[]> long_payload;
    std::array<std::uint8_t, place_bytes> payload_storage;

    BytesView payload() const noexcept {
      return {payload_bytes <= place_bytes ? payload_storage.data() : long_payload.get(), payload_bytes};
    }
  };

  /// Messages that are allocated together.
  static constexpr std::uint32_t chunk_messages = 64;

  /// The most memory, in bytes, that a pool takes which never holds more than `messages` at once.
  static constexpr std::uint64_t memory_bytes_max(std::uint64_t messages) noexcept {
    const std::uint64_t chunks = (messages + chunk_messages - 1) / chunk_messages;
    // While the list of chunks grows to twice its size, the old one is still there.
    return chunks * (chunk_messages * sizeof(Message) + sizeof(std::unique_ptr<Message[]>) * 3);
  }

  /// What a message with such a payload costs, in bytes.
  static constexpr std::uint64_t cost_bytes(std::uint32_t payload_bytes) noexcept {
    return sizeof(Message) + (payload_bytes > place_bytes ? payload_bytes : 0);
  }

  /// Copies a message in, which is not tracked. `previous` is the next older one of the mailbox, or none.
  [[gnu::always_inline]] Index store(Offset offset, Index previous, Address sender, BytesView payload) {
    if (free_ == none) {
      add_chunk();
    }
    const Index index = free_;
    Message& place = at(index);
    free_ = place.next;
    place.offset = offset;
    place.next = none;
    place.previous = previous;
    place.sender = sender;
    place.payload_bytes = static_cast<std::uint32_t>(payload.size());
    place.tracked = false;
    if (payload.size() <= place_bytes) {
      std::copy(payload.begin(), payload.end(), place.payload_storage.begin());
    } else {
      store_long(place, payload);
    }
    return index;
  }

  /// Gives a place back. What it holds can still be read until the next store(), but for a long payload.
  [[gnu::always_inline]] void release(Index index) { release(index, at(index)); }

  /// The same, where it is known already what lies there.
  [[gnu::always_inline]] void release(Index index, Message& place) {
    if (place.payload_bytes > place_bytes) [[unlikely]] {
      place.long_payload.reset();
    }
    place.next = free_;
    free_ = index;
  }

  Message& at(Index index) { return chunks_[index / chunk_messages][index % chunk_messages]; }
  const Message& at(Index index) const { return chunks_[index / chunk_messages][index % chunk_messages]; }

 private:
  // Out of the way of the others.
  [[gnu::noinline]] static void store_long(Message& place, BytesView payload) {
    place.long_payload = std::make_unique<std::uint8_t[]>(payload.size());
    std::copy(payload.begin(), payload.end(), place.long_payload.get());
  }

  [[gnu::noinline]] void add_chunk() {
    const auto first = static_cast<Index>(chunks_.size() * chunk_messages);
    chunks_.push_back(std::make_unique_for_overwrite<Message[]>(chunk_messages));
    for (Index index = first + chunk_messages; index-- > first;) {
      at(index).next = free_;
      free_ = index;
    }
  }

  std::vector<std::unique_ptr<Message[]>> chunks_;
  Index free_ = none;
};

}  // namespace restante
