#include <restante/sim/client_checker.hpp>

#include <chrono>

#include <gtest/gtest.h>

#include "story.hpp"

namespace restante::sim {
namespace {

using namespace std::chrono_literals;

constexpr Connection wire{0, 1};
constexpr std::string_view gave_up = "no reply came in time";

class ClientCheckerTest : public ::testing::Test {
 protected:
  ClientCheckerTest() {
    checker.judge(0, {.reply_timeout = 30s, .requests_max = 2});
    story.opens(wire);
  }

  void sends(const Bytes& bytes) { story.tell(EntryKind::sent_by_client, wire, bytes); }
  void gets(const Bytes& bytes) { story.tell(EntryKind::received_by_client, wire, bytes); }

  Findings findings;
  ClientChecker checker{findings};
  Story<ClientChecker> story{checker, findings};
};

TEST_F(ClientCheckerTest, FindsNothingInWhatIsRight) {
  sends(associate(1));
  gets(associated(1));
  sends(get(1));
  story.now += 31s;
  story.tell(EntryKind::closed_at_server, wire, {}, close_code::policy_violation, gave_up);
  EXPECT_EQ(story.finding(), "");
}

TEST_F(ClientCheckerTest, FindsARequestBeforeTheClaimOfAnId) {
  sends(get(1));
  EXPECT_EQ(story.finding(), "a client asked for something before it claimed its id");
}

TEST_F(ClientCheckerTest, LetsAProgramAskBeforeItClaimsWhereItIsToldTo) {
  constexpr Connection other{1, 1};
  checker.judge(1, {.reply_timeout = 30s, .claims_first = false});
  story.client = 1;
  story.opens(other);
  story.tell(EntryKind::sent_by_client, other, get(1));
  EXPECT_EQ(story.finding(), "");
}

TEST_F(ClientCheckerTest, FindsAClientThatDoesNotUnderstandAReply) {
  sends(associate(1));
  story.tell(EntryKind::closed_at_server, wire, {}, close_code::protocol_error);
  EXPECT_EQ(story.finding(), "a client took a reply for one that it had not asked for");
}

TEST_F(ClientCheckerTest, FindsAClientThatGivesUpTooEarly) {
  sends(associate(1));
  story.now += 29s;
  story.tell(EntryKind::closed_at_server, wire, {}, close_code::policy_violation, gave_up);
  EXPECT_EQ(story.finding(), "a client gave up before it had waited long enough for a reply");
}

TEST_F(ClientCheckerTest, FindsAClientThatGivesUpThoughItWaitsForNothing) {
  sends(associate(1));
  gets(associated(1));
  story.now += 60s;
  story.tell(EntryKind::closed_at_server, wire, {}, close_code::policy_violation, gave_up);
  EXPECT_EQ(story.finding(), "a client gave up before it had waited long enough for a reply");
}

TEST_F(ClientCheckerTest, FindsAClientThatGivesUpThoughAReplyCameInTime) {
  sends(associate(1));
  sends(get(1));
  story.now += 29s;
  gets(associated(1));
  story.now += 2s;
  story.tell(EntryKind::closed_at_server, wire, {}, close_code::policy_violation, gave_up);
  EXPECT_EQ(story.finding(), "a client gave up before it had waited long enough for a reply");
}

TEST_F(ClientCheckerTest, FindsAClientThatWaitsForAReplyForEver) {
  sends(associate(1));
  story.now += 30s;
  gets(associated(1));
  EXPECT_EQ(story.finding(), "");
  sends(get(1));
  story.now += 31s;
  gets(empty(1));
  EXPECT_EQ(story.finding(), "a client waited longer for a reply than it should");
}

TEST_F(ClientCheckerTest, FindsAnIdThatIsClaimedTwiceAtOnce) {
  sends(associate(1));
  gets(unknown_error(1));
  sends(associate(1));
  EXPECT_EQ(story.finding(), "");
  sends(associate(1));
  EXPECT_EQ(story.finding(), "a client claimed an id while it waited for the reply to a claim");
}

TEST_F(ClientCheckerTest, FindsMoreRequestsThanThereMayBe) {
  sends(associate(1));
  sends(get(1));
  EXPECT_EQ(story.finding(), "");
  sends(get(1));
  EXPECT_EQ(story.finding(), "a client had more requests under way than it may");
}

TEST_F(ClientCheckerTest, ComparesWhatAClientWasToldWithWhatCame) {
  sends(associate(1));
  gets(associated(1));
  for (const Bytes& reply : {accepted(1), full(1), response(1, 2, 3), empty(1)}) {
    sends(get(1));
    gets(reply);
  }
  checker.check_told({}, 0, {.accepted = 1, .mailbox_full = 1, .messages = 1, .found_empty = 1});
  EXPECT_EQ(story.finding(), "");
  checker.check_told({}, 0, {.accepted = 2, .mailbox_full = 0, .messages = 1, .found_empty = 1});
  EXPECT_EQ(story.finding(),
            "a client was told something else than what came: 2 accepted, 0 full, 1 messages, 1 empty; true are 1, 1, "
            "1, 1");
}

TEST_F(ClientCheckerTest, DoesNotJudgeWhoIsRaw) {
  constexpr Connection raw{1, 1};
  story.client = 1;
  story.opens(raw);
  story.tell(EntryKind::sent_by_client, raw, get(1));
  story.tell(EntryKind::closed_at_server, raw, {}, close_code::protocol_error);
  EXPECT_EQ(story.finding(), "");
}

}  // namespace
}  // namespace restante::sim
