// A network that does nothing by itself: whatever happens on it is decided from outside, one step at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/tap.hpp>
#include <restante/sim/trace.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// A network of streams on which every delivery is a step that somebody decides to take, and the server's Transport
/// (restante/transport.hpp) at once. It tells a Recorder what goes over the wire. Clients have a StepClientTransport
/// each, or are driven from outside.
class StepTransport {
 public:
  struct Packet {
    MessageType type = MessageType::binary;
    std::vector<std::uint8_t> bytes;
  };

  /// What a side closes a connection with; the code is 0 where it does not.
  struct Closing {
    CloseCode code = 0;
    std::string reason = {};
    explicit operator bool() const noexcept { return code != 0; }
  };

  /// A connection and what is under way on it. Its slot is used again when it has ended at both sides.
  struct Wire {
    Connection connection;
    ClientIndex client = no_client;
    /// The client asked for it, and it does not stand yet.
    bool opening = false;
    bool open_at_client = false;
    bool open_at_server = false;
    bool paused = false;
    /// All that waited to leave was dropped while the server had paused the connection, and it does not know yet.
    bool drains = false;
    Closing closing_by_server;
    Closing closing_by_client;
    Queue<Packet> to_server;
    Queue<Packet> to_client;
    std::size_t to_client_bytes = 0;

    bool exists_at_client() const noexcept { return opening || open_at_client; }
    /// Neither side has ended it.
    bool stands() const noexcept {
      return open_at_client && open_at_server && !closing_by_server && !closing_by_client;
    }
  };

  /// With `all_waits`, whatever is on its way to a client counts as waiting to leave.
  StepTransport(Recorder& recorder, bool all_waits) : recorder_{recorder}, all_waits_{all_waits} {}
  StepTransport(const StepTransport&) = delete;
  StepTransport& operator=(const StepTransport&) = delete;

  // The concept Transport, for the server.

  void start(TransportListener& listener) {
    server_ = &listener;
    spoken_ = protocols_of(listener);
  }
  void stop() noexcept { server_ = nullptr; }

  std::size_t send(Connection connection, BytesView bytes) {
    Wire* const wire = known(connection);
    if (wire == nullptr || !wire->open_at_server || wire->closing_by_server) {
      return 0;
    }
    tell(EntryKind::sent_by_server, *wire, MessageType::binary, bytes);
    if (!wire->open_at_client || wire->closing_by_client) {
      return 0;
    }
    wire->to_client.push_back({MessageType::binary, {bytes.begin(), bytes.end()}});
    wire->to_client_bytes += bytes.size();
    return all_waits_ ? wire->to_client_bytes : 0;
  }

  void close(Connection connection, CloseCode code, std::string_view reason) {
    Wire* const wire = known(connection);
    if (wire != nullptr && wire->open_at_server && !wire->closing_by_server) {
      wire->closing_by_server = {code, std::string{reason}};
      wire->paused = false;
    }
  }

  void pause(Connection connection) { set_paused(connection, true); }
  void resume(Connection connection) { set_paused(connection, false); }
  SteadyTime now() const noexcept { return now_; }
  void wake_at(SteadyTime time) noexcept { wake_at_ = time; }
  void wake() noexcept { woken_ = true; }

  // For the client's end.

  /// Tells this listener from now on what happens to connections of a client, or nobody. Without one, a client offers
  /// no subprotocol.
  void listen(ClientIndex client, TransportListener* listener) {
    if (client >= clients_.size()) {
      clients_.resize(std::size_t{client} + 1);
    }
    clients_[client] = {listener, listener == nullptr ? std::span<const Protocol>{} : protocols_of(*listener)};
  }

  /// Begins to connect, which ends with finish_opening() or break_at_client().
  Connection open(ClientIndex client) {
    std::size_t slot = 0;
    while (slot < wires_.size() && (wires_[slot].exists_at_client() || wires_[slot].open_at_server)) {
      ++slot;
    }
    if (slot == wires_.size()) {
      wires_.emplace_back();
    }
    Wire& wire = wires_[slot];
    const std::uint32_t generation = wire.connection.generation + 1;
    wire = {};
    wire.connection = {static_cast<std::uint32_t>(slot), generation};
    wire.client = client;
    wire.opening = true;
    tell(EntryKind::opening, wire);
    return wire.connection;
  }

