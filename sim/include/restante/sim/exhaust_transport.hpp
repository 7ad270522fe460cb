// A transport and a store that do nothing by themselves: whatever happens is decided from outside, one step at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/error.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/store.hpp>
#include <restante/sim/tap.hpp>
#include <restante/sim/trace.hpp>
#include <restante/store.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// A Transport (restante/transport.hpp) of streams, on which every delivery is a step that somebody decides to take. It
/// tells a Recorder what goes over the wire.
class StepTransport {
 public:
  struct Packet {
    MessageType type = MessageType::binary;
    std::vector<std::uint8_t> bytes;
  };

  /// A connection and what is under way on it. Its slot is used again when it has ended at both sides.
  struct Wire {
    Connection connection;
    ClientIndex client = no_client;
    bool open_at_client = false;
    bool open_at_server = false;
    bool paused = false;
    /// What the server closes with; 0 where it does not.
    CloseCode closing = 0;
    std::string reason;
    Queue<Packet> to_server;
    Queue<Packet> to_client;
    std::size_t to_client_bytes = 0;
  };

  /// With `all_waits`, whatever is on its way to a client counts as waiting to leave.
  StepTransport(Recorder& recorder, bool all_waits) : recorder_{recorder}, all_waits_{all_waits} {}
  StepTransport(const StepTransport&) = delete;
  StepTransport& operator=(const StepTransport&) = delete;

  // The concept Transport.

  void start(TransportListener& listener) noexcept { listener_ = &listener; }
  void stop() noexcept { listener_ = nullptr; }

  std::size_t send(Connection connection, BytesView bytes) {
    Wire* const wire = find(connection);
    if (wire == nullptr || !wire->open_at_server || wire->closing != 0) {
      return 0;
    }
    tell(EntryKind::sent_by_server, *wire, MessageType::binary, bytes);
    if (!wire->open_at_client) {
      return 0;
    }
    wire->to_client.push_back({MessageType::binary, {bytes.begin(), bytes.end()}});
    wire->to_client_bytes += bytes.size();
    return all_waits_ ? wire->to_client_bytes : 0;
  }

  void close(Connection connection, CloseCode code, std::string_view reason) {
    Wire* const wire = find(connection);
    if (wire != nullptr && wire->open_at_server && wire->closing == 0) {
      wire->closing = code;
      wire->reason = reason;
      wire->paused = false;
    }
  }

  void pause(Connection connection) { set_paused(connection, true); }
  void resume(Connection connection) { set_paused(connection, false); }
  SteadyTime now() const noexcept { return now_; }
  void wake_at(SteadyTime time) noexcept { wake_at_ = time; }
  void wake() noexcept { woken_ = true; }

  // Steps.

  /// A client connects, and both sides know at once.
  Connection open(ClientIndex client) {
    std::size_t slot = 0;
    while (slot < wires_.size() && (wires_[slot].open_at_client || wires_[slot].open_at_server)) {
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
    wire.open_at_client = true;
    wire.open_at_server = true;
    const Connection connection = wire.connection;
    tell(EntryKind::opening, wire);
    tell(EntryKind::opened_at_server, wire);
    listener_->opened(connection, {.peer = "client", .protocol = {}});
    tell(EntryKind::opened_at_client, wires_[slot]);
    return connection;
  }

  /// The client sends something, which is on its way then.
  void send_from_client(std::size_t slot, MessageType type, BytesView bytes) {
    Wire& wire = wires_[slot];
    tell(EntryKind::sent_by_client, wire, type, bytes);
    wire.to_server.push_back({type, {bytes.begin(), bytes.end()}});
  }

  bool can_deliver_to_server(std::size_t slot) const {
    const Wire& wire = wires_[slot];
    return wire.open_at_server && wire.closing == 0 && !wire.paused && !wire.to_server.empty();
  }

  void deliver_to_server(std::size_t slot) {
    Wire& wire = wires_[slot];
    const Packet packet = std::move(wire.to_server.front());
    wire.to_server.pop_front();
    tell(EntryKind::received_by_server, wire, packet.type, packet.bytes);
    listener_->received(wire.connection, packet.type, packet.bytes);
  }

  bool can_deliver_to_client(std::size_t slot) const {
    const Wire& wire = wires_[slot];
    return wire.open_at_client && (!wire.to_client.empty() || wire.closing != 0);
  }

  /// The next reply, or after the last one that the server closed: then both sides know at once.
  void deliver_to_client(std::size_t slot) {
    Wire& wire = wires_[slot];
    if (wire.to_client.empty()) {
      end_at_client(slot, wire.closing);
      end_at_server(slot);
      return;
    }
    const Packet packet = std::move(wire.to_client.front());
    wire.to_client.pop_front();
    wire.to_client_bytes -= packet.bytes.size();
    tell(EntryKind::received_by_client, wire, packet.type, packet.bytes);
    if (all_waits_ && wire.to_client.empty() && wire.paused && wire.closing == 0) {
      listener_->drained(wire.connection);
    }
  }

  /// The connection breaks: the client knows, the server does not know yet, and what is on its way to it still comes
  /// until then.
  void end_at_client(std::size_t slot, CloseCode code) {
    Wire& wire = wires_[slot];
    wire.open_at_client = false;
    wire.to_client.clear();
    wire.to_client_bytes = 0;
    tell(EntryKind::closed_at_client, wire, MessageType::binary, {}, code);
  }

  void end_at_server(std::size_t slot) {
    Wire& wire = wires_[slot];
    wire.open_at_server = false;
    wire.to_server.clear();
    const CloseCode code = wire.closing == 0 ? close_code::abnormal : wire.closing;
    tell(EntryKind::closed_at_server, wire, MessageType::binary, {}, code);
    listener_->closed(wire.connection, {.code = code, .reason = wire.reason});
  }

  /// The server is gone without a word.
  void crash() {
    listener_ = nullptr;
    wake_at_ = never;
    woken_ = false;
    for (std::size_t slot = 0; slot < wires_.size(); ++slot) {
      wires_[slot].open_at_server = false;
      wires_[slot].to_server.clear();
      if (wires_[slot].open_at_client) {
        end_at_client(slot, close_code::abnormal);
      }
    }
  }

  void end_turn() { listener_->turn_ended(); }

  /// Calls the listener if it asked for that by wake().
  void wake_if_asked() {
    if (std::exchange(woken_, false)) {
      listener_->woken();
    }
  }

  /// Whether somebody waits for a time, and the going to it.
  bool can_pass_time() const noexcept { return wake_at_ != never; }
  void pass_time() {
    now_ = wake_at_ > now_ ? wake_at_ : now_;
    wake_at_ = never;
    listener_->woken();
  }

  const std::vector<Wire>& wires() const noexcept { return wires_; }

 private:
  Wire* find(Connection connection) {
    const bool known =
        connection.slot < wires_.size() && wires_[connection.slot].connection.generation == connection.generation;
    return known ? &wires_[connection.slot] : nullptr;
  }

  void set_paused(Connection connection, bool paused) {
    if (Wire* const wire = find(connection); wire != nullptr && wire->open_at_server && wire->closing == 0) {
      wire->paused = paused;
    }
  }

  void tell(EntryKind kind, const Wire& wire, MessageType type = MessageType::binary, BytesView bytes = {},
            CloseCode code = 0) {
    recorder_.record({.time = now_,
                      .kind = kind,
                      .client = wire.client,
                      .connection = wire.connection,
                      .type = type,
                      .code = code,
                      .bytes = bytes});
  }

  Recorder& recorder_;
  bool all_waits_;
  TransportListener* listener_ = nullptr;
  std::vector<Wire> wires_;
  SteadyTime now_{};
  SteadyTime wake_at_ = never;
  bool woken_ = false;
};

static_assert(Transport<StepTransport>);

/// What a StepStore writes to, which outlives it.
struct StepDisk {
  Disk::Mailboxes durable;
  bool unreadable = false;
  /// Turns false when the store was told of something that cannot be.
  bool consistent = true;
};

/// A Store whose commits end when somebody says so, and how he says.
class StepStore {
 public:
  explicit StepStore(StepDisk& disk) : disk_{disk} {}
  StepStore(const StepStore&) = delete;
  StepStore& operator=(const StepStore&) = delete;

