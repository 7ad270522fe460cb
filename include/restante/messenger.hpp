// The server side: a messenger takes requests from a transport, has the core carry them out, and lets no reply leave
// before the store has kept what it promises.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <restante/assert.hpp>
#include <restante/authentication.hpp>
#include <restante/bytes.hpp>
#include <restante/classic/service.hpp>
#include <restante/core/core.hpp>
#include <restante/detail/answer_buffer.hpp>
#include <restante/detail/doorkeeper.hpp>
#include <restante/detail/outgoing.hpp>
#include <restante/detail/requirements.hpp>
#include <restante/event.hpp>
#include <restante/messenger_options.hpp>
#include <restante/store.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>
#include <restante/v2/codec.hpp>

namespace restante {

template <class M>
class MessengerOperator;

/// Serves both protocols (docs/protocol.md) on a transport, keeping messages in a store: restante.v2 where a client
/// asks for it and the store keeps mailboxes with names, the classic protocol otherwise. Asks an authenticator who may
/// open what. Lives on the thread of its transport. Transport, store and authenticator must live longer.
///
///     restante::WebsocketppServer transport{{.port = 12345}};
///     restante::Messenger messenger{transport};
///     transport.run();
template <class T, class S = MemoryStore, Authenticator A = NoAuthentication>
class Messenger final : private TransportListener {
  static_assert(detail::is_transport<T>() && detail::is_store<S>());

 public:
  /// Keeps messages in memory only, and asks for no credentials. Starts the transport.
  explicit Messenger(T& transport, MessengerOptions options = {}) requires std::is_same_v<S, MemoryStore> &&
      std::is_same_v<A, NoAuthentication> : Messenger{transport, detail::memory_store, std::move(options)} {}

  /// Asks for no credentials.
  Messenger(T& transport, S& store, MessengerOptions options = {}) requires std::is_same_v<A, NoAuthentication>
      : Messenger{transport, store, detail::no_authentication, std::move(options)} {}

  /// Loads the store and starts the transport. A store that cannot be loaded is tried again until it can; see
  /// store_available().
  Messenger(T& transport, S& store, A& authenticator, MessengerOptions options = {})
      : transport_{transport},
        store_{store},
        options_{detail::checked_with_defaults(std::move(options))},
        recorder_{store},
        doorkeeper_{authenticator},
        core_{recorder_, core_options()},
        outgoing_{transport_, store_, options_, core_, recorder_},
        protocols_{Protocol{v2::protocol_name, v2::message_bytes_max(options_.limits.payload_bytes_max)}} {
    transport_.start(*this);
    const Waker waker{&transport_, [](void* context) { static_cast<T*>(context)->wake(); }};
    if constexpr (!durable_at_once) {
      store_.start(waker);
    }
    doorkeeper_.start(waker);
    set_time();  // What is loaded may expire before anybody asks for something.
    load_store();
    set_wake_up();
  }

  Messenger(const Messenger&) = delete;
  Messenger& operator=(const Messenger&) = delete;

  /// Stops the store and the authenticator, then the transport, which closes what is left with 1001.
  ~Messenger() {
    if constexpr (!durable_at_once) {
      store_.stop();
    }
    doorkeeper_.stop();
    transport_.stop();
  }

  /// Accepts nothing more and closes every connection with 1001, each after the replies that it waits for; requests
  /// that wait for something are refused with going_away. What happens to new connections: they are closed at once.
  /// Calling it again does nothing more.
  void shut_down() {
    shutting_down_ = true;
    for (std::uint32_t slot = 0; slot < outgoing_.sessions().size(); ++slot) {
      SessionState& session = outgoing_.sessions()[slot];
      if (session.open && !session.closing) {
        Replies replies{*this};
        core_.go_away(slot, replies);
        outgoing_.leave(Connection{slot, session.generation}, session, close_code::going_away, going_away_reason);
      }
    }
  }

  MessengerCounters counters() const {
    MessengerCounters counters = counters_;
    outgoing_.count(counters);
    counters.packets_received =
        std::reduce(counters.v2_requests.begin(), counters.v2_requests.end(), classic_requests_);
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
    // While a vector grows to twice what is in it, the old one is still there.
    const std::uint64_t held = durable_at_once ? 0 : OutgoingType::held_bytes_max(options, connections_max);
    return sizeof(Messenger) + CoreType::memory_bytes_max(detail::core_options_of(options), connections_max) +
           3 * OutgoingType::connection_bytes * connections_max + 2 * held +
           v2::message_bytes_max(options.limits.payload_bytes_max);
  }

