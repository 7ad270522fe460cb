// What is in the messages of a load, so that it shows when one is changed, lost or doubled.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <restante/bytes.hpp>

#include "mix.hpp"

namespace restante::bench {

/// The payloads that one connection pushes, and those that it may be given. The first bytes number the pushes of a
/// sender, from 0 on; the others are always the same.
class Payloads {
 public:
  Payloads(Mix mix, std::size_t bytes)
      : mix_{mix}, filling_(bytes, 'x'), number_bytes_{std::min<std::size_t>(bytes, 8)}, next_from_(256) {}

  /// A payload without its number.
  BytesView filling() const noexcept { return filling_; }

  /// Calls `put(place, byte)` for each byte of the next number.
  template <class Put>
  void number_next(Put&& put) {
    for (std::size_t i = 0; i < number_bytes_; ++i) {
      put(i, static_cast<std::uint8_t>(pushed_ >> (8 * i)));
    }
    ++pushed_;
  }

  /// Whether this can come now from the connection of this number, 0–255: empty, or what is wrong.
  std::string_view check(std::uint8_t sender, BytesView payload) {
    if (payload.size() != filling_.size()) {
      return "a message came back with another length";
    }
    if (!std::equal(payload.begin() + static_cast<std::ptrdiff_t>(number_bytes_), payload.end(),
                    filling_.begin() + static_cast<std::ptrdiff_t>(number_bytes_))) {
      return "a message came back changed";
    }
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < number_bytes_; ++i) {
      number |= std::uint64_t{payload[i]} << (8 * i);
    }
    std::uint64_t& next = next_from_[sender];
    const std::uint64_t wanted = number_bytes_ == 8 ? next : next & ((std::uint64_t{1} << (8 * number_bytes_)) - 1);
    // Nothing is missing in an echo. Elsewhere a push may have been refused, and the numbers of short payloads wrap.
    if (mix_ == Mix::echo ? number != wanted : number_bytes_ == 8 && number < wanted) {
      return "messages came back in another order, or twice, or not at all";
    }
    next = mix_ == Mix::echo ? next + 1 : number + 1;
    return {};
  }

 private:
  Mix mix_;
  std::vector<std::uint8_t> filling_;
  std::size_t number_bytes_;
  // The number of the message that must come next from each sender, or a later one.
  std::vector<std::uint64_t> next_from_;
  std::uint64_t pushed_ = 0;
};

}  // namespace restante::bench
