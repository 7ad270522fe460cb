// How a Messenger holds replies back until a store that takes time has kept what they promise, and what it does when
// the store fails.
#include <restante/messenger.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/assertion_throws.hpp"
#include "support/packets.hpp"
#include "support/recording_transport.hpp"
#include "support/slow_store.hpp"

namespace restante {
namespace {

using namespace test;
using namespace std::chrono_literals;

using Replies = std::vector<Bytes>;

class MessengerCommitTest : public ::testing::Test {
 protected:
  void start(MessengerOptions options = {}) { messenger_.emplace(transport_, store_, std::move(options)); }

  // A connection that holds an id.
  Connection client(std::uint8_t id) {
    const Connection connection = transport_.connect();
    transport_.receive(connection, associate(id));
    transport_.replies(connection);
    return connection;
  }

  void complete(std::size_t count = 1) {
    store_.complete(count);
    transport_.deliver_wake();
  }

  void fail() {
    store_.fail();
    transport_.deliver_wake();
  }

  RecordingTransport transport_;
  SlowStore store_;
  std::optional<Messenger<RecordingTransport, SlowStore>> messenger_;
};

TEST_F(MessengerCommitTest, RepliesAtOnceWhereNothingChanged) {
  start();
  const Connection ada = transport_.connect();
  transport_.bring(ada, associate(1));
  transport_.bring(ada, get(1));
  transport_.bring(ada, push(2, 1, "forged"));
  EXPECT_EQ(transport_.replies(ada), (Replies{association_success(1), buffer_empty(1), association_failed(2)}));
  transport_.end_turn();
  EXPECT_EQ(store_.last_turn(), 0U) << "nothing changed, so that nothing is committed";
}

TEST_F(MessengerCommitTest, CommitsAtTheEndOfTheTurnAndRepliesWhenItIsDurable) {
  start();
  const Connection ada = client(1);
  transport_.bring(ada, push(1, 2, "hi"));
  EXPECT_EQ(store_.commits_in_flight(), 0U);
  transport_.end_turn();
  EXPECT_EQ(store_.commits_in_flight(), 1U);
  EXPECT_TRUE(transport_.replies(ada).empty());
  transport_.wake_needlessly();
  EXPECT_TRUE(transport_.replies(ada).empty());
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_EQ(store_.durable_payloads(2), Replies{text_bytes("hi")});
  EXPECT_EQ(messenger_->counters().commits, 1U);
}

TEST_F(MessengerCommitTest, CommitsTheChangesOfATurnTogether) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.bring(ada, push(1, 2, "one"));
  transport_.bring(bob, get(2));
  transport_.bring(ada, push(1, 2, "two"));
  transport_.end_turn();
  EXPECT_EQ(store_.commits_in_flight(), 1U);
  complete();
  EXPECT_EQ(transport_.replies(ada), (Replies{positive_ack(1), positive_ack(1)}));
  EXPECT_EQ(transport_.replies(bob), Replies{get_response(2, 1, "one")});
  EXPECT_EQ(store_.durable_payloads(2), Replies{text_bytes("two")});
}

TEST_F(MessengerCommitTest, HoldsBackARepliesThatShowsAChangeWhichIsNotDurable) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.receive(ada, push(1, 2, "hi"));
  transport_.bring(bob, get(2));
  transport_.end_turn();
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_TRUE(transport_.replies(bob).empty()) << "the message has not left the mailbox for good";
  complete();
  EXPECT_EQ(transport_.replies(bob), Replies{get_response(2, 1, "hi")});
}

TEST_F(MessengerCommitTest, ARequestThatChangesNothingWaitsForTheCommitsUnderWayAndForNoOther) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.receive(ada, push(1, 1, "hi"));
  transport_.receive(bob, get(2));
  EXPECT_EQ(store_.last_turn(), 1U) << "it needs no commit of its own";
  EXPECT_TRUE(transport_.replies(bob).empty());
  transport_.receive(ada, push(1, 1, "ho"));
  EXPECT_EQ(store_.last_turn(), 2U);
  complete();
  EXPECT_EQ(transport_.replies(bob), Replies{buffer_empty(2)});
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_EQ(transport_.ask(bob, get(2)), Replies{buffer_empty(2)}) << "nothing is under way any more";
}

