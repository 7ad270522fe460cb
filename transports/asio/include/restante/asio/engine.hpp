// What speaks RFC 6455 for one connection: the part in which the WebSocket transports differ.
//
// Bytes go in, frames come out. Sockets, time, TLS and the order of things belong to the loop (detail/turn_loop.hpp),
// and frames that leave are made in one place for all engines (detail/frame.hpp). transports/websocketpp and
// transports/beast are two engines.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <restante/asio/options.hpp>
#include <restante/bytes.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

enum class Role : std::uint8_t { server, client };

/// Gives the keys that a client masks its frames with, and the key of its handshake.
class MaskSource {
 public:
  std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }

 private:
  static std::mt19937 seeded() {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937{seed};
  }

  std::mt19937 engine_ = seeded();
};

/// What an engine found in the bytes of a peer.
struct Frame {
  enum class Kind : std::uint8_t {
    /// A whole message, all of its fragments together.
    text,
    binary,
    ping,
    pong,
    /// The peer closes: nothing comes after this.
    close,
    /// The peer broke RFC 6455 or a limit: nothing more can be read.
    fault,
  };
  Kind kind = Kind::binary;
  /// Of a message, a ping or a pong. Valid until the next call of an engine with the same `Shared`, as is the reason.
  BytesView payload = {};
  /// close: what the peer gave, 1005 where it gave nothing. fault: what to close with.
  CloseCode code = 0;
  /// close: what the peer gave. fault: a sentence.
  std::string_view reason = {};
};

/// RFC 6455, section 7.4.1: a close frame without a code. Never sent.
inline constexpr CloseCode no_status = 1005;

/// Whom a client's handshake is for.
struct HandshakeTarget {
  bool secure = false;
  std::string_view host = {};
  std::uint16_t port = 0;
  std::string_view path = {};
  /// The names of the subprotocols that are offered, the best first.
  const std::vector<std::string_view>& subprotocols;
};

/// The server's side of a handshake: a request, which may as well be one of plain HTTP. After a fault or when it is
/// complete, no more bytes may be given to it. Names of headers match whatever their case.
template <class H>
concept ServerHandshakeEngine = requires(H& handshake, const H& constant, BytesView bytes, std::string_view text) {
  requires std::default_initializable<H>;
  /// Takes bytes up to the end of the request, and gives how many it took.
  { handshake.take_bytes(bytes) } -> std::same_as<std::size_t>;
  { constant.complete() } -> std::same_as<bool>;
  /// A status of HTTP to refuse with, 0 while there is none; and the sentence that goes with it.
  { constant.fault_status() } -> std::same_as<unsigned>;
  { constant.fault() } -> std::convertible_to<std::string>;
  // What follows is for a complete request.
  /// A header that comes in several lines may stand here in as many, or in one with commas between them.
  { constant.http_request() } -> std::same_as<HttpRequest>;
  { constant.header(text) } -> std::convertible_to<std::string_view>;
  { constant.asks_for_websocket() } -> std::same_as<bool>;
  /// Whether it asks for version 13, the one of RFC 6455.
  { constant.version_is_spoken() } -> std::same_as<bool>;
};

/// One connection. Made before the handshake; a server's speaks from accept() on, a client's from a complete
/// handshake on.
template <class E>
concept Engine = requires(E& engine, typename E::Shared& shared, const typename E::ServerHandshake& request,
                          std::span<std::uint8_t>& bytes, Frame& frame, BytesView view, const HandshakeTarget& target,
                          const std::string& text, std::size_t bytes_max) {
  /// What all connections of a loop have in common: buffers that one of them needs at a time. Has a MaskSource `masks`.
  requires std::default_initializable<typename E::Shared>;
  { shared.masks() } -> std::convertible_to<std::uint32_t>;
  requires ServerHandshakeEngine<typename E::ServerHandshake>;
  requires std::constructible_from<E, Role, std::size_t, typename E::Shared&>;

  /// What is wrong with a request for a WebSocket; empty where nothing is.
  { engine.fault_of(request) } -> std::convertible_to<std::string>;
  /// Agrees to a request, and gives the bytes to answer with. The subprotocol may be empty.
  { engine.accept(request, text) } -> std::same_as<std::string>;

  /// Changes how long a message may be, from now on. At least 1. Not while one is under way.
  engine.set_message_bytes_max(bytes_max);

  /// Takes bytes off the front, up to the end of the next frame that has to be told, and changes them in place. False:
  /// it took all of them, and there is no such frame. It may hold bytes back itself, so that it has to be called again
  /// after true with no bytes left. Memory that only the latest frame needed goes back to `Shared` with the call that
  /// comes after it.
  { engine.next(bytes, frame) } -> std::same_as<bool>;

  /// A client begins its handshake: gives the bytes of the request.
  { engine.request(target) } -> std::same_as<std::string>;
  /// A client takes bytes of the answer, and gives how many it took.
  { engine.take_answer(view) } -> std::same_as<std::size_t>;
  /// The answer has been read as far as is needed.
  { engine.answer_complete() } -> std::same_as<bool>;
  /// What is wrong with the complete answer; empty where nothing is. An extension is wrong, since nobody offered one.
  { engine.answer_fault() } -> std::convertible_to<std::string>;
  /// The subprotocol that the server chose, as it stands in the answer, or nothing. Where the header came in several
  /// lines, all of them, with commas between them.
  { engine.answer_subprotocol() } -> std::convertible_to<std::string>;
};

}  // namespace restante::asio_detail
