// Takes any bytes as a list of things that happen to a Messenger: peers that connect, send, stop reading and leave, a
// store that commits late, fails and cannot be loaded, and time that passes. An oracle that knows the protocol, and
// nothing of the library, says what must come of it.
//
// Four bytes say how the Messenger is made; then each operation is a byte and its arguments, as listed in make_corpus.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <restante/messenger.hpp>

#include "classic_rules.hpp"
#include "expect.hpp"
#include "late_store.hpp"
#include "scripted_transport.hpp"
#include "session_oracle.hpp"

namespace restante::fuzz {
namespace {

using namespace std::chrono_literals;

/// Reads the input from its beginning; what is missing is 0.
class Input {
 public:
  explicit Input(BytesView bytes) : bytes_{bytes} {}

  bool empty() const { return bytes_.empty(); }

  std::uint8_t byte() {
    if (bytes_.empty()) {
      return 0;
    }
    const std::uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }

  Bytes bytes(std::size_t size) {
    const BytesView taken = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return {taken.begin(), taken.end()};
  }

 private:
  BytesView bytes_;
};

struct Setup {
  bool commits_late = false;
  bool wakes_first = false;
  bool first_load_fails = false;
  bool store_has_messages = false;
  std::uint32_t mailbox_messages_max = 0;
  std::size_t waiting_bytes_max = 0;
  std::uint32_t commits_in_flight_max = 0;
  std::size_t held_bytes_max = 0;
  std::uint32_t payload_bytes_max = 0;
};

Setup read_setup(Input& input) {
  const std::uint32_t flags = input.byte();
  const std::uint32_t waiting = input.byte();
  const std::uint32_t commits = input.byte();
  const std::uint32_t payload = input.byte();
  return {.commits_late = (flags & 1U) != 0,
          .wakes_first = (flags & 2U) != 0,
          .first_load_fails = (flags & 4U) != 0,
          .store_has_messages = (flags & 8U) != 0,
          .mailbox_messages_max = (flags & 16U) != 0 ? 1 + flags / 32 : 100,
          .waiting_bytes_max = std::size_t{1} + waiting * 8,
          .commits_in_flight_max = 1 + commits % 4,
          .held_bytes_max = std::size_t{1} + commits / 4 * 256,
          .payload_bytes_max = payload == 0 ? 254 : std::min<std::uint32_t>(payload, 254)};
}

constexpr Duration stuck_after = 5s;

template <class S>
class Session {
 public:
  explicit Session(const Setup& setup)
      : setup_{setup},
        oracle_{ClassicRules{setup.mailbox_messages_max, setup.payload_bytes_max}},
        transport_{oracle_, {setup.wakes_first, setup.waiting_bytes_max, stuck_after}},
        store_{make_store()},
        messenger_{transport_, store_, options()} {
    transport_.pump();
  }

  void run(Input& input) {
    while (!input.empty()) {
      step(input);
      transport_.pump();
      check();
    }
    heal();
    look_into_mailboxes();
  }

 private:
  static constexpr bool commits_late = std::is_same_v<S, LateStore>;

  S make_store() {
    if constexpr (commits_late) {
      LateStore store{oracle_, setup_.commits_in_flight_max};
      if (setup_.store_has_messages) {
        store.keep(1, {2, {'o', 'n', 'e'}});
        store.keep(1, {3, {}});
        store.keep(255, {0, Bytes(254, 'x')});
      }
      store.let_loads_fail(setup_.first_load_fails ? 1 : 0);
      return store;
    } else {
      return {};
    }
  }

  MessengerOptions options() {
    return {.mailbox_messages_max = setup_.mailbox_messages_max,
            .payload_bytes_max = setup_.payload_bytes_max,
            .waiting_bytes_max = setup_.waiting_bytes_max,
            .stuck_after = stuck_after,
            .commits_in_flight_max = setup_.commits_in_flight_max,
            .held_bytes_max = setup_.held_bytes_max,
            .store_retry_after = 1s,
            .on_event = [this](const Event& event) { count(event); }};
  }

  void count(const Event& event) {
    packets_received_ += std::holds_alternative<event::PacketReceived>(event) ? 1 : 0;
    packets_sent_ += std::holds_alternative<event::PacketSent>(event) ? 1 : 0;
    if (const auto* paused = std::get_if<event::ConnectionPaused>(&event)) {
      expect(transport_.is_paused(paused->connection.slot), "a connection is paused when it is told so");
    }
    if (const auto* resumed = std::get_if<event::ConnectionResumed>(&event)) {
      expect(!transport_.is_paused(resumed->connection.slot), "a connection is resumed when it is told so");
    }
  }

