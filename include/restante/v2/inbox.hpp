// Where a client of restante.v2 keeps how far it has come with what it receives.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

#include <restante/bytes.hpp>
#include <restante/core/change.hpp>

namespace restante::v2 {

/// A message on its way to the program. Views are valid for the length of the call.
struct Delivery {
  /// Empty for the own mailbox, or the name of a room.
  std::string_view source = {};
  /// Offsets grow from message to message within an epoch of their source, and mean nothing beyond it.
  Epoch epoch = 0;
  Offset offset = 0;
  /// When the server accepted it, in milliseconds since 1970-01-01 00:00 UTC.
  std::uint64_t time_ms = 0;
  std::string_view sender = {};
  BytesView payload = {};
};

/// What the program says of a message that it was handed.
enum class Handling : std::uint8_t {
  /// It is handled: the server may forget it.
  done,
  /// It will be, and then the program calls Client::done().
  later,
};

/// Keeps, for each source and epoch, up to which offset messages are handled. All calls come from the thread of the
/// client.
///
/// handled() is called after the handler, once for all messages of a turn, and before they are acknowledged; an error
/// breaks the connection, and it is tried again with the next one. So a message is handed over at least once: again
/// only when the program ended between the handler and handled().
///
/// A program that stores the offset together with the effect of the message, in one transaction of its handler, and
/// gives it back from handled_up_to(), sees each message exactly once. Its handled() has nothing to do
/// (docs/protocol.md, restante.v2, "What is promised").
///
/// What was missed of a room (client_event::MessagesMissed) counts as handled once the program was told of it, and is
/// kept in the same ways. A program that keeps nothing may be told again of what it was told, or handled, before it
/// ended: of all that is gone and that the server does not know as acknowledged.
///
/// When a source has another epoch, what is kept of the one before is of no use any more.
template <class I>
concept KeepsInbox = requires(I& inbox, std::string_view source, Epoch epoch, Offset offset) {
  { inbox.handled_up_to(source, epoch) } -> std::same_as<std::optional<Offset>>;
  { inbox.handled(source, epoch, offset) } -> std::same_as<std::error_code>;
};

/// Keeps nothing: how far it has come, the client knows by itself while it lives. The default.
class MemoryInbox {
 public:
  std::optional<Offset> handled_up_to(std::string_view, Epoch) noexcept { return std::nullopt; }
  std::error_code handled(std::string_view, Epoch, Offset) noexcept { return {}; }
};

static_assert(KeepsInbox<MemoryInbox>);

}  // namespace restante::v2
