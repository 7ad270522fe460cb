// A scenario of restante.v2 in which much goes wrong, another one for each seed: who there is, sizes and times are
// drawn as well as faults.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include <restante/memory/random.hpp>
#include <restante/sim/scenario.hpp>

#include "swarm.hpp"

namespace restante::sim {

namespace detail {

// What all kinds of programs have in common.
inline ClientGroup v2_swarm_client(Random& random, std::string name, std::vector<std::string> rooms) {
  using namespace std::chrono_literals;
  ClientGroup group;
  group.name = name;
  group.address = std::move(name);
  group.rooms = std::move(rooms);
  group.keeps_offsets = random.chance(1, 2);
  group.keeps_outbox = random.chance(1, 2);
  group.asks_receipts = random.chance(1, 2);
  group.push_every = random.between(60ms, 500ms);
  group.push_burst = static_cast<std::uint32_t>(1 + random.below(6));
  group.payload_bytes_max = random.chance(1, 4) ? 250 : 60;
  group.messages_in_hand_max = static_cast<std::uint32_t>(1 + random.below(8));
  group.fetch_bytes_max = random.chance(1, 2) ? static_cast<std::uint32_t>(random.below(300)) : 100'000;
  group.pushes_per_receiver_max = random.chance(1, 2) ? 1 : static_cast<std::uint32_t>(2 + random.below(20));
  group.time_to_live = random.chance(1, 3) ? random.between(20ms, 600ms) : Duration::zero();
  group.handles_for = random.chance(1, 3) ? random.between(1ms, 300ms) : Duration::zero();
  group.storage_fails_every = random.chance(1, 4) ? static_cast<std::uint32_t>(10 + random.below(100)) : 0;
  return group;
}

inline void add_v2_swarm_clients(Scenario& scenario, Random& random) {
  using namespace std::chrono_literals;
  scenario.groups.push_back(v2_swarm_client(random, "friend", {"#tea"}));
  scenario.groups.back().count = static_cast<std::uint32_t>(random.between(std::uint64_t{2}, std::uint64_t{3}));
  scenario.groups.push_back(v2_swarm_client(random, "reader", {"#tea", "#news"}));
  scenario.groups.back().stops_reading_every = random.between(500ms, 4s);
  scenario.groups.back().stops_reading_for = random.between(200ms, 4s);
  scenario.groups.push_back(v2_swarm_client(random, "guest", {"#news"}));
  scenario.groups.back().starts_at = random.between(0ms, 4s);
  scenario.groups.back().leaves_every = random.between(500ms, 4s);
  scenario.groups.back().leaves_for = random.between(50ms, 1500ms);
  scenario.groups.push_back(v2_swarm_client(random, "rude", {}));
  scenario.groups.back().push_to_addresses = {"friend0", "rude", "reader"};
  scenario.groups.back().text_every = random.between(1s, 8s);
  if (random.chance(1, 4)) {
    // Who speaks the classic protocol at the same server.
    scenario.groups.push_back(
        {.name = "classic", .count = 2, .id = 1, .push_every = 200ms, .push_to = {1, 2}, .get_every = 300ms});
  }
}

}  // namespace detail

/// The same for the same seed. Half of them have a disk. Everything is small, so that every bound is met within
/// seconds.
inline Scenario v2_swarm_scenario(std::uint64_t seed) {
  using namespace std::chrono_literals;
  Random random = Random{seed}.fork("v2 swarm scenario");
  Scenario scenario;
  scenario.name = "v2 swarm";
  scenario.duration = 8s;
  // Less than a client waits for a reply, so that one that never comes is noticed.
  scenario.heals_within = 29s;
  scenario.address_messages_max = static_cast<std::uint32_t>(random.between(std::uint64_t{2}, std::uint64_t{30}));
  scenario.sender_messages_max = static_cast<std::uint32_t>(random.between(std::uint64_t{1}, std::uint64_t{15}));
  scenario.room_messages_max = static_cast<std::uint32_t>(random.between(std::uint64_t{1}, std::uint64_t{20}));
  scenario.waiting_bytes_max = static_cast<std::uint32_t>(random.between(std::uint64_t{100}, std::uint64_t{2'000}));
  scenario.stuck_after = random.between(500ms, 4s);
  scenario.link = {.latency = random.between(0ms, 15ms),
                   .jitter = random.chance(1, 2) ? random.between(0ms, 15ms) : Duration::zero(),
                   .window_bytes = random.between(std::uint64_t{300}, std::uint64_t{4'000})};
  if (random.chance(1, 2)) {
    scenario.disk = DiskOptions{.sync = random.between(1ms, 30ms), .sync_jitter = random.between(0ms, 30ms)};
    scenario.disk->transactions = Random{seed}.fork("v2 swarm disk").chance(1, 2);
  }
  detail::add_v2_swarm_clients(scenario, random);
  if (random.chance(1, 16)) {
    // So many pushes under way that the window of numbers is met.
    scenario.groups.push_back(detail::v2_swarm_client(random, "hurried", {"#tea"}));
    scenario.groups.back().push_every = 400ms;
    scenario.groups.back().push_burst = 40;
    scenario.groups.back().pushes_per_receiver_max = 400;
  }
  scenario.faults = swarm_faults();
  return scenario;
}

}  // namespace restante::sim
