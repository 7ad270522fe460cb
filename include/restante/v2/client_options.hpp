// What can be said to a client of restante.v2, and what it tells.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

#include <restante/callback.hpp>
#include <restante/core/refusal.hpp>
#include <restante/core/request.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>
#include <restante/v2/inbox.hpp>
#include <restante/v2/outbox.hpp>
#include <restante/v2/packet.hpp>

namespace restante::v2::client_event {

/// The address is open, on a new connection. What waited in the outbox is being pushed, rooms are being joined again.
struct AddressOpened {
  /// Its tag means nothing.
  v2::Opened opened = {};
  /// The server lost what it knew of the address since the connection before.
  bool epoch_changed = false;
};

/// The connection ended, or could not be made. With close_code::taken_over, somebody else proved that the address is
/// his: no other connection is made until connect().
struct Disconnected {
  CloseCode code = close_code::abnormal;
  std::string_view reason = {};
  /// Whether the next try follows, and after how long.
  bool reconnects = false;
  Duration reconnects_after = {};
};

/// The address could not be opened. Where trying again may help (it is taken, or the server has no room for it now), it
/// is tried again after ClientOptions::retry_after; otherwise the connection is closed, until connect().
struct AddressRefused {
  Refusal reason = Refusal::address_taken;
  bool tries_again = false;
};

/// The server does not speak restante.v2: the connection is closed, until connect().
struct ProtocolMissing {};

/// What became of a push that has no callback: one that an earlier run of the program left in the outbox, for instance.
struct PushEnded {
  std::error_code error = {};
  PushResult result = {};
};

/// All mail that there was has been handed over: a FETCH ended, and the server has no more.
struct AllDelivered {};

/// Messages left a room before they reached this program: they made place, expired, or were purged. Each is told of
/// once, behind the messages before it and ahead of those after it, whatever becomes of connections. The program has
/// `count` messages fewer than it would have, and by now knows of everything up to `offset`: one that stores offsets
/// with the effects of messages (KeepsInbox) stores this one as well, and is told of each once although it ends in
/// between.
struct MessagesMissed {
  std::string_view room = {};
  std::uint64_t count = 0;
  Epoch epoch = 0;
  Offset offset = 0;
};

/// A room could not be joined again on a new connection. Where trying again does not help, it is given up.
struct RoomRefused {
  std::string_view room = {};
  Refusal reason = Refusal::no_such_room;
  bool tries_again = false;
};

/// The server lost what it knew of a room since it was joined before.
struct RoomRestarted {
  std::string_view room = {};
};

/// There is mail from a room that this address joined earlier and this client did not: it comes again once the client
/// has joined, or never after it has left.
struct MailFromOtherRoom {
  std::string_view room = {};
};

/// The outbox or the inbox could not keep something. The connection is given up, and it is tried again with the next.
struct StorageFailed {
  std::error_code error = {};
};

}  // namespace restante::v2::client_event

namespace restante::v2 {

/// Something that happened to a Client. Views in it are valid for the length of the call.
using ClientEvent = std::variant<client_event::AddressOpened, client_event::Disconnected, client_event::AddressRefused,
                                 client_event::ProtocolMissing, client_event::PushEnded, client_event::AllDelivered,
                                 client_event::MessagesMissed, client_event::RoomRefused, client_event::RoomRestarted,
                                 client_event::MailFromOtherRoom, client_event::StorageFailed>;

/// How a Client behaves. A value out of range fails an assertion when the Client is made.
struct ClientOptions {
  /// What the client opens (docs/protocol.md, "Addresses"); no room.
  std::string address = {};
  /// What a server that asks for credentials is shown; Client::set_credential() changes it. A server that asks for none
  /// ignores it.
  std::string credential = {};
  /// That of the last AddressOpened of an earlier run of the program, to take the address over from its connection.
  std::optional<ResumeToken> resume_token = std::nullopt;

  /// Requests that may wait for their replies, at least 1; more fail with Error::too_many_requests, and pushes wait.
  std::size_t requests_max = 1024;
  /// A connection on which something is to be answered and nothing came for this long is given up; more than 0.
  /// Duration::max() sets no limit.
  Duration reply_timeout = std::chrono::seconds{30};
  /// The longest message that is taken from the server, at least 1; a longer one closes the connection with 1009.
  std::size_t message_bytes_max = std::size_t{1} << 20U;

  /// Whether a connection that ended without close() is made again.
  bool reconnect = true;
  /// The longest delay before the first try; it doubles from try to try until the address is open. More than 0.
  Duration reconnect_after = std::chrono::milliseconds{500};
  /// The longest delay of all; more than 0.
  Duration reconnect_after_max = std::chrono::seconds{30};
  /// How long after a refusal that may pass the same is asked for again; more than 0.
  Duration retry_after = std::chrono::seconds{1};
  /// Where the delays of reconnects come from. Give each process another one, or all come back together.
  std::uint64_t seed = 0;

  /// Messages that may wait to be accepted, at least 1, and the bytes of their payloads; more fail with
  /// Error::outbox_full.
  std::size_t outbox_messages_max = 10'000;
  std::size_t outbox_bytes_max = std::size_t{16} << 20U;
  /// Pushes to one receiver that are under way at once, at least 1. With 1, whatever happens, messages are accepted in
  /// the order in which they were pushed. With more, the receiver gets more of them in a second, and one that was
  /// refused, with the reply lost or for a reason that passes, may come behind those that were under way with it.
  std::size_t pushes_per_receiver_max = 1;

  /// Is handed each message once, in the order of offsets of its source, on the thread of the transport. May call the
  /// client. Without it, nothing is fetched.
  Callback<Handling(const Delivery&)> on_message = {};
  /// Messages that are asked for at once, and those that the program has and is not done with, together; at least 1.
  std::size_t messages_in_hand_max = 64;
  /// Bytes of payloads that are asked for at once; one message comes whatever its length.
  std::size_t fetch_bytes_max = std::size_t{1} << 20U;
  /// How long a FETCH waits for mail before it is sent anew.
  std::chrono::milliseconds fetch_wait = std::chrono::minutes{1};

  /// Is told what happens, on the thread of the transport. May call the client.
  Callback<void(const ClientEvent&)> on_event = {};
};

}  // namespace restante::v2
