#include <restante/memory/endpoint.hpp>

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
using testing::World;

TEST(Opening, IsReportedAtTheServerFirstAndThenAtTheClient) {
  World world{{.latency = 7ms}};
  world.client.open();
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"7000 server opened by client", "14000 client opened by server"}));
  EXPECT_EQ(world.at_server.connection, world.client.connection());
}

TEST(Opening, FailsWith1006WhereNobodyListens) {
  World world;
  world.server.stop();
  world.client.open();
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, Lines{"2000 client closed 1006"});
  EXPECT_EQ(world.client.connection(), Connection{});
}

TEST(Opening, FailsWith1006WhereTheServerIsNoMore) {
  MemoryNetwork network;
  testing::Trace trace;
  Recorder at_client{network, trace, "client"};
  auto server = std::make_unique<MemoryServer>(network);
  MemoryClient client{network, *server};
  server.reset();
  client.start(at_client);
  client.open();
  network.run_until_quiet(1s);
  EXPECT_EQ(trace.lines, Lines{"2000 client closed 1006"});
}

TEST(Opening, FailsWith1006WhenItTakesTooLong) {
  World world{{.open_timeout = 3s}};
  world.client.set_partitioned(Direction::to_client, true);
  world.client.open();
  world.network.run_until_quiet(1min);
  EXPECT_EQ(world.trace.lines,
            (Lines{"1000 server opened by client", "3000000 server closed 1006", "3000000 client closed 1006"}));
}

TEST(Opening, ThatNeverReachesTheServerIsNotReportedThere) {
  World world{{.open_timeout = 3s}};
  world.client.set_partitioned(Direction::to_server, true);
  world.client.open();
  world.network.run_until_quiet(1min);
  EXPECT_EQ(world.trace.lines, Lines{"3000000 client closed 1006"});
}

TEST(Opening, IsAcceptedByAServerThatStartsBeforeItArrives) {
  World world;
  world.server.stop();
  world.client.open();
  world.network.run_for(500us);
  world.server.start(world.at_server);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"1000 server opened by client", "2000 client opened by server"}));
}

TEST(Opening, TheServerSelectsTheFirstSubprotocolThatItKnows) {
  MemoryNetwork network;
  testing::Trace trace;
  MemoryServer server{network, {.name = "the server"}};
  Recorder at_server{network, trace, "server"};
  at_server.spoken = {{"one", 10}, {"two", 10}};
  server.start(at_server);
  MemoryClient client{network, server, {.name = "ada"}};
  Recorder at_client{network, trace, "client"};
  at_client.spoken = {{"three", 10}, {"two", 10}, {"one", 10}};
  client.start(at_client);
  client.open();
  network.run_until_quiet(1s);
  EXPECT_EQ(trace.lines,
            (Lines{"1000 server opened by ada speaking two", "2000 client opened by the server speaking two"}));
}

TEST(Opening, AProgramSpeaksWhatTheListenerOfItsPresentLifeDoes) {
  MemoryNetwork network;
  testing::Trace trace;
  MemoryServer server{network};
  MemoryClient client{network, server};
  Recorder speaks_one{network, trace, "one"};
  speaks_one.spoken = {{"one", 1}};
  Recorder speaks_two{network, trace, "two"};
  speaks_two.spoken = {{"two", 2}};
  Recorder speaks_both{network, trace, "client"};
  speaks_both.spoken = {{"two", 20}, {"one", 10}};
  client.start(speaks_both);
  server.start(speaks_one);
  const Connection connection = client.open();
  network.run_until_quiet(1s);
  EXPECT_EQ(trace.take(),
            (Lines{"1000 one opened by client speaking one", "2000 client opened by server speaking one"}));
  server.send(connection, as_bytes("ten bytes."));
  server.stop();
  server.start(speaks_two);
  network.run_until_quiet(1s);
  EXPECT_EQ(speaks_both.messages, Lines{"ten bytes."});
  trace.take();
  const Connection again = client.open();
  network.run_until_quiet(1s);
  client.send(again, as_bytes("22"));
  client.send(again, as_bytes("333"));
  network.run_until_quiet(1s);
  EXPECT_EQ(speaks_two.messages, Lines{"22"});
  EXPECT_TRUE(trace.lines.front().ends_with("two opened by client speaking two")) << trace.lines.front();
}

