#include "histogram.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace restante::bench {
namespace {

TEST(Histogram, SaysZeroWhenNothingWasCounted) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile(500), 0U);
  EXPECT_EQ(histogram.max(), 0U);
}

TEST(Histogram, IsExactForSmallValues) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) {
    histogram.add(value);
  }
  EXPECT_EQ(histogram.count(), 100U);
  EXPECT_EQ(histogram.percentile(10), 1U);
  EXPECT_EQ(histogram.percentile(500), 50U);
  EXPECT_EQ(histogram.percentile(990), 99U);
  EXPECT_EQ(histogram.percentile(1000), 100U);
}

TEST(Histogram, CountsAtLeastThePartThatWasAskedFor) {
  Histogram histogram;
  for (const std::uint64_t value : {1U, 2U, 3U}) {
    histogram.add(value);
  }
  EXPECT_EQ(histogram.percentile(333), 1U);
  EXPECT_EQ(histogram.percentile(334), 2U);
  EXPECT_EQ(histogram.percentile(667), 3U);
}

TEST(Histogram, IsNeverBelowTheValueAndAtMostASixtyFourthAbove) {
  std::vector<std::uint64_t> values;
  for (unsigned bit = 0; bit < 63; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    values.insert(values.end(), {power - 1, power, power + 1, power + power / 3});
  }
  for (const std::uint64_t value : values) {
    Histogram histogram;
    histogram.add(value);
    // A larger one beside it, so that the longest of all does not hide how wide the bucket is.
    histogram.add(std::uint64_t{1} << 63U);
    EXPECT_GE(histogram.percentile(500), value);
    EXPECT_LE(histogram.percentile(500), value + value / 64) << value;
  }
}

TEST(Histogram, NeverSaysMoreThanTheLongest) {
  Histogram histogram;
  histogram.add(1'000'001);
  EXPECT_EQ(histogram.percentile(999), 1'000'001U);
  EXPECT_EQ(histogram.max(), 1'000'001U);
}

TEST(Histogram, CountsTheLongestThatThereIs) {
  Histogram histogram;
  histogram.add(UINT64_MAX);
  EXPECT_EQ(histogram.percentile(1000), UINT64_MAX);
}

TEST(Histogram, TellsARareLongOneFromTheRest) {
  Histogram histogram;
  for (int i = 0; i < 999; ++i) {
    histogram.add(10);
  }
  histogram.add(50'000);
  EXPECT_EQ(histogram.percentile(999), 10U);
  EXPECT_EQ(histogram.percentile(1000), 50'000U);
}

}  // namespace
}  // namespace restante::bench
