// Lets one loop after the other report to a listener that they share.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

#include <restante/asio/options.hpp>
#include <restante/time.hpp>

namespace restante::asio_detail {

/// A lock that is held for a turn of the listener, which is short: whoever waits does so without the kernel for a
/// while. Knows how long it was waited for and held.
class ReportLock {
 public:
  void lock() {
    if (!mutex_.try_lock()) {
      const Clock::time_point begin = Clock::now();
      wait();
      taken_ = Clock::now();
      ++times_.waits;
      times_.waited += taken_ - begin;
    } else {
      taken_ = Clock::now();
    }
  }

  void unlock() {
    ++times_.turns;
    times_.held += Clock::now() - taken_;
    mutex_.unlock();
  }

  /// The lock must be held.
  const LockTimes& times() const noexcept { return times_; }

 private:
  using Clock = std::chrono::steady_clock;

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
  LockTimes times_;
};

}  // namespace restante::asio_detail