TEST(Opening, ThatTheClientGaveUpKeepsNothingOfWhatItsListenerSaid) {
  World world;
  {
    // Memory that is given back before the server hears of the connection.
    Recorder gone{world.network, world.trace, "gone"};
    gone.spoken = {{"one", 10}};
    MemoryClient client{world.network, world.server, {.name = "brief"}};
    client.start(gone);
    client.open();
  }
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"1000 server opened by brief", "1000 server closed 1001 the program ends"}));
}

TEST(Opening, AClientHasOneConnectionAtATimeAndIsStarted) {
  const testing::ThrowingAssertions throwing;
  World world;
  world.client.open();
  EXPECT_THROW(world.client.open(), std::logic_error);
  MemoryClient other{world.network, world.server};
  EXPECT_THROW(other.open(), std::logic_error);
}

TEST(Opening, AClientMayOpenAgainFromInsideClosed) {
  World world;
  const Connection first = world.connect();
  Connection second;
  world.at_client.then = [&](Connection, const std::string& what) {
    if (what.starts_with("closed")) {
      second = world.client.open();
    }
  };
  world.network.break_connection(first);
  world.network.run_until_quiet(1s);
  EXPECT_NE(second, Connection{});
  EXPECT_EQ(world.client.connection(), second);
}

TEST(Names, AreNeverUsedAgainThoughSlotsAre) {
  World world;
  std::vector<Connection> names;
  for (int round = 0; round < 20; ++round) {
    names.push_back(world.connect());
    EXPECT_NE(names.back().generation, 0u);
    world.client.close(names.back(), close_code::normal, "");
    world.network.run_until_quiet(1s);
    EXPECT_EQ(names.back().slot, names.front().slot);
  }
  for (std::size_t one = 0; one < names.size(); ++one) {
    for (std::size_t other = 0; other < one; ++other) {
      EXPECT_NE(names[one], names[other]);
    }
  }
}

TEST(Names, ThatAreOutlivedNameNobody) {
  World world;
  const Connection first = world.connect();
  world.client.close(first, close_code::normal, "");
  world.network.run_until_quiet(1s);
  world.connect();
  EXPECT_EQ(world.server.send(first, as_bytes("a")), 0u);
  world.server.close(first, close_code::normal, "");
  world.server.pause(first);
  world.server.resume(first);
  world.server.send({}, as_bytes("a"));
  EXPECT_FALSE(world.network.step());
}

TEST(Sending, CarriesBytesAndTextUnchanged) {
  World world;
  const Connection connection = world.connect();
  const std::string all_bytes{"\0\xff\x80 a", 5};
  world.client.send(connection, as_bytes(all_bytes));
  world.client.send_text(connection, "text");
  world.client.send(connection, {});
  world.server.send(connection, as_bytes("answer"));
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages, (Lines{all_bytes, "text", ""}));
  EXPECT_EQ(world.trace.lines[1], "3000 server received text text");
  EXPECT_EQ(world.at_client.messages, Lines{"answer"});
}

TEST(Sending, BeforeOpenedAndAfterCloseIsSwallowed) {
  World world;
  const Connection connection = world.client.open();
  EXPECT_EQ(world.client.send(connection, as_bytes("too early")), 0u);
  world.network.run_until_quiet(1s);
  world.client.close(connection, close_code::normal, "");
  EXPECT_EQ(world.client.send(connection, as_bytes("too late")), 0u);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages, Lines{});
  EXPECT_EQ(world.network.counters(Direction::to_server).sent, 0u);
}

