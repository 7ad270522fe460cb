#include <restante/sim/protocol_checker.hpp>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "story.hpp"

namespace restante::sim {
namespace {

using ::testing::HasSubstr;

constexpr Connection ada{0, 1};
constexpr Connection bob{1, 1};

// A server without a disk whose mailboxes hold two messages; Ada holds 1, Bob holds 2.
class ProtocolCheckerTest : public ::testing::Test {
 protected:
  ProtocolCheckerTest() {
    story.tell(EntryKind::server_started);
    story.opens(ada);
    story.opens(bob);
    story.asks_and_gets(ada, associate(1), associated(1));
    story.asks_and_gets(bob, associate(2), associated(2));
  }

  Findings findings;
  ProtocolChecker checker{findings, {.mailbox_messages_max = 2}, nullptr};
  Story<ProtocolChecker> story{checker, findings};
};

TEST_F(ProtocolCheckerTest, FindsNothingInWhatIsRight) {
  story.asks_and_gets(ada, associate(1), unknown_error(1));
  story.asks_and_gets(bob, associate(1), unknown_error(1));
  story.asks_and_gets(ada, get(2), association_failed(2));
  story.asks_and_gets(ada, get(1), empty(1));
  story.asks_and_gets(ada, push(2, 1, 9), association_failed(2));
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  story.asks_and_gets(ada, push(1, 2, 8), accepted(1));
  story.asks_and_gets(ada, push(1, 2, 9), full(1));
  story.asks_and_gets(bob, get(2), response(2, 1, 7));
  story.asks_and_gets(ada, {2, 1, 1, 2, 3, 0}, unknown_error(1));
  story.asks_and_gets(ada, {2, 1, 9, 2, 3, 0}, association_failed(9));
  story.asks_and_gets(ada, {2, 1, 1, 2}, unknown_error(1));
  story.asks_and_gets(ada, {9, 9}, unknown_error(0));
  story.asks_and_gets(ada, {1, 0, 5, 0}, unknown_error(5));
  story.asks(ada, get(1));
  story.asks(bob, get(2));
  story.replies(bob, response(2, 1, 8));
  story.replies(ada, empty(1));
  checker.check_books({}, Books{.loaded = 0, .stored = 2, .taken = 2, .held = 0});
  checker.check_quiet({});
  EXPECT_EQ(story.finding(), "");
}

TEST_F(ProtocolCheckerTest, ComparesTheCountersOfTheServerWithWhatIsThere) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  MessengerCounters told;
  told.books = {.loaded = 0, .stored = 1, .taken = 0, .held = 1};
  told.addresses_held = 2;
  told.connections_open = 2;
  told.payload_bytes_held = 1;
  checker.check_counters({}, told);
  EXPECT_EQ(story.finding(), "");
  told.addresses_held = 3;
  checker.check_counters({}, told);
  EXPECT_EQ(story.finding(), "the server says that 3 addresses are held, and it is 2");
}

TEST_F(ProtocolCheckerTest, FindsTextThatClosesAConnectionForAnotherReason) {
  story.tell(EntryKind::received_by_server, ada, {}, 0, {}, MessageType::text);
  story.tell(EntryKind::closed_at_client, ada, {}, close_code::unsupported_data);
  EXPECT_EQ(story.finding(), "");
  story.tell(EntryKind::closed_at_client, ada, {}, close_code::protocol_error);
  EXPECT_EQ(story.finding(), "text closed a connection with 1002");
}

TEST_F(ProtocolCheckerTest, FindsAWrongReply) {
  story.asks_and_gets(ada, get(1), association_failed(1));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 1 1 1"));
}

TEST_F(ProtocolCheckerTest, FindsAReplyWithAByteTooMuch) {
  story.asks_and_gets(ada, get(1), {1, 1, 1, 0});
  EXPECT_THAT(story.finding(), HasSubstr("another packet"));
}

TEST_F(ProtocolCheckerTest, FindsRepliesOutOfOrder) {
  story.asks(ada, get(1));
  story.asks(ada, push(1, 2, 7));
  story.replies(ada, accepted(1));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 1 1 1"));
}

TEST_F(ProtocolCheckerTest, FindsASecondReply) {
  story.asks_and_gets(ada, get(1), empty(1));
  story.replies(ada, empty(1));
  EXPECT_THAT(story.finding(), HasSubstr("nobody had asked for"));
}

TEST_F(ProtocolCheckerTest, FindsAPacketThatNobodyAskedFor) {
  story.replies(bob, response(2, 1, 7));
  EXPECT_THAT(story.finding(), HasSubstr("nobody had asked for"));
}

TEST_F(ProtocolCheckerTest, FindsAReplyOnAConnectionThatIsGone) {
  story.asks(ada, get(1));
  story.tell(EntryKind::closed_at_server, ada, {}, close_code::abnormal);
  story.replies(ada, empty(1));
  EXPECT_THAT(story.finding(), HasSubstr("not open"));
}

TEST_F(ProtocolCheckerTest, FindsAReplyToTheNextConnectionInASlot) {
  constexpr Connection next{0, 2};
  story.asks(ada, get(1));
  story.tell(EntryKind::closed_at_server, ada, {}, close_code::abnormal);
  story.opens(next);
  story.replies(next, empty(1));
  EXPECT_THAT(story.finding(), HasSubstr("nobody had asked for"));
}

TEST_F(ProtocolCheckerTest, FindsARequestOnAConnectionThatIsNotOpen) {
  story.asks({7, 7}, get(1));
  EXPECT_THAT(story.finding(), HasSubstr("not open"));
}

TEST_F(ProtocolCheckerTest, FindsAMessageThatIsDeliveredTwice) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  story.asks_and_gets(bob, get(2), response(2, 1, 7));
  story.asks_and_gets(bob, get(2), response(2, 1, 7));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 1 1 2"));
}

