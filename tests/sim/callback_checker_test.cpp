#include <restante/sim/callback_checker.hpp>

#include <cstdint>
#include <system_error>

#include <gtest/gtest.h>

#include <restante/client_options.hpp>
#include <restante/error.hpp>

#include "story.hpp"

namespace restante::sim {
namespace {

constexpr Connection wire{0, 1};
constexpr Connection next_wire{0, 2};

class CallbackCheckerTest : public ::testing::Test {
 protected:
  using Request = CallbackChecker::Request;

  CallbackCheckerTest() {
    checker.connects();
    opens(wire);
  }

  void opens(Connection connection) {
    story.opens(connection);
    hears(client_event::Connected{});
  }

  void ends(Connection connection, CloseCode code = close_code::abnormal, bool reconnects = true) {
    story.tell(EntryKind::closed_at_client, connection, {}, code);
    hears(client_event::Disconnected{code, {}, reconnects, {}});
  }

  // The program asks, and its Client sends.
  Request asks(const Bytes& packet, Connection connection = wire) {
    const Request request = checker.asks(packet, true);
    story.tell(EntryKind::sent_by_client, connection, packet);
    checker.asked(story.now);
    return request;
  }

  // The program asks, and its Client sends nothing.
  Request asks_in_vain(const Bytes& packet, bool stands) {
    const Request request = checker.asks(packet, stands);
    checker.asked(story.now);
    return request;
  }

  void gets(const Bytes& reply, Connection connection = wire) {
    story.tell(EntryKind::received_by_client, connection, reply);
  }
  void claims(const Bytes& packet, Connection connection) { story.tell(EntryKind::sent_by_client, connection, packet); }
  void called(Request request, const Bytes& reply) { checker.called_back(story.now, request, {}, reply); }
  void failed(Request request, Error error = Error::disconnected) {
    checker.called_back(story.now, request, make_error_code(error), {});
  }
  void hears(const ClientEvent& event) { checker.hears(story.now, event); }
  void settles(bool stands = true) { checker.check_settled(story.now, stands); }
  void falls_quiet(bool stands = true, bool held = true) {
    checker.check_quiet(story.now, stands, [held](std::uint8_t) { return held; });
  }

  // Associates id 1, which is then claimed again on each connection.
  void associates() {
    const Request request = asks(associate(1));
    gets(associated(1));
    called(request, associated(1));
    settles();
  }

