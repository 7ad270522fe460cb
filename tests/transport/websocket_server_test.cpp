#include <system_error>
#include <thread>

#include "websocket_support.hpp"

namespace restante::test {
namespace {

using Log = std::vector<std::string>;

TEST(WebSocketServer, ReportsMessagesInOrderAndTheEndOfTheTurnAfterThem) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary("one") + encode({.opcode = 1, .payload = "zwölf"}) + binary("") + binary("two"));
  ASSERT_TRUE(server.until([&] { return server.listener.messages.size() == 4; }));
  EXPECT_EQ(server.listener.log, (Log{"opened", "turn", "binary one", "text zwölf", "binary ", "binary two", "turn"}));
}

TEST(WebSocketServer, TakesFramesByteByByte) {
  Server server;
  server.echo();
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  for (const char byte : binary(std::string(200, 'a')) + binary("b")) {
    client.send({&byte, 1});
    server.context.poll();
  }
  EXPECT_EQ(client.read(), "binary " + std::string(200, 'a'));
  EXPECT_EQ(client.read(), "binary b");
}

TEST(WebSocketServer, PutsFragmentsTogetherAndAnswersPingsBetweenThem) {
  Server server;
  server.echo();
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(encode({.opcode = 2, .payload = "a", .final = false}) +
              encode({.opcode = 9, .payload = "are you there"}) +
              encode({.opcode = 0, .payload = "b", .final = false}) + encode({.opcode = 0, .payload = "c"}));
  EXPECT_EQ(client.read(), "binary abc");
  EXPECT_EQ(client.read(), "pong are you there");
}

TEST(WebSocketServer, SendsMessagesOfEveryLengthAtWhichTheFrameChanges) {
  Server server;
  server.echo();
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  for (const std::size_t length : {0U, 1U, 125U, 126U, 65'535U, 65'536U}) {
    client.send(binary(std::string(length, 'x')));
    EXPECT_EQ(client.read().size(), 7 + length);
  }
}

TEST(WebSocketServer, SendsAllRepliesOfATurnAndThenAnswersTheCloseFrameThatCameWithTheRequests) {
  Server server;
  Connection peer;
  int requests = 0;
  server.listener.on_received = [&](Connection connection, BytesView) {
    peer = connection;
    ++requests;
  };
  server.listener.on_turn_ended = [&] {
    for (; requests > 0; --requests) {
      server.transport.send(peer, as_bytes("reply"));
    }
  };
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary("one") + binary("two") + close_frame(1000, "bye") + binary("after the end"));
  EXPECT_EQ(client.read(), "binary reply");
  EXPECT_EQ(client.read(), "binary reply");
  EXPECT_EQ(client.read(), "close 1000");
  EXPECT_EQ(client.read(), "ended");
  EXPECT_EQ(server.listener.log, (Log{"opened", "turn", "binary one", "binary two", "turn", "closed 1000", "turn"}));
  EXPECT_EQ(server.listener.ends.at(0).reason, "bye");
}

TEST(WebSocketServer, AnswersACloseFrameWithoutACode) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(encode({.opcode = 8}));
  EXPECT_EQ(client.read(), "close");
  EXPECT_EQ(client.read(), "ended");
  EXPECT_EQ(server.listener.ends.at(0).code, 1005);
}

TEST(WebSocketServer, ClosesAfterWhatWasSentBeforeAndWaitsForTheAnswer) {
  Server server;
  server.listener.on_received = [&](Connection connection, BytesView message) {
    server.transport.send(connection, message);
    server.transport.close(connection, 4000, "enough");
    EXPECT_EQ(server.transport.send(connection, message), 0U);
    server.transport.close(connection, 4001, "again");
  };
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary("one") + binary("two"));
  EXPECT_EQ(client.read(), "binary one");
  EXPECT_EQ(client.read(), "close 4000");
  EXPECT_TRUE(server.listener.ends.empty());
  client.send(binary("three") + close_frame(4000));
  EXPECT_EQ(client.read(), "ended");
  ASSERT_EQ(server.listener.ends.size(), 1U);
  EXPECT_EQ(server.listener.ends[0].code, 4000);
  EXPECT_EQ(server.listener.ends[0].reason, "enough");
  EXPECT_EQ(server.listener.messages, (Log{"one"}));
}

TEST(WebSocketServer, ReportsAConnectionThatBreaks) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary("last words"));
  client.disconnect();
  ASSERT_TRUE(server.until_closed());
  EXPECT_EQ(server.listener.ends[0].code, 1006);
  EXPECT_EQ(server.listener.messages, (Log{"last words"}));
}

TEST(WebSocketServer, StillRepliesToAPeerThatSaysItHasNoMoreToSend) {
  Server server;
  server.echo();
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary("one"));
  client.end_sending();
  EXPECT_EQ(client.read(), "binary one");
  EXPECT_EQ(client.read(), "ended");
  EXPECT_EQ(server.listener.ends.at(0).code, 1006);
}

