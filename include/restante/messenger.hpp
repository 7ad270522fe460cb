// The server side: a messenger takes requests from a transport, has the core carry them out, and lets no reply leave
// before the store has kept what it promises.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/classic/service.hpp>
#include <restante/core/core.hpp>
#include <restante/detail/held_replies.hpp>
#include <restante/detail/slot_list.hpp>
#include <restante/event.hpp>
#include <restante/messenger_options.hpp>
#include <restante/store.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante {

namespace detail {

// Holds nothing, so that all messengers of a program can share it.
inline MemoryStore memory_store;

}  // namespace detail

/// Serves the classic protocol (docs/protocol.md) on a transport, keeping messages in a store. Lives on the thread of
/// its transport. The transport and the store must live longer.
///
///     restante::WebsocketppServer transport{{.port = 12345}};
///     restante::Messenger messenger{transport};
///     transport.run();
template <class T, class S = MemoryStore>
class Messenger final : private TransportListener {
  static_assert(ReportsEvents<T>,
                "the transport lacks start(TransportListener&) or stop(): see restante/transport.hpp");
  static_assert(SendsMessages<T>, "the transport lacks send(Connection, BytesView): see restante/transport.hpp");
  static_assert(ClosesConnections<T>,
                "the transport lacks close(Connection, CloseCode, std::string_view): see restante/transport.hpp");
  static_assert(PausesReceiving<T>,
                "the transport lacks pause(Connection) or resume(Connection): see restante/transport.hpp");
  static_assert(KeepsTime<T>, "the transport lacks now(), wake_at(SteadyTime) or wake(): see restante/transport.hpp");
  static_assert(RecordsChanges<S>,
                "the store lacks record(const MessageStored&) or record(const MessageTaken&): see restante/store.hpp");
  static_assert(LoadsMessages<S>, "the store lacks load(MessageLoader&): see restante/store.hpp");
  static_assert(DurableAtOnce<S> || CommitsTurns<S>,
                "the store has neither durable_at_once nor start, stop, commit and completed: see restante/store.hpp");

 public:
  /// Keeps messages in memory only. Starts the transport.
  explicit Messenger(T& transport, MessengerOptions options = {}) requires std::is_same_v<S, MemoryStore>
      : Messenger{transport, detail::memory_store, std::move(options)} {}

  /// Loads the store and starts the transport. A store that cannot be loaded is tried again until it can; see
  /// store_available().
  Messenger(T& transport, S& store, MessengerOptions options = {})
      : transport_{transport},
        store_{store},
        options_{std::move(options)},
        recorder_{store},
        core_{recorder_, {.mailbox_messages_max = options_.mailbox_messages_max, .payload_bytes_max = options_.payload_bytes_max}} {
    RESTANTE_ASSERT(options_.waiting_bytes_max >= 1, "waiting_bytes_max must be at least 1");
    RESTANTE_ASSERT(options_.stuck_after > Duration::zero(), "stuck_after must be more than 0");
    RESTANTE_ASSERT(options_.commits_in_flight_max >= 1, "commits_in_flight_max must be at least 1");
    RESTANTE_ASSERT(options_.held_bytes_max >= 1, "held_bytes_max must be at least 1");
    RESTANTE_ASSERT(options_.store_retry_after > Duration::zero(), "store_retry_after must be more than 0");
    transport_.start(*this);
    if constexpr (!durable_at_once) {
      store_.start(Waker{&transport_, [](void* context) { static_cast<T*>(context)->wake(); }});
    }
    load_store();
    set_wake_up();
  }

  Messenger(const Messenger&) = delete;
  Messenger& operator=(const Messenger&) = delete;

  /// Stops the store, then the transport, which closes what is left with 1001.
  ~Messenger() {
    if constexpr (!durable_at_once) {
      store_.stop();
    }
    transport_.stop();
  }

  /// Accepts nothing more and closes every connection with 1001, each after the replies that it waits for. What happens
  /// to new connections: they are closed at once. Calling it again does nothing more.
  void shut_down() {
    shutting_down_ = true;
    for (std::uint32_t slot = 0; slot < sessions_.size(); ++slot) {
      SessionState& session = sessions_[slot];
      if (session.open && !session.closing) {
        leave(Connection{slot, session.generation}, session, close_code::going_away, going_away_reason);
      }
    }
  }

  MessengerCounters counters() const {
    MessengerCounters counters = counters_;
    counters.books = core_.books();
    counters.answers = core_.answers();
    counters.payload_bytes_held = core_.payload_bytes_held();
    counters.addresses_held = core_.addresses_held();
    counters.store_available = core_.accepts_changes();
    return counters;
  }

  /// How many messages wait in a mailbox.
  std::uint32_t depth(Address address) const noexcept { return core_.depth(address); }

  /// Whether requests that change something are carried out: false from a failure of the store until it was loaded
  /// again.
  bool store_available() const noexcept { return core_.accepts_changes(); }

