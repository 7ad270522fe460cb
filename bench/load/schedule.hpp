// When requests begin that are made at a given rate.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "requests.hpp"

namespace restante::bench {

/// An open loop: the n-th request of all begins n / rate seconds after the start, whether the server keeps up or not. A
/// server that stops for a second is charged with that second for each request that should have begun in it. Requests
/// and connections are counted from 0.
class Schedule {
 public:
  using Clock = std::chrono::steady_clock;

  /// `rate` is in requests per second of all connections together. Without a rate, nothing but start() may be called.
  Schedule(std::uint64_t rate, std::size_t connections, Mix mix) : rate_{rate}, connections_{connections}, mix_{mix} {}

  void start(Clock::time_point now) { start_ = now; }

  Clock::time_point time_of(std::uint64_t number) const {
    return start_ + std::chrono::seconds{number / rate_} +
           std::chrono::nanoseconds{number % rate_ * 1'000'000'000 / rate_};
  }

  /// The connection that makes a request: each in turn. In a fan-in the first makes every other one, to keep up with
  /// the rest of them.
  std::size_t connection_of(std::uint64_t number) const {
    if (mix_ != Mix::fan_in) {
      return number % connections_;
    }
    return number % 2 == 0 ? 0 : 1 + number / 2 % (connections_ - 1);
  }

  /// The number among all of the n-th request of a connection.
  std::uint64_t number_of(std::size_t connection, std::uint64_t request) const {
    if (mix_ != Mix::fan_in) {
      return connection + request * connections_;
    }
    return connection == 0 ? 2 * request : 2 * (connection - 1 + request * (connections_ - 1)) + 1;
  }

 private:
  std::uint64_t rate_;
  std::size_t connections_;
  Mix mix_;
  Clock::time_point start_;
};

}  // namespace restante::bench
