// The connections of a network: what happens between two programs, from open() to closed().
//
// Used by MemoryNetwork and its endpoints; users need those only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/memory/link.hpp>
#include <restante/memory/pipe.hpp>
#include <restante/memory/places.hpp>
#include <restante/memory/program.hpp>
#include <restante/memory/random.hpp>
#include <restante/memory/timeline.hpp>
#include <restante/memory/wire.hpp>
#include <restante/transport.hpp>

namespace restante::memory {

/// All connections of a network. Both ends know a connection by the same name, because it is the network that gives the
/// names out.
///
/// Listeners are called from events of the timeline alone. After each such call nothing is taken for granted: the
/// listener may have closed, stopped or crashed anything.
class Exchange {
 public:
  /// The timeline must outlive the exchange.
  Exchange(Timeline& timeline, Random random) : timeline_{timeline}, random_{random} {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Gives a program its number, by which clients name their server also when it is gone.
  std::size_t enlist(Program& program) {
    programs_.push_back({&program, {}});
    return programs_.size() - 1;
  }

  /// The program is going to be destroyed. It must have been stopped.
  void delist(std::size_t program) { programs_[program].program = nullptr; }

  /// Starts to open a connection between two programs.
  Connection open(std::size_t client, std::size_t server, const LinkOptions& options) {
    const Connection connection = take_name();
    Wire& wire = wires_[connection.slot];
    const Random random = random_.fork(++opened_);
    wire.pipes.clear();
    wire.pipes.emplace_back(options, random.fork(0));
    wire.pipes.emplace_back(options, random.fork(1));
    wire.arrivals = {};
    wire.options = options;
    wire.sides = {};
    wire.sides[0].program = client;
    wire.sides[1].program = server;
    wire.client = client;
    const Program& program = *programs_[client].program;
    wire.names = {program.profile().name, {}};
    wire.offered = names_of(program.protocols());
    wire.protocol = {};
    wire.sides[0].guard = guard(connection, 0, options.open_timeout);
    for (std::size_t pipe = 0; pipe < 2; ++pipe) {
      wire.pipes[pipe].set_partitioned(programs_[client].partitioned[pipe]);
    }
    send(connection, 0, Frame::control(FrameKind::open));
    return connection;
  }

  /// Sends a message from a side, and gives the bytes that wait; swallows it unless the connection is open there.
  std::uint64_t send_message(Connection connection, std::size_t from, MessageType type, BytesView bytes) {
    const Wire* wire = find(connection);
    if (wire == nullptr || wire->sides[from].state != State::open) {
      return 0;
    }
    return send(connection, from, Frame::message(type, bytes));
  }

  /// Closes a connection at a side, unless it is closing or gone.
  void close(Connection connection, std::size_t at, CloseCode code, std::string_view reason) {
    Wire* wire = find(connection);
    if (wire == nullptr || wire->sides[at].state == State::closing || wire->sides[at].state == State::closed) {
      return;
    }
    Side& side = wire->sides[at];
    side.state = State::closing;
    side.paused = false;
    timeline_.cancel(side.guard);
    side.guard = guard(connection, at, wire->options.close_timeout);
    send(connection, at, Frame::close(code, reason));
    arm(connection, 1 - at);
  }

  /// Stops and restarts the reporting of messages to a side.
  void set_paused(Connection connection, std::size_t at, bool paused) {
    Wire* wire = find(connection);
    if (wire == nullptr || wire->sides[at].state != State::open) {
      return;
    }
    wire->sides[at].paused = paused;
    if (!paused) {
      timeline_.cancel(std::exchange(wire->sides[at].drained, {}));
    }
    arm(connection, 1 - at);
  }

  /// Ends a program's connections as one does that ends properly: with 1001 and without hearing of it.
  void close_all(std::size_t program) {
    for_each_side_of(program, [this](Connection connection, std::size_t at) {
      close(connection, at, close_code::going_away, "the program ends");
      wires_[connection.slot].sides[at].program = nobody;
    });
  }

  /// Ends a program's connections as one does that is killed: what it had under way may arrive in part, and what
  /// was on its way to it is lost.
  void crash(std::size_t program) {
    for_each_side_of(program, [this](Connection connection, std::size_t at) {
      wires_[connection.slot].sides[at].program = nobody;
      Wire& wire = wires_[connection.slot];
      wire.pipes[at].break_off(after(timeline_.now(), wire.options.latency), std::nullopt);
      arm(connection, at);
      finish(connection, at, close_code::abnormal, {});
    });
  }

  void break_off(Connection connection, const Break& how) {
    Wire* wire = find(connection);
    if (wire == nullptr) {
      return;
    }
    const SteadyTime now = timeline_.now();
    wire->pipes[0].break_off(after(now, how.server_learns_after), how.arrive_at_server);
    wire->pipes[1].break_off(after(now, how.client_learns_after), how.arrive_at_client);
    arm(connection, 0);
    arm(connection, 1);
  }

  void set_stalled(Connection connection, std::size_t pipe, bool stalled) {
    if (Wire* wire = find(connection); wire != nullptr) {
      wire->pipes[pipe].set_stalled(stalled);
      arm(connection, pipe);
    }
  }

  /// Cuts a client off, or connects it again, in one direction.
  void set_partitioned(std::size_t client, std::size_t pipe, bool partitioned) {
    programs_[client].partitioned[pipe] = partitioned;
    for_each_wire_of(client, [&](Connection connection, Wire& wire) {
      wire.pipes[pipe].set_partitioned(partitioned);
      arm(connection, pipe);
    });
  }

  /// Gives a client's connections other options from now on.
  void set_options(std::size_t client, const LinkOptions& options) {
    for_each_wire_of(client, [&](Connection connection, Wire& wire) {
      wire.options = options;
      for (std::size_t pipe = 0; pipe < 2; ++pipe) {
        wire.pipes[pipe].set_options(timeline_.now(), options);
        settle(connection, pipe);
      }
    });
  }

  /// Whether a connection exists at the client's side: opening, open or closing.
  bool exists_at_client(Connection connection) const noexcept {
    const Wire* wire = find(connection);
    return wire != nullptr && wire->sides[0].state != State::closed;
  }

  /// What happened on a connection that exists at one side at least; zeros for others.
  LinkCounters counters(Connection connection, std::size_t pipe) const noexcept {
    const Wire* wire = find(connection);
    return wire == nullptr ? LinkCounters{} : wire->pipes[pipe].counters();
  }

  /// What happened on all connections that a client ever made.
  LinkCounters client_counters(std::size_t client, std::size_t pipe) const {
    LinkCounters sum = programs_[client].ended[pipe];
    for (std::size_t slot = 0; slot < wires_.size(); ++slot) {
      const Wire& wire = wires_[slot];
      if (wire.exists && wire.client == client) {
        sum += wire.pipes[pipe].counters();
      }
    }
    return sum;
  }

  /// What happened on all connections.
  LinkCounters all_counters(std::size_t pipe) const {
    LinkCounters sum;
    for (std::size_t client = 0; client < programs_.size(); ++client) {
      sum += client_counters(client, pipe);
    }
    return sum;
  }

 private:
  /// What is remembered of a program for as long as the network stands.
  struct Enlisted {
    Program* program = nullptr;
    std::array<bool, 2> partitioned{};
    /// Counters of the connections that it made and that ended.
    std::array<LinkCounters, 2> ended{};
  };

  Wire* find(Connection connection) noexcept {
    return const_cast<Wire*>(static_cast<const Exchange*>(this)->find(connection));
  }

  const Wire* find(Connection connection) const noexcept {
    const bool known = connection.slot < wires_.size() && wires_[connection.slot].exists &&
                       wires_[connection.slot].generation == connection.generation;
    return known ? &wires_[connection.slot] : nullptr;
  }

  Connection take_name() {
    std::uint32_t slot = 0;
    if (free_slots_.empty()) {
      slot = static_cast<std::uint32_t>(wires_.size());
      wires_.push_back({});
    } else {
      slot = free_slots_.back();
      free_slots_.pop_back();
    }
    Wire& wire = wires_[slot];
    wire.exists = true;
    return {slot, ++wire.generation};
  }

  /// Who listens in a program; nullptr when nobody is to be told.
  TransportListener* listener_of(std::size_t number) const noexcept {
    const Program* program = number == nobody ? nullptr : programs_[number].program;
    return program == nullptr ? nullptr : program->listener();
  }

  template <class Function>
  void for_each_wire_of(std::size_t client, Function function) {
    for (std::uint32_t slot = 0; slot < wires_.size(); ++slot) {
      Wire& wire = wires_[slot];
      if (wire.exists && wire.client == client) {
        function(Connection{slot, wire.generation}, wire);
      }
    }
  }

  /// Calls for every side that reports to a program and has begun to: a server does not know yet of a connection that
  /// is opening, and may accept it in its next life.
  template <class Function>
  void for_each_side_of(std::size_t program, Function function) {
    for (std::uint32_t slot = 0; slot < wires_.size(); ++slot) {
      for (std::size_t at = 0; at < 2; ++at) {
        const Wire& wire = wires_[slot];
        const bool unknown_to_server = at == 1 && wire.sides[1].state == State::opening;
        if (wire.exists && wire.sides[at].program == program && !unknown_to_server) {
          function(Connection{slot, wire.generation}, at);
        }
      }
    }
  }

  std::uint64_t send(Connection connection, std::size_t from, Frame frame) {
    const std::uint64_t waiting = wires_[connection.slot].pipes[from].send(timeline_.now(), std::move(frame));
    arm(connection, from);
    return waiting;
  }

  Timeline::EventId guard(Connection connection, std::size_t at, Duration timeout) {
    return timeline_.at(after(timeline_.now(), timeout), [this, connection, at] {
      wires_[connection.slot].sides[at].guard = {};
      break_off(connection, {.arrive_at_server = 0, .arrive_at_client = 0});
    });
  }

  /// Schedules the delivery of what a pipe will have to deliver next.
  void arm(Connection connection, std::size_t pipe) {
    Wire* wire = find(connection);
    if (wire == nullptr) {
      return;
    }
    const Pipe& carrying = wire->pipes[pipe];
    const Side& receiver = wire->sides[1 - pipe];
    SteadyTime due = never;
    if (carrying.front() != nullptr && receiver.takes()) {
      due = timeline_.now();
    } else if (receiver.state != State::closed) {
      due = std::max(carrying.next_event(), timeline_.now());
    }
    Timeline::EventId& scheduled = wire->arrivals[pipe];
    if (scheduled != Timeline::EventId{} && scheduled.time == due) {
      return;
    }
    timeline_.cancel(std::exchange(scheduled, {}));
    scheduled = timeline_.at(due, [this, connection, pipe] { deliver(connection, pipe); });
  }

  /// What follows after something moved in a pipe: its sender may have drained, and a next delivery may be due.
  void settle(Connection connection, std::size_t pipe) {
    Wire* wire = find(connection);
    if (wire == nullptr) {
      return;
    }
    Side& sender = wire->sides[pipe];
    if (wire->pipes[pipe].take_drained() && sender.paused && sender.drained == Timeline::EventId{}) {
      sender.drained = timeline_.at(timeline_.now(), [this, connection, pipe] { report_drained(connection, pipe); });
    }
    arm(connection, pipe);
  }

  void report_drained(Connection connection, std::size_t at) {
    // Resuming, closing and finishing cancel this event: the connection is paused.
    Wire& wire = wires_[connection.slot];
    wire.sides[at].drained = {};
    TransportListener* listener = listener_of(wire.sides[at].program);
    if (listener != nullptr && wire.pipes[at].waiting_bytes() == 0) {
      listener->drained(connection);
    }
  }

  /// Hands over what has arrived in a pipe.
  void deliver(Connection connection, std::size_t pipe) {
    const std::size_t to = 1 - pipe;
    wires_[connection.slot].arrivals[pipe] = {};
    wires_[connection.slot].pipes[pipe].arrive(timeline_.now());
    while (Wire* wire = find(connection)) {
      if (!wire->sides[to].takes()) {
        break;
      }
      const Frame* front = wire->pipes[pipe].front();
      if (front == nullptr) {
        break;
      }
      const bool delivered = is_welcome(*wire, to, *front);
      hand_over(connection, to, wire->pipes[pipe].take(timeline_.now(), delivered), delivered);
    }
    Wire* wire = find(connection);
    if (wire != nullptr && wire->pipes[pipe].has_ended(timeline_.now()) && wire->sides[to].state != State::closed) {
      finish(connection, to, close_code::abnormal, {});
    }
    settle(connection, pipe);
  }

  /// Whether a frame is a message that the listener of a side will see.
  bool is_welcome(const Wire& wire, std::size_t at, const Frame& frame) const noexcept {
    const Side& side = wire.sides[at];
    return frame.is_message() && side.state == State::open && listener_of(side.program) != nullptr &&
           frame.bytes.size() <= programs_[side.program].program->message_bytes_max(wire.protocol);
  }

  void hand_over(Connection connection, std::size_t to, const Frame& frame, bool welcome) {
    switch (frame.kind) {
      case FrameKind::message:
        if (welcome) {
          const Side& side = wires_[connection.slot].sides[to];
          programs_[side.program].program->end_turn_later();
          listener_of(side.program)->received(connection, frame.type, frame.bytes);
        } else {
          // Nothing happens where the connection is closing already; else the message was too long.
          close(connection, to, close_code::message_too_big, "the message is too long");
        }
        break;
      case FrameKind::open:
        if (to == 1) {
          accept(connection);
        } else {
          learn_of_acceptance(connection);
        }
        break;
      case FrameKind::refuse:
        finish(connection, to, close_code::abnormal, {});
        break;
      case FrameKind::close:
        receive_close(connection, to, frame);
        break;
    }
  }

  /// A client wants in.
  void accept(Connection connection) {
    Wire& wire = wires_[connection.slot];
    if (listener_of(wire.sides[1].program) == nullptr) {
      send(connection, 1, Frame::control(FrameKind::refuse));
      finish(connection, 1, close_code::abnormal, {});
      return;
    }
    const Program& server = *programs_[wire.sides[1].program].program;
    wire.names[1] = server.profile().name;
    wire.protocol = name_of(choose_protocol(wire.offered, server.protocols()));
    wire.sides[1].state = State::open;
    send(connection, 1, Frame::control(FrameKind::open));
    report_opened(connection, 1);
  }

  /// The server lets a client in, which may have thought better of it.
  void learn_of_acceptance(Connection connection) {
    Side& side = wires_[connection.slot].sides[0];
    if (side.state == State::opening) {
      side.state = State::open;
      timeline_.cancel(std::exchange(side.guard, {}));
      report_opened(connection, 0);
    }
  }

  void report_opened(Connection connection, std::size_t at) {
    const Wire& wire = wires_[connection.slot];
    // Copies, because the listener may end this connection and begin another one in its place.
    const std::string peer = wire.names[1 - at];
    const std::string_view protocol = wire.protocol;
    if (TransportListener* listener = listener_of(wire.sides[at].program); listener != nullptr) {
      listener->opened(connection, {.peer = peer, .protocol = protocol});
    }
  }

  /// The other side closes. Each side reports the code that it received (RFC 6455, section 7.1.5); when both close at
  /// the same time these differ.
  void receive_close(Connection connection, std::size_t to, const Frame& frame) {
    Wire& wire = wires_[connection.slot];
    if (wire.sides[to].state != State::closing) {
      // The other side takes no more messages: the answer need not wait for them.
      wire.pipes[to].drop_waiting();
      send(connection, to, Frame::close(frame.code, frame.reason));
    }
    finish(connection, to, frame.code, frame.reason);
  }

  /// Ends a connection at a side, and the connection when it has ended at both. Calls the listener last.
  void finish(Connection connection, std::size_t at, CloseCode code, std::string_view reason) {
    Wire& wire = wires_[connection.slot];
    Side& side = wire.sides[at];
    const bool unknown_to_server = at == 1 && side.state == State::opening;
    side.state = State::closed;
    timeline_.cancel(std::exchange(side.guard, {}));
    timeline_.cancel(std::exchange(side.drained, {}));
    const std::size_t program = std::exchange(side.program, nobody);
    wire.pipes[1 - at].drop_all();
    arm(connection, 1 - at);
    if (wire.sides[1 - at].state == State::closed) {
      release(connection);
    }
    TransportListener* listener = unknown_to_server ? nullptr : listener_of(program);
    if (listener != nullptr) {
      programs_[program].program->end_turn_later();
      listener->closed(connection, {.code = code, .reason = reason});
    }
  }

  /// Forgets a connection that ended at both sides.
  void release(Connection connection) {
    Wire& wire = wires_[connection.slot];
    for (std::size_t pipe = 0; pipe < 2; ++pipe) {
      timeline_.cancel(std::exchange(wire.arrivals[pipe], {}));
      wire.pipes[pipe].drop_all();
      programs_[wire.client].ended[pipe] += wire.pipes[pipe].counters();
    }
    wire.exists = false;
    // A slot whose generations are used up is not used again, so that no name ever is.
    if (wire.generation != UINT32_MAX) {
      free_slots_.push_back(connection.slot);
    }
  }

  Timeline& timeline_;
  Random random_;
  std::uint64_t opened_ = 0;
  /// By number; never shrinks.
  Places<Enlisted> programs_;
  /// By slot.
  Places<Wire> wires_;
  std::vector<std::uint32_t> free_slots_;
};

}  // namespace restante::memory
