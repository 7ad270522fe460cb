// The kernel's socket, one that never waits.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <restante/bytes.hpp>

namespace restante::asio_detail {

using ErrorCode = boost::system::error_code;

/// Whether an operation only has to wait.
inline bool would_block(const ErrorCode& error) {
  return error.failed() && (error == boost::asio::error::would_block || error == boost::asio::error::try_again);
}

/// A connected TCP socket, or none. Asio's own would be registered with Asio's reactor, which asks the kernel once more
/// than needed for each read; see docs/adr/0006.
class Socket {
 public:
  Socket() = default;

  /// Takes a connected socket over.
  explicit Socket(int descriptor) noexcept : descriptor_{descriptor} {}

  Socket(Socket&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      close();
      descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
  }
  ~Socket() { close(); }

  bool is_open() const noexcept { return descriptor_ >= 0; }
  int descriptor() const noexcept { return descriptor_; }

  void close() noexcept {
    if (descriptor_ >= 0) {
      ::close(std::exchange(descriptor_, -1));
    }
  }

  /// Small messages leave at once.
  void set_no_delay() noexcept {
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  /// Gives how many bytes came, 0 with an error. That nothing more comes is the error eof.
  std::size_t read_some(std::span<std::uint8_t> buffer, ErrorCode& error) const noexcept {
    const ssize_t count = again([&] { return ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT); });
    if (count > 0) {
      error.clear();
      return static_cast<std::size_t>(count);
    }
    error = count == 0 ? ErrorCode{boost::asio::error::eof} : latest_error();
    return 0;
  }

  /// Gives how many bytes the kernel took, 0 with an error.
  std::size_t write_some(BytesView bytes, ErrorCode& error) const noexcept {
    const ssize_t count =
        again([&] { return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
    if (count >= 0) {
      error.clear();
      return static_cast<std::size_t>(count);
    }
    error = latest_error();
    return 0;
  }

  /// Tells the peer that nothing more comes.
  void end_sending() const noexcept { ::shutdown(descriptor_, SHUT_WR); }

  boost::asio::ip::tcp::endpoint remote_endpoint(ErrorCode& error) const {
    boost::asio::ip::tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    if (::getpeername(descriptor_, endpoint.data(), &size) != 0) {
      error = latest_error();
      return {};
    }
    error.clear();
    endpoint.resize(size);
    return endpoint;
  }

 private:
  template <class Call>
  static ssize_t again(Call&& call) noexcept {
    ssize_t result = call();
    while (result < 0 && errno == EINTR) {
      result = call();
    }
    return result;
  }

  static ErrorCode latest_error() noexcept { return {errno, boost::system::system_category()}; }

  int descriptor_ = -1;
};

}  // namespace restante::asio_detail
