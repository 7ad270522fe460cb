#include "run.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "requests.hpp"
#include "schedule.hpp"
#include "v2_requests.hpp"

namespace restante::bench {
namespace {

using Clock = Schedule::Clock;
using Nanoseconds = std::chrono::nanoseconds;

constexpr std::size_t read_bytes_max = std::size_t{256} * 1024;

double processor_seconds(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot read the processor time of the server");
  }
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

clockid_t clock_of(pid_t process) {
  clockid_t clock{};
  if (const int error = clock_getcpuclockid(process, &clock); error != 0) {
    throw std::system_error(error, std::generic_category(),
                            "cannot read the processor time of process " + std::to_string(process));
  }
  return clock;
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_{value} {
    if (value < 0) {
      throw std::system_error(errno, std::generic_category(), "cannot wait for sockets");
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(value_); }
  int value() const noexcept { return value_; }

 private:
  int value_;
};

// By one of the two protocols, whose requests these are.
template <class Requests>
class Run {
 public:
  explicit Run(const RunOptions& options)
      : options_{options},
        epoll_{epoll_create1(EPOLL_CLOEXEC)},
        buffer_(read_bytes_max),
        schedule_{options.rate, options.connections, options.mix, Requests::requests_to_get},
        left_{options.requests.value_or(UINT64_MAX)} {
    constexpr std::size_t other_descriptors = 16;
    allow_descriptors(options.connections + options.idle_connections + other_descriptors);
    for (std::size_t index = 0; index < options.connections; ++index) {
      const std::size_t in_flight = in_flight_of(index);
      connections_.push_back(
          {connect(index), requests_of(index, in_flight), in_flight, std::vector<Clock::time_point>(in_flight)});
    }
    for (std::size_t index = 0; index < options.idle_connections; ++index) {
      idle_.push_back(connect(options.connections + index));
      // A ping may have come with the answer to the handshake.
      serve_idle(idle_.back());
      watch(EPOLL_CTL_ADD, options.connections + index, EPOLLIN);
    }
    for (std::size_t index = 0; index < connections_.size(); ++index) {
      prepare(connections_[index]);
      watch(EPOLL_CTL_ADD, index, EPOLLIN);
    }
  }

  RunResult measure() {
    const auto start = Clock::now();
    schedule_.start(start);
    silent_since_ = start;
    started_ = start;
    if (options_.rate == 0) {
      ask_everybody(start);
    }
    if (!options_.requests) {
      turn_until(start + std::chrono::duration_cast<Clock::duration>(options_.warm_up));
    }
    const RunResult before = counts();
    result_ = {};
    const clockid_t server_clock = options_.server ? clock_of(*options_.server) : CLOCK_PROCESS_CPUTIME_ID;
    const auto from = Clock::now();
    const double own_before = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double server_before = processor_seconds(server_clock);
    turn_until(options_.requests ? Clock::time_point::max()
                                 : from + std::chrono::duration_cast<Clock::duration>(options_.measured));
    RunResult result = counts();
    result.seconds = std::chrono::duration<double>(Clock::now() - from).count();
    result.own_processor = (processor_seconds(CLOCK_PROCESS_CPUTIME_ID) - own_before) / result.seconds;
    if (options_.server) {
      result.server_processor = (processor_seconds(server_clock) - server_before) / result.seconds;
    }
    result.messages -= before.messages;
    result.full -= before.full;
    result.empty -= before.empty;
    // Whoever uses the server next finds nothing under way.
    left_ = 0;
    turn_until(Clock::time_point::max());
    return result;
  }

 private:
  struct Connection {
    Socket socket;
    Requests requests;
    std::size_t in_flight;
    /// When the requests that are in flight began, the n-th at n modulo in_flight. In an open loop the schedule says.
    std::vector<Clock::time_point> begun;
    /// Requests that should have begun by now, in an open loop.
    std::uint64_t due = 0;
    bool writable_wanted = false;
  };

  Socket connect(std::size_t index) const {
    try {
      return Socket{options_.url, Requests::protocol};
    } catch (const std::exception& error) {
      if (index == 0) {
        throw;
      }
      throw std::runtime_error(std::string{error.what()} + " (after " + std::to_string(index) + " connections)");
    }
  }

  std::runtime_error silence() const {
    std::array<char, 32> seconds{};
    std::snprintf(seconds.data(), seconds.size(), "%g", options_.patience.count());
    return std::runtime_error(std::string{"the server did not answer for "} + seconds.data() + " s");
  }

  std::size_t in_flight_of(std::size_t index) const {
    // Who gets what all others push keeps up with them.
    return options_.mix == Mix::fan_in && index == 0
               ? options_.in_flight * (options_.connections - 1) * Requests::requests_to_get
               : options_.in_flight;
  }

  Requests requests_of(std::size_t index, [[maybe_unused]] std::size_t in_flight) const {
    if constexpr (std::is_same_v<Requests, V2Requests>) {
      return {options_.mix, index, options_.connections, options_.payload_bytes, options_.first_id, in_flight};
    } else {
      return {options_.mix, index, options_.connections, options_.payload_bytes, options_.first_id};
    }
  }

  // Asks for something and waits until `check` says that the reply is there: this is before anything is measured.
  template <class Check>
  void ask_and_wait(Connection& connection, BytesView packet, Check&& check) {
    connection.socket.queue(masked_frame(packet));
    connection.socket.flush();
    bool answered = false;
    while (!answered) {
      pollfd readable{.fd = connection.socket.descriptor(), .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, static_cast<int>(options_.patience.count() * 1000)) == 0) {
        throw silence();
      }
      connection.socket.consume(connection.socket.receive(buffer_), [&](BytesView reply) { answered = check(reply); });
    }
  }

  void prepare(Connection& connection) {
    connection.requests.prepare([&](BytesView packet, auto&& check) { ask_and_wait(connection, packet, check); });
  }

  void watch(int operation, std::size_t index, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = index;
    if (epoll_ctl(epoll_.value(), operation, socket(index).descriptor(), &event) != 0) {
      throw std::system_error(errno, std::generic_category(), "cannot wait for a socket");
    }
  }

  Socket& socket(std::size_t index) {
    return index < connections_.size() ? connections_[index].socket : idle_[index - connections_.size()];
  }

  void ask(Connection& connection, std::uint64_t count, Clock::time_point begin) {
    count = std::min(count, left_);
    left_ -= count;
    in_flight_ += count;
    for (; count > 0; --count) {
      connection.begun[connection.requests.asked() % connection.in_flight] = begin;
      connection.socket.queue(connection.requests.next());
    }
  }

  void ask_everybody(Clock::time_point begin) {
    for (std::size_t index = 0; index < connections_.size(); ++index) {
      ask(connections_[index], connections_[index].in_flight, begin);
      flush(index);
    }
  }

  void flush(std::size_t index) {
    Connection& connection = connections_[index];
    const bool wanted = !connection.socket.flush();
    if (wanted != connection.writable_wanted) [[unlikely]] {
      connection.writable_wanted = wanted;
      watch(EPOLL_CTL_MOD, index, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
  }

  // Until then, or until nothing is left to be asked and all is answered.
  void turn_until(Clock::time_point end) {
    std::array<epoll_event, 256> events{};
    auto next_progress = Clock::now() + std::chrono::seconds{1};
    std::uint64_t reported = result_.answered;
    while (left_ > 0 || in_flight_ > 0) {
      const auto now = Clock::now();
      if (now >= end) {
        return;
      }
      if (in_flight_ > 0 && now - silent_since_ > options_.patience) {
        throw silence();
      }
      if (options_.progress && now >= next_progress) {
        options_.progress(std::chrono::duration<double>(now - started_).count(), result_.answered - reported);
        reported = result_.answered;
        next_progress += std::chrono::seconds{1};
      }
      begin_scheduled(now);
      wait(events, std::min(end, next_wake_up(now)) - now);
    }
  }

  // Waking up takes a while, which would count as the server's: before the next request of a schedule, this program
  // stays awake and asks again and again.
  Clock::time_point next_wake_up(Clock::time_point now) const {
    constexpr std::chrono::microseconds stays_awake{100};
    return options_.rate == 0 || left_ == 0 ? now + std::chrono::milliseconds{100}
                                            : schedule_.time_of(scheduled_) - stays_awake;
  }

  void wait(std::array<epoll_event, 256>& events, Nanoseconds timeout) {
    const auto nanoseconds = std::max<Nanoseconds::rep>(timeout.count(), 0);
    const timespec time{.tv_sec = static_cast<time_t>(nanoseconds / 1'000'000'000),
                        .tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000)};
    const int count = epoll_pwait2(epoll_.value(), events.data(), static_cast<int>(events.size()), &time, nullptr);
    if (count < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "cannot wait for sockets");
    }
    for (int i = 0; i < count; ++i) {
      const auto index = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
      try {
        index < connections_.size() ? serve(index) : serve_idle(idle_[index - connections_.size()]);
      } catch (const std::exception& error) {
        throw std::runtime_error((index < connections_.size()
                                      ? connections_[index].requests.name()
                                      : "idle connection " + std::to_string(index - connections_.size())) +
                                 ": " + error.what());
      }
    }
  }

  void begin_scheduled(Clock::time_point now) {
    if (options_.rate == 0 || left_ == 0) {
      return;
    }
    if (in_flight_ == 0) {
      silent_since_ = now;
    }
    for (; left_ > 0 && schedule_.time_of(scheduled_) <= now; ++scheduled_) {
      const std::size_t index = schedule_.connection_of(scheduled_);
      Connection& connection = connections_[index];
      ++connection.due;
      if (connection.requests.in_flight() < connection.in_flight) {
        begin_due(connection);
        flush(index);
        result_.own_delay.add(static_cast<std::uint64_t>(Nanoseconds{now - schedule_.time_of(scheduled_)}.count()));
      }
    }
  }

  void begin_due(Connection& connection) {
    const std::uint64_t room = connection.in_flight - connection.requests.in_flight();
    ask(connection, std::min(room, connection.due - connection.requests.asked()), {});
  }

  void serve(std::size_t index) {
    Connection& connection = connections_[index];
    const std::uint64_t answered_before = connection.requests.answered();
    const BytesView input = connection.socket.receive(buffer_);
    const auto now = Clock::now();
    connection.socket.consume(input, [&](BytesView reply) {
      if (const std::string_view wrong = connection.requests.check(reply); !wrong.empty()) [[unlikely]] {
        throw std::runtime_error(std::string{wrong} + ":" + hexadecimal(reply));
      }
    });
    const std::uint64_t count = connection.requests.answered() - answered_before;
    if (count > 0) {
      note(index, answered_before, count, now);
      if (options_.rate != 0) {
        begin_due(connection);
      } else if (!options_.batch) {
        ask(connection, count, now);
      } else if (in_flight_ == 0) {
        ask_everybody(now);
      }
    }
    flush(index);
  }

  void note(std::size_t index, std::uint64_t first, std::uint64_t count, Clock::time_point now) {
    const Connection& connection = connections_[index];
    for (std::uint64_t request = first; request < first + count; ++request) {
      const auto begin = options_.rate == 0 ? connection.begun[request % connection.in_flight]
                                            : schedule_.time_of(schedule_.number_of(index, request));
      result_.latency.add(static_cast<std::uint64_t>(Nanoseconds{now - begin}.count()));
    }
    result_.answered += count;
    in_flight_ -= count;
    silent_since_ = now;
  }

  void serve_idle(Socket& socket) {
    socket.consume(socket.receive(buffer_), [](BytesView reply) {
      throw std::runtime_error("a packet came that nothing had asked for:" + hexadecimal(reply));
    });
    socket.flush();
  }

  RunResult counts() const {
    RunResult result = result_;
    for (const Connection& connection : connections_) {
      result.messages += connection.requests.messages();
      result.full += connection.requests.full();
      result.empty += connection.requests.empty();
      result.late += connection.due - std::min(connection.due, connection.requests.asked());
    }
    return result;
  }

  const RunOptions& options_;
  Descriptor epoll_;
  std::vector<std::uint8_t> buffer_;
  std::vector<Connection> connections_;
  std::vector<Socket> idle_;
  Schedule schedule_;
  Clock::time_point started_;
  /// When the last reply came, or the first request since then that waits for one began.
  Clock::time_point silent_since_;
  /// The next request of the schedule.
  std::uint64_t scheduled_ = 0;
  /// Requests that may still be made, and those that are not answered.
  std::uint64_t left_;
  std::uint64_t in_flight_ = 0;
  RunResult result_;
};

}  // namespace

RunResult run(const RunOptions& options) {
  return options.protocol == Protocol::v2 ? Run<V2Requests>{options}.measure() : Run<Requests>{options}.measure();
}

}  // namespace restante::bench
