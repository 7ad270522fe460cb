#include <restante/sim/plan.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <set>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

using namespace std::chrono_literals;

std::size_t count(const Plan& plan, ActionKind kind) {
  return static_cast<std::size_t>(std::count_if(plan.actions.begin(), plan.actions.end(),
                                                [kind](const Action& action) { return action.kind == kind; }));
}

Scenario friends() {
  Scenario scenario;
  scenario.duration = 60s;
  scenario.groups = {{.name = "friends", .count = 2, .id = 255, .push_every = 1s, .push_burst = 2, .get_every = 2s}};
  return scenario;
}

TEST(Plan, IsTheSameForTheSameSeed) {
  Scenario scenario = friends();
  scenario.faults = {.breaks = 10, .server_crashes = 5, .swarm = true};
  EXPECT_EQ(make_plan(scenario, 7).actions, make_plan(scenario, 7).actions);
  EXPECT_NE(make_plan(scenario, 7).actions, make_plan(scenario, 8).actions);
}

TEST(Plan, GivesTheClientsOfAGroupTheNextIdsAndNames) {
  const Plan plan = make_plan(friends(), 1);
  ASSERT_EQ(plan.clients.size(), 2U);
  EXPECT_EQ(plan.clients[0].id, 255);
  EXPECT_EQ(plan.clients[1].id, 0);
  EXPECT_EQ(plan.clients[1].name, "friends 1");
  Scenario rivals = friends();
  rivals.groups[0].same_id = true;
  EXPECT_EQ(make_plan(rivals, 1).clients[1].id, 255);
}

TEST(Plan, IsInTheOrderOfTimeAndWithinTheDuration) {
  Scenario scenario = friends();
  scenario.faults = {.breaks = 60, .stalls = 60};
  scenario.actions = {{.at = 5s, .kind = ActionKind::text}};
  const Plan plan = make_plan(scenario, 3);
  EXPECT_TRUE(std::is_sorted(plan.actions.begin(), plan.actions.end(),
                             [](const Action& left, const Action& right) { return left.at < right.at; }));
  EXPECT_TRUE(std::all_of(plan.actions.begin(), plan.actions.end(),
                          [](const Action& action) { return action.at >= 0s && action.at < 60s; }));
  EXPECT_EQ(count(plan, ActionKind::text), 1U);
}

TEST(Plan, PushesAndLooksAsOftenAsItSays) {
  const Plan plan = make_plan(friends(), 1);
  EXPECT_EQ(count(plan, ActionKind::push), 2U * 60U * 2U);
  EXPECT_EQ(count(plan, ActionKind::drain), 2U * 30U);
  EXPECT_EQ(count(plan, ActionKind::connect), 2U);
  Scenario limited = friends();
  limited.groups[0].push_count = 5;
  EXPECT_EQ(count(make_plan(limited, 1), ActionKind::push), 2U * 5U);
}

TEST(Plan, FaultsComeAsOftenAsTheirRateSays) {
  Scenario scenario = friends();
  scenario.duration = 100min;
  scenario.groups[0] = {};
  scenario.faults = {.breaks = 6};
  const std::size_t breaks = count(make_plan(scenario, 1), ActionKind::break_connection);
  EXPECT_GE(breaks, 500U);
  EXPECT_LE(breaks, 700U);
}

TEST(Plan, SwarmSwitchesKindsOfFaultsOff) {
  Scenario scenario = friends();
  scenario.faults = {.breaks = 60, .server_crashes = 60, .swarm = true};
  std::set<std::pair<bool, bool>> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Plan plan = make_plan(scenario, seed);
    seen.insert({count(plan, ActionKind::break_connection) > 0, count(plan, ActionKind::crash_server) > 0});
  }
  EXPECT_EQ(seen.size(), 4U);
}

TEST(Plan, AFaultMoreDoesNotMoveTheOthers) {
  Scenario scenario = friends();
  scenario.faults = {.breaks = 30};
  const Plan before = make_plan(scenario, 5);
  scenario.faults.client_crashes = 30;
  Plan after = make_plan(scenario, 5);
  std::erase_if(after.actions, [&before](const Action& action) {
    return std::find(before.actions.begin(), before.actions.end(), action) == before.actions.end();
  });
  EXPECT_EQ(after.actions, before.actions);
}

}  // namespace
}  // namespace restante::sim
