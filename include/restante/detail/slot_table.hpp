// What is kept for each slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace restante::detail {

/// A vector whose size is a number by itself: one finds out that a slot is there, with each message that comes in,
/// without counting how many elements lie between two pointers.
template <class T>
class SlotTable {
 public:
  bool has(std::uint32_t slot) const noexcept { return slot < size_; }

  /// The slot must be there.
  T& operator[](std::uint32_t slot) noexcept { return elements_[slot]; }
  const T& operator[](std::uint32_t slot) const noexcept { return elements_[slot]; }

  /// Makes sure that the slot is there, and all below it. Gives what is kept for it.
  T& fit(std::uint32_t slot) {
    if (!has(slot)) {
      elements_.resize(std::size_t{slot} + 1);
      size_ = slot + 1;
    }
    return elements_[slot];
  }

  std::uint32_t size() const noexcept { return size_; }

  auto begin() noexcept { return elements_.begin(); }
  auto end() noexcept { return elements_.end(); }

 private:
  std::vector<T> elements_;
  std::uint32_t size_ = 0;
};

}  // namespace restante::detail
