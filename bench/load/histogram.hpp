// How long requests took.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace restante::bench {

/// Counts durations in nanoseconds, with buckets that are at most 1/64 as wide as what they hold, from 1 ns to 2^63 ns.
/// Memory does not depend on how many are counted.
class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++buckets_[bucket_of(nanoseconds)];
    ++count_;
    max_ = std::max(max_, nanoseconds);
  }

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t max() const noexcept { return max_; }

  /// The smallest duration that at least `permille` of 1,000 did not exceed: the upper end of its bucket, but never
  /// more than the longest of all. 0 when nothing was counted.
  std::uint64_t percentile(std::uint64_t permille) const {
    const std::uint64_t rank = (count_ * permille + 999) / 1000;
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      seen += buckets_[bucket];
      if (seen >= rank && seen > 0) {
        return std::min(upper_end_of(bucket), max_);
      }
    }
    return 0;
  }

 private:
  static constexpr unsigned precision_bits = 6;
  static constexpr std::size_t steps = std::size_t{1} << precision_bits;

  // Below 2 * steps, each value has a bucket; above, each power of two has `steps` of them.
  static std::size_t bucket_of(std::uint64_t value) {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > precision_bits + 1 ? width - precision_bits - 1 : 0;
    return shift * steps + static_cast<std::size_t>(value >> shift);
  }

  static std::uint64_t upper_end_of(std::size_t bucket) {
    if (bucket < 2 * steps) {
      return bucket;
    }
    const std::size_t shift = bucket / steps - 1;
    const std::uint64_t value = bucket - shift * steps;
    return ((value + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - precision_bits) * steps + steps> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace restante::bench
