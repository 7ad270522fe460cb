#include <thread>

#include "websocket_support.hpp"

namespace restante::test {
namespace {

using Log = std::vector<std::string>;

TEST(WebSocketTime, EndsAHandshakeThatTakesTooLong) {
  Server server{{.handshake_timeout = 30ms}};
  RawClient client = server.connect();
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(client.read(), "ended");
  EXPECT_TRUE(server.listener.log.empty());
}

TEST(WebSocketTime, PingsASilentPeerAndKeepsItWhenItAnswers) {
  Server server{{.ping_interval = 20ms, .pong_timeout = 10s}};
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  EXPECT_EQ(client.read(), "ping ");
  client.send(encode({.opcode = 10}));
  EXPECT_EQ(client.read(), "ping ");
  EXPECT_TRUE(server.listener.ends.empty());
}

TEST(WebSocketTime, GivesUpAPeerThatDoesNotAnswer) {
  Server server{{.ping_interval = 20ms, .pong_timeout = 20ms}};
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  ASSERT_TRUE(server.until_closed());
  EXPECT_EQ(server.listener.ends[0].code, 1006);
  EXPECT_EQ(client.read(), "ping ");
  EXPECT_EQ(client.read(), "ended");
}

TEST(WebSocketTime, LeavesAPausedConnectionAlone) {
  Server server{{.ping_interval = 10ms, .pong_timeout = 10ms}};
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  server.transport.pause(server.listener.connections.at(0));
  const SteadyTime later = after(server.transport.now(), 100ms);
  server.transport.wake_at(later);
  ASSERT_TRUE(server.until([&] { return server.listener.count("woken") == 1; }));
  EXPECT_TRUE(server.listener.ends.empty());
  server.transport.resume(server.listener.connections.at(0));
  EXPECT_EQ(client.read(), "ping ");
}

TEST(WebSocketTime, BoundsHowLongAConnectionMayTakeToClose) {
  Server server{{.close_timeout = 30ms}};
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  server.transport.close(server.listener.connections.at(0), 4000, "enough");
  ASSERT_TRUE(server.until_closed());
  EXPECT_EQ(server.listener.ends[0].code, 4000);
  EXPECT_EQ(server.listener.ends[0].reason, "enough");
  EXPECT_EQ(client.read(), "close 4000");
  EXPECT_EQ(client.read(), "ended");
}

TEST(WebSocketTime, BoundsHowLongAnAnswerMayTakeToLeave) {
  Server server{{.close_timeout = 30ms, .on_http_request = [](const HttpRequest&) {
                   return HttpResponse{.body = std::string(50'000'000, 'x')};
                 }}};
  RawClient client = server.connect();
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.read_response(), "200 OK");
  server.transport.wake_at(after(server.transport.now(), 200ms));
  ASSERT_TRUE(server.until([&] { return server.listener.count("woken") == 1; }));
  EXPECT_LT(client.read_all().size(), 50'000'000U);
}

TEST(WebSocketTime, WakesOnceAtTheTimeOfTheLatestCall) {
  Server server;
  const SteadyTime start = server.transport.now();
  server.transport.wake_at(after(start, 1h));
  server.transport.wake_at(after(start, 30ms));
  ASSERT_TRUE(server.until([&] { return !server.listener.log.empty(); }));
  EXPECT_EQ(server.listener.log, (Log{"woken", "turn"}));
  EXPECT_GE(server.transport.now(), after(start, 30ms));
}

TEST(WebSocketTime, DoesNotWakeWhenTheTimeWasTakenBack) {
  Server server;
  const SteadyTime start = server.transport.now();
  server.transport.wake_at(after(start, 10ms));
  server.context.poll();
  server.transport.wake_at(never);
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  server.context.run_for(50ms);
  EXPECT_EQ(server.listener.count("woken"), 0);
}

TEST(WebSocketTime, WakesAtOnceForATimeThatHasPassedAndFromInsideACall) {
  Server server;
  int wakes = 0;
  server.listener.on_woken = [&] {
    if (++wakes < 3) {
      server.transport.wake_at(server.transport.now());
    }
  };
  server.transport.wake_at(server.transport.now());
  EXPECT_TRUE(server.until([&] { return wakes == 3; }));
}

TEST(WebSocketTime, StandsStillDuringACall) {
  Server server;
  bool still = false;
  server.listener.on_woken = [&] {
    const SteadyTime first = server.transport.now();
    const auto end = std::chrono::steady_clock::now() + 2ms;
    while (std::chrono::steady_clock::now() < end) {
    }
    still = server.transport.now() == first;
  };
  server.transport.wake();
  ASSERT_TRUE(server.until([&] { return !server.listener.log.empty(); }));
  EXPECT_TRUE(still);
}

TEST(WebSocketTime, CanBeWokenFromAnotherThread) {
  Server server;
  std::thread other{[&] {
    for (int count = 0; count < 100; ++count) {
      server.transport.wake();
    }
  }};
  EXPECT_TRUE(server.until([&] { return server.listener.count("woken") > 0; }));
  other.join();
  const auto before = server.listener.count("woken");
  server.transport.wake();
  EXPECT_TRUE(server.until([&] { return server.listener.count("woken") > before; }));
}

}  // namespace
TEST(WebSocketTime, TellsHowManyMessagesATurnBroughtAndHowLongItTook) {
  std::size_t messages = 0;
  bool plausible = true;
  Server server{{.on_turn = [&](std::size_t count, Duration took) {
    messages += count;
    plausible = plausible && count > 0 && took > Duration::zero() && took < std::chrono::minutes{1};
  }}};
  server.echo();
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  for (int i = 0; i < 3; ++i) {
    client.send(binary("message"));
  }
  EXPECT_TRUE(server.until([&] { return messages == 3; }));
  EXPECT_TRUE(plausible);
}

}  // namespace restante::test
