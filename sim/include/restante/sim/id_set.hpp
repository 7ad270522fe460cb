// Some of the ids that there are.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace restante::sim {

/// Like std::bitset<256>, but goes through those that are in it without asking for each of all ids.
class IdSet {
 public:
  void insert(std::uint8_t id) { words_[id / 64U] |= bit(id); }
  void erase(std::uint8_t id) { words_[id / 64U] &= ~bit(id); }
  void clear() { words_ = {}; }

  bool contains(std::uint8_t id) const { return (words_[id / 64U] & bit(id)) != 0; }
  bool empty() const { return (words_[0] | words_[1] | words_[2] | words_[3]) == 0; }

  /// Calls `visit(id)` for each, in order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        visit(static_cast<std::uint8_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
      }
    }
  }

  friend bool operator==(const IdSet&, const IdSet&) = default;

 private:
  static std::uint64_t bit(std::uint8_t id) { return std::uint64_t{1} << (id % 64U); }

  std::array<std::uint64_t, 4> words_{};
};

}  // namespace restante::sim