TEST(WebSocketServer, AnswersWhatBreaksTheProtocolWithTheCodeOfTheRfc) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {encode({.payload = "x", .masked = false}), "close 1002"},
      {encode({.payload = "x", .reserved = 4}), "close 1002"},
      {encode({.payload = "x", .reserved = 1}), "close 1002"},
      {encode({.opcode = 3}), "close 1002"},
      {encode({.opcode = 11}), "close 1002"},
      {encode({.opcode = 0, .payload = "x"}), "close 1002"},
      {encode({.payload = "x", .final = false}) + binary("y"), "close 1002"},
      {encode({.opcode = 9, .final = false}), "close 1002"},
      {encode({.opcode = 9, .payload = std::string(126, 'x')}), "close 1002"},
      {std::string("\x82\xfe\x00\x01____x", 9), "close 1002"},
      {encode({.opcode = 8, .payload = "x"}), "close 1002"},
      {close_frame(999), "close 1002"},
      {close_frame(1005), "close 1002"},
      {close_frame(1006), "close 1002"},
      {close_frame(1000, "\xff"), "close 1007"},
      {encode({.opcode = 1, .payload = "\xff"}), "close 1007"},
      {encode({.opcode = 1, .payload = "\xc3"}), "close 1007"},
      {encode({.opcode = 1, .payload = "a", .final = false}) + encode({.opcode = 0, .payload = "\xc3"}), "close 1007"},
      {encode({.opcode = 1, .payload = "\xe2\x82", .final = false}) + encode({.opcode = 0}), "close 1007"},
  };
  for (const auto& [bytes, answer] : cases) {
    Server server;
    server.echo();
    RawClient client = server.connect();
    ASSERT_TRUE(client.upgrade());
    client.send(binary("before") + bytes + binary("after"));
    EXPECT_EQ(client.read(), "binary before");
    EXPECT_EQ(client.read(), answer) << testing::PrintToString(bytes);
    EXPECT_EQ(client.read(), "ended");
    EXPECT_EQ("close " + std::to_string(server.listener.ends.at(0).code), answer);
    EXPECT_EQ(server.listener.messages, (Log{"before"}));
  }
}

TEST(WebSocketServer, AcceptsTextWhoseCharactersAreCutByFragments) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(encode({.opcode = 1, .payload = "\xc3", .final = false}) + encode({.opcode = 0, .payload = "\xb6"}));
  client.send(encode({.opcode = 1, .payload = "a€", .final = false}) + encode({.opcode = 0}));
  ASSERT_TRUE(server.until([&] { return server.listener.messages.size() == 2; }));
  EXPECT_EQ(server.listener.messages, (Log{"ö", "a€"}));
}

TEST(WebSocketServer, KeepsWhatWasReadWhilePausedAndGoesOnInOrder) {
  Server server;
  server.listener.on_received = [&](Connection connection, BytesView message) {
    server.transport.send(connection, message);
    if (as_text(message) == "stop") {
      server.transport.pause(connection);
    }
  };
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary("one") + binary("stop") + binary("two") + binary("three"));
  EXPECT_EQ(client.read(), "binary one");
  EXPECT_EQ(client.read(), "binary stop");
  client.send(binary("four") + close_frame(1000));
  server.context.poll();
  EXPECT_EQ(server.listener.messages, (Log{"one", "stop"}));
  server.transport.resume(server.listener.connections.at(0));
  EXPECT_EQ(server.listener.messages.size(), 2U) << "nothing is reported from inside resume()";
  EXPECT_EQ(client.read(), "binary two");
  EXPECT_EQ(client.read(), "binary three");
  EXPECT_EQ(client.read(), "binary four");
  EXPECT_EQ(client.read(), "close 1000");
}

TEST(WebSocketServer, ReportsThatAPausedConnectionDrainedAndNoOther) {
  Server server;
  server.listener.on_received = [&](Connection connection, BytesView message) {
    EXPECT_GT(server.transport.send(connection, message), 0U);
    if (as_text(message) == "pause") {
      server.transport.pause(connection);
    }
  };
  server.listener.on_drained = [&](Connection connection) { server.transport.resume(connection); };
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary("one") + binary("pause") + binary("two"));
  EXPECT_EQ(client.read(), "binary one");
  EXPECT_EQ(client.read(), "binary pause");
  EXPECT_EQ(client.read(), "binary two");
  EXPECT_EQ(server.listener.log,
            (Log{"opened", "turn", "binary one", "binary pause", "turn", "drained", "turn", "binary two", "turn"}));
}

