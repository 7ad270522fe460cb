#include <restante/assert.hpp>

#include <gtest/gtest.h>

#include "support/assertion_throws.hpp"

namespace restante {
namespace {

using test::AssertionFailed;
using test::AssertionsThrow;

TEST(Assert, DoesNothingWhenTheConditionHolds) {
  const AssertionsThrow assertions_throw;
  EXPECT_NO_THROW(RESTANTE_ASSERT(1 + 1 == 2, "arithmetic broke"));
}

TEST(Assert, EvaluatesTheConditionOnce) {
  int evaluations = 0;
  RESTANTE_ASSERT(++evaluations > 0, "counting broke");
  EXPECT_EQ(evaluations, 1);
}

TEST(Assert, TellsTheHandlerTheConditionTheExplanationAndThePlace) {
  const AssertionsThrow assertions_throw;
  unsigned line = 0;
  try {
    line = __LINE__ + 1;
    RESTANTE_ASSERT(1 + 1 == 3, "arithmetic works");
    FAIL() << "the assertion did not fail";
  } catch (const AssertionFailed& failed) {
    EXPECT_EQ(failed.condition, "1 + 1 == 3");
    EXPECT_EQ(failed.explanation, "arithmetic works");
    EXPECT_EQ(failed.file, __FILE__);
    EXPECT_EQ(failed.line, line);
  }
}

TEST(Assert, CanBeUsedInConstantExpressions) {
  constexpr auto half = [](int even) {
    RESTANTE_ASSERT(even % 2 == 0, "only even numbers have a half");
    return even / 2;
  };
  static_assert(half(4) == 2);
  EXPECT_ASSERTION(half(3), "only even numbers");
}

TEST(Assert, GivesBackTheHandlerThatWasInstalledBefore) {
  const auto handler = [](const char*, const char*, const char*, unsigned) {};
  const AssertionHandler before = set_assertion_handler(handler);
  EXPECT_EQ(set_assertion_handler(before), static_cast<AssertionHandler>(handler));
  EXPECT_EQ(set_assertion_handler(before), before);
}

TEST(AssertDeathTest, SaysWhatIsWrongOnStandardErrorAndAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(RESTANTE_ASSERT(1 > 2, "one is less than two"),
               "assert_test.cpp:[0-9]+: one is less than two \\(1 > 2\\)");
}

TEST(AssertDeathTest, AbortsWhenTheHandlerReturns) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        set_assertion_handler([](const char*, const char* explanation, const char*, unsigned) {
          std::fprintf(stderr, "the handler was told: %s\n", explanation);
        });
        RESTANTE_ASSERT(1 > 2, "one is less than two");
      },
      "the handler was told: one is less than two");
}

}  // namespace
}  // namespace restante