 private:
  friend class MessengerOperator<Messenger>;
  static constexpr bool durable_at_once = DurableAtOnce<S>;
  static constexpr bool serves_v2 = RecordsNamedMailboxes<S>;
  static constexpr std::string_view going_away_reason = "the server is shutting down";
  static constexpr std::uint32_t served_at_once_max = 32;  // Of those who wait, before others have their turn.

  using Recorder = detail::ChangeRecorder<S>;
  using CoreType = Core<Recorder>;
  using OutgoingType = detail::Outgoing<T, S, CoreType>;
  using SessionState = typename OutgoingType::SessionState;

  // Takes what the core answers to requests of restante.v2.
  struct Replies {
    Messenger& messenger;
    template <class Packet>
    void operator()(Session slot, const Packet& packet) {
      messenger.answer(slot, messenger.outgoing_.sessions()[slot], packet);
    }
  };

  // The same, where all of it is for the session that asks, so that it need not be looked up for each reply.
  struct RepliesToOne {
    Messenger& messenger;
    SessionState& session;
    template <class Packet>
    [[gnu::always_inline]] void operator()(Session slot, const Packet& packet) {
      messenger.answer(slot, session, packet);
    }
  };

  CoreOptions core_options() {
    CoreOptions options = detail::core_options_of(options_);
    options.entropy = {&options_.entropy,
                       [](void* context) { return (*static_cast<Callback<std::uint64_t()>*>(context))(); }};
    options.authoriser = doorkeeper_.asks() ? &doorkeeper_ : nullptr;
    return options;
  }

  // What a transport reports.

  std::span<const Protocol> protocols() const override {
    return serves_v2 ? std::span<const Protocol>{protocols_} : std::span<const Protocol>{};
  }

  void opened(Connection connection, const Opened& opened) override {
    SessionState& session = outgoing_.open(connection);
    session.speaks_v2 = serves_v2 && opened.protocol == v2::protocol_name;
    ++counters_.connections_opened;
    ++counters_.connections_open;
    outgoing_.tell(event::ConnectionOpened{connection, opened.peer, opened.protocol});
    if (shutting_down_) {
      outgoing_.close(connection, session, close_code::going_away, going_away_reason);
    } else if (!durable_at_once && outgoing_.held_too_much()) {
      outgoing_.pause_for_store(connection);
    }
  }

  void received(Connection connection, MessageType type, BytesView message) override {
    SessionState& session = outgoing_.receiving(connection);
    if (type != MessageType::binary) {
      ++counters_.text_messages_refused;
      outgoing_.leave(connection, session, close_code::unsupported_data, "this server takes binary messages only");
      return;
    }
    set_time();
    if constexpr (serves_v2) {
      if (session.speaks_v2) {
        receive_v2(connection, session, message);
        return;
      }
    }
    receive_classic(connection, session, message);
  }

  void receive_classic(Connection connection, SessionState& session, BytesView message) {
    ++classic_requests_;
    if (doorkeeper_.asks()) {
      const classic::ClientPacket packet = classic::decode_client_packet(message);
      if (const auto* found = std::get_if<classic::Associate>(&packet)) {
        outgoing_.tell_received(connection, session, message.first(message.size() - found->credential.size()));
        return associate(connection, session, *found, message.size());
      }
    }
    outgoing_.tell_received(connection, session, message);
    classic::ReplyBuffer buffer;
    outgoing_.reply(connection, session, classic::Service{core_, connection.slot, buffer}.answer(message),
                    message.size());
  }

  void receive_v2(Connection connection, SessionState& session, BytesView message) {
    if constexpr (!durable_at_once) {
      request_bytes_ = message.size();
    }
    using Receiver = void (*)(Messenger&, Connection, SessionState&, BytesView);
    static constexpr auto receivers = v2::by_first_byte<Receiver>([](auto type) -> Receiver {
      return [](Messenger& messenger, Connection from, SessionState& state, BytesView bytes) {
        messenger.receive_v2<typename decltype(type)::type>(from, state, bytes);
      };
    });
    if (message.empty()) [[unlikely]] {
      return refuse_v2(connection, session, message);
    }
    receivers[message[0]](*this, connection, session, message);
  }

  // Each kind of request has the registers for itself from its first byte on, and saves no more of them than it needs.
  template <class Packet>
  [[gnu::always_inline]] void receive_v2(Connection connection, SessionState& session, BytesView message) {
    Packet request;
    if (!v2::read_request(message, request)) [[unlikely]] {
      return refuse_v2(connection, session, message);
    }
    RepliesToOne replies{*this, session};
    ++counters_.v2_requests[v2::request_index<Packet>];
    if constexpr (std::is_same_v<Packet, v2::Open>) {
      outgoing_.tell_received(connection, session, message.first(message.size() - request.secret.size()));
      open_v2(connection, session, request, replies);
    } else {
      outgoing_.tell_received(connection, session, message);
      core_.execute(connection.slot, request, replies);
    }
  }

