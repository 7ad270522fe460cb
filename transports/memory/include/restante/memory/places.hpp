// Numbered things that stay where they are.
//
// Used by Exchange; users need MemoryNetwork and its endpoints only.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace restante::memory {

/// Grows, and never moves what is in it: listeners may cause it to grow while somebody uses an item. An item is found
/// faster than in a std::deque, and that is what a network does most.
template <class T>
class Places {
 public:
  std::size_t size() const noexcept { return items_.size(); }

  T& operator[](std::size_t number) noexcept { return *items_[number]; }
  const T& operator[](std::size_t number) const noexcept { return *items_[number]; }

  void push_back(T item) { items_.push_back(std::make_unique<T>(std::move(item))); }

 private:
  std::vector<std::unique_ptr<T>> items_;
};

}  // namespace restante::memory
