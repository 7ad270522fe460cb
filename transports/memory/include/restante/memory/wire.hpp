// A connection of an in-memory network and what its two sides know of it.
//
// Used by Exchange; users need MemoryNetwork and its endpoints only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <restante/memory/link.hpp>
#include <restante/memory/pipe.hpp>
#include <restante/memory/timeline.hpp>

namespace restante::memory {

/// The number of no program.
inline constexpr std::size_t nobody = SIZE_MAX;

/// Where a side stands between open() and closed().
enum class State : std::uint8_t { opening, open, closing, closed };

/// What one end knows of a connection.
struct Side {
  /// Who is told; nobody, when it stopped or crashed.
  std::size_t program = nobody;
  State state = State::opening;
  bool paused = false;
  /// Will report that nothing waits any more.
  Timeline::EventId drained;
  /// Will break the connection when opening or closing takes too long.
  Timeline::EventId guard;

  /// Whether it takes what arrives: one that is closing does, and throws messages away.
  bool takes() const noexcept { return !paused && state != State::closed; }
};

/// A connection with its two sides: side 0 is the client's, side 1 the server's, and the pipe with the number of a side
/// is what it sends into.
struct Wire {
  bool exists = false;
  std::uint32_t generation = 0;
  std::size_t client = nobody;
  LinkOptions options;
  /// What the programs are called, the subprotocols that the client offered, and the one that the server selected.
  std::array<std::string, 2> names;
  std::vector<std::string_view> offered;
  std::string_view protocol;
  /// Two, while the connection exists.
  std::vector<Pipe> pipes;
  std::array<Side, 2> sides;
  /// Will deliver what has arrived in each pipe.
  std::array<Timeline::EventId, 2> arrivals;
};

}  // namespace restante::memory