  [[gnu::noinline]] void refuse_v2(Connection connection, SessionState& session, BytesView message) {
    receive_v2<v2::Unreadable>(connection, session, message);
  }

  void turn_ended() override {
    const bool is_quiet = core_.is_quiet();
    if (!is_quiet) {
      serve();
    }
    if constexpr (!durable_at_once) {
      outgoing_.commit();
    }
    set_wake_up(is_quiet);
  }

  void drained(Connection connection) override {
    outgoing_.drained(connection, outgoing_.known(connection));
    set_wake_up();
  }

  void closed(Connection connection, const Closed& closed) override {
    SessionState& session = outgoing_.known(connection);
    core_.end(connection.slot);
    outgoing_.closed(connection, session);
    ++counters_.connections_closed;
    --counters_.connections_open;
    outgoing_.tell(event::ConnectionClosed{connection, closed.code, closed.reason});
  }

  void woken() override {
    wake_up_ = never;
    next_millisecond_ = SteadyTime::min();
    set_time();
    if constexpr (!durable_at_once) {
      if (const std::error_code error = outgoing_.take_completions()) {
        fail(error);
      }
      outgoing_.resume_after_store();
    }
    take_verdicts();
    serve();
    if constexpr (!durable_at_once) {
      outgoing_.commit();
    }
    if (transport_.now() >= retry_at_) {
      load_store();
    }
    outgoing_.close_stuck();
    set_wake_up();
  }

  // The core counts in milliseconds, and asking the system is not for nothing.
  [[gnu::always_inline]] void set_time() {
    if (transport_.now() >= next_millisecond_) [[unlikely]] {
      ask_the_time();
    }
  }

  [[gnu::noinline]] void ask_the_time() {
    const auto steady = std::chrono::duration_cast<std::chrono::milliseconds>(transport_.now().time_since_epoch());
    core_.set_time(static_cast<std::uint64_t>(steady.count()), options_.wall_clock());
    next_millisecond_ = after(SteadyTime{}, steady + std::chrono::milliseconds{1});
  }

  void serve() {
    if (core_.has_work() || core_.next_deadline_passed()) {
      set_time();
      request_bytes_ = 0;
      Replies replies{*this};
      core_.serve(replies, served_at_once_max);
    }
  }

  template <class Packet>
  [[gnu::always_inline]] void answer(Session slot, SessionState& session, const Packet& packet) {
    const bool was_sent = outgoing_.reply(Connection{slot, session.generation}, session, answer_buffer_.write(packet),
                                          request_bytes_, std::is_same_v<Packet, v2::Opened> ? sizeof(ResumeToken) : 0);
    if constexpr (std::is_same_v<Packet, v2::Refused>) {
      counters_.refused[static_cast<std::size_t>(packet.reason)] += was_sent ? 1 : 0;
    }
    if constexpr (!durable_at_once) {
      request_bytes_ = was_sent ? 0 : request_bytes_;
    }
  }

  void open_v2(Connection connection, SessionState& session, const v2::Open& request, RepliesToOne& replies) {
    if (!doorkeeper_.asks() || !core_.may_open(connection.slot)) {
      // Rule 1: who asks for no credentials takes none for a proof.
      open(connection, request, false, replies);
    } else if (request.proof != Proof::credential) {
      replies(connection.slot, v2::Refused{request.tag, Refusal::unauthorised});
    } else {
      check(session, {connection, request.tag, true, std::string{as_text(request.address)}}, request.secret);
    }
  }

  void open(Connection connection, const v2::Open& request, bool accepted, RepliesToOne& replies) {
    // Whoever opened an address before the store was loaded again opens it again.
    answer_buffer_.fit(core_.answer_payload_bytes_max());
    if (const std::optional<Session> replaced = core_.execute(connection.slot, request, accepted, replies)) {
      ++counters_.takeovers;
      SessionState& loser = outgoing_.sessions()[*replaced];
      outgoing_.leave({*replaced, loser.generation}, loser, close_code::taken_over,
                      "another connection opened this address");
    }
  }

  void associate(Connection connection, SessionState& session, const classic::Associate& request,
                 std::size_t request_bytes) {
    ++counters_.associates.asked;
    if (request.credential.empty()) {
      ++counters_.associates.rejected;
      classic::ReplyBuffer buffer;
      outgoing_.reply(connection, session, classic::encode(classic::AssociationFailed{request.id}, buffer),
                      request_bytes);
    } else {
      check(session, {connection, 0, false, std::to_string(request.id)}, request.credential);
    }
  }

