// The client side: associates ids, pushes, gets, and comes back after a connection broke.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <system_error>
#include <utility>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/classic/codec.hpp>
#include <restante/classic/packet.hpp>
#include <restante/classic/pipeline.hpp>
#include <restante/client_options.hpp>
#include <restante/client_state.hpp>
#include <restante/detail/backoff.hpp>
#include <restante/detail/reconnection.hpp>
#include <restante/error.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante {

/// Speaks the classic protocol (docs/protocol.md) on a transport. Lives on the thread of its transport, which must live
/// longer.
///
/// Requests are sent at once, several may be under way, and each callback is called exactly once, in the order of the
/// requests that were sent, never from inside the call that made the request; only a Client that is destroyed calls
/// none any more. Callbacks may make requests, connect and close, but not destroy the Client.
///
/// When a connection breaks, every request under way ends with Error::disconnected: whether it took effect is not
/// known. A PUSH may or may not be stored, and a GET may have taken a message that is then lost: the classic protocol
/// has no means against it (docs/protocol.md, "What can be lost").
template <class T>
class Client final : private TransportListener {
  static_assert(Transport<T>, "the transport is no restante::Transport: see restante/transport.hpp");
  static_assert(OpensConnections<T>, "the transport lacks open() giving a Connection: see restante/transport.hpp");

 public:
  using ClientId = classic::ClientId;

  using State = ClientState;

  /// Starts the transport, and connects to nothing yet.
  explicit Client(T& transport, ClientOptions options = {})
      : transport_{transport},
        options_{std::move(options)},
        reconnection_{
            transport, options_.reconnect, {options_.reconnect_after, options_.reconnect_after_max, options_.seed}} {
    RESTANTE_ASSERT(options_.requests_max >= 1, "requests_max must be at least 1");
    RESTANTE_ASSERT(options_.reply_timeout > Duration::zero(), "reply_timeout must be more than 0");
    RESTANTE_ASSERT(options_.reconnect_after > Duration::zero(), "reconnect_after must be more than 0");
    RESTANTE_ASSERT(options_.reconnect_after_max > Duration::zero(), "reconnect_after_max must be more than 0");
    RESTANTE_ASSERT(options_.restore_retry_after > Duration::zero(), "restore_retry_after must be more than 0");
    transport_.start(*this);
  }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Closes the connection, if there is one.
  ~Client() { transport_.stop(); }

  /// Makes a connection, now; while one stands or is being made, nothing happens. After close(), the connection is made
  /// once the old one has ended.
  void connect() { reconnection_.connect(); }

  /// Ends the connection, after what was sent, and makes no other until connect(). Ids that were held are forgotten.
  void close() {
    restored_ids_.reset();
    missing_ids_.reset();
    restore_at_ = never;
    reconnection_.close();
    set_wake_up();
  }

  State state() const noexcept { return reconnection_.state(); }

  /// How many requests wait for their replies.
  std::size_t requests() const noexcept { return pipeline_.size(); }

  /// Claims an id. Once it is associated, it is claimed again after each reconnect, before anything else is sent.
  void associate(ClientId id, classic::AssociateCallback callback = {}) {
    classic::AssociateRequest request{
        id, [this, id, callback = std::move(callback)](std::error_code error, classic::AssociateResult result) mutable {
          if (!error && result == classic::AssociateResult::associated) {
            restored_ids_.set(id);
            missing_ids_.reset(id);
          }
          if (callback) {
            callback(error, result);
          }
        }};
    send(classic::Associate{.id = id}, std::move(request));
  }

  /// Claims an id no more after reconnects. The classic protocol cannot give an id back before the connection ends.
  void forget(ClientId id) {
    restored_ids_.reset(id);
    missing_ids_.reset(id);
  }

  /// Puts a message of at most 254 bytes into a mailbox. `sender` must be an id that this client associated. A longer
  /// payload ends with Error::payload_too_large.
  void push(ClientId sender, ClientId receiver, BytesView payload, classic::PushCallback callback = {}) {
    classic::PushRequest request{sender, std::move(callback)};
    if (payload.size() > classic::payload_bytes_max) {
      reject(std::move(request), Error::payload_too_large);
      return;
    }
    send(classic::make_push(sender, receiver, payload), std::move(request));
  }

  /// Takes the oldest message out of the mailbox of an id that this client associated.
  void get(ClientId id, classic::GetCallback callback) {
    send(classic::Get{id}, classic::GetRequest{id, std::move(callback)});
  }

 private:
  // What was asked for and not sent, with the reason, which is told from the transport's loop.
  struct Rejected {
    classic::Request request;
    std::error_code error;
  };

  void opened(Connection connection, const Opened& opened) override {
    if (!reconnection_.opened(connection)) {
      return;
    }
    restore(restored_ids_);
    tell(client_event::Connected{opened.peer});
    set_wake_up();
  }

