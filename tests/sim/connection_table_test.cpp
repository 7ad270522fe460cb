#include <restante/sim/connection_table.hpp>

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

TEST(ConnectionTable, KeepsConnectionsOfOneSlotApart) {
  ConnectionTable<int> table;
  table.insert({4, 1}) = 10;
  table.insert({4, 2}) = 20;
  ASSERT_NE(table.find({4, 1}), nullptr);
  EXPECT_EQ(*table.find({4, 1}), 10);
  EXPECT_EQ(*table.find({4, 2}), 20);
  EXPECT_EQ(table.find({4, 3}), nullptr);
  EXPECT_EQ(table.find({5, 1}), nullptr);
  table.erase({4, 1});
  table.erase({9, 1});
  EXPECT_EQ(table.find({4, 1}), nullptr);
  EXPECT_EQ(*table.find({4, 2}), 20);
}

TEST(ConnectionTable, ForgetsTheOldestOfASlotInTheEnd) {
  ConnectionTable<int> table;
  for (std::uint32_t generation = 1; generation <= 1000; ++generation) {
    table.insert({0, generation});
  }
  EXPECT_EQ(table.find({0, 1}), nullptr);
  EXPECT_NE(table.find({0, 1000}), nullptr);
  EXPECT_NE(table.find({0, 990}), nullptr);
}

TEST(ConnectionTable, VisitsInTheOrderOfSlots) {
  ConnectionTable<int> table;
  table.insert({2, 1}) = 2;
  table.insert({0, 7}) = 0;
  table.insert({1, 3}) = 1;
  std::vector<int> visited;
  table.for_each([&visited](Connection connection, int value) {
    EXPECT_EQ(static_cast<int>(connection.slot), value);
    visited.push_back(value);
  });
  EXPECT_EQ(visited, (std::vector<int>{0, 1, 2}));
}

TEST(Fingerprint, DiffersForBytesThatDifferInLengthOrContent) {
  const std::array<std::uint8_t, 9> zeros{};
  EXPECT_NE(fingerprint(BytesView{zeros}.first(8)), fingerprint(BytesView{zeros}.first(9)));
  EXPECT_NE(fingerprint(BytesView{zeros}.first(0)), fingerprint(BytesView{zeros}.first(1)));
  std::array<std::uint8_t, 9> other = zeros;
  other[8] = 1;
  EXPECT_NE(fingerprint(zeros), fingerprint(other));
}

}  // namespace
}  // namespace restante::sim
