// Does what a plan says, one action after the other.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <restante/classic/packet.hpp>
#include <restante/memory/random.hpp>
#include <restante/sim/scenario.hpp>
#include <restante/sim/simulation.hpp>

namespace restante::sim {

/// Performs actions on a simulation: those of a plan, or those that a test of one's own draws. Payloads and garbage
/// come from the seed of the simulation.
class Performer {
 public:
  /// `simulation` must live longer.
  explicit Performer(Simulation& simulation)
      : simulation_{simulation}, garbage_{simulation.network().random("garbage")} {}

  /// Does it now, whatever the action says about when. Nothing happens where its client is not part of the simulation,
  /// or where it is for a disk and there is none. Must not be called by an event of the network that belongs to the
  /// server or to a client.
  void perform(const Action& action) {
    if (action.client < simulation_.clients().size()) {
      act(action, *simulation_.clients()[action.client]);
    }
  }

 private:
  void act(const Action& action, SimulatedClient& client) {
    switch (action.kind) {
      case ActionKind::connect:
        return client.connect();
      case ActionKind::disconnect:
        return client.disconnect();
      case ActionKind::crash_client:
        simulation_.note("crash", client.index());
        return client.crash();
      case ActionKind::push:
        return client.correspondent() == nullptr ? client.push(action.to, payload(action))
                                                 : client.push(action.receiver, std::size_t{action.bytes});
      case ActionKind::get:
        return client.get();
      case ActionKind::drain:
        return client.get(true);
      case ActionKind::garbage:
        return send_garbage(client, action.bytes);
      case ActionKind::text:
        return client.send_text("this is no packet");
      case ActionKind::stop_reading:
        simulation_.note("stops reading", client.index());
        return client.pause_reading();
      case ActionKind::read_on:
        return client.resume_reading();
      default:
        return act_on_network(action, client);
    }
  }

  void act_on_network(const Action& action, SimulatedClient& client) {
    switch (action.kind) {
      case ActionKind::break_connection:
        return simulation_.break_connection(client);
      case ActionKind::break_half_open:
        return simulation_.break_connection(client, {.server_learns_after = action.duration});
      case ActionKind::stall_to_server:
        return simulation_.set_stalled(client, Direction::to_server, true);
      case ActionKind::stall_to_client:
        return simulation_.set_stalled(client, Direction::to_client, true);
      case ActionKind::stall_ends:
        simulation_.set_stalled(client, Direction::to_server, false);
        return simulation_.set_stalled(client, Direction::to_client, false);
      case ActionKind::partition_to_server:
        return simulation_.set_partitioned(client, Direction::to_server, true);
      case ActionKind::partition_to_client:
        return simulation_.set_partitioned(client, Direction::to_client, true);
      case ActionKind::partition_ends:
        simulation_.set_partitioned(client, Direction::to_server, false);
        return simulation_.set_partitioned(client, Direction::to_client, false);
      default:
        return act_on_server(action);
    }
  }

  void act_on_server(const Action& action) {
    switch (action.kind) {
      case ActionKind::crash_server:
        return simulation_.crash_server();
      case ActionKind::start_server:
        return simulation_.start_server();
      case ActionKind::server_sleeps:
        return simulation_.set_server_frozen(true);
      case ActionKind::server_wakes:
        return simulation_.set_server_frozen(false);
      default:
        break;
    }
    Disk* const disk = simulation_.disk();
    if (disk == nullptr) {
      return;
    }
    if (action.kind == ActionKind::store_fails) {
      simulation_.note("the next sync fails");
      disk->fail_next(1);
    } else if (action.kind == ActionKind::store_unreadable || action.kind == ActionKind::store_readable) {
      simulation_.note(action.kind == ActionKind::store_unreadable ? "the disk is gone" : "the disk is back");
      disk->set_unreadable(action.kind == ActionKind::store_unreadable);
      if (action.kind == ActionKind::store_unreadable) {
        disk->fail_next(1);
      }
    } else if (action.kind == ActionKind::store_slow || action.kind == ActionKind::store_fast) {
      disk->set_slower_by(action.kind == ActionKind::store_slow ? action.duration : Duration::zero());
    }
  }

  // Every payload of a run is another, so that none can be taken for another.
  std::string_view payload(const Action& action) {
    const std::size_t size = std::min<std::size_t>(action.bytes, classic::payload_bytes_max);
    std::uint64_t number = ++payloads_;
    for (std::size_t i = 0; i < size; ++i) {
      payload_[i] = i < 8 ? static_cast<char>('a' + number % 26) : static_cast<char>('a' + i % 26);
      number /= 26;
    }
    return {payload_.data(), size};
  }

  void send_garbage(SimulatedClient& client, std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    for (std::uint8_t& byte : bytes) {
      // Small numbers are types and codes: they reach further.
      byte = static_cast<std::uint8_t>(garbage_.chance(1, 2) ? garbage_.below(4) : garbage_.next());
    }
    if (size >= 5 && garbage_.chance(1, 4)) {
      make_push(client, bytes);
    } else if (size >= 3 && garbage_.chance(1, 3)) {
      // The type and the code of any packet, with the client's own id, and perhaps a byte too many.
      bytes[0] = static_cast<std::uint8_t>(garbage_.below(3));
      bytes[1] = static_cast<std::uint8_t>(garbage_.below(4));
      bytes[2] = client.id();
      bytes.resize(3 + size % 2);
    }
    client.send(bytes);
  }

  // A PUSH but for its length byte: one less or one more than there is, too long, or only the lowest byte of it.
  void make_push(const SimulatedClient& client, std::vector<std::uint8_t>& bytes) {
    const std::size_t length = bytes.size() - 5;
    bytes[0] = 2;
    bytes[1] = 1;
    bytes[2] = client.id();
    bytes[4] = static_cast<std::uint8_t>(length >= 255 ? length : length + (garbage_.chance(1, 2) ? 1 : 255));
  }

  Simulation& simulation_;
  Random garbage_;
  std::uint64_t payloads_ = 0;
  std::array<char, classic::payload_bytes_max> payload_{};
};

}  // namespace restante::sim
