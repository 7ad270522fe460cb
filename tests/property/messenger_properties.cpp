// The classic protocol as a whole: the real Messenger on the in-memory transport answers random commands byte for byte
// as the model does, and its numbers agree with the model after each of them.
//
// All links are alike and nothing jitters, so that messages arrive in the order in which they were sent, and the model
// can tell every reply beforehand.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <restante/memory.hpp>
#include <restante/messenger.hpp>

#include "classic_model.hpp"
#include "generators.hpp"
#include "raw_peer.hpp"

namespace restante::property {
namespace {

using namespace std::chrono_literals;

using test::Line;
using test::RawPeer;

constexpr std::size_t peers = 4;
constexpr Duration latency = 1ms;
constexpr Duration patience = 1min;

/// What the model knows of the whole system.
struct Situation {
  explicit Situation(ModelLimits limits) : model{limits} {}

  ClassicModel model;
  std::array<bool, peers> open{};
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_closed = 0;
  std::uint64_t packets = 0;
  std::uint64_t texts = 0;

  std::vector<Peer> open_peers() const {
    std::vector<Peer> result;
    for (Peer peer = 0; peer < peers; ++peer) {
      if (open[peer]) {
        result.push_back(peer);
      }
    }
    return result;
  }

  Bytes answer(Peer peer, const Packet& packet) {
    ++packets;
    return model.answer(peer, packet.bytes);
  }

  void opened(Peer peer) {
    open[peer] = true;
    ++connections_opened;
  }

  void closed(Peer peer) {
    open[peer] = false;
    ++connections_closed;
    model.close(peer);
  }
};

/// The real thing.
class System {
 public:
  explicit System(ModelLimits limits)
      : limits_{limits}, network_{{.seed = 1, .link = {.latency = latency}}}, server_{network_} {
    for (Peer peer = 0; peer < peers; ++peer) {
      peers_.emplace_back(network_, server_, "peer " + std::to_string(peer));
    }
    start();
  }

  void start() {
    messenger_.emplace(
        server_, MessengerOptions{.mailbox_messages_max = static_cast<std::uint32_t>(limits_.mailbox_messages_max),
                                  .payload_bytes_max = static_cast<std::uint32_t>(limits_.payload_bytes_max)});
  }

  void end() { messenger_.reset(); }

  RawPeer& peer(Peer peer) { return peers_[peer]; }
  MemoryNetwork& network() { return network_; }
  Messenger<MemoryServer>& messenger() { return *messenger_; }

  void settle() { RC_ASSERT(network_.run_until_quiet(patience)); }

  /// Every number that the Messenger gives must be the model's.
  void expect_numbers_of(const Situation& situation) {
    const ClassicModel& model = situation.model;
    const MessengerCounters counters = messenger_->counters();
    RC_ASSERT(counters.books.loaded + counters.books.stored == counters.books.taken + counters.books.held);
    RC_ASSERT(counters.books == (Books{model.loaded(), model.stored(), model.taken(), model.held()}));
    const ModelTally& tally = model.tally();
    RC_ASSERT(counters.answers.associated == tally.associated);
    RC_ASSERT(counters.answers.address_taken == tally.address_taken);
    RC_ASSERT(counters.answers.push_stored == tally.push_stored);
    RC_ASSERT(counters.answers.push_not_associated == tally.push_not_associated);
    RC_ASSERT(counters.answers.push_payload_too_large == tally.push_payload_too_large);
    RC_ASSERT(counters.answers.push_mailbox_full == tally.push_mailbox_full);
    RC_ASSERT(counters.answers.get_message == tally.get_message);
    RC_ASSERT(counters.answers.get_empty == tally.get_empty);
    RC_ASSERT(counters.answers.get_not_associated == tally.get_not_associated);
    RC_ASSERT(counters.answers.storage_unavailable == tally.storage_unavailable);
    RC_ASSERT(counters.addresses_held == model.ids_held());
    RC_ASSERT(counters.connections_opened == situation.connections_opened);
    RC_ASSERT(counters.connections_closed == situation.connections_closed);
    RC_ASSERT(counters.connections_open == situation.open_peers().size());
    RC_ASSERT(counters.packets_received == situation.packets);
    RC_ASSERT(counters.packets_sent == situation.packets);
    RC_ASSERT(counters.text_messages_refused == situation.texts);
    RC_ASSERT(counters.connections_paused == 0U);
    RC_ASSERT(counters.connections_stuck == 0U);
    RC_ASSERT(counters.store_available);
    RC_ASSERT(messenger_->store_available());
    for (std::uint32_t index = 0; index < Address::classic_count; ++index) {
      const auto id = static_cast<Id>(index);
      RC_ASSERT(messenger_->depth(Address{id}) == model.depth(id));
    }
    for (Peer peer = 0; peer < peers; ++peer) {
      RC_ASSERT(peers_[peer].fault().empty());
      RC_ASSERT(peers_[peer].is_open() == situation.open[peer]);
      RC_ASSERT(peers_[peer].is_free() != situation.open[peer]);
    }
  }

