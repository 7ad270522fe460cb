// One run of the load tool.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "histogram.hpp"
#include "requests.hpp"
#include "socket.hpp"

namespace restante::bench {

struct RunOptions {
  Url url;
  /// Connections that make requests, 1–256: one for each id.
  std::size_t connections = 50;
  /// Connections that only stand there.
  std::size_t idle_connections = 0;
  /// Requests of a connection that wait for their reply at a time.
  std::size_t in_flight = 1;
  /// Requests per second of all connections together, begun on time whatever the server does; 0: each connection makes
  /// the next request when it has a reply.
  std::uint64_t rate = 0;
  std::size_t payload_bytes = 64;
  Mix mix = Mix::echo;
  std::chrono::duration<double> warm_up{1};
  std::chrono::duration<double> measured{5};
  /// The server's process, on this machine: its processor time is measured too.
  std::optional<pid_t> server;
  /// Is told each second how many requests were answered in it.
  std::function<void(double seconds, std::uint64_t answered)> progress;
};

struct RunResult {
  double seconds = 0;
  std::uint64_t answered = 0;
  std::uint64_t full = 0;
  std::uint64_t empty = 0;
  /// From when a request was to begin until its reply was there, in nanoseconds.
  Histogram latency;
  /// The part of one processor that this program used, and the one that the server used.
  double own_processor = 0;
  std::optional<double> server_processor;
};

/// Connects, associates, and makes requests for as long as was asked. Throws std::runtime_error, and what derives from
/// it, when a reply is wrong, a connection ends or cannot be made.
RunResult run(const RunOptions& options);

}  // namespace restante::bench
