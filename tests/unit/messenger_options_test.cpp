#include <restante/messenger_options.hpp>

#include <gtest/gtest.h>

namespace restante {
namespace {

using namespace std::chrono_literals;

TEST(MessengerOptions, AreByDefaultThoseOfTheClassicProtocol) {
  const MessengerOptions options;
  EXPECT_EQ(options.mailbox_messages_max, 100U);
  EXPECT_EQ(options.payload_bytes_max, 254U);
}

TEST(MessengerOptions, BoundWhatAPeerCanCostByDefault) {
  const MessengerOptions options;
  EXPECT_EQ(options.waiting_bytes_max, 65536U);
  EXPECT_EQ(options.stuck_after, 30s);
  EXPECT_EQ(options.commits_in_flight_max, 2U);
  EXPECT_EQ(options.held_bytes_max, 16U * 1024 * 1024);
  EXPECT_EQ(options.store_retry_after, 1s);
}

TEST(MessengerOptions, TellNobodyByDefault) {
  EXPECT_FALSE(MessengerOptions{}.on_event);
}

TEST(MessengerCounters, BeginAtZeroWithAStoreThatIsThere) {
  const MessengerCounters counters;
  EXPECT_EQ(counters.books, Books{});
  EXPECT_EQ(counters.answers, Answers{});
  EXPECT_EQ(counters.connections_opened, 0U);
  EXPECT_EQ(counters.packets_sent, 0U);
  EXPECT_TRUE(counters.store_available);
}

}  // namespace
}  // namespace restante
