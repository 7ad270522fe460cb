// How a Messenger treats a peer that does not read what it asked for.
#include <restante/messenger.hpp>

#include <gtest/gtest.h>

#include <vector>

#include "support/packets.hpp"
#include "support/recording_transport.hpp"

namespace restante {
namespace {

using namespace test;
using namespace std::chrono_literals;

class MessengerFlowControlTest : public ::testing::Test {
 protected:
  static constexpr std::size_t waiting_bytes_max = 64 * 1024;

  // Makes what waits for a connection too much, by one reply.
  void stop_reading(Connection connection) {
    transport_.set_waiting_bytes(connection, waiting_bytes_max + 1);
    transport_.receive(connection, get(1));
  }

  RecordingTransport transport_;
  Messenger<RecordingTransport> messenger_{transport_};
};

TEST_F(MessengerFlowControlTest, ReadsOnWhileNoMoreWaitsThanIsAllowed) {
  const Connection ada = transport_.connect();
  transport_.set_waiting_bytes(ada, waiting_bytes_max);
  transport_.receive(ada, get(1));
  EXPECT_FALSE(transport_.is_paused(ada));
  EXPECT_EQ(transport_.wake_time(), never);
}

TEST_F(MessengerFlowControlTest, PausesAConnectionBeforeItsNextRequestWhenMoreWaits) {
  const Connection ada = transport_.connect();
  const Connection bob = transport_.connect();
  transport_.set_waiting_bytes(ada, waiting_bytes_max + 1);
  transport_.bring(ada, get(1));
  EXPECT_TRUE(transport_.is_paused(ada)) << "and not only at the end of the turn";
  EXPECT_FALSE(transport_.is_paused(bob));
  EXPECT_EQ(transport_.record(ada).sent.size(), 1U) << "the reply that was too much is sent all the same";
  EXPECT_EQ(messenger_.counters().connections_paused, 1U);
}

TEST_F(MessengerFlowControlTest, ReadsOnWhenEverythingHasLeft) {
  const Connection ada = transport_.connect();
  stop_reading(ada);
  transport_.drain(ada);
  EXPECT_FALSE(transport_.is_paused(ada));
  EXPECT_EQ(transport_.ask(ada, associate(1)).size(), 2U);
  EXPECT_EQ(transport_.wake_time(), never) << "nobody is waited for any more";
}

TEST_F(MessengerFlowControlTest, ClosesAConnectionThatIsStuckWith1008AtTheNanosecond) {
  const Connection ada = transport_.connect();
  stop_reading(ada);
  EXPECT_EQ(transport_.wake_time(), transport_.now() + 30s);
  transport_.advance(30s - 1ns);
  transport_.wake_needlessly();
  EXPECT_FALSE(transport_.close_of(ada));
  transport_.advance(1ns);
  EXPECT_EQ(transport_.close_code_of(ada), 1008);
  EXPECT_FALSE(transport_.close_of(ada)->reason.empty());
  EXPECT_EQ(messenger_.counters().connections_stuck, 1U);
  EXPECT_EQ(transport_.wake_time(), never);
}

TEST_F(MessengerFlowControlTest, AsksToBeWokenAgainWhenItWasWokenTooEarly) {
  const Connection ada = transport_.connect();
  stop_reading(ada);
  const SteadyTime deadline = transport_.wake_time();
  transport_.wake_at(never);
  transport_.wake_needlessly();
  EXPECT_EQ(transport_.wake_time(), deadline);
  transport_.advance(30s);
  EXPECT_EQ(transport_.close_code_of(ada), 1008);
}

TEST_F(MessengerFlowControlTest, ClosesFirstWhoWasPausedFirstAndEachAtItsOwnTime) {
  const Connection ada = transport_.connect();
  const Connection bob = transport_.connect();
  const Connection eve = transport_.connect();
  stop_reading(bob);
  transport_.advance(10s);
  stop_reading(ada);
  transport_.advance(5s);
  stop_reading(eve);
  transport_.advance(15s - 1ns);
  EXPECT_TRUE(transport_.closed_in_order().empty());
  transport_.advance(1ns);
  EXPECT_EQ(transport_.closed_in_order(), (std::vector<Connection>{bob}));
  EXPECT_EQ(transport_.wake_time(), transport_.now() + 10s);
  transport_.advance(10s - 1ns);
  EXPECT_EQ(transport_.closed_in_order().size(), 1U);
  transport_.advance(1ns);
  EXPECT_EQ(transport_.closed_in_order(), (std::vector<Connection>{bob, ada}));
  transport_.advance(5s);
  EXPECT_EQ(transport_.closed_in_order(), (std::vector<Connection>{bob, ada, eve}));
}

TEST_F(MessengerFlowControlTest, ClosesAllThatAreStuckWhenItIsWokenLate) {
  std::vector<Connection> stuck;
  for (int count = 0; count < 5; ++count) {
    stuck.push_back(transport_.connect());
    stop_reading(stuck.back());
    transport_.advance(1s);
  }
  transport_.wake_at(transport_.now() + 1h);
  transport_.advance(1h);
  EXPECT_EQ(transport_.closed_in_order(), stuck);
}

TEST_F(MessengerFlowControlTest, WaitsForTheNextConnectionWhenTheFirstCaughtUp) {
  const Connection ada = transport_.connect();
  const Connection bob = transport_.connect();
  stop_reading(ada);
  transport_.advance(10s);
  stop_reading(bob);
  const SteadyTime deadline_of_bob = transport_.now() + 30s;
  transport_.drain(ada);
  EXPECT_EQ(transport_.wake_time(), deadline_of_bob);
  transport_.advance(29s);
  EXPECT_TRUE(transport_.closed_in_order().empty());
  transport_.advance(1s);
  EXPECT_EQ(transport_.closed_in_order(), (std::vector<Connection>{bob}));
}

TEST_F(MessengerFlowControlTest, GivesAConnectionTheWholeTimeAgainWhenItIsPausedAgain) {
  const Connection ada = transport_.connect();
  stop_reading(ada);
  transport_.advance(29s);
  transport_.drain(ada);
  transport_.advance(1s);
  stop_reading(ada);
  transport_.advance(30s - 1ns);
  EXPECT_FALSE(transport_.close_of(ada));
  transport_.advance(1ns);
  EXPECT_EQ(transport_.close_code_of(ada), 1008);
  EXPECT_EQ(messenger_.counters().connections_paused, 2U);
}

TEST_F(MessengerFlowControlTest, ForgetsAPausedConnectionThatCloses) {
  const Connection ada = transport_.connect();
  stop_reading(ada);
  transport_.disconnect(ada, close_code::abnormal);
  EXPECT_EQ(transport_.wake_time(), never);
  const Connection bob = transport_.connect();
  ASSERT_EQ(bob.slot, ada.slot);
  transport_.advance(1h);
  transport_.wake_needlessly();
  EXPECT_FALSE(transport_.close_of(bob));
  EXPECT_FALSE(transport_.is_paused(bob));
}

TEST_F(MessengerFlowControlTest, ClosesAConnectionThatIsStuckOnceOnly) {
  const Connection ada = transport_.connect();
  stop_reading(ada);
  transport_.advance(30s);
  transport_.drain(ada);
  transport_.advance(30s);
  messenger_.shut_down();
  EXPECT_EQ(transport_.close_code_of(ada), 1008);
  EXPECT_EQ(transport_.record(ada).resumes, 0) << "a connection that is closing is not read from";
  EXPECT_EQ(messenger_.counters().connections_stuck, 1U);
}

TEST_F(MessengerFlowControlTest, LetsASlowPeerHarmNobodyElse) {
  const Connection ada = transport_.connect();
  const Connection bob = transport_.connect();
  transport_.receive(ada, associate(1));
  transport_.receive(bob, associate(2));
  transport_.replies(bob);
  stop_reading(ada);
  EXPECT_EQ(transport_.ask(bob, push(2, 1, "hi")), std::vector<Bytes>{positive_ack(2)});
  transport_.drain(ada);
  transport_.replies(ada);
  EXPECT_EQ(transport_.ask(ada, get(1)), (std::vector<Bytes>{get_response(1, 2, "hi")}));
}

TEST(MessengerFlowControl, UsesTheLimitsOfItsOptions) {
  RecordingTransport transport;
  const Messenger messenger{transport, MessengerOptions{.waiting_bytes_max = 10, .stuck_after = 1ms}};
  const Connection ada = transport.connect();
  transport.set_waiting_bytes(ada, 11);
  transport.receive(ada, get(1));
  EXPECT_TRUE(transport.is_paused(ada));
  transport.advance(1ms);
  EXPECT_EQ(transport.close_code_of(ada), 1008);
}

TEST(MessengerFlowControl, NeverClosesForBeingStuckWhereNoTimeIsSet) {
  RecordingTransport transport;
  const Messenger messenger{transport, MessengerOptions{.stuck_after = Duration::max()}};
  const Connection ada = transport.connect();
  transport.set_waiting_bytes(ada, 70000);
  transport.receive(ada, get(1));
  EXPECT_TRUE(transport.is_paused(ada));
  transport.advance(24h * 365);
  transport.wake_needlessly();
  EXPECT_FALSE(transport.close_of(ada));
  transport.drain(ada);
  EXPECT_FALSE(transport.is_paused(ada));
  transport.set_waiting_bytes(ada, 70000);
  transport.receive(ada, get(1));
  EXPECT_TRUE(transport.is_paused(ada));
}

}  // namespace
}  // namespace restante
