// What carries messages: the one thing that Messenger and Client ask for from outside.
//
// A transport moves whole messages between this program and peers, keeps time, and nothing else: it knows no mailbox
// and no packet. Which protocol a connection speaks it agrees with the peer, when the connection opens, by names that
// mean nothing to it: the listener says which ones it speaks. restante/memory.hpp and restante/websocketpp.hpp are two;
// docs/guide.md shows how to write another, and TransportArchetype below is the smallest thing that compiles.
//
// Everything here happens on one thread, the one that runs the transport. The single exception is wake().
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/time.hpp>

namespace restante {

/// Names a connection of a transport. A regular value, cheap to copy; the same pair is never used again by the same
/// transport, so that a name kept too long names nothing rather than somebody else.
struct Connection {
  /// A small number, reused after the connection closed: good for indexing.
  std::uint32_t slot = 0;
  /// Tells apart the connections that had the same slot. 0 names no connection.
  std::uint32_t generation = 0;

  friend constexpr bool operator==(Connection, Connection) = default;
  friend constexpr auto operator<=>(Connection, Connection) = default;
};

/// How a message was marked by its sender (RFC 6455, section 5.6).
enum class MessageType : std::uint8_t { text, binary };

/// Why a connection is closed: the numbers of RFC 6455, section 7.4.1, those from 4000 on by docs/protocol.md.
using CloseCode = std::uint16_t;

namespace close_code {
inline constexpr CloseCode normal = 1000;
inline constexpr CloseCode going_away = 1001;
inline constexpr CloseCode protocol_error = 1002;
/// A type of message that is not accepted: text, in the classic protocol.
inline constexpr CloseCode unsupported_data = 1003;
/// Nothing was said: the connection broke, or never opened. Never sent.
inline constexpr CloseCode abnormal = 1006;
/// The peer does not follow a rule of this server: it does not read what is sent to it, for instance.
inline constexpr CloseCode policy_violation = 1008;
inline constexpr CloseCode message_too_big = 1009;
/// The server cannot keep its promise at present; later it may.
inline constexpr CloseCode try_again_later = 1013;
/// Another connection proved that the address is its own (docs/protocol.md, restante.v2, rule 1).
inline constexpr CloseCode taken_over = 4001;
/// The operator retired the address that the connection held (docs/protocol.md, restante.v2, rule 12).
inline constexpr CloseCode retired = 4002;
}  // namespace close_code

/// A subprotocol (RFC 6455, section 1.9) that a listener speaks.
struct Protocol {
  /// What both sides call it: a token, as RFC 6455, section 4.1, has it. Must be valid as long as the program.
  std::string_view name = {};
  /// The longest message that this side takes on a connection that speaks it, at least 1. A longer one closes the
  /// connection with 1009.
  std::size_t message_bytes_max = 0;
};

/// What is known of a connection when it opens. The texts are valid for the length of the call.
struct Opened {
  /// The other side, for people to read: "127.0.0.1:50314".
  std::string_view peer = {};
  /// The name of the subprotocol that was negotiated, one of the listener's own; empty where none was.
  std::string_view protocol = {};
};

/// Why a connection ended. The text is valid for the length of the call.
struct Closed {
  CloseCode code = close_code::abnormal;
  /// UTF-8 from the peer or the transport; may be empty.
  std::string_view reason = {};
};

/// Who hears from a transport. Messenger and Client are listeners; users of those have no need of it.
///
/// For each connection the order is: opened once, received any number of times, closed once. A client's connection that
/// could not be made is reported as closed only. A transport calls none of these functions from inside a call that a
/// listener makes to it (send, close, pause, …): it reports later, from its own loop.
class TransportListener {
 public:
  /// The subprotocols that this listener speaks, the best first; none of them twice. Asked once, by start(), and must
  /// stay what it was until stop(). A client offers all of them. A server chooses the first one that a client offers
  /// and it speaks; where there is none, the connection speaks none.
  virtual std::span<const Protocol> protocols() const { return {}; }

  virtual void opened(Connection connection, const Opened& opened) = 0;

  /// A whole message came. The bytes are valid for the length of the call. Never called for a connection that is
  /// paused, or that close() was called for.
  virtual void received(Connection connection, MessageType type, BytesView message) = 0;

  /// What was at hand has been reported: a good time to write replies out. Comes after every batch of received() and
  /// closed(), before the transport waits for anything.
  virtual void turn_ended() = 0;

  /// Nothing waits to leave any more on a connection that is paused: comes each time that what send() had queued falls
  /// to zero bytes while the connection is paused. For connections that are not paused it is not called.
  virtual void drained(Connection connection) = 0;

  /// The connection is gone; its name must not be used again.
  virtual void closed(Connection connection, const Closed& closed) = 0;

  /// The time asked for with wake_at() has come, or wake() was called.
  virtual void woken() = 0;

