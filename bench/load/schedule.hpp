// When requests begin that are made at a given rate.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "mix.hpp"

namespace restante::bench {

/// An open loop: the n-th request of all begins n / rate seconds after the start, whether the server keeps up or not. A
/// server that stops for a second is charged with that second for each request that should have begun in it. Requests
/// and connections are counted from 0.
class Schedule {
 public:
  using Clock = std::chrono::steady_clock;

  /// `rate` is in requests per second of all connections together. Getting one message takes `requests_to_get`.
  /// Without a rate, nothing but start() may be called.
  Schedule(std::uint64_t rate, std::size_t connections, Mix mix, std::uint64_t requests_to_get = 1)
      : rate_{rate}, connections_{connections}, mix_{mix}, requests_to_get_{requests_to_get} {}

  void start(Clock::time_point now) { start_ = now; }

  Clock::time_point time_of(std::uint64_t number) const {
    return start_ + std::chrono::seconds{number / rate_} +
           std::chrono::nanoseconds{number % rate_ * 1'000'000'000 / rate_};
  }

  /// The connection that makes a request: each in turn. In a fan-in the first makes as many as it takes to get what the
  /// others push, between their pushes.
  std::size_t connection_of(std::uint64_t number) const {
    if (mix_ != Mix::fan_in) {
      return number % connections_;
    }
    return number % by_message() < requests_to_get_ ? 0 : 1 + number / by_message() % (connections_ - 1);
  }

  /// The number among all of the n-th request of a connection.
  std::uint64_t number_of(std::size_t connection, std::uint64_t request) const {
    if (mix_ != Mix::fan_in) {
      return connection + request * connections_;
    }
    return connection == 0 ? request / requests_to_get_ * by_message() + request % requests_to_get_
                           : by_message() * (connection - 1 + request * (connections_ - 1)) + requests_to_get_;
  }

 private:
  // The requests that one message takes in a fan-in.
  std::uint64_t by_message() const { return requests_to_get_ + 1; }

  std::uint64_t rate_;
  std::size_t connections_;
  Mix mix_;
  std::uint64_t requests_to_get_;
  Clock::time_point start_;
};

}  // namespace restante::bench