  void received(Connection connection, MessageType type, BytesView message) override {
    if (!reconnection_.stands(connection)) {
      return;
    }
    // The next request begins to wait now: before, the one in front of it did.
    waiting_since_ = transport_.now();
    if (type != MessageType::binary || !pipeline_.accept(message)) {
      give_up(Error::protocol_violation, close_code::protocol_error, "this is no reply to what was asked");
      return;
    }
    reconnection_.succeeded();
  }

  void turn_ended() override { set_wake_up(); }

  void drained(Connection) override {}

  void closed(Connection connection, const Closed& closed) override {
    const auto ended = reconnection_.closed(connection);
    if (!ended) {
      return;
    }
    missing_ids_.reset();
    restore_at_ = never;
    // Told before the callbacks of requests may change it.
    tell(client_event::Disconnected{closed.code, closed.reason, ended->reconnects, ended->reconnects_after});
    fail_requests(Error::disconnected);
    set_wake_up();
  }

  void woken() override {
    wake_up_ = never;
    const SteadyTime now = transport_.now();
    // Callbacks may make requests that are rejected as well; those are told next time, so that this ends.
    for (std::size_t count = rejected_.size(); count > 0; --count) {
      Rejected rejected = std::move(rejected_.front());
      rejected_.pop_front();
      classic::fail(std::move(rejected.request), rejected.error);
    }
    reconnection_.woken();
    if (state() == State::connected && now >= restore_at_) {
      restore_at_ = never;
      restore(std::exchange(missing_ids_, {}));
    }
    if (now >= reply_deadline()) {
      give_up(Error::disconnected, close_code::policy_violation, "no reply came in time");
    }
    set_wake_up();
  }

  // Ends a connection that is no good, to make another.
  void give_up(Error error, CloseCode code, std::string_view reason) {
    // No id is claimed any more on this connection: a time that has come must not be asked for again and again.
    restore_at_ = never;
    reconnection_.give_up(code, reason);
    fail_requests(error);
  }

  // Callbacks may make requests; those are not among the failed.
  void fail_requests(Error error) {
    for (std::size_t count = pipeline_.size(); count > 0; --count) {
      classic::fail(pipeline_.pop_front(), error);
    }
  }

  template <class Packet>
  void send(const Packet& packet, classic::Request request) {
    if (state() != State::connected) {
      reject(std::move(request), Error::not_connected);
      return;
    }
    if (pipeline_.size() >= options_.requests_max) {
      reject(std::move(request), Error::too_many_requests);
      return;
    }
    if (pipeline_.empty()) {
      waiting_since_ = transport_.now();
    }
    std::array<std::uint8_t, classic::packet_bytes_max> buffer;
    transport_.send(reconnection_.connection(), classic::encode(packet, buffer));
    pipeline_.push_back(std::move(request));
    set_wake_up();
  }

  void reject(classic::Request request, Error error) {
    rejected_.push_back({std::move(request), error});
    transport_.wake();
  }

  // Claims ids again. They are few: at most one for each id there is.
  void restore(const std::bitset<256>& ids) {
    for (std::size_t id = 0; id < ids.size(); ++id) {
      if (ids.test(id)) {
        restore(static_cast<ClientId>(id));
      }
    }
  }

  void restore(ClientId id) {
    classic::AssociateRequest request{id, [this, id](std::error_code error, classic::AssociateResult result) {
                                        if (!error) {
                                          restored(id, result);
                                        }
                                      }};
    std::array<std::uint8_t, classic::packet_bytes_max> buffer;
    if (pipeline_.empty()) {
      waiting_since_ = transport_.now();
    }
    transport_.send(reconnection_.connection(), classic::encode(classic::Associate{.id = id}, buffer));
    pipeline_.push_back(std::move(request));
  }

  void restored(ClientId id, classic::AssociateResult result) {
    if (result == classic::AssociateResult::associated) {
      tell(client_event::IdRestored{id});
      return;
    }
    if (result == classic::AssociateResult::unauthorised) {
      forget(id);
    } else if (restored_ids_.test(id)) {
      missing_ids_.set(id);
      restore_at_ = std::min(restore_at_, after(transport_.now(), options_.restore_retry_after));
    }
    tell(client_event::IdNotRestored{id, result});
  }

  SteadyTime reply_deadline() const {
    return state() == State::connected && !pipeline_.empty() ? after(waiting_since_, options_.reply_timeout) : never;
  }

  void set_wake_up() {
    const SteadyTime next = std::min({reconnection_.wake_time(), restore_at_, reply_deadline()});
    if (next != wake_up_) {
      wake_up_ = next;
      transport_.wake_at(next);
    }
  }

  template <class E>
  void tell(const E& event) {
    if (options_.on_event) {
      options_.on_event(ClientEvent{event});
    }
  }

  T& transport_;
  ClientOptions options_;
  detail::Reconnection<T> reconnection_;
  classic::Pipeline pipeline_;
  std::deque<Rejected> rejected_;
  /// Ids to claim on each new connection, and those of them that were found taken on this one.
  std::bitset<256> restored_ids_;
  std::bitset<256> missing_ids_;
  SteadyTime waiting_since_ = {};
  SteadyTime restore_at_ = never;
  SteadyTime wake_up_ = never;
};

}  // namespace restante
