// The rules of restante.v2 (docs/protocol.md) as a peer of a Messenger sees them: OPEN, PUSH, FETCH, ACK. What is about
// rooms, waiting and the surroundings of a Messenger stands in the files beside.
#include <restante/messenger.hpp>

#include <gtest/gtest.h>

#include <string>

#include "support/v2_office.hpp"

namespace restante {
namespace {

using namespace test;
using namespace std::chrono_literals;

class V2Messenger : public ::testing::Test {
 protected:
  void start(Limits limits = {}) { office_.start({.limits = limits}); }

  Office<> office_;
};

// Rule 1: OPEN.

TEST_F(V2Messenger, OpensAnAddressAndSaysWhatIsThereAndWhichLimitsHold) {
  start();
  Peer ada = office_.open("ada");
  office_.push(ada, "bob", "one", 5);
  office_.push(ada, "bob", "two", 6);
  const Peer bob = office_.open("bob");
  EXPECT_NE(ada.opened.epoch, 0U);
  EXPECT_NE(ada.opened.epoch, bob.opened.epoch);
  EXPECT_EQ(bob.opened.depth, 2U);
  EXPECT_EQ(bob.opened.first_unacknowledged, 0U);
  EXPECT_EQ(bob.opened.highest_sequence, 0U);
  EXPECT_EQ(bob.opened.window, 256U);
  EXPECT_EQ(bob.opened.payload_bytes_max, 65'536U);
  EXPECT_EQ(bob.opened.mailbox_messages_max, 1'000U);
  EXPECT_EQ(bob.opened.mailbox_bytes_max, 4U * 1024 * 1024);
  EXPECT_EQ(bob.opened.waits_max, 64U);
  EXPECT_NE(bob.opened.resume_token, ada.opened.resume_token);
  const Epoch epoch = ada.opened.epoch;
  office_.transport.disconnect(ada.connection);
  ada = office_.open("ada");
  EXPECT_EQ(ada.opened.highest_sequence, 6U);
  EXPECT_EQ(ada.opened.epoch, epoch) << "nothing was lost";
}

TEST_F(V2Messenger, RefusesEverythingBeforeAnAddressIsOpen) {
  start();
  Peer peer = office_.connect();
  const Heard refused{"refused not_open"};
  EXPECT_EQ(office_.push(peer, "bob", "hi"), refused);
  EXPECT_EQ(office_.fetch(peer), refused);
  EXPECT_EQ(office_.acknowledge(peer, 0), refused);
  EXPECT_EQ(office_.receipt(peer, 1), refused);
  EXPECT_EQ(office_.join(peer, "#lobby"), refused);
  EXPECT_EQ(office_.leave(peer, "#lobby"), refused);
  EXPECT_EQ(office_.status(peer), refused);
  EXPECT_EQ(office_.messenger().counters().refused[3], 7U);
}

TEST_F(V2Messenger, OpensOneAddressForAConnection) {
  start();
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.open(ada, "bob"), Heard{"refused already_open"});
  EXPECT_EQ(office_.open(ada, "#lobby"), Heard{"refused already_open"});
  office_.open("bob");
}

TEST_F(V2Messenger, OpensNeitherARoomNorWhatIsNoAddress) {
  start();
  Peer peer = office_.connect();
  for (const std::string_view name : {"#lobby", "", "*", "#", "256", "007", "a\n", "\xff"}) {
    EXPECT_EQ(office_.open(peer, name), Heard{"refused bad_address"}) << name;
  }
  EXPECT_EQ(office_.open(peer, "7"), Heard{"opened"}) << "and the connection can open another";
  EXPECT_EQ(peer.opened.mailbox_messages_max, 100U);
  EXPECT_EQ(peer.opened.mailbox_bytes_max, 25'400U);
}

TEST_F(V2Messenger, LetsTheResumeTokenTakeAnAddressOver) {
  start();
  Peer lost = office_.open("ada");
  office_.push(lost, "ada", "mine");
  EXPECT_EQ(office_.fetch(lost, {.messages = 1}), (Heard{"message 0 ada mine", "fetched 1 0"}));
  EXPECT_EQ(office_.fetch(lost, {.wait_ms = 1'000}), Heard{});
  EXPECT_EQ(office_.messenger().counters().waits, 1U);
  Peer found = office_.connect();
  EXPECT_EQ(office_.open(found, "ada", Proof::resume_token, lost.opened.resume_token), Heard{"opened taking over"});
  EXPECT_EQ(office_.transport.close_code_of(lost.connection), close_code::taken_over);
  EXPECT_EQ(office_.messenger().counters().waits, 0U);
  EXPECT_EQ(office_.messenger().counters().takeovers, 1U);
  EXPECT_EQ(office_.messenger().counters().addresses_held, 1U);
  EXPECT_NE(found.opened.resume_token, lost.opened.resume_token);
  office_.transport.disconnect(lost.connection);
  EXPECT_EQ(office_.fetch(found), (Heard{"message 0 ada mine", "fetched 1 0"})) << "not acknowledged yet";
}

TEST_F(V2Messenger, RefusesAnAddressThatAnotherHoldsWithoutItsToken) {
  start();
  const Peer ada = office_.open("ada");
  const Peer bob = office_.open("bob");
  Peer thief = office_.connect();
  ResumeToken nearly = ada.opened.resume_token;
  nearly[15] = static_cast<std::uint8_t>(~nearly[15]);
  const Heard refused{"refused address_taken"};
  EXPECT_EQ(office_.open(thief, "ada"), refused);
  EXPECT_EQ(office_.open(thief, "ada", Proof::resume_token, nearly), refused);
  EXPECT_EQ(office_.open(thief, "ada", Proof::resume_token, bob.opened.resume_token), refused);
  EXPECT_EQ(office_.open(thief, "ada", Proof::credential, as_bytes("password")), refused)
      << "nobody asks for credentials here, so none was accepted";
  EXPECT_EQ(office_.transport.close_code_of(ada.connection), 0);
  office_.transport.disconnect(ada.connection);
  EXPECT_EQ(office_.open(thief, "ada", Proof::resume_token, nearly), Heard{"opened"}) << "nobody is replaced";
}

TEST_F(V2Messenger, RefusesATokenThatWasReplacedByALaterOne) {
  start();
  const Peer first = office_.open("ada");
  Peer second = office_.connect();
  office_.open(second, "ada", Proof::resume_token, first.opened.resume_token);
  Peer third = office_.connect();
  EXPECT_EQ(office_.open(third, "ada", Proof::resume_token, first.opened.resume_token), Heard{"refused address_taken"});
  EXPECT_EQ(office_.open(third, "ada", Proof::resume_token, second.opened.resume_token), Heard{"opened taking over"});
}

// Rules 2 and 3: PUSH, in the order of its checks.

TEST_F(V2Messenger, RefusesALongPayloadBeforeItLooksAtTheNumber) {
  start({.payload_bytes_max = 4});
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.push(ada, "bob", "four", 1), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "five5", 1), Heard{"refused payload_too_large"});
  EXPECT_EQ(office_.push(ada, "bob", "five5", 1'000), Heard{"refused payload_too_large"});
}

TEST_F(V2Messenger, StoresANumberOnceWhateverElseTheRequestSays) {
  start();
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.push(ada, "bob", "one", 1), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "one", 1), Heard{"accepted again"});
  EXPECT_EQ(office_.push(ada, "#nowhere", "other", 1), Heard{"accepted again"});
  EXPECT_EQ(office_.push(ada, "bob", "three", 3), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "two", 2), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "none"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "none"), Heard{"accepted"});
  EXPECT_EQ(office_.messenger().counters().books.stored, 5U);
}

TEST_F(V2Messenger, KeepsToTheWindowAndLooksAtItBeforeTheReceiver) {
  start();
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.push(ada, "*", "far", 257), Heard{"refused sequence_ahead"});
  EXPECT_EQ(office_.push(ada, "bob", "near", 256), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "next", 257), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "*", "old", 1), Heard{"refused stale_sequence"});
  EXPECT_EQ(office_.push(ada, "bob", "oldest", 2), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "*", "far", 514), Heard{"refused sequence_ahead"});
}