TEST_F(ProtocolCheckerTest, FindsAMessageThatNobodyPushed) {
  story.asks_and_gets(bob, get(2), response(2, 1, 7));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 1 1 2"));
}

TEST_F(ProtocolCheckerTest, FindsAnAlteredPayload) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  story.asks_and_gets(bob, get(2), response(2, 1, 6));
  EXPECT_THAT(story.finding(), HasSubstr("message 0 of that mailbox, from 1"));
}

TEST_F(ProtocolCheckerTest, FindsAWrongSender) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  story.asks_and_gets(bob, get(2), response(2, 2, 7));
  EXPECT_THAT(story.finding(), HasSubstr("from 1"));
}

TEST_F(ProtocolCheckerTest, FindsMessagesOutOfOrder) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  story.asks_and_gets(ada, push(1, 2, 8), accepted(1));
  story.asks_and_gets(bob, get(2), response(2, 1, 8));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 2 0 2 with message 0"));
}

TEST_F(ProtocolCheckerTest, FindsAnAcceptedMessageThatIsMissing) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  story.asks_and_gets(bob, get(2), empty(2));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 2 0 2"));
}

TEST_F(ProtocolCheckerTest, FindsAMailboxThatHoldsOneMore) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  story.asks_and_gets(ada, push(1, 2, 8), accepted(1));
  story.asks_and_gets(ada, push(1, 2, 9), accepted(1));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 1 3 1"));
}

TEST_F(ProtocolCheckerTest, FindsAMailboxThatHoldsOneLess) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  story.asks_and_gets(ada, push(1, 2, 8), full(1));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 1 2 1"));
}

TEST_F(ProtocolCheckerTest, FindsTwoHoldersOfAnId) {
  story.asks_and_gets(bob, associate(1), associated(1));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 0 3 1"));
}

TEST_F(ProtocolCheckerTest, FindsAnIdThatIsNotReleased) {
  story.tell(EntryKind::closed_at_server, ada, {}, close_code::normal);
  story.asks_and_gets(bob, associate(1), unknown_error(1));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 0 1 1"));
}

TEST_F(ProtocolCheckerTest, FindsAnIdThatIsReleasedTooEarly) {
  story.asks_and_gets(ada, get(1), association_failed(1));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 1 1 1"));
}

TEST_F(ProtocolCheckerTest, FindsAWrongLengthThatIsJudgedBeforeTheSender) {
  story.asks_and_gets(ada, {2, 1, 2, 2, 9}, unknown_error(2));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 0 2 2"));
}