  // Nothing more is read until the credential is judged, so that requests take effect in their order.
  void check(SessionState& session, detail::OpenCheck open, BytesView credential) {
    outgoing_.pause_for_verdict(open.connection, session);
    doorkeeper_.check(std::move(open), credential);
  }

  void take_verdicts() {
    doorkeeper_.take_verdicts(
        transport_.now(), options_.refused_credential_after,
        [this](const detail::OpenCheck& check) {
          ++counters_.credentials_rejected;
          outgoing_.tell(event::CredentialRejected{check.connection, as_bytes(check.address)});
        },
        [this](const detail::OpenCheck& check, Verdict verdict) { judge(check, verdict); });
  }

  void judge(const detail::OpenCheck& check, Verdict verdict) {
    if (SessionState* const session = outgoing_.find(check.connection); session != nullptr && !session->leaving) {
      judge(check, *session, verdict);
      outgoing_.resume_after_verdict(check.connection, *session);
    }
  }

  void judge(const detail::OpenCheck& check, SessionState& session, Verdict verdict) {
    request_bytes_ = 0;
    RepliesToOne replies{*this, session};
    if (!check.is_v2) {
      counters_.associates.count(verdict);
      classic::ReplyBuffer buffer;
      outgoing_.reply(check.connection, session,
                      classic::answer_judged(core_, check.connection.slot, check.classic_id(), verdict, buffer), 0);
    } else if (verdict == Verdict::accepted) {
      open(check.connection, v2::Open{.tag = check.tag, .address = as_bytes(check.address), .proof = Proof::credential},
           true, replies);
    } else {
      replies(check.connection.slot,
              v2::Refused{check.tag, verdict == Verdict::rejected ? Refusal::unauthorised : Refusal::limit_reached});
    }
  }

  // The store.

  // What the store kept of the turns under way is not known: whoever waits for one of them is told so by closing, and
  // the mailboxes become again what the store says.
  void fail(std::error_code error) {
    ++counters_.store_failures;
    outgoing_.tell(event::StoreFailed{store_error_ = error});
    outgoing_.fail();
    core_.refuse_changes();
    load_store();
  }

  void load_store() {
    const bool was_available = core_.accepts_changes();
    // What a v2 client was told of its mailbox may not hold after loading: it opens again and sees.
    outgoing_.close_those([this](Session slot) { return core_.opened(slot).has_value(); });
    if (const std::error_code error = core_.load(store_)) {
      retry_at_ = after(transport_.now(), options_.store_retry_after);
      counters_.store_failures += was_available ? 1 : 0;
      if (error != store_error_) {
        outgoing_.tell(event::StoreFailed{store_error_ = error});
      }
      return;
    }
    retry_at_ = never;
    store_error_ = {};
    // What has expired meanwhile is gone before anything is looked at, be it in the same millisecond.
    next_millisecond_ = SteadyTime::min();
    if (!was_available) {
      outgoing_.tell(event::StoreRecovered{core_.books().loaded});
    }
  }

  void set_wake_up(bool is_quiet = false) {
    SteadyTime next = earlier(retry_at_, doorkeeper_.next_deadline());
    if (outgoing_.waits_for_peers()) [[unlikely]] {
      next = earlier(next, outgoing_.next_deadline());
    }
    if (!is_quiet) {
      const std::optional<std::uint64_t> core_ms = core_.next_wake_ms();
      next = core_.has_work() ? transport_.now()
             : core_ms        ? earlier(next, after(SteadyTime{}, std::chrono::milliseconds{*core_ms}))
                              : next;
    }
    if (next != wake_up_) {
      wake_up_ = next;
      transport_.wake_at(next);
    }
  }

  T& transport_;
  S& store_;
  MessengerOptions options_;
  Recorder recorder_;
  detail::Doorkeeper<A> doorkeeper_;
  CoreType core_;
  OutgoingType outgoing_;
  Protocol protocols_[1];
  detail::AnswerBuffer answer_buffer_;
  std::size_t request_bytes_ = 0;  // What the request cost that is being answered, until it has a reply.
  SteadyTime next_millisecond_ = SteadyTime::min();
  SteadyTime retry_at_ = never;
  std::error_code store_error_;  // Why the store is not available, as it was told.
  SteadyTime wake_up_ = never;
  bool shutting_down_ = false;
  std::uint64_t classic_requests_ = 0;
  MessengerCounters counters_;
};

template <class T>
Messenger(T&, MessengerOptions = {}) -> Messenger<T, MemoryStore, NoAuthentication>;
template <class T, class S>
Messenger(T&, S&, MessengerOptions = {}) -> Messenger<T, S, NoAuthentication>;
template <class T, class S, class A>
Messenger(T&, S&, A&, MessengerOptions = {}) -> Messenger<T, S, A>;

}  // namespace restante