 protected:
  ~TransportListener() = default;
};

// What transports need to negotiate. One that cannot carry names to its peer has no need of it: its connections speak
// no subprotocol.

/// Whether a subprotocol can be called so: RFC 6455, section 4.1, number 10.
constexpr bool is_protocol_name(std::string_view name) noexcept {
  constexpr std::string_view separators = "()<>@,;:\\\"/[]?={}";
  for (const char character : name) {
    if (character <= ' ' || character > '~' || separators.find(character) != std::string_view::npos) {
      return false;
    }
  }
  return !name.empty();
}

/// What a listener speaks, for a transport to ask in start(). Asserts what is said of Protocol.
inline std::span<const Protocol> protocols_of(const TransportListener& listener) {
  const std::span<const Protocol> protocols = listener.protocols();
  for (const Protocol& protocol : protocols) {
    RESTANTE_ASSERT(is_protocol_name(protocol.name), "the name of a subprotocol must be a token");
    RESTANTE_ASSERT(protocol.message_bytes_max >= 1, "a subprotocol's message_bytes_max must be at least 1");
  }
  return protocols;
}

/// What a client offers.
inline std::vector<std::string_view> names_of(std::span<const Protocol> protocols) {
  std::vector<std::string_view> names;
  names.reserve(protocols.size());
  for (const Protocol& protocol : protocols) {
    names.push_back(protocol.name);
  }
  return names;
}

/// The protocol that is called so, or nullptr. A client whose server chose a name that is not found here has to fail
/// the connection. Names are compared byte for byte.
constexpr const Protocol* find_protocol(std::span<const Protocol> protocols, std::string_view name) noexcept {
  for (const Protocol& protocol : protocols) {
    if (protocol.name == name) {
      return &protocol;
    }
  }
  return nullptr;
}

/// What Opened::protocol says; `protocol` may be nullptr.
constexpr std::string_view name_of(const Protocol* protocol) noexcept {
  return protocol == nullptr ? std::string_view{} : protocol->name;
}

/// What a server chooses: the first name offered that it speaks. nullptr where it speaks none of them.
constexpr const Protocol* choose_protocol(std::span<const std::string_view> offered,
                                          std::span<const Protocol> spoken) noexcept {
  for (const std::string_view name : offered) {
    if (const Protocol* const protocol = find_protocol(spoken, name); protocol != nullptr) {
      return protocol;
    }
  }
  return nullptr;
}

/// Reports to the listener it is given. start() is called once, before the transport runs, and stop() before the
/// listener is gone: after it, nothing is reported any more, and connections that are left are closed with 1001.
template <class T>
concept ReportsEvents = requires(T& transport, TransportListener& listener) {
  transport.start(listener);
  transport.stop();
};

/// Sends a binary message, in order, copying it before the call returns. Gives how many bytes now wait to leave on this
/// connection, all of its messages together; what the kernel or the peer has does not count. A connection that is
/// closing or gone swallows it and gives 0.
template <class T>
concept SendsMessages = requires(T& transport, Connection connection, BytesView message) {
  { transport.send(connection, message) } -> std::convertible_to<std::size_t>;
};

/// Closes a connection once what was sent before has left, with a code and a reason of at most 123 bytes of UTF-8. The
/// transport itself bounds how long that may take. A connection that is closing or gone: nothing happens.
template <class T>
concept ClosesConnections = requires(T& transport, Connection connection, CloseCode code, std::string_view reason) {
  transport.close(connection, code, reason);
};

/// Stops reporting messages of a connection, at once (those of the same read included), until it is resumed. What was
/// read and not reported is kept. While a connection is paused, it is not read from, so that its peer feels it.
template <class T>
concept PausesReceiving = requires(T& transport, Connection connection) {
  transport.pause(connection);
  transport.resume(connection);
};

/// Knows the time, and calls woken() once when the time of the latest wake_at() has come: a later call replaces the one
/// before, `never` takes it back. now() is the same during one call to the listener or grows. wake() may be called from
/// any thread, between start() and stop(), and makes woken() be called soon; several may become one.
template <class T>
concept KeepsTime = requires(T& transport, const T& constant, SteadyTime time) {
  { constant.now() } -> std::same_as<SteadyTime>;
  transport.wake_at(time);
  transport.wake();
};

/// Makes a connection to the one place that it was constructed for: the name is given at once, and opened() or closed()
/// follows. One connection at a time: only after closed() may it be called again.
template <class T>
concept OpensConnections = requires(T& transport) {
  { transport.open() } -> std::same_as<Connection>;
};

/// What Messenger needs.
template <class T>
concept Transport = ReportsEvents<T> && SendsMessages<T> && ClosesConnections<T> && PausesReceiving<T> && KeepsTime<T>;

/// What Client needs.
template <class T>
concept ClientTransport = Transport<T> && OpensConnections<T>;

/// The smallest type that is a Transport and a ClientTransport, and does nothing: a list to copy from, and what the
/// library's own tests compile against to be sure that it asks for no more.
class TransportArchetype {
 public:
  void start(TransportListener&) {}
  void stop() {}
  std::size_t send(Connection, BytesView) { return 0; }
  void close(Connection, CloseCode, std::string_view) {}
  void pause(Connection) {}
  void resume(Connection) {}
  SteadyTime now() const { return {}; }
  void wake_at(SteadyTime) {}
  void wake() {}
  Connection open() { return {}; }
};

static_assert(Transport<TransportArchetype> && ClientTransport<TransportArchetype>);

}  // namespace restante
