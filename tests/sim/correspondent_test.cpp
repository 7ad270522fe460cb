#include <restante/sim/correspondent.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

#include <restante/sim/run.hpp>
#include <restante/sim/simulation.hpp>

#include "v2_swarm.hpp"

namespace restante::sim {
namespace {

using namespace std::chrono_literals;

class CorrespondentTest : public ::testing::Test {
 protected:
  static SimulatedClient& add(Simulation& simulation, CorrespondentSetup setup) {
    SimulatedClient& client = simulation.add_client({.correspondent = std::move(setup)});
    client.connect();
    return client;
  }

  static void expect_held(Simulation& simulation) {
    simulation.check_quiet();
    EXPECT_TRUE(simulation.held()) << simulation.verdict();
    for (const Violation& failure : simulation.findings().liveness_failures()) {
      ADD_FAILURE() << failure.sentence;
    }
  }
};

TEST_F(CorrespondentTest, IsHandedWhatIsPushedToItAndToItsRooms) {
  Simulation simulation;
  SimulatedClient& ada = add(simulation, {.address = "ada", .rooms = {"#tea"}, .asks_receipts = true});
  add(simulation, {.address = "bob", .rooms = {"#tea"}, .handles_for = 100ms});
  ada.push("bob", 20);
  ada.push("#tea", 20);
  simulation.run_for(5s);
  EXPECT_EQ(simulation.findings().totals.messages_delivered, 3U) << "its own message to the room is one";
  EXPECT_TRUE(simulation.v2_protocol().is_caught_up("bob"));
  expect_held(simulation);
}

TEST_F(CorrespondentTest, KeepsItsOutboxAndItsOffsetsWhenItsProgramEnds) {
  Simulation simulation{{.disk = DiskOptions{}}};
  SimulatedClient& ada = add(simulation, {.address = "ada", .keeps_offsets = true, .keeps_outbox = true});
  simulation.run_for(1s);
  simulation.set_partitioned(ada, Direction::to_server, true);
  ada.push("ada", 20);
  simulation.run_for(1s);
  ada.crash();
  simulation.set_partitioned(ada, Direction::to_server, false);
  simulation.crash_server();
  simulation.start_server();
  ada.connect();
  simulation.run_for(10s);
  EXPECT_EQ(simulation.findings().totals.messages_delivered, 1U);
  expect_held(simulation);
}

TEST_F(CorrespondentTest, IsToldWhenAServerWithoutADiskLostEverything) {
  Simulation simulation;
  SimulatedClient& ada = add(simulation, {.address = "ada"});
  ada.push("bob", 20);
  simulation.run_for(1s);
  simulation.crash_server();
  simulation.start_server();
  simulation.run_for(10s);
  EXPECT_EQ(simulation.findings().sometimes[Sometimes::epoch_changed], 1U);
  EXPECT_EQ(simulation.findings().totals.messages_lost_in_crash, 1U);
  expect_held(simulation);
}

TEST_F(CorrespondentTest, SixtySeedsHoldAndReachEveryState) {
  SometimesCounts reached;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const RunResult result = run(v2_swarm_scenario(seed), seed);
    EXPECT_EQ(result.outcome, Outcome::held) << "seed " << seed;
    reached += result.sometimes;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    const auto state = static_cast<Sometimes>(i);
    EXPECT_TRUE(reached[state] > 0 || !is_of_v2(state)) << name(state);
  }
}

TEST_F(CorrespondentTest, TheSameSeedGivesTheSameRun) {
  const RunResult one = run(v2_swarm_scenario(3), 3, {.hash = true});
  const RunResult two = run(v2_swarm_scenario(3), 3, {.hash = true});
  EXPECT_EQ(one.trace_hash, two.trace_hash);
  EXPECT_NE(one.trace_hash, run(v2_swarm_scenario(4), 4, {.hash = true}).trace_hash);
}

}  // namespace
}  // namespace restante::sim
