#include <restante/memory/network.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "recording.hpp"

namespace restante {
namespace {

using namespace std::chrono_literals;
using testing::Lines;
using testing::numbers;
using testing::Recorder;
using testing::Trace;
using testing::World;

TEST(VirtualTime, PassesOnlyWhenTheNetworkRuns) {
  World world;
  EXPECT_EQ(world.network.now(), SteadyTime{});
  world.client.open();
  EXPECT_EQ(world.network.now(), SteadyTime{});
  world.network.run_for(3s);
  EXPECT_EQ(world.network.now(), SteadyTime{3s});
  world.network.run_until(SteadyTime{5s});
  EXPECT_EQ(world.network.now(), SteadyTime{5s});
  EXPECT_EQ(world.server.now(), SteadyTime{5s});
  EXPECT_EQ(world.client.now(), SteadyTime{5s});
}

TEST(VirtualTime, DoesNotGoBack) {
  const testing::ThrowingAssertions throwing;
  World world;
  EXPECT_THROW(world.network.run_for(-1ns), std::logic_error);
}

TEST(VirtualTime, GoesFromEventToEvent) {
  World world;
  world.client.open();
  EXPECT_TRUE(world.network.step());
  EXPECT_EQ(world.network.now(), SteadyTime{1ms});
  EXPECT_EQ(world.trace.take(), Lines{"1000 server opened by client"});
  EXPECT_TRUE(world.network.step());
  EXPECT_EQ(world.trace.take(), Lines{"2000 client opened by server"});
  EXPECT_FALSE(world.network.step());
}

TEST(VirtualTime, IsSharedWithEventsOfTheProgram) {
  World world;
  const Connection connection = world.connect();
  world.network.timeline().at(SteadyTime{1s}, [&] { world.client.send(connection, as_bytes("from an event")); });
  world.network.run_for(2s);
  EXPECT_EQ(world.trace.lines, Lines{"1001000 server received from an event"});
}

TEST(VirtualTime, AListenerMustNotRunTheNetwork) {
  World world;
  bool refused = false;
  world.at_server.then = [&](Connection, const std::string&) {
    const testing::ThrowingAssertions throwing;
    try {
      world.network.step();
    } catch (const std::logic_error&) {
      refused = true;
    }
  };
  world.connect();
  EXPECT_TRUE(refused);
}

TEST(RunUntilQuiet, StopsWhenTheLastMessageHasArrived) {
  World world;
  const Connection connection = world.connect();
  world.client.send(connection, as_bytes("a"));
  EXPECT_TRUE(world.network.run_until_quiet(1h));
  EXPECT_EQ(world.network.now(), SteadyTime{3ms});
  EXPECT_EQ(world.at_server.messages, Lines{"a"});
}

TEST(RunUntilQuiet, DoesNotWaitForDeadlinesButMeetsThoseInBetween) {
  World world;
  const Connection connection = world.connect();
  world.client.wake_at(world.network.now() + 500us);
  world.server.wake_at(world.network.now() + 1h);
  world.client.send(connection, as_bytes("a"));
  EXPECT_TRUE(world.network.run_until_quiet(2h));
  EXPECT_EQ(world.trace.lines, (Lines{"2500 client woken", "3000 server received a"}));
}

TEST(RunUntilQuiet, SaysWhenTheLimitPassedFirst) {
  World world{{.latency = 1s}};
  world.client.open();
  EXPECT_FALSE(world.network.run_until_quiet(1500ms));
  EXPECT_EQ(world.network.now(), SteadyTime{1500ms});
  EXPECT_EQ(world.trace.lines, Lines{"1000000 server opened by client"});
}

TEST(RunUntilQuiet, DoesNotWaitForTheEndOfAStall) {
  World world;
  const Connection connection = world.connect();
  world.network.set_stalled(connection, true);
  world.client.send(connection, as_bytes("a"));
  EXPECT_TRUE(world.network.run_until_quiet(1h));
  EXPECT_LT(world.network.now(), SteadyTime{1s});
  EXPECT_EQ(world.at_server.messages, Lines{});
}

TEST(Stall, HoldsUpOneDirectionAndLosesNothing) {
  World world;
  const Connection connection = world.connect();
  world.network.set_stalled(connection, Direction::to_server, true);
  for (const std::string& number : numbers(0, 50)) {
    world.client.send(connection, as_bytes(number));
  }
  world.server.send(connection, as_bytes("still heard"));
  world.network.run_for(1min);
  EXPECT_EQ(world.at_server.messages, Lines{});
  EXPECT_EQ(world.at_client.messages, Lines{"still heard"});
  world.network.set_stalled(connection, Direction::to_server, false);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages, numbers(0, 50));
  EXPECT_EQ(world.network.counters(connection, Direction::to_server).lost, 0u);
}

TEST(BreakConnection, DeliversAPrefixInEachDirectionAndThenSays1006) {
  World world;
  const Connection connection = world.connect();
  for (const std::string& number : numbers(0, 10)) {
    world.client.send(connection, as_bytes(number));
    world.server.send(connection, as_bytes(number));
  }
  world.network.break_connection(connection, {.arrive_at_server = 3, .arrive_at_client = 0});
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"2000 client closed 1006", "3000 server received 0", "3000 server received 1",
                                      "3000 server received 2", "3000 server closed 1006"}));
  EXPECT_EQ(world.client.connection(), Connection{});
}