TEST_F(ProtocolCheckerTest, FindsALengthByteOf255ThatIsAccepted) {
  Bytes packet{2, 1, 1, 2, 255};
  packet.resize(5 + 255);
  story.asks_and_gets(ada, packet, accepted(1));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 0 3 1"));
}

TEST_F(ProtocolCheckerTest, FindsARequestThatIsNeverAnswered) {
  story.asks(ada, get(1));
  checker.check_quiet({});
  EXPECT_EQ(story.finding(), "1 requests got no reply");
}

TEST_F(ProtocolCheckerTest, AsksForNoReplyToText) {
  story.tell(EntryKind::received_by_server, ada, {'h'}, 0, {}, MessageType::text);
  checker.check_quiet({});
  EXPECT_EQ(story.finding(), "");
  story.replies(ada, unknown_error(0));
  EXPECT_THAT(story.finding(), HasSubstr("nobody had asked for"));
}

TEST_F(ProtocolCheckerTest, FindsBooksThatAreWrong) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  checker.check_books({}, Books{.loaded = 0, .stored = 1, .taken = 1, .held = 0});
  EXPECT_THAT(story.finding(), HasSubstr("the books of the server are wrong"));
}

TEST_F(ProtocolCheckerTest, ForgetsEverythingWhenAServerWithoutADiskCrashes) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  story.tell(EntryKind::server_crashed);
  story.tell(EntryKind::server_started);
  constexpr Connection again{1, 2};
  story.opens(again);
  story.asks_and_gets(again, associate(2), associated(2));
  story.asks_and_gets(again, get(2), empty(2));
  EXPECT_EQ(story.finding(), "");
  EXPECT_EQ(findings.totals.messages_lost_in_crash, 1U);
}

// With a disk: the test decides what it has kept.
class ProtocolCheckerWithDiskTest : public ::testing::Test {
 protected:
  ProtocolCheckerWithDiskTest() {
    story.tell(EntryKind::server_started);
    story.opens(ada);
    story.asks_and_gets(ada, associate(1), associated(1));
  }

  void keep(Offset offset, std::uint8_t sender, std::uint8_t payload) {
    durable[2].messages.push_back({offset, Address{sender}, {payload}});
    durable[2].next_offset = offset + 1;
  }

  /// Message 0, which is on the disk before it is acknowledged.
  void stores_one() {
    story.asks(ada, push(1, 2, 7));
    keep(0, 1, 7);
    story.replies(ada, accepted(1));
  }

  void restart() {
    story.tell(EntryKind::server_crashed);
    story.tell(EntryKind::server_started);
  }

  Disk::Mailboxes durable;
  Findings findings;
  ProtocolChecker checker{findings, {.mailbox_messages_max = 3}, &durable};
  Story<ProtocolChecker> story{checker, findings};
};

TEST_F(ProtocolCheckerWithDiskTest, FindsNothingWhereTheDiskHasWhatWasAcknowledged) {
  stores_one();
  story.asks(ada, push(1, 2, 8));
  restart();
  EXPECT_EQ(story.finding(), "");
  EXPECT_EQ(checker.depth(2), 1U);
  checker.check_books({}, Books{.loaded = 1, .stored = 0, .taken = 0, .held = 1});
  EXPECT_EQ(story.finding(), "");
}

TEST_F(ProtocolCheckerWithDiskTest, AllowsThatTheDiskHasWhatWasNotAcknowledged) {
  story.asks(ada, push(1, 2, 7));
  keep(0, 1, 7);
  restart();
  EXPECT_EQ(story.finding(), "");
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAnAcknowledgedMessageThatIsGone) {
  stores_one();
  durable[2] = {};
  restart();
  EXPECT_EQ(story.finding(), "message 0, which had been acknowledged, is gone in mailbox 2 after the store was loaded");
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAMessageThatHadBeenGivenOut) {
  story.asks_and_gets(ada, associate(2), associated(2));
  stores_one();
  story.asks(ada, get(2));
  durable[2].messages.clear();
  story.replies(ada, response(2, 1, 7));
  EXPECT_EQ(story.finding(), "");
  keep(0, 1, 7);
  restart();
  EXPECT_THAT(story.finding(), HasSubstr("had been given out are back in mailbox 2"));
}

