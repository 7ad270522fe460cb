// Time as the library sees it: given from outside, never read from a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace restante {

/// A length of time in nanoseconds, signed.
using Duration = std::chrono::nanoseconds;

/// The clock that a transport keeps: it never goes back, and its zero means nothing. It has no now(): only a transport
/// knows the time, and the one of a simulation is virtual.
struct SteadyClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<SteadyClock, Duration>;
  static constexpr bool is_steady = true;
};

/// A point in the steady time of one transport. Points of different transports must not be compared.
using SteadyTime = SteadyClock::time_point;

/// A time that does not come: as a deadline it means that there is none.
inline constexpr SteadyTime never = SteadyTime::max();

/// The earlier one of two times. std::min() takes references, so that times would have to lie in memory.
constexpr SteadyTime earlier(SteadyTime one, SteadyTime other) noexcept {
  return other < one ? other : one;
}

/// `time` + `duration` for a `duration` that is not negative; never when the sum would not fit.
constexpr SteadyTime after(SteadyTime time, Duration duration) noexcept {
  return time >= SteadyTime{} && duration >= never - time ? never : time + duration;
}

}  // namespace restante
