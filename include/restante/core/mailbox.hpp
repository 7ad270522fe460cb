// A mailbox: messages in the order in which they were accepted.
#pragma once

#include <cstdint>

#include <restante/assert.hpp>
#include <restante/core/message_pool.hpp>

namespace restante {

/// A queue of messages, with the place where delivery to its owner stands; or the log of a room. The messages lie in a
/// pool that all mailboxes share and that each call is given. How many may be held is the core's rule, not the
/// mailbox's. Of 64 bytes, so that the one of an address is found by a shift. Not thread safe.
class alignas(16) Mailbox {
 public:
  /// How many messages are held.
  std::uint32_t size() const noexcept { return size_; }

  /// Bytes of their payloads.
  std::uint64_t bytes() const noexcept { return bytes_; }

  /// The offset that the next message gets.
  Offset next_offset() const noexcept { return next_offset_; }

  /// How many messages were ever put in.
  std::uint64_t appended() const noexcept { return next_offset_ - skipped_; }

  /// The oldest and the youngest message, or none.
  MessagePool::Index oldest_index() const noexcept { return oldest_; }
  MessagePool::Index youngest_index() const noexcept { return youngest_; }

  /// Puts a message at the end, with the next offset, and gives where it lies.
  [[gnu::always_inline]] MessagePool::Index append(MessagePool& pool, Address sender, BytesView payload) {
    const MessagePool::Index index = pool.store(next_offset_, youngest_, sender, payload);
    (youngest_ == MessagePool::none ? oldest_ : pool.at(youngest_).next) = index;
    youngest_ = index;
    if (undelivered_ == MessagePool::none) {
      undelivered_ = index;
    }
    ++size_;
    bytes_ += payload.size();
    ++next_offset_;
    return index;
  }

  /// The oldest message. The mailbox must not be empty.
  const MessagePool::Message& oldest(const MessagePool& pool) const {
    RESTANTE_ASSERT(size_ != 0, "an empty mailbox has no oldest message");
    return pool.at(oldest_);
  }

  /// Removes the oldest message. The mailbox must not be empty. What oldest() gave can be read until the next append()
  /// to any mailbox of the pool.
  [[gnu::always_inline]] void remove_oldest(MessagePool& pool) {
    RESTANTE_ASSERT(size_ != 0, "an empty mailbox has no oldest message");
    remove_oldest(pool, pool.at(oldest_));
  }

  /// The same, where it is known already that this is the oldest message. Gives which one is now, if any.
  [[gnu::always_inline]] MessagePool::Message* remove_oldest(MessagePool& pool, MessagePool::Message& message) {
    const MessagePool::Index index = oldest_;
    oldest_ = message.next;
    MessagePool::Message* const next = oldest_ == MessagePool::none ? nullptr : &pool.at(oldest_);
    (next == nullptr ? youngest_ : next->previous) = MessagePool::none;
    // The oldest is the first of those that were delivered, or the next to be.
    undelivered_ == index ? static_cast<void>(undelivered_ = oldest_) : static_cast<void>(--delivered_);
    --size_;
    bytes_ -= message.payload_bytes;
    pool.release(index, message);
    return next;
  }

  /// Removes a message, which must be in this mailbox.
  void remove(MessagePool& pool, MessagePool::Index index) {
    if (index == oldest_) {
      remove_oldest(pool);
      return;
    }
    const MessagePool::Message& message = pool.at(index);
    if (undelivered_ == index) {
      undelivered_ = message.next;
    } else if (delivered_ != 0 && is_delivered(pool, message.offset)) {
      --delivered_;
    }
    pool.at(message.previous).next = message.next;
    (youngest_ == index ? youngest_ : pool.at(message.next).previous) = message.previous;
    --size_;
    bytes_ -= message.payload_bytes;
    pool.release(index);
  }

  /// Leaves out offsets, so that the next message gets `offset`; an offset that has been passed is not used again.
  void skip_to(Offset offset) {
    RESTANTE_ASSERT(offset >= next_offset_, "an offset of a mailbox would be used twice");
    skipped_ += offset - next_offset_;
    next_offset_ = offset;
  }

  // Delivery to the owner, who may acknowledge what was delivered. Rooms do not use it: each member reads for itself.

  /// The next message to deliver, or none.
  MessagePool::Index undelivered() const noexcept { return undelivered_; }

  /// How many messages it and those behind it are.
  std::uint32_t undelivered_size() const noexcept { return size_ - delivered_; }

  /// One more than the highest offset that was ever delivered.
  Offset delivered_end() const noexcept { return delivered_end_; }

  /// The next message to deliver, which is this one, has been. Gives whether that was the first time.
  bool note_delivery(const MessagePool::Message& message) {
    undelivered_ = message.next;
    ++delivered_;
    return raise_delivered_end(message.offset + 1);
  }

  /// What lies below this offset was delivered at some time. Gives whether that is new.
  bool raise_delivered_end(Offset end) noexcept {
    const bool is_new = end > delivered_end_;
    delivered_end_ = is_new ? end : delivered_end_;
    return is_new;
  }

  /// Delivery begins again with the oldest message.
  void rewind() noexcept {
    undelivered_ = oldest_;
    delivered_ = 0;
  }

  /// Somebody wants to know when something happens to this mailbox.
  bool watched = false;

 private:
  bool is_delivered(const MessagePool& pool, Offset offset) const {
    return undelivered_ == MessagePool::none || offset < pool.at(undelivered_).offset;
  }

  MessagePool::Index oldest_ = MessagePool::none;
  MessagePool::Index youngest_ = MessagePool::none;
  MessagePool::Index undelivered_ = MessagePool::none;
  std::uint32_t size_ = 0;
  /// Messages held that lie before undelivered_.
  std::uint32_t delivered_ = 0;
  Offset next_offset_ = 0;
  Offset delivered_end_ = 0;
  std::uint64_t bytes_ = 0;
  /// Offsets that were left out.
  Offset skipped_ = 0;
};

}  // namespace restante