  /// The client sends something, which is on its way then; to a server that is gone it does not get.
  void send_from_client(Connection connection, MessageType type, BytesView bytes) {
    Wire* const wire = known(connection);
    if (wire == nullptr || !wire->open_at_client || wire->closing_by_client) {
      return;
    }
    tell(EntryKind::sent_by_client, *wire, type, bytes);
    if (wire->open_at_server) {
      wire->to_server.push_back({type, {bytes.begin(), bytes.end()}});
    }
  }

  /// The client closes, after what it sent, and takes no notice of what still comes.
  void close_from_client(Connection connection, CloseCode code, std::string_view reason) {
    Wire* const wire = known(connection);
    if (wire == nullptr || !wire->exists_at_client() || wire->closing_by_client) {
      return;
    }
    wire->closing_by_client = {code, std::string{reason}};
    wire->drains = all_waits_ && wire->paused && !wire->to_client.empty();
    wire->to_client.clear();
    wire->to_client_bytes = 0;
  }

  // Steps.

  bool can_finish_opening(std::size_t slot) const { return wires_[slot].opening && !wires_[slot].closing_by_client; }

  /// Both sides know at once that a connection stands.
  void finish_opening(std::size_t slot) {
    Wire& wire = wires_[slot];
    wire.opening = false;
    wire.open_at_client = true;
    wire.open_at_server = true;
    const Connection connection = wire.connection;
    const std::string_view protocol = name_of(choose_protocol(offered_on(slot), spoken_));
    tell(EntryKind::opened_at_server, wire);
    server_->opened(connection, {.peer = "client", .protocol = protocol});
    tell(EntryKind::opened_at_client, wires_[slot]);
    if (TransportListener* const client = client_of(slot); client != nullptr) {
      client->opened(connection, {.peer = "server", .protocol = protocol});
      client->turn_ended();
    }
  }

  bool can_deliver_to_server(std::size_t slot) const {
    const Wire& wire = wires_[slot];
    if (wire.closing_by_server) {
      return false;
    }
    const bool closes = wire.closing_by_client && (wire.opening || (wire.open_at_client && wire.open_at_server));
    return wire.to_server.empty() ? closes : wire.open_at_server && !wire.paused;
  }

  /// The next message, or after the last one that the client closed: then both sides know at once.
  void deliver_to_server(std::size_t slot) {
    Wire& wire = wires_[slot];
    if (wire.to_server.empty()) {
      const Closing closing = wire.closing_by_client;
      if (wire.open_at_server) {
        end_at_server(slot, closing);
      }
      end_at_client(slot, closing);
      return;
    }
    const Packet packet = std::move(wire.to_server.front());
    wire.to_server.pop_front();
    tell(EntryKind::received_by_server, wire, packet.type, packet.bytes);
    server_->received(wire.connection, packet.type, packet.bytes);
  }

  bool can_deliver_to_client(std::size_t slot) const {
    const Wire& wire = wires_[slot];
    return wire.open_at_client && (!wire.to_client.empty() || wire.closing_by_server || wire.drains);
  }

  /// The next reply, or after the last one that the server closed: then both sides know at once.
  void deliver_to_client(std::size_t slot) {
    Wire& wire = wires_[slot];
    if (wire.to_client.empty()) {
      if (wire.closing_by_server) {
        const Closing closing = wire.closing_by_server;
        end_at_client(slot, closing);
        end_at_server(slot, closing);
      } else {
        tell_drained(slot);
      }
      return;
    }
    const Packet packet = std::move(wire.to_client.front());
    wire.to_client.pop_front();
    wire.to_client_bytes -= packet.bytes.size();
    const Connection connection = wire.connection;
    tell(EntryKind::received_by_client, wire, packet.type, packet.bytes);
    if (TransportListener* const client = client_of(slot); client != nullptr) {
      client->received(connection, packet.type, packet.bytes);
      client->turn_ended();
    }
    // The callbacks of the reply may have closed the connection: then that is a step of its own.
    if (const Wire& after = wires_[slot];
        all_waits_ && after.paused && after.to_client.empty() && !after.closing_by_client) {
      tell_drained(slot);
    }
  }