TEST_F(V2Messenger, DoesNotUseUpTheNumberOfWhatItRefused) {
  start({.mailbox_messages_max = 1});
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  office_.push(ada, "bob", "one", 1);
  EXPECT_EQ(office_.push(ada, "bob", "two", 2), Heard{"refused mailbox_full"});
  office_.fetch(bob);
  EXPECT_EQ(office_.push(ada, "bob", "two", 2), Heard{"refused mailbox_full"}) << "delivered and not acknowledged";
  EXPECT_EQ(office_.acknowledge(bob, 0), Heard{"acked"});
  EXPECT_EQ(office_.push(ada, "bob", "two", 2), Heard{"accepted"});
  EXPECT_EQ(office_.fetch(bob), (Heard{"message 1 ada two", "fetched 1 0"}));
}

TEST_F(V2Messenger, PushesNeitherToWhatIsNoAddressNorToEverybody) {
  start();
  Peer ada = office_.open("ada");
  for (const std::string_view name : {"", "*", "#", "256", "\x7f"}) {
    EXPECT_EQ(office_.push(ada, name, "hi"), Heard{"refused bad_address"}) << name;
  }
  EXPECT_EQ(office_.push(ada, "#lobby", "hi"), Heard{"refused no_such_room"});
  EXPECT_EQ(office_.messenger().counters().books.stored, 0U);
}

