#include "run.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <deque>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace restante::bench {
namespace {

using Clock = std::chrono::steady_clock;

double processor_seconds_of_this_program() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// proc(5): fields 14 and 15 of stat, after a name that may hold spaces and brackets.
double processor_seconds_of(pid_t process) {
  std::ifstream file{"/proc/" + std::to_string(process) + "/stat"};
  std::string line;
  std::getline(file, line);
  if (!file || line.rfind(')') == std::string::npos) {
    throw std::runtime_error("cannot read the processor time of process " + std::to_string(process));
  }
  std::istringstream fields{line.substr(line.rfind(')') + 2)};
  std::string skipped;
  for (int field = 3; field < 14; ++field) {
    fields >> skipped;
  }
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
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

class Run {
 public:
  explicit Run(const RunOptions& options) : options_{options}, epoll_{epoll_create1(EPOLL_CLOEXEC)} {
    for (std::size_t index = 0; index < options.connections; ++index) {
      connections_.push_back({Socket{options.url},
                              Requests{options.mix, index, options.connections, options.payload_bytes},
                              {},
                              {},
                              false});
    }
    for (std::size_t index = 0; index < options.idle_connections; ++index) {
      idle_.emplace_back(options.url);
    }
    for (std::size_t index = 0; index < connections_.size(); ++index) {
      associate(connections_[index]);
      watch(EPOLL_CTL_ADD, index, EPOLLIN);
    }
  }

  RunResult measure() {
    start_ = Clock::now();
    const auto warm = start_ + std::chrono::duration_cast<Clock::duration>(options_.warm_up);
    const auto end = warm + std::chrono::duration_cast<Clock::duration>(options_.measured);
    for (std::size_t index = 0; index < connections_.size(); ++index) {
      if (options_.rate == 0) {
        for (std::size_t request = 0; request < options_.in_flight; ++request) {
          make_request(connections_[index], start_);
        }
      }
      flush(index);
    }
    turn_until(warm);
    result_ = {};
    const double own_before = processor_seconds_of_this_program();
    const double server_before = options_.server ? processor_seconds_of(*options_.server) : 0;
    const auto measured_from = Clock::now();
    turn_until(end);
    result_.seconds = std::chrono::duration<double>(Clock::now() - measured_from).count();
    result_.own_processor = (processor_seconds_of_this_program() - own_before) / result_.seconds;
    if (options_.server) {
      result_.server_processor = (processor_seconds_of(*options_.server) - server_before) / result_.seconds;
    }
    for (const Connection& connection : connections_) {
      result_.full += connection.requests.full();
      result_.empty += connection.requests.empty();
    }
    return result_;
  }

 private:
  struct Connection {
    Socket socket;
    Requests requests;
    /// When those that were sent were to begin.
    std::deque<Clock::time_point> begun;
    /// When those are to begin that wait because in_flight are under way.
    std::deque<Clock::time_point> waiting;
    bool writable_wanted = false;
  };

  // Waits for the reply: this is before anything is measured.
  static void associate(Connection& connection) {
    std::array<std::uint8_t, classic::packet_bytes_max> buffer{};
    connection.socket.queue(classic::encode(classic::Associate{.id = connection.requests.id()}, buffer));
    connection.socket.flush();
    bool done = false;
    const auto deadline = Clock::now() + std::chrono::seconds{10};
    while (!done) {
      if (Clock::now() > deadline) {
        throw std::runtime_error("the server did not answer an ASSOCIATE within 10 s");
      }
      connection.socket.read([&](BytesView reply) {
        if (!std::holds_alternative<classic::AssociationSuccess>(classic::decode_server_packet(reply))) {
          throw std::runtime_error("id " + std::to_string(connection.requests.id()) +
                                   " could not be associated: is somebody else using the server?");
        }
        done = true;
      });
    }
  }

  void watch(int operation, std::size_t index, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = index;
    if (epoll_ctl(epoll_.value(), operation, connections_[index].socket.descriptor(), &event) != 0) {
      throw std::system_error(errno, std::generic_category(), "cannot wait for a socket");
    }
  }

  static void make_request(Connection& connection, Clock::time_point begin) {
    connection.socket.queue(connection.requests.next());
    connection.begun.push_back(begin);
  }

  void flush(std::size_t index) {
    Connection& connection = connections_[index];
    const bool wanted = !connection.socket.flush();
    if (wanted != connection.writable_wanted) {
      connection.writable_wanted = wanted;
      watch(EPOLL_CTL_MOD, index, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
  }

  void turn_until(Clock::time_point end) {
    std::array<epoll_event, 256> events{};
    auto next_progress = Clock::now() + std::chrono::seconds{1};
    std::uint64_t reported = result_.answered;
    while (true) {
      const auto now = Clock::now();
      if (now >= end) {
        return;
      }
      if (options_.progress && now >= next_progress) {
        options_.progress(std::chrono::duration<double>(now - start_).count(), result_.answered - reported);
        reported = result_.answered;
        next_progress += std::chrono::seconds{1};
      }
      begin_scheduled(now);
      const timespec timeout = until(std::min(end, next_wake_up(now)), now);
      const int count = epoll_pwait2(epoll_.value(), events.data(), static_cast<int>(events.size()), &timeout, nullptr);
      if (count < 0 && errno != EINTR) {
        throw std::system_error(errno, std::generic_category(), "cannot wait for sockets");
      }
      for (int i = 0; i < count; ++i) {
        serve(static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64));
      }
    }
  }

  Clock::time_point next_wake_up(Clock::time_point now) const {
    return options_.rate == 0 ? now + std::chrono::milliseconds{100} : scheduled_time();
  }

  static timespec until(Clock::time_point time, Clock::time_point now) {
    const auto left = std::max(std::chrono::nanoseconds{time - now}, std::chrono::nanoseconds{0}).count();
    return {static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
  }

  Clock::time_point scheduled_time() const {
    return start_ + std::chrono::nanoseconds{scheduled_ * 1'000'000'000 / options_.rate};
  }

  // The n-th request of all begins n / rate after the start, whether the server keeps up or not: a server that stops
  // for a second is charged with that second for each request that should have begun in it.
  void begin_scheduled(Clock::time_point now) {
    if (options_.rate == 0) {
      return;
    }
    while (true) {
      const auto begin = scheduled_time();
      if (begin > now) {
        return;
      }
      const std::size_t index = scheduled_ % connections_.size();
      ++scheduled_;
      Connection& connection = connections_[index];
      if (connection.begun.size() < options_.in_flight) {
        make_request(connection, begin);
        flush(index);
      } else {
        connection.waiting.push_back(begin);
      }
    }
  }

  void serve(std::size_t index) {
    Connection& connection = connections_[index];
    connection.socket.read([&](BytesView reply) {
      if (const auto wrong = connection.requests.check(reply)) {
        throw std::runtime_error(*wrong);
      }
      const auto now = Clock::now();
      const auto took = now - connection.begun.front();
      connection.begun.pop_front();
      result_.latency.add(static_cast<std::uint64_t>(std::chrono::nanoseconds{took}.count()));
      ++result_.answered;
      if (options_.rate == 0) {
        make_request(connection, now);
      } else if (!connection.waiting.empty()) {
        make_request(connection, connection.waiting.front());
        connection.waiting.pop_front();
      }
    });
    flush(index);
  }

  const RunOptions& options_;
  Descriptor epoll_;
  std::vector<Connection> connections_;
  std::vector<Socket> idle_;
  Clock::time_point start_;
  std::uint64_t scheduled_ = 0;
  RunResult result_;
};

}  // namespace

RunResult run(const RunOptions& options) {
  return Run{options}.measure();
}

}  // namespace restante::bench
