// Where the messages of all mailboxes lie.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/core/change.hpp>

namespace restante {

/// Messages of up to `payload_bytes_max` bytes in places of one size, named by a number. Memory is taken in chunks when
/// it is first needed and kept for reuse, so that storing a message allocates nothing once a pool has been as full
/// before. Not thread safe.
class MessagePool {
 public:
  /// The longest payload of the classic protocol (docs/protocol.md, "Push").
  static constexpr std::uint32_t payload_bytes_max = 254;

  /// Names a message in the pool.
  using Index = std::uint32_t;
  /// Names none.
  static constexpr Index none = UINT32_MAX;

  struct Message {
    Offset offset;
    /// The next younger message of the same mailbox, or the next free place.
    Index next;
    Address sender;
    std::uint8_t payload_bytes;
    std::array<std::uint8_t, payload_bytes_max> payload_storage;

    BytesView payload() const noexcept { return {payload_storage.data(), payload_bytes}; }
  };

  /// Messages that are allocated together.
  static constexpr std::uint32_t chunk_messages = 64;

  /// The most memory, in bytes, that a pool takes which never holds more than `messages` at once.
  static constexpr std::uint64_t memory_bytes_max(std::uint64_t messages) noexcept {
    const std::uint64_t chunks = (messages + chunk_messages - 1) / chunk_messages;
    // While the list of chunks grows to twice its size, the old one is still there.
    return chunks * (chunk_messages * sizeof(Message) + sizeof(std::unique_ptr<Message[]>) * 3);
  }

  /// Copies a message in. `payload` must not be longer than payload_bytes_max.
  Index store(Offset offset, Address sender, BytesView payload) {
    RESTANTE_ASSERT(payload.size() <= payload_bytes_max, "a payload is longer than a message of the pool can be");
    if (free_ == none) {
      add_chunk();
    }
    const Index index = free_;
    Message& place = at(index);
    free_ = place.next;
    place.offset = offset;
    place.next = none;
    place.sender = sender;
    place.payload_bytes = static_cast<std::uint8_t>(payload.size());
    std::copy(payload.begin(), payload.end(), place.payload_storage.begin());
    return index;
  }

  /// Gives a place back. What it holds can still be read until the next store().
  void release(Index index) {
    at(index).next = free_;
    free_ = index;
  }

  Message& at(Index index) { return chunks_[index / chunk_messages][index % chunk_messages]; }
  const Message& at(Index index) const { return chunks_[index / chunk_messages][index % chunk_messages]; }

 private:
  void add_chunk() {
    const auto first = static_cast<Index>(chunks_.size() * chunk_messages);
    chunks_.push_back(std::make_unique_for_overwrite<Message[]>(chunk_messages));
    for (Index index = first + chunk_messages; index-- > first;) {
      release(index);
    }
  }

  std::vector<std::unique_ptr<Message[]>> chunks_;
  Index free_ = none;
};

}  // namespace restante
