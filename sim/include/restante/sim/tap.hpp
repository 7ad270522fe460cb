// A transport that is listened in on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/sim/trace.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// Whom an entry of a trace is told to. A Tap asks it for the client of a connection as well.
class Recorder {
 public:
  virtual void record(Entry entry) = 0;

 protected:
  ~Recorder() = default;
};

/// Which end of the wire is tapped.
enum class Side : std::uint8_t { client, server };

/// Passes everything on between a transport and its listener, both ways, and tells what goes over the wire. What a
/// listener does not get, or a transport does not take, it does not tell either.
template <Transport T>
class Tap final : private TransportListener {
 public:
  /// `transport` and `recorder` must live longer. `client` is the index for entries of a client's side.
  Tap(T& transport, Recorder& recorder, Side side, ClientIndex client = no_client)
      : transport_{transport}, recorder_{recorder}, side_{side}, client_{client} {}
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // The concept Transport; see restante/transport.hpp.

  void start(TransportListener& listener) {
    listener_ = &listener;
    transport_.start(*this);
  }

  void stop() { transport_.stop(); }

  std::size_t send(Connection connection, BytesView message) {
    tell(side_ == Side::client ? EntryKind::sent_by_client : EntryKind::sent_by_server, connection, message);
    return transport_.send(connection, message);
  }

  void close(Connection connection, CloseCode code, std::string_view reason) {
    // Nothing more of it is reported than that it is closed, also of what waited while the program was frozen.
    std::erase_if(kept_, [connection](const Kept& kept) {
      return kept.connection == connection && (kept.what == Kept::What::received || kept.what == Kept::What::drained);
    });
    transport_.close(connection, code, reason);
  }

  void pause(Connection connection) {
    if (has_protocol(connection)) {
      paused_.push_back(connection);
    }
    transport_.pause(connection);
  }

  void resume(Connection connection) {
    if (std::erase(paused_, connection) > 0 && has_kept_messages(connection)) {
      transport_.wake();
    }
    transport_.resume(connection);
  }

  SteadyTime now() const { return transport_.now(); }
  void wake_at(SteadyTime time) { transport_.wake_at(time); }
  void wake() { transport_.wake(); }

  Connection open() requires OpensConnections<T> {
    const Connection connection = transport_.open();
    tell(EntryKind::opening, connection, {});
    return connection;
  }

  // Beside the concept.

  /// While frozen, the program does not get to run, as on a machine that sleeps: what its transport reports waits, and
  /// comes all at once when it is thawed. Must be called by an event of the network, not by the program itself.
  void set_frozen(bool frozen) {
    frozen_ = frozen;
    if (frozen_) {
      return;
    }
    pass_on_what_waits();
    if (!frozen_ && std::exchange(woken_while_frozen_, false)) {
      listener_->woken();
    }
  }

  /// Forgets what waits, because the program ended.
  void forget() {
    frozen_ = false;
    woken_while_frozen_ = false;
    kept_.clear();
    with_protocol_.clear();
    paused_.clear();
  }

  /// Sends a text message, which the classic protocol does not know.
  std::size_t send_text(Connection connection, std::string_view text) {
    recorder_.record({.time = now(),
                      .kind = EntryKind::sent_by_client,
                      .client = client_,
                      .connection = connection,
                      .type = MessageType::text,
                      .bytes = as_bytes(text)});
    return transport_.send_text(connection, text);
  }

 private:
  // What a transport reported, kept while the program is frozen.
  struct Kept {
    enum class What : std::uint8_t { opened, received, turn_ended, drained, closed };
    What what = What::turn_ended;
    Connection connection = {};
    MessageType type = MessageType::binary;
    CloseCode code = 0;
    /// The message, the peer or the reason, and the protocol.
    std::string text = {};
    std::string protocol = {};
  };

  std::span<const Protocol> protocols() const override { return listener_->protocols(); }

  void opened(Connection connection, const Opened& opened) override {
    if (frozen_) {
      kept_.push_back({.what = Kept::What::opened,
                       .connection = connection,
                       .text = std::string{opened.peer},
                       .protocol = std::string{opened.protocol}});
      return;
    }
    recorder_.record({.time = now(),
                      .kind = side_ == Side::client ? EntryKind::opened_at_client : EntryKind::opened_at_server,
                      .client = client_,
                      .connection = connection,
                      .text = opened.peer});
    if (!opened.protocol.empty()) {
      with_protocol_.push_back(connection);
    }
    listener_->opened(connection, opened);
  }

