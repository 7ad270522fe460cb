// How a client stands with its connection.
#pragma once

#include <cstdint>

namespace restante {

/// What both kinds of clients say of their connection.
enum class ClientState : std::uint8_t {
  /// There is no connection, and none is wanted.
  idle,
  connecting,
  connected,
  /// The connection is about to end: close() was called, or it was no good.
  closing,
  /// The connection ended; the next try follows.
  waiting,
};

}  // namespace restante