TEST_F(MessengerCommitTest, ARequestThatChangesNothingWaitsForAChangeOfItsTurn) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.bring(ada, push(1, 1, "hi"));
  transport_.bring(bob, get(2));
  transport_.end_turn();
  EXPECT_TRUE(transport_.replies(bob).empty());
  complete();
  EXPECT_EQ(transport_.replies(bob), Replies{buffer_empty(2)});
}

TEST_F(MessengerCommitTest, KeepsTheOrderOfTheRepliesOfAConnection) {
  start();
  const Connection ada = client(1);
  transport_.bring(ada, push(1, 1, "one"));
  transport_.bring(ada, get(9));
  transport_.end_turn();
  transport_.bring(ada, Bytes{9, 9, 9});
  transport_.bring(ada, get(1));
  transport_.end_turn();
  transport_.bring(ada, get(1));
  transport_.end_turn();
  EXPECT_TRUE(transport_.replies(ada).empty());
  complete(2);
  EXPECT_EQ(transport_.replies(ada), (Replies{positive_ack(1), association_failed(9), unknown_error(9),
                                              get_response(1, 1, "one"), buffer_empty(1)}));
}

TEST_F(MessengerCommitTest, CommitsWhatComesMeanwhileTogetherWhenEnoughCommitsAreUnderWay) {
  start();
  const Connection ada = client(1);
  for (int turn = 0; turn < 5; ++turn) {
    transport_.receive(ada, push(1, 2, std::to_string(turn)));
  }
  EXPECT_EQ(store_.commits_in_flight(), 2U);
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_EQ(store_.last_turn(), 3U) << "the other three together";
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_EQ(store_.commits_in_flight(), 1U);
  complete();
  EXPECT_EQ(transport_.replies(ada), (Replies{positive_ack(1), positive_ack(1), positive_ack(1)}));
  EXPECT_EQ(store_.durable_payloads(2).size(), 5U);
}

TEST_F(MessengerCommitTest, HasAsManyCommitsUnderWayAsItsOptionsSay) {
  start({.commits_in_flight_max = 1});
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 2, "one"));
  transport_.receive(ada, push(1, 2, "two"));
  EXPECT_EQ(store_.commits_in_flight(), 1U);
  complete();
  EXPECT_EQ(store_.commits_in_flight(), 1U);
}

TEST_F(MessengerCommitTest, TakesACompletionThatStandsForThoseBeforeIt) {
  start({.commits_in_flight_max = 3});
  const Connection ada = client(1);
  for (int turn = 0; turn < 3; ++turn) {
    transport_.receive(ada, push(1, 2, "x"));
  }
  store_.complete_all_as_one();
  transport_.deliver_wake();
  EXPECT_EQ(transport_.replies(ada).size(), 3U);
  transport_.receive(ada, push(1, 2, "x"));
  complete();
  EXPECT_EQ(transport_.replies(ada).size(), 1U);
}

TEST_F(MessengerCommitTest, RefusesCompletionsOfCommitsThatAreNotUnderWay) {
  struct Confused : StoreArchetype {
    std::optional<Commit> completed() { return Commit{.turn = 1}; }
  } store;
  RecordingTransport transport;
  const Messenger messenger{transport, store};
  EXPECT_ASSERTION(transport.wake_needlessly(), "a commit that is not under way");
}

// Connections that end while replies are held for them.

TEST_F(MessengerCommitTest, GivesHeldRepliesToNobodyElseWhenTheirConnectionIsGone) {
  start();
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 2, "hi"));
  transport_.disconnect(ada, close_code::abnormal);
  const Connection bob = transport_.connect();
  ASSERT_EQ(bob.slot, ada.slot);
  complete();
  EXPECT_TRUE(transport_.replies(bob).empty());
  EXPECT_TRUE(transport_.replies(ada).empty());
  EXPECT_EQ(store_.durable_payloads(2), Replies{text_bytes("hi")}) << "the message is stored all the same";
}