TEST_F(V2Messenger, BoundsAMailboxByBytesToo) {
  start({.payload_bytes_max = 6, .mailbox_bytes_max = 10, .sender_bytes_max = 10});
  Peer ada = office_.open("ada");
  office_.open("bob");
  EXPECT_EQ(office_.push(ada, "bob", "123456"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "12345"), Heard{"refused mailbox_full"});
  EXPECT_EQ(office_.push(ada, "bob", "1234"), Heard{"accepted"});
}

TEST_F(V2Messenger, KeepsAPartOfAMailboxForOthers) {
  start({.payload_bytes_max = 6, .mailbox_messages_max = 4, .sender_messages_max = 2, .sender_bytes_max = 8});
  Peer ada = office_.open("ada");
  Peer eve = office_.open("eve");
  Peer bob = office_.open("bob");
  EXPECT_EQ(office_.push(ada, "bob", "1"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "2"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "3"), Heard{"refused quota_exceeded"});
  EXPECT_EQ(office_.push(eve, "bob", "123456"), Heard{"accepted"});
  EXPECT_EQ(office_.push(eve, "bob", "123"), Heard{"refused quota_exceeded"});
  EXPECT_EQ(office_.push(eve, "bob", "12"), Heard{"accepted"});
  EXPECT_EQ(office_.push(eve, "bob", "1"), Heard{"refused mailbox_full"}) << "which is said first";
  office_.fetch(bob);
  office_.acknowledge(bob, 0);
  EXPECT_EQ(office_.push(ada, "bob", "3"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "eve", "and elsewhere"), Heard{"refused payload_too_large"});
  EXPECT_EQ(office_.push(ada, "eve", "else"), Heard{"accepted"});
}

