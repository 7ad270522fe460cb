#include <restante/core/waits.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace restante {
namespace {

class WaitsTest : public ::testing::Test {
 protected:
  Waits::Index add(AddressState& owner, std::uint32_t tag, std::uint64_t deadline_ms) {
    return waits_.add(owner, Wait{.tag = tag}, deadline_ms);
  }

  std::vector<std::uint32_t> tags(const AddressState& owner) {
    std::vector<std::uint32_t> tags;
    for (Waits::Index index = owner.first_wait; index != Waits::none; index = waits_[index].next) {
      tags.push_back(waits_[index].tag);
    }
    return tags;
  }

  using Tags = std::vector<std::uint32_t>;

  Waits waits_;
  AddressState ada_;
  AddressState bob_;
};

TEST_F(WaitsTest, StandInTheOrderOfTheirOwner) {
  add(ada_, 1, 10);
  add(bob_, 1, 10);
  const Waits::Index middle = add(ada_, 2, 5);
  add(ada_, 3, 7);
  EXPECT_EQ(tags(ada_), (Tags{1, 2, 3}));
  EXPECT_EQ(ada_.waits, 3U);
  EXPECT_EQ(waits_.size(), 4U);
  waits_.remove(ada_, middle);
  EXPECT_EQ(tags(ada_), (Tags{1, 3}));
  waits_.remove(ada_, ada_.first_wait);
  waits_.remove(ada_, ada_.last_wait);
  EXPECT_EQ(tags(ada_), Tags{});
  EXPECT_EQ(ada_.last_wait, Waits::none);
  EXPECT_EQ(tags(bob_), Tags{1});
  EXPECT_LT(add(ada_, 4, 20), 4U) << "places are used again";
}

TEST_F(WaitsTest, AreFoundByTheirTagForEachOwner) {
  add(ada_, 5, 10);
  EXPECT_TRUE(waits_.has_tag(ada_, 5));
  EXPECT_FALSE(waits_.has_tag(ada_, 6));
  EXPECT_FALSE(waits_.has_tag(bob_, 5));
}

TEST_F(WaitsTest, AreDueOneByOneWhenTheirDeadlineComes) {
  EXPECT_FALSE(waits_.next_deadline_ms());
  const Waits::Index later = add(ada_, 1, 1'000);
  const Waits::Index sooner = add(bob_, 2, 500);
  EXPECT_LE(waits_.next_deadline_ms(), 500U);
  EXPECT_FALSE(waits_.pop_due(499));
  EXPECT_EQ(waits_.pop_due(1'000), sooner);
  EXPECT_TRUE(waits_.has_tag(bob_, 2)) << "until it is removed";
  waits_.remove(bob_, sooner);
  EXPECT_EQ(waits_.pop_due(1'000), later);
  EXPECT_FALSE(waits_.pop_due(1'000));
  waits_.remove(ada_, later);
  EXPECT_FALSE(waits_.next_deadline_ms());
  EXPECT_EQ(waits_.size(), 0U);
}

TEST_F(WaitsTest, ThatWereRemovedAreNeverDue) {
  waits_.remove(ada_, add(ada_, 1, 500));
  EXPECT_FALSE(waits_.pop_due(10'000));
}

}  // namespace
}  // namespace restante
