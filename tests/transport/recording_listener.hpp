// A listener that writes down what it hears, and does what the test says.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <restante/transport.hpp>

namespace restante::test {

/// Remembers in what order everything came. A test replaces the functions it is interested in.
class RecordingListener : public TransportListener {
 public:
  struct End {
    CloseCode code;
    std::string reason;
  };

  std::span<const Protocol> protocols() const override {
    ++times_asked;
    return spoken;
  }

  void opened(Connection connection, const Opened& opened) override {
    log.push_back("opened");
    connections.push_back(connection);
    peers.emplace_back(opened.peer);
    negotiated.emplace_back(opened.protocol);
    on_opened(connection);
  }

  void received(Connection connection, MessageType type, BytesView message) override {
    messages.emplace_back(as_text(message));
    log.push_back((type == MessageType::text ? "text " : "binary ") + (message.size() < 40 ? messages.back() : "…"));
    on_received(connection, message);
  }

  void turn_ended() override {
    if (!log.empty() && log.back() != "turn") {
      log.emplace_back("turn");
    }
    on_turn_ended();
  }

  void drained(Connection connection) override {
    log.emplace_back("drained");
    on_drained(connection);
  }

  void closed(Connection connection, const Closed& closed) override {
    log.push_back("closed " + std::to_string(closed.code));
    ends.push_back({closed.code, std::string{closed.reason}});
    on_closed(connection);
  }

  void woken() override {
    log.emplace_back("woken");
    on_woken();
  }

  auto count(std::string_view entry) const { return std::count(log.begin(), log.end(), entry); }

  std::function<void(Connection)> on_opened = [](Connection) {};
  std::function<void(Connection, BytesView)> on_received = [](Connection, BytesView) {};
  std::function<void()> on_turn_ended = [] {};
  std::function<void(Connection)> on_drained = [](Connection) {};
  std::function<void(Connection)> on_closed = [](Connection) {};
  std::function<void()> on_woken = [] {};

  /// What it says that it speaks; to be set before the transport is started.
  std::vector<Protocol> spoken;
  mutable int times_asked = 0;

  std::vector<std::string> log;
  std::vector<Connection> connections;
  std::vector<std::string> peers;
  /// The subprotocol of each connection.
  std::vector<std::string> negotiated;
  std::vector<std::string> messages;
  std::vector<End> ends;
};

}  // namespace restante::test
