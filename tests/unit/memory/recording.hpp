// What the tests of the in-memory transport share: listeners that write down what they hear, and a small world.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <restante/memory.hpp>

namespace restante::testing {

/// Turns failed assertions into exceptions for as long as it lives.
class ThrowingAssertions {
 public:
  ThrowingAssertions()
      : before_{set_assertion_handler([](const char*, const char* explanation, const char*, unsigned) {
          throw std::logic_error{explanation};
        })} {}
  ThrowingAssertions(const ThrowingAssertions&) = delete;
  ThrowingAssertions& operator=(const ThrowingAssertions&) = delete;
  ~ThrowingAssertions() { set_assertion_handler(before_); }

 private:
  AssertionHandler before_;
};

/// What all listeners of a world heard, one line each, in the order in which they heard it.
struct Trace {
  std::vector<std::string> lines;
  bool inside_a_listener = false;

  std::vector<std::string> take() { return std::exchange(lines, {}); }
};

/// Writes down what it hears as "<microseconds> <name> <what>", and does what it was told to do then. It fails the test
/// when it is called from inside a call that any listener makes.
class Recorder final : public TransportListener {
 public:
  Recorder(MemoryNetwork& network, Trace& trace, std::string name)
      : network_{network}, trace_{trace}, name_{std::move(name)} {}

  /// Called while the listener is called; the text is what follows the name in the trace, without the turn ends.
  std::function<void(Connection, const std::string&)> then;

  /// The messages, alone.
  std::vector<std::string> messages;
  /// The connection that was reported as opened last.
  Connection connection;
  bool writes_turns_down = false;
  /// What it says that it speaks; to be set before the transport is started.
  std::vector<Protocol> spoken;

  std::span<const Protocol> protocols() const override { return spoken; }

  void opened(Connection opened_connection, const Opened& opened) override {
    connection = opened_connection;
    heard(opened_connection, "opened by " + std::string{opened.peer} + (opened.protocol.empty() ? "" : " speaking ") +
                                 std::string{opened.protocol});
  }
  void received(Connection from, MessageType type, BytesView message) override {
    messages.emplace_back(as_text(message));
    heard(from, (type == MessageType::text ? "received text " : "received ") + messages.back());
  }
  void turn_ended() override {
    if (writes_turns_down) {
      heard({}, "turn ended");
    }
  }
  void drained(Connection which) override { heard(which, "drained"); }
  void closed(Connection which, const Closed& closed) override {
    heard(which,
          "closed " + std::to_string(closed.code) + (closed.reason.empty() ? "" : " ") + std::string{closed.reason});
  }
  void woken() override { heard({}, "woken"); }

 private:
  void heard(Connection which, const std::string& what) {
    EXPECT_FALSE(trace_.inside_a_listener) << name_ << ": " << what << " was reported from inside a listener";
    trace_.inside_a_listener = true;
    const auto microseconds = network_.now().time_since_epoch().count() / 1000;
    trace_.lines.push_back(std::to_string(microseconds) + " " + name_ + " " + what);
    if (then) {
      then(which, what);
    }
    trace_.inside_a_listener = false;
  }

  MemoryNetwork& network_;
  Trace& trace_;
  std::string name_;
};

/// A server and a client that are started and not connected yet.
struct World {
  explicit World(const LinkOptions& link = {}, std::uint64_t seed = 1, const MemoryServerOptions& server_options = {})
      : network{{.seed = seed, .link = link}}, server{network, server_options} {
    server.start(at_server);
    client.start(at_client);
  }

  /// Opens the client's connection, and forgets that this was written down.
  Connection connect() {
    const Connection connection = client.open();
    EXPECT_TRUE(network.run_until_quiet(std::chrono::minutes{1}));
    EXPECT_EQ(at_server.connection, connection);
    EXPECT_EQ(at_client.connection, connection);
    trace.take();
    return connection;
  }

  MemoryNetwork network;
  Trace trace;
  MemoryServer server;
  Recorder at_server{network, trace, "server"};
  MemoryClient client{network, server};
  Recorder at_client{network, trace, "client"};
};

using Lines = std::vector<std::string>;

/// "0", "1", … as so many messages.
inline Lines numbers(std::uint64_t first, std::uint64_t end) {
  Lines result;
  for (std::uint64_t number = first; number < end; ++number) {
    result.push_back(std::to_string(number));
  }
  return result;
}

}  // namespace restante::testing
