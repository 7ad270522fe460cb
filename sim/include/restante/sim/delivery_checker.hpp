// Does what was sent arrive? Judged by what goes over both ends of the wire.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <restante/sim/connection_table.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>

namespace restante::sim {

/// Checks, for each connection and both ways, that what arrives was sent. On a stream it comes in order and without
/// gaps from the beginning, whatever happens to the connection. On a datagram link a message may be missing, come again
/// or come late, and that is counted to the link's account. Messages that left a mailbox and did not reach the client
/// are counted.
class DeliveryChecker final : public Observer {
 public:
  explicit DeliveryChecker(Findings& findings) : findings_{findings} {}

  /// What connections of a client are like from the next one on; streams, where nothing was said.
  void set_datagram(ClientIndex client, bool datagram) {
    if (client >= datagram_.size()) {
      datagram_.resize(std::size_t{client} + 1);
    }
    datagram_[client] = datagram;
  }

  void observe(const Entry& entry) override {
    switch (entry.kind) {
      case EntryKind::opening: {
        Wire& wire = wires_.insert(entry.connection);
        wire.datagram = entry.client < datagram_.size() && datagram_[entry.client];
        break;
      }
      case EntryKind::sent_by_client:
        sent(entry, to_server);
        break;
      case EntryKind::sent_by_server:
        sent(entry, to_client);
        break;
      case EntryKind::received_by_server:
        received(entry, to_server);
        break;
      case EntryKind::received_by_client:
        received(entry, to_client);
        break;
      case EntryKind::closed_at_client:
        closed(entry, to_client);
        break;
      case EntryKind::closed_at_server:
        closed(entry, to_server);
        break;
      case EntryKind::opened_at_server:
        if (Wire* const wire = wires_.find(entry.connection); wire != nullptr) {
          wire->opened_at_server = true;
        }
        break;
      case EntryKind::server_crashed:
        server_crashed();
        break;
      default:
        break;
    }
  }

  /// The server closes a connection because its peer does not read: then there must be something to read.
  void check_stuck(SteadyTime time, Connection connection) {
    const Wire* const wire = wires_.find(connection);
    if (wire != nullptr && !wire->datagram && !wire->ended[to_client] && wire->under_way[to_client].empty()) {
      findings_.violation(checker_name, time, "a connection was closed as stuck whose peer had read everything");
    }
  }

  /// After everything healed and fell quiet: on a stream that stands, nothing may be missing.
  void check_quiet(SteadyTime time) {
    wires_.for_each([&](Connection, const Wire& wire) {
      if (wire.datagram || wire.ended[to_client] || wire.ended[to_server]) {
        return;
      }
      const std::size_t missing = wire.under_way[to_client].size() + wire.under_way[to_server].size();
      if (missing > 0) {
        findings_.liveness_failure(checker_name, time,
                                   std::to_string(missing) + " messages did not arrive on a connection that stands");
      }
    });
  }

 private:
  static constexpr std::string_view checker_name = "delivery";
  static constexpr std::size_t to_server = 0;
  static constexpr std::size_t to_client = 1;

  struct Sent {
    std::uint64_t fingerprint = 0;
    /// GETRESPONSE: the message in it is nowhere else any more.
    bool is_response = false;
    bool arrived = false;
  };

  struct Wire {
    bool datagram = false;
    bool opened_at_server = false;
    /// Nothing can arrive any more in this direction.
    std::array<bool, 2> ended{};
    /// On a stream what was sent and has not arrived; on a datagram link all that was sent.
    std::array<Queue<Sent>, 2> under_way;
  };

  void sent(const Entry& entry, std::size_t direction) {
    Wire* const wire = wires_.find(entry.connection);
    if (wire == nullptr) {
      findings_.violation(checker_name, entry.time, "something was sent on a connection that never was opened");
      return;
    }
    const bool is_response = direction == to_client && entry.bytes.size() >= 5 && entry.bytes[0] == 2;
    if (wire->ended[direction]) {
      lose(is_response);
    } else {
      wire->under_way[direction].push_back({fingerprint(entry.bytes), is_response, false});
    }
  }

  void received(const Entry& entry, std::size_t direction) {
    Wire* const wire = wires_.find(entry.connection);
    if (wire == nullptr) {
      findings_.violation(checker_name, entry.time, "something arrived on a connection that never was opened");
      return;
    }
    Queue<Sent>& under_way = wire->under_way[direction];
    const std::uint64_t arrived = fingerprint(entry.bytes);
    if (wire->datagram) {
      for (Sent& sent : under_way) {
        if (sent.fingerprint == arrived) {
          deliver(sent);
          return;
        }
      }
      findings_.violation(checker_name, entry.time, "something arrived that nobody had sent");
    } else if (under_way.empty() || under_way.front().fingerprint != arrived) {
      findings_.violation(checker_name, entry.time, "something else arrived than what was sent next");
    } else {
      deliver(under_way.front());
      under_way.pop_front();
    }
  }

  void deliver(Sent& sent) {
    if (sent.is_response && !sent.arrived) {
      ++findings_.totals.messages_delivered;
    }
    sent.arrived = true;
  }

  void closed(const Entry& entry, std::size_t direction) {
    Wire* const wire = wires_.find(entry.connection);
    if (wire == nullptr) {
      return;
    }
    if (entry.code == close_code::abnormal) {
      ++findings_.totals.connections_broken;
      if (!wire->under_way[direction].empty()) {
        findings_.sometimes.reach(Sometimes::connection_broke_with_data_in_flight);
      }
    }
    end(entry.connection, *wire, direction);
  }

  void end(Connection connection, Wire& wire, std::size_t direction) {
    if (wire.ended[direction]) {
      return;
    }
    wire.ended[direction] = true;
    for (const Sent& sent : wire.under_way[direction]) {
      if (!sent.arrived) {
        lose(sent.is_response);
      }
    }
    wire.under_way[direction].clear();
    if (wire.ended[0] && wire.ended[1]) {
      wires_.erase(connection);
    }
  }

  // What is on its way to a server that is gone does not arrive; who has not been let in yet may meet the next server.
  void server_crashed() {
    std::vector<Connection> gone;
    wires_.for_each([&gone](Connection connection, const Wire& wire) {
      if (wire.opened_at_server) {
        gone.push_back(connection);
      }
    });
    for (const Connection connection : gone) {
      end(connection, *wires_.find(connection), to_server);
    }
  }

  void lose(bool is_response) {
    if (is_response) {
      ++findings_.totals.messages_lost_with_connection;
      findings_.sometimes.reach(Sometimes::message_lost_with_connection);
    }
  }

  Findings& findings_;
  ConnectionTable<Wire> wires_;
  std::vector<bool> datagram_;
};

}  // namespace restante::sim
