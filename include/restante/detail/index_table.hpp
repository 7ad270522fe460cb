// Finding numbered things by a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace restante::detail {

/// A hash table of indices; the things themselves, with their keys, lie elsewhere. Open addressing with linear probing;
/// nothing depends on the order in which it holds what. Hashes come from the caller, who sees to it that nobody outside
/// can choose them.
class IndexTable {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  /// The index with this hash for which `is_it(index)` holds, or none.
  template <class Predicate>
  std::uint32_t find(std::uint32_t hash, Predicate is_it) const {
    if (places_.empty()) {
      return none;
    }
    for (std::size_t place = hash & mask();; place = (place + 1) & mask()) {
      if (places_[place].index == none || (places_[place].hash == hash && is_it(places_[place].index))) {
        return places_[place].index;
      }
    }
  }

  /// The index must not be in the table.
  void insert(std::uint32_t hash, std::uint32_t index) {
    if ((size_ + 1) * 2 > places_.size()) {
      grow();
    }
    put({hash, index});
    ++size_;
  }

  /// The index must be in the table, with this hash.
  void erase(std::uint32_t hash, std::uint32_t index) {
    std::size_t hole = hash & mask();
    while (places_[hole].index != index) {
      hole = (hole + 1) & mask();
    }
    // What follows moves up where it may, so that no search ends at the hole too early.
    for (std::size_t place = (hole + 1) & mask(); places_[place].index != none; place = (place + 1) & mask()) {
      if (((place - places_[place].hash) & mask()) >= ((place - hole) & mask())) {
        places_[hole] = places_[place];
        hole = place;
      }
    }
    places_[hole] = {};
    --size_;
  }

  std::size_t size() const noexcept { return size_; }

 private:
  struct Place {
    std::uint32_t hash = 0;
    std::uint32_t index = none;
  };

  std::size_t mask() const noexcept { return places_.size() - 1; }

  void put(Place entry) {
    std::size_t place = entry.hash & mask();
    while (places_[place].index != none) {
      place = (place + 1) & mask();
    }
    places_[place] = entry;
  }

  void grow() {
    std::vector<Place> old(places_.empty() ? 16 : places_.size() * 2);
    old.swap(places_);
    for (const Place& entry : old) {
      if (entry.index != none) {
        put(entry);
      }
    }
  }

  std::vector<Place> places_;
  std::size_t size_ = 0;
};

}  // namespace restante::detail