 private:
  ModelLimits limits_;
  MemoryNetwork network_;
  MemoryServer server_;
  std::deque<RawPeer> peers_;
  std::optional<Messenger<MemoryServer>> messenger_;
};

using Command = rc::state::Command<Situation, System>;

/// Something that a peer sends.
struct Message {
  Peer peer = 0;
  Packet packet;
};

// Generators that know the situation.

rc::Gen<Peer> some_open_peer(const Situation& situation) {
  return rc::gen::elementOf(situation.open_peers());
}

/// One of the ids of a peer more often than not.
rc::Gen<Id> own_id(const Situation& situation, Peer peer) {
  const std::vector<Id> ids = situation.model.ids_of(peer);
  if (ids.empty()) {
    return generate::id();
  }
  return rc::gen::weightedOneOf<Id>({{7, rc::gen::elementOf(ids)}, {1, generate::id()}});
}

rc::Gen<Packet> sensible_packet(const Situation& situation, Peer peer) {
  const rc::Gen<Id> own = own_id(situation, peer);
  return rc::gen::weightedOneOf<Packet>({{3, rc::gen::map(generate::id(), associate)},
                                         {6, generate::push_packet(own, generate::id())},
                                         {6, rc::gen::map(own, get)},
                                         {1, rc::gen::map(rc::gen::arbitrary<Id>(), associate)},
                                         {2, generate::any_packet()}});
}

std::vector<Message> messages_of(const Situation& situation, std::size_t count_max) {
  const std::size_t count = *rc::gen::inRange<std::size_t>(0, count_max + 1);
  std::vector<Message> messages;
  for (std::size_t index = 0; index < count; ++index) {
    const Peer peer = *some_open_peer(situation);
    messages.push_back({peer, *sensible_packet(situation, peer)});
  }
  return messages;
}

/// Messages that are in flight together, and the replies that must come: all of them, in order, after one round
/// trip, and nothing else.
class Exchange {
 public:
  Exchange(const Situation& before, System& system, const std::vector<Message>& messages) : system_{system} {
    Situation situation = before;
    for (Peer peer = 0; peer < peers; ++peer) {
      received_before_[peer] = before.open[peer] ? system.peer(peer).line().received.size() : 0;
    }
    for (const Message& message : messages) {
      system.peer(message.peer).send(message.packet.bytes);
      last_sent_[message.peer] = system.network().now();
      expected_[message.peer].push_back(situation.answer(message.peer, message.packet));
      // Far less than the latency, so that they are in flight together and yet arrive one after the other.
      system.network().run_for(1ns);
    }
  }

  void expect_replies(Peer peer) {
    const Line& line = system_.peer(peer).line();
    const std::vector<Bytes> received(line.received.begin() + static_cast<std::ptrdiff_t>(received_before_[peer]),
                                      line.received.end());
    RC_ASSERT(received == expected_[peer]);
    RC_ASSERT(received.empty() || line.close_code.has_value() || line.last_heard == last_sent_[peer] + 2 * latency);
  }

  void expect_replies_of_all(const Situation& situation) {
    for (const Peer peer : situation.open_peers()) {
      expect_replies(peer);
    }
  }

 private:
  System& system_;
  std::array<std::size_t, peers> received_before_{};
  std::array<SteadyTime, peers> last_sent_{};
  std::map<Peer, std::vector<Bytes>> expected_;
};

void show_messages(std::ostream& out, const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    out << "\n    " << message.peer << " > " << message.packet;
  }
}

class Connect final : public Command {
 public:
  explicit Connect(const Situation&) : peer_{*rc::gen::inRange<Peer>(0, peers)} {}
  void checkPreconditions(const Situation& situation) const override { RC_PRE(!situation.open[peer_]); }
  void apply(Situation& situation) const override { situation.opened(peer_); }
  void run(const Situation& before, System& system) const override {
    system.peer(peer_).open();
    system.settle();
    system.expect_numbers_of(nextState(before));
  }
  void show(std::ostream& out) const override { out << "connect " << peer_; }

