// The scenarios of examples/scenarios: they come out as they say, twice the same, and the same with every compiler.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>

#include "scenario_file.hpp"
#include "shrink.hpp"
#include "summary.hpp"
#include "text.hpp"

namespace {

using namespace restante_sim;
using restante::sim::Outcome;
using restante::sim::RunResult;
using restante::sim::Scenario;

std::vector<std::string> names_of_scenarios(const std::string& folder = RESTANTE_SCENARIOS) {
  std::vector<std::string> names;
  for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator{folder}) {
    if (entry.path().extension() == ".toml") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Scenario scenario_of(const std::string& name) {
  return load_scenario(std::string{RESTANTE_SCENARIOS} + "/" + name + ".toml");
}

// The trace's hash with seed 1, for each scenario: lines of a name and a hash.
std::map<std::string, std::string> known_hashes() {
  std::map<std::string, std::string> hashes;
  std::ifstream file{RESTANTE_HASHES};
  for (std::string name, hash; file >> name >> hash;) {
    hashes[name] = hash;
  }
  return hashes;
}

class ExampleScenario : public testing::TestWithParam<std::string> {};

TEST_P(ExampleScenario, ComesOutAsItSays) {
  const RunResult result = run(scenario_of(GetParam()), 1);
  EXPECT_EQ(result.outcome, Outcome::held) << findings(result, "");
}

TEST_P(ExampleScenario, IsTheSameEachTimeAndWithEveryCompiler) {
  const Scenario scenario = scenario_of(GetParam());
  const std::uint64_t hash = run(scenario, 1, {.hash = true}).trace_hash;
  EXPECT_EQ(run(scenario, 1, {.hash = true}).trace_hash, hash);
  EXPECT_NE(run(scenario, 2, {.hash = true}).trace_hash, hash);
  // After a change that is meant to change what happens, this is the line for the file.
  EXPECT_EQ(known_hashes()[GetParam()], hex(hash)) << GetParam() << " " << hex(hash);
}

TEST_P(ExampleScenario, DoesTheSameWhenItIsWrittenAsActions) {
  const Scenario scenario = scenario_of(GetParam());
  const RunResult original = run(scenario, 3, {.hash = true});
  const Scenario read_again = parse_scenario(to_toml(as_actions(scenario, 3)), "written.toml");
  EXPECT_EQ(run(read_again, 3, {.hash = true}).trace_hash, original.trace_hash);
}

TEST_P(ExampleScenario, IsCalledLikeItsFile) {
  const Scenario scenario = scenario_of(GetParam());
  EXPECT_EQ(scenario.name, GetParam());
  EXPECT_FALSE(scenario.description.empty());
  EXPECT_FALSE(scenario.expectations.empty());
}

INSTANTIATE_TEST_SUITE_P(All, ExampleScenario, testing::ValuesIn(names_of_scenarios()),
                         [](const auto& tested) { return tested.param; });

// What was made of runs that found a planted fault.
class FoundScenario : public testing::TestWithParam<std::string> {};

TEST_P(FoundScenario, HoldsWithAnySeedAndIsSmall) {
  const Scenario scenario = scenario_of("found/" + GetParam());
  EXPECT_EQ(scenario.name, GetParam());
  EXPECT_LE(scenario.actions.size(), 40U);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const RunResult result = run(scenario, seed);
    EXPECT_EQ(result.outcome, Outcome::held) << "seed " << seed << "\n" << findings(result, "");
  }
}

INSTANTIATE_TEST_SUITE_P(All, FoundScenario, testing::ValuesIn(names_of_scenarios(RESTANTE_SCENARIOS "/found")),
                         [](const auto& tested) { return tested.param; });

}  // namespace