  void received(Connection connection, MessageType type, BytesView message) override {
    if (frozen_ || has_kept_messages(connection)) {
      kept_.push_back({.what = Kept::What::received,
                       .connection = connection,
                       .type = type,
                       .text = std::string{as_text(message)}});
      return;
    }
    hear(connection, type, message);
  }

  void hear(Connection connection, MessageType type, BytesView message) {
    recorder_.record({.time = now(),
                      .kind = side_ == Side::client ? EntryKind::received_by_client : EntryKind::received_by_server,
                      .client = client_,
                      .connection = connection,
                      .type = type,
                      .bytes = message});
    listener_->received(connection, type, message);
  }

  void turn_ended() override { frozen_ ? static_cast<void>(kept_.push_back({})) : listener_->turn_ended(); }

  void drained(Connection connection) override {
    if (frozen_) {
      kept_.push_back({.what = Kept::What::drained, .connection = connection});
    } else {
      listener_->drained(connection);
    }
  }

  void closed(Connection connection, const Closed& closed) override {
    if (frozen_) {
      kept_.push_back({.what = Kept::What::closed,
                       .connection = connection,
                       .code = closed.code,
                       .text = std::string{closed.reason}});
      return;
    }
    std::erase(with_protocol_, connection);
    std::erase(paused_, connection);
    std::erase_if(kept_, [connection](const Kept& kept) {
      return kept.connection == connection && kept.what == Kept::What::received;
    });
    recorder_.record({.time = now(),
                      .kind = side_ == Side::client ? EntryKind::closed_at_client : EntryKind::closed_at_server,
                      .client = client_,
                      .connection = connection,
                      .code = closed.code,
                      .text = closed.reason});
    listener_->closed(connection, closed);
  }

  void woken() override {
    if (frozen_) {
      woken_while_frozen_ = true;
    } else {
      pass_on_what_waits();
      listener_->woken();
    }
  }

  // While the program runs, only messages wait, and those of connections that are paused.
  void pass_on_what_waits() {
    for (std::size_t i = 0; i < kept_.size() && !frozen_;) {
      if (kept_[i].what == Kept::What::received && is_paused(kept_[i].connection)) {
        ++i;
        continue;
      }
      const Kept kept = std::move(kept_[i]);
      kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(i));
      pass_on(kept);
      // The program may have closed or paused a connection.
      i = 0;
    }
  }

  // Messages that came while the machine slept are for a program that may pause their connection before it hears them.
  // Those of the classic protocol it has always heard all the same, and their traces stay what they are.
  bool has_protocol(Connection connection) const {
    return std::find(with_protocol_.begin(), with_protocol_.end(), connection) != with_protocol_.end();
  }
  bool is_paused(Connection connection) const {
    return std::find(paused_.begin(), paused_.end(), connection) != paused_.end();
  }
  bool has_kept_messages(Connection connection) const {
    return std::any_of(kept_.begin(), kept_.end(), [connection](const Kept& kept) {
      return kept.connection == connection && kept.what == Kept::What::received;
    });
  }

  void pass_on(const Kept& kept) {
    switch (kept.what) {
      case Kept::What::opened:
        opened(kept.connection, {kept.text, kept.protocol});
        break;
      case Kept::What::received:
        hear(kept.connection, kept.type, as_bytes(kept.text));
        break;
      case Kept::What::turn_ended:
        turn_ended();
        break;
      case Kept::What::drained:
        drained(kept.connection);
        break;
      case Kept::What::closed:
        closed(kept.connection, {kept.code, kept.text});
        break;
    }
  }

  void tell(EntryKind kind, Connection connection, BytesView bytes) {
    recorder_.record({.time = now(), .kind = kind, .client = client_, .connection = connection, .bytes = bytes});
  }

  T& transport_;
  Recorder& recorder_;
  Side side_;
  ClientIndex client_;
  TransportListener* listener_ = nullptr;
  bool frozen_ = false;
  bool woken_while_frozen_ = false;
  std::deque<Kept> kept_;
  /// Those that speak a subprotocol, and those of them that are paused.
  std::vector<Connection> with_protocol_;
  std::vector<Connection> paused_;
};

}  // namespace restante::sim
