// What leaves a Messenger: flow control towards peers that do not read, and output commit towards a store that takes
// its time (docs/architecture.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/detail/held_replies.hpp>
#include <restante/detail/slot_list.hpp>
#include <restante/event.hpp>
#include <restante/messenger_options.hpp>
#include <restante/store.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>
#include <restante/v2/packet.hpp>

namespace restante::detail {

// Tells the store of changes, and notices which turns change something.
template <class S>
struct ChangeRecorder {
  S& store;
  bool changed = false;

  template <class Change>
  requires requires(S& told, const Change& change) { told.record(change); }
  void record(const Change& change) {
    store.record(change);
    if constexpr (!DurableAtOnce<S>) {
      changed = true;
    }
  }
};

/// The connections of a Messenger and what is to leave on them. `C` is the core, which is told whose peer does not
/// read.
template <class T, class S, class C>
class Outgoing {
 public:
  /// Of 64 bytes, so that the one of a slot is found by a shift.
  struct alignas(16) SessionState {
    std::uint32_t generation = 0;
    bool open = false;
    /// close() was called: nothing more is received or sent.
    bool closing = false;
    /// leave() or close() was called: nothing more is received or answered.
    bool leaving = false;
    /// It speaks restante.v2.
    bool speaks_v2 = false;
    /// A credential is being checked, or was refused a moment ago: what came after it has to wait.
    bool waits_for_verdict = false;
    /// Not 0: what to close with, and why, once nothing is held for the connection. Nothing more is received.
    CloseCode leaves_with = 0;
    std::string_view leaves_because = {};
    /// What the replies cost that wait for the store.
    std::size_t held_bytes = 0;
    /// How many they are.
    std::size_t held_replies = 0;
    /// When the connection counts as stuck; says something only while it waits for its peer to read.
    SteadyTime deadline = never;

    /// The name of the protocol that it speaks, if any.
    std::string_view protocol() const noexcept { return speaks_v2 ? v2::protocol_name : std::string_view{}; }
  };

  Outgoing(T& transport, S& store, MessengerOptions& options, C& core, ChangeRecorder<S>& recorder)
      : transport_{transport}, store_{store}, options_{options}, core_{core}, recorder_{recorder} {}

  // Connections.

  SessionState& open(Connection connection) {
    if (connection.slot >= sessions_.size()) {
      sessions_.resize(std::size_t{connection.slot} + 1);
    }
    SessionState& session = sessions_[connection.slot];
    RESTANTE_ASSERT(!session.open, "the transport reported a connection as opened in a slot that is in use");
    session = {};
    session.generation = connection.generation;
    session.open = true;
    return session;
  }

  void closed(Connection connection, SessionState& session) {
    waiting_for_peer_.remove(connection.slot);
    waiting_for_store_.remove(connection.slot);
    session.open = false;
  }

  [[gnu::always_inline]] SessionState& known(Connection connection) {
    RESTANTE_ASSERT(is_open(connection), "the transport reported something about a connection that is not open");
    return sessions_[connection.slot];
  }

  /// The connection, where it is still open.
  SessionState* find(Connection connection) noexcept {
    return is_open(connection) ? &sessions_[connection.slot] : nullptr;
  }

  bool is_open(Connection connection) const noexcept {
    return connection.slot < sessions_.size() && sessions_[connection.slot].open &&
           sessions_[connection.slot].generation == connection.generation;
  }

  /// Those in slots from 0 on; not all of them are open.
  std::vector<SessionState>& sessions() noexcept { return sessions_; }

  // Flow control.

  // Sends at once, and stops reading from a peer that does not read.
  [[gnu::always_inline]] void send(Connection connection, SessionState& session, BytesView reply) {
    const std::size_t waiting_bytes = transport_.send(connection, reply);
    if (waiting_bytes > options_.waiting_bytes_max && !waiting_for_peer_.contains(connection.slot)) {
      session.deadline = after(transport_.now(), options_.stuck_after);
      pause(connection, waiting_bytes);
      waiting_for_peer_.push_back(connection.slot);
    }
  }

  // A connection that is paused for one reason and then for the other counts once.
  void pause(Connection connection, std::size_t waiting_bytes) {
    if (waiting_for_peer_.contains(connection.slot) || waiting_for_store_.contains(connection.slot)) {
      return;
    }
    ++connections_paused_;
    transport_.pause(connection);
    core_.block(connection.slot, true);
    tell(event::ConnectionPaused{connection, waiting_bytes});
  }