TEST(Sending, TellsHowManyBytesWaitAllMessagesTogether) {
  World world{{.window_bytes = 10}};
  const Connection connection = world.connect();
  EXPECT_EQ(world.server.send(connection, as_bytes("12345678")), 0u);
  EXPECT_EQ(world.server.send(connection, as_bytes("1234")), 4u);
  EXPECT_EQ(world.server.send(connection, as_bytes("123")), 7u);
}

TEST(Sending, OnADatagramLinkNothingWaits) {
  World world{{.kind = LinkKind::datagram, .window_bytes = 2}};
  const Connection connection = world.connect();
  for (const std::string& number : numbers(0, 5)) {
    EXPECT_EQ(world.server.send(connection, as_bytes(number)), 0u);
  }
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_client.messages, numbers(0, 2));
}

TEST(Turns, EndAfterAllThatArrivesAtTheSameTimeFromAnybody) {
  World world;
  Recorder at_other{world.network, world.trace, "other"};
  MemoryClient other{world.network, world.server};
  other.start(at_other);
  other.open();
  const Connection connection = world.connect();
  world.at_server.writes_turns_down = true;
  world.client.send(connection, as_bytes("a"));
  world.client.send(connection, as_bytes("b"));
  other.send(other.connection(), as_bytes("c"));
  world.network.run_for(1ns);
  other.send(other.connection(), as_bytes("d"));
  other.close(other.connection(), close_code::normal, "");
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"3000 server received a", "3000 server received b", "3000 server received c",
                                      "3000 server turn ended", "3000 server received d", "3000 server closed 1000",
                                      "3000 server turn ended", "4000 other closed 1000"}));
}

TEST(Turns, DoNotEndWhenNothingWasReceived) {
  World world;
  world.at_server.writes_turns_down = true;
  world.client.open();
  world.server.wake();
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines,
            (Lines{"0 server woken", "1000 server opened by client", "2000 client opened by server"}));
}

TEST(Pausing, KeepsWhatArrivedAndReportsItAfterResuming) {
  World world;
  const Connection connection = world.connect();
  world.server.pause(connection);
  world.client.send(connection, as_bytes("a"));
  world.client.send(connection, as_bytes("b"));
  world.network.run_for(1s);
  EXPECT_EQ(world.at_server.messages, Lines{});
  world.server.resume(connection);
  EXPECT_EQ(world.at_server.messages, Lines{}) << "not from inside the call";
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"1002000 server received a", "1002000 server received b"}));
}

TEST(Pausing, WorksAtOnceAlsoAmongMessagesOfTheSameRead) {
  World world;
  const Connection connection = world.connect();
  world.at_server.then = [&](Connection from, const std::string& what) {
    if (what == "received 1") {
      world.server.pause(from);
    }
  };
  for (const std::string& number : numbers(0, 5)) {
    world.client.send(connection, as_bytes(number));
  }
  world.network.run_for(1s);
  EXPECT_EQ(world.at_server.messages, numbers(0, 2));
  world.server.resume(connection);
  world.network.run_for(1s);
  EXPECT_EQ(world.at_server.messages, numbers(0, 5));
}

TEST(Pausing, IsFeltByTheSender) {
  World world{{.window_bytes = 3}};
  const Connection connection = world.connect();
  world.server.pause(connection);
  std::vector<std::size_t> waiting;
  for (const std::string& number : numbers(0, 6)) {
    waiting.push_back(world.client.send(connection, as_bytes(number)));
    world.network.run_for(1s);
  }
  EXPECT_EQ(waiting, (std::vector<std::size_t>{0, 0, 0, 1, 2, 3}));
  world.server.resume(connection);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages, numbers(0, 6));
}

TEST(Pausing, DatagramsThatFindTheWindowFullAreLost) {
  World world{{.kind = LinkKind::datagram, .window_bytes = 3}};
  const Connection connection = world.connect();
  world.server.pause(connection);
  for (const std::string& number : numbers(0, 6)) {
    world.client.send(connection, as_bytes(number));
    world.network.run_for(1s);
  }
  world.server.resume(connection);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages, numbers(0, 3));
  EXPECT_EQ(world.network.counters(connection, Direction::to_server).lost, 3u);
}

