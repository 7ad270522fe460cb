// A peer whose every byte the test decides about, and a server to try it on, in one loop and one thread.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "recording_listener.hpp"
#include "transport_under_test.hpp"
#include "websocket_frames.hpp"

namespace restante::test {

using namespace std::chrono_literals;

/// Runs the loop until `condition` holds. Gives whether it does, at the latest after ten seconds.
template <class Condition>
bool run_until(boost::asio::io_context& context, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  context.restart();
  while (!condition()) {
    if (context.run_one_until(end) == 0) {
      return condition();
    }
  }
  return true;
}

inline std::string binary(std::string payload) {
  return encode({.opcode = 2, .payload = std::move(payload)});
}

/// The payload of a close frame.
inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)} + std::string{reason};
}

inline std::string close_frame(unsigned code, std::string_view reason = {}) {
  return encode({.opcode = 8, .payload = close_payload(code, reason)});
}

/// What a server's frame says. Shown as "binary one", "close 1000 bye".
inline std::string describe(unsigned opcode, const std::string& payload) {
  switch (opcode) {
    case 1:
      return "text " + payload;
    case 2:
      return "binary " + payload;
    case 8: {
      if (payload.size() < 2) {
        return "close";
      }
      const unsigned code = static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
      return "close " + std::to_string(code);
    }
    case 9:
      return "ping " + payload;
    case 10:
      return "pong " + payload;
    default:
      return "opcode " + std::to_string(opcode);
  }
}

/// Asks for a WebSocket. `more` are header lines, each with its line break.
inline std::string upgrade_request(std::string_view more = {}) {
  return "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string{more} + "\r\n";
}

/// Takes a frame of a server out of the bytes that came from it, and gives what describe() says; nothing when it has
/// not come whole.
inline std::optional<std::string> take_frame(std::string& received) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(received[index]); };
  if (received.size() < 2) {
    return std::nullopt;
  }
  const unsigned short_length = byte(1) & 0x7fU;
  const std::size_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  if (received.size() < 2 + length_bytes) {
    return std::nullopt;
  }
  std::size_t length = length_bytes == 0 ? short_length : 0;
  for (std::size_t index = 0; index < length_bytes; ++index) {
    length = length << 8U | byte(2 + index);
  }
  if (received.size() < 2 + length_bytes + length) {
    return std::nullopt;
  }
  EXPECT_EQ(byte(1) & 0x80U, 0U) << "a server must not mask";
  EXPECT_EQ(byte(0) & 0xf0U, 0x80U) << "a server of ours sends whole messages, without extensions";
  std::string frame = describe(byte(0) & 0x0fU, received.substr(2 + length_bytes, length));
  received.erase(0, 2 + length_bytes + length);
  return frame;
}

/// A TCP connection to the server under test.
class RawClient {
  using tcp = boost::asio::ip::tcp;

 public:
  RawClient(boost::asio::io_context& context, std::uint16_t port) : RawClient{context} { connect(port); }

  /// Has a socket, and is not connected.
  explicit RawClient(boost::asio::io_context& context) : context_{context}, peer_{std::make_shared<Peer>(context)} {
    peer_->socket.open(tcp::v4());
  }

  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { disconnect(); }

  void connect(std::uint16_t port) { peer_->socket.connect({boost::asio::ip::address_v4::loopback(), port}); }

  void send(std::string_view bytes) { boost::asio::write(peer_->socket, boost::asio::buffer(bytes)); }

  /// Sends as much as the kernel takes at once, and gives the rest.
  std::string_view send_some(std::string_view bytes) {
    boost::system::error_code full;
    peer_->socket.non_blocking(true);
    const std::size_t sent = boost::asio::write(peer_->socket, boost::asio::buffer(bytes), full);
    peer_->socket.non_blocking(false);
    return bytes.substr(sent);
  }

