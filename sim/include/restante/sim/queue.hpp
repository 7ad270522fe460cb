// First in, first out, in one piece of memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace restante::sim {

/// Like std::deque for those who only add behind and take in front, but asks for no memory while it is empty: there are
/// hundreds of them in each simulation, most of them never used.
template <class T>
class Queue {
 public:
  bool empty() const noexcept { return first_ == items_.size(); }
  std::size_t size() const noexcept { return items_.size() - first_; }

  T& front() { return items_[first_]; }
  const T& front() const { return items_[first_]; }
  T& back() { return items_.back(); }
  T& operator[](std::size_t index) { return items_[first_ + index]; }
  const T& operator[](std::size_t index) const { return items_[first_ + index]; }
  T* begin() noexcept { return items_.data() + first_; }
  T* end() noexcept { return items_.data() + items_.size(); }
  const T* begin() const noexcept { return items_.data() + first_; }
  const T* end() const noexcept { return items_.data() + items_.size(); }

  void push_back(T item) { items_.push_back(std::move(item)); }

  /// Must not be empty.
  void pop_front() {
    ++first_;
    if (first_ == items_.size()) {
      clear();
    } else if (first_ >= compact_from && first_ >= items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
  }

  /// Takes one out, wherever it stands.
  void erase(std::size_t index) {
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(first_ + index));
    if (empty()) {
      clear();
    }
  }

  void clear() noexcept {
    items_.clear();
    first_ = 0;
  }

  friend bool operator==(const Queue& left, const Queue& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
  }

 private:
  static constexpr std::size_t compact_from = 32;

  std::vector<T> items_;
  /// Those before it have been taken.
  std::size_t first_ = 0;
};

}  // namespace restante::sim
