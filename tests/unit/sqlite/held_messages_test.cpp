#include <restante/sqlite/detail/held_messages.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace restante::detail {
namespace {

using Ids = std::vector<std::int64_t>;

// Messages with the offsets 0, 10, 20, … and the ids 1, 2, 3, ….
HeldMessages some(std::int64_t count) {
  HeldMessages held;
  for (std::int64_t id = 1; id <= count; ++id) {
    held.push_back({static_cast<Offset>(id - 1) * 10, id, 0, Address{1}});
  }
  return held;
}

Ids ids_of(HeldMessages& held, Offset from = 0, Offset up_to = UINT64_MAX) {
  Ids ids;
  held.for_each(from, up_to, [&](const HeldMessage& message) { ids.push_back(message.id); });
  return ids;
}

TEST(HeldMessages, AreTakenOutUpToAnOffset) {
  HeldMessages held = some(4);
  Ids taken;
  held.pop_up_to(15, [&](const HeldMessage& message) { taken.push_back(message.id); });
  EXPECT_EQ(taken, (Ids{1, 2}));
  EXPECT_EQ(ids_of(held), (Ids{3, 4}));
}

TEST(HeldMessages, AreTakenOutOfTheMiddleOnce) {
  HeldMessages held = some(4);
  const std::optional<HeldMessage> removed = held.remove(10);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->id, 2);
  EXPECT_FALSE(held.remove(10));
  EXPECT_FALSE(held.remove(11)) << "there never was one";
  EXPECT_EQ(ids_of(held), (Ids{1, 3, 4}));
  Ids taken;
  held.pop_up_to(20, [&](const HeldMessage& message) { taken.push_back(message.id); });
  EXPECT_EQ(taken, (Ids{1, 3}));
}

TEST(HeldMessages, AreSeenFromOneOffsetToAnother) {
  HeldMessages held = some(5);
  EXPECT_EQ(ids_of(held, 10, 30), (Ids{2, 3, 4}));
  EXPECT_EQ(ids_of(held, 11, 29), Ids{3});
}

// Messages that expire behind one that nobody fetches.
TEST(HeldMessages, TakeNoMemoryForWhatIsGoneFromTheMiddle) {
  HeldMessages held;
  std::map<Offset, std::int64_t> expected;
  for (Offset offset = 0; offset < 10'000; ++offset) {
    held.push_back({offset, static_cast<std::int64_t>(offset) + 1, 0, Address{1}});
    expected[offset] = static_cast<std::int64_t>(offset) + 1;
    if (offset >= 20 && offset % 7 != 0) {
      EXPECT_TRUE(held.remove(offset - 10).has_value() == (expected.erase(offset - 10) == 1));
    }
    if (offset > 100 && offset % 3 == 0) {
      EXPECT_TRUE(held.remove(offset - 90).has_value() == (expected.erase(offset - 90) == 1));
    }
    ASSERT_LE(held.places(), 2 * expected.size() + 140);
  }
  EXPECT_EQ(expected.begin()->first, 0U);
  std::map<Offset, std::int64_t> found;
  held.for_each(0, 10'000, [&](const HeldMessage& message) { found[message.offset] = message.id; });
  EXPECT_EQ(found, expected);
  found.clear();
  held.pop_up_to(9'999, [&](const HeldMessage& message) { found[message.offset] = message.id; });
  EXPECT_EQ(found, expected);
  EXPECT_EQ(held.places(), 0U);
}

TEST(HeldMessages, GoOnAfterManyCameAndWent) {
  HeldMessages held;
  for (std::int64_t id = 1; id <= 1'000; ++id) {
    held.push_back({static_cast<Offset>(id), id, 0, Address{1}});
    if (id > 3) {
      ASSERT_EQ(held.remove(static_cast<Offset>(id) - 3)->id, id - 3);
    }
  }
  EXPECT_EQ(ids_of(held), (Ids{998, 999, 1'000}));
}

}  // namespace
}  // namespace restante::detail
