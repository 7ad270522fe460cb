// Watches a Messenger through its events, and compares everything it does with the model at the moment it does it: for
// properties in which the order of what happens cannot be told beforehand.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <restante/event.hpp>
#include <restante/transport.hpp>

#include "classic_model.hpp"
#include "raw_peer.hpp"

namespace restante::property {

/// One connection as the Messenger saw it.
struct WitnessedConnection {
  /// Its number in the model; no two connections have the same.
  Peer number = 0;
  std::vector<Bytes> requests;
  std::vector<Bytes> replies;
  /// For each reply, what Witness::mark gave when it was made.
  std::vector<std::uint64_t> marks;
  bool paused = false;
  SteadyTime paused_at{};
  /// Counts all pauses of all connections.
  std::uint64_t pause_number = 0;
  /// The code with which the Messenger closed it.
  std::optional<CloseCode> refused;
  SteadyTime refused_at{};
  /// The code with which it ended.
  std::optional<CloseCode> closed;

  bool is_open() const { return !closed && !refused; }

  /// The bytes of all replies.
  std::size_t reply_bytes() const {
    std::size_t sum = 0;
    for (const Bytes& reply : replies) {
      sum += reply.size();
    }
    return sum;
  }
};

class Witness {
 public:
  explicit Witness(ModelLimits limits) : model_{limits} {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  /// What to give to a Messenger as on_event. The witness must live longer.
  auto listener() {
    return [this](const Event& event) { std::visit([this](const auto& happened) { this->see(happened); }, event); };
  }

  /// Called when a reply is made: how much the store had recorded by then, for instance.
  std::function<std::uint64_t()> mark = [] { return std::uint64_t{0}; };
  /// The time.
  std::function<SteadyTime()> now = [] { return SteadyTime{}; };
  /// What the store gives back when it is loaded.
  std::function<ModelMailboxes()> stored_messages = [] { return ModelMailboxes{}; };

  /// Whether a connection that was paused may go on. Called when it does.
  std::function<bool(Connection)> may_resume = [](Connection) { return true; };

  /// From now on, of the connections that are resumed at one time the one that was paused first must come first. (True
  /// where nobody is paused but for the store.)
  void watch_order_of_resuming() { watches_order_of_resuming_ = true; }

  ClassicModel& model() { return model_; }
  const ClassicModel& model() const { return model_; }
  const std::map<Connection, WitnessedConnection>& connections() const { return connections_; }
  const WitnessedConnection* find(Connection connection) const {
    const auto found = connections_.find(connection);
    return found == connections_.end() ? nullptr : &found->second;
  }

  /// A Messenger was destroyed or crashed, and with it all its connections ended.
  void forget_messenger() {
    for (auto& [connection, witnessed] : connections_) {
      model_.close(witnessed.number);
      witnessed.closed = witnessed.closed.value_or(close_code::going_away);
    }
    opened_ = 0;
    closed_ = 0;
    paused_ = 0;
    packets_ = 0;
  }

  std::uint64_t opened() const { return opened_; }
  std::uint64_t closed() const { return closed_; }
  std::uint64_t paused() const { return paused_; }
  std::uint64_t packets() const { return packets_; }

  /// The first thing that was not as it must be; empty when there was none.
  const std::string& fault() const { return fault_; }

  /// What the client of a connection sent and received against what the Messenger saw and made. Empty when they agree.
  std::string compare(const test::Line& line) const {
    const WitnessedConnection* seen = find(line.connection);
    if (seen == nullptr) {
      return line.received.empty() ? "" : "something was received on a connection that was never opened";
    }
    if (!is_prefix(seen->requests, line.sent)) {
      return "the Messenger saw requests that were not sent, or in another order";
    }
    if (!is_prefix(line.received, seen->replies)) {
      return "replies arrived that were not made for this connection, or in another order";
    }
    return "";
  }

 private:
  static bool is_prefix(const std::vector<Bytes>& beginning, const std::vector<Bytes>& whole) {
    return beginning.size() <= whole.size() && std::equal(beginning.begin(), beginning.end(), whole.begin());
  }

  void expect(bool condition, const char* explanation) {
    if (!condition && fault_.empty()) {
      fault_ = explanation;
    }
  }

  WitnessedConnection& known(Connection connection) {
    expect(connections_.contains(connection), "an event names a connection that was not opened");
    return connections_[connection];
  }

  void see(const event::ConnectionOpened& event) {
    expect(!connections_.contains(event.connection), "a connection was opened twice");
    expect(event.peer.starts_with("peer"), "the name of the peer is lost");
    connections_[event.connection].number = ++numbers_;
    ++opened_;
  }

  void see(const event::ConnectionClosed& event) {
    WitnessedConnection& connection = known(event.connection);
    expect(!connection.closed, "a connection was closed twice");
    connection.closed = event.code;
    model_.close(connection.number);
    ++closed_;
  }

  void see(const event::PacketReceived& event) {
    WitnessedConnection& connection = known(event.connection);
    expect(connection.is_open(), "a request was taken from a connection that is closed or being closed");
    expect(!connection.paused, "a request was taken from a paused connection");
    expect(!owed_, "a request was not answered before the next");
    Bytes request{event.packet.begin(), event.packet.end()};
    owed_ = {event.connection, model_.answer(connection.number, request)};
    connection.requests.push_back(std::move(request));
    ++packets_;
  }

  void see(const event::PacketSent& event) {
    WitnessedConnection& connection = known(event.connection);
    Bytes reply{event.packet.begin(), event.packet.end()};
    expect(owed_ && owed_->first == event.connection, "a reply to nothing");
    expect(owed_ && owed_->second == reply, "the reply is not the model's");
    owed_.reset();
    connection.replies.push_back(std::move(reply));
    connection.marks.push_back(mark());
  }

  void see(const event::ConnectionPaused& event) {
    WitnessedConnection& connection = known(event.connection);
    expect(connection.is_open() && !connection.paused, "a connection was paused that cannot be");
    connection.paused = true;
    connection.paused_at = now();
    connection.pause_number = ++pauses_;
    ++paused_;
  }

  void see(const event::ConnectionResumed& event) {
    WitnessedConnection& connection = known(event.connection);
    expect(connection.is_open() && connection.paused, "a connection was resumed that was not paused");
    expect(may_resume(event.connection), "a connection was resumed while something waits for its peer");
    connection.paused = false;
    if (watches_order_of_resuming_ && last_resumed_at_ == now()) {
      expect(connection.pause_number > last_resumed_, "somebody who waited longer was resumed later");
    }
    last_resumed_ = connection.pause_number;
    last_resumed_at_ = now();
  }

  void see(const event::ConnectionRefused& event) {
    WitnessedConnection& connection = known(event.connection);
    expect(connection.is_open(), "a connection was refused that is closed or being closed");
    expect(!event.reason.empty() && event.reason.size() <= 123, "a connection was refused without a reason");
    connection.refused = event.code;
    connection.refused_at = now();
  }

  void see(const event::CredentialRejected&) { expect(false, "a credential was rejected, and none is asked for"); }

  void see(const event::StoreFailed& event) {
    expect(static_cast<bool>(event.error), "the store failed without an error");
    model_.set_store_available(false);
    model_.load({});
  }

  void see(const event::StoreRecovered& event) {
    model_.set_store_available(true);
    model_.load(stored_messages());
    expect(event.messages == model_.held(), "not as many messages were loaded as the store has");
  }

  ClassicModel model_;
  std::map<Connection, WitnessedConnection> connections_;
  std::optional<std::pair<Connection, Bytes>> owed_;
  Peer numbers_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t closed_ = 0;
  std::uint64_t paused_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t pauses_ = 0;
  bool watches_order_of_resuming_ = false;
  std::uint64_t last_resumed_ = 0;
  std::optional<SteadyTime> last_resumed_at_;
  std::string fault_;
};

}  // namespace restante::property
