#include <restante/detail/backoff.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace restante::detail {
namespace {

using namespace std::chrono_literals;

std::vector<Duration> delays(Backoff& backoff, int count) {
  std::vector<Duration> drawn;
  for (; count > 0; --count) {
    drawn.push_back(backoff.next());
  }
  return drawn;
}

TEST(Backoff, DrawsFromABoundThatDoublesUpToItsMaximum) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff{100ms, 1s, seed};
    for (const Duration bound : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms, 1000ms}) {
      const Duration delay = backoff.next();
      EXPECT_GE(delay, 0ns);
      EXPECT_LE(delay, bound);
    }
  }
}

TEST(Backoff, UsesTheWholeOfItsBound) {
  int low = 0;
  int high = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Duration delay = Backoff{100ms, 1s, seed}.next();
    low += delay < 25ms ? 1 : 0;
    high += delay > 75ms ? 1 : 0;
  }
  EXPECT_GT(low, 20);
  EXPECT_GT(high, 20);
}

TEST(Backoff, GivesTheSameDelaysForTheSameSeedAndOthersForAnother) {
  Backoff one{100ms, 1s, 42};
  Backoff same{100ms, 1s, 42};
  Backoff other{100ms, 1s, 43};
  const std::vector<Duration> expected = delays(one, 10);
  EXPECT_EQ(delays(same, 10), expected);
  EXPECT_NE(delays(other, 10), expected);
}

TEST(Backoff, BeginsAgainAfterASuccess) {
  Backoff backoff{1ms, 1h, 7};
  delays(backoff, 20);
  backoff.reset();
  EXPECT_LE(backoff.next(), 1ms);
  EXPECT_LE(backoff.next(), 2ms);
}

TEST(Backoff, NeverExceedsAMaximumBelowTheFirstDelay) {
  Backoff backoff{10s, 1s, 1};
  for (const Duration delay : delays(backoff, 50)) {
    EXPECT_LE(delay, 1s);
  }
}

TEST(Backoff, DoesNotOverflow) {
  Backoff backoff{Duration::max(), Duration::max(), 1};
  for (const Duration delay : delays(backoff, 100)) {
    EXPECT_GE(delay, 0ns);
  }
  Backoff smallest{1ns, Duration::max(), 1};
  for (const Duration delay : delays(smallest, 100)) {
    EXPECT_GE(delay, 0ns);
  }
}

}  // namespace
}  // namespace restante::detail