TEST_F(MessengerCommitTest, GivesAConnectionInAReusedSlotItsOwnRepliesOnly) {
  start();
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 2, "hi"));
  transport_.disconnect(ada, close_code::abnormal);
  const Connection bob = transport_.connect();
  ASSERT_EQ(bob.slot, ada.slot);
  transport_.bring(bob, associate(1));
  transport_.bring(bob, push(1, 1, "mine"));
  transport_.end_turn();
  complete();
  EXPECT_EQ(transport_.replies(bob), Replies{association_success(1)});
  complete();
  EXPECT_EQ(transport_.replies(bob), Replies{positive_ack(1)});
}

// Bounds.

TEST_F(MessengerCommitTest, PausesAConnectionThatHasTooMuchHeldAndResumesItWhenItLeft) {
  start({.waiting_bytes_max = 1000});
  const Connection ada = client(1);
  const Connection bob = client(2);
  int pushes = 0;
  while (!transport_.is_paused(ada)) {
    transport_.bring(ada, push(1, 1, std::string(100, 'x')));
    ++pushes;
  }
  EXPECT_GE(pushes, 2);
  EXPECT_LE(pushes, 10);
  EXPECT_FALSE(transport_.is_paused(bob));
  transport_.end_turn();
  complete();
  EXPECT_EQ(transport_.replies(ada).size(), static_cast<std::size_t>(pushes));
  EXPECT_FALSE(transport_.is_paused(ada));
  EXPECT_EQ(messenger_->counters().connections_paused, 1U);
  EXPECT_EQ(transport_.record(ada).resumes, 1);
  EXPECT_EQ(transport_.wake_time(), never) << "whoever waits for the store is not stuck";
}

TEST_F(MessengerCommitTest, ResumesAConnectionWhenHalfOfWhatItMayHaveHeldIsLeft) {
  start({.waiting_bytes_max = 1000});
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 1, std::string(250, 'x')));
  while (!transport_.is_paused(ada)) {
    transport_.bring(ada, push(1, 1, std::string(250, 'x')));
  }
  transport_.end_turn();
  complete();
  EXPECT_TRUE(transport_.is_paused(ada)) << "more than half is held still";
  complete();
  EXPECT_FALSE(transport_.is_paused(ada));
}

TEST_F(MessengerCommitTest, PausesEverybodyWhoAsksAndWhoComesWhileTooMuchIsHeld) {
  start({.held_bytes_max = 1000});
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.bring(ada, push(1, 1, std::string(200, 'x')));
  while (!transport_.is_paused(ada)) {
    transport_.bring(ada, push(1, 1, std::string(200, 'x')));
  }
  transport_.bring(bob, get(2));
  EXPECT_TRUE(transport_.is_paused(bob));
  const Connection eve = transport_.connect();
  EXPECT_TRUE(transport_.is_paused(eve));
  transport_.end_turn();
  complete();
  EXPECT_EQ(transport_.resumed_in_order(), (std::vector<Connection>{ada, bob, eve})) << "who waited longest goes first";
  EXPECT_EQ(transport_.replies(bob), Replies{buffer_empty(2)});
  EXPECT_FALSE(transport_.is_paused(transport_.connect()));
}

TEST_F(MessengerCommitTest, CountsWhatIsHeldForConnectionsThatAreGone) {
  start({.held_bytes_max = 1000});
  const Connection ada = client(1);
  while (!transport_.is_paused(ada)) {
    transport_.bring(ada, push(1, 1, std::string(200, 'x')));
  }
  transport_.disconnect(ada);
  const Connection bob = transport_.connect();
  EXPECT_TRUE(transport_.is_paused(bob));
  complete();
  EXPECT_FALSE(transport_.is_paused(bob));
}

