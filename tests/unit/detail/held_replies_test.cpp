#include <restante/detail/held_replies.hpp>

#include <gtest/gtest.h>

#include "support/packets.hpp"

namespace restante::detail {
namespace {

using test::Bytes;

TEST(HeldReplies, BeginEmptyAndCostNothing) {
  const HeldReplies held;
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(held.cost_bytes(), 0U);
}

TEST(HeldReplies, ComeBackInOrderWithTheirConnectionAndTurn) {
  HeldReplies held;
  held.push_back({1, 2}, 5, test::positive_ack(1), 7);
  held.push_back({3, 4}, 6, test::buffer_empty(3), 3);
  EXPECT_EQ(held.front().turn, 5U);
  const HeldReplies::Reply first = held.pop_front();
  EXPECT_EQ(first.connection, (Connection{1, 2}));
  EXPECT_EQ(first.turn, 5U);
  EXPECT_EQ(Bytes{first.bytes}, test::positive_ack(1));
  const HeldReplies::Reply second = held.pop_front();
  EXPECT_EQ(second.connection, (Connection{3, 4}));
  EXPECT_EQ(second.turn, 6U);
  EXPECT_EQ(Bytes{second.bytes}, test::buffer_empty(3));
  EXPECT_TRUE(held.empty());
}

TEST(HeldReplies, AreCopies) {
  HeldReplies held;
  Bytes reply = test::positive_ack(1);
  held.push_back({1, 1}, 1, reply, 0);
  reply[2] = 9;
  EXPECT_EQ(Bytes{held.front().bytes}, test::positive_ack(1));
}

TEST(HeldReplies, CostThemselvesAndTheirRequestsUntilTheyLeave) {
  HeldReplies held;
  const std::size_t first = held.push_back({1, 1}, 1, test::positive_ack(1), 100);
  EXPECT_GE(first, 3U + 100U);
  EXPECT_EQ(held.cost_bytes(), first);
  const std::size_t second = held.push_back({1, 1}, 1, test::positive_ack(1), 200);
  EXPECT_EQ(second, first + 100);
  EXPECT_EQ(held.cost_bytes(), first + second);
  EXPECT_EQ(held.pop_front().cost_bytes, first);
  EXPECT_EQ(held.cost_bytes(), second);
  held.pop_front();
  EXPECT_EQ(held.cost_bytes(), 0U);
}

}  // namespace
}  // namespace restante::detail