 private:
  Peer peer_;
};

/// Several peers send before the first reply comes, each perhaps several messages.
class Talk : public Command {
 public:
  explicit Talk(const Situation& situation) : messages_{messages_of(situation, 6)} {}
  void checkPreconditions(const Situation& situation) const override {
    for (const Message& message : messages_) {
      RC_PRE(situation.open[message.peer]);
    }
  }
  void apply(Situation& situation) const override {
    for (const Message& message : messages_) {
      static_cast<void>(situation.answer(message.peer, message.packet));
    }
  }
  void run(const Situation& before, System& system) const override {
    Exchange exchange{before, system, messages_};
    system.settle();
    exchange.expect_replies_of_all(before);
    system.expect_numbers_of(nextState(before));
  }
  void show(std::ostream& out) const override {
    out << "talk";
    show_messages(out, messages_);
  }

 protected:
  Talk() = default;
  std::vector<Message> messages_;
};

/// Enough pushes to fill a mailbox, and gets to empty it, in flight together.
class Flood final : public Talk {
 public:
  explicit Flood(const Situation& situation) {
    const Peer peer = *some_open_peer(situation);
    const Id own = *own_id(situation, peer);
    const Id receiver = *generate::id();
    const std::size_t limit = situation.model.limits().mailbox_messages_max;
    const std::size_t count = *rc::gen::element<std::size_t>(limit - 1, limit, limit + 1);
    const bool pushes = *rc::gen::weightedElement<bool>({{2, true}, {1, false}});
    const auto seed = *rc::gen::arbitrary<std::uint16_t>();
    for (std::size_t number = 0; number < count; ++number) {
      const auto number_seed = static_cast<std::uint32_t>(seed + number);
      messages_.push_back({peer, pushes ? push(own, receiver, payload_of(number % 4, number_seed)) : get(own)});
    }
  }
  void show(std::ostream& out) const override { out << "flood of " << messages_.size() << " messages"; }
};

enum class Ending { closes, breaks, sends_text, sends_too_much };

/// A peer sends a few messages and its connection ends right behind them, or in their midst.
class Leave final : public Command {
 public:
  explicit Leave(const Situation& situation)
      : peer_{*some_open_peer(situation)},
        ending_{*rc::gen::element(Ending::closes, Ending::breaks, Ending::sends_text, Ending::sends_too_much)} {
    const std::size_t count = *rc::gen::inRange<std::size_t>(0, 5);
    for (std::size_t index = 0; index < count; ++index) {
      messages_.push_back({peer_, *sensible_packet(situation, peer_)});
    }
    arriving_ = ending_ == Ending::breaks ? *rc::gen::inRange<std::size_t>(0, count + 1) : count;
  }

  void checkPreconditions(const Situation& situation) const override { RC_PRE(situation.open[peer_]); }

  void apply(Situation& situation) const override {
    for (std::size_t index = 0; index < std::min(arriving_, messages_.size()); ++index) {
      static_cast<void>(situation.answer(peer_, messages_[index].packet));
    }
    situation.texts += ending_ == Ending::sends_text ? 1 : 0;
    situation.closed(peer_);
  }

  void run(const Situation& before, System& system) const override {
    Exchange exchange{before, system, messages_};
    RawPeer& peer = system.peer(peer_);
    switch (ending_) {
      case Ending::closes:
        peer.close();
        break;
      case Ending::breaks:
        system.network().break_connection(peer.line().connection,
                                          {.arrive_at_server = arriving_, .arrive_at_client = 0});
        break;
      case Ending::sends_text:
        peer.send_text("hello");
        break;
      case Ending::sends_too_much:
        peer.send(Bytes(64 * 1024 + 1, 0x01));
        break;
    }
    if (ending_ == Ending::sends_text) {
      // Nothing that comes behind it has an effect, or a reply.
      peer.send(associate(7).bytes);
    }
    system.settle();
    const Line& line = peer.line();
    switch (ending_) {
      case Ending::closes:
        RC_ASSERT(line.close_code == close_code::normal);
        break;
      case Ending::breaks:
        RC_ASSERT(line.close_code == close_code::abnormal);
        break;
      case Ending::sends_text:
        exchange.expect_replies(peer_);
        RC_ASSERT(line.close_code == close_code::unsupported_data);
        RC_ASSERT(!line.close_reason.empty());
        break;
      case Ending::sends_too_much:
        exchange.expect_replies(peer_);
        RC_ASSERT(line.close_code == close_code::message_too_big);
        break;
    }
    system.expect_numbers_of(nextState(before));
  }