TEST_F(MessengerCommitTest, AConnectionMayWaitForTheStoreAndForItsPeerAndIsPausedOnce) {
  start({.waiting_bytes_max = 1000});
  const Connection ada = client(1);
  while (!transport_.is_paused(ada)) {
    transport_.bring(ada, push(1, 1, std::string(200, 'x')));
  }
  transport_.end_turn();
  transport_.set_waiting_bytes(ada, 1001);
  complete();
  EXPECT_TRUE(transport_.is_paused(ada)) << "the peer does not read";
  EXPECT_EQ(transport_.record(ada).pauses, 1);
  EXPECT_EQ(messenger_->counters().connections_paused, 1U);
  EXPECT_EQ(transport_.wake_time(), transport_.now() + 30s);
  transport_.drain(ada);
  EXPECT_FALSE(transport_.is_paused(ada));
  EXPECT_EQ(transport_.record(ada).resumes, 1);
}

TEST_F(MessengerCommitTest, AConnectionThatWaitsForTheStoreIsNotResumedBecauseItsPeerReads) {
  start({.waiting_bytes_max = 1000});
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 1, "x"));
  transport_.receive(ada, push(1, 1, "x"));
  while (!transport_.is_paused(ada)) {
    transport_.bring(ada, push(1, 1, std::string(250, 'x')));
  }
  transport_.end_turn();
  transport_.set_waiting_bytes(ada, 1001);
  complete();
  transport_.drain(ada);
  EXPECT_TRUE(transport_.is_paused(ada));
  complete();
  complete();
  EXPECT_FALSE(transport_.is_paused(ada));
}

TEST_F(MessengerCommitTest, AStuckConnectionGetsNoRepliesThatBecomeDurableLater) {
  start();
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 1, "one"));
  transport_.receive(ada, push(1, 1, "two"));
  transport_.set_waiting_bytes(ada, 70000);
  complete();
  EXPECT_TRUE(transport_.is_paused(ada));
  transport_.advance(30s);
  EXPECT_EQ(transport_.close_code_of(ada), 1008);
  transport_.replies(ada);
  complete();
  EXPECT_TRUE(transport_.replies(ada).empty());
  EXPECT_EQ(transport_.swallowed(), 0);
}

// A store that fails.

TEST_F(MessengerCommitTest, AFailedCommitClosesWhoWaitsForItWith1013AndNobodyElse) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  const Connection eve = client(3);
  transport_.receive(ada, push(1, 2, "hi"));
  transport_.receive(bob, get(9));
  fail();
  EXPECT_EQ(transport_.close_code_of(ada), 1013);
  EXPECT_FALSE(transport_.close_of(ada)->reason.empty());
  EXPECT_EQ(transport_.close_code_of(bob), 1013) << "what it asked came after a change whose fate is not known";
  EXPECT_FALSE(transport_.close_of(eve));
  EXPECT_TRUE(transport_.replies(ada).empty());
  EXPECT_TRUE(transport_.replies(bob).empty());
  EXPECT_EQ(messenger_->counters().store_failures, 1U);
}

TEST_F(MessengerCommitTest, AFailedCommitMakesTheMailboxesWhatTheStoreKept) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.receive(ada, push(1, 2, "kept"));
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  transport_.receive(ada, push(1, 2, "lost"));
  fail();
  EXPECT_TRUE(messenger_->store_available());
  EXPECT_EQ(messenger_->depth(Address{2}), 1U);
  transport_.receive(bob, get(2));
  complete();
  EXPECT_EQ(transport_.replies(bob), Replies{get_response(2, 1, "kept")});
  EXPECT_EQ(transport_.ask(bob, get(2)), Replies{buffer_empty(2)});
}

TEST_F(MessengerCommitTest, AFailedCommitMayHaveKeptItsChanges) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.receive(ada, push(1, 2, "kept after all"));
  store_.fail_after_keeping();
  transport_.deliver_wake();
  EXPECT_EQ(transport_.close_code_of(ada), 1013);
  transport_.receive(bob, get(2));
  complete();
  EXPECT_EQ(transport_.replies(bob), Replies{get_response(2, 1, "kept after all")});
}

