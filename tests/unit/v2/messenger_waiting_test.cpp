// What clients of restante.v2 wait for, and rooms (docs/protocol.md, rules 5, 7, 8 and 9), as a peer of a Messenger
// sees them.
#include <restante/messenger.hpp>

#include <gtest/gtest.h>

#include <string>

#include "support/v2_office.hpp"

namespace restante {
namespace {

using namespace test;
using namespace std::chrono_literals;

class V2Waiting : public ::testing::Test {
 protected:
  void start(Limits limits = {}) { office_.start({.limits = limits}); }

  Office<> office_;
};

using V2Rooms = V2Waiting;

// Rule 5: a FETCH that waits.

TEST_F(V2Waiting, AFetchIsAnsweredWhenAMessageComesAndHoldsUpNothing) {
  start();
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  EXPECT_EQ(office_.fetch(bob, {.wait_ms = 1'000}), Heard{});
  EXPECT_EQ(office_.receipt(bob, 1), Heard{"state 0"});
  office_.push(ada, "bob", "one");
  EXPECT_EQ(office_.hear(bob), (Heard{"to 2: message 0 ada one", "to 2: fetched 1 0"}));
  office_.push(ada, "bob", "two");
  EXPECT_EQ(office_.hear(bob), Heard{}) << "nothing is delivered unasked";
  office_.advance(2s);
  EXPECT_EQ(office_.hear(bob), Heard{});
  EXPECT_EQ(office_.messenger().counters().waits, 0U);
}

TEST_F(V2Waiting, AFetchIsAnsweredWhenItsTimeIsOver) {
  start({.wait_ms_max = 5'000});
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.fetch(ada, {.wait_ms = 1'000}), Heard{});
  EXPECT_EQ(office_.fetch(ada, {.wait_ms = 100'000}), Heard{});
  office_.advance(999ms);
  EXPECT_EQ(office_.hear(ada), Heard{});
  office_.advance(1ms);
  EXPECT_EQ(office_.hear(ada), Heard{"to 2: fetched 0 0"});
  office_.advance(3'999ms);
  EXPECT_EQ(office_.hear(ada), Heard{});
  office_.advance(1ms);
  EXPECT_EQ(office_.hear(ada), Heard{"to 3: fetched 0 0"}) << "nobody waits longer than is allowed";
  EXPECT_EQ(office_.transport.wake_time(), never);
}

TEST_F(V2Waiting, SeveralFetchesAreAnsweredInTheirOrder) {
  start();
  Peer ada = office_.open("ada");
  office_.fetch(ada, {.messages = 1, .wait_ms = 1'000});
  office_.fetch(ada, {.messages = 1, .wait_ms = 1'000});
  EXPECT_EQ(office_.push(ada, "ada", "one"), (Heard{"accepted", "to 2: message 0 ada one", "to 2: fetched 1 0"}));
  EXPECT_EQ(office_.push(ada, "ada", "two"), (Heard{"accepted", "to 3: message 1 ada two", "to 3: fetched 1 0"}));
}

TEST_F(V2Waiting, IsBoundedForEachConnectionAndForAll) {
  start({.connection_waits_max = 2, .waits_max = 3});
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  office_.fetch(ada, {.wait_ms = 1'000});
  office_.status(ada, "", 1, 1'000);
  EXPECT_EQ(office_.receipt(ada, 1, 0, 1'000), Heard{"refused limit_reached"});
  EXPECT_EQ(office_.receipt(bob, 1, 0, 1'000), Heard{});
  EXPECT_EQ(office_.receipt(bob, 1, 0, 1'000), Heard{"refused limit_reached"});
  EXPECT_EQ(office_.receipt(bob, 1, 1, 1'000), Heard{"state 0"}) << "what need not wait is answered";
  office_.transport.disconnect(ada.connection);
  EXPECT_EQ(office_.messenger().counters().waits, 1U) << "waits end with their connection";
  EXPECT_EQ(office_.receipt(bob, 1, 0, 1'000), Heard{});
}

TEST_F(V2Waiting, APeerThatDoesNotReadIsServedWhenItReadsAgain) {
  start();
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  office_.fetch(bob, {.wait_ms = 100'000});
  office_.transport.set_waiting_bytes(bob.connection, 70'000);
  EXPECT_EQ(office_.receipt(bob, 1), Heard{"state 0"});
  ASSERT_TRUE(office_.transport.is_paused(bob.connection));
  office_.push(ada, "bob", "hi");
  EXPECT_EQ(office_.hear(bob), Heard{});
  office_.transport.drain(bob.connection);
  office_.advance(0ms);
  EXPECT_EQ(office_.hear(bob), (Heard{"to 2: message 0 ada hi", "to 2: fetched 1 0"}));
}

// Rule 7: RECEIPT.

TEST_F(V2Waiting, WhatComesForAConnectionThatIsBeingClosedDoesNotCountAsDelivered) {
  start();
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  EXPECT_EQ(office_.fetch(bob, {.wait_ms = 1'000}), Heard{});
  office_.transport.bring_text(bob.connection, "hello");
  office_.transport.end_turn();
  EXPECT_EQ(office_.push(ada, "bob", "one", 1), Heard{"accepted"});
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 1"});
  office_.transport.disconnect(bob.connection);
  bob = office_.open("bob");
  EXPECT_EQ(office_.fetch(bob), (Heard{"message 0 ada one", "fetched 1 0"}));
}

TEST_F(V2Waiting, AReceiptTellsEveryState) {
  start({.room_messages_max = 1});
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 0"});
  EXPECT_EQ(office_.receipt(ada, 0), Heard{"state 0"});
  office_.push(ada, "bob", "hi", 1);
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 1"});
  office_.fetch(bob);
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 2"});
  office_.acknowledge(bob, 0);
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 3"});
  EXPECT_EQ(office_.receipt(bob, 1), Heard{"state 0"}) << "which is another sender's";
  office_.push(ada, "bob", "hi", 2, 10);
  office_.advance(10ms);
  EXPECT_EQ(office_.receipt(ada, 2), Heard{"state 5"});
  office_.join(ada, "#lobby");
  office_.push(ada, "#lobby", "one", 3);
  office_.push(ada, "#lobby", "two", 4);
  EXPECT_EQ(office_.receipt(ada, 3), Heard{"state 6"}) << "made place";
  EXPECT_EQ(office_.receipt(ada, 4), Heard{"state 1"});
}

TEST_F(V2Waiting, AReceiptWaitsForAnotherStateThanTheKnownOne) {
  start();
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  office_.push(ada, "bob", "hi", 1);
  EXPECT_EQ(office_.receipt(ada, 1, 0, 1'000), Heard{"state 1"});
  EXPECT_EQ(office_.receipt(ada, 1, 1, 0), Heard{"state 1"}) << "without waiting";
  EXPECT_EQ(office_.receipt(ada, 1, 1, 1'000), Heard{});
  office_.fetch(bob);
  EXPECT_EQ(office_.hear(ada), Heard{"to 5: state 2"});
  EXPECT_EQ(office_.receipt(ada, 1, 2, 1'000), Heard{});
  office_.advance(1s);
  EXPECT_EQ(office_.hear(ada), Heard{"to 6: state 2"});
}

TEST_F(V2Waiting, AReceiptHearsThatItsNumberWasAccepted) {
  start();
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.receipt(ada, 1, 0, 1'000), Heard{});
  EXPECT_EQ(office_.push(ada, "bob", "hi", 1), (Heard{"accepted", "to 2: state 1"}));
}

TEST_F(V2Waiting, AReceiptHearsThatItsNumberBecameTooOld) {
  start();
  Peer ada = office_.open("ada");
  office_.push(ada, "bob", "hi", 1);
  EXPECT_EQ(office_.receipt(ada, 1, 1, 1'000), Heard{});
  EXPECT_EQ(office_.push(ada, "bob", "hi", 256), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "hi", 257), (Heard{"accepted", "to 3: state 0"}));
}

// Rule 9: STATUS of the own mailbox.

TEST_F(V2Waiting, AStatusTellsTheNumbersAndWaitsForOthers) {
  start();
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.status(ada), Heard{"mailbox of 0 0 aged 0 stored 0 acknowledged 0 taken 0 expired 0 purged 0"});
  EXPECT_NE(office_.last_version(), 0U);
  EXPECT_EQ(office_.status(ada, "", office_.last_version(), 1'000), Heard{});
  EXPECT_EQ(office_.push(ada, "ada", "abc"),
            (Heard{"accepted", "to 3: mailbox of 1 3 aged 0 stored 1 acknowledged 0 taken 0 expired 0 purged 0"}));
  office_.hear(ada);
  const std::uint64_t version = office_.last_version();
  EXPECT_EQ(office_.status(ada, "", version, 250), Heard{});
  office_.advance(250ms);
  EXPECT_EQ(office_.hear(ada),
            Heard{"to 5: mailbox of 1 3 aged 250 stored 1 acknowledged 0 taken 0 expired 0 purged 0"});
  EXPECT_EQ(office_.last_version(), version) << "nothing happened";
  office_.fetch(ada);
  office_.acknowledge(ada, 0);
  EXPECT_EQ(office_.status(ada, "", version, 250),
            Heard{"mailbox of 0 0 aged 0 stored 1 acknowledged 1 taken 0 expired 0 purged 0"});
  EXPECT_EQ(office_.status(ada, "*"), Heard{"refused malformed"});
  EXPECT_EQ(office_.status(ada, "bob"), Heard{"refused bad_address"});
}

// Rule 8: rooms.

TEST_F(V2Rooms, ALogIsReadByEachMemberForItself) {
  start();
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  EXPECT_EQ(office_.join(ada, "#lobby"), Heard{"joined 0 0 0"});
  EXPECT_EQ(office_.push(ada, "#lobby", "one", 1), Heard{"accepted"});
  EXPECT_EQ(office_.join(bob, "#lobby"), Heard{"joined 0 0 1"}) << "new members begin at the oldest message";
  const Epoch epoch = office_.room_epoch(bob, "#lobby");
  EXPECT_EQ(office_.fetch(bob, {.source = "#lobby"}, epoch), (Heard{"message #lobby 0 ada one", "fetched 1 0"}));
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 2"});
  EXPECT_EQ(office_.acknowledge(bob, 0, "#lobby", epoch), Heard{"acked"});
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 2"}) << "the room keeps it";
  EXPECT_EQ(office_.join(bob, "#lobby"), Heard{"joined 0 1 1"});
  EXPECT_EQ(office_.fetch(ada, {.source = "#lobby"}, epoch), (Heard{"message #lobby 0 ada one", "fetched 1 0"}))
      << "own messages are delivered too";
  EXPECT_EQ(office_.fetch(bob, {.source = "#lobby", .rewind = true}, epoch), Heard{"fetched 0 0"})
      << "begins at the cursor";
  EXPECT_EQ(office_.fetch(ada, {.source = "#lobby", .rewind = true}, epoch),
            (Heard{"message #lobby 0 ada one", "fetched 1 0"}));
}

TEST_F(V2Rooms, AreForMembers) {
  start();
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  EXPECT_EQ(office_.fetch(bob, {.source = "#lobby"}), Heard{"refused no_such_room"});
  EXPECT_EQ(office_.leave(bob, "#lobby"), Heard{"refused no_such_room"});
  EXPECT_EQ(office_.push(bob, "#lobby", "hi"), Heard{"refused no_such_room"});
  EXPECT_EQ(office_.status(bob, "#lobby"), Heard{"refused no_such_room"});
  const Epoch epoch = office_.room_epoch(ada, "#lobby");
  EXPECT_EQ(office_.push(bob, "#lobby", "hi"), Heard{"refused not_a_member"});
  EXPECT_EQ(office_.fetch(bob, {.source = "#lobby"}, epoch), Heard{"refused not_a_member"});
  EXPECT_EQ(office_.acknowledge(bob, 0, "#lobby", epoch), Heard{"refused not_a_member"});
  EXPECT_EQ(office_.status(bob, "#lobby"), Heard{"refused not_a_member"});
  EXPECT_EQ(office_.leave(bob, "#lobby"), Heard{"refused not_a_member"});
  EXPECT_EQ(office_.join(bob, "lobby"), Heard{"refused bad_address"});
  EXPECT_EQ(office_.join(bob, "#"), Heard{"refused bad_address"});
}

TEST_F(V2Rooms, EndAMembershipAndItsWaits) {
  start();
  Peer ada = office_.open("ada");
  const Epoch epoch = office_.room_epoch(ada, "#lobby");
  EXPECT_EQ(office_.fetch(ada, {.source = "#lobby", .wait_ms = 1'000}, epoch), Heard{});
  EXPECT_EQ(office_.leave(ada, "#lobby"), (Heard{"to 3: refused not_a_member", "left"}));
  EXPECT_EQ(office_.messenger().counters().waits, 0U);
  EXPECT_EQ(office_.leave(ada, "#lobby"), Heard{"refused not_a_member"});
}

TEST_F(V2Rooms, RefuseWhatWasNeverDeliveredAndOtherEpochs) {
  start();
  Peer ada = office_.open("ada");
  const Epoch epoch = office_.room_epoch(ada, "#lobby");
  office_.push(ada, "#lobby", "one");
  EXPECT_EQ(office_.acknowledge(ada, 0, "#lobby", epoch), Heard{"refused malformed"});
  EXPECT_EQ(office_.acknowledge(ada, 0, "#lobby", epoch + 1), Heard{"refused wrong_epoch"});
  EXPECT_EQ(office_.fetch(ada, {.source = "#lobby"}, ada.opened.epoch), Heard{"refused wrong_epoch"});
}

TEST_F(V2Rooms, TellHowManyOffsetsWereMissed) {
  start({.room_messages_max = 2});
  Peer ada = office_.open("ada");
  const Epoch epoch = office_.room_epoch(ada, "#lobby");
  for (const std::string_view payload : {"0", "1", "2", "3", "4"}) {
    office_.push(ada, "#lobby", payload);
  }
  EXPECT_EQ(office_.messenger().counters().books.trimmed, 3U);
  EXPECT_EQ(office_.join(ada, "#lobby"), Heard{"joined 3 0 5"});
  EXPECT_EQ(office_.fetch(ada, {.source = "#lobby", .messages = 1}, epoch),
            (Heard{"missed #lobby 3", "message #lobby 3 ada 3", "fetched 1 1"}));
  office_.push(ada, "#lobby", "5");
  office_.push(ada, "#lobby", "6");
  EXPECT_EQ(office_.fetch(ada, {.source = "#lobby", .rewind = true}, epoch),
            (Heard{"missed #lobby 1", "message #lobby 5 ada 5", "message #lobby 6 ada 6", "fetched 2 0"}))
      << "3 was delivered before it went, 4 was not";
  EXPECT_EQ(office_.acknowledge(ada, 6, "#lobby", epoch), Heard{"acked"});
  EXPECT_EQ(office_.join(ada, "#lobby"), Heard{"joined 5 7 7"});
}

TEST_F(V2Rooms, CountWhatExpiredUndeliveredAsMissed) {
  start();
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  const Epoch epoch = office_.room_epoch(ada, "#lobby");
  office_.join(bob, "#lobby");
  office_.push(ada, "#lobby", "read", 1, 1'000);
  EXPECT_EQ(office_.fetch(ada, {.source = "#lobby"}, epoch), (Heard{"message #lobby 0 ada read", "fetched 1 0"}));
  office_.push(ada, "#lobby", "unread", 2, 1'000);
  office_.advance(1s);
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 2"}) << "the first delivery to any member ends it";
  EXPECT_EQ(office_.receipt(ada, 2), Heard{"state 5"});
  EXPECT_EQ(office_.fetch(bob, {.source = "#lobby"}, epoch),
            (Heard{"message #lobby 0 ada read", "missed #lobby 1", "fetched 1 0"}));
  EXPECT_EQ(office_.fetch(bob, {.source = "#lobby"}, epoch), Heard{"fetched 0 0"}) << "which is said once";
}

TEST_F(V2Rooms, MakePlaceByBytesToo) {
  start({.payload_bytes_max = 6, .room_bytes_max = 8});
  Peer ada = office_.open("ada");
  const Epoch epoch = office_.room_epoch(ada, "#lobby");
  for (const std::string_view payload : {"1234", "56", "78", "123456"}) {
    EXPECT_EQ(office_.push(ada, "#lobby", payload), Heard{"accepted"});
  }
  EXPECT_EQ(office_.fetch(ada, {.source = "#lobby"}, epoch),
            (Heard{"missed #lobby 2", "message #lobby 2 ada 78", "message #lobby 3 ada 123456", "fetched 2 0"}));
}

TEST_F(V2Rooms, WakeTheirMembersThatWait) {
  start();
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  const Epoch epoch = office_.room_epoch(ada, "#lobby");
  office_.join(bob, "#lobby");
  office_.fetch(ada, {.source = "#lobby", .wait_ms = 9'000}, epoch);
  EXPECT_EQ(office_.push(bob, "#lobby", "hi"), Heard{"accepted"});
  EXPECT_EQ(office_.hear(ada), (Heard{"to 3: message #lobby 0 bob hi", "to 3: fetched 1 0"}));
  office_.fetch(ada, {.source = "*", .wait_ms = 9'000});
  office_.push(bob, "#lobby", "ho");
  EXPECT_EQ(office_.hear(ada), (Heard{"to 4: message #lobby 1 bob ho", "to 4: fetched 1 0"}));
  office_.fetch(ada, {.source = "*", .wait_ms = 9'000});
  office_.push(bob, "ada", "you");
  EXPECT_EQ(office_.hear(ada), (Heard{"to 5: message 0 bob you", "to 5: fetched 1 0"}));
}

TEST_F(V2Rooms, AreReadTogetherWithTheOwnMailboxEachFirstInTurn) {
  start();
  Peer ada = office_.open("ada");
  office_.join(ada, "#lobby");
  for (const std::string_view payload : {"1", "2", "3"}) {
    office_.push(ada, "ada", payload);
    office_.push(ada, "#lobby", payload);
  }
  EXPECT_EQ(office_.fetch(ada, {.source = "*", .messages = 1}), (Heard{"message 0 ada 1", "fetched 1 5"}));
  EXPECT_EQ(office_.fetch(ada, {.source = "*", .messages = 1}), (Heard{"message #lobby 0 ada 1", "fetched 1 4"}));
  EXPECT_EQ(office_.fetch(ada, {.source = "*"}), (Heard{"message 1 ada 2", "message 2 ada 3", "message #lobby 1 ada 2",
                                                        "message #lobby 2 ada 3", "fetched 4 0"}));
  EXPECT_EQ(office_.fetch(ada, {.source = "*", .messages = 6, .rewind = true}).size(), 7U) << "everything again";
}

TEST_F(V2Rooms, ListTheirMembersAndWhoIsThere) {
  start();
  Peer ada = office_.open("ada");
  Peer eve = office_.open("eve");
  Peer bob = office_.open("bob");
  for (Peer* const member : {&eve, &ada, &bob}) {
    office_.join(*member, "#lobby");
  }
  office_.transport.disconnect(eve.connection);
  EXPECT_EQ(office_.status(ada, "#lobby"), Heard{"members 3 +ada +bob -eve"});
  EXPECT_EQ(office_.status(ada, "#lobby", 0, 0, "", 2), Heard{"members 3 and more +ada +bob"});
  EXPECT_EQ(office_.status(ada, "#lobby", 0, 0, "ada", 1), Heard{"members 3 and more +bob"});
  EXPECT_EQ(office_.status(ada, "#lobby", 0, 0, "bob"), Heard{"members 3 -eve"});
  EXPECT_EQ(office_.status(ada, "#lobby", office_.last_version(), 9'000), Heard{});
  eve = office_.open("eve");
  EXPECT_EQ(office_.hear(ada), Heard{"to 7: members 3 +ada +bob +eve"});
  EXPECT_EQ(office_.status(ada, "#lobby", office_.last_version(), 9'000), Heard{});
  EXPECT_EQ(office_.leave(bob, "#lobby"), Heard{"left"});
  EXPECT_EQ(office_.hear(ada), Heard{"to 8: members 2 +ada +eve"});
}

TEST_F(V2Rooms, AreBounded) {
  start({.rooms_max = 2, .room_members_max = 1, .memberships_max = 1});
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  EXPECT_EQ(office_.join(ada, "#a"), Heard{"joined 0 0 0"});
  EXPECT_EQ(office_.join(ada, "#b"), Heard{"refused limit_reached"}) << "of memberships";
  EXPECT_EQ(office_.join(bob, "#a"), Heard{"refused limit_reached"}) << "of members";
  EXPECT_EQ(office_.join(bob, "#b"), Heard{"joined 0 0 0"});
  Peer eve = office_.open("eve");
  EXPECT_EQ(office_.join(eve, "#c"), Heard{"refused limit_reached"}) << "of rooms";
  EXPECT_EQ(office_.join(ada, "#a"), Heard{"joined 0 0 0"}) << "a member that joins again changes nothing";
}

TEST_F(V2Rooms, KeepTheirMembersWhoAreAway) {
  start();
  Peer ada = office_.open("ada");
  const Epoch epoch = office_.room_epoch(ada, "#lobby");
  office_.push(ada, "#lobby", "one");
  office_.fetch(ada, {.source = "#lobby"}, epoch);
  office_.transport.disconnect(ada.connection);
  ada = office_.open("ada");
  EXPECT_EQ(office_.fetch(ada, {.source = "#lobby"}, epoch), (Heard{"message #lobby 0 ada one", "fetched 1 0"}))
      << "not acknowledged yet";
}

}  // namespace
}  // namespace restante
