// What a client of restante.v2 does by itself: opens its address, pushes what waits, fetches, acknowledges, joins its
// rooms, and tries again later.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/callback.hpp>
#include <restante/client_state.hpp>
#include <restante/core/address_name.hpp>
#include <restante/detail/reconnection.hpp>
#include <restante/error.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>
#include <restante/v2/client_options.hpp>
#include <restante/v2/client_request.hpp>
#include <restante/v2/codec.hpp>
#include <restante/v2/detail/incoming.hpp>
#include <restante/v2/detail/joined_rooms.hpp>
#include <restante/v2/detail/outgoing.hpp>
#include <restante/v2/detail/request_table.hpp>

namespace restante::v2::detail {

/// The state of a Client, and what follows from it. The classes derived from it change the state, by what comes from
/// the server and by what the program asks for.
template <class T, KeepsOutbox Outbox, KeepsInbox Inbox>
class ClientSession {
 public:
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

 protected:
  using Room = JoinedRooms::Room;
  using EndedPush = typename Outgoing<Outbox>::Ended;

  ClientSession(T& transport, Outbox& outbox, Inbox& inbox, ClientOptions options)
      : transport_{transport},
        options_{std::move(options)},
        reconnection_{
            transport, options_.reconnect, {options_.reconnect_after, options_.reconnect_after_max, options_.seed}},
        requests_{options_.reply_timeout},
        outgoing_{outbox, {options_.outbox_messages_max, options_.outbox_bytes_max, options_.pushes_per_receiver_max}},
        incoming_{inbox},
        resume_token_{options_.resume_token} {
    const NameKind kind = kind_of_name(as_bytes(options_.address));
    RESTANTE_ASSERT(kind == NameKind::mailbox || kind == NameKind::classic, "address must be one that can be opened");
    RESTANTE_ASSERT(options_.requests_max >= 1, "requests_max must be at least 1");
    RESTANTE_ASSERT(options_.reply_timeout > Duration::zero(), "reply_timeout must be more than 0");
    RESTANTE_ASSERT(options_.message_bytes_max >= 1, "message_bytes_max must be at least 1");
    RESTANTE_ASSERT(options_.reconnect_after > Duration::zero(), "reconnect_after must be more than 0");
    RESTANTE_ASSERT(options_.reconnect_after_max > Duration::zero(), "reconnect_after_max must be more than 0");
    RESTANTE_ASSERT(options_.retry_after > Duration::zero(), "retry_after must be more than 0");
    RESTANTE_ASSERT(options_.outbox_messages_max >= 1, "outbox_messages_max must be at least 1");
    RESTANTE_ASSERT(options_.pushes_per_receiver_max >= 1, "pushes_per_receiver_max must be at least 1");
    RESTANTE_ASSERT(options_.messages_in_hand_max >= 1, "messages_in_hand_max must be at least 1");
    RESTANTE_ASSERT(options_.fetch_wait.count() > 0, "fetch_wait must be more than 0");
    outgoing_.load();
  }
  ~ClientSession() = default;

  static std::uint64_t ms(std::chrono::milliseconds time) { return static_cast<std::uint64_t>(time.count()); }

  bool is_connected() const noexcept { return reconnection_.state() == ClientState::connected; }

  void open_address() {
    const bool with_token = resume_token_ && (options_.credential.empty() || token_is_next_);
    Open packet{.address = as_bytes(options_.address)};
    if (with_token) {
      packet.proof = Proof::resume_token;
      packet.secret = *resume_token_;
    } else if (!options_.credential.empty()) {
      packet.proof = Proof::credential;
      packet.secret = as_bytes(options_.credential);
    }
    ask(packet, asked::Opening{with_token}, {}, packet.secret.size());
  }

  // Everything that can be done now.
  void advance() {
    push_waiting();
    settle();
    fetch();
    set_wake_up();
  }

  void push_waiting() {
    while (is_open_ && !pushes_rest_ && requests_.size() < options_.requests_max) {
      const auto [id, error] = outgoing_.take();
      if (error) {
        storage_failed(error);
      }
      if (id == 0) {
        return;
      }
      const Push packet = outgoing_.packet(id);
      ask(packet, asked::Pushing{id}, {}, packet.payload.size());
    }
  }

  void settle() {
    if (const std::error_code error = incoming_.keep()) {
      storage_failed(error);
    }
    while (is_open_ && !acknowledgements_rest_) {
      const std::optional<Acknowledge> packet = incoming_.acknowledge();
      if (!packet) {
        return;
      }
      ask(*packet, asked::Acknowledging{std::string{as_text(packet->source)}});
    }
  }

  void fetch() {
    const std::size_t in_hand = incoming_.in_hand();
    if (!is_open_ || !options_.on_message || !is_receiving_ || fetch_ != 0 || fetch_rests_ || rooms_.busy() ||
        in_hand >= options_.messages_in_hand_max) {
      return;
    }
    // As long as something may be gone of which the program does not know, it is to be said at once that nothing is
    // there.
    const std::chrono::milliseconds wait = incoming_.is_settled() ? options_.fetch_wait : std::chrono::milliseconds{};
    const Fetch packet{.source = as_bytes(rooms_.empty() ? "" : "*"),
                       .epoch = epoch_,
                       .rewind = std::exchange(rewind_, false),
                       .messages_max = options_.messages_in_hand_max - in_hand,
                       .bytes_max = options_.fetch_bytes_max,
                       .wait_ms = ms(wait)};
    fetch_ = ask(packet,
                 asked::Fetching{.messages_left = packet.messages_max,
                                 .rewind = packet.rewind,
                                 .waits_until = after(transport_.now(), wait)},
                 wait);
  }

