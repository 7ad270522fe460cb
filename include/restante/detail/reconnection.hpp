// One connection after the other: what both kinds of clients do to have one.
#pragma once

#include <optional>
#include <string_view>

#include <restante/assert.hpp>
#include <restante/client_state.hpp>
#include <restante/detail/backoff.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::detail {

/// The states of a client's connection, and when the next one is made. Its owner passes on what the transport reports,
/// and calls woken() at wake_time().
template <class T>
class Reconnection {
 public:
  Reconnection(T& transport, bool reconnects, Backoff backoff)
      : transport_{transport}, reconnects_{reconnects}, backoff_{backoff} {}

  /// Makes a connection, now or once the one that is closing has ended.
  void connect() {
    wanted_ = true;
    if (state_ == ClientState::idle || state_ == ClientState::waiting) {
      open();
    }
  }

  /// Ends the connection, after what was sent, and makes no other until connect().
  void close(CloseCode code = close_code::normal, std::string_view reason = {}) {
    wanted_ = false;
    reconnect_at_ = never;
    if (state_ == ClientState::connecting || state_ == ClientState::connected) {
      end(code, reason);
    } else if (state_ == ClientState::waiting) {
      state_ = ClientState::idle;
    }
  }

  /// Ends a connection that is no good, to make another.
  void give_up(CloseCode code, std::string_view reason) {
    gave_up_ = true;
    wanted_ = wanted_ && reconnects_;
    end(code, reason);
  }

  ClientState state() const noexcept { return state_; }
  Connection connection() const noexcept { return connection_; }

  /// Whether what is reported of a connection concerns the one that stands.
  bool stands(Connection connection) const noexcept {
    return connection == connection_ && state_ == ClientState::connected;
  }

  /// Whether it is the connection that was waited for; then it stands.
  bool opened(Connection connection) noexcept {
    if (connection != connection_ || state_ != ClientState::connecting) {
      return false;
    }
    state_ = ClientState::connected;
    return true;
  }

  /// The peer does what it should: the next delay is a short one.
  void succeeded() noexcept { backoff_.reset(); }

  struct Ended {
    bool reconnects = false;
    Duration reconnects_after = {};
  };

  /// What follows the end of a connection, or nothing where it is another one. `is_final` says that no other is made.
  std::optional<Ended> closed(Connection connection, bool is_final = false) {
    if (connection != connection_) {
      return std::nullopt;
    }
    connection_ = {};
    wanted_ = wanted_ && !is_final;
    const bool was_closing = state_ == ClientState::closing;
    Ended ended{.reconnects = wanted_ && (was_closing || reconnects_)};
    if (ended.reconnects) {
      // Whoever asked for the end and then for a new connection need not wait.
      ended.reconnects_after = was_closing && !gave_up_ ? Duration::zero() : backoff_.next();
      reconnect_at_ = after(transport_.now(), ended.reconnects_after);
    }
    gave_up_ = false;
    state_ = ended.reconnects ? ClientState::waiting : ClientState::idle;
    return ended;
  }

  void woken() {
    if (state_ == ClientState::waiting && transport_.now() >= reconnect_at_) {
      open();
    }
  }

  /// When woken() has something to do, or never.
  SteadyTime wake_time() const noexcept { return reconnect_at_; }

 private:
  void open() {
    reconnect_at_ = never;
    state_ = ClientState::connecting;
    connection_ = transport_.open();
  }

  void end(CloseCode code, std::string_view reason) {
    state_ = ClientState::closing;
    transport_.close(connection_, code, reason);
  }

  T& transport_;
  bool reconnects_;
  Backoff backoff_;
  ClientState state_ = ClientState::idle;
  Connection connection_;
  bool wanted_ = false;
  bool gave_up_ = false;
  SteadyTime reconnect_at_ = never;
};

}  // namespace restante::detail