  static std::uint32_t slot(Input& input) { return input.byte() % ScriptedTransport::slots; }

  void send(std::uint32_t slot_and_mark, Bytes message, MessageType type = MessageType::binary) {
    transport_.peer_sends((slot_and_mark & 0x7fU) % ScriptedTransport::slots, type, std::move(message));
  }

  void step(Input& input) {
    switch (input.byte() % 16) {
      case 0:
        return transport_.connect(slot(input));
      case 1:
        return transport_.disconnect(slot(input));
      case 2:
        return send_batch(input, [&](std::uint8_t peer) { send(peer, {0, 0, input.byte()}); });
      case 3:
        return send_batch(input, [&](std::uint8_t peer) { send(peer, {1, 0, input.byte()}); });
      case 4:
        return send_batch(input, [&](std::uint8_t peer) { send(peer, push(input)); });
      case 5:
        return send_batch(input, [&](std::uint8_t peer) { send(peer, input.bytes(input.byte())); });
      case 6:
        return send_batch(input,
                          [&](std::uint8_t peer) { send(peer, input.bytes(input.byte() % 8), MessageType::text); });
      case 7:
        return transport_.stop_reading(slot(input));
      case 8:
        return transport_.drain(slot(input));
      case 9:
        return transport_.advance(input.byte() * 100ms);
      case 10:
        return commits_succeed(input.byte());
      case 11:
        return commit_fails(input.byte());
      case 12:
        return loads_fail(input.byte());
      case 13:
        return send_batch(input, [&](std::uint8_t peer) { send(peer, push_of_wrong_length(input)); });
      case 14:
        return send_batch(input, [&](std::uint8_t peer) { send_many(peer, input); });
      default:
        return shut_down(input.byte());
    }
  }

  // A message, and, where its peer has the highest bit set, another one that is reported in the same turn, and so on.
  template <class Send>
  void send_batch(Input& input, Send send_one) {
    std::uint8_t peer = input.byte();
    send_one(peer);
    for (int more = 0; (peer & 0x80U) != 0 && more < 64 && !input.empty(); ++more) {
      peer = input.byte();
      send(peer, input.bytes(input.byte() % 16));
    }
  }

  static Bytes push(Input& input) {
    Bytes packet{2, 1, input.byte(), input.byte(), input.byte()};
    const std::uint8_t first = input.byte();
    for (std::size_t index = 0; index < packet[4]; ++index) {
      packet.push_back(static_cast<std::uint8_t>(first + index));
    }
    return packet;
  }

  static Bytes push_of_wrong_length(Input& input) {
    Bytes packet{2, 1, input.byte(), input.byte(), input.byte()};
    packet.resize(5 + std::size_t{input.byte()} * 2, 'w');
    return packet;
  }

  // So many GETs at once, to build up what waits.
  void send_many(std::uint8_t peer, Input& input) {
    const std::uint8_t id = input.byte();
    const std::uint8_t count = input.byte();
    for (int sent = 0; sent < count; ++sent) {
      send(peer, {1, 0, id});
    }
  }

  void commits_succeed(std::uint8_t how) {
    if constexpr (commits_late) {
      store_.succeed(1 + how % 4, (how & 0x80U) != 0);
    }
  }

  void commit_fails(std::uint8_t how) {
    if constexpr (commits_late) {
      store_.succeed((how & 0x80U) != 0 ? 1 : 0, false);
      store_.fail(how & 0x7fU);
    }
  }

  void loads_fail(std::uint8_t how_often) {
    if constexpr (commits_late) {
      store_.let_loads_fail(how_often % 4);
    }
  }

  // Few inputs would get far if any byte could end everything.
  void shut_down(std::uint8_t really) {
    if (really == 0xff) {
      oracle_.shutting_down();
      messenger_.shut_down();
    }
  }

