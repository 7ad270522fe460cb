#include <restante/v2/client.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "support/assertion_throws.hpp"
#include "support/packets.hpp"
#include "support/recording_transport.hpp"
#include "support/scripted_server.hpp"

namespace restante::v2 {

// It asks its transport for no more than the concept says.
template class Client<TransportArchetype>;

namespace {

using namespace test;
using namespace std::chrono_literals;

using Told = std::vector<std::string>;

struct DescribeEvent {
  std::string operator()(const client_event::AddressOpened& told) const {
    return told.epoch_changed ? "opened with another epoch" : "opened";
  }
  std::string operator()(const client_event::Disconnected& told) const {
    return "disconnected " + std::to_string(told.code) + (told.reconnects ? " and reconnects" : "");
  }
  std::string operator()(const client_event::AddressRefused& told) const {
    return std::string{name_of(told.reason)} + (told.tries_again ? " for now" : " for good");
  }
  std::string operator()(const client_event::ProtocolMissing&) const { return "no restante.v2"; }
  std::string operator()(const client_event::PushEnded& told) const {
    return "push " + std::to_string(told.result.id) + " " + (told.error ? told.error.message() : "accepted");
  }
  std::string operator()(const client_event::AllDelivered&) const { return "all delivered"; }
  std::string operator()(const client_event::MessagesMissed& told) const {
    return "missed " + std::to_string(told.count) + " of " + std::string{told.room} + " up to " +
           std::to_string(told.offset) + " in " + std::to_string(told.epoch);
  }
  std::string operator()(const client_event::RoomRefused& told) const {
    return std::string{told.room} + ": " + std::string{name_of(told.reason)} +
           (told.tries_again ? " for now" : " for good");
  }
  std::string operator()(const client_event::RoomRestarted& told) const {
    return std::string{told.room} + " has another epoch";
  }
  std::string operator()(const client_event::MailFromOtherRoom& told) const {
    return "mail from " + std::string{told.room};
  }
  std::string operator()(const client_event::StorageFailed& told) const { return told.error.message(); }
};

// Keep what they are told, fail when they are told to, and outlive a client.
class TestOutbox {
 public:
  struct Kept {
    std::string receiver;
    std::string payload;
    std::chrono::milliseconds time_to_live{};
    Epoch epoch = 0;
    std::uint64_t sequence = 0;
  };
  std::error_code load(OutboxLoader& loader) {
    for (const auto& [id, kept] : messages) {
      loader.message({id, kept.receiver, kept.time_to_live, as_bytes(kept.payload), kept.sequence, kept.epoch});
    }
    return failure;
  }
  std::error_code added(const OutgoingMessage& message) {
    if (!failure) {
      messages[message.id] = {std::string{message.receiver}, std::string{as_text(message.payload)},
                              message.time_to_live, message.epoch, message.sequence};
    }
    return failure;
  }
  std::error_code numbered(PushId id, Epoch epoch, std::uint64_t sequence) {
    if (!failure) {
      messages.at(id).epoch = epoch;
      messages.at(id).sequence = sequence;
    }
    return failure;
  }
  void removed(PushId id) { messages.erase(id); }

  std::map<PushId, Kept> messages;
  std::error_code failure;
};

class TestInbox {
 public:
  std::optional<Offset> handled_up_to(std::string_view source, Epoch epoch) {
    const auto found = offsets.find({std::string{source}, epoch});
    return found == offsets.end() ? std::nullopt : std::optional{found->second};
  }
  std::error_code handled(std::string_view source, Epoch epoch, Offset offset) {
    if (!failure) {
      offsets[{std::string{source}, epoch}] = offset;
    }
    return failure;
  }

  std::map<std::pair<std::string, Epoch>, Offset> offsets;
  std::error_code failure;
};

using TestClient = Client<RecordingTransport, TestOutbox, TestInbox>;
static_assert(!std::is_copy_constructible_v<TestClient>);

class V2Client : public ::testing::Test {
 protected:
  // A client of "ada" that takes mail, connected, with its address open and its first FETCH taken.
  TestClient& open_client(ClientOptions options = {}, Opened opened = ScriptedServer::usual()) {
    TestClient& client = make_client(std::move(options));
    client.connect();
    server_.accept();
    server_.open(opened);
    if (takes_mail_) {
      fetch_ = server_.take<Fetch>();
    }
    return client;
  }

  TestClient& make_client(ClientOptions options = {}) {
    options.address = options.address.empty() ? "ada" : options.address;
    options.on_event = [this](const ClientEvent& event) {
      told_.push_back(std::visit(DescribeEvent{}, event));
      if (on_missed_ && std::holds_alternative<client_event::MessagesMissed>(event)) {
        on_missed_();
      }
    };
    if (takes_mail_) {
      options.on_message = [this](const Delivery& delivery) {
        handed_.push_back(std::string{delivery.source} + std::to_string(delivery.offset) + " " +
                          std::string{delivery.sender} + ": " + std::string{as_text(delivery.payload)});
        return handling_;
      };
    }
    client_ = std::make_unique<TestClient>(transport_, outbox_, inbox_, std::move(options));
    return *client_;
  }

  PushCallback tell_push(std::string name) {
    return [this, name](std::error_code error, const PushResult& result) {
      told_.push_back(name + " " + (error ? error.message() : "accepted as " + std::to_string(result.sequence)));
    };
  }

  static std::string refused(std::string_view name, Refusal reason) {
    return std::string{name} + " " + make_error_code(reason).message();
  }

  // The server delivers to the FETCH that waits.
  void deliver(Offset offset, std::string_view text, std::string_view source = "") {
    server_.say(Message{fetch_.tag, as_bytes(source), offset, 1, as_bytes("bob"), as_bytes(text)});
  }
  void end_turn() { transport_.end_turn(); }

  std::string take_ack() {
    const auto packet = server_.take<Acknowledge>();
    last_ack_ = packet.tag;
    return std::string{as_text(packet.source)} + std::to_string(packet.offset) + " in " + std::to_string(packet.epoch);
  }

  // The connection breaks, the client comes back, and its address is open again.
  void break_and_open(Opened opened = ScriptedServer::usual()) {
    server_.leave();
    server_.accept_again();
    server_.open(opened);
  }

  bool takes_mail_ = false;
  Handling handling_ = Handling::done;
  Callback<void()> on_missed_;
  RecordingTransport transport_;
  ScriptedServer server_{transport_};
  TestOutbox outbox_;
  TestInbox inbox_;
  std::unique_ptr<TestClient> client_;
  Fetch fetch_;
  Tag last_ack_ = 0;
  Told told_;
  Told handed_;
};

class V2ClientInbox : public V2Client {
 protected:
  V2ClientInbox() { takes_mail_ = true; }

