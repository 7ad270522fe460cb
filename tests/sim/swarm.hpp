// A scenario in which much goes wrong, another one for each seed: sizes and times are drawn as well as faults.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include <restante/memory/random.hpp>
#include <restante/sim/scenario.hpp>

namespace restante::sim {

/// What goes wrong in the swarm of either protocol.
inline FaultRates swarm_faults() {
  using namespace std::chrono_literals;
  return {.breaks = 60,
          .half_open = 30,
          .stalls = 60,
          .partitions = 30,
          .client_crashes = 30,
          .server_crashes = 20,
          .server_sleeps = 10,
          .store_failures = 40,
          .store_outages = 10,
          .store_slowdowns = 20,
          .lasts_max = 3s,
          .swarm = true};
}

namespace detail {

inline void add_swarm_clients(Scenario& scenario, Random& random) {
  using namespace std::chrono_literals;
  scenario.groups.push_back({.name = "friends",
                             .count = static_cast<std::uint32_t>(random.between(std::uint64_t{2}, std::uint64_t{4})),
                             .id = 1,
                             .push_every = random.between(100ms, 400ms),
                             .push_burst = static_cast<std::uint32_t>(1 + random.below(6)),
                             .get_every = random.between(50ms, 600ms),
                             .drain = random.chance(1, 2)});
  scenario.groups.push_back({.name = "slow reader",
                             .id = 10,
                             .push_every = random.between(150ms, 500ms),
                             .push_burst = static_cast<std::uint32_t>(1 + random.below(10)),
                             .get_every = random.between(50ms, 500ms),
                             .stops_reading_every = random.between(500ms, 4s),
                             .stops_reading_for = random.between(200ms, 6s)});
  scenario.groups.push_back({.name = "rivals",
                             .count = 2,
                             .id = 20,
                             .same_id = true,
                             .push_every = 300ms,
                             .push_to = {1, 2, 10, 20},
                             .get_every = 400ms,
                             .leaves_every = random.between(500ms, 3s),
                             .leaves_for = random.between(50ms, 1500ms)});
  scenario.groups.push_back({.name = "guest",
                             .id = 30,
                             .starts_at = random.between(0ms, 2s),
                             .push_every = 200ms,
                             .push_to = {1, 20},
                             .get_every = 3s});
  scenario.groups.push_back({.name = "rowdy",
                             .id = 40,
                             .raw = true,
                             .push_every = random.between(20ms, 300ms),
                             .push_burst = static_cast<std::uint32_t>(1 + random.below(4)),
                             .get_every = 200ms,
                             .leaves_every = random.between(500ms, 3s),
                             .leaves_for = 50ms,
                             .garbage_every = random.between(10ms, 300ms),
                             .text_every = random.between(1s, 10s)});
}

}  // namespace detail

/// The same for the same seed. Half of them have a disk. Everything is small, so that every bound is met within
/// seconds.
inline Scenario swarm_scenario(std::uint64_t seed) {
  using namespace std::chrono_literals;
  Random random = Random{seed}.fork("swarm scenario");
  Scenario scenario;
  scenario.name = "swarm";
  scenario.duration = 10s;
  // Less than a client waits for a reply, so that a reply that never comes is noticed.
  scenario.heals_within = 29s;
  scenario.mailbox_messages_max = static_cast<std::uint32_t>(random.between(std::uint64_t{1}, std::uint64_t{8}));
  scenario.waiting_bytes_max = static_cast<std::uint32_t>(random.between(std::uint64_t{16}, std::uint64_t{800}));
  scenario.stuck_after = random.between(500ms, 4s);
  scenario.link = {.latency = random.between(0ms, 8ms),
                   .jitter = random.chance(1, 2) ? random.between(0ms, 8ms) : Duration::zero(),
                   .bytes_per_second = random.chance(1, 4) ? std::uint64_t{20'000} : 0,
                   .window_bytes = random.between(std::uint64_t{150}, std::uint64_t{2'000})};
  if (random.chance(1, 2)) {
    scenario.disk = DiskOptions{.sync = random.between(1ms, 30ms), .sync_jitter = random.between(0ms, 30ms)};
    scenario.disk->transactions = Random{seed}.fork("swarm disk").chance(1, 2);
  }
  detail::add_swarm_clients(scenario, random);
  if (random.chance(1, 8)) {
    // Somebody who is silent for longer than a client waits for a reply.
    scenario.duration = 90s;
    // In so long a time a client may have failed often enough to wait for half a minute before it tries again.
    scenario.heals_within = 1min;
    scenario.groups = {{.name = "rare", .count = 2, .id = 1, .push_every = 40s, .get_every = 65s}};
  }
  scenario.faults = swarm_faults();
  return scenario;
}

}  // namespace restante::sim
