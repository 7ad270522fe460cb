// Which sockets have something for us.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <bit>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

#include <restante/asio/detail/socket.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

/// The kernel's list of the sockets of a loop, all of which Asio's loop watches as one: an epoll inside of Asio's. A
/// whole batch of sockets is then one event to Asio, and reading from one costs no more than the call that reads.
class Watcher {
 public:
  struct Event {
    Connection connection;
    bool readable = false;
    bool writable = false;
  };

  /// Throws std::system_error when there are no file descriptors left.
  explicit Watcher(boost::asio::io_context& context) : epoll_{context.get_executor(), make()} {}

  /// What a socket is watched for, which its owner keeps. A socket that is closed is not watched any more.
  class Watch {
   public:
    bool readable() const noexcept { return (events_ & EPOLLIN) != 0; }
    bool writable() const noexcept { return (events_ & EPOLLOUT) != 0; }

   private:
    friend class Watcher;
    std::uint32_t events_ = 0;
  };

  /// Watches a socket for these two, from now on. One that is watched for neither is not told of when it breaks either.
  /// False, and nothing has changed, when the kernel lacks memory.
  [[nodiscard]] bool watch(const Socket& socket, Connection connection, Watch& watch, bool readable, bool writable) {
    const std::uint32_t events = (readable ? std::uint32_t{EPOLLIN} : 0U) | (writable ? std::uint32_t{EPOLLOUT} : 0U);
    const std::uint32_t before = std::exchange(watch.events_, events);
    if (events == before) {
      return true;
    }
    epoll_event event{};
    event.events = events;
    event.data.u64 = std::bit_cast<std::uint64_t>(connection);
    const int operation = before == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    if (::epoll_ctl(epoll_.native_handle(), operation, socket.descriptor(), &event) != 0) {
      watch.events_ = before;
      return false;
    }
    return true;
  }

  /// Calls `ready` later, without an error when take() has something.
  template <class Ready>
  void async_wait(Ready&& ready) {
    epoll_.async_wait(decltype(epoll_)::wait_read, std::forward<Ready>(ready));
  }

  /// What there is now, as far as it fits into one batch. Valid until the next call.
  std::span<const Event> take() {
    std::array<epoll_event, batch> events;  // NOLINT(*-member-init): written as far as it is used
    const int found = ::epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    const std::size_t count = found > 0 ? static_cast<std::size_t>(found) : 0;
    for (std::size_t i = 0; i < count; ++i) {
      // Whoever reads or writes finds out what broke.
      const std::uint32_t bits = events[i].events;
      const bool broken = (bits & (EPOLLERR | EPOLLHUP)) != 0;
      events_[i] = {std::bit_cast<Connection>(std::uint64_t{events[i].data.u64}), broken || (bits & EPOLLIN) != 0,
                    broken || (bits & EPOLLOUT) != 0};
    }
    return std::span{events_}.first(count);
  }

  void stop() {
    ErrorCode ignored;
    epoll_.cancel(ignored);
  }

  /// Sockets of one turn: enough that waiting costs little for each, and few enough that the first need not wait long
  /// for the last.
  static constexpr std::size_t batch = 32;

 private:
  static int make() {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) {
      throw std::system_error{errno, std::generic_category(), "cannot watch sockets"};
    }
    return descriptor;
  }

  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> epoll_;
  std::array<Event, batch> events_;
};

}  // namespace restante::asio_detail
