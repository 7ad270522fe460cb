// Lists of numbered things.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <restante/assert.hpp>

namespace restante::detail {

/// A first-in-first-out list of slots that any slot can leave in constant time. A slot stands in it at most once.
class SlotList {
  struct Link {
    std::uint32_t previous = UINT32_MAX;
    std::uint32_t next = UINT32_MAX;
    bool listed = false;
  };

 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  /// What the list takes for each slot up to the highest that ever stood in it, in bytes.
  static constexpr std::size_t slot_bytes = sizeof(Link);

  /// The slot that has been in the list longest, or none.
  std::uint32_t front() const noexcept { return first_; }

  /// The slot that came after this one, which must be in the list, or none.
  std::uint32_t next(std::uint32_t slot) const {
    RESTANTE_ASSERT(contains(slot), "a slot is not in the list");
    return links_[slot].next;
  }

  bool empty() const noexcept { return first_ == none; }

  bool contains(std::uint32_t slot) const noexcept { return slot < links_.size() && links_[slot].listed; }

  void push_back(std::uint32_t slot) {
    RESTANTE_ASSERT(!contains(slot), "a slot is in the list already");
    if (slot >= links_.size()) {
      links_.resize(std::size_t{slot} + 1);
    }
    links_[slot] = {last_, none, true};
    (last_ == none ? first_ : links_[last_].next) = slot;
    last_ = slot;
  }

  /// Takes a slot out, if it is there.
  void remove(std::uint32_t slot) {
    if (!contains(slot)) {
      return;
    }
    const Link link = links_[slot];
    (link.previous == none ? first_ : links_[link.previous].next) = link.next;
    (link.next == none ? last_ : links_[link.next].previous) = link.previous;
    links_[slot].listed = false;
  }

 private:
  std::vector<Link> links_;
  std::uint32_t first_ = none;
  std::uint32_t last_ = none;
};

}  // namespace restante::detail
