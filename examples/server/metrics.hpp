// Numbers for Prometheus.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <restante/asio/options.hpp>
#include <restante/messenger_options.hpp>
#include <restante/sqlite/store.hpp>
#include <restante/time.hpp>

namespace restante_server {

/// How long requests took, in buckets that each hold what the one before holds as well. Several threads may use it at
/// once.
class LatencyHistogram {
 public:
  /// Upper bounds of the buckets, in microseconds; what took longer is in the last, which has none.
  static constexpr std::array<std::uint64_t, 10> bounds_us{10, 25, 50, 100, 250, 500, 1000, 5000, 25'000, 100'000};

  /// So many requests took so long.
  void add(restante::Duration took, std::uint64_t requests);

  /// Of the bucket with this index; that of bounds_us.size() holds what took longer.
  std::uint64_t count(std::size_t bucket) const noexcept { return counts_[bucket].load(std::memory_order_relaxed); }
  double sum_seconds() const noexcept { return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9; }

 private:
  std::array<std::atomic<std::uint64_t>, bounds_us.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_ns_ = 0;
};

struct ServerNumbers {
  restante::MessengerCounters messenger;
  std::uint64_t handshakes_refused = 0;
  /// Mailboxes of classic ids with at least one message in them.
  std::uint64_t mailboxes_in_use = 0;
  const LatencyHistogram& latency;
  std::size_t threads = 1;
  restante::LockTimes lock_times = {};
  /// Of a store that is a file.
  std::optional<restante::SqliteStoreCounters> store = {};
};

/// The Prometheus text format, version 0.0.4.
std::string metrics_text(const ServerNumbers& numbers);

}  // namespace restante_server
