// What can be said to a Client, and what it tells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include <restante/callback.hpp>
#include <restante/classic/packet.hpp>
#include <restante/classic/pipeline.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::client_event {

/// The connection stands; the ids that were held before are being associated again.
struct Connected {
  std::string_view peer = {};
};

/// The connection ended, or could not be made.
struct Disconnected {
  CloseCode code = close_code::abnormal;
  std::string_view reason = {};
  /// Whether the next try follows, and after how long.
  bool reconnects = false;
  Duration reconnects_after = {};
};

/// After a reconnect: an id is held again.
struct IdRestored {
  classic::ClientId id = 0;
};

/// After a reconnect: an id could not be associated yet. When it is taken, perhaps by the connection that broke, it is
/// tried again; when the server wants a credential, it is given up.
struct IdNotRestored {
  classic::ClientId id = 0;
  classic::AssociateResult result = classic::AssociateResult::taken;
};

}  // namespace restante::client_event

namespace restante {

/// Something that happened to a Client. Views in it are valid for the length of the call.
using ClientEvent = std::variant<client_event::Connected, client_event::Disconnected, client_event::IdRestored,
                                 client_event::IdNotRestored>;

/// How a Client behaves. A value out of range fails an assertion when the Client is made.
struct ClientOptions {
  /// Requests that may wait for their replies, at least 1; more fail with Error::too_many_requests.
  std::size_t requests_max = 1024;
  /// A connection on which the oldest request has waited for its reply for this long is given up; more than 0.
  /// Duration::max() sets no limit.
  Duration reply_timeout = std::chrono::seconds{30};
  /// Whether a connection that ended without close() is made again.
  bool reconnect = true;
  /// The longest delay before the first try; it doubles from try to try until a request is answered. More than 0.
  Duration reconnect_after = std::chrono::milliseconds{500};
  /// The longest delay of all; more than 0.
  Duration reconnect_after_max = std::chrono::seconds{30};
  /// How long after an id was found taken on a reconnect it is tried again; more than 0.
  Duration restore_retry_after = std::chrono::seconds{1};
  /// Where the delays come from. Give each process another one, or all come back together.
  std::uint64_t seed = 0;
  /// Is told what happens, on the thread of the transport. May call the Client.
  Callback<void(const ClientEvent&)> on_event = {};
};

}  // namespace restante