  void show(std::ostream& out) const override {
    constexpr std::array names{"closes", "breaks", "sends text", "sends too much"};
    out << peer_ << " " << names[static_cast<std::size_t>(ending_)] << " after " << arriving_ << " of";
    show_messages(out, messages_);
  }

 private:
  Peer peer_;
  Ending ending_;
  std::vector<Message> messages_;
  std::size_t arriving_ = 0;
};

/// The server ends, in an orderly way or simply by being destroyed, and another one begins with empty mailboxes.
class Restart final : public Command {
 public:
  explicit Restart(const Situation& situation)
      : orderly_{*rc::gen::arbitrary<bool>()},
        messages_{situation.open_peers().empty() ? std::vector<Message>{} : messages_of(situation, 3)} {}

  void checkPreconditions(const Situation& situation) const override {
    for (const Message& message : messages_) {
      RC_PRE(situation.open[message.peer]);
    }
  }

  void apply(Situation& situation) const override { situation = Situation{situation.model.limits()}; }

  void run(const Situation& before, System& system) const override {
    Exchange exchange{before, system, messages_};
    system.network().run_for(latency);
    // The requests were carried out, and their replies are under way.
    if (orderly_) {
      system.messenger().shut_down();
      system.messenger().shut_down();
    } else {
      system.end();
    }
    system.settle();
    exchange.expect_replies_of_all(before);
    for (const Peer peer : before.open_peers()) {
      RC_ASSERT(system.peer(peer).line().close_code == close_code::going_away);
    }
    if (orderly_) {
      expect_nobody_gets_in(before, system);
      system.end();
    }
    system.start();
    system.expect_numbers_of(nextState(before));
  }

  void show(std::ostream& out) const override {
    out << (orderly_ ? "orderly restart" : "restart") << " after";
    show_messages(out, messages_);
  }

 private:
  static void expect_nobody_gets_in(const Situation& before, System& system) {
    RC_ASSERT(system.messenger().counters().connections_open == 0U);
    RC_ASSERT(system.messenger().counters().addresses_held == 0U);
    RC_ASSERT(system.messenger().counters().connections_closed == before.connections_opened);
    system.peer(0).open();
    system.settle();
    RC_ASSERT(system.peer(0).line().close_code == close_code::going_away);
    RC_ASSERT(!system.peer(0).line().close_reason.empty());
  }

  bool orderly_;
  std::vector<Message> messages_;
};

template <class C>
rc::Gen<std::shared_ptr<const Command>> command(const Situation& situation) {
  return rc::gen::exec([situation]() -> std::shared_ptr<const Command> { return std::make_shared<C>(situation); });
}

rc::Gen<std::shared_ptr<const Command>> next_command(const Situation& situation) {
  if (situation.open_peers().empty()) {
    return command<Connect>(situation);
  }
  const bool room = situation.open_peers().size() < peers;
  return rc::gen::weightedOneOf<std::shared_ptr<const Command>>(
      {{std::size_t{room ? 4U : 0U}, command<Connect>(situation)},
       {12, command<Talk>(situation)},
       {2, command<Flood>(situation)},
       {2, command<Leave>(situation)},
       {1, command<Restart>(situation)}});
}

void answers_like_the_model(ModelLimits limits) {
  System system{limits};
  rc::state::check(Situation{limits}, system, next_command);
}

RC_GTEST_PROP(MessengerAgainstTheModel, AnswersEveryCommandByteForByteAndItsBooksBalance, ()) {
  answers_like_the_model({});
}

RC_GTEST_PROP(MessengerAgainstTheModel, KeepsToSmallLimitsThatAreReachedOften, ()) {
  answers_like_the_model({*rc::gen::element<std::size_t>(1, 2, 3, 5), *rc::gen::element<std::size_t>(254, 253, 1, 0)});
}

}  // namespace
}  // namespace restante::property
