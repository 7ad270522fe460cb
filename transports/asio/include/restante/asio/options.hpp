// What can be said to WebSocketServer and WebSocketClient.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/asio/tls.hpp>
#include <restante/callback.hpp>
#include <restante/time.hpp>

namespace restante {

/// One header line of a plain HTTP request. The texts are valid for the length of the call.
struct HttpHeader {
  std::string_view name;
  std::string_view value;
};

/// A plain HTTP request on the port of the server, one that does not ask for a WebSocket. Never has a body: a request
/// that brings one is refused before it is seen. The texts are valid for the length of the call.
struct HttpRequest {
  /// As sent: "GET", "HEAD", or any other token.
  std::string_view method;
  /// As sent, not decoded: "/", "/style.css?x=1", or anything else without a space.
  std::string_view target;
  std::span<const HttpHeader> headers;
};

/// The answer to an HttpRequest. The connection is closed after it. The length is added, and for HEAD the body left
/// out.
struct HttpResponse {
  /// A status of RFC 9110, 200–599.
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
  /// More header lines: name and value, without line breaks.
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// Something that an operator should know.
struct WebSocketWarning {
  enum class Kind : std::uint8_t {
    /// A page from an origin that is not among allowed_origins wanted to connect.
    origin_refused,
    /// A request was for a host that is not among allowed_hosts.
    host_refused,
    /// There are connections_max connections.
    too_many_connections,
    /// The system lacks file descriptors or memory: connections wait until it has some.
    short_of_resources,
    /// A handshake of TLS failed, or a peer spoke TLS on a port without it, or none on a port with it.
    tls_failed,
  };
  Kind kind = Kind::short_of_resources;
  /// A sentence, valid for the length of the call. It may hold what a peer sent, without control characters.
  std::string_view text = {};
};

/// How a WebSocketServer behaves. Every timeout must be more than 0 and every maximum at least 1, or an assertion
/// fails when the server is made.
struct WebSocketServerOptions {
  /// The address to listen on, as a number or a name. "0.0.0.0" and "::" are all addresses of this host.
  std::string host = "127.0.0.1";
  /// The port to listen on; 0 is any that is free, and port() says which.
  std::uint16_t port = 12345;
  /// Speaks TLS. The files are read when the server is made, and again with reload_tls().
  std::optional<TlsServerOptions> tls = {};
  /// Web pages that may connect, besides those that come from this server itself: origins as browsers send them,
  /// "https://example.org", "null" for pages from a file, or "*" for all. Programs that are not browsers send no
  /// origin, and are let in. Others are answered with status 403.
  std::vector<std::string> allowed_origins = {};
  /// Host names that requests may be for, besides localhost and numeric addresses; "*" for all. Any name can be made to
  /// lead to this server, and a page that comes from that name would be taken for the server's own ("DNS rebinding").
  /// Requests for others are answered with status 403.
  std::vector<std::string> allowed_hosts = {};
  /// Open WebSocket connections; the next handshake is answered with status 503.
  std::size_t connections_max = 1024;
  /// Connections that are not yet, not any more, or never WebSocket connections: when one more comes, the one that has
  /// been given the longest time gives way.
  std::size_t pending_handshakes_max = 256;
  /// Bytes of the header of a request, at most 15,000; a larger one is answered with status 431.
  std::size_t header_bytes_max = 8 * 1024;
  /// Bytes of a message, all of its fragments together; a larger one is closed with 1009. Holds for connections that
  /// speak no subprotocol; each of the listener's has a limit of its own.
  std::size_t message_bytes_max = std::size_t{64} * 1024;
  /// Bytes that are read at once, per connection.
  std::size_t read_buffer_bytes = std::size_t{16} * 1024;
  /// Bytes that may wait to leave on one connection; it is closed with 1008 when there would be more. A listener that
  /// pauses connections, as Messenger does, stays far below.
  std::size_t send_queue_bytes_max = std::size_t{4} * 1024 * 1024;
  /// From the first byte that could come until the handshake is complete.
  Duration handshake_timeout = std::chrono::seconds{10};
  /// How long nothing may come from a peer until it is sent a ping; 0 is never. A paused connection is left alone.
  Duration ping_interval = std::chrono::seconds{20};
  /// How long nothing may come from a peer after the ping until the connection is given up.
  Duration pong_timeout = std::chrono::seconds{20};
  /// How long a connection may take to close.
  Duration close_timeout = std::chrono::seconds{5};
  /// Answers plain HTTP requests, so that a page can be given out on the same port. Without one they are answered with
  /// status 426. Must not call the server.
  Callback<HttpResponse(const HttpRequest&)> on_http_request = {};
  /// Is told what an operator should know. Must not call the server.
  Callback<void(const WebSocketWarning&)> on_warning = {};
  /// Is told, after each turn in which messages came, how many they were and how long it took from reading them to
  /// giving the replies to the kernel. Costs one look at the clock. Must not call the server. With several threads it
  /// is called by all of them, at the same time as well.
  Callback<void(std::size_t messages, Duration took)> on_turn = {};
  /// Threads that read, write and speak TLS, each for connections of its own. The listener, a Messenger for instance,
  /// is called by all of them, but by one at a time: it needs no lock of its own. What else calls it, or the functions
  /// that the concept Transport asks for, does so in exclusively().
  std::size_t threads = 1;
};

/// How long the threads of a server were held up by taking turns with the listener. All of it since start.
struct LockTimes {
  /// Turns of the listener.
  std::uint64_t turns = 0;
  /// How long they took, together.
  Duration held{};
  /// Turns that had to wait for another.
  std::uint64_t waits = 0;
  /// How long they waited, together.
  Duration waited{};
};

/// How a WebSocketClient behaves. Every timeout must be more than 0 and every maximum at least 1, or an assertion
/// fails when the client is made.
struct WebSocketClientOptions {
  /// The server's address, as a number or a name.
  std::string host = "127.0.0.1";
  std::uint16_t port = 12345;
  /// Speaks TLS. The file is read when the client is made.
  std::optional<TlsClientOptions> tls = {};
  /// What follows the host in the address of the server: "/".
  std::string path = "/";
  /// Bytes of a message, all of its fragments together; a larger one is closed with 1009. Holds for connections that
  /// speak no subprotocol; each of the listener's has a limit of its own.
  std::size_t message_bytes_max = std::size_t{256} * 1024;
  /// Bytes that are read at once.
  std::size_t read_buffer_bytes = std::size_t{16} * 1024;
  /// Bytes that may wait to leave; the connection is closed with 1008 when there would be more.
  std::size_t send_queue_bytes_max = std::size_t{16} * 1024 * 1024;
  /// From open() until the handshake is complete.
  Duration handshake_timeout = std::chrono::seconds{10};
  /// How long nothing may come from the server until it is sent a ping; 0 is never. A paused connection is left alone.
  Duration ping_interval = std::chrono::seconds{20};
  /// How long nothing may come from the server after the ping until the connection is given up.
  Duration pong_timeout = std::chrono::seconds{20};
  /// How long the connection may take to close.
  Duration close_timeout = std::chrono::seconds{5};
};

}  // namespace restante