  /// The most memory, in bytes, that a Messenger with these options takes for mailboxes, sessions and what it holds
  /// back, with at most so many connections open at once. The transport's buffers are not counted.
  static std::uint64_t memory_bytes_max(const MessengerOptions& options, std::uint64_t connections_max) {
    const std::uint64_t per_connection =
        sizeof(SessionState) + sizeof(std::uint32_t) + 2 * detail::SlotList::slot_bytes + sizeof(Connection);
    // While a vector grows to twice what is in it, the old one is still there. One more reply per connection can be
    // held than held_bytes_max.
    const std::uint64_t held =
        durable_at_once ? 0
                        : options.held_bytes_max + connections_max * (sizeof(detail::HeldReplies::Reply) +
                                                                      classic::packet_bytes_max + message_bytes_max);
    return sizeof(Messenger) + CoreType::memory_bytes_max({options.mailbox_messages_max, options.payload_bytes_max}) +
           3 * per_connection * connections_max + 2 * held;
  }

 private:
  static constexpr bool durable_at_once = DurableAtOnce<S>;
  static constexpr std::string_view going_away_reason = "the server is shutting down";
  // The longest message that a transport passes on (docs/protocol.md, rule 8).
  static constexpr std::uint64_t message_bytes_max = 64 * 1024;

  // Notices which turns change something.
  struct Recorder {
    S& store;
    bool changed = false;

    template <class Change>
    void record(const Change& change) {
      store.record(change);
      changed = true;
    }
  };

  using CoreType = Core<Recorder>;

  struct SessionState {
    std::uint32_t generation = 0;
    bool open = false;
    /// close() was called: nothing more is received or sent.
    bool closing = false;
    /// Not 0: what to close with, and why, once nothing is held for the connection. Nothing more is received.
    CloseCode leaves_with = 0;
    std::string_view leaves_because = {};
    /// What the replies cost that wait for the store.
    std::size_t held_bytes = 0;
    /// How many they are.
    std::size_t held_replies = 0;
    /// When the connection counts as stuck; says something only while it waits for its peer to read.
    SteadyTime deadline = never;
  };

  // What a transport reports.

  void opened(Connection connection, const Opened& opened) override {
    if (connection.slot >= sessions_.size()) {
      sessions_.resize(std::size_t{connection.slot} + 1);
    }
    SessionState& session = sessions_[connection.slot];
    RESTANTE_ASSERT(!session.open, "the transport reported a connection as opened in a slot that is in use");
    session = {};
    session.generation = connection.generation;
    session.open = true;
    ++counters_.connections_opened;
    ++counters_.connections_open;
    tell(event::ConnectionOpened{connection, opened.peer, opened.protocol});
    if (shutting_down_) {
      close(connection, session, close_code::going_away, going_away_reason);
    } else if (!durable_at_once && held_too_much()) {
      pause_for_store(connection);
    }
  }

  void received(Connection connection, MessageType type, BytesView message) override {
    SessionState& session = known(connection);
    RESTANTE_ASSERT(!session.closing, "the transport reported a message on a connection that is being closed");
    if (type != MessageType::binary) {
      ++counters_.text_messages_refused;
      leave(connection, session, close_code::unsupported_data, "this server takes binary messages only");
      return;
    }
    ++counters_.packets_received;
    const bool tells = options_.packet_events && options_.on_event;
    if (tells) {
      tell(event::PacketReceived{connection, message});
    }
    classic::ReplyBuffer buffer;
    const BytesView reply = classic::Service{core_, connection.slot, buffer}.answer(message);
    ++counters_.packets_sent;
    if (tells) {
      tell(event::PacketSent{connection, reply});
    }
    if constexpr (durable_at_once) {
      send(connection, session, reply);
    } else if (!recorder_.changed && durable_turn_ == committed_turn_) {
      send(connection, session, reply);
    } else {
      hold(connection, session, reply, message.size());
    }
  }

  void turn_ended() override {
    if constexpr (!durable_at_once) {
      commit();
    }
    set_wake_up();
  }

  void drained(Connection connection) override {
    SessionState& session = known(connection);
    if (waiting_for_peer_.contains(connection.slot)) {
      waiting_for_peer_.remove(connection.slot);
      resume_if_free(connection, session);
    }
    set_wake_up();
  }

  void closed(Connection connection, const Closed& closed) override {
    SessionState& session = known(connection);
    core_.end(connection.slot);
    waiting_for_peer_.remove(connection.slot);
    waiting_for_store_.remove(connection.slot);
    session.open = false;
    ++counters_.connections_closed;
    --counters_.connections_open;
    tell(event::ConnectionClosed{connection, closed.code, closed.reason});
  }

