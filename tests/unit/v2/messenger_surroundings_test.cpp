// What a Messenger that serves restante.v2 does with its surroundings: clients of the classic protocol, stores,
// authenticators, events, and its own end.
#include <restante/messenger.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "support/slow_authenticator.hpp"
#include "support/slow_store.hpp"
#include "support/v2_office.hpp"

namespace restante {
namespace {

using namespace test;
using namespace std::chrono_literals;

// Clients of both protocols.

class V2AndClassic : public ::testing::Test {
 protected:
  V2AndClassic() { office_.start(); }

  std::vector<Bytes> ask(Connection connection, const Bytes& request) {
    return office_.transport.ask(connection, request);
  }

  using Replies = std::vector<Bytes>;
  Office<> office_;
};

TEST_F(V2AndClassic, PassMessagesBothWays) {
  const Connection one = office_.transport.connect();
  Peer two = office_.open("2");
  EXPECT_EQ(ask(one, associate(1)), Replies{association_success(1)});
  EXPECT_EQ(office_.push(two, "1", "to one", 1), Heard{"accepted"});
  EXPECT_EQ(ask(one, get(1)), Replies{get_response(1, 2, "to one")});
  EXPECT_EQ(office_.receipt(two, 1), Heard{"state 4"});
  EXPECT_EQ(office_.fetch(two, {.wait_ms = 1'000}), Heard{});
  EXPECT_EQ(ask(one, push(1, 2, "to two")), Replies{positive_ack(1)});
  EXPECT_EQ(office_.hear(two), (Heard{"to 4: message 0 1 to two", "to 4: fetched 1 0"}));
  EXPECT_EQ(office_.status(two), Heard{"mailbox of 1 6 aged 0 stored 1 acknowledged 0 taken 0 expired 0 purged 0"});
}

TEST_F(V2AndClassic, ExcludeEachOtherFromAnId) {
  const Connection classic = office_.transport.connect();
  ask(classic, associate(1));
  Peer peer = office_.connect();
  EXPECT_EQ(office_.open(peer, "1"), Heard{"refused address_taken"});
  EXPECT_EQ(office_.open(peer, "2"), Heard{"opened"});
  EXPECT_EQ(ask(classic, associate(2)), Replies{unknown_error(2)});
  EXPECT_EQ(ask(classic, get(2)), Replies{association_failed(2)});
  office_.transport.disconnect(peer.connection);
  EXPECT_EQ(ask(classic, associate(2)), Replies{association_success(2)});
}

TEST_F(V2AndClassic, KeepClassicIdsWithinTheLimitsOfTheClassicProtocol) {
  Peer one = office_.open("1");
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.push(ada, "7", "hi"), Heard{"refused classic_limit"}) << "who sent it could not be shown";
  EXPECT_EQ(office_.push(one, "7", std::string(255, 'x')), Heard{"refused classic_limit"});
  EXPECT_EQ(office_.push(one, "ada", std::string(255, 'x')), Heard{"accepted"});
  for (int count = 0; count < 100; ++count) {
    ASSERT_EQ(office_.push(one, "7", std::string(254, 'x')), Heard{"accepted"});
  }
  EXPECT_EQ(office_.push(one, "7", ""), Heard{"refused mailbox_full"});
  EXPECT_EQ(office_.push(ada, "7", ""), Heard{"refused classic_limit"}) << "which is said first";
}

TEST_F(V2AndClassic, LeaveWhatIsNotAcknowledgedToAClassicGet) {
  Peer one = office_.open("1");
  office_.push(one, "1", "first", 1);
  office_.push(one, "1", "second", 2);
  office_.fetch(one, {.messages = 1});
  office_.transport.disconnect(one.connection);
  const Connection classic = office_.transport.connect();
  ask(classic, associate(1));
  EXPECT_EQ(ask(classic, get(1)), Replies{get_response(1, 1, "first")});
  office_.transport.disconnect(classic);
  one = office_.open("1");
  EXPECT_EQ(one.opened.depth, 1U);
  EXPECT_EQ(one.opened.first_unacknowledged, 1U);
  EXPECT_EQ(office_.receipt(one, 1), Heard{"state 4"});
  EXPECT_EQ(office_.status(one), Heard{"mailbox of 1 6 aged 0 stored 2 acknowledged 0 taken 1 expired 0 purged 0"});
}

// The end.

TEST(V2ShutDown, AnswersWhoWaitsAndCloses) {
  Office<> office;
  office.start();
  Peer ada = office.open("ada");
  office.fetch(ada, {.wait_ms = 1'000});
  office.receipt(ada, 1, 0, 1'000);
  office.messenger().shut_down();
  EXPECT_EQ(office.hear(ada), (Heard{"to 2: refused going_away", "to 3: refused going_away"}));
  EXPECT_EQ(office.transport.close_code_of(ada.connection), close_code::going_away);
  EXPECT_EQ(office.messenger().counters().waits, 0U);
}

// Stores.

// A SlowStore that is told of everything and keeps addresses, as if these were durable at once.
class NamedStore : public SlowStore {
 public:
  using SlowStore::record;
  void record(const AddressAdded& added) { names_[added.address] = {std::string{as_text(added.name)}, added.epoch}; }
  void record(const AddressOpened&) {}
  void record(const AddressForgotten& forgotten) { names_.erase(forgotten.address); }
  void record(const MessagesDelivered&) {}
  void record(const MessagesAcknowledged&) {}
  void record(const MessageRemoved&) {}
  void record(const MemberJoined&) {}
  void record(const MemberLeft&) {}
  void record(const MemberDelivered&) {}
  void record(const MemberAcknowledged&) {}

  std::error_code load(MessageLoader& loader) {
    for (const auto& [address, kept] : names_) {
      loader.address({address, as_bytes(kept.name), kept.epoch}, true);
    }
    return SlowStore::load(loader);
  }

 private:
  struct Name {
    std::string name;
    Epoch epoch = 0;
  };
  std::map<Address, Name> names_;
};

static_assert(RecordsNamedMailboxes<NamedStore> && !RecordsNamedMailboxes<SlowStore>);

TEST(V2Store, HoldsRepliesBackUntilWhatTheyPromiseIsDurable) {
  Office<NamedStore> office;
  office.start();
  Peer ada = office.connect();
  EXPECT_EQ(office.open(ada, "ada"), Heard{}) << "there is an address now";
  office.store.complete();
  office.transport.deliver_wake();
  EXPECT_EQ(office.hear(ada), Heard{"to 1: opened"});
  EXPECT_EQ(office.push(ada, "ada", "hi", 1), Heard{});
  EXPECT_EQ(office.receipt(ada, 1), Heard{}) << "nor what follows";
  office.store.complete();
  office.transport.deliver_wake();
  EXPECT_EQ(office.hear(ada), (Heard{"to 2: accepted", "to 3: state 1"}));
}

TEST(V2Store, ThatFailsClosesConnectionsThatOpenedAnAddress) {
  Office<NamedStore> office;
  office.start();
  Peer ada = office.connect();
  office.open(ada, "ada");
  office.store.complete();
  office.transport.deliver_wake();
  office.hear(ada);
  const Connection classic = office.transport.connect();
  office.transport.receive(classic, associate(1));
  const Epoch epoch = ada.opened.epoch;
  const Peer bob = office.connect();
  Peer eve = office.connect();
  office.open(eve, "eve");
  office.store.set_load_error(Error::storage_unavailable);
  office.store.fail();
  office.transport.deliver_wake();
  EXPECT_EQ(office.transport.close_code_of(eve.connection), close_code::try_again_later);
  EXPECT_EQ(office.transport.close_code_of(ada.connection), close_code::try_again_later)
      << "what it knows of its mailbox may not hold any more";
  EXPECT_EQ(office.transport.close_code_of(bob.connection), 0);
  EXPECT_EQ(office.transport.close_code_of(classic), 0);
  Peer fred = office.connect();
  EXPECT_EQ(office.open(fred, "fred"), Heard{"refused storage_unavailable"});
  office.store.set_load_error({});
  office.advance(1s);
  EXPECT_TRUE(office.messenger().store_available());
  EXPECT_EQ(office.open(fred, "ada"), Heard{"opened"});
  EXPECT_EQ(fred.opened.epoch, epoch) << "the store kept it";
}

TEST(V2Store, ThatKeepsNoNamesServesTheClassicProtocolOnly) {
  Office<SlowStore> office;
  office.start();
  EXPECT_TRUE(office.transport.listener().protocols().empty());
  const Connection peer = office.transport.connect("peer", v2::protocol_name);
  EXPECT_EQ(office.transport.ask(peer, Bytes{0, 0, 1}), std::vector<Bytes>{association_success(1)});
}

TEST(V2Store, ThatKeepsNamesIsOfferedWithTheLongestMessage) {
  Office<> office;
  office.start({.limits = {.payload_bytes_max = 100}});
  ASSERT_EQ(office.transport.listener().protocols().size(), 1U);
  EXPECT_EQ(office.transport.listener().protocols()[0].name, v2::protocol_name);
  EXPECT_EQ(office.transport.listener().protocols()[0].message_bytes_max, 1'224U);
}

// Gives back a mailbox and a room, each with a message that was delivered and one that was not, all of which expire.
class FilledStore : public MemoryStore {
 public:
  static constexpr std::uint64_t expires_ms = 1'700'000'001'000;

  std::error_code load(MessageLoader& loader) {
    constexpr Address ada = Address::at(256);
    constexpr Address lobby = Address::at(257);
    loader.address({ada, as_bytes("ada"), 77}, true);
    loader.address({lobby, as_bytes("#lobby"), 88}, false);
    for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
      loader.sequence(ada, sequence, sequence % 2 == 1 ? MessageState::fetched : MessageState::waiting);
    }
    loader.member({lobby, ada, 0}, 1);
    loader.delivered({ada, 0});
    loader.message({ada, 0, ada, as_bytes("read"), 1, 5, expires_ms});
    loader.message({ada, 1, ada, as_bytes("unread"), 2, 5, expires_ms});
    loader.message({lobby, 0, ada, as_bytes("read"), 3, 5, expires_ms});
    loader.message({lobby, 1, ada, as_bytes("unread"), 4, 5, expires_ms});
    loader.next_offset(ada, 9);
    return {};
  }
};

// Gives back a message that is longer than any list of members.
class StoreOfLongMail : public MemoryStore {
 public:
  static inline const std::vector<std::uint8_t> payload = std::vector<std::uint8_t>(50'000, 'x');

  std::error_code load(MessageLoader& loader) {
    constexpr Address ada = Address::at(256);
    loader.address({ada, as_bytes("ada"), 77}, true);
    loader.message({ada, 0, ada, payload, 0, 5, 0});
    return {};
  }
};

TEST(V2Store, GivesBackWhatIsLongerThanMayBePushedNow) {
  Office<StoreOfLongMail> office;
  office.start({.limits = {.payload_bytes_max = 100}});
  Peer ada = office.open("ada");
  EXPECT_EQ(ada.opened.payload_bytes_max, 100U);
  const std::string payload(StoreOfLongMail::payload.begin(), StoreOfLongMail::payload.end());
  EXPECT_EQ(office.fetch(ada), (Heard{"message 0 ada " + payload, "fetched 1 0"}));
}

TEST(V2Store, GivesBackWhatItKept) {
  Office<FilledStore> office;
  office.start();
  Peer ada = office.open("ada");
  EXPECT_EQ(ada.opened.epoch, 77U);
  EXPECT_EQ(ada.opened.depth, 2U);
  EXPECT_EQ(ada.opened.highest_sequence, 4U);
  EXPECT_EQ(office.messenger().counters().books, (Books{.loaded = 4, .held = 4}));
  EXPECT_EQ(office.push(ada, "ada", "again", 2), Heard{"accepted again"});
  EXPECT_EQ(office.acknowledge(ada, 1), Heard{"refused malformed"});
  EXPECT_EQ(office.acknowledge(ada, 0), Heard{"acked"}) << "was delivered before";
  EXPECT_EQ(office.push(ada, "ada", "next", 5), Heard{"accepted"});
  EXPECT_EQ(office.fetch(ada), (Heard{"message 1 ada unread", "message 9 ada next", "fetched 2 0"}));
  EXPECT_EQ(office.join(ada, "#lobby"), Heard{"joined 0 0 2"});
}

TEST(V2Store, GivesBackWhatExpiresUnlessItWasDelivered) {
  Office<FilledStore> office;
  office.start();
  Peer ada = office.open("ada");
  office.advance(1s);
  EXPECT_EQ(office.receipt(ada, 1), Heard{"state 2"});
  EXPECT_EQ(office.receipt(ada, 2), Heard{"state 5"});
  EXPECT_EQ(office.receipt(ada, 3), Heard{"state 2"});
  EXPECT_EQ(office.receipt(ada, 4), Heard{"state 5"});
  EXPECT_EQ(office.fetch(ada, {.source = "*"}),
            (Heard{"message 0 ada read", "message #lobby 0 ada read", "missed #lobby 1", "fetched 2 0"}));
}

TEST(V2Store, GivesBackWhatExpiresEvenWhereNobodyComes) {
  Office<FilledStore> office;
  office.start();
  office.advance(999ms);
  EXPECT_EQ(office.messenger().counters().books, (Books{.loaded = 4, .held = 4}));
  office.advance(1ms);
  EXPECT_EQ(office.messenger().counters().books, (Books{.loaded = 4, .held = 2, .expired = 2}));
}

// Credentials.

class V2Credentials : public ::testing::Test {
 protected:
  V2Credentials() {
    office_.start({.on_event = [this](const Event& told) {
      if (const auto* const received = std::get_if<event::PacketReceived>(&told)) {
        packets_ += received->packet;
      } else if (const auto* const sent = std::get_if<event::PacketSent>(&told)) {
        packets_ += sent->packet;
      }
    }});
  }

  Heard open(Peer& peer, std::string_view address) {
    return office_.open(peer, address, Proof::credential, as_bytes("hunter2"));
  }

  void end(std::size_t index, Verdict verdict) {
    office_.authenticator.end(index, verdict);
    office_.transport.deliver_wake();
  }

  // Whether bytes were told of in the events of packets.
  bool told_of(BytesView bytes) const {
    return std::search(packets_.begin(), packets_.end(), bytes.begin(), bytes.end()) != packets_.end();
  }

  Bytes packets_;
  Office<MemoryStore, SlowAuthenticator> office_;
};

TEST_F(V2Credentials, AreAskedForBeforeAnythingIsSaidOfTheAddress) {
  Peer peer = office_.connect();
  const Heard refused{"refused unauthorised"};
  EXPECT_EQ(office_.open(peer, "ada"), refused);
  EXPECT_EQ(office_.open(peer, "#lobby"), refused);
  EXPECT_EQ(office_.open(peer, "ada", Proof::resume_token, ResumeToken{}), refused);
  EXPECT_TRUE(office_.authenticator.asked.empty());
}

TEST_F(V2Credentials, OpenTheAddressOnceTheyWereAccepted) {
  Peer ada = office_.connect();
  EXPECT_EQ(open(ada, "ada"), Heard{});
  EXPECT_TRUE(office_.transport.is_paused(ada.connection)) << "what comes meanwhile has to wait";
  ASSERT_EQ(office_.authenticator.asked.size(), 1U);
  EXPECT_EQ(office_.authenticator.asked[0].address, "ada");
  EXPECT_EQ(office_.authenticator.asked[0].credential, "hunter2");
  end(0, Verdict::accepted);
  EXPECT_EQ(office_.hear(ada), Heard{"to 1: opened"});
  EXPECT_FALSE(office_.transport.is_paused(ada.connection));
  EXPECT_EQ(open(ada, "bob"), Heard{"refused already_open"});
}

TEST_F(V2Credentials, ThatAreWrongAreAnsweredLater) {
  Peer ada = office_.connect();
  open(ada, "ada");
  end(0, Verdict::rejected);
  EXPECT_EQ(office_.messenger().counters().credentials_rejected, 1U);
  office_.advance(999ms);
  EXPECT_EQ(office_.hear(ada), Heard{});
  EXPECT_TRUE(office_.transport.is_paused(ada.connection));
  office_.advance(1ms);
  EXPECT_EQ(office_.hear(ada), Heard{"to 1: refused unauthorised"});
  EXPECT_FALSE(office_.transport.is_paused(ada.connection)) << "it may try again";
  open(ada, "ada");
  end(1, Verdict::accepted);
  EXPECT_EQ(office_.hear(ada), Heard{"to 2: opened"});
}

TEST_F(V2Credentials, ThatCouldNotBeCheckedAreRefusedAtOnce) {
  Peer ada = office_.connect();
  open(ada, "ada");
  end(0, Verdict::unavailable);
  EXPECT_EQ(office_.hear(ada), Heard{"to 1: refused limit_reached"});
  EXPECT_FALSE(office_.transport.is_paused(ada.connection));
  EXPECT_EQ(office_.messenger().counters().credentials_rejected, 0U);
}

TEST_F(V2Credentials, ThatWereAcceptedTakeAnAddressOver) {
  Peer lost = office_.connect();
  open(lost, "ada");
  end(0, Verdict::accepted);
  office_.hear(lost);
  Peer found = office_.connect();
  open(found, "ada");
  EXPECT_EQ(office_.transport.close_code_of(lost.connection), 0) << "not before it is accepted";
  end(1, Verdict::accepted);
  EXPECT_EQ(office_.hear(found), Heard{"to 1: opened taking over"});
  EXPECT_EQ(office_.transport.close_code_of(lost.connection), close_code::taken_over);
}

TEST_F(V2Credentials, OfAConnectionThatIsGoneAreForgotten) {
  Peer ada = office_.connect();
  open(ada, "ada");
  office_.transport.disconnect(ada.connection);
  const Peer other = office_.connect();
  EXPECT_EQ(other.connection.slot, ada.connection.slot);
  end(0, Verdict::accepted);
  EXPECT_TRUE(office_.transport.record(other.connection).sent.empty());
  EXPECT_EQ(office_.messenger().counters().addresses_held, 0U);
}

TEST_F(V2Credentials, AreAskedOfClassicClientsToo) {
  const Connection peer = office_.transport.connect();
  EXPECT_EQ(office_.transport.ask(peer, associate(7)), std::vector<Bytes>{association_failed(7)});
  Bytes request = associate(7);
  request += as_bytes("hunter2");
  EXPECT_TRUE(office_.transport.ask(peer, request).empty());
  EXPECT_EQ(office_.authenticator.asked.at(0).address, "7");
  end(0, Verdict::accepted);
  EXPECT_EQ(office_.transport.replies(peer), std::vector<Bytes>{association_success(7)});
  EXPECT_FALSE(told_of(as_bytes("hunter2")));
}

TEST_F(V2Credentials, AndTokensAreNotToldOf) {
  Peer ada = office_.connect();
  open(ada, "ada");
  end(0, Verdict::accepted);
  office_.hear(ada);
  office_.push(ada, "known", "payload");
  EXPECT_TRUE(told_of(as_bytes("ada")));
  EXPECT_TRUE(told_of(as_bytes("payload"))) << "the rest is";
  EXPECT_FALSE(told_of(as_bytes("hunter2")));
  EXPECT_FALSE(told_of(ada.opened.resume_token));
}

TEST_F(V2Credentials, SayWhoMayHaveMailAndWhoMayBeWhere) {
  Peer ada = office_.connect();
  Peer eve = office_.connect();
  open(ada, "ada");
  open(eve, "eve");
  end(0, Verdict::accepted);
  end(1, Verdict::accepted);
  office_.hear(ada);
  office_.hear(eve);
  EXPECT_EQ(office_.push(ada, "nobody", "hi"), Heard{"refused no_such_address"});
  EXPECT_EQ(office_.push(ada, "known", "hi"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "eve", "hi"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "7", "hi"), Heard{"refused classic_limit"});
  EXPECT_EQ(office_.join(eve, "#public"), Heard{"refused no_such_room"});
  EXPECT_EQ(office_.join(ada, "#secret"), Heard{"refused unauthorised"});
  EXPECT_EQ(office_.join(ada, "#public"), Heard{"joined 0 0 0"});
  EXPECT_EQ(office_.join(eve, "#public"), Heard{"joined 0 0 0"});
}

}  // namespace
}  // namespace restante
