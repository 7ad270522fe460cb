#include <restante/v2/detail/request_table.hpp>

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace restante::v2::detail {
namespace {

using namespace std::chrono_literals;
using Table = RequestTable<std::variant<std::string, int>>;

constexpr SteadyTime start{1000s};

TEST(RequestTable, GivesEachRequestATagThatNoOtherHas) {
  Table table{5s};
  const Tag one = table.add("one", start, 0s);
  const Tag two = table.add(2, start, 0s);
  EXPECT_NE(one, two);
  EXPECT_NE(one, 0U);
  EXPECT_EQ(table.find(two + 1), nullptr);
  EXPECT_EQ(table.find_as<int>(one), nullptr);
  EXPECT_EQ(table.take_as<int>(one), std::nullopt);
  EXPECT_EQ(table.take_as<std::string>(one), "one");
  EXPECT_EQ(table.find(one), nullptr);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(std::get<int>(*table.take_any()), 2);
  EXPECT_EQ(table.take_any(), std::nullopt);
}

TEST(RequestTable, WaitsForAReplyForAsLongAsSomethingComes) {
  Table table{5s};
  EXPECT_EQ(table.deadline(), never);
  const Tag tag = table.add(1, start, 0s);
  table.add(2, start + 1s, 0s);
  EXPECT_EQ(table.deadline(), start + 5s) << "a later request does not give the first one more time";
  table.heard(start + 4s);
  EXPECT_EQ(table.deadline(), start + 9s);
  table.take(tag);
  EXPECT_EQ(table.deadline(), start + 9s);
  table.take_any();
  EXPECT_EQ(table.deadline(), never);
}

TEST(RequestTable, GivesARequestThatWaitsItsTimeBesides) {
  Table table{5s};
  table.add(1, start, 60s);
  const Tag shorter = table.add(2, start, 30s);
  EXPECT_EQ(table.deadline(), start + 35s);
  table.heard(start + 34s);
  EXPECT_EQ(table.deadline(), start + 39s) << "something comes";
  table.take(shorter);
  EXPECT_EQ(table.deadline(), start + 65s);
  table.add(3, start + 50s, 0s);
  EXPECT_EQ(table.deadline(), start + 55s);
}

TEST(RequestTable, SetsNoLimitWhereNoneIsWanted) {
  Table table{Duration::max()};
  table.add(1, start, 0s);
  EXPECT_EQ(table.deadline(), never);
}

}  // namespace
}  // namespace restante::v2::detail