TEST(Pausing, DelaysTheNewsThatThePeerCloses) {
  World world;
  const Connection connection = world.connect();
  world.server.pause(connection);
  world.client.send(connection, as_bytes("last"));
  world.client.close(connection, close_code::normal, "bye");
  world.network.run_for(1s);
  EXPECT_EQ(world.trace.take(), Lines{});
  world.server.resume(connection);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.take(), (Lines{"1002000 server received last", "1002000 server closed 1000 bye",
                                       "1003000 client closed 1000 bye"}));
}

TEST(Drained, ComesEachTimeThatAPausedConnectionsQueueFallsToZero) {
  World world{{.window_bytes = 1}};
  const Connection connection = world.connect();
  for (int round = 0; round < 2; ++round) {
    world.server.send(connection, as_bytes("a"));
    EXPECT_EQ(world.server.send(connection, as_bytes("b")), 1u);
    world.server.pause(connection);
    world.network.run_until_quiet(1s);
  }
  EXPECT_EQ(world.trace.lines, (Lines{"3000 client received a", "3000 server drained", "4000 client received b",
                                      "5000 client received a", "5000 server drained", "6000 client received b"}));
}

TEST(Drained, DoesNotComeForAConnectionThatIsNotPaused) {
  World world{{.window_bytes = 1}};
  const Connection connection = world.connect();
  world.server.send(connection, as_bytes("a"));
  world.server.send(connection, as_bytes("b"));
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"3000 client received a", "4000 client received b"}));
}

TEST(Drained, DoesNotComeWhenNothingHadWaited) {
  World world;
  const Connection connection = world.connect();
  world.server.pause(connection);
  EXPECT_EQ(world.server.send(connection, as_bytes("a")), 0u);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, Lines{"3000 client received a"});
}

TEST(Drained, DoesNotComeWhenMoreWasSentOrTheConnectionResumedMeanwhile) {
  World world{{.window_bytes = 1}};
  const Connection connection = world.connect();
  world.server.send(connection, as_bytes("a"));
  world.server.send(connection, as_bytes("b"));
  world.server.pause(connection);
  world.at_client.then = [&](Connection, const std::string& what) {
    if (what == "received a") {
      world.server.resume(connection);
    }
  };
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.take(), (Lines{"3000 client received a", "4000 client received b"}));

  world.at_client.then = [&](Connection, const std::string& what) {
    if (what == "received c") {
      world.server.send(connection, as_bytes("e"));
    }
  };
  world.server.send(connection, as_bytes("c"));
  world.server.send(connection, as_bytes("d"));
  world.server.pause(connection);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.take(), (Lines{"5000 client received c", "6000 client received d", "6000 server drained",
                                       "7000 client received e"}));
}

TEST(Closing, DeliversWhatWasSentBeforeAndTellsBothSidesCodeAndReason) {
  World world{{.bytes_per_second = 1000, .window_bytes = 1}};
  const Connection connection = world.connect();
  for (const std::string& number : numbers(0, 3)) {
    world.server.send(connection, as_bytes(number));
  }
  world.server.close(connection, close_code::going_away, "shutting down");
  world.network.run_until_quiet(1min);
  EXPECT_EQ(world.at_client.messages, numbers(0, 3));
  EXPECT_EQ(world.trace.lines[3], "8000 client closed 1001 shutting down");
  EXPECT_EQ(world.trace.lines[4], "9000 server closed 1001 shutting down");
}

