#include "socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace restante::bench {
namespace {

constexpr std::size_t answer_bytes_max = 8192;
const std::string protocol_field = "Sec-WebSocket-Protocol: ";

int connect(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found); error != 0) {
    throw std::runtime_error("cannot resolve " + url.host + ": " + gai_strerror(error));
  }
  int descriptor = -1;
  int error = 0;
  // For connecting as well as for the handshake; nothing waits after that.
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  for (const addrinfo* address = found; address != nullptr && descriptor < 0; address = address->ai_next) {
    descriptor = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
      error = errno;
      continue;
    }
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(descriptor, address->ai_addr, address->ai_addrlen) != 0) {
      error = errno == EINPROGRESS ? ETIMEDOUT : errno;
      ::close(std::exchange(descriptor, -1));
    }
  }
  freeaddrinfo(found);
  if (descriptor < 0) {
    throw std::system_error(error, std::generic_category(),
                            error == EADDRNOTAVAIL ? "this machine has no port left to connect from"
                                                   : "cannot connect to " + url.host + ":" + url.port);
  }
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

}  // namespace

Url Url::parse(std::string_view text) {
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

void allow_descriptors(std::size_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < wanted) {
    throw std::runtime_error("so many connections need " + std::to_string(wanted) +
                             " file descriptors, and this process may have " + std::to_string(limit.rlim_max) +
                             " (ulimit -Hn)");
  }
}

Socket::Socket(const Url& url, std::string_view protocol) : descriptor_{connect(url)} {
  try {
    shake_hands(url, protocol);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

Socket::Socket(Socket&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)},
      output_{std::move(other.output_)},
      written_{other.written_},
      rest_{std::move(other.rest_)} {}

Socket::~Socket() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

void Socket::shake_hands(const Url& url, std::string_view protocol) {
  const bool is_ipv6 = url.host.find(':') != std::string::npos;
  const std::string request = "GET " + url.path + " HTTP/1.1\r\nHost: " + (is_ipv6 ? "[" + url.host + "]" : url.host) +
                              ":" + url.port +
                              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: cmVzdGFudGUtYmVuY2gtMQ==\r\n" +
                              (protocol.empty() ? "" : protocol_field + std::string{protocol} + "\r\n") + "\r\n";
  // What RFC 6455, section 4.2.2, makes of that key.
  constexpr std::string_view accepted = "Xu7RgicAS2JqfdtZSFjV7b0nYmo=";
  if (::send(descriptor_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    throw std::system_error(errno, std::generic_category(), "cannot send the handshake");
  }
  std::string answer;
  std::size_t end = std::string::npos;
  while (end == std::string::npos) {
    std::array<char, 1024> bytes;
    const ssize_t count = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EAGAIN) {
      throw std::runtime_error("the server did not answer the handshake within 10 s");
    }
    if (count <= 0 || answer.size() > answer_bytes_max) {
      throw std::runtime_error("the server ended the connection during the handshake");
    }
    answer.append(bytes.data(), static_cast<std::size_t>(count));
    end = answer.find("\r\n\r\n");
  }
  if (!answer.starts_with("HTTP/1.1 101")) {
    throw std::runtime_error("the server refused a connection: " + answer.substr(0, answer.find('\r')));
  }
  if (answer.find(accepted) > end) {
    throw std::runtime_error("the server answered the handshake with a wrong Sec-WebSocket-Accept");
  }
  if (!protocol.empty() && answer.find(protocol_field + std::string{protocol} + "\r\n") > end) {
    throw std::runtime_error("the server does not speak " + std::string{protocol});
  }
  rest_.assign(answer.begin() + static_cast<std::ptrdiff_t>(end) + 4, answer.end());
}

void Socket::control(const Frame& frame) {
  if (frame.type == frame_type::ping) {
    queue(masked_frame(frame.payload, frame_type::pong));
  } else if (frame.type == frame_type::close) {
    const std::string code =
        frame.payload.size() >= 2 ? std::to_string(frame.payload[0] << 8U | frame.payload[1]) : std::string{"no code"};
    const std::string_view reason = frame.payload.size() > 2 ? as_text(frame.payload.subspan(2)) : "";
    throw std::runtime_error("the server closed the connection with " + code + (reason.empty() ? "" : ": ") +
                             std::string{reason});
  } else if (frame.type != frame_type::pong) {
    throw std::runtime_error("the server sent a frame that no reply can be");
  }
}

}  // namespace restante::bench
