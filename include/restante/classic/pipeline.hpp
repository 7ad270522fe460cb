// The classic protocol, client side: replies carry no tag, so that each is matched to the oldest request that has none
// (docs/protocol.md, "Rules").
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include <restante/bytes.hpp>
#include <restante/callback.hpp>
#include <restante/classic/codec.hpp>
#include <restante/classic/packet.hpp>

namespace restante::classic {

/// What became of an ASSOCIATE.
enum class AssociateResult : std::uint8_t {
  /// The id is held by this connection.
  associated,
  /// Some connection holds it, perhaps this one.
  taken,
  /// The server asks for a credential, and this was none or a wrong one.
  unauthorised,
};

/// What became of a PUSH.
enum class PushResult : std::uint8_t {
  /// The message is in the receiver's mailbox.
  accepted,
  /// The receiver's mailbox is full; nothing was stored.
  mailbox_full,
  /// The sender's id is not held by this connection; nothing was stored.
  not_associated,
  /// The server could not carry it out; nothing was stored.
  refused,
};

/// What came of a GET.
struct GetResult {
  enum class Kind : std::uint8_t {
    /// `sender` and `payload` are those of the oldest message, which has left the mailbox.
    message,
    /// The mailbox is empty.
    empty,
    /// The id is not held by this connection.
    not_associated,
    /// The server could not carry it out.
    refused,
  };
  Kind kind = Kind::empty;
  ClientId sender = 0;
  /// Valid for the length of the call.
  BytesView payload = {};
};

// Each is called once. When the error is set, the result says nothing.
using AssociateCallback = Callback<void(std::error_code, AssociateResult)>;
using PushCallback = Callback<void(std::error_code, PushResult)>;
using GetCallback = Callback<void(std::error_code, const GetResult&)>;

/// A request that was sent, or should have been: whom the reply must name, and who waits for it.
struct AssociateRequest {
  ClientId id = 0;
  AssociateCallback callback = {};
};
struct PushRequest {
  ClientId sender = 0;
  PushCallback callback = {};
};
struct GetRequest {
  ClientId id = 0;
  GetCallback callback = {};
};
using Request = std::variant<AssociateRequest, PushRequest, GetRequest>;

namespace detail {

constexpr std::optional<AssociateResult> result_of(const AssociateRequest& request, const ServerPacket& packet) {
  if (const auto* success = std::get_if<AssociationSuccess>(&packet); success && success->id == request.id) {
    return AssociateResult::associated;
  }
  if (const auto* error = std::get_if<UnknownError>(&packet); error && error->id == request.id) {
    return AssociateResult::taken;
  }
  if (const auto* failed = std::get_if<AssociationFailed>(&packet); failed && failed->id == request.id) {
    return AssociateResult::unauthorised;
  }
  return std::nullopt;
}

constexpr std::optional<PushResult> result_of(const PushRequest& request, const ServerPacket& packet) {
  if (const auto* ack = std::get_if<PositiveAck>(&packet); ack && ack->id == request.sender) {
    return PushResult::accepted;
  }
  if (const auto* full = std::get_if<BufferFull>(&packet); full && full->id == request.sender) {
    return PushResult::mailbox_full;
  }
  if (const auto* failed = std::get_if<AssociationFailed>(&packet); failed && failed->id == request.sender) {
    return PushResult::not_associated;
  }
  if (const auto* error = std::get_if<UnknownError>(&packet); error && error->id == request.sender) {
    return PushResult::refused;
  }
  return std::nullopt;
}

constexpr std::optional<GetResult> result_of(const GetRequest& request, const ServerPacket& packet) {
  if (const auto* response = std::get_if<GetResponse>(&packet); response && response->id == request.id) {
    return GetResult{GetResult::Kind::message, response->sender, response->payload};
  }
  if (const auto* empty = std::get_if<BufferEmpty>(&packet); empty && empty->id == request.id) {
    return GetResult{.kind = GetResult::Kind::empty};
  }
  if (const auto* failed = std::get_if<AssociationFailed>(&packet); failed && failed->id == request.id) {
    return GetResult{.kind = GetResult::Kind::not_associated};
  }
  if (const auto* error = std::get_if<UnknownError>(&packet); error && error->id == request.id) {
    return GetResult{.kind = GetResult::Kind::refused};
  }
  return std::nullopt;
}

}  // namespace detail

/// Ends a request without a reply: its callback is called with the error.
inline void fail(Request request, std::error_code error) {
  std::visit(
      [error](auto& failed) {
        if (failed.callback) {
          failed.callback(error, {});
        }
      },
      request);
}

/// The requests of one connection that wait for their replies, oldest first. Callbacks may add requests.
class Pipeline {
 public:
  std::size_t size() const noexcept { return requests_.size(); }
  bool empty() const noexcept { return requests_.empty(); }

  void push_back(Request request) { requests_.push_back(std::move(request)); }

  /// Takes the oldest request out. There must be one.
  Request pop_front() {
    Request request = std::move(requests_.front());
    requests_.pop_front();
    return request;
  }

  /// Gives a packet from the server to the oldest request, whose callback is called. False when the packet cannot be a
  /// reply to it, or nothing waits: then nothing has changed.
  bool accept(BytesView bytes) {
    if (requests_.empty()) {
      return false;
    }
    const ServerPacket packet = decode_server_packet(bytes);
    return std::visit([this, &packet](auto& request) { return this->accept(request, packet); }, requests_.front());
  }

 private:
  template <class R>
  bool accept(const R& oldest, const ServerPacket& packet) {
    const auto result = detail::result_of(oldest, packet);
    if (!result) {
      return false;
    }
    // Taken out first, because the callback may add requests.
    Request request = pop_front();
    if (auto& callback = std::get<R>(request).callback) {
      callback(std::error_code{}, *result);
    }
    return true;
  }

  std::deque<Request> requests_;
};

}  // namespace restante::classic
