// One WebSocket connection of the load tool: as little work per message as there can be, so that the server is what is
// measured. Not a general client: it trusts the server to frame as RFC 6455 says, and gives up where it does not.
#pragma once

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>

namespace restante::bench {

/// Where a server is.
struct Url {
  std::string host;
  std::string port;
  std::string path;

  /// "ws://host:port/path"; throws std::invalid_argument.
  static Url parse(std::string_view text) {
    constexpr std::string_view scheme = "ws://";
    if (!text.starts_with(scheme)) {
      throw std::invalid_argument("the URL must begin with ws://");
    }
    text.remove_prefix(scheme.size());
    const std::size_t slash = text.find('/');
    const std::string_view authority = text.substr(0, slash);
    Url url{std::string{authority}, "12345", slash == std::string_view::npos ? "/" : std::string{text.substr(slash)}};
    if (const std::size_t colon = authority.rfind(':');
        colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
      url.host = authority.substr(0, colon);
      url.port = authority.substr(colon + 1);
    }
    if (url.host.starts_with('[') && url.host.ends_with(']')) {
      url.host = url.host.substr(1, url.host.size() - 2);
    }
    if (url.host.empty() || url.port.empty()) {
      throw std::invalid_argument("the URL names no host or no port");
    }
    return url;
  }
};

class Socket {
 public:
  /// Connects and shakes hands, waiting for both; throws std::system_error or std::runtime_error. Does not wait from
  /// then on.
  explicit Socket(const Url& url) : descriptor_{connect(url)} {
    const std::string request = "GET " + url.path + " HTTP/1.1\r\nHost: " + url.host + ":" + url.port +
                                "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: cmVzdGFudGUtYmVuY2gtMQ==\r\n\r\n";
    if (::send(descriptor_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
      throw std::system_error(errno, std::generic_category(), "cannot send the handshake");
    }
    std::string answer;
    while (answer.find("\r\n\r\n") == std::string::npos) {
      char byte = 0;
      if (::recv(descriptor_, &byte, 1, 0) != 1 || answer.size() > 8192) {
        throw std::runtime_error("the server ended the connection during the handshake");
      }
      answer += byte;
    }
    if (!answer.starts_with("HTTP/1.1 101")) {
      throw std::runtime_error("the server refused: " + answer.substr(0, answer.find('\r')));
    }
  }

  Socket(Socket&& other) noexcept
      : descriptor_{std::exchange(other.descriptor_, -1)},
        output_{std::move(other.output_)},
        input_{std::move(other.input_)} {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }

  int descriptor() const noexcept { return descriptor_; }

  /// Frames a message of at most 65,535 bytes for the next flush().
  void queue(BytesView message) {
    output_.push_back(0x82);
    if (message.size() < 126) {
      output_.push_back(static_cast<std::uint8_t>(0x80U | message.size()));
    } else {
      output_.push_back(0x80U | 126U);
      output_.push_back(static_cast<std::uint8_t>(message.size() >> 8U));
      output_.push_back(static_cast<std::uint8_t>(message.size()));
    }
    output_.insert(output_.end(), mask.begin(), mask.end());
    const std::size_t start = output_.size();
    output_.insert(output_.end(), message.begin(), message.end());
    for (std::size_t i = 0; i < message.size(); ++i) {
      output_[start + i] ^= mask[i % mask.size()];
    }
  }

  /// Writes what is queued, as far as the kernel takes it. False when something is left.
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

  /// Reads once, and calls `receive` with each whole message. Throws when the server closed the connection.
  template <class Receive>
  void read(Receive&& receive) {
    if (input_.size() - filled_ < read_bytes) {
      input_.resize(filled_ + read_bytes);
    }
    const ssize_t count = ::recv(descriptor_, input_.data() + filled_, input_.size() - filled_, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) {
      return;
    }
    if (count < 0) {
      throw std::system_error(errno, std::generic_category(), "cannot receive");
    }
    if (count == 0) {
      throw std::runtime_error("the server ended a connection");
    }
    filled_ += static_cast<std::size_t>(count);
    std::size_t at = 0;
    while (const std::size_t frame = parse(at, receive)) {
      at += frame;
    }
    std::memmove(input_.data(), input_.data() + at, filled_ - at);
    filled_ -= at;
  }

 private:
  static constexpr std::array<std::uint8_t, 4> mask{0x37, 0xfa, 0x21, 0x3d};
  static constexpr std::size_t read_bytes = std::size_t{64} * 1024;

  static int connect(const Url& url) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found); error != 0) {
      throw std::runtime_error("cannot resolve " + url.host + ": " + gai_strerror(error));
    }
    int descriptor = -1;
    int error = 0;
    for (const addrinfo* address = found; address != nullptr && descriptor < 0; address = address->ai_next) {
      descriptor = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (descriptor >= 0 && ::connect(descriptor, address->ai_addr, address->ai_addrlen) != 0) {
        error = errno;
        ::close(descriptor);
        descriptor = -1;
      }
    }
    freeaddrinfo(found);
    if (descriptor < 0) {
      throw std::system_error(error, std::generic_category(), "cannot connect to " + url.host + ":" + url.port);
    }
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
  }

  // The length of the whole frame at `at`, or 0 when it is not whole yet.
  template <class Receive>
  std::size_t parse(std::size_t at, Receive& receive) {
    const std::size_t available = filled_ - at;
    const std::uint8_t* bytes = input_.data() + at;
    if (available < 2) {
      return 0;
    }
    std::size_t header = 2;
    std::size_t length = bytes[1];
    if (length == 126) {
      if (available < 4) {
        return 0;
      }
      header = 4;
      length = static_cast<std::size_t>(bytes[2]) << 8U | bytes[3];
    } else if (length > 126) {
      throw std::runtime_error("the server sent a frame that is masked or longer than any reply");
    }
    if (available < header + length) {
      return 0;
    }
    const BytesView payload{bytes + header, length};
    switch (bytes[0]) {
      case 0x82:
        receive(payload);
        break;
      case 0x89:
        pong(payload);
        break;
      case 0x88:
        throw std::runtime_error("the server closed a connection with code " +
                                 std::to_string(length >= 2 ? payload[0] << 8U | payload[1] : 1005));
      default:
        throw std::runtime_error("the server sent a frame that is no reply");
    }
    return header + length;
  }

  void pong(BytesView payload) {
    const std::size_t start = output_.size();
    queue(payload);
    output_[start] = 0x8a;
  }

  int descriptor_;
  std::vector<std::uint8_t> output_;
  std::size_t written_ = 0;
  std::vector<std::uint8_t> input_;
  std::size_t filled_ = 0;
};

}  // namespace restante::bench