  // A connection can be paused for its peer, for the store, or for both; and besides for a verdict on its credential.
  void resume_if_free(Connection connection, const SessionState& session) {
    if (!waiting_for_peer_.contains(connection.slot) && !waiting_for_store_.contains(connection.slot) &&
        !session.closing) {
      if (!session.waits_for_verdict) {
        transport_.resume(connection);
      }
      core_.block(connection.slot, false);
      tell(event::ConnectionResumed{connection});
    }
  }

  void pause_for_verdict(Connection connection, SessionState& session) {
    session.waits_for_verdict = true;
    transport_.pause(connection);
  }

  void resume_after_verdict(Connection connection, SessionState& session) {
    session.waits_for_verdict = false;
    if (!waiting_for_peer_.contains(connection.slot) && !waiting_for_store_.contains(connection.slot) &&
        !session.closing) {
      transport_.resume(connection);
    }
  }

  /// The peer caught up.
  void drained(Connection connection, const SessionState& session) {
    if (waiting_for_peer_.contains(connection.slot)) {
      waiting_for_peer_.remove(connection.slot);
      resume_if_free(connection, session);
    }
  }

  // Everybody waits equally long, so that the first to have been paused is the first to be stuck.
  void close_stuck() {
    const SteadyTime now = transport_.now();
    while (!waiting_for_peer_.empty() && sessions_[waiting_for_peer_.front()].deadline <= now) {
      const std::uint32_t slot = waiting_for_peer_.front();
      ++connections_stuck_;
      close({slot, sessions_[slot].generation}, sessions_[slot], close_code::policy_violation,
            "replies were not read in time");
    }
  }

  /// When close_stuck() is to be called.
  SteadyTime next_deadline() const {
    return waiting_for_peer_.empty() ? never : sessions_[waiting_for_peer_.front()].deadline;
  }

  void close(Connection connection, SessionState& session, CloseCode code, std::string_view reason) {
    session.closing = true;
    session.leaving = true;
    waiting_for_peer_.remove(connection.slot);
    waiting_for_store_.remove(connection.slot);
    // Until the transport reports its end, what it waits for must not count as delivered.
    core_.block(connection.slot, true);
    transport_.close(connection, code, reason);
    tell(event::ConnectionRefused{connection, code, reason});
  }

  // Closes a connection once nothing is held for it. The first reason counts, which lives as long as the program.
  void leave(Connection connection, SessionState& session, CloseCode code, std::string_view reason) {
    session.leaving = true;
    if (session.leaves_with == 0) {
      session.leaves_with = code;
      session.leaves_because = reason;
    }
    if (session.held_replies == 0) {
      close(connection, session, session.leaves_with, session.leaves_because);
    } else {
      pause_for_store(connection);
    }
  }

  // Output commit (docs/architecture.md): a reply leaves when every change that was made before it is durable.

  void hold(Connection connection, SessionState& session, BytesView reply, std::size_t request_bytes) {
    const std::uint64_t turn = recorder_.changed ? committed_turn_ + 1 : committed_turn_;
    session.held_bytes += held_.push_back(connection, turn, reply, request_bytes);
    ++session.held_replies;
    if (session.held_bytes > options_.waiting_bytes_max || held_too_much()) {
      pause_for_store(connection);
    }
  }

  bool held_too_much() const noexcept { return held_.cost_bytes() > options_.held_bytes_max; }

  void pause_for_store(Connection connection) {
    if (!waiting_for_store_.contains(connection.slot)) {
      pause(connection, known(connection).held_bytes);
      waiting_for_store_.push_back(connection.slot);
    }
  }

  void commit() {
    if (recorder_.changed && committed_turn_ - durable_turn_ < options_.commits_in_flight_max) {
      recorder_.changed = false;
      ++committed_turn_;
      ++commits_;
      store_.commit(committed_turn_);
    }
  }

  // Lets leave what became durable; what did before a commit failed is durable. Gives why one failed, if one did: then
  // fail() has to follow.
  std::error_code take_completions() {
    std::error_code error;
    while (const std::optional<Commit> completed = store_.completed()) {
      RESTANTE_ASSERT(completed->turn > durable_turn_ && completed->turn <= committed_turn_,
                      "the store reported a commit that is not under way");
      if (completed->error) {
        error = completed->error;
        break;
      }
      durable_turn_ = completed->turn;
    }
    while (!held_.empty() && held_.front().turn <= durable_turn_) {
      release(held_.pop_front());
    }
    return error;
  }