  void check() {
    const MessengerCounters counters = messenger_.counters();
    const ClassicRules& rules = oracle_.rules();
    expect(counters.books == Books{rules.counts().loaded, rules.counts().stored, rules.counts().taken, rules.held()},
           "the books say what happened");
    expect(counters.books.loaded + counters.books.stored == counters.books.taken + counters.books.held,
           "the books balance");
    expect(counters.addresses_held == rules.addresses_held(), "the addresses held are counted");
    expect(counters.store_available == rules.store_available(), "the store is available when it was loaded");
    expect(counters.packets_received == oracle_.requests() && packets_received_ == oracle_.requests(),
           "requests are counted");
    expect(counters.packets_sent == oracle_.requests() && packets_sent_ == oracle_.requests(), "replies are counted");
    std::uint32_t open = 0;
    std::size_t held_bytes = 0;
    for (std::uint32_t peer = 0; peer < ScriptedTransport::slots; ++peer) {
      if (transport_.is_open(peer)) {
        ++open;
        const std::size_t waiting_bytes = oracle_.waiting_bytes(transport_.connection(peer));
        expect(waiting_bytes <= setup_.waiting_bytes_max + reply_and_request_bytes_max,
               "what is held for one connection is bounded");
        held_bytes += waiting_bytes;
        expect(commits_late || !oracle_.waits(transport_.connection(peer)), "nothing waits for a store that is memory");
      }
    }
    expect(counters.connections_open == open, "connections are counted");
    expect(held_bytes <= setup_.held_bytes_max + open * reply_and_request_bytes_max || !commits_late,
           "what is held while the store commits is bounded");
    for (const auto& [id, mailbox] : rules.mailboxes()) {
      expect(messenger_.depth(Address{id}) == mailbox.size(), "a mailbox holds what was pushed and not taken");
      expect(depth_in_store(id, mailbox.size()) == mailbox.size(), "the store is told of all that changed");
    }
  }

  std::size_t depth_in_store(std::uint8_t id, [[maybe_unused]] std::size_t otherwise) const {
    if constexpr (commits_late) {
      return store_.depth(id);
    } else {
      return otherwise;
    }
  }

  // Everybody reads, the store works, and time passes: then all must have what they wait for.
  void heal() {
    loads_fail(0);
    for (std::uint32_t peer = 0; peer < ScriptedTransport::slots; ++peer) {
      transport_.drain(peer);
    }
    transport_.pump();
    bool busy = true;
    for (int round = 0; busy; ++round) {
      expect(round < 100'000, "whoever waits is served once the store works and everybody reads");
      commits_succeed(3);
      transport_.advance(1s);
      transport_.pump();
      check();
      busy = is_busy();
    }
    for (std::uint32_t peer = 0; peer < ScriptedTransport::slots; ++peer) {
      expect(!transport_.is_open(peer) || !transport_.is_paused(peer), "nobody is paused for ever");
      expect(!transport_.is_open(peer) || !oracle_.is_shutting_down(), "a server that shuts down closes everybody");
    }
  }

  bool is_busy() {
    if constexpr (commits_late) {
      if (store_.has_commits() || !oracle_.rules().store_available()) {
        return true;
      }
    }
    for (std::uint32_t peer = 0; peer < ScriptedTransport::slots; ++peer) {
      if (transport_.is_open(peer) && (oracle_.waits(transport_.connection(peer)) || transport_.has_unread(peer))) {
        return true;
      }
    }
    return false;
  }

  // Somebody new asks for everything that should be there; the oracle compares.
  void look_into_mailboxes() {
    if (oracle_.is_shutting_down()) {
      return;
    }
    for (std::uint32_t peer = 0; peer < ScriptedTransport::slots; ++peer) {
      transport_.disconnect(peer);
    }
    transport_.connect(0);
    std::vector<std::pair<std::uint8_t, std::size_t>> depths;
    for (const auto& [id, mailbox] : oracle_.rules().mailboxes()) {
      depths.emplace_back(id, mailbox.size());
    }
    for (const auto& [id, depth] : depths) {
      send(0, {0, 0, id});
      for (std::size_t get = 0; get <= depth; ++get) {
        send(0, {1, 0, id});
      }
    }
    transport_.pump();
    heal();
    expect(oracle_.rules().held() == 0, "every message that was accepted can be fetched");
  }

  // The longest request of the input is that of push_of_wrong_length().
  static constexpr std::size_t reply_and_request_bytes_max = 5 + 2 * 255 + 259;

  Setup setup_;
  SessionOracle oracle_;
  ScriptedTransport transport_;
  S store_;
  std::uint64_t packets_received_ = 0;
  std::uint64_t packets_sent_ = 0;
  Messenger<ScriptedTransport, S> messenger_;
};

}  // namespace
}  // namespace restante::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace restante::fuzz;
  Input input{{data, size}};
  const Setup setup = read_setup(input);
  if (setup.commits_late) {
    Session<LateStore>{setup}.run(input);
  } else {
    Session<restante::MemoryStore>{setup}.run(input);
  }
  return 0;
}
