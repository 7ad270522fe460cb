// Time and deadlines of all connections of an endpoint.
#pragma once

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <utility>

#include <restante/asio/detail/deadlines.hpp>
#include <restante/assert.hpp>
#include <restante/time.hpp>

namespace restante::asio_detail {

/// What the options of a server and of a client have in common; described there.
struct EndpointOptions {
  template <class Options>
  explicit EndpointOptions(const Options& options)
      : message_bytes_max{options.message_bytes_max},
        read_buffer_bytes{options.read_buffer_bytes},
        send_queue_bytes_max{options.send_queue_bytes_max},
        handshake_timeout{options.handshake_timeout},
        ping_interval{options.ping_interval},
        pong_timeout{options.pong_timeout},
        close_timeout{options.close_timeout} {
    RESTANTE_ASSERT(message_bytes_max >= 1, "message_bytes_max must be at least 1");
    RESTANTE_ASSERT(read_buffer_bytes >= 1, "read_buffer_bytes must be at least 1");
    RESTANTE_ASSERT(send_queue_bytes_max >= 1, "send_queue_bytes_max must be at least 1");
    RESTANTE_ASSERT(handshake_timeout > Duration::zero(), "handshake_timeout must be more than 0");
    RESTANTE_ASSERT(ping_interval >= Duration::zero(), "ping_interval must not be negative");
    RESTANTE_ASSERT(pong_timeout > Duration::zero(), "pong_timeout must be more than 0");
    RESTANTE_ASSERT(close_timeout > Duration::zero(), "close_timeout must be more than 0");
  }

  std::size_t message_bytes_max;
  std::size_t read_buffer_bytes;
  std::size_t send_queue_bytes_max;
  Duration handshake_timeout;
  Duration ping_interval;
  Duration pong_timeout;
  Duration close_timeout;
};

/// A timer that knows its executor's type, which is faster than one that does not.
using Timer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>;

/// The deadlines of all connections, and one timer of the kernel for all of them.
class Timing {
 public:
  Timing(boost::asio::io_context& context, const EndpointOptions& options)
      : handshakes{options.handshake_timeout},
        pings{options.ping_interval},
        pongs{options.pong_timeout},
        closings{options.close_timeout},
        finishings{options.close_timeout},
        timer_{context.get_executor()} {}

  /// Between these two the time stands still, so that the clock is read once for all that a turn does.
  void turn_begins() {
    turn_time_ = clock();
    in_turn_ = true;
  }
  void turn_ends() { in_turn_ = false; }
  /// How long the turn has taken so far, by the real time.
  Duration turn_takes() const { return clock() - turn_time_; }

  bool in_turn() const noexcept { return in_turn_; }
  SteadyTime now() const { return in_turn_ ? turn_time_ : clock(); }

  void wake_at(SteadyTime time) noexcept { wake_at_ = time; }

  /// Whether the time of wake_at() has come; says so once.
  bool take_wake_up() noexcept {
    const bool due = wake_at_ <= now();
    if (due) {
      wake_at_ = never;
    }
    return due;
  }

  /// Has `fired` called soon after the earliest deadline.
  template <class Fired>
  void arm(Fired&& fired) {
    const SteadyTime due =
        std::min({wake_at_, handshakes.due(), pings.due(), pongs.due(), closings.due(), finishings.due()});
    // A timer that comes too early costs less than one that is set anew in every turn.
    if (due >= armed_for_) {
      return;
    }
    armed_for_ = due;
    timer_.expires_at(std::chrono::steady_clock::time_point{
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(due.time_since_epoch())});
    timer_.async_wait(std::forward<Fired>(fired));
  }

  /// The timer came: it must be armed again.
  void fired() noexcept { armed_for_ = never; }

  void stop() {
    wake_at_ = never;
    in_turn_ = false;
    timer_.cancel();
  }

  /// Ends of handshakes that take too long.
  Deadlines handshakes;
  /// When nothing came for a while.
  Deadlines pings;
  /// When nothing came after a ping.
  Deadlines pongs;
  /// When the peer did not answer our close frame.
  Deadlines closings;
  /// When the last bytes did not leave, or the peer did not go.
  Deadlines finishings;

 private:
  static SteadyTime clock() {
    return SteadyTime{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
  }

  Timer timer_;
  SteadyTime turn_time_{};
  SteadyTime wake_at_ = never;
  SteadyTime armed_for_ = never;
  bool in_turn_ = false;
};

}  // namespace restante::asio_detail
