#include <restante/sim/report.hpp>

#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

TEST(Findings, CountsAllAndKeepsTheFirst) {
  Findings findings;
  for (int i = 0; i < 100; ++i) {
    findings.violation("protocol", {}, std::to_string(i));
    findings.liveness_failure("liveness", {}, std::to_string(i));
  }
  EXPECT_EQ(findings.violations_count(), 100U);
  EXPECT_EQ(findings.liveness_failures_count(), 100U);
  EXPECT_EQ(findings.violations().size(), Findings::kept_max);
  EXPECT_EQ(findings.violations().front().sentence, "0");
  EXPECT_EQ(findings.liveness_failures().front().checker, "liveness");
}

TEST(Sometimes, EachStateHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    names.insert(name(static_cast<Sometimes>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Sometimes::count));
  EXPECT_EQ(names.count("unknown"), 0U);
}

TEST(Sometimes, CountsAddUp) {
  SometimesCounts left;
  SometimesCounts right;
  left.reach(Sometimes::mailbox_full);
  right.reach(Sometimes::mailbox_full, 2);
  right.reach(Sometimes::store_failed);
  left += right;
  EXPECT_EQ(left[Sometimes::mailbox_full], 3U);
  EXPECT_EQ(left[Sometimes::store_failed], 1U);
  EXPECT_EQ(left[Sometimes::id_restored], 0U);
}

}  // namespace
}  // namespace restante::sim