  /// The connection breaks, or could not be made, and its client knows. If the server has it, it does not know yet, and
  /// what is on its way to it still comes until then.
  void break_at_client(std::size_t slot) { end_at_client(slot, {close_code::abnormal}); }

  /// The same the other way round, also to tell the server of what its client knows.
  void break_at_server(std::size_t slot) {
    const Closing closing = wires_[slot].closing_by_server;
    end_at_server(slot, closing ? closing : Closing{close_code::abnormal});
  }

  /// The server is gone without a word. Clients learn of it later.
  void crash() {
    server_ = nullptr;
    wake_at_ = never;
    woken_ = false;
    for (Wire& wire : wires_) {
      wire.open_at_server = false;
      wire.paused = false;
      wire.drains = false;
      wire.closing_by_server = {};
      wire.to_server.clear();
    }
  }

  void end_turn() { server_->turn_ended(); }

  /// Calls the server if it asked for that by wake().
  void wake_if_asked() {
    if (std::exchange(woken_, false)) {
      server_->woken();
    }
  }

  /// Whether the server waits for a time, and the going to it.
  bool can_pass_time() const noexcept { return wake_at_ != never; }
  void pass_time() {
    pass_time_until(std::exchange(wake_at_, never));
    server_->woken();
  }
  void pass_time_until(SteadyTime time) noexcept { now_ = time > now_ ? time : now_; }

  const std::vector<Wire>& wires() const noexcept { return wires_; }

  /// Nothing where the connection ended at both sides and its slot is in use again.
  const Wire* find(Connection connection) const {
    const bool known =
        connection.slot < wires_.size() && wires_[connection.slot].connection.generation == connection.generation;
    return known ? &wires_[connection.slot] : nullptr;
  }

 private:
  Wire* known(Connection connection) { return const_cast<Wire*>(std::as_const(*this).find(connection)); }

  TransportListener* client_of(std::size_t slot) const {
    const ClientIndex client = wires_[slot].client;
    return client < clients_.size() ? clients_[client].listener : nullptr;
  }

  std::vector<std::string_view> offered_on(std::size_t slot) const {
    return client_of(slot) == nullptr ? std::vector<std::string_view>{}
                                      : names_of(clients_[wires_[slot].client].spoken);
  }

  void tell_drained(std::size_t slot) {
    wires_[slot].drains = false;
    server_->drained(wires_[slot].connection);
  }

  // Listeners may open connections, so that no reference to a wire outlives a call to one.

  void end_at_client(std::size_t slot, const Closing& closing) {
    Wire& wire = wires_[slot];
    wire.opening = false;
    wire.open_at_client = false;
    wire.drains = false;
    wire.to_client.clear();
    wire.to_client_bytes = 0;
    const Connection connection = wire.connection;
    tell(EntryKind::closed_at_client, wire, closing);
    if (TransportListener* const client = client_of(slot); client != nullptr) {
      client->closed(connection, {.code = closing.code, .reason = closing.reason});
      client->turn_ended();
    }
  }

  void end_at_server(std::size_t slot, const Closing& closing) {
    Wire& wire = wires_[slot];
    wire.open_at_server = false;
    wire.paused = false;
    wire.drains = false;
    wire.to_server.clear();
    tell(EntryKind::closed_at_server, wire, closing);
    server_->closed(wire.connection, {.code = closing.code, .reason = closing.reason});
  }

  void set_paused(Connection connection, bool paused) {
    if (Wire* const wire = known(connection); wire != nullptr && wire->open_at_server && !wire->closing_by_server) {
      wire->paused = paused;
      wire->drains = wire->drains && paused;
    }
  }

