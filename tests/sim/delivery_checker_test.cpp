#include <restante/sim/delivery_checker.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "story.hpp"

namespace restante::sim {
namespace {

using ::testing::HasSubstr;

constexpr Connection wire{3, 2};

class DeliveryCheckerTest : public ::testing::Test {
 protected:
  DeliveryCheckerTest() { story.opens(wire); }

  void client_sends(const Bytes& bytes) { story.tell(EntryKind::sent_by_client, wire, bytes); }
  void server_gets(const Bytes& bytes) { story.tell(EntryKind::received_by_server, wire, bytes); }
  void server_sends(const Bytes& bytes) { story.tell(EntryKind::sent_by_server, wire, bytes); }
  void client_gets(const Bytes& bytes) { story.tell(EntryKind::received_by_client, wire, bytes); }

  Findings findings;
  DeliveryChecker checker{findings};
  Story<DeliveryChecker> story{checker, findings};
};

TEST_F(DeliveryCheckerTest, FindsNothingInWhatIsRight) {
  client_sends(get(1));
  client_sends(get(2));
  server_gets(get(1));
  server_sends(response(1, 2, 3));
  server_gets(get(2));
  client_gets(response(1, 2, 3));
  checker.check_quiet({});
  EXPECT_EQ(story.finding(), "");
  EXPECT_EQ(findings.totals.messages_delivered, 1U);
}

TEST_F(DeliveryCheckerTest, FindsAGapOnAStream) {
  client_sends(get(1));
  client_sends(get(2));
  server_gets(get(2));
  EXPECT_THAT(story.finding(), HasSubstr("something else arrived than what was sent next"));
}

TEST_F(DeliveryCheckerTest, FindsAnArrivalThatWasNeverSent) {
  client_gets(empty(1));
  EXPECT_THAT(story.finding(), HasSubstr("something else arrived"));
}

TEST_F(DeliveryCheckerTest, FindsWhatArrivesTwiceOnAStream) {
  server_sends(empty(1));
  client_gets(empty(1));
  client_gets(empty(1));
  EXPECT_THAT(story.finding(), HasSubstr("something else arrived"));
}

TEST_F(DeliveryCheckerTest, FindsWhatArrivesOnAConnectionThatNeverWas) {
  story.tell(EntryKind::received_by_client, {9, 9}, empty(1));
  EXPECT_THAT(story.finding(), HasSubstr("something arrived on a connection that never was opened"));
}

TEST_F(DeliveryCheckerTest, FindsWhatIsSentOnAConnectionThatNeverWas) {
  story.tell(EntryKind::sent_by_server, {9, 9}, empty(1));
  EXPECT_THAT(story.finding(), HasSubstr("something was sent on a connection that never was opened"));
}

TEST_F(DeliveryCheckerTest, FindsWhatNeverArrivesOnAConnectionThatStands) {
  client_sends(get(1));
  checker.check_quiet({});
  EXPECT_EQ(story.finding(), "1 messages did not arrive on a connection that stands");
}

TEST_F(DeliveryCheckerTest, CountsAResponseThatIsLostWithItsConnection) {
  server_sends(response(1, 2, 3));
  story.tell(EntryKind::closed_at_client, wire, {}, close_code::abnormal);
  story.tell(EntryKind::closed_at_server, wire, {}, close_code::abnormal);
  checker.check_quiet({});
  EXPECT_EQ(story.finding(), "");
  EXPECT_EQ(findings.totals.messages_lost_with_connection, 1U);
  EXPECT_EQ(findings.sometimes[Sometimes::connection_broke_with_data_in_flight], 1U);
}

TEST_F(DeliveryCheckerTest, CountsAResponseThatIsSentToAClientThatIsGone) {
  story.tell(EntryKind::closed_at_client, wire, {}, close_code::abnormal);
  server_sends(response(1, 2, 3));
  EXPECT_EQ(findings.totals.messages_lost_with_connection, 1U);
}

TEST_F(DeliveryCheckerTest, FindsWhatArrivesAfterACrash) {
  client_sends(get(1));
  story.tell(EntryKind::server_crashed);
  server_gets(get(1));
  EXPECT_THAT(story.finding(), HasSubstr("something else arrived"));
}

TEST_F(DeliveryCheckerTest, LetsAConnectionThatWasNotLetInYetMeetTheNextServer) {
  constexpr Connection knocking{4, 1};
  story.tell(EntryKind::opening, knocking);
  story.tell(EntryKind::server_crashed);
  story.tell(EntryKind::server_started);
  story.tell(EntryKind::opened_at_server, knocking);
  story.tell(EntryKind::sent_by_client, knocking, get(1));
  story.tell(EntryKind::received_by_server, knocking, get(1));
  EXPECT_EQ(story.finding(), "");
}

TEST_F(DeliveryCheckerTest, AllowsDatagramsToBeMissingLateAndDoubled) {
  constexpr Connection radio{5, 1};
  checker.set_datagram(1, true);
  story.client = 1;
  story.opens(radio);
  for (const std::uint8_t id : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
    story.tell(EntryKind::sent_by_client, radio, get(id));
  }
  story.tell(EntryKind::received_by_server, radio, get(3));
  story.tell(EntryKind::received_by_server, radio, get(1));
  story.tell(EntryKind::received_by_server, radio, get(1));
  checker.check_quiet({});
  EXPECT_EQ(story.finding(), "");
  story.tell(EntryKind::received_by_server, radio, get(4));
  EXPECT_EQ(story.finding(), "something arrived that nobody had sent");
}

TEST_F(DeliveryCheckerTest, FindsAConnectionThatIsClosedAsStuckThoughAllWasRead) {
  server_sends(empty(1));
  checker.check_stuck({}, wire);
  EXPECT_EQ(story.finding(), "");
  client_gets(empty(1));
  checker.check_stuck({}, wire);
  EXPECT_EQ(story.finding(), "a connection was closed as stuck whose peer had read everything");
}

}  // namespace
}  // namespace restante::sim