TEST(Closing, ASideThatClosedReceivesNothingMore) {
  World world;
  const Connection connection = world.connect();
  world.client.send(connection, as_bytes("a"));
  world.client.send(connection, as_bytes("b"));
  world.at_server.then = [&](Connection from, const std::string& what) {
    if (what == "received a") {
      world.server.close(from, close_code::unsupported_data, "no more");
    }
  };
  world.network.run_for(1ms);
  world.client.send(connection, as_bytes("c"));
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages, Lines{"a"});
  EXPECT_EQ(world.trace.lines,
            (Lines{"3000 server received a", "4000 client closed 1003 no more", "5000 server closed 1003 no more"}));
  EXPECT_EQ(world.client.counters(Direction::to_server).lost, 2u);
}

TEST(Closing, FromBothSidesAtOnceTellsEachWhatTheOtherSaid) {
  World world;
  const Connection connection = world.connect();
  world.client.send(connection, as_bytes("ignored by a server that closes"));
  world.client.close(connection, close_code::normal, "from the client");
  world.server.close(connection, close_code::going_away, "from the server");
  world.network.run_until_quiet(1min);
  EXPECT_EQ(world.trace.lines,
            (Lines{"3000 server closed 1000 from the client", "3000 client closed 1001 from the server"}));
}

TEST(Closing, TwiceIsOnce) {
  World world;
  const Connection connection = world.connect();
  world.client.close(connection, 4000, "first");
  world.client.close(connection, 4001, "second");
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"3000 server closed 4000 first", "4000 client closed 4000 first"}));
}

TEST(Closing, WhileOpeningIsNeverReportedAsOpenedToTheClient) {
  World world;
  const Connection connection = world.client.open();
  world.client.close(connection, close_code::normal, "changed my mind");
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"1000 server opened by client", "1000 server closed 1000 changed my mind",
                                      "2000 client closed 1000 changed my mind"}));
}

TEST(Closing, ThatTakesTooLongIs1006AtBothSides) {
  World world{{.close_timeout = 2s}};
  const Connection connection = world.connect();
  world.network.set_stalled(connection, Direction::to_client, true);
  world.server.send(connection, as_bytes("a"));
  world.server.close(connection, close_code::normal, "");
  world.network.run_until_quiet(1min);
  EXPECT_EQ(world.trace.lines, (Lines{"2002000 server closed 1006", "2002000 client closed 1006"}));
}

TEST(Closing, OfAPeerThatDoesNotReadIs1006AtBothSides) {
  World world{{.window_bytes = 1}};
  const Connection connection = world.connect();
  world.client.pause(connection);
  world.server.send(connection, as_bytes("a"));
  world.server.send(connection, as_bytes("b"));
  world.server.close(connection, close_code::policy_violation, "you do not read");
  world.network.run_until_quiet(1min);
  EXPECT_EQ(world.trace.lines, (Lines{"5002000 server closed 1006", "5002000 client closed 1006"}));
}

TEST(Closing, RefusesWhatCannotBeSaid) {
  const testing::ThrowingAssertions throwing;
  World world;
  const Connection connection = world.connect();
  EXPECT_THROW(world.client.close(connection, close_code::abnormal, ""), std::logic_error);
  EXPECT_THROW(world.client.close(connection, close_code::normal, std::string(124, 'a')), std::logic_error);
  world.client.close(connection, close_code::normal, std::string(123, 'a'));
}

TEST(Closing, WorksOnADatagramLinkThatLosesEverything) {
  World world{{.kind = LinkKind::datagram, .loss_per_million = 1'000'000}};
  const Connection connection = world.connect();
  world.client.send(connection, as_bytes("a"));
  world.client.close(connection, close_code::normal, "bye");
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"3000 server closed 1000 bye", "4000 client closed 1000 bye"}));
}

TEST(MessageLimit, ALongerMessageClosesWith1009AndIsNotReported) {
  World world;
  const Connection connection = world.connect();
  world.client.send(connection, as_bytes(std::string(64 * 1024, 'a')));
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages.size(), 1u);
  world.trace.take();
  world.client.send(connection, as_bytes(std::string(64 * 1024 + 1, 'a')));
  world.client.send(connection, as_bytes("after it"));
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages.size(), 1u);
  EXPECT_EQ(world.trace.lines, (Lines{"5000 client closed 1009 the message is too long",
                                      "6000 server closed 1009 the message is too long"}));
}

