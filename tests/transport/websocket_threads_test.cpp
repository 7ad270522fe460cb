// A server with several threads: what it promises about order, flow control and limits holds across them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/transport.hpp>

#include "transport_under_test.hpp"
#include "websocket_support.hpp"

namespace restante::test {
namespace {

constexpr std::size_t threads = 3;

/// Does what a test says with what is reported, in whichever thread.
class Script : public TransportListener {
 public:
  std::function<void(Connection)> on_opened = [](Connection) {};
  std::function<void(Connection, BytesView)> on_received = [](Connection, BytesView) {};
  std::function<void(Connection)> on_drained = [](Connection) {};
  std::function<void(Connection)> on_closed = [](Connection) {};
  /// More than one at a time is in here.
  std::atomic<bool> overlapped = false;
  /// Reports after the latest end of a turn.
  int reports = 0;
  /// What it speaks, and how often it was asked that.
  std::vector<Protocol> spoken;
  mutable std::atomic<int> times_asked = 0;

  std::span<const Protocol> protocols() const override {
    ++times_asked;
    return spoken;
  }
  void opened(Connection connection, const Opened&) override {
    report([&] { on_opened(connection); });
  }
  void received(Connection connection, MessageType, BytesView message) override {
    report([&] { on_received(connection, message); });
  }
  void turn_ended() override {
    report([&] {});
    reports = 0;
  }
  void drained(Connection connection) override {
    report([&] { on_drained(connection); });
  }
  void closed(Connection connection, const Closed&) override {
    report([&] { on_closed(connection); });
  }
  void woken() override {
    report([] {});
  }

 private:
  template <class Work>
  void report(Work&& work) {
    if (inside_.exchange(true)) {
      overlapped = true;
    }
    ++reports;
    work();
    inside_ = false;
  }

  std::atomic<bool> inside_ = false;
};

/// A server in a thread of its own that ends with the test.
class ThreadedServer {
 public:
  explicit ThreadedServer(Script& script, WebSocketServerOptions options = {}) : transport{with_threads(options)} {
    transport.start(script);
    running_ = std::thread{[this] { transport.run(); }};
  }
  ~ThreadedServer() {
    transport.stop_running();
    running_.join();
    transport.stop();
  }

  TestedServer transport;

 private:
  static WebSocketServerOptions with_threads(WebSocketServerOptions& options) {
    options.port = 0;
    options.threads = threads;
    return std::move(options);
  }

  std::thread running_;
};

/// A client in the thread of the test, which decides about each byte.
struct Peer {
  explicit Peer(std::uint16_t port) : raw{context, port} { raw.upgrade(); }

