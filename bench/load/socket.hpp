// One WebSocket connection of the load tool: as little work per message as there can be, so that the server is what is
// measured. Not a general client: it gives up where the server does what no server of Restante's protocols does.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <restante/bytes.hpp>

#include "frame.hpp"

namespace restante::bench {

/// Where a server is.
struct Url {
  std::string host;
  std::string port;
  std::string path;

  /// "ws://host:port/path"; without a port, 12345. Throws std::invalid_argument.
  static Url parse(std::string_view text);
};

/// Lets the process have as many descriptors as it may; throws std::runtime_error where that is less than `wanted`.
void allow_descriptors(std::size_t wanted);

class Socket {
 public:
  /// Connects and shakes hands, waiting for both, for at most 10 s each, and agrees on a subprotocol, where one is
  /// named. Throws std::system_error or std::runtime_error.
  explicit Socket(const Url& url, std::string_view protocol = {});
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  int descriptor() const noexcept { return descriptor_; }

  /// Puts a frame behind those that wait for flush().
  void queue(BytesView frame) { output_.insert(output_.end(), frame.begin(), frame.end()); }

  /// Writes what is queued, as far as the kernel takes it without waiting. False when something is left.
  bool flush() {
    while (written_ < output_.size()) {
      const ssize_t sent =
          ::send(descriptor_, output_.data() + written_, output_.size() - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) {
        if (errno == EAGAIN) {
          return false;
        }
        throw std::system_error(errno, std::generic_category(), "cannot send");
      }
      written_ += static_cast<std::size_t>(sent);
    }
    output_.clear();
    written_ = 0;
    return true;
  }

  /// Reads once, without waiting, into a buffer that connections share: what there is then, with what was left of the
  /// time before, for consume(). Throws when the server ended the connection.
  BytesView receive(std::vector<std::uint8_t>& buffer) {
    std::copy(rest_.begin(), rest_.end(), buffer.begin());
    const ssize_t count = ::recv(descriptor_, buffer.data() + rest_.size(), buffer.size() - rest_.size(), MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN) {
      throw std::system_error(errno, std::generic_category(), "cannot receive");
    }
    if (count == 0) {
      throw std::runtime_error("the server ended the connection");
    }
    return {buffer.data(), rest_.size() + (count < 0 ? 0 : static_cast<std::size_t>(count))};
  }

  /// Calls `message` with each whole message, answers pings, and keeps what is not whole. Throws when the server closed
  /// the connection.
  template <class Message>
  void consume(BytesView input, Message&& message) {
    while (true) {
      const Frame frame = read_frame(input);
      if (frame.bytes == 0) {
        break;
      }
      if (frame.type == frame_type::binary) [[likely]] {
        message(frame.payload);
      } else {
        control(frame);
      }
      input = input.subspan(frame.bytes);
    }
    rest_.assign(input.begin(), input.end());
  }

 private:
  void shake_hands(const Url& url, std::string_view protocol);
  void control(const Frame& frame);

  int descriptor_;
  std::vector<std::uint8_t> output_;
  std::size_t written_ = 0;
  /// The beginning of a frame.
  std::vector<std::uint8_t> rest_;
};

}  // namespace restante::bench