TEST(MessageLimit, IsConfigurable) {
  World world{{}, 1, {.message_bytes_max = 2}};
  const Connection connection = world.connect();
  world.client.send(connection, as_bytes("12"));
  world.client.send(connection, as_bytes("123"));
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages, Lines{"12"});
}

TEST(Partition, OneWayHoldsUpOneDirectionOfAStream) {
  World world;
  const Connection connection = world.connect();
  world.client.set_partitioned(Direction::to_client, true);
  world.client.send(connection, as_bytes("a"));
  world.server.send(connection, as_bytes("b"));
  world.network.run_for(1min);
  EXPECT_EQ(world.trace.take(), Lines{"3000 server received a"});
  world.client.set_partitioned(Direction::to_client, false);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.take(), Lines{"60002000 client received b"});
}

TEST(Partition, OneWayLosesTheDatagramsOfOneDirection) {
  World world{{.kind = LinkKind::datagram}};
  const Connection connection = world.connect();
  world.client.set_partitioned(Direction::to_client, true);
  world.client.send(connection, as_bytes("a"));
  world.server.send(connection, as_bytes("b"));
  world.network.run_for(1min);
  world.client.set_partitioned(Direction::to_client, false);
  world.server.send(connection, as_bytes("c"));
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages, Lines{"a"});
  EXPECT_EQ(world.at_client.messages, Lines{"c"});
}

TEST(Partition, HoldsUpConnectionsToCome) {
  World world;
  world.client.set_partitioned(true);
  world.client.open();
  world.network.run_for(5s);
  EXPECT_EQ(world.trace.take(), Lines{});
  world.client.set_partitioned(false);
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.take(), (Lines{"5000000 server opened by client", "5001000 client opened by server"}));
}

TEST(Partition, DoesNotConcernOthers) {
  World world;
  world.client.set_partitioned(true);
  Recorder at_other{world.network, world.trace, "other"};
  MemoryClient other{world.network, world.server, {.name = "other"}};
  other.start(at_other);
  other.open();
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.take(), (Lines{"1000 server opened by other", "2000 other opened by server"}));
}

TEST(Link, CanBeSetPerClientAndChangedOnTheWay) {
  World world;
  const Connection connection = world.connect();
  world.client.set_link({.latency = 1s});
  world.client.send(connection, as_bytes("a"));
  world.network.run_until_quiet(1min);
  EXPECT_EQ(world.trace.take(), Lines{"1002000 server received a"});
  EXPECT_EQ(world.client.link().latency, 1s);

  world.network.set_link({.latency = 2s});
  const MemoryClient with_default{world.network, world.server};
  EXPECT_EQ(with_default.link().latency, 2s);
  const MemoryClient with_own{world.network, world.server, {.link = LinkOptions{.latency = 3s}}};
  EXPECT_EQ(with_own.link().latency, 3s);
}

TEST(Link, ThatIsGivenAWiderWindowDrainsThePausedSender) {
  World world{{.window_bytes = 1}};
  const Connection connection = world.connect();
  world.client.pause(connection);
  world.server.send(connection, as_bytes("a"));
  world.server.send(connection, as_bytes("b"));
  world.server.pause(connection);
  world.network.run_for(1s);
  world.client.set_link({.window_bytes = 2});
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.take(), Lines{"1002000 server drained"});
}

TEST(Link, ChangesItsKindWithTheNextConnection) {
  World world;
  world.connect();
  world.client.set_link({.kind = LinkKind::datagram, .loss_per_million = 1'000'000});
  world.client.send(world.client.connection(), as_bytes("on a stream"));
  world.network.run_until_quiet(1s);
  world.client.close(world.client.connection(), close_code::normal, "");
  world.network.run_until_quiet(1s);
  world.client.send(world.connect(), as_bytes("as a datagram"));
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.at_server.messages, Lines{"on a stream"});
}

