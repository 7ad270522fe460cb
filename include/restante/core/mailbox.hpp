// A mailbox: messages in the order in which they were accepted.
#pragma once

#include <cstdint>

#include <restante/assert.hpp>
#include <restante/core/message_pool.hpp>

namespace restante {

/// First in, first out. The messages lie in a pool that all mailboxes share and that each call is given. How many may
/// be held is the core's rule, not the mailbox's. Not thread safe.
class Mailbox {
 public:
  /// How many messages are held.
  std::uint32_t size() const noexcept { return size_; }

  /// The offset that the next message gets.
  Offset next_offset() const noexcept { return next_offset_; }

  /// Puts a message at the end, with the next offset.
  void append(MessagePool& pool, Address sender, BytesView payload) {
    const MessagePool::Index index = pool.store(next_offset_, sender, payload);
    if (size_ == 0) {
      oldest_ = index;
    } else {
      pool.at(youngest_).next = index;
    }
    youngest_ = index;
    ++size_;
    ++next_offset_;
  }

  /// The oldest message. The mailbox must not be empty.
  const MessagePool::Message& oldest(const MessagePool& pool) const {
    RESTANTE_ASSERT(size_ != 0, "an empty mailbox has no oldest message");
    return pool.at(oldest_);
  }

  /// Removes the oldest message. The mailbox must not be empty. What oldest() gave can be read until the next append()
  /// to any mailbox of the pool.
  void remove_oldest(MessagePool& pool) {
    RESTANTE_ASSERT(size_ != 0, "an empty mailbox has no oldest message");
    const MessagePool::Index index = oldest_;
    oldest_ = pool.at(index).next;
    pool.release(index);
    --size_;
  }

  /// Leaves out offsets, so that the next message gets `offset`; an offset that has been passed is not used again.
  void skip_to(Offset offset) {
    RESTANTE_ASSERT(offset >= next_offset_, "an offset of a mailbox would be used twice");
    next_offset_ = offset;
  }

 private:
  MessagePool::Index oldest_ = MessagePool::none;
  MessagePool::Index youngest_ = MessagePool::none;
  std::uint32_t size_ = 0;
  Offset next_offset_ = 0;
};

}  // namespace restante
