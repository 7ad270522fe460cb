#include <restante/time.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace restante {
namespace {

using namespace std::chrono_literals;

static_assert(std::is_same_v<Duration, std::chrono::nanoseconds>);
static_assert(std::chrono::is_clock_v<SteadyClock> == false, "only a transport knows the time");
static_assert(after(SteadyTime{5s}, 2s) == SteadyTime{7s});

static_assert(earlier(SteadyTime{1s}, SteadyTime{2s}) == SteadyTime{1s});
static_assert(earlier(never, SteadyTime{2s}) == SteadyTime{2s});

TEST(Time, AfterAddsADuration) {
  EXPECT_EQ(after(SteadyTime{1s}, 500ms), SteadyTime{1500ms});
  EXPECT_EQ(after(SteadyTime{1s}, Duration::zero()), SteadyTime{1s});
}

TEST(Time, AfterIsNeverWhereTheSumDoesNotFit) {
  EXPECT_EQ(after(SteadyTime{1s}, Duration::max()), never);
  EXPECT_EQ(after(never, 1ns), never);
  EXPECT_EQ(after(never - 1ns, 1ns), never);
  EXPECT_EQ(after(never - 2ns, 1ns), never - 1ns);
}

TEST(Time, AfterTakesTimesBeforeTheZeroOfTheClock) {
  EXPECT_EQ(after(SteadyTime{-10s}, 4s), SteadyTime{-6s});
  EXPECT_EQ(after(SteadyTime::min(), Duration::zero()), SteadyTime::min());
  EXPECT_EQ(after(SteadyTime{-1ns}, Duration::max()), never - 1ns);
}

TEST(Time, NeverIsLaterThanEveryOtherTime) {
  EXPECT_GT(never, SteadyTime{});
  EXPECT_GT(never, never - 1ns);
}

}  // namespace
}  // namespace restante
