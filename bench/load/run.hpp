// One run of the load tool.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "histogram.hpp"
#include "mix.hpp"
#include "socket.hpp"

namespace restante::bench {

enum class Protocol : std::uint8_t { classic, v2 };

struct RunOptions {
  Url url;
  Protocol protocol = Protocol::classic;
  /// Connections that make requests: one for each id, or address with that number, from `first_id` on.
  std::size_t connections = 50;
  std::size_t first_id = 0;
  /// Connections that only stand there, and answer pings.
  std::size_t idle_connections = 0;
  /// Requests of a connection that wait for their reply at a time.
  std::size_t in_flight = 1;
  /// Each connection sends at once as many requests as may be in flight, and the next ones when everybody has all
  /// replies. What the server does then depends less on chance: for counting rather than timing.
  bool batch = false;
  /// Requests per second of all connections together, begun on time whatever the server does; 0: each connection makes
  /// the next request when it has a reply.
  std::uint64_t rate = 0;
  std::size_t payload_bytes = 64;
  Mix mix = Mix::echo;
  std::chrono::duration<double> warm_up{1};
  std::chrono::duration<double> measured{5};
  /// So many requests in all, without warming up, in place of `measured`.
  std::optional<std::uint64_t> requests;
  /// How long the server may be silent while replies are due.
  std::chrono::duration<double> patience{10};
  /// The server's process, on this machine: its processor time is measured too.
  std::optional<pid_t> server;
  /// Is told each second how many requests were answered in it.
  std::function<void(double seconds, std::uint64_t answered)> progress;
};

struct RunResult {
  double seconds = 0;
  /// Requests with all their replies: a PUSH, a GET, a FETCH or an ACK is one.
  std::uint64_t answered = 0;
  /// Messages that came back from the server.
  std::uint64_t messages = 0;
  std::uint64_t full = 0;
  std::uint64_t empty = 0;
  /// From when a request was to begin until its reply was there, in nanoseconds.
  Histogram latency;
  /// How long after its time this program began a request that nothing stood in the way of, at a given rate. A latency
  /// has it in it.
  Histogram own_delay;
  /// Requests that were to begin at a given rate and had not begun in the end: the server did not keep up.
  std::uint64_t late = 0;
  /// The part of one processor that this program used, and the one that the server used.
  double own_processor = 0;
  std::optional<double> server_processor;
};

/// Connects, associates or opens, empties the mailboxes, makes requests for as long as was asked, and waits for the
/// replies that are due. Throws std::runtime_error, and what derives from it, when a reply is wrong or does not come in
/// time, or when a connection ends or cannot be made.
RunResult run(const RunOptions& options);

}  // namespace restante::bench