  Findings findings;
  CallbackChecker checker{findings, 0, 3};
  Story<CallbackChecker> story{checker, findings};
};

TEST_F(CallbackCheckerTest, FindsNothingInWhatIsRight) {
  associates();
  const Request first = asks(push(1, 2, 7));
  const Request second = asks(get(1));
  gets(accepted(1));
  called(first, accepted(1));
  settles();
  ends(wire);
  failed(second);
  const Request third = asks_in_vain(get(1), false);
  failed(third, Error::not_connected);
  settles(false);
  story.tell(EntryKind::opening, next_wire);
  story.tell(EntryKind::opened_at_client, next_wire);
  claims(associate(1), next_wire);
  hears(client_event::Connected{});
  const Request fourth = asks(get(1), next_wire);
  gets(unknown_error(1), next_wire);
  hears(client_event::IdNotRestored{1, classic::AssociateResult::taken});
  gets(association_failed(1), next_wire);
  called(fourth, association_failed(1));
  settles();
  claims(associate(1), next_wire);
  gets(associated(1), next_wire);
  hears(client_event::IdRestored{1});
  settles();
  EXPECT_TRUE(checker.held().contains(1));
  falls_quiet();
  EXPECT_EQ(story.finding(), "");
}

TEST_F(CallbackCheckerTest, FindsNothingInAClientThatGivesUp) {
  associates();
  const Request request = asks(get(1));
  failed(request);
  settles(false);
  ends(wire, close_code::policy_violation);
  settles(false);
  EXPECT_EQ(story.finding(), "");
}

TEST_F(CallbackCheckerTest, FindsARequestThatBecameAnother) {
  checker.asks(push(1, 2, 7), true);
  claims(push(2, 1, 7), wire);
  checker.asked(story.now);
  EXPECT_EQ(story.finding(), "something else was sent than what was asked for");
}

TEST_F(CallbackCheckerTest, FindsARequestThatWasNotSent) {
  asks_in_vain(get(1), true);
  EXPECT_EQ(story.finding(), "a request was not sent, although it could be");
}

TEST_F(CallbackCheckerTest, FindsARequestThatWasOneTooMany) {
  for (int i = 0; i < 4; ++i) {
    asks(get(1));
  }
  EXPECT_EQ(story.finding(), "a request was sent that should be refused");
}

TEST_F(CallbackCheckerTest, KnowsThatARequestIsOneTooMany) {
  for (int i = 0; i < 3; ++i) {
    asks(get(1));
  }
  failed(asks_in_vain(get(1), true), Error::too_many_requests);
  settles();
  EXPECT_EQ(story.finding(), "");
}

TEST_F(CallbackCheckerTest, FindsAWrongReasonOfARefusal) {
  failed(asks_in_vain(get(1), false), Error::too_many_requests);
  EXPECT_EQ(story.finding(), "a request was refused for a reason that is not true");
}

TEST_F(CallbackCheckerTest, FindsARefusalThatIsNotTold) {
  asks_in_vain(get(1), false);
  settles(false);
  EXPECT_EQ(story.finding(), "a request was not sent and its callback was not called");
}

TEST_F(CallbackCheckerTest, FindsACallbackInsideTheCallThatAsked) {
  const Request request = checker.asks(get(1), false);
  failed(request, Error::not_connected);
  checker.asked(story.now);
  EXPECT_EQ(story.finding(), "a callback was called from inside a call that made a request");
}

TEST_F(CallbackCheckerTest, FindsTheCallbackOfAnotherRequest) {
  asks(get(1));
  const Request second = asks(get(1));
  gets(empty(1));
  called(second, empty(1));
  EXPECT_EQ(story.finding(), "a callback was called that is not the one of the request whose reply came");
}

TEST_F(CallbackCheckerTest, FindsACallbackThatSaysSomethingElse) {
  const Request request = asks(push(1, 2, 7));
  gets(full(1));
  called(request, accepted(1));
  EXPECT_EQ(story.finding(), "a callback says something else than the reply");
}

TEST_F(CallbackCheckerTest, FindsAReplyThatNobodyIsToldOf) {
  asks(get(1));
  gets(empty(1));
  settles();
  EXPECT_EQ(story.finding(), "a reply came and nobody was told");
}

TEST_F(CallbackCheckerTest, FindsAnEndThatNotAllRequestsAreToldOf) {
  const Request first = asks(get(1));
  asks(get(1));
  ends(wire);
  failed(first);
  settles(false);
  EXPECT_EQ(story.finding(), "a connection ended and not all of its requests were told so");
}

TEST_F(CallbackCheckerTest, FindsAnEndThatIsToldInAnotherOrder) {
  asks(get(1));
  const Request second = asks(get(1));
  ends(wire);
  failed(second);
  EXPECT_EQ(story.finding(), "a callback was called out of order, or again");
}

TEST_F(CallbackCheckerTest, FindsACallbackThatIsCalledAgain) {
  const Request request = asks(get(1));
  ends(wire);
  failed(request);
  failed(request);
  EXPECT_EQ(story.finding(), "a callback was called out of order, or again");
}

TEST_F(CallbackCheckerTest, FindsAnEndThatIsToldAsSomethingElse) {
  const Request request = asks(get(1));
  ends(wire);
  failed(request, Error::not_connected);
  EXPECT_EQ(story.finding(), "a request that was sent failed for a wrong reason");
}

TEST_F(CallbackCheckerTest, FindsAnEndThatIsNotTrue) {
  failed(asks(get(1)));
  settles();
  EXPECT_EQ(story.finding(), "a request was told that its connection ended, which stands");
}

TEST_F(CallbackCheckerTest, FindsAnIdThatIsNotClaimedAgain) {
  associates();
  ends(wire);
  opens(next_wire);
  settles();
  EXPECT_EQ(story.finding(), "an id was not claimed again on a new connection");
}

TEST_F(CallbackCheckerTest, FindsARequestThatOvertakesTheClaimOfAnId) {
  associates();
  ends(wire);
  opens(next_wire);
  asks(get(1), next_wire);
  EXPECT_EQ(story.finding(), "something was asked for before ids were claimed again");
}

TEST_F(CallbackCheckerTest, FindsTheClaimOfAnIdThatWasNeverHeld) {
  const Request request = asks(associate(1));
  gets(unknown_error(1));
  called(request, unknown_error(1));
  ends(wire);
  opens(next_wire);
  claims(associate(1), next_wire);
  EXPECT_EQ(story.finding(), "an id was claimed that should not be");
}

TEST_F(CallbackCheckerTest, FindsTheClaimOfAnIdThatIsForgotten) {
  associates();
  checker.forgets(1);
  ends(wire);
  opens(next_wire);
  settles();
  EXPECT_EQ(story.finding(), "");
  claims(associate(1), next_wire);
  EXPECT_EQ(story.finding(), "an id was claimed that should not be");
}

TEST_F(CallbackCheckerTest, FindsTheClaimOfAnIdThatIsHeld) {
  associates();
  claims(associate(1), wire);
  EXPECT_EQ(story.finding(), "an id was claimed that should not be");
}

TEST_F(CallbackCheckerTest, FindsAnythingElseThatNobodyAskedFor) {
  claims(get(1), wire);
  EXPECT_EQ(story.finding(), "something was sent that nobody had asked for");
}

TEST_F(CallbackCheckerTest, FindsAnEventThatTellsAClaimWrongly) {
  associates();
  ends(wire);
  opens(next_wire);
  claims(associate(1), next_wire);
  gets(unknown_error(1), next_wire);
  hears(client_event::IdRestored{1});
  EXPECT_EQ(story.finding(), "an event tells of a claim what its reply did not say");
}

TEST_F(CallbackCheckerTest, FindsEventsThatAreMissingOrTooMany) {
  story.tell(EntryKind::closed_at_client, wire, {}, close_code::abnormal);
  settles(false);
  EXPECT_EQ(story.finding(), "a connection began or ended and no event told of it");
}

TEST_F(CallbackCheckerTest, FindsAnEventOfAConnectionThatWasNotMade) {
  hears(client_event::Connected{});
  EXPECT_EQ(story.finding(), "an event tells of a connection that was not made");
}

TEST_F(CallbackCheckerTest, FindsAClientThatDoesNotMeanToComeBack) {
  ends(wire, close_code::abnormal, false);
  EXPECT_EQ(story.finding(), "an event tells another end of a connection than the one it had");
}

TEST_F(CallbackCheckerTest, FindsAClientThatMeansToComeBackAfterItClosed) {
  checker.closes();
  ends(wire, close_code::normal, true);
  EXPECT_EQ(story.finding(), "an event tells another end of a connection than the one it had");
}

TEST_F(CallbackCheckerTest, FindsAClientThatDoesNotComeBack) {
  ends(wire);
  settles(false);
  falls_quiet(false);
  EXPECT_EQ(story.finding(), "a client did not come back");
}

TEST_F(CallbackCheckerTest, FindsAClientThatDoesNotClose) {
  checker.closes();
  falls_quiet(false);
  EXPECT_EQ(story.finding(), "a client did not close its connection");
}

TEST_F(CallbackCheckerTest, FindsACallbackThatIsNeverCalled) {
  asks(get(1));
  falls_quiet();
  EXPECT_EQ(story.finding(), "a callback was never called");
}

TEST_F(CallbackCheckerTest, FindsAnIdThatDoesNotComeBack) {
  associates();
  falls_quiet(true, false);
  EXPECT_EQ(story.finding(), "an id did not come back to its client");
}

TEST_F(CallbackCheckerTest, DoesNotJudgeOthers) {
  story.client = 1;
  story.opens({1, 1});
  story.tell(EntryKind::sent_by_client, {1, 1}, get(1));
  story.tell(EntryKind::closed_at_client, {1, 1}, {}, close_code::abnormal);
  settles();
  EXPECT_EQ(story.finding(), "");
}

}  // namespace
}  // namespace restante::sim
