// The client side of restante.v2: opens an address, pushes from an outbox, receives into an inbox, and comes back after
// a connection broke, without losing or doubling anything.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/callback.hpp>
#include <restante/client_state.hpp>
#include <restante/core/address_name.hpp>
#include <restante/error.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>
#include <restante/v2/client_options.hpp>
#include <restante/v2/client_request.hpp>
#include <restante/v2/detail/client_replies.hpp>
#include <restante/v2/error.hpp>
#include <restante/v2/inbox.hpp>
#include <restante/v2/outbox.hpp>
#include <restante/v2/packet.hpp>

namespace restante::v2 {

namespace detail {
// They have no state that two clients could disturb each other by.
inline MemoryOutbox memory_outbox;
inline MemoryInbox memory_inbox;
}  // namespace detail

/// Speaks restante.v2 (docs/protocol.md) on a transport, for one address. Lives on the thread of its transport, which
/// must live longer, as must the outbox and the inbox.
///
/// What is pushed stays in the outbox until the server accepted it, or refused it for good; a connection that breaks
/// does not matter. What is received is handed to ClientOptions::on_message once, and acknowledged when the program is
/// done with it. Callbacks are called exactly once, never from inside the call that made the request; only a Client
/// that is destroyed calls none any more. They may call the client, and may not destroy it.
template <class T, KeepsOutbox Outbox = MemoryOutbox, KeepsInbox Inbox = MemoryInbox>
class Client final : private detail::ClientReplies<T, Outbox, Inbox>, private TransportListener {
  using Base = detail::ClientReplies<T, Outbox, Inbox>;
  static_assert(Transport<T>, "the transport is no restante::Transport: see restante/transport.hpp");
  static_assert(OpensConnections<T>, "the transport lacks open() giving a Connection: see restante/transport.hpp");

 public:
  /// Keeps nothing beyond its life.
  Client(T& transport, ClientOptions options)
      : Client{transport, detail::memory_outbox, detail::memory_inbox, std::move(options)} {}

  /// Loads the outbox, starts the transport, and connects to nothing yet. Throws std::system_error when the outbox
  /// cannot be loaded.
  Client(T& transport, Outbox& outbox, Inbox& inbox, ClientOptions options)
      : Base{transport, outbox, inbox, std::move(options)}, protocol_{protocol_name, options_.message_bytes_max} {
    transport_.start(*this);
  }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Closes the connection, if there is one.
  ~Client() { transport_.stop(); }

  /// Makes a connection, now; while one stands or is being made, nothing happens. After close(), the connection is made
  /// once the old one has ended.
  void connect() { reconnection_.connect(); }

  /// Ends the connection, after what was sent, and makes no other until connect(). The outbox keeps what is in it, and
  /// rooms are joined again later.
  void close() { stop(close_code::normal); }

  ClientState state() const noexcept { return reconnection_.state(); }

  /// Whether the address is open on the connection that stands.
  bool is_open() const noexcept { return is_open_; }

  /// Messages that wait to be accepted.
  std::size_t outbox_messages() const noexcept { return outgoing_.size(); }

  /// What the server is shown from the next connection on.
  void set_credential(std::string credential) {  // NOLINT(performance-unnecessary-value-param): it is moved.
    options_.credential = std::move(credential);
  }

  /// Takes a message for a mailbox or a room, with or without a connection. The time to live, of which 0 is without
  /// end, runs from when the server accepted the message. Gives its name, which PushResult has as well.
  PushId push(std::string_view receiver, BytesView payload, std::chrono::milliseconds time_to_live = {},
              PushCallback callback = {}) {
    RESTANTE_ASSERT(time_to_live.count() >= 0, "time_to_live must not be negative");
    const PushId id = outgoing_.next_id();
    const std::error_code error =
        outgoing_.add({.id = id, .receiver = receiver, .time_to_live = time_to_live, .payload = payload}, callback);
    if (error) {
      defer([this, ended = EndedPush{id, std::string{receiver}, 0, std::move(callback), error}]() mutable {
        tell(ended);
      });
    } else {
      push_waiting();
      set_wake_up();
    }
    return id;
  }
  PushId push(std::string_view receiver, BytesView payload, PushCallback callback) {
    return push(receiver, payload, {}, std::move(callback));
  }

  /// Of a message for which Handling::later was said: it is handled. What the client does not know of, such as a
  /// message of another epoch, is ignored.
  void done(std::string_view source, Epoch epoch, Offset offset) {
    incoming_.done(source, epoch, offset);
    transport_.wake();
  }

  /// Whether mail is fetched, which it is from the start. What was asked for before still comes.
  void set_receiving(bool receiving) {
    is_receiving_ = receiving;
    transport_.wake();
  }

  /// Joins a room, now and on each connection to come, until leave(). Pushes to it wait until it was asked for. May be
  /// called without a connection; the callback is called when there was one.
  void join(std::string_view room, JoinCallback callback = {}) {
    if (kind_of_name(as_bytes(room)) != NameKind::room) {
      defer(callback, Refusal::bad_address, Joined{});
      return;
    }
    Room& wanted = rooms_.want(room);
    if (callback) {
      wanted.callbacks.push_back(std::move(callback));
    }
    if (!wanted.asked) {
      outgoing_.hold(room, !is_open_);
      join_waiting(room, wanted);
    }
    set_wake_up();
  }

