// A transport that does nothing by itself: the test opens connections, brings messages and lets time pass, and sees
// everything that was asked of it. It keeps to the contract of restante/transport.hpp, and a test that makes it break
// the contract fails.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/time.hpp>
#include <restante/transport.hpp>

#include "packets.hpp"

namespace restante::test {

/// A Transport and a ClientTransport in the hands of a test.
class RecordingTransport {
 public:
  struct Close {
    CloseCode code = 0;
    std::string reason;
  };

  /// What was asked of the transport for one connection.
  struct Record {
    std::vector<Bytes> sent;
    /// How many of `sent` replies() has given.
    std::size_t replies_read = 0;
    std::optional<Close> close;
    bool open = false;
    bool paused = false;
    int pauses = 0;
    int resumes = 0;
    /// What send() gives.
    std::size_t waiting_bytes = 0;
  };

  // What a listener asks.

  void start(TransportListener& listener) {
    EXPECT_EQ(listener_, nullptr) << "the transport was started twice";
    listener_ = &listener;
  }

  void stop() {
    listener_ = nullptr;
    ++stops_;
  }

  std::size_t send(Connection connection, BytesView message) {
    Record& sender = record(connection);
    if (!sender.open || sender.close) {
      ++swallowed_;
      return 0;
    }
    sender.sent.emplace_back(message);
    sent_in_order_.push_back(connection);
    return sender.waiting_bytes;
  }

  void close(Connection connection, CloseCode code, std::string_view reason) {
    EXPECT_LE(reason.size(), 123U) << "a close frame has no room for this reason";
    Record& closing = record(connection);
    if ((closing.open || connection == opening_) && !closing.close) {
      closing.close = Close{code, std::string{reason}};
      closed_in_order_.push_back(connection);
    }
  }

  void pause(Connection connection) {
    record(connection).paused = true;
    ++record(connection).pauses;
  }

  void resume(Connection connection) {
    record(connection).paused = false;
    ++record(connection).resumes;
    resumed_in_order_.push_back(connection);
  }

  SteadyTime now() const { return now_; }
  void wake_at(SteadyTime time) { wake_at_ = time; }
  void wake() { wake_asked_ = true; }

  Connection open() {
    EXPECT_EQ(opening_, Connection{}) << "a second connection was opened";
    opening_ = next_connection();
    ++opens_;
    return opening_;
  }

  // What a test does.

  /// A peer connects; slots are reused, lowest first.
  Connection connect(std::string_view peer = "peer", std::string_view protocol = "") {
    const Connection connection = next_connection();
    report_opened(connection, peer, protocol);
    return connection;
  }

  /// The connection that open() named now stands.
  void finish_opening(std::string_view peer = "server", std::string_view protocol = "") {
    report_opened(std::exchange(opening_, {}), peer, protocol);
  }

  /// The connection that open() named could not be made.
  void fail_opening(CloseCode code = close_code::abnormal, std::string_view reason = "refused") {
    const Connection connection = std::exchange(opening_, {});
    listener().closed(connection, {code, reason});
    listener().turn_ended();
  }

  /// A binary message comes, without the end of a turn.
  void bring(Connection connection, BytesView message) { report_received(connection, MessageType::binary, message); }

  /// A text message comes, without the end of a turn.
  void bring_text(Connection connection, std::string_view text) {
    report_received(connection, MessageType::text, as_bytes(text));
  }

  void end_turn() { listener().turn_ended(); }

  /// A binary message comes, and the turn ends.
  void receive(Connection connection, BytesView message) {
    bring(connection, message);
    end_turn();
  }

  /// A binary message comes, the turn ends, and this is what was sent on the connection since last asked.
  std::vector<Bytes> ask(Connection connection, BytesView message) {
    receive(connection, message);
    return replies(connection);
  }

  /// What was sent on a connection and not given before, oldest first.
  std::vector<Bytes> replies(Connection connection) {
    Record& asked = record(connection);
    std::vector<Bytes> fresh(asked.sent.begin() + static_cast<std::ptrdiff_t>(asked.replies_read), asked.sent.end());
    asked.replies_read = asked.sent.size();
    return fresh;
  }