TEST(BreakConnection, NeverDeliversOutOfOrderWhateverTheSeedDraws) {
  std::vector<std::size_t> prefixes;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    World world{{.jitter = 3ms}, seed};
    const Connection connection = world.connect();
    for (const std::string& number : numbers(0, 5)) {
      world.client.send(connection, as_bytes(number));
    }
    world.network.break_connection(connection);
    world.network.run_until_quiet(1s);
    const std::size_t count = world.at_server.messages.size();
    ASSERT_EQ(world.at_server.messages, numbers(0, count));
    prefixes.resize(std::max(prefixes.size(), count + 1));
    ++prefixes[count];
  }
  EXPECT_EQ(prefixes.size(), 6u);
}

TEST(BreakConnection, LeavesASideThatDoesNotLearnOfItTalkingToNobody) {
  World world{{.window_bytes = 4}};
  const Connection connection = world.connect();
  world.network.break_connection(connection, {.server_learns_after = 1min});
  world.network.run_for(1s);
  EXPECT_EQ(world.trace.take(), Lines{"2000 client closed 1006"});
  EXPECT_EQ(world.server.send(connection, as_bytes("1234")), 0u);
  EXPECT_EQ(world.server.send(connection, as_bytes("12345")), 5u);
  const Connection second = world.client.open();
  EXPECT_NE(second, connection);
  world.network.run_for(2min);
  EXPECT_EQ(world.trace.take(), (Lines{"1003000 server opened by client", "1004000 client opened by server",
                                       "60002000 server closed 1006"}));
  EXPECT_EQ(world.at_client.messages, Lines{});
}

TEST(BreakConnection, ASideThatNeverLearnsFindsOutByClosing) {
  World world;
  const Connection connection = world.connect();
  world.network.break_connection(connection, {.server_learns_after = Duration::max()});
  world.network.run_for(24h);
  EXPECT_EQ(world.trace.take(), Lines{"2000 client closed 1006"});
  world.server.close(connection, close_code::policy_violation, "silent");
  world.network.run_for(5s);
  EXPECT_EQ(world.trace.take(), Lines{"86405002000 server closed 1006"});
}

TEST(BreakConnection, ComesThroughAStallAndAPause) {
  World world;
  const Connection connection = world.connect();
  world.network.set_stalled(connection, Direction::to_server, true);
  world.client.pause(connection);
  world.client.send(connection, as_bytes("a"));
  world.server.send(connection, as_bytes("b"));
  world.network.break_connection(connection, {.arrive_at_server = 1, .arrive_at_client = 1});
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"3000 client closed 1006", "3000 server closed 1006"}));
}

TEST(BreakConnection, WhileOpeningIsReportedToTheClientAlone) {
  World world;
  const Connection connection = world.client.open();
  world.network.break_connection(connection, {.arrive_at_server = 0});
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, Lines{"0 client closed 1006"});
}

TEST(BreakConnection, OfOneThatIsGoneDoesNothing) {
  World world;
  const Connection connection = world.connect();
  world.network.break_connection(connection);
  world.network.run_until_quiet(1s);
  world.trace.take();
  world.network.break_connection(connection);
  world.network.set_stalled(connection, true);
  world.network.break_connection({});
  EXPECT_FALSE(world.network.step());
  EXPECT_EQ(world.trace.lines, Lines{});
}

TEST(Counters, AreKeptPerConnectionPerClientAndInAll) {
  World world;
  const Connection connection = world.connect();
  world.client.send(connection, as_bytes("abc"));
  world.client.send(connection, as_bytes("d"));
  world.network.run_until_quiet(1s);
  const LinkCounters expected{.sent = 2, .sent_bytes = 4, .delivered = 2, .delivered_bytes = 4};
  EXPECT_EQ(world.network.counters(connection, Direction::to_server), expected);
  EXPECT_EQ(world.network.counters(connection, Direction::to_client), LinkCounters{});
  world.client.close(connection, close_code::normal, "");
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.network.counters(connection, Direction::to_server), LinkCounters{});
  EXPECT_EQ(world.client.counters(Direction::to_server), expected);
  EXPECT_EQ(world.network.counters(Direction::to_server), expected);

  const Connection second = world.connect();
  world.client.send(second, as_bytes("e"));
  EXPECT_EQ(world.client.counters(Direction::to_server).sent, 3u);
  EXPECT_EQ(world.network.counters(Direction::to_server).delivered, 2u);
}