  /// Ends the membership, and takes the room from those to be joined on the next connection. Needs the address to be
  /// open: otherwise nothing changes.
  void leave(std::string_view room, LeaveCallback callback = {}) {
    if (const std::error_code error = why_not_ask(room, NameKind::room)) {
      defer(callback, error);
      return;
    }
    for (JoinCallback& joining : forget_room(room)) {
      defer(joining, Refusal::not_a_member, Joined{});
    }
    rooms_.leaving(room);
    ask(Leave{.room = as_bytes(room)}, detail::asked::Leaving{std::string{room}, std::move(callback)});
    set_wake_up();
  }

  /// Asks what became of a message that this address pushed. When it is still in the known state, the answer waits for
  /// another one, for so long.
  void receipt(std::uint64_t sequence, MessageState known, std::chrono::milliseconds wait, ReceiptCallback callback) {
    request(Receipt{.sequence = sequence, .known_state = static_cast<std::uint8_t>(known), .wait_ms = ms(wait)}, wait,
            detail::asked::AskingReceipt{std::move(callback)}, why_not_ask());
  }

  /// Asks who is in a room that this address joined.
  void members(std::string_view room, const MembersQuery& query, MembersCallback callback) {
    request(Status{.source = as_bytes(room),
                   .known_version = query.known_version,
                   .after = as_bytes(query.after),
                   .members_max = query.members_max,
                   .wait_ms = ms(query.wait)},
            query.wait, detail::asked::AskingMembers{std::move(callback)}, why_not_ask(room, NameKind::room));
  }

  /// Asks for the numbers of the own mailbox. When it still has the known version, the answer waits for another one;
  /// one that was told before a reconnect may mean something else now.
  void mailbox(std::uint64_t known_version, std::chrono::milliseconds wait, MailboxCallback callback) {
    request(Status{.known_version = known_version, .wait_ms = ms(wait)}, wait,
            detail::asked::AskingMailbox{std::move(callback)}, why_not_ask());
  }

 private:
  using Base::advance;
  using Base::ask;
  using Base::defer;
  using Base::deferred_;
  using Base::end_session;
  using Base::forget_room;
  using Base::give_up;
  using Base::incoming_;
  using Base::is_connected;
  using Base::is_open_;
  using Base::is_receiving_;
  using Base::join_waiting;
  using Base::ms;
  using Base::open_address;
  using Base::options_;
  using Base::outgoing_;
  using Base::push_waiting;
  using Base::reconnection_;
  using Base::requests_;
  using Base::retry;
  using Base::retry_at_;
  using Base::rooms_;
  using Base::set_wake_up;
  using Base::stop;
  using Base::tell;
  using Base::transport_;
  using Base::wake_up_;
  using Base::was_taken_over_;
  using typename Base::EndedPush;
  using typename Base::Room;

  // What the transport reports.

  std::span<const Protocol> protocols() const override { return {&protocol_, 1}; }

  void opened(Connection connection, const restante::Opened& opened) override {
    if (!reconnection_.opened(connection)) {
      return;
    }
    if (opened.protocol == protocol_name) {
      open_address();
    } else {
      stop(close_code::normal);
      tell(client_event::ProtocolMissing{});
    }
    set_wake_up();
  }

  void received(Connection connection, MessageType type, BytesView message) override {
    if (!reconnection_.stands(connection)) {
      return;
    }
    requests_.heard(transport_.now());
    if (!this->answered(type, message) && reconnection_.stands(connection)) {
      give_up(Error::protocol_violation, close_code::protocol_error, "this is no reply to what was asked");
    }
  }

  void turn_ended() override { advance(); }

  void drained(Connection) override {}

  void closed(Connection connection, const Closed& closed) override {
    const bool was_taken_over = closed.code == close_code::taken_over;
    const auto ended = reconnection_.closed(connection, was_taken_over);
    if (!ended) {
      return;
    }
    is_open_ = false;
    was_taken_over_ = was_taken_over_ || was_taken_over;
    tell(client_event::Disconnected{closed.code, closed.reason, ended->reconnects, ended->reconnects_after});
    end_session(Error::disconnected);
    set_wake_up();
  }

  void woken() override {
    wake_up_ = never;
    const SteadyTime now = transport_.now();
    // Callbacks may defer others; those are called next time, so that this ends.
    for (std::size_t count = deferred_.size(); count > 0; --count) {
      Callback<void()> call = std::move(deferred_.front());
      deferred_.pop_front();
      call();
    }
    reconnection_.woken();
    if (now >= retry_at_) {
      retry();
    }
    if (is_connected() && now >= requests_.deadline()) {
      give_up(Error::disconnected, close_code::policy_violation, "no reply came in time");
    }
    advance();
  }

  // A request of the program, unless there is an error already.
  template <class Packet, class Request>
  void request(const Packet& packet, std::chrono::milliseconds wait, Request asked, std::error_code error) {
    if (error) {
      defer([asked = std::move(asked), error]() mutable { detail::fail(asked, error); });
      return;
    }
    ask(packet, std::move(asked), wait);
    set_wake_up();
  }

  std::error_code why_not_ask() const {
    return !is_open_                                   ? make_error_code(Error::not_connected)
           : requests_.size() >= options_.requests_max ? make_error_code(Error::too_many_requests)
                                                       : std::error_code{};
  }
  std::error_code why_not_ask(std::string_view name, NameKind kind) const {
    return kind_of_name(as_bytes(name)) != kind ? make_error_code(Refusal::bad_address) : why_not_ask();
  }

  Protocol protocol_;
};

}  // namespace restante::v2
