// The real Messenger and the model of restante.v2 side by side: what peers do is done to both, and each reply is shown
// to the model as soon as it is there.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/mailbox_operator.hpp>
#include <restante/messenger.hpp>
#include <restante/v2/codec.hpp>

#include "recording_transport.hpp"
#include "v2_model.hpp"

namespace restante::property {

/// What a packet is about: chosen so that they meet often.
inline constexpr std::array<std::string_view, 5> v2_names{"ada", "bob", "cy", "7", "8"};
inline constexpr std::array<std::string_view, 3> v2_rooms{"#a", "#b", "#c"};
inline constexpr std::array<std::string_view, 4> v2_bad_names{"", "*", "#", "300"};

inline constexpr std::size_t v2_peers = 4;

/// Where mailboxes are: here they are lost when the server starts again.
struct InMemory {
  /// Whether what was answered is there when the server starts again; then store() commits before it returns.
  static constexpr bool keeps = false;
  MemoryStore& store() { return store_; }
  void start_again() {}

 private:
  MemoryStore store_;
};

template <class Place = InMemory>
class V2World {
 public:
  /// The place is made of these.
  template <class... Arguments>
  explicit V2World(const Arguments&... arguments) : place_{arguments...}, model_{limits_} {
    start();
  }

  V2Model& model() { return model_; }
  bool is_connected(std::size_t peer) const { return connections_[peer].has_value(); }

  void connect(std::size_t peer) {
    connections_[peer] = transport_->connect("peer", v2::protocol_name);
    model_.connect(peer);
  }

  void disconnect(std::size_t peer) {
    tell_time();
    model_.disconnect(peer);
    transport_->disconnect(*std::exchange(connections_[peer], std::nullopt));
    compare();
  }

  /// Sends a packet. With `ends_turn`, everything that has to be answered is answered now.
  template <class Packet>
  void send(std::size_t peer, const Packet& packet, bool ends_turn = true) {
    std::vector<std::uint8_t> room(packet_room);
    send_bytes(peer, v2::encode(packet, room), ends_turn);
  }

  void send_bytes(std::size_t peer, BytesView bytes, bool ends_turn = true) {
    tell_time();
    model_.request(peer, v2::decode_request(bytes));
    transport_->bring(*connections_[peer], bytes);
    if constexpr (Place::keeps) {
      // Nothing is answered before that.
      transport_->end_turn();
      deliver_wakes();
    }
    take_replies();
    take_replaced();
    if (ends_turn || Place::keeps) {
      end_turn();
    }
  }

  void end_turn() {
    transport_->end_turn();
    compare();
  }

  /// Lets time pass, and stops wherever the model knows that something happens.
  void advance(std::uint64_t ms) {
    end_turn();
    const std::uint64_t end = now_ms() + ms;
    while (now_ms() < end) {
      const std::uint64_t next = std::min(end, std::max(now_ms() + 1, model_.next_event_ms().value_or(end)));
      transport_->advance(std::chrono::milliseconds{next - now_ms()});
      tell_time();
      compare();
    }
  }

  /// Somebody sets the clock on the wall.
  void set_wall(std::int64_t by_ms) {
    end_turn();
    wall_ms_ = std::max<std::int64_t>(wall_ms_ + by_ms, 1);
    // The Messenger looks at its clocks once in a millisecond.
    transport_->advance(std::chrono::milliseconds{1});
    tell_time();
    transport_->wake_needlessly();
    compare();
  }

  /// An operator removes the messages of a mailbox or a room.
  void purge(const std::string& name) {
    end_turn();
    tell_time();
    const std::uint64_t count = model_.purge(name);
    expect_removal(MessengerOperator{*messenger_}.purge(name), count, false);
    compare();
  }

  /// An operator retires an address or a room.
  void retire(const std::string& name) {
    end_turn();
    tell_time();
    const std::optional<std::size_t> holder = model_.holder_of(name);
    const std::uint64_t count = model_.retire(name);
    expect_removal(MessengerOperator{*messenger_}.retire(name), count, holder.has_value());
    take_replies();
    if (holder) {
      if (transport_->close_code_of(*connections_[*holder]) != close_code::retired) {
        throw Disagreement{"who held a retired address is not closed with 4002"};
      }
      transport_->disconnect(*std::exchange(connections_[*holder], std::nullopt));
    }
    compare();
  }

  /// The server starts again. In memory everything is lost, and every epoch is another.
  void restart() {
    if constexpr (Place::keeps) {
      end_turn();
      messenger_.reset();
      place_.start_again();
      connections_ = {};
      // The clock on the wall goes on, while the other begins anew.
      wall_ms_ += static_cast<std::int64_t>(now_ms() - ms_of(test::RecordingTransport{}.now()));
      model_.restart_with_everything();
      start();
      compare();
    } else {
      restart_with_nothing();
    }
  }

 private:
  static constexpr std::size_t packet_room = 2'000;

  void restart_with_nothing() {
    std::vector<Epoch> before = std::move(epochs_);
    for (const std::string_view name : v2_names) {
      before.push_back(model_.epoch_of(std::string{name}));
    }
    epochs_ = std::move(before);
    messenger_.reset();
    connections_ = {};
    model_ = V2Model{limits_, epochs_};
    start();
  }

