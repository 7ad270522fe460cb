#include <restante/sim/client.hpp>

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <restante/sim/simulation.hpp>

namespace restante::sim {
namespace {

using namespace std::chrono_literals;

TEST(SimulatedClient, CountsWhatBecameOfItsRequests) {
  Simulation simulation{{.mailbox_messages_max = 1}};
  auto& ada = simulation.client(1);
  ada.push(1, "fits");
  ada.push(1, "does not");
  ada.get();
  ada.get();
  simulation.run_for(1s);
  EXPECT_EQ(ada.totals(), (ClientTotals{.accepted = 1, .mailbox_full = 1, .messages = 1, .found_empty = 1}));
  ada.push(1, "under way");
  simulation.break_connection(ada);
  simulation.run_for(1ms);
  ada.disconnect();
  ada.push(1, "not sent");
  simulation.run_for(1s);
  EXPECT_EQ(ada.totals().unknown, 1U);
  EXPECT_EQ(ada.totals().not_connected, 1U);
}

TEST(SimulatedClient, WhoFindsItsIdTakenTriesAgain) {
  Simulation simulation;
  auto& ada = simulation.client(1);
  auto& rival = simulation.add_client({.id = 1});
  rival.connect();
  EXPECT_FALSE(rival.wait_until_associated(5s));
  ada.disconnect();
  EXPECT_TRUE(rival.wait_until_associated(5s));
  EXPECT_FALSE(ada.associated());
}

TEST(SimulatedClient, ACrashEndsTheProgramAndConnectStartsAnother) {
  Simulation simulation;
  auto& ada = simulation.client(1);
  ada.crash();
  ada.crash();
  EXPECT_FALSE(ada.running());
  ada.push(1, "nobody sends this");
  EXPECT_EQ(ada.totals().not_connected, 1U);
  ada.connect();
  EXPECT_TRUE(ada.wait_until_associated());
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}

TEST(SimulatedClient, ARawClientSendsWhatItLikes) {
  Simulation simulation;
  auto& rowdy = simulation.add_client({.id = 9, .raw = true});
  rowdy.connect();
  EXPECT_TRUE(rowdy.wait_until_associated());
  const std::vector<std::uint8_t> garbage{7, 7, 7};
  rowdy.send(garbage);
  rowdy.push(9, "to itself");
  rowdy.get();
  rowdy.get();
  rowdy.keep_messages();
  simulation.run_for(1s);
  EXPECT_EQ(rowdy.totals(), (ClientTotals{.accepted = 1, .refused = 1, .messages = 1, .found_empty = 1}));
  EXPECT_EQ(rowdy.take_messages(), (std::vector<Message>{{9, "to itself"}}));
  rowdy.send_text("no packet");
  simulation.run_for(1s);
  EXPECT_FALSE(rowdy.associated());
  EXPECT_EQ(simulation.server_counters().text_messages_refused, 1U);
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}

TEST(SimulatedClient, KeepsMessagesOnlyWhenAsked) {
  Simulation simulation;
  auto& ada = simulation.client(1);
  ada.push(1, "one");
  ada.get();
  simulation.run_for(1s);
  EXPECT_TRUE(ada.take_messages().empty());
  ada.keep_messages();
  ada.push(1, "two");
  ada.get();
  simulation.run_for(1s);
  EXPECT_EQ(ada.take_messages(), (std::vector<Message>{{1, "two"}}));
  EXPECT_TRUE(ada.take_messages().empty());
}

TEST(SimulatedClient, AReaderThatStopsGetsEverythingLater) {
  Simulation simulation;
  auto& ada = simulation.client(1);
  ada.pause_reading();
  ada.push(1, "one");
  simulation.run_for(5s);
  EXPECT_EQ(ada.totals().accepted, 0U);
  EXPECT_EQ(ada.requests(), 1U);
  ada.resume_reading();
  simulation.run_for(1s);
  EXPECT_EQ(ada.totals().accepted, 1U);
}

TEST(SimulatedClient, LooksIntoItsMailboxOnReturnWhereItIsToldSo) {
  Simulation simulation;
  auto& ada = simulation.add_client({.id = 1, .asks_on_return = true});
  ada.connect();
  ASSERT_TRUE(ada.wait_until_associated());
  ada.push(1, "kept");
  simulation.run_for(1s);
  simulation.break_connection(ada);
  simulation.run_for(10s);
  EXPECT_EQ(ada.totals().messages, 1U);
  EXPECT_TRUE(simulation.held()) << simulation.verdict();
}

}  // namespace
}  // namespace restante::sim
