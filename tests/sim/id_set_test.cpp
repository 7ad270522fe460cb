#include <restante/sim/id_set.hpp>

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

std::vector<int> all_of(const IdSet& set) {
  std::vector<int> ids;
  set.for_each([&ids](std::uint8_t id) { ids.push_back(id); });
  return ids;
}

TEST(IdSet, IsEmptyAtFirst) {
  const IdSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_FALSE(set.contains(0));
  EXPECT_EQ(all_of(set), (std::vector<int>{}));
}

TEST(IdSet, GoesThroughItsIdsInOrder) {
  IdSet set;
  for (const std::uint8_t id : std::vector<std::uint8_t>{255, 64, 0, 63, 127, 128, 64}) {
    set.insert(id);
  }
  EXPECT_FALSE(set.empty());
  EXPECT_TRUE(set.contains(128));
  EXPECT_FALSE(set.contains(129));
  EXPECT_EQ(all_of(set), (std::vector<int>{0, 63, 64, 127, 128, 255}));
}

TEST(IdSet, IsEmptyAgainWhenAllHaveLeft) {
  IdSet set;
  set.insert(200);
  set.erase(201);
  EXPECT_EQ(all_of(set), (std::vector<int>{200}));
  set.erase(200);
  EXPECT_TRUE(set.empty());
  set.insert(3);
  set.clear();
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set, IdSet{});
}

}  // namespace
}  // namespace restante::sim
