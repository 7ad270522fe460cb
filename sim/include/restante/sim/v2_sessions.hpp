// What is known of a connection that speaks restante.v2: what was asked on it, and what the server said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include <restante/core/change.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/queue.hpp>
#include <restante/transport.hpp>
#include <restante/v2/packet.hpp>

namespace restante::sim {

/// A request that has no last reply yet.
struct V2Asked {
  /// Its place in v2::Request.
  std::size_t kind = 0;
  /// An address, a room or a source.
  std::string name = {};
  std::uint64_t sequence = 0;
  Offset offset = 0;
  // Of a push.
  LetterNumber letter = 0;
  std::size_t payload_bytes = 0;
  // Of a fetch.
  bool rewind = false;
  std::uint64_t messages_left = 0;
  std::uint64_t bytes_left = 0;
  std::uint64_t delivered = 0;
  // Of a receipt.
  std::uint8_t known_state = 0;
};

/// A reply that was made, and what it says that must stay true once it has left.
struct V2Made {
  enum class Says : std::uint8_t { nothing, epoch, promised, delivered, acknowledged };
  std::uint64_t fingerprint = 0;
  std::size_t bytes = 0;
  Says says = Says::nothing;
  std::string place = {};
  /// Of a room: who was told.
  std::string member = {};
  /// An epoch, or one more than an offset.
  std::uint64_t number = 0;
  LetterNumber letter = 0;
};

struct V2Session {
  Connection connection;
  /// What it opened.
  std::string address;
  bool is_open = false;
  bool was_replaced = false;
  std::map<v2::Tag, V2Asked> asked;
  /// What has not left yet.
  Queue<V2Made> made;
};

}  // namespace restante::sim
