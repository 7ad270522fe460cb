// sim/include/restante/sim/rapidcheck.hpp, and the properties that docs/guide.md shows.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <restante/sim/perform.hpp>
#include <restante/sim/rapidcheck.hpp>
#include <restante/sim/simulation.hpp>

using namespace std::chrono_literals;
namespace sim = restante::sim;

RC_GTEST_PROP(Simulation, HoldsWhateverHappensToIt, (const sim::Example& example)) {
  sim::check_held(example);
}

namespace {

// An application with a fault: Ada sends an order again until it is acknowledged, and Bob takes each for another one.
class Shop {
 public:
  explicit Shop(const std::vector<sim::Action>& schedule) : schedule_{schedule} {}

  /// What Bob got in the end.
  std::vector<std::string> orders() {
    simulation_.client(1);
    sim::SimulatedClient& bob = simulation_.client(2);
    sim::Performer performer{simulation_};
    auto next = schedule_.begin();
    for (restante::Duration time{}; time < 3s; time += 50ms) {
      for (; next != schedule_.end() && next->at <= time; ++next) {
        performer.perform(*next);
      }
      order();
      simulation_.run_for(50ms);
    }
    bob.connect();
    return bob.get_all();
  }

 private:
  void order() {
    sim::SimulatedClient& ada = simulation_.client(1);
    if (ada.associated() && ada.requests() == 0) {
      ada.push(2, "order " + std::to_string(ada.totals().accepted));
    }
  }

  sim::Simulation simulation_{{.seed = 1, .link = {.latency = 60ms}}};
  const std::vector<sim::Action>& schedule_;
};

bool orders_twice(const std::vector<sim::Action>& schedule) {
  const std::vector<std::string> orders = Shop{schedule}.orders();
  return std::set<std::string>{orders.begin(), orders.end()}.size() < orders.size();
}

// What rapidcheck makes of the first counterexample: the last one that failed is the smallest.
template <class Value>
struct Smallest {
  bool found = false;
  Value value;
};

template <class Value, class Fails>
Smallest<Value> smallest_that(const rc::Gen<Value>& values, Fails fails) {
  Smallest<Value> smallest;
  // It prints the counterexample, which is meant to be there.
  smallest.found = !rc::check([&] {
    const Value value = *values;
    if (fails(value)) {
      smallest.value = value;
      RC_FAIL("as expected");
    }
  });
  return smallest;
}

TEST(Rapidcheck, LeavesOneCommandOfTheScheduleThatShowsAFaultOfAnApplication) {
  const auto smallest = smallest_that(sim::gen::schedule(2, 3s, false, 20), orders_twice);
  ASSERT_TRUE(smallest.found);
  EXPECT_LE(smallest.value.size(), 2U) << rc::toString(smallest.value);
  EXPECT_EQ(smallest.value.front().client, 0U) << rc::toString(smallest.value);
}

TEST(Rapidcheck, LeavesOneClientAndFewCommandsOfAScenarioThatIsNotAsExpected) {
  // A claim that is wrong: no client is ever uncertain what became of a push. One that pushes and a connection that
  // breaks are enough to show it.
  const auto smallest = smallest_that(sim::gen::example(), [](const sim::Example& example) {
    return sim::run(example.scenario, example.seed).sometimes[sim::Sometimes::outcome_unknown] > 0;
  });
  ASSERT_TRUE(smallest.found);
  EXPECT_LE(smallest.value.scenario.groups.size(), 2U) << rc::toString(smallest.value);
  EXPECT_LE(smallest.value.scenario.actions.size(), 2U) << rc::toString(smallest.value);
}

TEST(Rapidcheck, PrintsAScheduleAsRowsOfAScenario) {
  const std::vector<sim::Action> schedule{
      {.at = 2s, .kind = sim::ActionKind::break_half_open, .client = 1, .duration = 30ms},
      {.at = 2500ms, .kind = sim::ActionKind::crash_server}};
  EXPECT_EQ(rc::toString(schedule),
            "[{ at = \"2s\", do = \"break_half_open\", client = 1, duration = \"30ms\" }, "
            "{ at = \"2s500ms\", do = \"crash_server\" }]");
}

RC_GTEST_PROP(Rapidcheck, DrawsSchedulesThatFitTheScenario, (const sim::Example& example)) {
  const sim::Scenario& scenario = example.scenario;
  RC_ASSERT(!scenario.groups.empty() && scenario.groups.size() <= 4U);
  RC_ASSERT(scenario.actions.size() <= 20U);
  RC_ASSERT(std::is_sorted(scenario.actions.begin(), scenario.actions.end(),
                           [](const sim::Action& left, const sim::Action& right) { return left.at < right.at; }));
  for (const sim::Action& action : scenario.actions) {
    RC_ASSERT(action.client < scenario.groups.size());
    RC_ASSERT(action.at < scenario.duration);
    RC_ASSERT(scenario.disk || action.kind < sim::ActionKind::store_fails);
  }
}

}  // namespace