TEST(Crash, OfTheServerIsSeenAs1006AndIsNotReportedToItself) {
  World world;
  const Connection connection = world.connect();
  world.server.wake_at(world.network.now() + 1s);
  world.server.wake();
  world.client.send(connection, as_bytes("lost"));
  world.server.crash();
  world.network.run_for(1min);
  EXPECT_EQ(world.trace.take(), Lines{"3000 client closed 1006"});
  EXPECT_EQ(world.client.counters(Direction::to_server).lost, 1u);
}

TEST(Crash, LetsAPrefixOfWhatWasSentArrive) {
  std::vector<bool> seen(6);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    World world{{}, seed};
    const Connection connection = world.connect();
    for (const std::string& number : numbers(0, 5)) {
      world.server.send(connection, as_bytes(number));
    }
    world.server.crash();
    world.network.run_until_quiet(1s);
    const std::size_t count = world.at_client.messages.size();
    ASSERT_EQ(world.at_client.messages, numbers(0, count));
    seen.at(count) = true;
  }
  EXPECT_EQ(seen, std::vector<bool>(6, true));
}

TEST(Crash, AServerThatStartsAgainHearsNothingOfItsFormerLife) {
  World world;
  const Connection first = world.connect();
  world.client.send(first, as_bytes("to the first life"));
  world.server.crash();
  Recorder second_life{world.network, world.trace, "second"};
  world.server.start(second_life);
  EXPECT_EQ(world.server.send(first, as_bytes("a")), 0u);
  world.network.run_until_quiet(1s);
  const Connection second = world.client.open();
  EXPECT_NE(second, first);
  world.network.run_until_quiet(1s);
  world.client.send(second, as_bytes("b"));
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"3000 client closed 1006", "4000 second opened by client",
                                      "5000 client opened by server", "6000 second received b"}));
}

TEST(Crash, FromInsideAListenerEndsTheReportsAtOnce) {
  World world;
  const Connection connection = world.connect();
  world.client.send(connection, as_bytes("a"));
  world.client.send(connection, as_bytes("b"));
  world.at_server.writes_turns_down = true;
  world.at_server.then = [&](Connection, const std::string&) { world.server.crash(); };
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines, (Lines{"3000 server received a", "4000 client closed 1006"}));
}

TEST(Crash, OfAClientFreesItForAnotherLife) {
  World world;
  world.connect();
  world.client.crash();
  world.client.start(world.at_client);
  EXPECT_EQ(world.client.connection(), Connection{});
  world.client.open();
  world.network.run_until_quiet(1s);
  EXPECT_EQ(world.trace.lines,
            (Lines{"3000 server closed 1006", "3000 server opened by client", "4000 client opened by server"}));
}

TEST(Stop, ClosesWith1001AndReportsNothingMore) {
  World world;
  const Connection connection = world.connect();
  world.server.send(connection, as_bytes("last"));
  world.server.stop();
  world.network.run_until_quiet(1min);
  EXPECT_EQ(world.trace.lines, (Lines{"3000 client received last", "3000 client closed 1001 the program ends"}));
}

TEST(Stop, IsWhatTheDestructorDoes) {
  World world;
  {
    Recorder at_other{world.network, world.trace, "other"};
    MemoryClient other{world.network, world.server};
    other.start(at_other);
    other.open();
    world.network.run_until_quiet(1s);
    world.trace.take();
    other.wake_at(world.network.now() + 1s);
  }
  world.network.run_for(1min);
  EXPECT_EQ(world.trace.lines, Lines{"3000 server closed 1001 the program ends"});
}

TEST(Stop, TwiceAndWithoutAStartIsHarmless) {
  MemoryNetwork network;
  MemoryServer server{network};
  server.stop();
  server.stop();
  EXPECT_FALSE(network.step());
}