TEST(Counters, OfAClientThatIsGoneStayInTheSum) {
  World world;
  {
    Recorder at_other{world.network, world.trace, "other"};
    MemoryClient other{world.network, world.server};
    other.start(at_other);
    const Connection connection = other.open();
    world.network.run_until_quiet(1s);
    other.send(connection, as_bytes("a"));
    world.network.run_until_quiet(1s);
  }
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.network.counters(Direction::to_server).delivered, 1u);
}

/// A day in the life of three clients, everything drawn from the seed.
Lines life(std::uint64_t seed, LinkKind kind) {
  Trace trace;
  MemoryNetwork network{{.seed = seed}};
  MemoryServer server{network};
  Recorder at_server{network, trace, "server"};
  server.start(at_server);
  at_server.then = [&](Connection from, const std::string& what) {
    if (what.starts_with("received")) {
      server.send(from, as_bytes("re: " + what));
    }
  };
  struct Someone {
    std::unique_ptr<Recorder> heard;
    std::unique_ptr<MemoryClient> client;
  };
  std::vector<Someone> all;
  for (const char* name : {"ada", "bob", "eve"}) {
    const LinkOptions link{.kind = kind,
                           .jitter = 20ms,
                           .bytes_per_second = 2000,
                           .window_bytes = 64,
                           .loss_per_million = 100'000,
                           .duplication_per_million = 100'000};
    all.push_back({std::make_unique<Recorder>(network, trace, name),
                   std::make_unique<MemoryClient>(network, server, MemoryClientOptions{.name = name, .link = link})});
    all.back().client->start(*all.back().heard);
  }
  Random random = network.random("life");
  for (int step = 0; step < 600; ++step) {
    const Someone& someone = all.at(random.below(all.size()));
    const Connection connection = someone.client->connection();
    if (connection == Connection{}) {
      someone.client->open();
    } else if (random.chance(1, 20)) {
      network.break_connection(connection);
    } else if (random.chance(1, 20)) {
      network.set_stalled(connection, random.chance(1, 2));
    } else if (random.chance(1, 30)) {
      someone.client->close(connection, close_code::normal, "tired");
    } else {
      someone.client->send(connection, as_bytes(std::to_string(step)));
    }
    network.run_for(random.between(0ms, 20ms));
  }
  return trace.take();
}

TEST(Determinism, TheSameSeedGivesTheSameTraceAndAnotherSeedAnother) {
  for (const LinkKind kind : {LinkKind::stream, LinkKind::datagram}) {
    const Lines first = life(1, kind);
    EXPECT_GT(first.size(), 200u);
    EXPECT_EQ(life(1, kind), first);
    EXPECT_NE(life(2, kind), first);
  }
}

TEST(DeterminismGolden, ATraceIsTheSameWithEveryCompiler) {
  std::vector<std::uint64_t> hashes;
  for (const LinkKind kind : {LinkKind::stream, LinkKind::datagram}) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a over all lines
    for (const std::string& line : life(2024, kind)) {
      for (const char character : line + "\n") {
        hash = (hash ^ static_cast<std::uint8_t>(character)) * 0x100000001b3;
      }
    }
    hashes.push_back(hash);
  }
  EXPECT_EQ(hashes, (std::vector<std::uint64_t>{10905221288293433976u, 7029856073475387599u}));
}

TEST(Determinism, AClientDoesNotFeelWhatHappensToAnother) {
  const auto bobs_lines = [](bool ada_is_busy) {
    World world{{.kind = LinkKind::datagram, .jitter = 10ms, .loss_per_million = 300'000}};
    Recorder at_bob{world.network, world.trace, "bob"};
    MemoryClient bob{world.network, world.server, {.name = "bob"}};
    bob.start(at_bob);
    const Connection ada = world.client.open();
    const Connection connection = bob.open();
    world.network.run_for(1s);
    for (const std::string& number : numbers(0, 50)) {
      if (ada_is_busy) {
        world.server.send(ada, as_bytes(number));
      }
      world.server.send(connection, as_bytes(number));
    }
    world.network.run_for(1s);
    return at_bob.messages;
  };
  EXPECT_EQ(bobs_lines(true), bobs_lines(false));
}

TEST(Determinism, TheProgramsDrawsAndTheNetworksDoNotDisturbEachOther) {
  World one;
  World other;
  other.connect();
  EXPECT_EQ(one.network.random("a"), other.network.random("a"));
  EXPECT_NE(one.network.random("a"), one.network.random("b"));
}

}  // namespace
}  // namespace restante