  void release(const HeldReplies::Reply& reply) {
    SessionState& session = sessions_[reply.connection.slot];
    if (!session.open || session.generation != reply.connection.generation || session.closing) {
      return;
    }
    session.held_bytes -= reply.cost_bytes;
    --session.held_replies;
    send(reply.connection, session, reply.bytes);
    if (session.leaves_with != 0) {
      leave(reply.connection, session, session.leaves_with, session.leaves_because);
    }
  }

  // Whoever waited longest goes on first. Nobody goes on twice in one turn, so that this ends.
  void resume_after_store() {
    if (held_too_much()) {
      return;
    }
    std::vector<Connection> free;
    for (std::uint32_t slot = waiting_for_store_.front(); slot != SlotList::none;
         slot = waiting_for_store_.next(slot)) {
      const SessionState& session = sessions_[slot];
      if (session.leaves_with == 0 && session.held_bytes <= options_.waiting_bytes_max / 2) {
        free.push_back({slot, session.generation});
      }
    }
    for (const Connection connection : free) {
      waiting_for_store_.remove(connection.slot);
      resume_if_free(connection, sessions_[connection.slot]);
    }
  }

  // What the store kept of the turns under way is not known: whoever waits for one of them is told so by closing.
  void fail() {
    while (!held_.empty()) {
      const Connection connection = held_.pop_front().connection;
      if (is_open(connection)) {
        close_for_store(connection.slot);
      }
    }
    recorder_.changed = false;
    durable_turn_ = committed_turn_;
  }

  /// Closes connections, by slot, for which `predicate` holds, as after a failure of the store.
  template <class Predicate>
  void close_those(Predicate predicate) {
    for (std::uint32_t slot = 0; slot < sessions_.size(); ++slot) {
      if (sessions_[slot].open && predicate(slot)) {
        close_for_store(slot);
      }
    }
  }

  /// A reply that was made just now leaves, or waits for the changes before it.
  [[gnu::always_inline]] void reply(Connection connection, SessionState& session, BytesView reply,
                                    std::size_t request_bytes) {
    if constexpr (DurableAtOnce<S>) {
      send(connection, session, reply);
    } else if (!recorder_.changed && durable_turn_ == committed_turn_) {
      send(connection, session, reply);
    } else {
      hold(connection, session, reply, request_bytes);
    }
  }

  // Out of the way: most who hear anything do not hear of packets.
  template <class E>
  [[gnu::noinline]] void tell(const E& event) {
    if (options_.on_event) {
      options_.on_event(Event{event});
    }
  }

  /// Fills in what is counted here and in the core.
  void count(MessengerCounters& counters) const noexcept {
    counters.books = core_.books();
    counters.answers = core_.answers();
    counters.payload_bytes_held = core_.payload_bytes_held();
    counters.addresses_held = core_.addresses_held();
    counters.addresses_named = static_cast<std::uint32_t>(core_.addresses_named());
    counters.waits = core_.waits();
    counters.store_available = core_.accepts_changes();
    counters.connections_paused = connections_paused_;
    counters.connections_stuck = connections_stuck_;
    counters.commits = commits_;
  }

  /// The most that held replies cost, in bytes. One more for each connection can be held than the options say.
  static constexpr std::uint64_t held_bytes_max(const MessengerOptions& options, std::uint64_t connections_max) {
    const std::uint64_t message_bytes_max = v2::message_bytes_max(options.limits.payload_bytes_max);
    return options.held_bytes_max + connections_max * (sizeof(HeldReplies::Reply) + 2 * message_bytes_max);
  }

  /// What is kept for each connection, in bytes.
  static constexpr std::uint64_t connection_bytes =
      sizeof(SessionState) + sizeof(std::uint32_t) + 2 * SlotList::slot_bytes + sizeof(Connection);

 private:
  void close_for_store(std::uint32_t slot) {
    if (!sessions_[slot].closing) {
      close({slot, sessions_[slot].generation}, sessions_[slot], close_code::try_again_later,
            "the store failed; what became of requests is unknown");
    }
  }

  T& transport_;
  S& store_;
  MessengerOptions& options_;
  C& core_;
  ChangeRecorder<S>& recorder_;
  std::vector<SessionState> sessions_;
  SlotList waiting_for_peer_;
  SlotList waiting_for_store_;
  HeldReplies held_;
  // Turns are numbered from 1: those up to committed_turn_ were given to the store, those up to durable_turn_ came
  // back.
  std::uint64_t committed_turn_ = 0;
  std::uint64_t durable_turn_ = 0;
  std::uint64_t connections_paused_ = 0;
  std::uint64_t connections_stuck_ = 0;
  std::uint64_t commits_ = 0;
};

}  // namespace restante::detail
