#include <restante/detail/slot_table.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>

namespace restante::detail {
namespace {

TEST(SlotTable, BeginsEmpty) {
  const SlotTable<int> table;
  EXPECT_EQ(table.size(), 0U);
  EXPECT_FALSE(table.has(0));
  EXPECT_FALSE(table.has(UINT32_MAX));
}

TEST(SlotTable, MakesPlaceForASlotAndAllBelowIt) {
  SlotTable<int> table;
  table.fit(2) = 7;
  EXPECT_EQ(table.size(), 3U);
  EXPECT_TRUE(table.has(2));
  EXPECT_FALSE(table.has(3));
  EXPECT_EQ(table[0], 0);
  EXPECT_EQ(table[2], 7);
}

TEST(SlotTable, KeepsWhatIsThere) {
  SlotTable<int> table;
  table.fit(1) = 5;
  EXPECT_EQ(table.fit(1), 5) << "it was there";
  EXPECT_EQ(table.fit(0), 0);
  EXPECT_EQ(table.size(), 2U) << "a lower slot needs no place";
  table.fit(9) = 4;
  EXPECT_EQ(table[1], 5);
  EXPECT_EQ(std::accumulate(table.begin(), table.end(), 0), 9);
}

}  // namespace
}  // namespace restante::detail
