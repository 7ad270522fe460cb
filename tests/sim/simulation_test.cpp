#include <restante/sim/simulation.hpp>

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

using namespace std::chrono_literals;

TEST(Mailbox, HoldsMessagesForAnAbsentReceiverInOrder) {
  Simulation simulation{{.seed = seed_from_environment()}};
  auto& ada = simulation.client(1);
  auto& bob = simulation.client(2);
  bob.disconnect();
  ada.push(2, "one");
  ada.push(2, "two");
  simulation.run_for(10s);
  bob.connect();
  EXPECT_EQ(bob.get_all(), (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}

TEST(Simulation, AMailboxWithoutADiskDoesNotSurviveACrashAndThatIsCounted) {
  Simulation simulation;
  auto& ada = simulation.client(1);
  ada.push(2, "one");
  simulation.run_for(1s);
  simulation.crash_server();
  EXPECT_FALSE(simulation.server_runs());
  simulation.start_server();
  EXPECT_EQ(simulation.client(2).get_all(), std::vector<std::string>{});
  EXPECT_EQ(simulation.findings().totals.messages_lost_in_crash, 1U);
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}

TEST(Simulation, AMailboxOnADiskSurvivesACrash) {
  Simulation simulation{{.disk = DiskOptions{}}};
  auto& ada = simulation.client(1);
  ada.push(2, "one");
  simulation.run_for(1s);
  EXPECT_EQ(ada.totals().accepted, 1U);
  simulation.crash_server();
  simulation.start_server();
  EXPECT_EQ(simulation.client(2).get_all(), std::vector<std::string>{"one"});
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}

TEST(Simulation, NothingIsAcknowledgedThatADiskDidNotKeep) {
  Simulation simulation{{.disk = DiskOptions{}}};
  auto& ada = simulation.client(1);
  simulation.disk()->fail_next(1);
  ada.push(2, "one");
  simulation.run_for(1s);
  EXPECT_EQ(ada.totals().accepted, 0U);
  EXPECT_EQ(ada.totals().unknown, 1U);
  EXPECT_EQ(simulation.findings().sometimes[Sometimes::store_failed], 1U);
  EXPECT_TRUE(ada.wait_until_associated());
  ada.push(2, "two");
  simulation.run_for(1s);
  EXPECT_EQ(ada.totals().accepted, 1U);
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}

TEST(Simulation, AClientComesBackAfterItsConnectionBroke) {
  Simulation simulation;
  auto& ada = simulation.client(1);
  simulation.break_connection(ada);
  simulation.run_for(1ms);
  EXPECT_FALSE(ada.associated());
  EXPECT_TRUE(ada.wait_until_associated());
  EXPECT_EQ(simulation.findings().sometimes[Sometimes::id_restored], 1U);
}

TEST(Simulation, AStallDelaysAndLosesNothing) {
  Simulation simulation;
  auto& ada = simulation.client(1);
  simulation.set_stalled(ada, Direction::to_server, true);
  ada.push(1, "late");
  simulation.run_for(5s);
  EXPECT_EQ(ada.totals().accepted, 0U);
  simulation.set_stalled(ada, Direction::to_server, false);
  EXPECT_EQ(ada.get_all(), std::vector<std::string>{"late"});
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}

TEST(Simulation, APartitionCutsOneDirection) {
  Simulation simulation;
  auto& ada = simulation.client(1);
  simulation.set_partitioned(ada, Direction::to_client, true);
  ada.push(1, "there");
  simulation.run_for(1s);
  EXPECT_EQ(ada.totals().accepted, 0U);
  EXPECT_EQ(simulation.protocol().depth(1), 1U);
  simulation.set_partitioned(ada, Direction::to_client, false);
  simulation.run_for(1s);
  EXPECT_EQ(ada.totals().accepted, 1U);
}

TEST(Simulation, AServerThatSleepsAnswersWhenItWakesUp) {
  Simulation simulation;
  auto& ada = simulation.client(1);
  simulation.set_server_frozen(true);
  ada.push(1, "one");
  simulation.run_for(5s);
  EXPECT_EQ(ada.totals().accepted, 0U);
  simulation.network().timeline().at(simulation.now(), [&simulation] { simulation.set_server_frozen(false); });
  simulation.run_for(1s);
  EXPECT_EQ(ada.totals().accepted, 1U);
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}

TEST(Simulation, TheSameCallsGiveTheSameTrace) {
  const auto run = [](std::uint64_t seed) {
    TraceHash hash;
    Simulation simulation{{.seed = seed, .link = {.jitter = 5ms}}};
    simulation.add_observer(hash);
    auto& ada = simulation.client(1);
    for (int i = 0; i < 20; ++i) {
      ada.push(1, std::to_string(i));
      simulation.run_for(3ms);
    }
    simulation.break_connection(ada);
    simulation.run_for(10s);
    return hash.value();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(Simulation, CountersOfTheServerAreThere) {
  Simulation simulation;
  simulation.client(1);
  simulation.client(2);
  EXPECT_EQ(simulation.server_counters().addresses_held, 2U);
  simulation.crash_server();
  EXPECT_EQ(simulation.server_counters().addresses_held, 0U);
}

}  // namespace
}  // namespace restante::sim
