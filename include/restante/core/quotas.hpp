// What each sender uses of a mailbox.
#pragma once

#include <cstdint>
#include <vector>

#include <restante/core/address.hpp>
#include <restante/detail/index_table.hpp>

namespace restante {

/// Counts messages and bytes for each pair of a mailbox and a sender. A pair that has nothing there any more keeps its
/// place until another one needs it, for most of them come again soon. So there are as many places as pairs ever had
/// something at the same time. Not thread safe.
class Quotas {
 public:
  using Index = std::uint32_t;
  static constexpr Index none = UINT32_MAX;

  struct Use {
    Address receiver = {};
    Address sender = {};
    std::uint32_t messages = 0;
    /// It stands in the list of places that perhaps are not needed any more.
    bool listed = false;
    std::uint64_t bytes = 0;
  };

  /// What this sender uses; where it is nothing, that or none.
  Index find(Address receiver, Address sender) const {
    return table_.find(hash(receiver, sender),
                       [&](Index index) { return uses_[index].receiver == receiver && uses_[index].sender == sender; });
  }

  /// The same, for one that perhaps is still there under a number: comparing costs less than hashing. The number is
  /// none, or one that add() has given.
  [[gnu::always_inline]] Index find(Address receiver, Address sender, Index perhaps) const {
    return perhaps != none && uses_[perhaps].receiver == receiver && uses_[perhaps].sender == sender
               ? perhaps
               : find_by_hash(receiver, sender);
  }

  const Use& at(Index index) const { return uses_[index]; }

  /// Counts a message; `found` is what find() gave.
  [[gnu::always_inline]] Index add(Index found, Address receiver, Address sender, std::uint64_t bytes) {
    if (found == none) [[unlikely]] {
      found = begin(receiver, sender);
    }
    ++uses_[found].messages;
    uses_[found].bytes += bytes;
    return found;
  }

  /// A message is gone.
  [[gnu::always_inline]] void subtract(Index index, std::uint64_t bytes) {
    Use& use = uses_[index];
    use.bytes -= bytes;
    if (--use.messages == 0 && !use.listed) {
      list(index);
    }
  }

 private:
  [[gnu::noinline]] Index find_by_hash(Address receiver, Address sender) const { return find(receiver, sender); }

  // Gives a place to a pair that has none.
  [[gnu::noinline]] Index begin(Address receiver, Address sender) {
    const Index index = take_place();
    uses_[index] = {.receiver = receiver, .sender = sender};
    table_.insert(hash(receiver, sender), index);
    return index;
  }

  Index take_place() {
    while (!listed_.empty()) {
      const Index index = listed_.back();
      listed_.pop_back();
      Use& use = uses_[index];
      use.listed = false;
      if (use.messages == 0) {
        table_.erase(hash(use.receiver, use.sender), index);
        return index;
      }
    }
    uses_.emplace_back();
    return static_cast<Index>(uses_.size() - 1);
  }

  // Out of the way of those who still have something there.
  [[gnu::noinline]] void list(Index index) {
    uses_[index].listed = true;
    listed_.push_back(index);
  }

  // The numbers of addresses are given out by the core: nobody outside can choose them to collide.
  static std::uint32_t hash(Address receiver, Address sender) noexcept {
    const std::uint64_t both = std::uint64_t{receiver.index()} << 32U | sender.index();
    return static_cast<std::uint32_t>((both * 0x9e3779b97f4a7c15U) >> 32U);
  }

  std::vector<Use> uses_;
  /// Places of pairs that had nothing there, and perhaps have something again.
  std::vector<Index> listed_;
  detail::IndexTable table_;
};

}  // namespace restante