TEST_F(ProtocolCheckerWithDiskTest, AllowsThatAMessageIsBackWhoseResponseWasNotSent) {
  story.asks_and_gets(ada, associate(2), associated(2));
  stores_one();
  story.asks(ada, get(2));
  restart();
  EXPECT_EQ(story.finding(), "");
  EXPECT_EQ(checker.depth(2), 1U);
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAMessageOnDiskThatNobodyPushed) {
  keep(0, 1, 7);
  restart();
  EXPECT_THAT(story.finding(), HasSubstr("there are messages that nobody pushed in mailbox 2"));
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAMessageOnDiskThatIsAnother) {
  stores_one();
  durable[2].messages.front().payload = {8};
  restart();
  EXPECT_THAT(story.finding(), HasSubstr("message 0 is another in mailbox 2"));
}

TEST_F(ProtocolCheckerWithDiskTest, LooksAtTheDiskAlsoWhenTheStoreRecovers) {
  stores_one();
  story.tell(EntryKind::store_failed);
  story.asks_and_gets(ada, push(1, 2, 8), unknown_error(1));
  story.asks_and_gets(ada, get(1), unknown_error(1));
  EXPECT_EQ(story.finding(), "");
  durable[2] = {};
  story.tell(EntryKind::store_recovered);
  EXPECT_THAT(story.finding(), HasSubstr("is gone in mailbox 2"));
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAnAcknowledgementThatLeavesBeforeTheMessageIsOnTheDisk) {
  story.asks_and_gets(ada, push(1, 2, 7), accepted(1));
  EXPECT_EQ(story.finding(), "the server said 1 2 1 before that was on its disk");
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAMessageThatIsGivenOutBeforeTheDiskKnows) {
  story.asks_and_gets(ada, associate(2), associated(2));
  stores_one();
  story.asks_and_gets(ada, get(2), response(2, 1, 7));
  EXPECT_THAT(story.finding(), HasSubstr("before that was on its disk"));
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAMailboxThatIsSaidToBeFullBeforeTheDiskKnows) {
  stores_one();
  story.asks(ada, push(1, 2, 8));
  story.asks(ada, push(1, 2, 9));
  story.asks(ada, push(1, 2, 10));
  keep(1, 1, 8);
  story.replies(ada, accepted(1));
  keep(2, 1, 9);
  story.replies(ada, accepted(1));
  story.replies(ada, full(1));
  EXPECT_EQ(story.finding(), "");
  story.asks(ada, push(1, 2, 11));
  durable[2].next_offset = 2;
  story.replies(ada, full(1));
  EXPECT_EQ(story.finding(), "the server said 1 3 1 before that was on its disk");
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAMailboxThatIsSaidToBeEmptyBeforeTheDiskKnows) {
  story.asks_and_gets(ada, associate(2), associated(2));
  story.asks_and_gets(ada, get(2), empty(2));
  EXPECT_EQ(story.finding(), "");
  stores_one();
  story.asks(ada, get(2));
  story.asks(ada, get(2));
  durable[2].messages.clear();
  story.replies(ada, response(2, 1, 7));
  EXPECT_EQ(story.finding(), "");
  keep(0, 1, 7);
  story.replies(ada, empty(2));
  EXPECT_EQ(story.finding(), "the server said 1 1 2 before that was on its disk");
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAReplyToWhoWaitedWhenTheStoreFailed) {
  story.asks(ada, push(1, 2, 7));
  story.tell(EntryKind::store_failed);
  keep(0, 1, 7);
  story.tell(EntryKind::store_recovered);
  story.replies(ada, accepted(1));
  EXPECT_EQ(story.finding(), "the server answered a request that had waited for a store that failed");
}

TEST_F(ProtocolCheckerWithDiskTest, FindsAMessageThatIsAcceptedWhileTheStoreIsAway) {
  story.tell(EntryKind::store_failed);
  story.asks_and_gets(ada, push(1, 2, 8), accepted(1));
  EXPECT_THAT(story.finding(), HasSubstr("another packet than 0 3 1"));
}

}  // namespace
}  // namespace restante::sim