  /// From now on send() on this connection says that so many bytes wait.
  void set_waiting_bytes(Connection connection, std::size_t waiting_bytes) {
    record(connection).waiting_bytes = waiting_bytes;
  }

  /// What waited on a paused connection has left.
  void drain(Connection connection) {
    if (!record(connection).paused) {
      throw std::logic_error{"drained is reported for paused connections only"};
    }
    record(connection).waiting_bytes = 0;
    listener().drained(connection);
  }

  /// The connection ends, and the turn.
  void disconnect(Connection connection, CloseCode code = close_code::normal, std::string_view reason = "") {
    Record& ended = record(connection);
    if (!ended.open) {
      throw std::logic_error{"the connection is not open"};
    }
    ended.open = false;
    slots_[connection.slot].second = false;
    listener().closed(connection, {code, reason});
    end_turn();
  }

  /// Lets time pass, and calls the listener when the time it asked for comes.
  void advance(Duration duration) {
    const SteadyTime end = now_ + duration;
    while (wake_at_ <= end) {
      now_ = std::max(now_, wake_at_);
      wake_at_ = never;
      listener().woken();
    }
    now_ = end;
  }

  /// Calls the listener when it, or a store, asked for it.
  void deliver_wake() {
    if (std::exchange(wake_asked_, false)) {
      listener().woken();
    }
  }

  /// Calls the listener for no reason at all, which a transport may do.
  void wake_needlessly() { listener().woken(); }

  // What a test sees.

  Record& record(Connection connection) { return records_[connection]; }
  const std::optional<Close>& close_of(Connection connection) { return record(connection).close; }
  /// The code that a connection is closed with, or 0.
  CloseCode close_code_of(Connection connection) {
    const std::optional<Close>& asked = close_of(connection);
    return asked ? asked->code : CloseCode{0};
  }
  bool is_paused(Connection connection) { return record(connection).paused; }
  /// The time of the latest wake_at(), or never.
  SteadyTime wake_time() const { return wake_at_; }
  bool wake_asked() const { return wake_asked_; }
  bool is_started() const { return listener_ != nullptr; }
  int stops() const { return stops_; }
  int opens() const { return opens_; }
  Connection opening() const { return opening_; }
  /// Messages that were sent on connections that were closing or gone.
  int swallowed() const { return swallowed_; }
  /// For each message that was sent, on which connection.
  const std::vector<Connection>& sent_in_order() const { return sent_in_order_; }
  const std::vector<Connection>& closed_in_order() const { return closed_in_order_; }
  const std::vector<Connection>& resumed_in_order() const { return resumed_in_order_; }
  /// For tests that break the contract on purpose.
  TransportListener& listener() {
    if (listener_ == nullptr) {
      throw std::logic_error{"nobody listens"};
    }
    return *listener_;
  }

 private:
  Connection next_connection() {
    std::uint32_t slot = 0;
    while (slot < slots_.size() && slots_[slot].second) {
      ++slot;
    }
    if (slot == slots_.size()) {
      slots_.emplace_back(0U, false);
    }
    slots_[slot].second = true;
    return {slot, ++slots_[slot].first};
  }

  void report_opened(Connection connection, std::string_view peer, std::string_view protocol) {
    record(connection).open = true;
    listener().opened(connection, {peer, protocol});
  }

  void report_received(Connection connection, MessageType type, BytesView message) {
    const Record& receiver = record(connection);
    if (!receiver.open || receiver.paused || receiver.close) {
      throw std::logic_error{"nothing is reported of a connection that is paused, closing or gone"};
    }
    listener().received(connection, type, message);
  }

  TransportListener* listener_ = nullptr;
  SteadyTime now_ = SteadyTime{std::chrono::seconds{1000}};
  SteadyTime wake_at_ = never;
  bool wake_asked_ = false;
  int stops_ = 0;
  int opens_ = 0;
  int swallowed_ = 0;
  Connection opening_;
  std::map<Connection, Record> records_;
  // By slot: the latest generation, and whether it is in use.
  std::vector<std::pair<std::uint32_t, bool>> slots_;
  std::vector<Connection> sent_in_order_;
  std::vector<Connection> closed_in_order_;
  std::vector<Connection> resumed_in_order_;
};

static_assert(Transport<RecordingTransport> && ClientTransport<RecordingTransport>);

}  // namespace restante::test