  void start() {
    transport_ = std::make_unique<test::RecordingTransport>();
    replies_taken_ = 0;
    const V2Limits& l = limits_;
    MessengerOptions options;
    options.mailbox_messages_max = static_cast<std::uint32_t>(l.classic_messages_max);
    options.payload_bytes_max = static_cast<std::uint32_t>(l.classic_payload_bytes_max);
    options.limits.payload_bytes_max = static_cast<std::uint32_t>(l.payload_bytes_max);
    options.limits.mailbox_messages_max = static_cast<std::uint32_t>(l.mailbox_messages_max);
    options.limits.mailbox_bytes_max = l.mailbox_bytes_max;
    options.limits.sender_messages_max = static_cast<std::uint32_t>(l.sender_messages_max);
    options.limits.sender_bytes_max = l.sender_bytes_max;
    options.limits.room_messages_max = static_cast<std::uint32_t>(l.room_messages_max);
    options.limits.room_bytes_max = l.room_bytes_max;
    options.limits.memberships_max = static_cast<std::uint32_t>(l.memberships_max);
    options.limits.connection_waits_max = static_cast<std::uint32_t>(l.connection_waits_max);
    options.limits.unopened_messages_max = static_cast<std::uint32_t>(l.unopened_messages_max);
    options.limits.unopened_time_to_live_ms = l.unopened_time_to_live_ms;
    options.entropy = [this] { return draw(); };
    options.wall_clock = [this] { return wall_now_ms(); };
    messenger_ = std::make_unique<MessengerType>(*transport_, place_.store(), std::move(options));
    tell_time();
  }

  // splitmix64 (Steele, Lea, Flood 2014): every number comes once.
  std::uint64_t draw() {
    std::uint64_t z = entropy_ += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30U) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27U) * 0x94d049bb133111ebU;
    return z ^ z >> 31U;
  }

  static std::uint64_t ms_of(SteadyTime time) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
  }
  std::uint64_t now_ms() const { return ms_of(transport_->now()); }
  std::uint64_t wall_now_ms() const { return static_cast<std::uint64_t>(wall_ms_) + now_ms(); }

  void tell_time() { model_.set_time(now_ms(), wall_now_ms()); }

  // In the order in which they were sent, whoever they are for.
  void take_replies() {
    const std::vector<Connection>& sent = transport_->sent_in_order();
    for (; replies_taken_ < sent.size(); ++replies_taken_) {
      test::RecordingTransport::Record& record = transport_->record(sent[replies_taken_]);
      const test::Bytes& bytes = record.sent[record.replies_read++];
      const auto peer = std::find(connections_.begin(), connections_.end(), sent[replies_taken_]);
      if (peer == connections_.end()) {
        throw Disagreement{"something was sent to a peer that is gone"};
      }
      model_.reply(static_cast<std::size_t>(peer - connections_.begin()), v2::decode_reply(bytes));
    }
  }

  void take_replaced() {
    for (const std::size_t peer : model_.take_replaced()) {
      if (transport_->close_code_of(*connections_[peer]) != close_code::taken_over) {
        throw Disagreement{"who was replaced is not closed with 4001"};
      }
      model_.disconnect(peer);
      // This ends the turn.
      transport_->disconnect(*std::exchange(connections_[peer], std::nullopt));
      compare();
    }
  }

  static void expect_removal(const Removal& removal, std::uint64_t messages, bool closed_holder) {
    if (removal.messages != messages || removal.closed_holder != closed_holder) {
      throw Disagreement{"an operator is told of " + std::to_string(removal.messages) + " messages, and not of " +
                         std::to_string(messages)};
    }
  }

  void deliver_wakes() {
    for (int i = 0; transport_->wake_asked() && i < 100; ++i) {
      transport_->deliver_wake();
      take_replies();
    }
  }

  void compare() {
    take_replies();
    deliver_wakes();
    model_.turn_ended();
    for (const auto& connection : connections_) {
      if (connection && transport_->close_of(*connection)) {
        throw Disagreement{"a connection was closed: " + transport_->close_of(*connection)->reason};
      }
    }
    const Books& books = messenger_->counters().books;
    const V2Model::Books& expected = model_.books();
    if (books.stored != expected.stored || books.acknowledged != expected.acknowledged ||
        books.expired != expected.expired || books.trimmed != expected.trimmed || books.held != expected.held ||
        books.purged != expected.purged || books.taken != 0 || books.loaded != expected.loaded) {
      throw Disagreement{"the books are not the model's"};
    }
  }

  using Store = std::remove_reference_t<decltype(std::declval<Place&>().store())>;
  using MessengerType = Messenger<test::RecordingTransport, Store>;

  Place place_;
  V2Limits limits_;
  V2Model model_;
  std::unique_ptr<test::RecordingTransport> transport_;
  std::unique_ptr<MessengerType> messenger_;
  std::array<std::optional<Connection>, v2_peers> connections_;
  std::vector<Epoch> epochs_;
  std::size_t replies_taken_ = 0;
  std::uint64_t entropy_ = 1;
  std::int64_t wall_ms_ = 1'000'000'000;
};

}  // namespace restante::property