  // The concept Store.

  void start(Waker waker) noexcept { waker_ = waker; }
  void stop() noexcept { waker_ = {}; }
  void record(const MessageStored& stored) {
    recorded_.push_back(
        {true, stored.receiver, {stored.offset, stored.sender, {stored.payload.begin(), stored.payload.end()}}});
  }
  void record(const MessageTaken& taken) { recorded_.push_back({false, taken.receiver, {taken.offset, {}, {}}}); }
  void commit(std::uint64_t turn) { commits_.push_back({turn, std::exchange(recorded_, {})}); }

  std::optional<Commit> completed() {
    if (completed_.empty()) {
      return std::nullopt;
    }
    const Commit commit = completed_.front();
    completed_.pop_front();
    return commit;
  }

  std::error_code load(MessageLoader& loader) {
    recorded_.clear();
    commits_.clear();
    completed_.clear();
    if (disk_.unreadable) {
      return Error::storage_unavailable;
    }
    for (std::uint32_t index = 0; index < Address::count; ++index) {
      const Address address{static_cast<std::uint8_t>(index)};
      const Disk::Mailbox& mailbox = disk_.durable[index];
      for (const Disk::Message& message : mailbox.messages) {
        loader.message({address, message.offset, message.sender, message.payload});
      }
      if (mailbox.next_offset > 0) {
        loader.next_offset(address, mailbox.next_offset);
      }
    }
    return {};
  }

  // Steps.

  bool committing() const noexcept { return !commits_.empty(); }
  /// How many changes the oldest commit has.
  std::size_t changes() const { return commits_.front().changes.size(); }

  /// The oldest commit ends well.
  void complete() {
    keep(changes());
    const std::uint64_t turn = commits_.front().turn;
    commits_.pop_front();
    completed_.push_back({turn, {}});
    waker_();
  }

  /// The oldest commit fails after so many of its changes were kept.
  void fail(std::size_t kept) {
    keep(kept);
    completed_.push_back({commits_.front().turn, Error::storage_unavailable});
    waker_();
  }

  /// What is on its way to the disk when the program crashes still gets there.
  void keep_all() {
    while (committing()) {
      keep(changes());
      commits_.pop_front();
    }
  }

 private:
  struct Change {
    bool stored = false;
    Address receiver;
    Disk::Message message;
  };

  struct Written {
    std::uint64_t turn = 0;
    std::vector<Change> changes;
  };

  void keep(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const Change& change = commits_.front().changes[i];
      Disk::Mailbox& mailbox = disk_.durable[change.receiver.index()];
      if (change.stored && change.message.offset == mailbox.next_offset) {
        mailbox.messages.push_back(change.message);
        mailbox.next_offset = change.message.offset + 1;
      } else if (!change.stored && !mailbox.messages.empty() &&
                 mailbox.messages.front().offset == change.message.offset) {
        mailbox.messages.pop_front();
      } else {
        disk_.consistent = false;
      }
    }
  }

  StepDisk& disk_;
  Waker waker_;
  std::vector<Change> recorded_;
  Queue<Written> commits_;
  Queue<Commit> completed_;
};

static_assert(Store<StepStore>);

}  // namespace restante::sim