  boost::asio::io_context context;
  RawClient raw;
};

TEST(WebSocketThreads, AllOfThemSpeakWhatTheListenerSaidOnce) {
  Script script;
  script.spoken = {{"one", 10}};
  ThreadedServer server{script};
  EXPECT_EQ(script.times_asked, 1);
  boost::asio::io_context context;
  for (std::size_t count = 0; count < 2 * threads; ++count) {
    RawClient peer{context, server.transport.port()};
    ASSERT_TRUE(peer.upgrade("Sec-WebSocket-Protocol: one\r\n"));
    EXPECT_NE(peer.header().find("Sec-WebSocket-Protocol: one\r\n"), std::string::npos);
    peer.send(binary("more than it"));
    EXPECT_EQ(peer.read(), "close 1009");
  }
}

TEST(WebSocketThreads, EverybodyHearsTheSameInTheSameOrder) {
  constexpr std::size_t peers_count = 7;
  constexpr int messages_each = 300;
  std::vector<Connection> everybody;
  std::promise<void> complete;
  Script script;
  script.on_opened = [&](Connection connection) {
    everybody.push_back(connection);
    if (everybody.size() == peers_count) {
      complete.set_value();
    }
  };
  ThreadedServer* running = nullptr;
  script.on_received = [&](Connection, BytesView message) {
    for (const Connection connection : everybody) {
      running->transport.send(connection, message);
    }
  };
  ThreadedServer server{script};
  running = &server;
  const std::uint16_t port = server.transport.port();
  std::vector<std::vector<std::string>> heard(peers_count);
  std::vector<std::thread> peers;
  std::shared_future<void> all_there{complete.get_future()};
  for (std::size_t index = 0; index < peers_count; ++index) {
    peers.emplace_back([&, index, all_there] {
      Peer peer{port};
      all_there.wait();
      for (int number = 0; number < messages_each; ++number) {
        peer.raw.send(binary(std::to_string(index) + " says " + std::to_string(number)));
      }
      while (heard[index].size() < peers_count * messages_each) {
        heard[index].push_back(peer.raw.read());
      }
    });
  }
  for (std::thread& peer : peers) {
    peer.join();
  }
  for (std::size_t index = 1; index < peers_count; ++index) {
    EXPECT_EQ(heard[index], heard[0]) << "peer " << index;
  }
  std::map<std::string, int> next;
  for (const std::string& line : heard[0]) {
    const std::string sender = line.substr(0, line.find(" says"));
    EXPECT_EQ(line, sender + " says " + std::to_string(next[sender]++));
  }
  EXPECT_FALSE(script.overlapped);
  EXPECT_GT(server.transport.lock_times().turns, 0U);
}

TEST(WebSocketThreads, WhatIsSaidAboutAConnectionOfAnotherThreadIsDoneInOrder) {
  // The first peer's messages make the listener send to the second, pause it, and close it behind that.
  std::vector<Connection> connections;
  std::vector<std::string> happened;
  std::promise<void> both;
  std::promise<void> drained;
  std::promise<void> closed;
  ThreadedServer* running = nullptr;
  std::size_t waiting_before = 0;
  bool waiting_grew = true;
  Script script;
  script.on_opened = [&](Connection connection) {
    connections.push_back(connection);
    if (connections.size() == 2) {
      both.set_value();
    }
  };
  script.on_received = [&](Connection connection, BytesView message) {
    happened.emplace_back((connection == connections[0] ? "first says " : "second says ") +
                          std::string{message.begin(), message.end()});
    if (happened.back() == "first says send") {
      for (int i = 0; i < 100; ++i) {
        const std::size_t waiting = running->transport.send(connections[1], as_bytes(std::string(1000, 'x')));
        waiting_grew = waiting_grew && waiting > waiting_before;
        waiting_before = waiting;
      }
      running->transport.pause(connections[1]);
    } else if (happened.back() == "first says resume") {
      running->transport.resume(connections[1]);
    } else if (happened.back() == "first says close") {
      running->transport.send(connections[1], as_bytes("the last"));
      running->transport.close(connections[1], close_code::policy_violation, "enough");
    }
  };
  script.on_drained = [&](Connection connection) {
    if (connection == connections[1]) {
      happened.emplace_back("second drained");
      drained.set_value();
    }
  };
  script.on_closed = [&](Connection connection) {
    if (connection == connections[1]) {
      closed.set_value();
    }
  };
  ThreadedServer server{script};
  running = &server;
  Peer first{server.transport.port()};
  Peer second{server.transport.port()};
  both.get_future().wait();
  first.raw.send(binary("send"));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(second.raw.read(), "binary " + std::string(1000, 'x'));
  }
  drained.get_future().wait();
  EXPECT_TRUE(waiting_grew);
  second.raw.send(binary("while paused"));
  first.raw.send(binary("resume"));
  first.raw.send(binary("close"));
  EXPECT_EQ(second.raw.read(), "binary the last");
  EXPECT_EQ(second.raw.read(), "close 1008");
  second.raw.send(close_frame(1008));
  closed.get_future().wait();
  EXPECT_FALSE(script.overlapped);
  EXPECT_EQ(happened[0], "first says send");
  EXPECT_EQ(happened[1], "second drained");
}

TEST(WebSocketThreads, TheLimitOfConnectionsIsOneForAllThreads) {
  Script script;
  ThreadedServer server{script, {.connections_max = 5}};
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(std::make_unique<Peer>(server.transport.port()));
  }
  boost::asio::io_context context;
  RawClient refused{context, server.transport.port()};
  refused.send(upgrade_request());
  EXPECT_EQ(refused.read_response(), "503 Service Unavailable");
}

TEST(WebSocketThreads, AShutDownClosesTheConnectionsOfAllThreadsAndEndsRun) {
  Script script;
  TestedServer server{{.port = 0, .threads = threads}};
  server.start(script);
  std::thread running{[&] { server.run(); }};
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::size_t i = 0; i < 2 * threads; ++i) {
    peers.push_back(std::make_unique<Peer>(server.port()));
  }
  boost::asio::post(server.context(), [&] { server.shut_down(); });
  for (const auto& peer : peers) {
    EXPECT_EQ(peer->raw.read(), "close 1001");
    peer->raw.send(close_frame(1001));
  }
  running.join();
  server.stop();
}

TEST(WebSocketThreads, WorkThatIsDoneExclusivelyMeetsNoReport) {
  Script script;
  std::promise<Connection> opened;
  script.on_opened = [&](Connection connection) { opened.set_value(connection); };
  ThreadedServer server{script};
  Peer peer{server.transport.port()};
  const Connection connection = opened.get_future().get();
  server.transport.exclusively([&] {
    EXPECT_EQ(script.reports, 0);
    server.transport.send(connection, as_bytes("from outside"));
  });
  EXPECT_EQ(peer.raw.read(), "binary from outside");
}

}  // namespace
}  // namespace restante::test