  void join_waiting(std::string_view name, Room& room) {
    if (is_open_) {
      rooms_.asked(room);
      outgoing_.hold(name, false);
      ask(Join{.room = as_bytes(name)}, asked::Joining{std::string{name}});
    }
  }

  // Gives who waited to hear that it was joined.
  std::vector<JoinCallback> forget_room(std::string_view room) {
    outgoing_.hold(room, false);
    incoming_.forget(room);
    return rooms_.forget(room);
  }

  void retry_later() { retry_at_ = std::min(retry_at_, after(transport_.now(), options_.retry_after)); }

  void retry() {
    retry_at_ = never;
    pushes_rest_ = acknowledgements_rest_ = fetch_rests_ = false;
    if (is_open_) {
      for (const std::string& room : rooms_.to_join()) {
        join_waiting(room, rooms_.want(room));
      }
    } else if (is_connected() && requests_.size() == 0) {
      open_address();
    }
  }

  // The outbox or inbox failed: the next connection tries again what was to be kept.
  void storage_failed(std::error_code error) {
    defer([this, error] { tell(client_event::StorageFailed{error}); });
    if (is_connected()) {
      is_open_ = false;
      reconnection_.give_up(close_code::normal, "something cannot be kept");
    }
  }

  // Ends a connection that is no good, to make another.
  void give_up(Error error, CloseCode code, std::string_view reason) {
    reconnection_.give_up(code, reason);
    end_session(error);
  }

  // Ends the connection, and makes no other.
  void stop(CloseCode code) {
    is_open_ = false;
    retry_at_ = never;
    reconnection_.close(code);
    set_wake_up();
  }

  // Whoever waits for a reply is told that none comes. What the client asked by itself, it asks again next time.
  void end_session(Error error) {
    is_open_ = false;
    pushes_rest_ = acknowledgements_rest_ = fetch_rests_ = rewind_ = token_is_next_ = false;
    retry_at_ = never;
    fetch_ = 0;
    outgoing_.closed();
    incoming_.closed();
    for (const std::string& room : rooms_.closed()) {
      outgoing_.hold(room, true);
    }
    // Callbacks may make requests; those are not sent.
    while (std::optional<Asked> request = requests_.take_any()) {
      std::visit([error](auto& asked) { fail(asked, error); }, *request);
    }
  }

  template <class Packet>
  Tag ask(Packet packet, Asked asked, Duration wait = {}, std::size_t payload_bytes = 0) {
    packet.tag = requests_.add(std::move(asked), transport_.now(), wait);
    buffer_.resize(payload_bytes + packet_bytes_beyond_payload);
    transport_.send(reconnection_.connection(), encode(packet, buffer_));
    return packet.tag;
  }

  // Calls from the transport's loop.
  void defer(Callback<void()> call) {
    deferred_.push_back(std::move(call));
    transport_.wake();
  }
  template <class Called, class... Arguments>
  void defer(Called& callback, Arguments... arguments) {
    if (callback) {
      defer([callback = std::move(callback), arguments...]() mutable { callback(arguments...); });
    }
  }

  template <class E>
  void tell(const E& event) {
    if (options_.on_event) {
      options_.on_event(ClientEvent{event});
    }
  }
  void tell(EndedPush& push) {
    const PushResult result{push.id, push.receiver, push.sequence};
    if (push.callback) {
      push.callback(push.error, result);
    } else {
      tell(client_event::PushEnded{push.error, result});
    }
  }

  void set_wake_up() {
    const SteadyTime overdue = is_connected() ? requests_.deadline() : never;
    const SteadyTime next = std::min({reconnection_.wake_time(), retry_at_, overdue});
    if (next != wake_up_) {
      wake_up_ = next;
      transport_.wake_at(next);
    }
  }

  T& transport_;
  ClientOptions options_;
  restante::detail::Reconnection<T> reconnection_;
  RequestTable<Asked> requests_;
  Outgoing<Outbox> outgoing_;
  Incoming<Inbox> incoming_;
  JoinedRooms rooms_;
  std::optional<ResumeToken> resume_token_;
  bool token_is_next_ = false;
  bool is_open_ = false;
  bool is_receiving_ = true;
  bool was_taken_over_ = false;
  Epoch epoch_ = 0;
  // The FETCH that is answered next by another, or 0.
  Tag fetch_ = 0;
  bool rewind_ = false;
  // What was refused for a reason that passes, until retry_at_.
  bool pushes_rest_ = false;
  bool acknowledgements_rest_ = false;
  bool fetch_rests_ = false;
  SteadyTime retry_at_ = never;
  SteadyTime wake_up_ = never;
  std::deque<Callback<void()>> deferred_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace restante::v2::detail