TEST_F(MessengerCommitTest, AFailedCommitTakesNothingBackFromThoseBeforeIt) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.receive(ada, push(1, 1, "durable"));
  transport_.receive(bob, push(2, 2, "lost"));
  store_.complete();
  store_.fail();
  transport_.deliver_wake();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_FALSE(transport_.close_of(ada));
  EXPECT_EQ(transport_.close_code_of(bob), 1013);
  EXPECT_EQ(messenger_->depth(Address{1}), 1U);
  EXPECT_EQ(messenger_->depth(Address{2}), 0U);
}

TEST_F(MessengerCommitTest, AFailedCommitForgetsWhatWasNotCommittedYet) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.receive(ada, push(1, 2, "under way"));
  transport_.bring(bob, push(2, 2, "not committed"));
  fail();
  EXPECT_EQ(transport_.close_code_of(bob), 1013);
  transport_.end_turn();
  EXPECT_EQ(store_.commits_in_flight(), 0U);
  EXPECT_EQ(messenger_->depth(Address{2}), 0U);
}

TEST_F(MessengerCommitTest, GoesOnAfterAFailedCommit) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.receive(ada, push(1, 2, "lost"));
  transport_.receive(ada, push(1, 2, "lost as well"));
  fail();
  transport_.disconnect(ada, close_code::try_again_later);
  transport_.receive(bob, push(2, 2, "kept"));
  complete();
  EXPECT_EQ(transport_.replies(bob), Replies{positive_ack(2)});
  EXPECT_EQ(store_.durable_payloads(2), Replies{text_bytes("kept")});
}

TEST_F(MessengerCommitTest, AFailedCommitResumesWhoWaitedWithoutHavingAsked) {
  start({.held_bytes_max = 100});
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 2, std::string(200, 'x')));
  const Connection bob = transport_.connect();
  EXPECT_TRUE(transport_.is_paused(bob));
  fail();
  EXPECT_FALSE(transport_.is_paused(bob));
  EXPECT_FALSE(transport_.close_of(bob));
}

TEST_F(MessengerCommitTest, RefusesChangesUntilTheStoreCanBeLoaded) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.receive(ada, push(1, 2, "kept"));
  complete();
  transport_.receive(ada, push(1, 2, "lost"));
  store_.set_load_error(Error::storage_unavailable);
  fail();
  EXPECT_FALSE(messenger_->store_available());
  EXPECT_FALSE(messenger_->counters().store_available);
  EXPECT_EQ(transport_.ask(bob, push(2, 1, "hi")), Replies{unknown_error(2)});
  EXPECT_EQ(transport_.ask(bob, get(2)), Replies{unknown_error(2)});
  EXPECT_EQ(transport_.ask(bob, get(9)), Replies{association_failed(9)});
  EXPECT_EQ(transport_.ask(bob, associate(9)), Replies{association_success(9)});
  EXPECT_EQ(store_.recorded(), 2U) << "what is refused is not recorded";
  store_.set_load_error({});
  transport_.advance(1s);
  EXPECT_TRUE(messenger_->store_available());
  transport_.receive(bob, get(2));
  complete();
  EXPECT_EQ(transport_.replies(bob), Replies{get_response(2, 1, "kept")});
}

TEST_F(MessengerCommitTest, TriesTheStoreAgainAfterTheTimeOfItsOptionsAndNotBefore) {
  store_.set_load_error(Error::storage_unavailable);
  start({.store_retry_after = 5s});
  EXPECT_EQ(store_.loads(), 1);
  EXPECT_EQ(transport_.wake_time(), transport_.now() + 5s);
  transport_.advance(5s - 1ns);
  transport_.wake_needlessly();
  EXPECT_EQ(store_.loads(), 1);
  transport_.advance(1ns);
  EXPECT_EQ(store_.loads(), 2);
  transport_.advance(5s);
  EXPECT_EQ(store_.loads(), 3);
  store_.set_load_error({});
  transport_.advance(5s);
  EXPECT_EQ(store_.loads(), 4);
  EXPECT_TRUE(messenger_->store_available());
  EXPECT_EQ(transport_.wake_time(), never);
  EXPECT_EQ(messenger_->counters().store_failures, 1U) << "one failure, however often it is tried again";
}