TEST_F(V2Messenger, BoundsWhatNobodyEverOpenedAndKeepsItForALimitedTime) {
  start({.unopened_messages_max = 2, .unopened_time_to_live_ms = 1'000});
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.push(ada, "x", "1", 1), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "y", "2", 2), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "y", "3", 3), Heard{"refused limit_reached"});
  EXPECT_EQ(office_.push(ada, "ada", "mine"), Heard{"accepted"});
  office_.open("y");
  EXPECT_EQ(office_.push(ada, "x", "3", 3), Heard{"accepted"}) << "what is in an opened mailbox does not count";
  office_.advance(999ms);
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 1"});
  office_.advance(1ms);
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 5"});
  EXPECT_EQ(office_.push(ada, "x", "4", 4), Heard{"accepted"});
}

TEST_F(V2Messenger, BoundsMemoryAndTheNumberOfAddresses) {
  start({.addresses_max = 3, .memory_bytes_max = 2 * MessagePool::cost_bytes(2)});
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  EXPECT_EQ(office_.push(ada, "eve", "hi"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "joe", "hi"), Heard{"refused limit_reached"}) << "of addresses";
  Peer joe = office_.connect();
  EXPECT_EQ(office_.open(joe, "joe"), Heard{"refused limit_reached"});
  EXPECT_EQ(office_.push(ada, "bob", "hi"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "hi"), Heard{"refused limit_reached"}) << "of memory";
  office_.fetch(bob);
  office_.acknowledge(bob, 0);
  office_.transport.disconnect(bob.connection);
  EXPECT_EQ(office_.open(joe, "joe"), Heard{"opened"}) << "bob was forgotten, for nothing was there";
  bob = office_.connect();
  EXPECT_EQ(office_.open(bob, "bob"), Heard{"refused limit_reached"});
}

TEST_F(V2Messenger, GivesAnAddressThatWasForgottenAnotherEpoch) {
  start({.addresses_max = 1});
  const Peer before = office_.open("ada");
  office_.transport.disconnect(before.connection);
  office_.transport.disconnect(office_.open("bob").connection);
  Peer after = office_.open("ada");
  EXPECT_NE(after.opened.epoch, before.opened.epoch);
  EXPECT_EQ(office_.fetch(after, {}, before.opened.epoch), Heard{"refused wrong_epoch"});
}

TEST_F(V2Messenger, LimitsRequestsPerSecond) {
  start({.requests_per_second_max = 2});
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.push(ada, "bob", "1"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "2"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "longer"), Heard{"refused rate_limited"});
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"refused rate_limited"});
  office_.advance(499ms);
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"refused rate_limited"});
  office_.advance(1ms);
  EXPECT_EQ(office_.push(ada, "bob", "3"), Heard{"accepted"});
  EXPECT_EQ(office_.push(ada, "bob", "4"), Heard{"refused rate_limited"});
  office_.advance(60s);
  office_.push(ada, "bob", "5");
  office_.push(ada, "bob", "6");
  EXPECT_EQ(office_.push(ada, "bob", "7"), Heard{"refused rate_limited"}) << "rest is not saved up";
}

TEST_F(V2Messenger, SaysThatThePayloadIsTooLargeAfterTheRate) {
  start({.payload_bytes_max = 1, .requests_per_second_max = 1});
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.push(ada, "bob", "12"), Heard{"refused payload_too_large"});
  EXPECT_EQ(office_.push(ada, "bob", "12"), Heard{"refused rate_limited"});
}

// Rule 4: time to live.