TEST(WebSocketServer, CountsWhatWaitsForASlowReaderAndTellsWhenItHasLeft) {
  Server server;
  RawClient client{server.context};
  client.read_slowly();
  client.connect(server.transport.port());
  ASSERT_TRUE(client.upgrade());
  const Connection connection = server.listener.connections.at(0);
  // Until the kernel takes no more.
  const std::string message(100'000, 'x');
  std::size_t waiting = 0;
  std::size_t sent = 0;
  for (; waiting <= message.size() + 14; ++sent) {
    waiting = server.transport.send(connection, as_bytes(message));
    server.context.poll();
    ASSERT_LT(sent, 1000U);
  }
  EXPECT_GT(server.transport.send(connection, as_bytes("x")), waiting);
  server.transport.pause(connection);
  server.context.poll();
  EXPECT_EQ(server.listener.count("drained"), 0);
  for (std::size_t received = 0; received < sent; ++received) {
    ASSERT_EQ(client.read().size(), 7 + message.size());
  }
  EXPECT_EQ(client.read(), "binary x");
  EXPECT_TRUE(server.until([&] { return server.listener.count("drained") == 1; }));
}

TEST(WebSocketServer, CanCloseAPausedConnection) {
  Server server;
  server.listener.on_received = [&](Connection connection, BytesView) { server.transport.pause(connection); };
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary("one") + binary("two"));
  ASSERT_TRUE(server.until([&] { return !server.listener.messages.empty(); }));
  server.transport.close(server.listener.connections.at(0), 1008, "stuck");
  EXPECT_EQ(client.read(), "close 1008");
  client.send(close_frame(1008));
  EXPECT_EQ(client.read(), "ended");
  EXPECT_EQ(server.listener.ends.at(0).code, 1008);
  EXPECT_EQ(server.listener.messages, (Log{"one"}));
}

TEST(WebSocketServer, NeverUsesANameTwice) {
  Server server;
  for (int round = 0; round < 3; ++round) {
    RawClient client = server.connect();
    ASSERT_TRUE(client.upgrade());
    client.send(close_frame(1000));
    EXPECT_EQ(client.read(), "close 1000");
    EXPECT_EQ(client.read(), "ended");
  }
  const auto& names = server.listener.connections;
  ASSERT_EQ(names.size(), 3U);
  EXPECT_EQ(names[0].slot, names[2].slot) << "a slot is used again";
  EXPECT_NE(names[0], names[1]);
  EXPECT_NE(names[1], names[2]);
  // An old name, and one that never was, name nothing.
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  for (const Connection stale : {names[0], Connection{}, Connection{99, 1}}) {
    EXPECT_EQ(server.transport.send(stale, as_bytes("x")), 0U);
    server.transport.pause(stale);
    server.transport.resume(stale);
    server.transport.close(stale, 1000, "");
  }
  server.echo();
  client.send(binary("still here"));
  EXPECT_EQ(client.read(), "binary still here");
}

TEST(WebSocketServer, ClosesWhatIsLeftWhenItStopsAndReportsNothing) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary("unread"));
  const std::size_t entries = server.listener.log.size();
  server.transport.stop();
  EXPECT_EQ(client.read(), "close 1001");
  EXPECT_EQ(client.read(), "ended");
  EXPECT_EQ(server.listener.log.size(), entries);
}

TEST(WebSocketServer, ShutsDownOnceEveryPeerHasAnswered) {
  RecordingListener listener;
  TestedServer transport{{.port = 0}};
  transport.start(listener);
  RawClient client{transport.context(), transport.port()};
  ASSERT_TRUE(client.upgrade());
  transport.shut_down();
  EXPECT_EQ(client.read(), "close 1001");
  client.send(close_frame(1001));
  transport.run();
  EXPECT_EQ(listener.ends.at(0).code, 1001);
  EXPECT_THROW(RawClient(transport.context(), transport.port()), boost::system::system_error);
  transport.stop();
}

TEST(WebSocketServer, ShutsDownAtOnceWhenNobodyIsThere) {
  RecordingListener listener;
  TestedServer transport{{.port = 0}};
  transport.start(listener);
  transport.shut_down();
  transport.run();
  transport.run();
  EXPECT_TRUE(listener.log.empty());
  transport.stop();
}

TEST(WebSocketServer, RunsUntilItIsStoppedFromAnotherThread) {
  RecordingListener listener;
  TestedServer transport{{.port = 0}};
  transport.start(listener);
  std::thread other{[&] { transport.stop_running(); }};
  transport.run();
  other.join();
  transport.stop();
}

TEST(WebSocketServer, SaysThatThePortIsInUse) {
  const TestedServer first{{.port = 0}};
  try {
    const TestedServer second{{.port = first.port()}};
    FAIL() << "two servers on one port";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::address_in_use);
    EXPECT_NE(std::string{error.what()}.find(std::to_string(first.port())), std::string::npos);
  }
}

TEST(WebSocketServer, SaysThatAnAddressCannotBeListenedOn) {
  EXPECT_THROW((TestedServer{{.host = "192.0.2.1", .port = 0}}), std::system_error);
  EXPECT_THROW((TestedServer{{.host = "not a host", .port = 0}}), std::system_error);
}

TEST(WebSocketServer, MayEndBeforeTheLoopThatItRunsIn) {
  boost::asio::io_context context;
  {
    RecordingListener listener;
    TestedServer transport{context, {.port = 0}};
    transport.start(listener);
    RawClient client{context, transport.port()};
    ASSERT_TRUE(client.upgrade());
    transport.wake();
  }
  context.restart();
  context.run();
}

}  // namespace
}  // namespace restante::test
