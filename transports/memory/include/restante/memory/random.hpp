// Randomness that is the same everywhere: the one source of chance in a simulation.
//
// The distributions of <random> may give other numbers with another standard library, and floating point with another
// compiler; here are integers only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <restante/assert.hpp>
#include <restante/time.hpp>

namespace restante {

/// A seeded generator: xoshiro256** by Blackman and Vigna, its state filled by SplitMix64 as its authors advise. Good
/// for simulations, useless for secrets. A regular value: a copy continues with the same numbers. Not thread safe.
class Random {
 public:
  /// Any seed is as good as any other, 0 included.
  explicit constexpr Random(std::uint64_t seed) noexcept : seed_{seed} {
    for (std::uint64_t& word : state_) {
      word = mix(seed += golden_gamma);
    }
  }

  /// Evenly distributed over all 64-bit numbers.
  constexpr std::uint64_t next() noexcept {
    const std::uint64_t result = rotated(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotated(state_[3], 45);
    return result;
  }

  /// Evenly distributed over 0 … `bound` - 1, without the bias of a plain remainder. `bound` must not be 0.
  constexpr std::uint64_t below(std::uint64_t bound) {
    RESTANTE_ASSERT(bound > 0, "no number is below 0");
    // The first 2^64 mod bound numbers are one too many for their remainders: draw again.
    const std::uint64_t surplus = (0 - bound) % bound;
    std::uint64_t drawn = next();
    while (drawn < surplus) {
      drawn = next();
    }
    return drawn % bound;
  }

  /// Evenly distributed over `low` … `high`, both included. `low` must not be above `high`.
  constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    RESTANTE_ASSERT(low <= high, "there is no number between these");
    const std::uint64_t width = high - low;
    return width == UINT64_MAX ? next() : low + below(width + 1);
  }

  /// Evenly distributed over `low` … `high` in nanoseconds, both included. `low` must not be above `high`.
  constexpr Duration between(Duration low, Duration high) {
    RESTANTE_ASSERT(low <= high, "there is no duration between these");
    // In unsigned arithmetic, so that the width of any range fits.
    const std::uint64_t width = static_cast<std::uint64_t>(high.count()) - static_cast<std::uint64_t>(low.count());
    const std::uint64_t offset = between(std::uint64_t{0}, width);
    return Duration{static_cast<Duration::rep>(static_cast<std::uint64_t>(low.count()) + offset)};
  }

  /// True `numerator` times out of `denominator`: never for 0, always when they are equal. One draw in every case, so
  /// that another rate does not move the draws that follow. `denominator` must not be 0.
  constexpr bool chance(std::uint64_t numerator, std::uint64_t denominator) { return below(denominator) < numerator; }

  /// Another generator, decided by this one's seed and the label alone: it does not matter how much was drawn from
  /// either, so that one part of a simulation can draw more without changing what another part sees.
  constexpr Random fork(std::uint64_t label) const noexcept {
    return Random{mix(mix(seed_ + golden_gamma) ^ mix(label + 2 * golden_gamma))};
  }

  /// As above, with a text as the label.
  constexpr Random fork(std::string_view label) const noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (const char character : label) {
      hash = (hash ^ static_cast<std::uint8_t>(character)) * 0x100000001b3;
    }
    return fork(hash);
  }

  /// Two generators are equal when they were made from the same seed and go on with the same numbers.
  friend constexpr bool operator==(const Random&, const Random&) = default;

 private:
  static constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15;

  /// The output function of SplitMix64.
  static constexpr std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }

  static constexpr std::uint64_t rotated(std::uint64_t value, int by) noexcept {
    return (value << by) | (value >> (64 - by));
  }

  std::uint64_t seed_ = 0;
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace restante
