// What a connection of the in-memory network is like, and what happened on it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <restante/assert.hpp>
#include <restante/time.hpp>

namespace restante {

/// The two worlds that a transport can live in.
enum class LinkKind : std::uint8_t {
  /// Every message once and in order, or the connection breaks: as a WebSocket does.
  stream,
  /// Each message by itself: it may be lost, come twice or overtake others.
  datagram,
};

/// One of the two ways through a connection.
enum class Direction : std::uint8_t { to_server, to_client };

/// How a link behaves, in both directions alike. Only messages are lost or doubled: the opening and the closing of a
/// connection are repeated until they arrive, on a datagram link too, and nothing overtakes them.
struct LinkOptions {
  LinkKind kind = LinkKind::stream;
  /// How long a message takes at least. Never less than a nanosecond, whatever is said here, so that an effect comes
  /// after its cause and time goes on.
  Duration latency = std::chrono::milliseconds{1};
  /// Each message takes up to this much longer, drawn evenly from the seed. A stream keeps the order nevertheless: who
  /// is fast waits for who is slow. On a datagram link this is what lets messages overtake each other.
  Duration jitter{};
  /// What fits through in a second, one message after the other; 0 means that size takes no time.
  std::uint64_t bytes_per_second = 0;
  /// How many bytes may be on their way or lie with a receiver that is paused, all messages of a direction together. On
  /// a stream, what goes beyond waits with its sender: this is what send() reports and drained() ends. On a datagram
  /// link, it is lost. A message that finds nothing else on its way always fits.
  std::uint64_t window_bytes = 64 * 1024;
  /// Of a million messages, how many are lost. Datagram links only.
  std::uint32_t loss_per_million = 0;
  /// Of a million messages, how many come twice. Datagram links only.
  std::uint32_t duplication_per_million = 0;
  /// A client's connection that did not open in this time has failed: both sides see 1006.
  Duration open_timeout = std::chrono::seconds{10};
  /// A connection that was asked to close and did not in this time is broken: both sides see 1006.
  Duration close_timeout = std::chrono::seconds{5};
};

/// What happened in one direction. At every time, sent + duplicated = delivered + lost + what is still on its way.
struct LinkCounters {
  /// Messages that send() took. What it swallowed, because the connection was not open, does not count.
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  /// Messages that were reported to a listener.
  std::uint64_t delivered = 0;
  std::uint64_t delivered_bytes = 0;
  /// Messages that nobody will ever see: by loss, partition or a full window, or because the connection ended.
  std::uint64_t lost = 0;
  /// Second copies that were made.
  std::uint64_t duplicated = 0;

  constexpr LinkCounters& operator+=(const LinkCounters& other) noexcept {
    sent += other.sent;
    sent_bytes += other.sent_bytes;
    delivered += other.delivered;
    delivered_bytes += other.delivered_bytes;
    lost += other.lost;
    duplicated += other.duplicated;
    return *this;
  }

  friend constexpr bool operator==(const LinkCounters&, const LinkCounters&) = default;
};

/// How a connection breaks. Of the messages on their way, those that were to arrive first still do; with the last of
/// them the receiver sees the connection closed with 1006. What waits with a sender is lost, and so is what a pause, a
/// stall or a partition holds up when the receiver finds out.
struct Break {
  /// How many messages of those on their way to the server still arrive (all, when there are fewer); the opening and
  /// the closing of the connection count as messages. Nothing: the seed decides.
  std::optional<std::uint64_t> arrive_at_server = {};
  /// The same towards the client.
  std::optional<std::uint64_t> arrive_at_client = {};
  /// How long the server does not know of it: until then it sends into the void. Duration::max() means for ever, as
  /// when the client's machine lost its power.
  Duration server_learns_after{};
  /// The same for the client.
  Duration client_learns_after{};
};

namespace memory {

/// Ends the program when options make no sense.
inline void check(const LinkOptions& options) {
  RESTANTE_ASSERT(options.latency >= Duration::zero(), "a message cannot arrive before it was sent");
  RESTANTE_ASSERT(options.jitter >= Duration::zero(), "jitter is a length of time");
  RESTANTE_ASSERT(options.loss_per_million <= 1'000'000, "no more than all messages can be lost");
  RESTANTE_ASSERT(options.duplication_per_million <= 1'000'000, "no more than all messages can be doubled");
  RESTANTE_ASSERT(options.open_timeout > Duration::zero(), "opening takes time");
  RESTANTE_ASSERT(options.close_timeout > Duration::zero(), "closing takes time");
}

/// The index of a direction in arrays of two; also of the side that sends in it: the client is 0, the server 1.
constexpr std::size_t index(Direction direction) noexcept {
  return direction == Direction::to_server ? 0 : 1;
}

}  // namespace memory

}  // namespace restante
