// A client that speaks bytes: it sends what it is told, right or wrong, and remembers all that it hears.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/memory.hpp>
#include <restante/transport.hpp>

namespace restante::test {

/// One connection as its client saw it, from open() to the end.
struct Line {
  Connection connection;
  bool opened = false;
  /// Whether its client asked for its end.
  bool closing = false;
  /// Binary messages that were given to send(), in order.
  std::vector<std::vector<std::uint8_t>> sent;
  std::vector<std::vector<std::uint8_t>> received;
  /// Set when the connection has ended.
  std::optional<CloseCode> close_code;
  std::string close_reason;
  /// When the last message came, or the end.
  SteadyTime last_heard{};
};

class RawPeer final : private TransportListener {
 public:
  RawPeer(MemoryNetwork& network, const MemoryServer& server, std::string name,
          std::optional<LinkOptions> link = std::nullopt)
      : transport_{network, server, {.name = std::move(name), .link = link}} {
    transport_.start(*this);
  }

  /// Begins a new line. The last one must have ended.
  void open() {
    lines_.emplace_back();
    lines_.back().connection = transport_.open();
  }

  /// Whether the line has opened and is not ending, as far as this side knows.
  bool is_open() const { return !lines_.empty() && line().opened && !line().closing && !line().close_code; }
  /// Whether there is no line, not even one that opens or closes.
  bool is_free() const { return transport_.connection() == Connection{}; }

  /// Sends on an open line.
  void send(BytesView message) {
    lines_.back().sent.emplace_back(message.begin(), message.end());
    transport_.send(line().connection, message);
  }
  void send_text(std::string_view text) { transport_.send_text(line().connection, text); }
  void close() {
    lines_.back().closing = true;
    transport_.close(line().connection, close_code::normal, "done");
  }
  void pause() { transport_.pause(line().connection); }
  void resume() { transport_.resume(line().connection); }

  const Line& line() const { return lines_.back(); }
  const std::vector<Line>& lines() const { return lines_; }
  /// Other options for what is sent from now on, in both directions.
  void set_link(const LinkOptions& options) { transport_.set_link(options); }
  const LinkOptions& link() const { return transport_.link(); }

  /// What a listener must never see: reports about other connections than the one that stands.
  const std::string& fault() const { return fault_; }

 private:
  void opened(Connection connection, const Opened&) override {
    expect(connection == line().connection && !line().opened, "opened twice, or not asked for");
    lines_.back().opened = true;
  }
  void received(Connection connection, MessageType type, BytesView message) override {
    expect(connection == line().connection && !line().close_code, "a message after the end");
    expect(type == MessageType::binary, "a text message came from the server");
    lines_.back().received.emplace_back(message.begin(), message.end());
    lines_.back().last_heard = transport_.now();
  }
  void turn_ended() override {}
  void drained(Connection) override {}
  void closed(Connection connection, const Closed& closed) override {
    expect(connection == line().connection && !line().close_code, "closed twice");
    lines_.back().close_code = closed.code;
    lines_.back().close_reason = closed.reason;
    lines_.back().last_heard = transport_.now();
  }
  void woken() override {}

  void expect(bool condition, const char* explanation) {
    if (!condition && fault_.empty()) {
      fault_ = explanation;
    }
  }

  MemoryClient transport_;
  std::vector<Line> lines_;
  std::string fault_;
};

}  // namespace restante::test
