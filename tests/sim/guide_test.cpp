// The tests that docs/guide.md shows.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include <restante/sim/simulation.hpp>

using namespace std::chrono_literals;
namespace sim = restante::sim;

TEST(Mailbox, HoldsMessagesForAnAbsentReceiverInOrder) {
  sim::Simulation simulation{{.seed = sim::seed_from_environment()}};
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

TEST(Mailbox, OnADiskSurvivesTheServer) {
  sim::Simulation simulation{{.seed = sim::seed_from_environment(), .disk = sim::DiskOptions{}}};
  auto& ada = simulation.client(1);
  ada.push(2, "kept");
  simulation.run_for(1s);
  ASSERT_EQ(ada.totals().accepted, 1U);
  simulation.crash_server();
  simulation.run_for(1s);
  simulation.start_server();
  EXPECT_EQ(simulation.client(2).get_all(), (std::vector<std::string>{"kept"}));
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}
