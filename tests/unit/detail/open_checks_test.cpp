#include <restante/detail/open_checks.hpp>

#include <gtest/gtest.h>

namespace restante::detail {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime start{};

TEST(OpenChecks, GiveACheckBackOnceByItsNumber) {
  OpenChecks checks;
  const std::uint64_t first = checks.add({.connection = {1, 1}, .tag = 5, .is_v2 = true, .address = "ada"});
  const std::uint64_t second = checks.add({.connection = {2, 1}, .address = "7"});
  EXPECT_NE(first, second);
  const auto taken = checks.take(first);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->connection, (Connection{1, 1}));
  EXPECT_EQ(taken->tag, 5U);
  EXPECT_TRUE(taken->is_v2);
  EXPECT_EQ(taken->address, "ada");
  EXPECT_FALSE(checks.take(first));
  EXPECT_FALSE(checks.take(99));
  EXPECT_EQ(checks.take(second)->classic_id(), 7);
  EXPECT_GT(checks.add({}), second) << "no number is used twice";
}

TEST(OpenChecks, HoldBackWhatIsWrongUntilItsTime) {
  OpenChecks checks;
  EXPECT_EQ(checks.next_deadline(), never);
  EXPECT_FALSE(checks.take_refused(start + 1h));
  checks.refuse_at(start + 1s, {.address = "ada"});
  checks.refuse_at(start + 2s, {.address = "bob"});
  EXPECT_EQ(checks.next_deadline(), start + 1s);
  EXPECT_FALSE(checks.take_refused(start + 999ms));
  EXPECT_EQ(checks.take_refused(start + 1s)->address, "ada");
  EXPECT_FALSE(checks.take_refused(start + 1s));
  EXPECT_EQ(checks.next_deadline(), start + 2s);
  EXPECT_EQ(checks.take_refused(start + 3s)->address, "bob");
  EXPECT_EQ(checks.next_deadline(), never);
}

}  // namespace
}  // namespace restante::detail