TEST(Start, TwiceWithoutAStopIsRefused) {
  const testing::ThrowingAssertions throwing;
  World world;
  EXPECT_THROW(world.server.start(world.at_server), std::logic_error);
}

TEST(Waking, ComesOnceAtTheLatestTimeAskedFor) {
  World world;
  world.server.wake_at(SteadyTime{1s});
  world.server.wake_at(SteadyTime{2s});
  world.network.run_for(1min);
  EXPECT_EQ(world.trace.take(), Lines{"2000000 server woken"});
  world.server.wake_at(SteadyTime{2min});
  world.server.wake_at(never);
  world.network.run_for(10min);
  EXPECT_EQ(world.trace.take(), Lines{});
}

TEST(Waking, AtATimeThatHasPassedComesSoon) {
  World world;
  world.network.run_for(1s);
  world.server.wake_at(SteadyTime{});
  EXPECT_EQ(world.trace.take(), Lines{});
  world.network.run_for(0s);
  EXPECT_EQ(world.trace.take(), Lines{"1000000 server woken"});
}

TEST(Waking, AtOnceMayBeAskedForSeveralTimesAndLeavesTheDeadlineAlone) {
  World world;
  world.server.wake_at(SteadyTime{1s});
  world.server.wake();
  world.server.wake();
  world.network.run_for(1min);
  EXPECT_EQ(world.trace.take(), (Lines{"0 server woken", "1000000 server woken"}));
}

TEST(Waking, ANewTimeMayBeAskedForFromInsideWoken) {
  World world;
  world.server.wake_at(SteadyTime{1s});
  world.at_server.then = [&](Connection, const std::string&) { world.server.wake_at(world.server.now() + 1s); };
  world.network.run_for(3s);
  EXPECT_EQ(world.trace.take(), (Lines{"1000000 server woken", "2000000 server woken", "3000000 server woken"}));
}

TEST(Waking, BetweenLivesDoesNothing) {
  World world;
  world.server.stop();
  world.server.wake();
  world.server.wake_at(SteadyTime{1s});
  world.network.run_for(1min);
  EXPECT_EQ(world.trace.take(), Lines{});
}

TEST(Listeners, AreNeverCalledFromInsideTheirOwnCalls) {
  // Every kind of call, from inside every kind of report; the recorders fail the test when they are called inside.
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    World world{{.jitter = 2ms, .window_bytes = 8}, seed};
    Random random = world.network.random("calls");
    const auto do_anything = [&](auto& endpoint, Connection connection) {
      switch (random.below(9)) {
        case 0:
        case 1:
        case 2:
          endpoint.send(connection, as_bytes("12345"));
          break;
        case 3:
          endpoint.pause(connection);
          endpoint.resume(connection);
          break;
        case 4:
          endpoint.pause(connection);
          world.network.timeline().at(world.network.now() + 5ms,
                                      [&endpoint, connection] { endpoint.resume(connection); });
          break;
        case 5:
          endpoint.wake();
          endpoint.wake_at(endpoint.now() + 3ms);
          break;
        case 6:
          endpoint.send_text(connection, "text");
          endpoint.send(connection, as_bytes("more"));
          break;
        case 7:
          if (random.chance(1, 20)) {
            world.network.break_connection(connection);
          }
          break;
        default:
          if (random.chance(1, 20)) {
            endpoint.close(connection, close_code::normal, "");
          }
          break;
      }
    };
    world.at_server.then = [&](Connection connection, const std::string&) { do_anything(world.server, connection); };
    world.at_client.then = [&](Connection connection, const std::string& what) {
      if (what.starts_with("closed")) {
        world.client.open();
      } else {
        do_anything(world.client, connection == Connection{} ? world.client.connection() : connection);
      }
    };
    world.client.open();
    for (int step = 0; step < 300; ++step) {
      world.network.run_for(1ms);
      world.client.send(world.client.connection(), as_bytes("go on"));
    }
    EXPECT_GT(world.trace.lines.size(), 100u);
  }
}

}  // namespace
}  // namespace restante
