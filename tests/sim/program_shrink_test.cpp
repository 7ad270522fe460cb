// sim/program/shrink.hpp and sim/program/explore.hpp
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>

#include "explore.hpp"
#include "scenario_file.hpp"
#include "shrink.hpp"

namespace {

using namespace restante_sim;
using namespace std::chrono_literals;
using restante::sim::ActionKind;
using restante::sim::Outcome;
using restante::sim::Scenario;

// Ten clients write to each other, and connections break now and then. Nobody is to be uncertain: that fails with most
// seeds, and one client, one push and one break are enough for it.
Scenario uncertain() {
  Scenario scenario;
  scenario.duration = 10s;
  scenario.link.latency = 50ms;
  scenario.groups.push_back({.name = "writer", .count = 10, .push_every = 200ms, .get_every = 1s});
  scenario.faults.breaks = 30;
  scenario.expectations["outcome_unknown"].max = 0;
  return scenario;
}

std::uint64_t failing_seed() {
  const Exploration exploration = explore(uncertain(), {.from = 1, .seeds = 100});
  return exploration.failed.empty() ? 0 : exploration.failed.front().seed;
}

TEST(Shrink, LeavesNothingButWhatMatters) {
  const std::uint64_t seed = failing_seed();
  ASSERT_NE(seed, 0U);
  const std::optional<Shrunk> shrunk = shrink(uncertain(), seed, 2000);
  ASSERT_TRUE(shrunk.has_value());
  EXPECT_EQ(shrunk->failure, (Failure{Outcome::unexpected, "outcome_unknown"}));
  EXPECT_EQ(shrunk->scenario.groups.size(), 1U);
  EXPECT_LE(shrunk->scenario.actions.size(), 3U);
  EXPECT_LT(shrunk->scenario.duration, 10s);
}

TEST(Shrink, WritesAScenarioThatFailsInTheSameWay) {
  const std::uint64_t seed = failing_seed();
  const std::optional<Shrunk> shrunk = shrink(uncertain(), seed, 300);
  ASSERT_TRUE(shrunk.has_value());
  const Scenario written = parse_scenario(to_toml(shrunk->scenario), "written.toml");
  EXPECT_EQ(failure_of(written, run(written, shrunk->seed)), shrunk->failure);
}

TEST(Shrink, LeavesNothingSetAndNoTimeCrookedThatDoesNotMatter) {
  Scenario scenario = uncertain();
  scenario.link.jitter = 20ms;
  scenario.mailbox_messages_max = 50;
  const std::uint64_t seed = explore(scenario, {.from = 1, .seeds = 100}).failed.at(0).seed;
  const std::optional<Shrunk> shrunk = shrink(scenario, seed, 2000);
  ASSERT_TRUE(shrunk.has_value());
  EXPECT_EQ(shrunk->scenario.mailbox_messages_max, Scenario{}.mailbox_messages_max);
  EXPECT_EQ(shrunk->scenario.link.jitter, 0ms);
  EXPECT_EQ(shrunk->scenario.groups.front().get_every, 0ms);
  for (const restante::sim::Action& action : shrunk->scenario.actions) {
    EXPECT_EQ(action.at % 1ms, 0ms);
  }
}

TEST(Shrink, GivesTheSameEachTime) {
  const std::uint64_t seed = failing_seed();
  const std::optional<Shrunk> one = shrink(uncertain(), seed, 200);
  const std::optional<Shrunk> other = shrink(uncertain(), seed, 200);
  ASSERT_TRUE(one.has_value() && other.has_value());
  EXPECT_EQ(to_toml(one->scenario), to_toml(other->scenario));
}

TEST(Shrink, RefusesWhatDoesNotFail) {
  Scenario scenario = uncertain();
  scenario.expectations.clear();
  EXPECT_FALSE(shrink(scenario, 1, 100).has_value());
}

TEST(Shrink, RefusesWhatHappenedTooSeldom) {
  Scenario scenario = uncertain();
  scenario.expectations.clear();
  scenario.expectations["server_crashed_during_commit"].min = 1;
  EXPECT_FALSE(shrink(scenario, 1, 100).has_value());
}

TEST(Explore, StopsAtTheSameFailureWithAnyNumberOfThreads) {
  const Exploration one = explore(uncertain(), {.from = 1, .seeds = 100, .jobs = 1});
  const Exploration four = explore(uncertain(), {.from = 1, .seeds = 100, .jobs = 4});
  EXPECT_EQ(one.failures, 1U);
  EXPECT_EQ(one.seeds, one.failed.front().seed);
  EXPECT_EQ(four.seeds, one.seeds);
  EXPECT_EQ(four.failed.front().seed, one.failed.front().seed);
  EXPECT_EQ(four.sometimes, one.sometimes);
}

TEST(Explore, CollectsTheSameFailuresWithAnyNumberOfThreads) {
  const Exploration one = explore(uncertain(), {.from = 7, .seeds = 40, .jobs = 1, .keep_going = true});
  const Exploration four = explore(uncertain(), {.from = 7, .seeds = 40, .jobs = 4, .keep_going = true});
  EXPECT_EQ(one.seeds, 40U);
  EXPECT_GT(one.failures, 1U);
  EXPECT_EQ(one.worst, Outcome::unexpected);
  EXPECT_EQ(four.requests, one.requests);
  ASSERT_EQ(four.failed.size(), one.failed.size());
  for (std::size_t i = 0; i < one.failed.size(); ++i) {
    EXPECT_EQ(four.failed[i].seed, one.failed[i].seed);
    EXPECT_EQ(four.failed[i].findings, one.failed[i].findings);
  }
}

TEST(Explore, RunsAllSeedsWhereNoneFails) {
  Scenario scenario = uncertain();
  scenario.expectations.clear();
  const Exploration exploration = explore(scenario, {.from = 1, .seeds = 20, .jobs = 2});
  EXPECT_EQ(exploration.seeds, 20U);
  EXPECT_EQ(exploration.failures, 0U);
  EXPECT_EQ(exploration.worst, Outcome::held);
}

}  // namespace
