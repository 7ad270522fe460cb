#include <restante/memory/random.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "recording.hpp"

namespace restante {
namespace {

using namespace std::chrono_literals;

std::vector<std::uint64_t> drawn(Random random, std::size_t count) {
  std::vector<std::uint64_t> result(count);
  for (std::uint64_t& number : result) {
    number = random.next();
  }
  return result;
}

// The numbers are those of a program in another language, which was checked against the published test vectors of
// SplitMix64 and xoshiro256**.
TEST(RandomGolden, ASeedGivesTheSameNumbersWithEveryCompiler) {
  EXPECT_EQ(drawn(Random{0}, 5),
            (std::vector<std::uint64_t>{11091344671253066420u, 13793997310169335082u, 1900383378846508768u,
                                        7684712102626143532u, 13521403990117723737u}));
  EXPECT_EQ(drawn(Random{42}, 5),
            (std::vector<std::uint64_t>{1546998764402558742u, 6990951692964543102u, 12544586762248559009u,
                                        17057574109182124193u, 18295552978065317476u}));
  EXPECT_EQ(Random{UINT64_MAX}.next(), 10328197420357168392u);
}

TEST(RandomGolden, ANumberBelowABoundIsTheSameWithEveryCompiler) {
  Random random{42};
  std::vector<std::uint64_t> result(20);
  for (std::uint64_t& number : result) {
    number = random.below(6);
  }
  EXPECT_EQ(result, (std::vector<std::uint64_t>{0, 0, 5, 5, 4, 0, 4, 3, 4, 5, 1, 1, 4, 4, 1, 4, 3, 0, 3, 4}));
}

TEST(RandomGolden, AForkIsTheSameWithEveryCompiler) {
  EXPECT_EQ(Random{42}.fork(7).next(), 7823912154789275738u);
  EXPECT_EQ(Random{42}.fork("connections").next(), 11629498508411844574u);
  EXPECT_EQ(Random{42}.fork(0).next(), 16818308373308190399u);
}

TEST(Random, WorksWhileCompiling) {
  static_assert(Random{0}.next() == 11091344671253066420u);
  static_assert(Random{1}.below(1) == 0);
}

TEST(Random, DrawsEveryNumberBelowABoundAboutEquallyOften) {
  Random random{1};
  std::array<int, 6> counts{};
  for (int index = 0; index < 60'000; ++index) {
    ++counts.at(random.below(6));
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 10'000, 400);  // more than four standard deviations
  }
}

TEST(Random, IsUnbiasedWhereAPlainRemainderWouldDrawSomeNumbersTwiceAsOften) {
  Random random{2};
  constexpr std::uint64_t bound = UINT64_MAX / 3 * 2;
  int lower_half = 0;
  for (int index = 0; index < 30'000; ++index) {
    const std::uint64_t number = random.below(bound);
    ASSERT_LT(number, bound);
    lower_half += number < bound / 2 ? 1 : 0;
  }
  EXPECT_NEAR(lower_half, 15'000, 500);  // a plain remainder gives 20,000
}

TEST(Random, BelowOneIsZero) {
  Random random{3};
  for (int index = 0; index < 100; ++index) {
    EXPECT_EQ(random.below(1), 0u);
  }
}

TEST(Random, BetweenIncludesBothEnds) {
  Random random{4};
  bool low = false;
  bool high = false;
  for (int index = 0; index < 200; ++index) {
    const std::uint64_t number = random.between(10, 13);
    ASSERT_GE(number, 10u);
    ASSERT_LE(number, 13u);
    low = low || number == 10;
    high = high || number == 13;
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(random.between(5, 5), 5u);
}

TEST(Random, BetweenCanDrawFromAllNumbers) {
  EXPECT_EQ((Random{0}.between(std::uint64_t{0}, UINT64_MAX)), Random{0}.next());
}

TEST(Random, DrawsDurationsOnBothSidesOfZero) {
  Random random{5};
  bool negative = false;
  bool positive = false;
  for (int index = 0; index < 200; ++index) {
    const Duration duration = random.between(-3ns, 3ns);
    ASSERT_GE(duration, -3ns);
    ASSERT_LE(duration, 3ns);
    negative = negative || duration < 0ns;
    positive = positive || duration > 0ns;
  }
  EXPECT_TRUE(negative && positive);
  EXPECT_EQ(random.between(Duration::min(), Duration::min()), Duration::min());
}

TEST(Random, AChanceOfZeroNeverComesAndOneOfAllAlwaysDoes) {
  Random random{6};
  for (int index = 0; index < 1000; ++index) {
    EXPECT_FALSE(random.chance(0, 1'000'000));
    EXPECT_TRUE(random.chance(1'000'000, 1'000'000));
  }
}

TEST(Random, AChanceTakesOneDrawWhateverItsRate) {
  Random never_true{7};
  Random always_true{7};
  EXPECT_FALSE(never_true.chance(0, 1000));
  EXPECT_TRUE(always_true.chance(1000, 1000));
  EXPECT_EQ(never_true, always_true);
}

TEST(Random, AForkDoesNotDependOnWhatWasDrawn) {
  Random random{8};
  const Random before = random.fork(1);
  random.next();
  EXPECT_EQ(random.fork(1), before);
}

TEST(Random, ForksDifferFromEachOtherAndFromTheirOrigin) {
  const Random random{9};
  const std::vector<std::vector<std::uint64_t>> all{drawn(random, 3),
                                                    drawn(random.fork(0), 3),
                                                    drawn(random.fork(1), 3),
                                                    drawn(random.fork(""), 3),
                                                    drawn(random.fork("a"), 3),
                                                    drawn(random.fork(0).fork(0), 3),
                                                    drawn(Random{10}.fork(0), 3)};
  for (std::size_t one = 0; one < all.size(); ++one) {
    for (std::size_t other = 0; other < one; ++other) {
      EXPECT_NE(all[one], all[other]) << one << " and " << other;
    }
  }
}

TEST(Random, RefusesToDrawFromNothing) {
  const testing::ThrowingAssertions throwing;
  Random random{0};
  EXPECT_THROW(random.below(0), std::logic_error);
  EXPECT_THROW(random.between(2, 1), std::logic_error);
  EXPECT_THROW(random.between(2ns, 1ns), std::logic_error);
  EXPECT_THROW(random.chance(0, 0), std::logic_error);
}

}  // namespace
}  // namespace restante
