#include <restante/detail/slot_list.hpp>

#include <gtest/gtest.h>

#include <vector>

#include "support/assertion_throws.hpp"

namespace restante::detail {
namespace {

std::vector<std::uint32_t> slots_of(const SlotList& list) {
  std::vector<std::uint32_t> slots;
  for (std::uint32_t slot = list.front(); slot != SlotList::none; slot = list.next(slot)) {
    slots.push_back(slot);
  }
  return slots;
}

using Slots = std::vector<std::uint32_t>;

TEST(SlotList, BeginsEmpty) {
  const SlotList list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), SlotList::none);
  EXPECT_FALSE(list.contains(0));
}

TEST(SlotList, KeepsTheOrderInWhichSlotsCame) {
  SlotList list;
  for (const std::uint32_t slot : {5U, 0U, 9U}) {
    list.push_back(slot);
  }
  EXPECT_EQ(slots_of(list), (Slots{5, 0, 9}));
  EXPECT_EQ(list.front(), 5U);
  EXPECT_TRUE(list.contains(9));
  EXPECT_FALSE(list.contains(1));
}

TEST(SlotList, LetsTheFirstTheLastAndAnyOtherLeave) {
  SlotList list;
  for (std::uint32_t slot = 0; slot < 5; ++slot) {
    list.push_back(slot);
  }
  list.remove(2);
  EXPECT_EQ(slots_of(list), (Slots{0, 1, 3, 4}));
  list.remove(0);
  EXPECT_EQ(slots_of(list), (Slots{1, 3, 4}));
  list.remove(4);
  EXPECT_EQ(slots_of(list), (Slots{1, 3}));
  list.push_back(0);
  EXPECT_EQ(slots_of(list), (Slots{1, 3, 0}));
  for (const std::uint32_t slot : {3U, 1U, 0U}) {
    list.remove(slot);
  }
  EXPECT_TRUE(list.empty());
  list.push_back(2);
  EXPECT_EQ(slots_of(list), (Slots{2}));
}

TEST(SlotList, IgnoresThatASlotLeavesThatIsNotThere) {
  SlotList list;
  list.push_back(1);
  list.remove(0);
  list.remove(77);
  list.remove(1);
  list.remove(1);
  EXPECT_TRUE(list.empty());
}

TEST(SlotList, TakesASlotOnceOnly) {
  SlotList list;
  list.push_back(3);
  EXPECT_ASSERTION(list.push_back(3), "in the list already");
}

TEST(SlotList, KnowsNoNextOfASlotThatIsNotThere) {
  SlotList list;
  EXPECT_ASSERTION(list.next(3), "not in the list");
}

}  // namespace
}  // namespace restante::detail
