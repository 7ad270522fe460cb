#include <restante/core/credit.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace restante {
namespace {

constexpr Limits limits{.fetch_messages_max = 3, .fetch_bytes_max = 100};

MessagePool::Message message_of(std::uint32_t bytes) {
  MessagePool::Message message{};
  message.payload_bytes = bytes;
  return message;
}

TEST(Credit, IsWhatWasAskedForWithinTheLimits) {
  EXPECT_EQ(Credit::of(limits, 2, 99).messages, 2U);
  EXPECT_EQ(Credit::of(limits, 2, 99).bytes, 99U);
  EXPECT_EQ(Credit::of(limits, 4, 101).messages, 3U);
  EXPECT_EQ(Credit::of(limits, 4, 101).bytes, 100U);
  EXPECT_FALSE(Credit::of(limits, 1, 1).used);
}

TEST(Credit, AllowsTheFirstMessageHoweverLongItIs) {
  Credit credit = Credit::of(limits, 2, 10);
  EXPECT_TRUE(credit.allows(message_of(11)));
  credit.use(message_of(11));
  EXPECT_TRUE(credit.used);
  EXPECT_EQ(credit.delivered, 1U);
  EXPECT_FALSE(credit.allows(message_of(1)));
  EXPECT_TRUE(credit.allows(message_of(0))) << "one without bytes needs none";
}

TEST(Credit, AllowsNoMoreMessagesAndBytesThanThereAre) {
  Credit credit = Credit::of(limits, 3, 10);
  credit.use(message_of(4));
  EXPECT_TRUE(credit.allows(message_of(6)));
  EXPECT_FALSE(credit.allows(message_of(7)));
  credit.use(message_of(6));
  EXPECT_TRUE(credit.allows(message_of(0)));
  credit.use(message_of(0));
  EXPECT_EQ(credit.delivered, 3U);
  EXPECT_FALSE(credit.allows(message_of(0)));
}

}  // namespace
}  // namespace restante
