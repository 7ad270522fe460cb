// Where a client of restante.v2 keeps what it has to push, so that a program that ends and starts again goes on.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <system_error>

#include <restante/bytes.hpp>
#include <restante/callback.hpp>
#include <restante/core/change.hpp>

namespace restante::v2 {

/// Names a message for as long as it is in the outbox: grows by one from message to message, and begins anew in a
/// program that finds its outbox empty. 0 names none.
using PushId = std::uint64_t;

/// A message that waits to be accepted. Views are valid for the length of the call.
struct OutgoingMessage {
  PushId id = 0;
  std::string_view receiver = {};
  std::chrono::milliseconds time_to_live = {};
  BytesView payload = {};
  /// The number that it was sent with, or is about to be, and the epoch that the number belongs to; 0 before.
  std::uint64_t sequence = 0;
  Epoch epoch = 0;
};

/// Takes what an outbox gives back when it is loaded.
class OutboxLoader {
 public:
  /// A message that was added and not removed, with its latest number. They come in the order of their ids.
  virtual void message(const OutgoingMessage& message) = 0;

 protected:
  ~OutboxLoader() = default;
};

/// Keeps messages from push() until what became of them is known. All calls come from the thread of the client, and are
/// about to be relied on when they return without an error: a number that was used and then forgotten would let a
/// message be accepted twice.
///
/// An error of added() ends the push with it. An error of numbered() breaks the connection, and it is tried again with
/// the next one. removed() need not be durable: a message that comes back after it is sent again with its number, so
/// that the server knows it, unless 256 others or more were accepted meanwhile.
template <class O>
concept KeepsOutbox = requires(O& outbox, OutboxLoader& loader, const OutgoingMessage& message, PushId id, Epoch epoch,
                               std::uint64_t sequence) {
  { outbox.load(loader) } -> std::same_as<std::error_code>;
  { outbox.added(message) } -> std::same_as<std::error_code>;
  { outbox.numbered(id, epoch, sequence) } -> std::same_as<std::error_code>;
  outbox.removed(id);
};

/// Keeps nothing: messages live in the client and end with it. The default.
class MemoryOutbox {
 public:
  std::error_code load(OutboxLoader&) noexcept { return {}; }
  std::error_code added(const OutgoingMessage&) noexcept { return {}; }
  std::error_code numbered(PushId, Epoch, std::uint64_t) noexcept { return {}; }
  void removed(PushId) noexcept {}
};

static_assert(KeepsOutbox<MemoryOutbox>);

/// What became of a push.
struct PushResult {
  PushId id = 0;
  /// Valid for the length of the call.
  std::string_view receiver = {};
  /// The number to ask for a receipt with; 0 when it was never sent.
  std::uint64_t sequence = 0;
};

/// Is called once. Without an error, the message is stored, in whatever the server's store promises. The error is a
/// Refusal when the server said why not, Error::outcome_unknown, or why the message never got into the outbox.
using PushCallback = Callback<void(std::error_code, const PushResult&)>;

}  // namespace restante::v2