  void tell(EntryKind kind, const Wire& wire, MessageType type = MessageType::binary, BytesView bytes = {}) {
    recorder_.record({.time = now_,
                      .kind = kind,
                      .client = wire.client,
                      .connection = wire.connection,
                      .type = type,
                      .bytes = bytes});
  }

  void tell(EntryKind kind, const Wire& wire, const Closing& closing) {
    recorder_.record({.time = now_,
                      .kind = kind,
                      .client = wire.client,
                      .connection = wire.connection,
                      .code = closing.code,
                      .text = closing.reason});
  }

  Recorder& recorder_;
  bool all_waits_;
  struct Client {
    TransportListener* listener = nullptr;
    std::span<const Protocol> spoken;
  };

  TransportListener* server_ = nullptr;
  std::span<const Protocol> spoken_;
  std::vector<Client> clients_;
  std::vector<Wire> wires_;
  SteadyTime now_{};
  SteadyTime wake_at_ = never;
  bool woken_ = false;
};

static_assert(Transport<StepTransport>);

/// The end of a StepTransport that a Client has: a ClientTransport (restante/transport.hpp). The network must outlive
/// it.
class StepClientTransport {
 public:
  StepClientTransport(StepTransport& network, ClientIndex client) : network_{network}, client_{client} {}
  StepClientTransport(const StepClientTransport&) = delete;
  StepClientTransport& operator=(const StepClientTransport&) = delete;

  // The concept ClientTransport.

  void start(TransportListener& listener) {
    listener_ = &listener;
    network_.listen(client_, listener_);
  }

  /// The world ends with its clients: nobody is left who would have to hear of closed connections.
  void stop() {
    network_.listen(client_, nullptr);
    listener_ = nullptr;
  }

  std::size_t send(Connection connection, BytesView bytes) {
    network_.send_from_client(connection, MessageType::binary, bytes);
    return 0;
  }

  void close(Connection connection, CloseCode code, std::string_view reason) {
    network_.close_from_client(connection, code, reason);
  }

  /// A Client reads whatever comes: here nobody asks for less.
  void pause(Connection) { RESTANTE_ASSERT(false, "a client does not stop reading"); }
  void resume(Connection) { RESTANTE_ASSERT(false, "a client does not stop reading"); }

  SteadyTime now() const noexcept { return network_.now(); }
  void wake_at(SteadyTime time) noexcept { wake_at_ = time; }
  void wake() noexcept { woken_ = true; }

  Connection open() {
    RESTANTE_ASSERT(!exists(), "the client's last connection has not ended yet");
    connection_ = network_.open(client_);
    return connection_;
  }

  // Steps.

  /// The program ended: its connection is gone, and the server does not know yet.
  void abandon() {
    if (exists()) {
      network_.break_at_client(connection_.slot);
    }
    wake_at_ = never;
    woken_ = false;
  }

  /// Calls the listener if it asked for that by wake(), and as often as it asks again.
  void wake_if_asked() {
    while (std::exchange(woken_, false)) {
      listener_->woken();
    }
  }

  /// Whether somebody waits for a time, and the going to it. Others for whom a time has come before are late, as
  /// programs on a busy machine are.
  bool can_pass_time() const noexcept { return wake_at_ != never; }
  void pass_time() {
    network_.pass_time_until(std::exchange(wake_at_, never));
    listener_->woken();
  }

  // What the network knows of this client.

  /// The latest.
  Connection connection() const noexcept { return connection_; }
  /// Whether it is opening, open or closing, as far as its client knows.
  bool exists() const {
    const StepTransport::Wire* const wire = network_.find(connection_);
    return wire != nullptr && wire->exists_at_client();
  }
  /// Whether it is open, as far as its client knows, who does not want it closed.
  bool stands() const {
    const StepTransport::Wire* const wire = network_.find(connection_);
    return wire != nullptr && wire->open_at_client && !wire->closing_by_client;
  }

 private:
  StepTransport& network_;
  ClientIndex client_;
  TransportListener* listener_ = nullptr;
  Connection connection_;
  SteadyTime wake_at_ = never;
  bool woken_ = false;
};

static_assert(ClientTransport<StepClientTransport>);

}  // namespace restante::sim