TEST_F(V2Messenger, LetsWhatWasNotDeliveredInTimeExpire) {
  start();
  Peer ada = office_.open("ada");
  Peer bob = office_.open("bob");
  office_.push(ada, "bob", "short", 1, 1'000);
  office_.push(ada, "bob", "for ever", 2);
  office_.push(ada, "bob", "longer", 3, 1'001);
  office_.advance(1s);
  EXPECT_EQ(office_.messenger().counters().books.expired, 1U) << "without being asked";
  EXPECT_EQ(office_.receipt(ada, 1), Heard{"state 5"});
  EXPECT_EQ(office_.fetch(bob), (Heard{"message 1 ada for ever", "message 2 ada longer", "fetched 2 0"}));
  office_.advance(1h);
  EXPECT_EQ(office_.receipt(ada, 3), Heard{"state 2"}) << "what was delivered does not expire";
  EXPECT_EQ(office_.status(bob),
            Heard{"mailbox of 2 14 aged 3601000 stored 3 acknowledged 0 taken 0 expired 1 purged 0"});
}

TEST_F(V2Messenger, TakesTheExpiredAwayBeforeALaterRequestIsLookedAt) {
  start({.mailbox_messages_max = 1});
  Peer ada = office_.open("ada");
  office_.push(ada, "ada", "short", 1, 10);
  // The clock on the wall is set: the time to live ends before anybody is woken for it.
  office_.wall_ms += 10;
  office_.transport.advance(1ms);
  EXPECT_EQ(office_.push(ada, "ada", "next", 2), Heard{"accepted"});
  EXPECT_EQ(office_.fetch(ada), (Heard{"message 1 ada next", "fetched 1 0"}));
}

// Rules 5 and 6: FETCH and ACK.

TEST_F(V2Messenger, DeliversInOrderWhatTheCreditAllowsAndGoesOnThere) {
  start();
  Peer ada = office_.open("ada");
  for (const std::string_view payload : {"one", "two", "three", "four"}) {
    office_.push(ada, "ada", payload);
  }
  EXPECT_EQ(office_.fetch(ada, {.messages = 2}), (Heard{"message 0 ada one", "message 1 ada two", "fetched 2 2"}));
  EXPECT_EQ(office_.fetch(ada, {.bytes = 0}), (Heard{"message 2 ada three", "fetched 1 1"}))
      << "the first whatever the bytes";
  EXPECT_EQ(office_.fetch(ada, {.messages = 2, .bytes = 6, .rewind = true}),
            (Heard{"message 0 ada one", "message 1 ada two", "fetched 2 2"}));
  EXPECT_EQ(office_.fetch(ada, {.bytes = 8, .rewind = true}),
            (Heard{"message 0 ada one", "message 1 ada two", "fetched 2 2"}));
  EXPECT_EQ(office_.fetch(ada), (Heard{"message 2 ada three", "message 3 ada four", "fetched 2 0"}));
  EXPECT_EQ(office_.fetch(ada), Heard{"fetched 0 0"});
}

TEST_F(V2Messenger, DeliversLessThanAskedForWhereItsOwnLimitsAreLower) {
  start({.fetch_messages_max = 2, .fetch_bytes_max = 3});
  Peer ada = office_.open("ada");
  for (int i = 0; i < 4; ++i) {
    office_.push(ada, "ada", i < 2 ? "x" : "long");
  }
  EXPECT_EQ(office_.fetch(ada), (Heard{"message 0 ada x", "message 1 ada x", "fetched 2 2"}));
  EXPECT_EQ(office_.fetch(ada), (Heard{"message 2 ada long", "fetched 1 1"}));
}

TEST_F(V2Messenger, RefusesAFetchOfNothingAndOfAnotherEpoch) {
  start();
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.fetch(ada, {.messages = 0}), Heard{"refused malformed"});
  EXPECT_EQ(office_.fetch(ada, {}, ada.opened.epoch + 1), Heard{"refused wrong_epoch"});
  EXPECT_EQ(office_.fetch(ada, {.source = "*"}, ada.opened.epoch + 1), Heard{"refused wrong_epoch"});
  EXPECT_EQ(office_.fetch(ada, {.source = "bob"}), Heard{"refused bad_address"});
}

TEST_F(V2Messenger, AcknowledgesCumulativelyAndAgain) {
  start();
  Peer ada = office_.open("ada");
  for (int i = 0; i < 4; ++i) {
    office_.push(ada, "ada", "x", static_cast<std::uint64_t>(i) + 1);
  }
  EXPECT_EQ(office_.acknowledge(ada, 0), Heard{"refused malformed"}) << "never delivered";
  office_.fetch(ada, {.messages = 3});
  EXPECT_EQ(office_.acknowledge(ada, 3), Heard{"refused malformed"});
  EXPECT_EQ(office_.acknowledge(ada, 1), Heard{"acked"});
  EXPECT_EQ(office_.acknowledge(ada, 1), Heard{"acked"});
  EXPECT_EQ(office_.acknowledge(ada, 0), Heard{"acked"});
  EXPECT_EQ(office_.messenger().counters().books.acknowledged, 2U);
  EXPECT_EQ(office_.acknowledge(ada, 2, "", ada.opened.epoch + 1), Heard{"refused wrong_epoch"});
  EXPECT_EQ(office_.acknowledge(ada, 9, "", ada.opened.epoch + 1), Heard{"refused wrong_epoch"});
  EXPECT_EQ(office_.acknowledge(ada, 2, "*", ada.opened.epoch), Heard{"refused malformed"});
  EXPECT_EQ(office_.receipt(ada, 2), Heard{"state 3"});
  EXPECT_EQ(office_.receipt(ada, 3), Heard{"state 2"});
  EXPECT_EQ(office_.receipt(ada, 4), Heard{"state 1"});
  EXPECT_EQ(office_.fetch(ada, {.rewind = true}), (Heard{"message 2 ada x", "message 3 ada x", "fetched 2 0"}));
}

TEST_F(V2Messenger, CarriesPayloadsOfAnyLengthUnchanged) {
  start();
  Peer ada = office_.open("ada");
  for (const std::size_t size : {0U, 1U, 254U, 255U, 65'536U}) {
    const std::string payload(size, '\xff');
    ASSERT_EQ(office_.push(ada, "ada", payload), Heard{"accepted"});
    EXPECT_EQ(office_.fetch(ada).at(0).size(), std::string{"message 0 ada "}.size() + size);
  }
}

// Rule 10: what is not understood.

TEST_F(V2Messenger, AnswersWhatItDoesNotUnderstandAndStaysOpen) {
  start();
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.say_bytes(ada, Bytes{0x2a, 9}), Heard{"to 9: refused unknown_operation"});
  EXPECT_EQ(office_.say_bytes(ada, Bytes{0x2a}), Heard{"to 0: refused malformed"});
  EXPECT_EQ(office_.say_bytes(ada, Bytes{}), Heard{"to 0: refused malformed"});
  EXPECT_EQ(office_.say_bytes(ada, Bytes{0x82, 9, 0}), Heard{"to 9: refused malformed"});
  EXPECT_EQ(office_.say_bytes(ada, Bytes{6, 9, 5, '#'}), Heard{"to 9: refused malformed"});
  EXPECT_EQ(office_.say_bytes(ada, Bytes{6, 0, 2, '#', 'a'}), Heard{"to 0: refused malformed"});
  EXPECT_EQ(office_.push(ada, "ada", "still here"), Heard{"accepted"});
}

TEST_F(V2Messenger, RefusesATagWhoseRequestWaitsAndLeavesThatAlone) {
  start();
  Peer ada = office_.open("ada");
  EXPECT_EQ(office_.fetch(ada, {.wait_ms = 1'000}), Heard{});
  --ada.tag;
  EXPECT_EQ(office_.push(ada, "ada", "not stored"), Heard{"refused malformed"});
  EXPECT_EQ(office_.push(ada, "ada", "stored"), (Heard{"accepted", "to 2: message 0 ada stored", "to 2: fetched 1 0"}));
}

TEST_F(V2Messenger, ClosesAfterATextMessage) {
  start();
  const Peer ada = office_.open("ada");
  office_.transport.bring_text(ada.connection, "hello");
  EXPECT_EQ(office_.transport.close_code_of(ada.connection), close_code::unsupported_data);
}

}  // namespace
}  // namespace restante