TEST_F(MessengerCommitTest, GivesBackAtStartWhatTheStoreKept) {
  store_.keep(1, 2, "kept");
  start();
  EXPECT_EQ(messenger_->depth(Address{1}), 1U);
  EXPECT_EQ(messenger_->counters().books.loaded, 1U);
  const Connection ada = client(1);
  transport_.receive(ada, get(1));
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{get_response(1, 2, "kept")});
  EXPECT_TRUE(store_.durable_payloads(1).empty());
}

TEST_F(MessengerCommitTest, AStuckConnectionIsClosedInTimeWhileTheStoreIsTriedAgain) {
  start({.stuck_after = 3s, .store_retry_after = 2s});
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.set_waiting_bytes(bob, 70000);
  transport_.receive(bob, get(2));
  transport_.receive(ada, push(1, 1, "lost"));
  store_.set_load_error(Error::storage_unavailable);
  fail();
  EXPECT_EQ(transport_.wake_time(), transport_.now() + 2s);
  transport_.advance(3s);
  EXPECT_EQ(store_.loads(), 3);
  EXPECT_EQ(transport_.close_code_of(bob), 1008);
}

// Text, rule 7.

TEST_F(MessengerCommitTest, ATextIsRefusedBehindTheRepliesToWhatCameBeforeIt) {
  start();
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 2, "one"));
  transport_.bring_text(ada, "hello");
  EXPECT_FALSE(transport_.close_of(ada));
  EXPECT_TRUE(transport_.is_paused(ada)) << "nothing more is taken from it";
  messenger_->shut_down();
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_EQ(transport_.close_code_of(ada), 1003) << "the first reason counts";
  EXPECT_EQ(transport_.record(ada).resumes, 0);
}

// Shutting down.

TEST_F(MessengerCommitTest, ShutsAConnectionDownAfterTheRepliesThatItWaitsFor) {
  start();
  const Connection ada = client(1);
  const Connection bob = client(2);
  transport_.receive(ada, push(1, 2, "one"));
  transport_.receive(ada, push(1, 2, "two"));
  messenger_->shut_down();
  EXPECT_EQ(transport_.close_code_of(bob), 1001) << "it waits for nothing";
  EXPECT_FALSE(transport_.close_of(ada));
  EXPECT_TRUE(transport_.is_paused(ada)) << "nothing more is taken from it";
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_FALSE(transport_.close_of(ada));
  EXPECT_TRUE(transport_.is_paused(ada));
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_EQ(transport_.close_code_of(ada), 1001);
}

TEST_F(MessengerCommitTest, ShutsDownTwiceAsOnce) {
  start();
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 2, "one"));
  messenger_->shut_down();
  messenger_->shut_down();
  complete();
  EXPECT_EQ(transport_.replies(ada), Replies{positive_ack(1)});
  EXPECT_EQ(transport_.close_code_of(ada), 1001);
  EXPECT_EQ(transport_.record(ada).pauses, 1);
}

TEST_F(MessengerCommitTest, AFailureWhileShuttingDownClosesWhoWaitsWith1013) {
  start();
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 2, "one"));
  messenger_->shut_down();
  fail();
  EXPECT_EQ(transport_.close_code_of(ada), 1013);
}

TEST_F(MessengerCommitTest, APeerThatDoesNotReadIsStuckWhileShuttingDownAsWell) {
  start();
  const Connection ada = client(1);
  transport_.receive(ada, push(1, 2, "one"));
  transport_.receive(ada, push(1, 2, "two"));
  messenger_->shut_down();
  transport_.set_waiting_bytes(ada, 70000);
  complete();
  transport_.advance(30s);
  EXPECT_EQ(transport_.close_code_of(ada), 1008);
}

}  // namespace
}  // namespace restante
