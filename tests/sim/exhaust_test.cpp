// All interleavings of the small worlds, each a little shorter than restante-sim exhaust follows them.
#include <restante/sim/exhaust.hpp>

#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

std::string tell(const ExhaustResult& result) {
  std::string text;
  for (const ExhaustFailure& failure : result.failures) {
    text += failure.world + ": " + failure.sentence + "\n";
    for (const std::string& step : failure.steps) {
      text += "  " + step + "\n";
    }
  }
  return text;
}

TEST(Exhaust, AMillionInterleavingsHoldAndReachEveryRule) {
  ExhaustResult all;
  for (SmallWorld& world : small_worlds()) {
    --world.depth;
    all += exhaust(world);
  }
  EXPECT_EQ(tell(all), "");
  EXPECT_GE(all.interleavings, 1'000'000U);
  for (std::size_t i = 0; i < static_cast<std::size_t>(Rule::count); ++i) {
    EXPECT_GT(all.rules[static_cast<Rule>(i)], 0U) << name(static_cast<Rule>(i));
  }
}

TEST(Exhaust, CountsEverySequenceOnce) {
  // Each of two clients sends one message, which arrives and is answered, and the answer arrives: three steps each, in
  // any order that keeps those of one client in order, 6!/(3!·3!) in all.
  const SmallWorld world{.name = "two", .scripts = {{detail::associate(1)}, {detail::associate(2)}}, .depth = 100};
  EXPECT_EQ(exhaust(world).interleavings, 20U);
  const SmallWorld three{.name = "three",
                         .scripts = {{detail::associate(1)}, {detail::associate(2)}, {detail::associate(3)}},
                         .depth = 100};
  EXPECT_EQ(exhaust(three).interleavings, 1680U);
}

TEST(Exhaust, EndsWhereItIsTold) {
  EXPECT_EQ(exhaust(small_worlds().front(), 17).interleavings, 17U);
}

TEST(Exhaust, DoesTheSameAgain) {
  SmallWorld world = small_worlds().front();
  world.depth = 8;
  const ExhaustResult first = exhaust(world);
  const ExhaustResult second = exhaust(world);
  EXPECT_EQ(first.interleavings, second.interleavings);
  EXPECT_EQ(first.steps, second.steps);
  EXPECT_EQ(first.rules, second.rules);
}

TEST(Exhaust, EveryRuleAndWorldHasANameOfItsOwn) {
  std::set<std::string_view> rules;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Rule::count); ++i) {
    rules.insert(name(static_cast<Rule>(i)));
  }
  EXPECT_EQ(rules.size(), static_cast<std::size_t>(Rule::count));
  std::set<std::string> worlds;
  for (const SmallWorld& world : small_worlds()) {
    worlds.insert(world.name);
  }
  EXPECT_EQ(worlds.size(), small_worlds().size());
}

}  // namespace
}  // namespace restante::sim