  void woken() override {
    wake_up_ = never;
    if constexpr (!durable_at_once) {
      take_completions();
      commit();
    }
    const SteadyTime now = transport_.now();
    if (now >= retry_at_) {
      load_store();
    }
    while (!waiting_for_peer_.empty() && sessions_[waiting_for_peer_.front()].deadline <= now) {
      const std::uint32_t slot = waiting_for_peer_.front();
      ++counters_.connections_stuck;
      close({slot, sessions_[slot].generation}, sessions_[slot], close_code::policy_violation,
            "replies were not read in time");
    }
    set_wake_up();
  }

  // Flow control.

  // Sends at once, and stops reading from a peer that does not read.
  void send(Connection connection, SessionState& session, BytesView reply) {
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
    ++counters_.connections_paused;
    transport_.pause(connection);
    tell(event::ConnectionPaused{connection, waiting_bytes});
  }

  // A connection can be paused for its peer, for the store, or for both.
  void resume_if_free(Connection connection, const SessionState& session) {
    if (!waiting_for_peer_.contains(connection.slot) && !waiting_for_store_.contains(connection.slot) &&
        !session.closing) {
      transport_.resume(connection);
      tell(event::ConnectionResumed{connection});
    }
  }

  void close(Connection connection, SessionState& session, CloseCode code, std::string_view reason) {
    session.closing = true;
    waiting_for_peer_.remove(connection.slot);
    waiting_for_store_.remove(connection.slot);
    transport_.close(connection, code, reason);
    tell(event::ConnectionRefused{connection, code, reason});
  }

  // Closes a connection once nothing is held for it. The first reason counts, which lives as long as the program.
  void leave(Connection connection, SessionState& session, CloseCode code, std::string_view reason) {
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
      ++counters_.commits;
      store_.commit(committed_turn_);
    }
  }

  // What became durable before a commit failed is durable: its replies leave first.
  void take_completions() {
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
    if (error) {
      fail(error);
    }
    resume_after_store();
  }

  void release(const detail::HeldReplies::Reply& reply) {
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
    for (std::uint32_t slot = waiting_for_store_.front(); slot != detail::SlotList::none;
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

  // What the store kept of the turns under way is not known: whoever waits for one of them is told so by closing, and
  // the mailboxes become again what the store says.
  void fail(std::error_code error) {
    ++counters_.store_failures;
    tell(event::StoreFailed{error});
    while (!held_.empty()) {
      const Connection connection = held_.pop_front().connection;
      SessionState& session = sessions_[connection.slot];
      if (session.open && session.generation == connection.generation && !session.closing) {
        close(connection, session, close_code::try_again_later, "the store failed; what became of requests is unknown");
      }
    }
    recorder_.changed = false;
    durable_turn_ = committed_turn_;
    core_.refuse_changes();
    load_store();
  }

  void load_store() {
    const bool was_available = core_.accepts_changes();
    if (const std::error_code error = core_.load(store_)) {
      retry_at_ = after(transport_.now(), options_.store_retry_after);
      if (was_available) {
        ++counters_.store_failures;
        tell(event::StoreFailed{error});
      }
      return;
    }
    retry_at_ = never;
    if (!was_available) {
      tell(event::StoreRecovered{core_.books().loaded});
    }
  }

  // Everybody waits equally long, so that the first to have been paused is the first to be stuck.
  void set_wake_up() {
    SteadyTime next = retry_at_;
    if (!waiting_for_peer_.empty()) {
      next = std::min(next, sessions_[waiting_for_peer_.front()].deadline);
    }
    if (next != wake_up_) {
      wake_up_ = next;
      transport_.wake_at(next);
    }
  }

  SessionState& known(Connection connection) {
    RESTANTE_ASSERT(connection.slot < sessions_.size() && sessions_[connection.slot].open &&
                        sessions_[connection.slot].generation == connection.generation,
                    "the transport reported something about a connection that is not open");
    return sessions_[connection.slot];
  }

  template <class E>
  void tell(const E& event) {
    if (options_.on_event) {
      options_.on_event(Event{event});
    }
  }

  T& transport_;
  S& store_;
  MessengerOptions options_;
  Recorder recorder_;
  CoreType core_;
  std::vector<SessionState> sessions_;
  detail::SlotList waiting_for_peer_;
  detail::SlotList waiting_for_store_;
  detail::HeldReplies held_;
  // Turns are numbered from 1: those up to committed_turn_ were given to the store, those up to durable_turn_ came
  // back.
  std::uint64_t committed_turn_ = 0;
  std::uint64_t durable_turn_ = 0;
  SteadyTime retry_at_ = never;
  SteadyTime wake_up_ = never;
  bool shutting_down_ = false;
  MessengerCounters counters_;
};

template <class T>
Messenger(T&, MessengerOptions = {}) -> Messenger<T, MemoryStore>;

template <class T, class S>
Messenger(T&, S&, MessengerOptions = {}) -> Messenger<T, S>;

}  // namespace restante
