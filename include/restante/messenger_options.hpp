// What can be said to a Messenger, and what can be asked of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <variant>

#include <restante/assert.hpp>
#include <restante/authentication.hpp>
#include <restante/callback.hpp>
#include <restante/core/counters.hpp>
#include <restante/core/keeping.hpp>
#include <restante/core/limits.hpp>
#include <restante/core/refusal.hpp>
#include <restante/event.hpp>
#include <restante/system.hpp>
#include <restante/time.hpp>
#include <restante/v2/packet.hpp>

namespace restante {

/// How a Messenger behaves. A value out of range fails an assertion when the Messenger is made.
struct MessengerOptions {
  /// Messages that a mailbox holds, 1–1,000,000; the next one is answered with BUFFERFULL.
  std::uint32_t mailbox_messages_max = 100;
  /// Bytes of a payload, 0–254; a longer one is answered with UNKNOWNERROR.
  std::uint32_t payload_bytes_max = 254;
  /// Bytes of replies that may wait to leave on one connection, at least 1. With more, nothing is read from it until
  /// they have left: it can be exceeded by one reply.
  std::size_t waiting_bytes_max = std::size_t{64} * 1024;
  /// A connection whose peer has not read what waits for it for this long after it was paused is closed with 1008;
  /// more than 0.
  Duration stuck_after = std::chrono::seconds{30};
  /// Commits that may be under way at once, at least 1; changes that come meanwhile are committed together
  /// afterwards. For stores that take time.
  std::uint32_t commits_in_flight_max = 2;
  /// Bytes that may be held in all while the store commits, at least 1: replies, and the requests that they answer.
  /// With more, nobody is read from until a commit ends. For stores that take time.
  std::size_t held_bytes_max = std::size_t{16} * 1024 * 1024;
  /// How long after a failed load the store is tried again; more than 0.
  Duration store_retry_after = std::chrono::seconds{1};
  /// What clients of restante.v2 may use.
  Limits limits = {};
  /// How long the answer to a wrong credential is held back, and with it all that its connection asks for; more than
  /// 0.
  Duration refused_credential_after = std::chrono::seconds{1};
  /// Where epochs and resume tokens come from: gives 64 bits that nobody can foresee. system_entropy() unless given.
  Callback<std::uint64_t()> entropy = {};
  /// What time it is for people: milliseconds since 1970-01-01 00:00 UTC. system_wall_clock_ms() unless given.
  Callback<std::uint64_t()> wall_clock = {};
  /// Is told what happens, on the thread of the transport. Must not call the Messenger, the transport or the store.
  Callback<void(const Event&)> on_event = {};
  /// Whether on_event is told of each packet too. Where nobody looks at them, a request costs less without.
  bool packet_events = true;
};

namespace detail {

// Asserts that the options are in range, but for those that the core looks at, and fills in what the system is asked
// for.
inline MessengerOptions checked_with_defaults(MessengerOptions options) {
  RESTANTE_ASSERT(options.waiting_bytes_max >= 1, "waiting_bytes_max must be at least 1");
  RESTANTE_ASSERT(options.stuck_after > Duration::zero(), "stuck_after must be more than 0");
  RESTANTE_ASSERT(options.commits_in_flight_max >= 1, "commits_in_flight_max must be at least 1");
  RESTANTE_ASSERT(options.held_bytes_max >= 1, "held_bytes_max must be at least 1");
  RESTANTE_ASSERT(options.store_retry_after > Duration::zero(), "store_retry_after must be more than 0");
  RESTANTE_ASSERT(options.refused_credential_after > Duration::zero(), "refused_credential_after must be more than 0");
  if (!options.entropy) {
    options.entropy = system_entropy;
  }
  if (!options.wall_clock) {
    options.wall_clock = system_wall_clock_ms;
  }
  return options;
}

inline CoreOptions core_options_of(const MessengerOptions& options) {
  return {.mailbox_messages_max = options.mailbox_messages_max,
          .payload_bytes_max = options.payload_bytes_max,
          .limits = options.limits};
}

}  // namespace detail

/// What became of ASSOCIATEs on a server that asks for credentials.
struct JudgedAssociates {
  /// All of them, those that are being checked included.
  std::uint64_t asked = 0;
  /// Those that went on to the core, which counts them among its answers.
  std::uint64_t accepted = 0;
  /// With no credential or a wrong one.
  std::uint64_t rejected = 0;
  /// That could not be checked.
  std::uint64_t unavailable = 0;

  void count(Verdict verdict) noexcept {
    ++(verdict == Verdict::accepted ? accepted : verdict == Verdict::rejected ? rejected : unavailable);
  }
};

/// Numbers about a Messenger, for operators and for checkers.
struct MessengerCounters {
  Books books;
  Answers answers;
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_closed = 0;
  std::uint64_t packets_received = 0;
  /// Replies made. In the classic protocol, one for each packet received.
  std::uint64_t packets_sent = 0;
  std::uint64_t text_messages_refused = 0;
  std::uint64_t connections_paused = 0;
  std::uint64_t connections_stuck = 0;
  std::uint64_t commits = 0;
  std::uint64_t store_failures = 0;
  /// Of packets_received, those of restante.v2, by the code of the request; those that cannot be read are at 0.
  std::array<std::uint64_t, std::variant_size_v<v2::Request>> v2_requests = {};
  JudgedAssociates associates;
  /// Requests of restante.v2 that were refused, by the number of the reason.
  std::array<std::uint64_t, refusals> refused = {};
  /// Credentials that were checked and not accepted.
  std::uint64_t credentials_rejected = 0;
  /// Connections that another one replaced at its address.
  std::uint64_t takeovers = 0;
  /// Now, not since start.
  std::uint64_t payload_bytes_held = 0;
  std::uint32_t addresses_held = 0;
  /// Addresses besides the classic ids, rooms included.
  std::uint32_t addresses_named = 0;
  /// Requests that wait.
  std::uint32_t waits = 0;
  std::uint32_t connections_open = 0;
  bool store_available = true;
};

}  // namespace restante
