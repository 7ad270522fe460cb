// Lets one loop after the other report to a listener that they share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include <restante/asio/options.hpp>
#include <restante/time.hpp>

namespace restante::asio_detail {

/// A lock that is held for a turn of the listener, which is short: whoever waits tries for a while before it asks the
/// kernel. Knows how long it was waited for and held.
class ReportLock {
 public:
  void lock() {
    if (mutex_.try_lock()) {
      taken_ = Clock::now();
      return;
    }
    const Clock::time_point begin = Clock::now();
    wait();
    taken_ = Clock::now();
    waits_.add(1);
    waited_.add(nanoseconds_between(begin, taken_));
  }

  void unlock() {
    turns_.add(1);
    held_.add(nanoseconds_between(taken_, Clock::now()));
    mutex_.unlock();
  }

  /// May be called from any thread.
  LockTimes times() const noexcept {
    return {turns_.get(), Duration{held_.get()}, waits_.get(), Duration{waited_.get()}};
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Is written by whoever has the lock, and read by all.
  class Sum {
   public:
    void add(std::uint64_t amount) noexcept { value_.store(get() + amount, std::memory_order_relaxed); }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

   private:
    std::atomic<std::uint64_t> value_ = 0;
  };

  static std::uint64_t nanoseconds_between(Clock::time_point begin, Clock::time_point end) noexcept {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds{end - begin}.count());
  }

  void wait() {
    constexpr int tries_max = 200;
    for (int tries = 0; tries < tries_max; ++tries) {
      if (mutex_.try_lock()) {
        return;
      }
    }
    mutex_.lock();
  }

  std::mutex mutex_;
  Clock::time_point taken_;
  Sum turns_;
  Sum held_;
  Sum waits_;
  Sum waited_;
};

}  // namespace restante::asio_detail