  // The client joins a room, or joins it again, and its FETCH after that is taken.
  void join_room(Offset cursor, Offset next, Epoch epoch = 70) {
    server_.reply(Joined{server_.take<Join>().tag, epoch, 0, cursor, next});
    fetch_ = server_.take<Fetch>();
  }
  void break_and_join(Offset cursor, Offset next, Epoch epoch = 70) {
    break_and_open();
    join_room(cursor, next, epoch);
  }
  void miss(std::uint64_t count) { server_.say(Missed{fetch_.tag, as_bytes("#tea"), count}); }
  void end_fetch(std::uint64_t delivered, std::uint64_t remaining) {
    server_.say(Fetched{fetch_.tag, delivered, remaining});
  }

  // What it was told that it missed.
  Told missed() const {
    Told all;
    std::copy_if(told_.begin(), told_.end(), std::back_inserter(all),
                 [](const std::string& told) { return told.starts_with("missed"); });
    return all;
  }
};

// Opening.

TEST_F(V2Client, OffersItsProtocolAndOpensItsAddress) {
  TestClient& client = make_client();
  ASSERT_EQ(transport_.listener().protocols().size(), 1U);
  EXPECT_EQ(transport_.listener().protocols()[0].name, "restante.v2");
  client.connect();
  server_.accept();
  EXPECT_FALSE(client.is_open());
  const Open open = server_.open();
  EXPECT_EQ(as_text(open.address), "ada");
  EXPECT_EQ(open.proof, Proof::none);
  EXPECT_TRUE(client.is_open());
  EXPECT_TRUE(server_.nothing_more()) << "without a handler, nothing is fetched";
  EXPECT_EQ(told_, Told{"opened"});
}

TEST_F(V2Client, LeavesAServerThatDoesNotSpeakItsProtocol) {
  TestClient& client = make_client();
  client.connect();
  server_.accept("");
  EXPECT_EQ(transport_.close_code_of(server_.connection()), 1000);
  server_.leave(close_code::normal);
  EXPECT_EQ(client.state(), ClientState::idle);
  EXPECT_EQ(told_, (Told{"no restante.v2", "disconnected 1000"}));
  EXPECT_EQ(transport_.wake_time(), never);
}

TEST_F(V2Client, ProvesWithItsTokenThatTheAddressIsItsOwnWhenItComesBack) {
  open_client();
  server_.leave();
  server_.accept_again();
  const auto open = server_.take<Open>();
  EXPECT_EQ(open.proof, Proof::resume_token);
  EXPECT_EQ(Bytes{open.secret}, (Bytes{1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST_F(V2Client, ShowsItsCredential) {
  TestClient& client = make_client({.credential = "secret"});
  client.connect();
  server_.accept();
  Open open = server_.open();
  EXPECT_EQ(open.proof, Proof::credential);
  EXPECT_EQ(as_text(open.secret), "secret");
  client.set_credential("newer");
  server_.leave();
  server_.accept_again();
  open = server_.take<Open>();
  EXPECT_EQ(as_text(open.secret), "newer");
}

TEST_F(V2Client, TriesItsTokenWhereItsCredentialWasIgnored) {
  open_client({.credential = "secret"});
  server_.leave();
  server_.accept_again();
  server_.refuse(server_.take<Open>().tag, Refusal::address_taken);
  EXPECT_EQ(server_.open().proof, Proof::resume_token);
  EXPECT_TRUE(client_->is_open());
}

TEST_F(V2Client, OpensATakenAddressLater) {
  TestClient& client = make_client({.retry_after = 2s});
  client.connect();
  server_.accept();
  server_.refuse(server_.take<Open>().tag, Refusal::address_taken);
  EXPECT_EQ(told_, Told{"address_taken for now"});
  transport_.advance(2s - 1ns);
  EXPECT_TRUE(server_.nothing_more());
  transport_.advance(1ns);
  server_.open();
  EXPECT_TRUE(client.is_open());
}

TEST_F(V2Client, StopsWhenTheAddressIsRefusedForGood) {
  for (const Refusal reason : {Refusal::unauthorised, Refusal::bad_address, Refusal::no_such_address}) {
    told_.clear();
    RecordingTransport transport;
    TestClient client{transport, outbox_, inbox_, {.address = "ada", .on_event = [&](const ClientEvent& event) {
                                                     told_.push_back(std::visit(DescribeEvent{}, event));
                                                   }}};
    ScriptedServer server{transport};
    client.connect();
    server.accept();
    server.refuse(server.take<Open>().tag, reason);
    EXPECT_EQ(told_, Told{std::string{name_of(reason)} + " for good"});
    server.leave(close_code::normal);
    EXPECT_EQ(client.state(), ClientState::idle);
    EXPECT_EQ(transport.wake_time(), never);
  }
}

TEST_F(V2Client, DoesNotComeBackAfterATakeover) {
  TestClient& client = open_client();
  server_.leave(close_code::taken_over);
  EXPECT_EQ(client.state(), ClientState::idle);
  EXPECT_EQ(transport_.wake_time(), never);
  EXPECT_EQ(told_, (Told{"opened", "disconnected 4001"}));
  client.connect();
  server_.accept();
  server_.open();
  EXPECT_TRUE(client.is_open()) << "whoever asks for it gets another try";
}

// Pushing.

TEST_F(V2Client, NumbersWhatItPushesAndTellsWhatBecameOfIt) {
  TestClient& client = open_client();
  client.push("bob", as_bytes("one"), 5s, tell_push("one"));
  client.push("eve", as_bytes("two"), tell_push("two"));
  const auto one = server_.take<Push>();
  EXPECT_EQ(ScriptedServer::describe(one), "1 bob one");
  EXPECT_EQ(one.time_to_live_ms, 5000U);
  const auto two = server_.take<Push>();
  EXPECT_EQ(ScriptedServer::describe(two), "2 eve two");
  server_.reply(Accepted{two.tag, false});
  server_.refuse(one.tag, Refusal::mailbox_full);
  EXPECT_EQ(told_, (Told{"opened", "two accepted as 2", refused("one", Refusal::mailbox_full)}));
  EXPECT_EQ(client.outbox_messages(), 0U);
  EXPECT_TRUE(outbox_.messages.empty());
}

TEST_F(V2Client, PushesWhatWaitedOnceItsAddressIsOpen) {
  TestClient& client = make_client();
  client.push("bob", as_bytes("early"), tell_push("early"));
  client.connect();
  server_.accept();
  Opened opened = ScriptedServer::usual();
  opened.highest_sequence = 40;
  server_.open(opened);
  EXPECT_EQ(server_.accept_push(), "41 bob early");
  EXPECT_EQ(told_, (Told{"opened", "early accepted as 41"}));
}

TEST_F(V2Client, PushesAgainWithTheSameNumbersInOrder) {
  TestClient& client = open_client();
  client.push("bob", as_bytes("one"), tell_push("one"));
  client.push("eve", as_bytes("two"), tell_push("two"));
  client.push("bob", as_bytes("three"), tell_push("three"));
  server_.take<Push>();
  server_.take<Push>();
  EXPECT_TRUE(server_.nothing_more()) << "one at a time for each receiver";
  Opened opened = ScriptedServer::usual();
  opened.highest_sequence = 1;
  break_and_open(opened);
  EXPECT_EQ(server_.accept_push(true), "1 bob one");
  EXPECT_EQ(server_.accept_push(), "2 eve two");
  EXPECT_EQ(server_.accept_push(), "3 bob three");
  EXPECT_TRUE(server_.nothing_more());
  EXPECT_EQ(told_, (Told{"opened", "disconnected 1006 and reconnects", "opened", "one accepted as 1",
                         "two accepted as 2", "three accepted as 3"}));
}

TEST_F(V2Client, SendsNothingAgainOfWhichNothingCanBeKnown) {
  TestClient& client = open_client();
  client.push("bob", as_bytes("sent"), tell_push("sent"));
  client.push("bob", as_bytes("waited"), tell_push("waited"));
  server_.take<Push>();
  Opened opened = ScriptedServer::usual();
  opened.epoch = 8;
  opened.highest_sequence = 3;
  break_and_open(opened);
  EXPECT_EQ(told_.back(), "sent " + make_error_code(Error::outcome_unknown).message());
  EXPECT_EQ(told_[told_.size() - 2], "opened with another epoch");
  EXPECT_EQ(server_.accept_push(), "4 bob waited");
  EXPECT_TRUE(server_.nothing_more());
}

TEST_F(V2Client, TrustsNoNumberAfterSomebodyElseHadItsAddress) {
  TestClient& client = open_client();
  client.push("bob", as_bytes("sent"), tell_push("sent"));
  server_.take<Push>();
  server_.leave(close_code::taken_over);
  client.connect();
  server_.accept();
  server_.open();
  EXPECT_EQ(told_.back(), "sent " + make_error_code(Error::outcome_unknown).message());
  EXPECT_TRUE(server_.nothing_more());
}

TEST_F(V2Client, TriesAPushAgainThatWasRefusedForNow) {
  TestClient& client = open_client({.retry_after = 1s});
  client.push("bob", as_bytes("one"), tell_push("one"));
  client.push("bob", as_bytes("two"), tell_push("two"));
  server_.refuse(server_.take<Push>().tag, Refusal::rate_limited);
  client.push("eve", as_bytes("three"), tell_push("three"));
  EXPECT_TRUE(server_.nothing_more());
  transport_.advance(1s);
  EXPECT_EQ(server_.accept_push(), "1 bob one");
  EXPECT_EQ(server_.accept_push(), "2 eve three") << "it has a number of its own";
  EXPECT_EQ(server_.accept_push(), "3 bob two");
  EXPECT_EQ(told_.size(), 4U);
}

TEST_F(V2Client, KeepsItsNumbersWithinTheWindow) {
  Opened opened = ScriptedServer::usual();
  opened.window = 4;
  TestClient& client = open_client({.pushes_per_receiver_max = 100}, opened);
  for (int i = 0; i < 8; ++i) {
    client.push("bob", as_bytes("x"), tell_push("x"));
  }
  std::vector<Push> pushes;
  for (int i = 0; i < 4; ++i) {
    pushes.push_back(server_.take<Push>());
  }
  EXPECT_TRUE(server_.nothing_more()) << "5 would be 4 above 1, of which nothing is known";
  server_.reply(Accepted{pushes[1].tag, false});
  EXPECT_TRUE(server_.nothing_more());
  server_.reply(Accepted{pushes[0].tag, false});
  EXPECT_EQ(server_.take<Push>().sequence, 5U);
  EXPECT_EQ(server_.take<Push>().sequence, 6U);
  EXPECT_TRUE(server_.nothing_more());
}

TEST_F(V2Client, UsesNumbersAgainThatWereRefusedRatherThanRunAhead) {
  Opened opened = ScriptedServer::usual();
  opened.window = 4;
  TestClient& client = open_client({}, opened);
  for (int i = 0; i < 20; ++i) {
    client.push("bob", as_bytes("x"), tell_push("x"));
    const auto push = server_.take<Push>();
    EXPECT_LE(push.sequence, 4U) << "a higher one would be sequence_ahead";
    server_.refuse(push.tag, Refusal::mailbox_full);
  }
}

TEST_F(V2Client, RefusesByItselfWhatCanNotBePushed) {
  TestClient& client = open_client({.outbox_messages_max = 2, .outbox_bytes_max = 10});
  client.push("b\nb", as_bytes("x"), tell_push("bad"));
  client.push("bob", as_bytes("12345678901"), tell_push("bytes"));
  client.push("bob", as_bytes("1"), tell_push("one"));
  client.push("bob", as_bytes("2"), tell_push("two"));
  client.push("bob", as_bytes("3"), tell_push("count"));
  EXPECT_EQ(told_, Told{"opened"}) << "callbacks come from the loop";
  transport_.deliver_wake();
  const std::string full = make_error_code(Error::outbox_full).message();
  EXPECT_EQ(told_, (Told{"opened", refused("bad", Refusal::bad_address), "bytes " + full, "count " + full}));
}

TEST_F(V2Client, PushesNothingThatIsLongerThanTheServerTakes) {
  TestClient& client = make_client();
  client.push("bob", as_bytes("12345"), tell_push("early"));
  client.connect();
  server_.accept();
  Opened opened = ScriptedServer::usual();
  opened.payload_bytes_max = 4;
  server_.open(opened);
  client.push("bob", as_bytes("12345"), tell_push("late"));
  transport_.deliver_wake();
  EXPECT_TRUE(server_.nothing_more());
  EXPECT_EQ(told_, (Told{"opened", refused("early", Refusal::payload_too_large),
                         refused("late", Refusal::payload_too_large)}));
}

TEST_F(V2Client, GoesOnWithAnOutboxOfAnEarlierRun) {
  TestClient& first = open_client();
  first.push("bob", as_bytes("sent"));
  first.push("bob", as_bytes("not sent"), 9s);
  server_.take<Push>();
  client_.reset();
  EXPECT_EQ(outbox_.messages.size(), 2U);
  EXPECT_EQ(outbox_.messages.at(1).sequence, 1U);
  EXPECT_EQ(outbox_.messages.at(2).sequence, 0U);
  told_.clear();
  Opened opened = ScriptedServer::usual();
  opened.highest_sequence = 1;
  TestClient& second = open_client({}, opened);
  EXPECT_EQ(second.outbox_messages(), 2U);
  EXPECT_EQ(server_.accept_push(true), "1 bob sent");
  const auto push = server_.take<Push>();
  EXPECT_EQ(ScriptedServer::describe(push), "2 bob not sent");
  EXPECT_EQ(push.time_to_live_ms, 9000U);
  EXPECT_EQ(second.push("bob", as_bytes("new")), 3U);
  EXPECT_EQ(told_, (Told{"opened", "push 1 accepted"}));
}

TEST_F(V2Client, SendsNoNumberThatItsOutboxDidNotKeep) {
  TestClient& client = open_client();
  client.push("bob", as_bytes("one"), tell_push("one"));
  client.push("bob", as_bytes("two"), tell_push("two"));
  outbox_.failure = make_error_code(Error::storage_unavailable);
  EXPECT_EQ(server_.accept_push(), "1 bob one");
  EXPECT_TRUE(server_.nothing_more());
  EXPECT_NE(transport_.close_code_of(server_.connection()), 0);
  transport_.deliver_wake();
  EXPECT_EQ(told_.back(), outbox_.failure.message());
  client.push("bob", as_bytes("three"), tell_push("three"));
  transport_.deliver_wake();
  EXPECT_EQ(told_.back(), "three " + outbox_.failure.message());
  outbox_.failure = {};
  Opened opened = ScriptedServer::usual();
  opened.highest_sequence = 1;
  break_and_open(opened);
  EXPECT_EQ(server_.accept_push(), "2 bob two");
}

TEST_F(V2Client, DoesNotStartWithAnOutboxThatCanNotBeLoaded) {
  outbox_.failure = make_error_code(Error::storage_unavailable);
  EXPECT_THROW(make_client(), std::system_error);
  EXPECT_FALSE(transport_.is_started());
}

// Receiving.

TEST_F(V2ClientInbox, HandsMailOverInOrderAndAcknowledgesItOnceATurn) {
  open_client({.messages_in_hand_max = 10, .fetch_bytes_max = 1000, .fetch_wait = 5s});
  EXPECT_EQ(as_text(fetch_.source), "");
  EXPECT_EQ(fetch_.epoch, 7U);
  EXPECT_EQ(fetch_.messages_max, 10U);
  EXPECT_EQ(fetch_.bytes_max, 1000U);
  EXPECT_EQ(fetch_.wait_ms, 5000U);
  deliver(0, "one");
  deliver(4, "two");
  EXPECT_TRUE(server_.nothing_more());
  end_turn();
  EXPECT_EQ(handed_, (Told{"0 bob: one", "4 bob: two"}));
  EXPECT_EQ((inbox_.offsets.at({"", 7})), 4U);
  EXPECT_EQ(take_ack(), "4 in 7");
  EXPECT_TRUE(server_.nothing_more());
  server_.reply(Acknowledged{last_ack_});
  server_.reply(Fetched{fetch_.tag, 2, 0});
  fetch_ = server_.take<Fetch>();
  EXPECT_EQ(fetch_.messages_max, 10U);
  EXPECT_TRUE(server_.nothing_more());
}

TEST_F(V2ClientInbox, HandsNothingOverTwice) {
  open_client();
  deliver(1, "one");
  deliver(2, "two");
  end_turn();
  Opened opened = ScriptedServer::usual();
  opened.first_unacknowledged = 1;
  break_and_open(opened);
  fetch_ = server_.take<Fetch>();
  deliver(1, "one");
  end_turn();
  EXPECT_EQ(take_ack(), "1 in 7") << "of what was delivered again, and no more";
  deliver(2, "two");
  deliver(3, "three");
  end_turn();
  EXPECT_EQ(handed_, (Told{"1 bob: one", "2 bob: two", "3 bob: three"}));
  server_.reply(Acknowledged{last_ack_});
  EXPECT_EQ(take_ack(), "3 in 7");
}

TEST_F(V2ClientInbox, SkipsWhatAnEarlierRunHandled) {
  inbox_.offsets[{"", 7}] = 5;
  inbox_.offsets[{"", 6}] = 9;
  open_client();
  deliver(5, "handled");
  deliver(6, "new");
  end_turn();
  EXPECT_EQ(handed_, Told{"6 bob: new"});
  EXPECT_EQ(take_ack(), "6 in 7");
}

TEST_F(V2ClientInbox, BeginsAnewWithAnotherEpoch) {
  open_client();
  deliver(5, "old");
  end_turn();
  Opened opened = ScriptedServer::usual();
  opened.epoch = 8;
  break_and_open(opened);
  fetch_ = server_.take<Fetch>();
  EXPECT_EQ(fetch_.epoch, 8U);
  deliver(0, "new");
  end_turn();
  EXPECT_EQ(handed_, (Told{"5 bob: old", "0 bob: new"}));
  EXPECT_EQ(take_ack(), "0 in 8");
}

TEST_F(V2ClientInbox, AcknowledgesWhatIsFinishedLaterUpToTheFirstThatIsNot) {
  handling_ = Handling::later;
  TestClient& client = open_client({.messages_in_hand_max = 3});
  deliver(1, "one");
  deliver(2, "two");
  deliver(3, "three");
  end_turn();
  server_.reply(Fetched{fetch_.tag, 3, 1});
  EXPECT_TRUE(server_.nothing_more()) << "three in hand are enough";
  client.done("", 7, 2);
  client.done("", 6, 1);
  transport_.deliver_wake();
  fetch_ = server_.take<Fetch>();
  EXPECT_EQ(fetch_.messages_max, 1U);
  EXPECT_TRUE(server_.nothing_more()) << "1 is not done";
  client.done("", 7, 1);
  transport_.deliver_wake();
  EXPECT_EQ(take_ack(), "2 in 7");
  EXPECT_EQ((inbox_.offsets.at({"", 7})), 2U);
}

TEST_F(V2ClientInbox, AcknowledgesNothingThatItsInboxDidNotKeep) {
  open_client();
  inbox_.failure = make_error_code(Error::storage_unavailable);
  deliver(1, "one");
  end_turn();
  EXPECT_TRUE(server_.nothing_more());
  EXPECT_NE(transport_.close_code_of(server_.connection()), 0);
  transport_.deliver_wake();
  EXPECT_EQ(told_.back(), inbox_.failure.message());
  inbox_.failure = {};
  Opened opened = ScriptedServer::usual();
  opened.first_unacknowledged = 1;
  break_and_open(opened);
  fetch_ = server_.take<Fetch>();
  deliver(1, "one");
  end_turn();
  EXPECT_EQ(handed_.size(), 1U);
  EXPECT_EQ(take_ack(), "1 in 7");
}

TEST_F(V2ClientInbox, DoesNotAskAServerWithoutEndThatDoesNotWait) {
  open_client({.retry_after = 1s, .fetch_wait = 30s});
  server_.reply(Fetched{fetch_.tag, 0, 0});
  EXPECT_TRUE(server_.nothing_more());
  transport_.advance(1s);
  fetch_ = server_.take<Fetch>();
  transport_.advance(30s);
  server_.reply(Fetched{fetch_.tag, 0, 0});
  fetch_ = server_.take<Fetch>();
}

TEST_F(V2ClientInbox, FetchesNothingWhileItIsToldNotTo) {
  TestClient& client = open_client();
  client.set_receiving(false);
  deliver(1, "was asked for");
  end_turn();
  EXPECT_EQ(take_ack(), "1 in 7");
  server_.reply(Fetched{fetch_.tag, 1, 4});
  EXPECT_TRUE(server_.nothing_more());
  client.set_receiving(true);
  transport_.deliver_wake();
  fetch_ = server_.take<Fetch>();
  EXPECT_EQ(told_, Told{"opened"}) << "four remain";
  server_.reply(Fetched{fetch_.tag, 4, 0});
  EXPECT_EQ(told_.back(), "all delivered");
}

TEST_F(V2ClientInbox, FetchesAndAcknowledgesLaterWhatWasRefused) {
  open_client({.retry_after = 1s});
  deliver(1, "one");
  end_turn();
  take_ack();
  server_.refuse(last_ack_, Refusal::storage_unavailable);
  server_.refuse(fetch_.tag, Refusal::limit_reached);
  EXPECT_TRUE(server_.nothing_more());
  transport_.advance(1s);
  EXPECT_EQ(take_ack(), "1 in 7");
  fetch_ = server_.take<Fetch>();
}

TEST_F(V2ClientInbox, OpensAgainWhereTheEpochIsAnotherOne) {
  TestClient& client = open_client();
  server_.refuse(fetch_.tag, Refusal::wrong_epoch);
  EXPECT_EQ(client.state(), ClientState::closing);
  break_and_open();
  EXPECT_TRUE(client.is_open());
}

// Rooms.

TEST_F(V2ClientInbox, JoinsARoomAndHearsOfItAndOfItsMailboxFromThenOn) {
  TestClient& client = open_client();
  client.join("#tea", [this](std::error_code error, const Joined& joined) {
    told_.push_back(error ? error.message() : "joined at " + std::to_string(joined.cursor));
  });
  client.push("#tea", as_bytes("hello"));
  const auto join = server_.take<Join>();
  EXPECT_EQ(as_text(join.room), "#tea");
  EXPECT_EQ(server_.accept_push(), "1 #tea hello");
  server_.reply(Joined{join.tag, 70, 0, 5, 6});
  EXPECT_EQ(told_.back(), "joined at 5");
  fetch_ = server_.take<Fetch>();
  EXPECT_EQ(as_text(fetch_.source), "*");
  EXPECT_EQ(fetch_.epoch, 7U);
  deliver(5, "hello", "#tea");
  deliver(0, "psst");
  server_.say(Missed{fetch_.tag, as_bytes("#tea"), 3});
  end_turn();
  EXPECT_EQ(handed_, (Told{"#tea5 bob: hello", "0 bob: psst"}));
  EXPECT_EQ(told_.back(), "missed 3 of #tea up to 8 in 70");
  EXPECT_EQ(take_ack(), "0 in 7");
  EXPECT_EQ(take_ack(), "#tea8 in 70");
}

TEST_F(V2ClientInbox, JoinsItsRoomsAgainBeforeItPushesAndFetches) {
  TestClient& client = open_client();
  client.join("#tea");
  server_.reply(Joined{server_.take<Join>().tag, 70, 0, 0, 0});
  server_.take<Fetch>();
  server_.leave();
  client.push("#tea", as_bytes("hello"));
  Opened opened = ScriptedServer::usual();
  opened.epoch = 8;
  server_.accept_again();
  server_.open(opened);
  const auto join = server_.take<Join>();
  EXPECT_EQ(server_.accept_push(), "1 #tea hello");
  EXPECT_TRUE(server_.nothing_more()) << "mail of a room whose epoch is not known could not be told apart";
  server_.reply(Joined{join.tag, 71, 0, 0, 1});
  EXPECT_EQ(told_.back(), "#tea has another epoch");
  EXPECT_EQ(as_text(server_.take<Fetch>().source), "*");
}

TEST_F(V2Client, JoinsWhenThereIsAConnection) {
  TestClient& client = make_client();
  client.join("#tea", [this](std::error_code error, const Joined&) { told_.push_back(error.message()); });
  client.push("#tea", as_bytes("hello"));
  client.connect();
  server_.accept();
  server_.open();
  const auto join = server_.take<Join>();
  server_.take<Push>();
  server_.refuse(join.tag, Refusal::unauthorised);
  EXPECT_EQ(told_.back(), make_error_code(Refusal::unauthorised).message());
  break_and_open();
  server_.take<Push>();
  EXPECT_TRUE(server_.nothing_more()) << "the room is not wanted any more";
}

TEST_F(V2Client, HoldsPushesBackToARoomThatIsRefusedForNow) {
  TestClient& client = open_client({.retry_after = 1s});
  client.join("#tea");
  server_.refuse(server_.take<Join>().tag, Refusal::storage_unavailable);
  EXPECT_EQ(told_.back(), "#tea: storage_unavailable for now");
  client.push("#tea", as_bytes("hello"));
  EXPECT_TRUE(server_.nothing_more());
  transport_.advance(1s);
  server_.reply(Joined{server_.take<Join>().tag, 70, 0, 0, 0});
  EXPECT_EQ(server_.accept_push(), "1 #tea hello");
}

TEST_F(V2Client, TellsThatARoomIsLostOnReconnect) {
  TestClient& client = open_client();
  client.join("#tea");
  server_.reply(Joined{server_.take<Join>().tag, 70, 0, 0, 0});
  break_and_open();
  server_.refuse(server_.take<Join>().tag, Refusal::no_such_room);
  EXPECT_EQ(told_.back(), "#tea: no_such_room for good");
  client.join("tea", [this](std::error_code error, const Joined&) { told_.push_back(error.message()); });
  transport_.deliver_wake();
  EXPECT_EQ(told_.back(), make_error_code(Refusal::bad_address).message());
}

TEST_F(V2ClientInbox, LeavesARoomAndIsHandedNothingFromItAnyMore) {
  TestClient& client = open_client();
  client.join("#tea");
  server_.reply(Joined{server_.take<Join>().tag, 70, 0, 0, 0});
  fetch_ = server_.take<Fetch>();
  client.leave("#tea", [this](std::error_code error) { told_.push_back(error ? error.message() : "left"); });
  const auto leave = server_.take<Leave>();
  deliver(0, "late", "#tea");
  end_turn();
  server_.reply(Left{leave.tag});
  EXPECT_EQ(told_, (Told{"opened", "left"}));
  EXPECT_TRUE(handed_.empty());
  EXPECT_TRUE(server_.nothing_more());
  break_and_open();
  EXPECT_EQ(as_text(server_.take<Fetch>().source), "");
  EXPECT_TRUE(server_.nothing_more());
}

TEST_F(V2ClientInbox, HasMailDeliveredAgainOfARoomThatItJoinsOnlyNow) {
  TestClient& client = open_client();
  client.join("#tea");
  server_.reply(Joined{server_.take<Join>().tag, 70, 0, 0, 0});
  fetch_ = server_.take<Fetch>();
  deliver(3, "earlier", "#cake");
  deliver(4, "earlier", "#cake");
  end_turn();
  EXPECT_TRUE(handed_.empty());
  EXPECT_EQ(told_, (Told{"opened", "mail from #cake"}));
  EXPECT_TRUE(server_.nothing_more());
  client.join("#cake");
  server_.reply(Joined{server_.take<Join>().tag, 80, 0, 3, 5});
  fetch_ = server_.take<Fetch>();
  EXPECT_TRUE(fetch_.rewind);
  deliver(3, "earlier", "#cake");
  end_turn();
  EXPECT_EQ(handed_, Told{"#cake3 bob: earlier"});
}

TEST_F(V2ClientInbox, IsHandedAllOfARoomThatItJoinsOnlyNowAlsoWhenMoreComesMeanwhile) {
  TestClient& client = open_client();
  client.join("#tea");
  join_room(0, 0);
  deliver(3, "earlier", "#cake");
  end_fetch(1, 0);
  end_turn();
  const auto older = server_.take<Fetch>();
  client.join("#cake");
  server_.reply(Joined{server_.take<Join>().tag, 80, 0, 3, 4});
  fetch_ = server_.take<Fetch>();
  server_.reply(Message{older.tag, as_bytes("#cake"), 4, 1, as_bytes("bob"), as_bytes("meanwhile")});
  EXPECT_TRUE(handed_.empty()) << "the one before it was not";
  fetch_ = server_.take<Fetch>();
  EXPECT_TRUE(fetch_.rewind);
  deliver(3, "earlier", "#cake");
  deliver(4, "meanwhile", "#cake");
  end_turn();
  EXPECT_EQ(handed_, (Told{"#cake3 bob: earlier", "#cake4 bob: meanwhile"}));
  EXPECT_EQ(missed(), Told{});
  EXPECT_EQ(take_ack(), "#cake4 in 80");
}

// What was missed in rooms.

TEST_F(V2ClientInbox, IsToldOnceOfWhatIsGoneWhetherTheServerSaysSoOrNot) {
  TestClient& client = open_client();
  client.join("#tea");
  join_room(2, 10);
  miss(3);
  deliver(5, "five", "#tea");
  deliver(7, "seven", "#tea");
  deliver(8, "eight", "#tea");
  end_turn();
  EXPECT_EQ(missed(), (Told{"missed 3 of #tea up to 4 in 70", "missed 1 of #tea up to 6 in 70"}));
  EXPECT_EQ(handed_, (Told{"#tea5 bob: five", "#tea7 bob: seven", "#tea8 bob: eight"}));
}

TEST_F(V2ClientInbox, IsToldOfWhatWasLostWithItsConnectionWhenTheNextMessageComes) {
  TestClient& client = open_client();
  client.join("#tea");
  join_room(0, 1);
  deliver(0, "zero", "#tea");
  end_turn();
  // 1 was delivered, and MISSED said of 2 and 3; neither arrived. 4 and 5 left before they were delivered.
  break_and_join(0, 7);
  deliver(0, "zero", "#tea");
  miss(2);
  deliver(6, "six", "#tea");
  end_turn();
  EXPECT_EQ(missed(), (Told{"missed 2 of #tea up to 2 in 70", "missed 3 of #tea up to 5 in 70"})) << "five in all";
  EXPECT_EQ(handed_, (Told{"#tea0 bob: zero", "#tea6 bob: six"}));
}

TEST_F(V2ClientInbox, IsToldOfWhatWasLostWithItsConnectionAlsoWhenNothingComes) {
  TestClient& client = open_client({.fetch_wait = 30s});
  client.join("#tea");
  join_room(0, 1);
  EXPECT_EQ(fetch_.wait_ms, 0U) << "of the first message nothing is known yet";
  deliver(0, "zero", "#tea");
  end_fetch(1, 0);
  end_turn();
  EXPECT_EQ(take_ack(), "#tea0 in 70");
  fetch_ = server_.take<Fetch>();
  EXPECT_EQ(fetch_.wait_ms, 30'000U) << "everything is known";
  break_and_join(1, 3);
  EXPECT_EQ(fetch_.wait_ms, 0U);
  end_fetch(0, 0);
  end_turn();
  EXPECT_EQ(missed(), Told{"missed 2 of #tea up to 2 in 70"});
  EXPECT_EQ(told_.back(), "all delivered") << "after that";
  EXPECT_EQ(take_ack(), "#tea2 in 70");
  fetch_ = server_.take<Fetch>();
  EXPECT_EQ(fetch_.wait_ms, 30'000U);
  end_fetch(0, 0);
  end_turn();
  break_and_join(3, 3);
  EXPECT_EQ(fetch_.wait_ms, 30'000U);
  deliver(3, "three", "#tea");
  EXPECT_EQ(missed().size(), 1U);
}

TEST_F(V2ClientInbox, AsksAgainWhereItStandsWhenWhatItMissedMayNotBeAll) {
  TestClient& client = open_client({.retry_after = 1s});
  client.join("#tea");
  join_room(0, 1);
  // 0 was delivered, and did not arrive. Then it went, and so did 1, which had come meanwhile.
  miss(1);
  end_fetch(0, 0);
  end_turn();
  EXPECT_EQ(missed(), Told{"missed 1 of #tea up to 0 in 70"});
  auto join = server_.take<Join>();
  EXPECT_EQ(take_ack(), "#tea0 in 70");
  EXPECT_TRUE(server_.nothing_more()) << "nothing is fetched before it is known";
  server_.reply(Acknowledged{last_ack_});
  told_.clear();
  server_.refuse(join.tag, Refusal::rate_limited);
  fetch_ = server_.take<Fetch>();
  EXPECT_NE(fetch_.wait_ms, 0U) << "it would have to ask without end";
  client.push("#tea", as_bytes("hello"));
  EXPECT_EQ(server_.accept_push(), "1 #tea hello") << "it is a member all the same";
  end_fetch(1, 0);
  EXPECT_EQ(told_, (Told{"push 1 accepted", "all delivered"}));
  end_turn();
  fetch_ = server_.take<Fetch>();
  EXPECT_TRUE(server_.nothing_more()) << "a second is not over";
  transport_.advance(1s);
  join_room(1, 2);
  end_fetch(0, 0);
  end_turn();
  EXPECT_EQ(missed(), Told{"missed 1 of #tea up to 1 in 70"});
  EXPECT_EQ(take_ack(), "#tea1 in 70");
  EXPECT_NE(server_.take<Fetch>().wait_ms, 0U);
}

TEST_F(V2ClientInbox, FetchesAtOnceAfterItWasToldOfNothingButWhatItMissed) {
  TestClient& client = open_client();
  client.join("#tea");
  join_room(3, 3);
  miss(2);
  end_fetch(0, 0);
  end_turn();
  EXPECT_EQ(take_ack(), "#tea4 in 70");
  server_.take<Fetch>();
  EXPECT_EQ(missed(), Told{"missed 2 of #tea up to 4 in 70"});
}

TEST_F(V2ClientInbox, TakesNothingForGoneWhileSomethingRemains) {
  TestClient& client = open_client();
  client.join("#tea");
  const auto older = fetch_;
  join_room(0, 3);
  server_.reply(Fetched{older.tag, 0, 0});
  EXPECT_EQ(missed(), Told{}) << "what was asked before the room was joined says nothing of it";
  deliver(0, "zero", "#tea");
  end_fetch(1, 2);
  end_turn();
  EXPECT_EQ(missed(), Told{});
  take_ack();
  fetch_ = server_.take<Fetch>();
  EXPECT_EQ(fetch_.wait_ms, 0U);
  deliver(1, "one", "#tea");
  end_fetch(1, 0);
  EXPECT_EQ(missed(), Told{"missed 1 of #tea up to 2 in 70"});
}

TEST_F(V2ClientInbox, MissesNothingThatAnEarlierRunHandledOrWasToldOf) {
  inbox_.offsets[{"#tea", 70}] = 4;
  TestClient& client = open_client();
  client.join("#tea");
  join_room(1, 8);
  deliver(3, "three", "#tea");
  deliver(7, "seven", "#tea");
  end_turn();
  EXPECT_EQ(handed_, Told{"#tea7 bob: seven"});
  EXPECT_EQ(missed(), Told{"missed 2 of #tea up to 6 in 70"});
  EXPECT_EQ((inbox_.offsets.at({"#tea", 70})), 7U);
}

TEST_F(V2ClientInbox, MissesNothingFromBeforeItWasAMemberOrThatWasAcknowledgedElsewhere) {
  handling_ = Handling::later;
  TestClient& client = open_client();
  client.join("#tea");
  join_room(20, 20);
  deliver(20, "twenty", "#tea");
  end_turn();
  break_and_join(30, 30);
  deliver(30, "thirty", "#tea");
  end_turn();
  EXPECT_EQ(missed(), Told{});
  client.done("#tea", 70, 20);
  transport_.deliver_wake();
  EXPECT_TRUE(server_.nothing_more()) << "that is known to the server";
  client.done("#tea", 70, 30);
  transport_.deliver_wake();
  EXPECT_EQ(take_ack(), "#tea30 in 70");
}

TEST_F(V2ClientInbox, CountsWhatItMissedAnewInAnotherEpoch) {
  TestClient& client = open_client();
  client.join("#tea");
  join_room(0, 9);
  deliver(8, "eight", "#tea");
  end_turn();
  break_and_join(1, 3, 71);
  deliver(2, "two", "#tea");
  EXPECT_EQ(missed(), (Told{"missed 8 of #tea up to 7 in 70", "missed 1 of #tea up to 1 in 71"}));
}

TEST_F(V2ClientInbox, HasMissedNothingOfItsOwnMailboxWhereOffsetsMayBeLeftOut) {
  open_client();
  deliver(3, "three");
  deliver(9, "nine");
  server_.say(Missed{fetch_.tag, {}, 3});
  end_fetch(2, 0);
  end_turn();
  EXPECT_EQ(missed(), Told{});
}

TEST_F(V2ClientInbox, IsHandedNothingFromARoomThatItLeavesBecauseItMissedSomething) {
  TestClient& client = open_client();
  client.join("#tea");
  join_room(0, 3);
  on_missed_ = [&client] { client.leave("#tea"); };
  deliver(2, "two", "#tea");
  end_turn();
  EXPECT_EQ(missed(), Told{"missed 2 of #tea up to 1 in 70"});
  EXPECT_TRUE(handed_.empty());
  server_.take<Leave>();
  EXPECT_TRUE(server_.nothing_more());
}

TEST_F(V2ClientInbox, GivesUpAServerThatCountsBeyondAllOffsets) {
  TestClient& client = open_client();
  client.join("#tea");
  join_room(1, 1);
  server_.reply(Missed{fetch_.tag, as_bytes("#tea"), number_max});
  EXPECT_EQ(client.state(), ClientState::closing);
  EXPECT_EQ(missed(), Told{});
}

// Asking.

TEST_F(V2Client, AsksForReceiptsMembersAndItsMailbox) {
  TestClient& client = open_client();
  client.receipt(5, MessageState::waiting, 9s, [this](std::error_code error, MessageState state) {
    told_.push_back(error ? error.message() : "state " + std::to_string(static_cast<int>(state)));
  });
  const auto receipt = server_.take<Receipt>();
  EXPECT_EQ(receipt.sequence, 5U);
  EXPECT_EQ(receipt.known_state, 1U);
  EXPECT_EQ(receipt.wait_ms, 9000U);
  server_.reply(State{receipt.tag, MessageState::acknowledged});

  client.members("#tea", {.after = "ada", .members_max = 2, .known_version = 4, .wait = 1s},
                 [this](std::error_code, const RoomMembers& members) {
                   for (const RoomMember& member : members.members) {
                     told_.push_back(std::string{member.name} + (member.present ? " is there" : " is away"));
                   }
                   told_.push_back(std::to_string(members.total) + (members.more ? " and more" : ""));
                 });
  const auto status = server_.take<Status>();
  EXPECT_EQ(as_text(status.source), "#tea");
  EXPECT_EQ(as_text(status.after), "ada");
  EXPECT_EQ(status.members_max, 2U);
  EXPECT_EQ(status.known_version, 4U);
  EXPECT_EQ(status.wait_ms, 1000U);
  const Bytes list{1, 3, 'b', 'o', 'b', 0, 3, 'e', 'v', 'e'};
  server_.reply(Members{status.tag, 5, 9, true, list});

  client.mailbox(0, 0s, [this](std::error_code, const Mailbox& mailbox) {
    told_.push_back("depth " + std::to_string(mailbox.depth));
  });
  Mailbox mailbox{.tag = server_.take<Status>().tag, .version = 1};
  mailbox.depth = 12;
  server_.reply(mailbox);
  EXPECT_EQ(told_, (Told{"opened", "state 3", "bob is there", "eve is away", "9 and more", "depth 12"}));
}

TEST_F(V2Client, TellsWhyThereIsNoAnswer) {
  TestClient& client = open_client({.requests_max = 2});
  const auto ask = [&] {
    client.receipt(1, {}, 0s, [this](std::error_code error, MessageState) { told_.push_back(error.message()); });
  };
  ask();
  ask();
  ask();
  transport_.deliver_wake();
  EXPECT_EQ(told_.back(), make_error_code(Error::too_many_requests).message());
  server_.refuse(server_.take<Receipt>().tag, Refusal::limit_reached);
  EXPECT_EQ(told_.back(), make_error_code(Refusal::limit_reached).message());
  server_.leave();
  EXPECT_EQ(told_.back(), make_error_code(Error::disconnected).message());
  ask();
  client.leave("#tea", [this](std::error_code error) { told_.push_back("leave " + error.message()); });
  EXPECT_EQ(told_.back(), make_error_code(Error::disconnected).message());
  transport_.deliver_wake();
  EXPECT_EQ(told_[told_.size() - 2], make_error_code(Error::not_connected).message());
  EXPECT_EQ(told_.back(), "leave " + make_error_code(Error::not_connected).message());
}

// Servers that are no good.

TEST_F(V2ClientInbox, GivesUpAServerThatSaysWhatNobodyAsked) {
  const auto gives_up = [this](auto&& speak) {
    open_client({.messages_in_hand_max = 1});
    speak();
    EXPECT_EQ(transport_.close_code_of(server_.connection()), 1002);
    server_.leave();
    client_.reset();
  };
  gives_up([&] { server_.say(Accepted{fetch_.tag, false}); });
  gives_up([&] { server_.say(Fetched{fetch_.tag + 1, 0, 0}); });
  gives_up([&] { server_.say(Refused{0, Refusal::malformed}); });
  gives_up([&] { transport_.bring(server_.connection(), Bytes{0x83}); });
  gives_up([&] { transport_.bring_text(server_.connection(), "hello"); });
  gives_up([&] {
    deliver(1, "one");
    deliver(2, "more than was asked for");
  });
}

TEST_F(V2Client, GivesUpAConnectionOnWhichNoReplyComes) {
  TestClient& client = open_client({.reply_timeout = 5s});
  client.push("bob", as_bytes("one"), tell_push("one"));
  transport_.advance(5s - 1ns);
  EXPECT_FALSE(transport_.close_of(server_.connection()));
  transport_.advance(1ns);
  EXPECT_EQ(transport_.close_code_of(server_.connection()), 1008);
  Opened opened = ScriptedServer::usual();
  break_and_open(opened);
  EXPECT_EQ(server_.accept_push(), "1 bob one");
}

TEST_F(V2ClientInbox, LetsAFetchWaitForAsLongAsItAskedTo) {
  open_client({.reply_timeout = 5s, .fetch_wait = 60s});
  transport_.advance(65s - 1ns);
  EXPECT_FALSE(transport_.close_of(server_.connection()));
  transport_.advance(1ns);
  EXPECT_EQ(transport_.close_code_of(server_.connection()), 1008);
}

TEST_F(V2Client, RefusesOptionsOutOfRange) {
  const auto made = [this](ClientOptions options) { Client<RecordingTransport>{transport_, std::move(options)}; };
  EXPECT_ASSERTION(made({}), "address");
  EXPECT_ASSERTION(made({.address = "#tea"}), "address");
  EXPECT_ASSERTION(made({.address = "ada", .requests_max = 0}), "requests_max");
  EXPECT_ASSERTION(made({.address = "ada", .reply_timeout = 0s}), "reply_timeout");
  EXPECT_ASSERTION(made({.address = "ada", .message_bytes_max = 0}), "message_bytes_max");
  EXPECT_ASSERTION(made({.address = "ada", .reconnect_after = 0s}), "reconnect_after must");
  EXPECT_ASSERTION(made({.address = "ada", .reconnect_after_max = 0s}), "reconnect_after_max");
  EXPECT_ASSERTION(made({.address = "ada", .retry_after = 0s}), "retry_after");
  EXPECT_ASSERTION(made({.address = "ada", .outbox_messages_max = 0}), "outbox_messages_max");
  EXPECT_ASSERTION(made({.address = "ada", .pushes_per_receiver_max = 0}), "pushes_per_receiver_max");
  EXPECT_ASSERTION(made({.address = "ada", .messages_in_hand_max = 0}), "messages_in_hand_max");
  EXPECT_ASSERTION(made({.address = "ada", .fetch_wait = 0s}), "fetch_wait");
  EXPECT_FALSE(transport_.is_started());
}

}  // namespace
}  // namespace restante::v2
