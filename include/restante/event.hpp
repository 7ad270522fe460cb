// What happens in a Messenger, for logging and metrics: it writes nothing itself.
#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>
#include <variant>

#include <restante/bytes.hpp>
#include <restante/transport.hpp>

namespace restante::event {

/// A peer connected.
struct ConnectionOpened {
  Connection connection = {};
  std::string_view peer = {};
  std::string_view protocol = {};
};

/// A connection is gone, and the ids it held are free.
struct ConnectionClosed {
  Connection connection = {};
  CloseCode code = close_code::abnormal;
  std::string_view reason = {};
};

/// A message came, well-formed or not. A credential or resume token at its end is left out; payloads may hold secrets
/// all the same: whoever logs them should say so.
struct PacketReceived {
  Connection connection = {};
  BytesView packet = {};
  /// What the connection speaks: v2::protocol_name, or nothing for the classic protocol.
  std::string_view protocol = {};
};

/// A reply was made; a resume token at its end is left out. It leaves when the store has kept what came before it.
struct PacketSent {
  Connection connection = {};
  BytesView packet = {};
  std::string_view protocol = {};
};

/// Nothing more is read from a peer for now: it does not read its replies as fast as it sends requests, or its replies
/// wait for the store.
struct ConnectionPaused {
  Connection connection = {};
  std::size_t waiting_bytes = 0;
};

/// A paused connection caught up.
struct ConnectionResumed {
  Connection connection = {};
};

/// Messenger closes a connection, with the code and reason that the peer is told.
struct ConnectionRefused {
  Connection connection = {};
  CloseCode code = close_code::normal;
  std::string_view reason = {};
};

/// Somebody gave a credential that was not accepted. The name is what the peer said, and may be no address at all.
struct CredentialRejected {
  Connection connection = {};
  BytesView address = {};
};

/// The store failed: requests that would change something are refused until StoreRecovered. Told again where something
/// else keeps it from recovering.
struct StoreFailed {
  std::error_code error = {};
};

/// The store was loaded again.
struct StoreRecovered {
  std::uint64_t messages = 0;
};

}  // namespace restante::event

namespace restante {

/// Something that happened. Views in it are valid for the length of the call.
using Event = std::variant<event::ConnectionOpened, event::ConnectionClosed, event::PacketReceived, event::PacketSent,
                           event::ConnectionPaused, event::ConnectionResumed, event::ConnectionRefused,
                           event::CredentialRejected, event::StoreFailed, event::StoreRecovered>;

}  // namespace restante
