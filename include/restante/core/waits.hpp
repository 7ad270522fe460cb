// Requests that wait.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <restante/core/addresses.hpp>
#include <restante/core/request.hpp>
#include <restante/detail/timer_wheel.hpp>

namespace restante {

/// A request that waits for something to happen, of whoever holds an address.
struct Wait {
  enum class Kind : std::uint8_t { fetch, receipt, mailbox_status, room_status };
  /// Which mailboxes a request is about.
  enum class Scope : std::uint8_t { own, room, all };

  Address owner = {};
  Session session = 0;
  std::uint32_t tag = 0;
  Kind kind = Kind::fetch;
  Scope scope = Scope::own;
  /// Where the scope is that.
  Address room = {};
  /// How many messages, or members.
  std::uint64_t count_max = 0;
  std::uint64_t bytes_max = 0;
  /// The sequence number of a receipt.
  std::uint64_t sequence = 0;
  /// The state, or the version, that is known.
  std::uint64_t known = 0;
  /// The name after which members are listed.
  std::string after = {};
  detail::TimerWheel::Id timer = detail::TimerWheel::none;
  std::uint32_t previous = UINT32_MAX;
  std::uint32_t next = UINT32_MAX;
};

/// Waits by number, each in the list of its owner and with a deadline. Not thread safe.
class Waits {
 public:
  using Index = std::uint32_t;
  static constexpr Index none = UINT32_MAX;

  Wait& operator[](Index index) { return all_[index]; }
  const Wait& operator[](Index index) const { return all_[index]; }

  std::uint32_t size() const noexcept { return size_; }

  /// Keeps a wait until `deadline_ms`.
  Index add(AddressState& owner, Wait wait, std::uint64_t deadline_ms) {
    Index index = static_cast<Index>(all_.size());
    if (free_.empty()) {
      all_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    wait.timer = deadlines_.add(deadline_ms, index);
    wait.previous = owner.last_wait;
    wait.next = none;
    (owner.last_wait == none ? owner.first_wait : all_[owner.last_wait].next) = index;
    owner.last_wait = index;
    ++owner.waits;
    all_[index] = std::move(wait);
    ++size_;
    return index;
  }

  void remove(AddressState& owner, Index index) {
    Wait& wait = all_[index];
    if (wait.timer != detail::TimerWheel::none) {
      deadlines_.remove(wait.timer);
    }
    (wait.previous == none ? owner.first_wait : all_[wait.previous].next) = wait.next;
    (wait.next == none ? owner.last_wait : all_[wait.next].previous) = wait.previous;
    --owner.waits;
    --size_;
    free_.push_back(index);
  }

  /// Whether the owner has a wait with this tag.
  bool has_tag(const AddressState& owner, std::uint32_t tag) const {
    for (Index index = owner.first_wait; index != none; index = all_[index].next) {
      if (all_[index].tag == tag) {
        return true;
      }
    }
    return false;
  }

  /// A wait whose deadline has come, one at a time. It is still in the list of its owner.
  std::optional<Index> pop_due(std::uint64_t now_ms) {
    const std::optional<Index> due = deadlines_.pop(now_ms);
    if (due) {
      all_[*due].timer = detail::TimerWheel::none;
    }
    return due;
  }

  /// A time at or before the first deadline.
  std::optional<std::uint64_t> next_deadline_ms() const { return deadlines_.next(); }

 private:
  std::vector<Wait> all_;
  std::vector<Index> free_;
  std::uint32_t size_ = 0;
  detail::TimerWheel deadlines_;
};

}  // namespace restante
