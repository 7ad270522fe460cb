// A transport whose every event is decided by the fuzzer's input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>

#include <restante/bytes.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

#include "expect.hpp"
#include "session_oracle.hpp"

namespace restante::fuzz {

struct ScriptedTransportOptions {
  /// Whether woken() comes before what peers sent, or after it.
  bool wakes_first = false;
  std::size_t waiting_bytes_max = 0;
  Duration stuck_after{};
};

/// Peers are what the input makes of them; each has a slot of its own. Nothing is reported but by pump(), drain() and
/// connect().
class ScriptedTransport {
 public:
  static constexpr std::uint32_t slots = 6;

  ScriptedTransport(SessionOracle& oracle, ScriptedTransportOptions options) : oracle_{oracle}, options_{options} {}

  // What a Messenger asks for.

  void start(TransportListener& listener) {
    expect(listener_ == nullptr, "a transport is started once");
    listener_ = &listener;
  }

  void stop() { listener_ = nullptr; }

  std::size_t send(Connection connection, BytesView message) {
    Peer* peer = find(connection);
    if (peer == nullptr || peer->closing) {
      return 0;
    }
    oracle_.replied(connection, message);
    if (peer->reads) {
      return 0;
    }
    peer->waiting_bytes += message.size();
    if (peer->waiting_bytes > options_.waiting_bytes_max && peer->stuck_since == never) {
      peer->stuck_since = now_;
    }
    return peer->waiting_bytes;
  }

  void close(Connection connection, CloseCode code, std::string_view reason) {
    Peer* peer = find(connection);
    if (peer == nullptr || peer->closing) {
      return;
    }
    expect(!reason.empty() && reason.size() <= 123, "a reason says something, in at most 123 bytes");
    oracle_.closing(connection, code, stuck_for(*peer), options_.stuck_after, peer->sent_text);
    peer->closing = true;
  }

  void pause(Connection connection) {
    if (Peer* peer = find(connection)) {
      peer->paused = true;
    }
  }

  void resume(Connection connection) {
    if (Peer* peer = find(connection)) {
      expect(!peer->sent_text, "whoever sent text is not read from again");
      peer->paused = false;
    }
  }

  SteadyTime now() const { return now_; }

  void wake_at(SteadyTime time) { wake_at_ = time; }

  void wake() { wake_ = true; }

  // What the input decides.

  void connect(std::uint32_t slot) {
    Peer& peer = peers_[slot];
    if (peer.open) {
      return;
    }
    peer = {.open = true, .connection = {slot, ++generation_}};
    oracle_.opened(peer.connection);
    listener_->opened(peer.connection, {.peer = "fuzzer"});
  }

  /// The connection breaks; what the peer sent and was not read is lost.
  void disconnect(std::uint32_t slot) {
    if (peers_[slot].open) {
      end(peers_[slot], close_code::abnormal);
      listener_->turn_ended();
    }
  }

  void peer_sends(std::uint32_t slot, MessageType type, Bytes message) {
    if (peers_[slot].open) {
      peers_[slot].inbox.emplace_back(type, std::move(message));
    }
  }

  void stop_reading(std::uint32_t slot) { peers_[slot].reads = !peers_[slot].open; }

  /// The peer reads what waits for it, and goes on reading.
  void drain(std::uint32_t slot) {
    Peer& peer = peers_[slot];
    const bool had_waiting = std::exchange(peer.waiting_bytes, 0) != 0;
    peer.reads = true;
    if (peer.open && !peer.closing && peer.paused && had_waiting) {
      peer.stuck_since = never;
      listener_->drained(peer.connection);
    }
  }

  void advance(Duration duration) { now_ += duration; }

  /// Reports what is at hand until nothing is.
  void pump() {
    bool reported = true;
    while (reported) {
      reported = options_.wakes_first && report_woken();
      reported = report_messages() || reported;
      reported = report_woken() || reported;
    }
    check();
  }

  bool has_unread(std::uint32_t slot) const { return !peers_[slot].inbox.empty(); }
  bool is_open(std::uint32_t slot) const { return peers_[slot].open; }
  bool is_paused(std::uint32_t slot) const { return peers_[slot].paused; }
  Connection connection(std::uint32_t slot) const { return peers_[slot].connection; }

 private:
  struct Peer {
    bool open = false;
    Connection connection = {};
    /// The Messenger closed it.
    bool closing = false;
    bool paused = false;
    bool reads = true;
    bool sent_text = false;
    std::size_t waiting_bytes = 0;
    /// Since when more waits than may.
    SteadyTime stuck_since = never;
    std::deque<std::pair<MessageType, Bytes>> inbox = {};
  };

  // A connection that is gone is named by nobody any more, but replies that were held for it may come.
  Peer* find(Connection connection) {
    expect(connection.slot < slots && connection.generation >= 1 && connection.generation <= generation_,
           "a connection is named that there has been");
    Peer& peer = peers_[connection.slot];
    return peer.open && peer.connection == connection ? &peer : nullptr;
  }

  Duration stuck_for(const Peer& peer) const {
    return peer.stuck_since == never ? Duration{-1} : now_ - peer.stuck_since;
  }

  void end(Peer& peer, CloseCode code) {
    oracle_.closed(peer.connection);
    peer.open = false;
    peer.inbox.clear();
    listener_->closed(peer.connection, {.code = code});
  }

  void report(Peer& peer) {
    const auto [type, message] = std::move(peer.inbox.front());
    peer.inbox.pop_front();
    if (type == MessageType::text) {
      peer.sent_text = true;
      listener_->received(peer.connection, type, message);
      expect(peer.closing || peer.paused, "nothing is read behind a text");
      return;
    }
    oracle_.executing(peer.connection, message);
    listener_->received(peer.connection, type, message);
    oracle_.executed(peer.connection);
  }

  bool report_messages() {
    bool reported = false;
    for (Peer& peer : peers_) {
      while (peer.open && !peer.closing && !peer.paused && !peer.inbox.empty()) {
        report(peer);
        reported = true;
      }
      if (peer.open && peer.closing) {
        end(peer, close_code::normal);
        reported = true;
      }
    }
    if (reported) {
      listener_->turn_ended();
    }
    return reported;
  }

  bool report_woken() {
    if (!wake_ && wake_at_ > now_) {
      return false;
    }
    wake_ = false;
    if (wake_at_ <= now_) {
      wake_at_ = never;
    }
    listener_->woken();
    return true;
  }

  void check() const {
    for (const Peer& peer : peers_) {
      if (!peer.open) {
        continue;
      }
      oracle_.check(peer.connection, peer.closing, peer.sent_text);
      expect(peer.paused || peer.waiting_bytes <= options_.waiting_bytes_max, "whoever does not read is not read from");
      expect(stuck_for(peer) < options_.stuck_after, "whoever is stuck is closed");
    }
  }

  SessionOracle& oracle_;
  ScriptedTransportOptions options_;
  TransportListener* listener_ = nullptr;
  std::array<Peer, slots> peers_;
  std::uint32_t generation_ = 0;
  SteadyTime now_{};
  SteadyTime wake_at_ = never;
  bool wake_ = false;
};

static_assert(Transport<ScriptedTransport>);

}  // namespace restante::fuzz
