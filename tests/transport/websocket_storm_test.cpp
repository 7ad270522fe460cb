// Several threads, each with a transport of its own, and connections that open and close all the time: for the thread
// sanitizer above all.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include <restante/client.hpp>
#include <restante/messenger.hpp>

#include "transport_under_test.hpp"

namespace restante::test {
namespace {

constexpr int clients_count = 4;
constexpr int connections_each = 40;
constexpr int pushes_each = 5;

// Connects, pushes to itself, gets one message back, and closes in one of several ways: again and again.
class StormyClient {
 public:
  StormyClient(std::uint16_t port, classic::ClientId id)
      : id_{id}, transport_{{.port = port}}, client_{transport_, options()} {}

  /// Gives how many messages came back.
  int run() {
    client_.connect();
    transport_.run();
    return messages_;
  }

 private:
  ClientOptions options() {
    ClientOptions options;
    options.reconnect = false;
    options.on_event = [this](const ClientEvent& event) {
      if (std::holds_alternative<client_event::Connected>(event)) {
        work();
      } else if (std::holds_alternative<client_event::Disconnected>(event)) {
        ++connections_ < connections_each ? client_.connect() : transport_.stop_running();
      }
    };
    return options;
  }

  void work() {
    client_.associate(id_);
    for (int i = 0; i < pushes_each; ++i) {
      client_.push(id_, id_, as_bytes("storm"));
    }
    client_.get(id_, [this](std::error_code error, const classic::GetResult& result) {
      if (!error) {
        messages_ += result.kind == classic::GetResult::Kind::message ? 1 : 0;
        client_.close();
      }
    });
    if (connections_ % 3 == 0) {
      // Without waiting for a single reply.
      client_.close();
    }
  }

  classic::ClientId id_;
  TestedClient transport_;
  Client<TestedClient> client_;
  int connections_ = 0;
  int messages_ = 0;
};

class WebSocketStorm : public testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Threads, WebSocketStorm, testing::Values(1, 3));

TEST_P(WebSocketStorm, ManyConnectionsOpenAndCloseAtOnceAndTheBooksBalance) {
  TestedServer server{{.port = 0, .threads = GetParam()}};
  const std::uint16_t port = server.port();
  std::atomic<bool> over = false;
  MessengerCounters counters;
  std::thread serving{[&] {
    Messenger messenger{server};
    server.run();
    counters = messenger.counters();
  }};
  // Any thread may call these two.
  std::thread waking{[&] {
    while (!over.load()) {
      server.wake();
      std::this_thread::yield();
    }
  }};
  std::atomic<int> messages = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < clients_count; ++client) {
    clients.emplace_back([&messages, port, client] {
      messages += StormyClient{port, static_cast<classic::ClientId>(client)}.run();
    });
  }
  for (std::thread& client : clients) {
    client.join();
  }
  over = true;
  waking.join();
  server.stop_running();
  serving.join();
  EXPECT_EQ(counters.connections_opened, std::uint64_t{clients_count} * connections_each);
  EXPECT_EQ(counters.books.stored, counters.books.taken + counters.books.held);
  EXPECT_GT(messages.load(), 0);
  EXPECT_LE(static_cast<std::uint64_t>(messages.load()), counters.books.taken);
}

}  // namespace
}  // namespace restante::test