  /// Asks for a WebSocket. `more` are header lines, each with its line break.
  void ask(std::string_view more = {}) { send(upgrade_request(more)); }

  /// Reads the header of a response, and gives its status line without the version.
  std::string read_response() {
    read_until([&] { return peer_->received.find("\r\n\r\n") != std::string::npos; });
    const std::size_t end = peer_->received.find("\r\n\r\n");
    if (end == std::string::npos) {
      return peer_->ended ? "ended" : "nothing";
    }
    header_ = peer_->received.substr(0, end + 2);
    peer_->received.erase(0, end + 4);
    return header_.substr(9, header_.find("\r\n") - 9);
  }

  /// What read_response() read.
  const std::string& header() const { return header_; }

  bool upgrade(std::string_view more = {}) {
    ask(more);
    return read_response() == "101 Switching Protocols";
  }

  /// Reads a frame, and gives what describe() says; or "ended" when the server ended the connection, "reset" when it
  /// did so without leave.
  std::string read() {
    std::optional<std::string> frame;
    read_until([&] { return (frame = take_frame(peer_->received)).has_value(); });
    if (frame) {
      return *frame;
    }
    return !peer_->ended ? "nothing" : peer_->reset ? "reset" : "ended";
  }

  /// Reads until the server ends the connection, and gives everything.
  std::string read_all() {
    read_until([] { return false; });
    return std::exchange(peer_->received, {});
  }

  /// Says that nothing more will be sent.
  void end_sending() { peer_->socket.shutdown(tcp::socket::shutdown_send); }

  void disconnect() { peer_->socket.close(); }

  /// Makes the kernel hold little for this side. To be called before much is sent to it.
  void read_slowly() { peer_->socket.set_option(boost::asio::socket_base::receive_buffer_size{4096}); }

 private:
  // Lives as long as a read is under way.
  struct Peer {
    explicit Peer(boost::asio::io_context& context) : socket{context} {}
    tcp::socket socket;
    std::array<char, 65536> buffer{};
    std::string received;
    bool listening = false;
    bool ended = false;
    bool reset = false;
  };

  // Reads no more than is needed, so that a test can be a peer that does not read.
  template <class Condition>
  void read_until(Condition condition) {
    run_until(context_, [&] {
      if (condition() || peer_->ended) {
        return true;
      }
      listen();
      return false;
    });
  }

  void listen() {
    if (!std::exchange(peer_->listening, true)) {
      peer_->socket.async_read_some(boost::asio::buffer(peer_->buffer),
                                    [peer = peer_](const auto& error, std::size_t bytes) {
                                      peer->received.append(peer->buffer.data(), bytes);
                                      peer->listening = false;
                                      peer->ended = static_cast<bool>(error);
                                      peer->reset = error == boost::asio::error::connection_reset;
                                    });
    }
  }

  boost::asio::io_context& context_;
  std::shared_ptr<Peer> peer_;
  std::string header_;
};

/// A server with a recording listener.
struct Server {
  explicit Server(WebSocketServerOptions options = {}, std::vector<Protocol> spoken = {})
      : transport{context, with_any_port(std::move(options))} {
    listener.spoken = std::move(spoken);
    transport.start(listener);
  }
  ~Server() { transport.stop(); }

  /// Runs until the condition holds.
  template <class Condition>
  bool until(Condition condition) {
    return run_until(context, condition);
  }

  bool until_closed(std::size_t connections = 1) {
    return until([&] { return listener.ends.size() >= connections; });
  }

  RawClient connect() { return {context, transport.port()}; }

  /// Sends back every message.
  void echo() {
    listener.on_received = [this](Connection connection, BytesView message) { transport.send(connection, message); };
  }

  static WebSocketServerOptions with_any_port(WebSocketServerOptions options) {
    options.port = 0;
    return options;
  }

  boost::asio::io_context context{1};
  RecordingListener listener;
  TestedServer transport;
};

}  // namespace restante::test
