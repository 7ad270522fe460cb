// How long to wait before trying again.
#pragma once

#include <algorithm>
#include <cstdint>

#include <restante/time.hpp>

namespace restante::detail {

/// Exponential backoff with full jitter: the n-th delay is drawn evenly from 0 to the smaller of `max` and 2^n times
/// `first`, so that many clients that lost a server together do not come back together. The same seed gives the same
/// delays.
class Backoff {
 public:
  /// `first` and `max` must be more than 0.
  Backoff(Duration first, Duration max, std::uint64_t seed) : first_{first}, max_{max}, state_{seed} {}

  /// The delay before the next try, which is taken to be made.
  Duration next() {
    const Duration bound = std::min(bound_ == Duration::zero() ? first_ : bound_, max_);
    bound_ = bound > max_ / 2 ? max_ : bound * 2;
    return Duration{static_cast<Duration::rep>(random() % (static_cast<std::uint64_t>(bound.count()) + 1))};
  }

  /// Begins again with `first`, after a success.
  void reset() noexcept { bound_ = Duration::zero(); }

 private:
  // SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
  std::uint64_t random() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }

  Duration first_;
  Duration max_;
  Duration bound_ = Duration::zero();
  std::uint64_t state_;
};

}  // namespace restante::detail
