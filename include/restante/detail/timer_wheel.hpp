// Deadlines, many of them.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <restante/assert.hpp>

namespace restante::detail {

/// Numbers to be given back when their time has come. Adding and removing take the same time however many there are; a
/// hierarchical timing wheel (Varghese, Lauck: "Hashed and hierarchical timing wheels", 1987) of ten levels with 64
/// slots. Times are milliseconds below 2^60 on whatever clock; later ones count as that. Not thread safe.
class TimerWheel {
 public:
  using Id = std::uint32_t;
  static constexpr Id none = UINT32_MAX;
  static constexpr std::uint64_t time_max = (std::uint64_t{1} << 60U) - 1;

  bool empty() const noexcept { return size_ == 0; }

  /// Where the wheel stands: the latest time that pop() was called for.
  std::uint64_t now() const noexcept { return now_; }

  /// Keeps `data` until `when`; a time that has passed comes with the next pop().
  Id add(std::uint64_t when, std::uint32_t data) {
    Id id = free_;
    if (id == none) {
      id = static_cast<Id>(entries_.size());
      entries_.emplace_back();
    } else {
      free_ = entries_[id].next;
    }
    entries_[id].when = std::min(when, time_max);
    entries_[id].data = data;
    link(id);
    ++size_;
    return id;
  }

  /// Takes an entry back that has not been given by pop().
  void remove(Id id) {
    unlink(id);
    entries_[id].next = free_;
    free_ = id;
    --size_;
  }

  /// What is due at `now`, which must not be less than now(), one by one in the order of times, and then of adding.
  std::optional<std::uint32_t> pop(std::uint64_t now) {
    RESTANTE_ASSERT(now >= now_, "a timer wheel does not go back");
    while (size_ != 0) {
      if (const Id due = lists_[now_ % slots].first; due != none) {
        const std::uint32_t data = entries_[due].data;
        remove(due);
        return data;
      }
      const std::uint64_t next = next_step();
      if (next > now) {
        break;
      }
      now_ = next;
      spread();
    }
    now_ = std::min(now, time_max);
    return std::nullopt;
  }

  /// A time before which nothing is due, not later than the first that is; nothing where the wheel is empty.
  std::optional<std::uint64_t> next() const {
    if (size_ == 0) {
      return std::nullopt;
    }
    return lists_[now_ % slots].first != none ? now_ : next_step();
  }

  /// Starts again at another time, earlier or later, with the same entries.
  void restart(std::uint64_t now) {
    std::vector<Id> ids;
    for (const List& list : lists_) {
      for (Id id = list.first; id != none; id = entries_[id].next) {
        ids.push_back(id);
      }
    }
    lists_.fill({});
    occupied_.fill(0);
    now_ = std::min(now, time_max);
    for (const Id id : ids) {
      link(id);
    }
  }

  /// What one entry takes, in bytes.
  static constexpr std::size_t entry_bytes = 32;

 private:
  static constexpr unsigned slot_bits = 6;
  static constexpr std::uint32_t slots = 1U << slot_bits;
  static constexpr unsigned levels = 10;

  struct Entry {
    std::uint64_t when = 0;
    Id previous = none;
    Id next = none;
    std::uint32_t list = 0;
    std::uint32_t data = 0;
  };
  static_assert(sizeof(Entry) <= entry_bytes);

  struct List {
    Id first = none;
    Id last = none;
  };

  static std::uint32_t slot_of(std::uint64_t time, unsigned level) noexcept {
    return static_cast<std::uint32_t>(time >> (level * slot_bits)) % slots;
  }

  // The level is that of the highest digit, to the base of 64, in which the time differs from now.
  void link(Id id) {
    const std::uint64_t when = std::max(entries_[id].when, now_);
    const unsigned level = when == now_ ? 0 : (63U - static_cast<unsigned>(std::countl_zero(when ^ now_))) / slot_bits;
    const std::uint32_t slot = slot_of(when, level);
    entries_[id].list = level * slots + slot;
    List& list = lists_[entries_[id].list];
    entries_[id].previous = list.last;
    entries_[id].next = none;
    (list.last == none ? list.first : entries_[list.last].next) = id;
    list.last = id;
    occupied_[level] |= std::uint64_t{1} << slot;
  }

  void unlink(Id id) {
    const Entry& entry = entries_[id];
    List& list = lists_[entry.list];
    (entry.previous == none ? list.first : entries_[entry.previous].next) = entry.next;
    (entry.next == none ? list.last : entries_[entry.next].previous) = entry.previous;
    if (list.first == none) {
      occupied_[entry.list / slots] &= ~(std::uint64_t{1} << entry.list % slots);
    }
  }

  // The next time at which something is due or has to move to a lower level. What is on a lower level comes first.
  std::uint64_t next_step() const {
    for (unsigned level = 0; level < levels; ++level) {
      const std::uint32_t here = slot_of(now_, level);
      const std::uint64_t later = here == slots - 1 ? 0 : occupied_[level] >> (here + 1U) << (here + 1U);
      if (later != 0) {
        const auto slot = static_cast<std::uint64_t>(std::countr_zero(later));
        const std::uint64_t above = now_ >> (level * slot_bits) >> slot_bits << slot_bits;
        return (above | slot) << (level * slot_bits);
      }
    }
    return UINT64_MAX;
  }

  // now_ has come to the beginning of slots of higher levels: what lies there belongs lower.
  void spread() {
    for (unsigned level = levels - 1; level > 0; --level) {
      List& list = lists_[level * slots + slot_of(now_, level)];
      Id id = list.first;
      list = {};
      occupied_[level] &= ~(std::uint64_t{1} << slot_of(now_, level));
      while (id != none) {
        const Id next = entries_[id].next;
        link(id);
        id = next;
      }
    }
  }

  std::vector<Entry> entries_;
  Id free_ = none;
  std::size_t size_ = 0;
  std::uint64_t now_ = 0;
  std::array<List, levels * slots> lists_{};
  std::array<std::uint64_t, levels> occupied_{};
};

}  // namespace restante::detail
