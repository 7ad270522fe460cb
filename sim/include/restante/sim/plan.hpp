// From what a person said to what happens when: a list that can be run, written down, and made shorter.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/memory/random.hpp>
#include <restante/sim/scenario.hpp>

namespace restante::sim {

/// A client of a plan: which group it belongs to, and its id.
struct PlannedClient {
  std::uint32_t group = 0;
  classic::ClientId id = 0;
  std::string name = {};
  /// Of a client of restante.v2.
  std::string address = {};
};

/// Everything that a run does, in the order of time. What is due at the same time is done in the order of the list.
struct Plan {
  std::vector<PlannedClient> clients;
  std::vector<Action> actions;
};

namespace detail {

/// Turns one scenario and one seed into a plan. Each client and each kind of fault draws from a generator of its own,
/// so that changing one does not move the others.
class Planner {
 public:
  Planner(const Scenario& scenario, std::uint64_t seed) : scenario_{scenario}, random_{seed} {}

  Plan make() {
    make_clients();
    if (!scenario_.only_actions) {
      for (std::uint32_t client = 0; client < plan_.clients.size(); ++client) {
        plan_client(client);
      }
      plan_faults();
    }
    plan_.actions.insert(plan_.actions.end(), scenario_.actions.begin(), scenario_.actions.end());
    std::stable_sort(plan_.actions.begin(), plan_.actions.end(),
                     [](const Action& left, const Action& right) { return left.at < right.at; });
    return std::move(plan_);
  }

 private:
  void make_clients() {
    for (std::uint32_t number = 0; number < scenario_.groups.size(); ++number) {
      const ClientGroup& group = scenario_.groups[number];
      for (std::uint32_t member = 0; member < group.count; ++member) {
        const auto id = static_cast<classic::ClientId>(group.id + (group.same_id ? 0 : member));
        const bool is_one = group.count == 1;
        const bool has_number = group.speaks_v2() && !is_one;
        plan_.clients.push_back({number, id, is_one ? group.name : group.name + " " + std::to_string(member),
                                 has_number ? group.address + std::to_string(member) : group.address});
        if (group.speaks_v2()) {
          addresses_.push_back(plan_.clients.back().address);
        }
        members_.push_back(member);
      }
    }
  }

  void add(Duration at, ActionKind kind, std::uint32_t client, Action details = {}) {
    if (at >= Duration::zero() && at < scenario_.duration) {
      details.at = at;
      details.kind = kind;
      details.client = client;
      plan_.actions.push_back(details);
    }
  }

  // Calls `act(time)` each `period` between two times, the first after a part of it.
  template <class Act>
  static void each(Duration begin, Duration end, Duration period, Random& random, Act&& act) {
    if (period <= Duration::zero()) {
      return;
    }
    for (Duration at = begin + random.between(Duration::zero(), period); at < end; at += period) {
      act(at);
    }
  }

  void plan_client(std::uint32_t client) {
    const ClientGroup& group = scenario_.groups[plan_.clients[client].group];
    Random random = random_.fork("client").fork(client);
    const Duration begin = group.starts_at + group.starts_apart * members_[client];
    const Duration end = group.leaves_at > Duration::zero() ? group.leaves_at : scenario_.duration;
    add(begin, ActionKind::connect, client);
    Random when = random.fork("push");
    std::uint64_t pushed = 0;
    each(begin, end, group.push_every, when, [&](Duration at) {
      for (std::uint32_t i = 0; i < group.push_burst && (group.push_count == 0 || pushed < group.push_count); ++i) {
        plan_push(at, client, group, pushed++, when);
      }
    });
    Random gets = random.fork("get");
    each(begin, end, group.get_every, gets,
         [&](Duration at) { add(at, group.drain ? ActionKind::drain : ActionKind::get, client); });
    Random reads = random.fork("reads");
    each(begin, end, group.stops_reading_every, reads, [&](Duration at) {
      add(at, ActionKind::stop_reading, client);
      add(at + group.stops_reading_for, ActionKind::read_on, client);
    });
    Random leaves = random.fork("leaves");
    each(begin, end, group.leaves_every, leaves, [&](Duration at) {
      add(at, ActionKind::disconnect, client);
      add(at + group.leaves_for, ActionKind::connect, client);
    });
    Random garbage = random.fork("garbage");
    each(begin, end, group.garbage_every, garbage, [&](Duration at) {
      add(at, ActionKind::garbage, client, {.bytes = static_cast<std::uint32_t>(garbage.below(300))});
    });
    Random text = random.fork("text");
    each(begin, end, group.text_every, text, [&](Duration at) { add(at, ActionKind::text, client); });
    if (group.leaves_at > Duration::zero()) {
      add(group.leaves_at, ActionKind::disconnect, client);
    }
  }

  void plan_push(Duration at, std::uint32_t client, const ClientGroup& group, std::uint64_t number, Random& random) {
    Action push;
    if (group.speaks_v2()) {
      push.receiver = receiver_of(group, number, random);
    } else if (group.push_to.empty()) {
      push.to = plan_.clients[random.below(plan_.clients.size())].id;
    } else {
      push.to = group.push_to[number % group.push_to.size()];
    }
    push.bytes = static_cast<std::uint32_t>(
        random.between(std::uint64_t{group.payload_bytes_min}, std::uint64_t{group.payload_bytes_max}));
    add(at, ActionKind::push, client, push);
  }

  std::string receiver_of(const ClientGroup& group, std::uint64_t number, Random& random) const {
    if (!group.push_to_addresses.empty()) {
      return group.push_to_addresses[number % group.push_to_addresses.size()];
    }
    const std::uint64_t drawn = random.below(addresses_.size() + group.rooms.size());
    return drawn < addresses_.size() ? addresses_[drawn] : group.rooms[drawn - addresses_.size()];
  }

  // Faults.

  /// A fault that begins, and ends after a while.
  struct Lasting {
    ActionKind begins;
    ActionKind ends;
  };

  template <class Act>
  void each_fault(std::string_view name, std::uint32_t per_minute, Act&& act) {
    Random random = random_.fork("fault").fork(name);
    const Swarm swarm = draw_swarm(name);
    const std::uint64_t tenths = std::uint64_t{per_minute} * swarm.tenths;
    if (tenths == 0) {
      return;
    }
    // The mean distance of two faults; a draw between none and twice that keeps it.
    const Duration mean = Duration{std::chrono::minutes{10}} / static_cast<Duration::rep>(tenths);
    Duration at = random.between(Duration::zero(), mean * 2);
    while (at < scenario_.duration) {
      act(at, random);
      at += random.between(Duration{1}, mean * 2 + Duration{1});
    }
  }

  struct Swarm {
    std::uint64_t tenths = 10;
  };

  Swarm draw_swarm(std::string_view name) const {
    if (!scenario_.faults.swarm) {
      return {};
    }
    Random random = random_.fork("swarm").fork(name);
    return {random.chance(1, 2) ? random.between(std::uint64_t{1}, std::uint64_t{20}) : 0};
  }

  std::uint32_t any_client(Random& random) const {
    return static_cast<std::uint32_t>(random.below(plan_.clients.size()));
  }

  Duration some_time(Random& random) const { return random.between(Duration{1}, scenario_.faults.lasts_max); }

  void plan_lasting(std::string_view name, std::uint32_t per_minute, std::vector<Lasting> kinds, bool of_client,
                    Duration slower = {}) {
    each_fault(name, per_minute, [&](Duration at, Random& random) {
      const std::uint32_t client = of_client ? any_client(random) : 0;
      const Lasting kind = kinds[random.below(kinds.size())];
      add(at, kind.begins, client, {.duration = slower});
      // What does not end by itself does so when everything heals.
      add(at + some_time(random), kind.ends, client);
    });
  }

  void plan_faults() {
    if (plan_.clients.empty()) {
      return;
    }
    const FaultRates& rates = scenario_.faults;
    each_fault("breaks", rates.breaks,
               [&](Duration at, Random& random) { add(at, ActionKind::break_connection, any_client(random)); });
    each_fault("half_open", rates.half_open, [&](Duration at, Random& random) {
      // One after the other: compilers choose for themselves in which order they evaluate arguments.
      const std::uint32_t client = any_client(random);
      add(at, ActionKind::break_half_open, client, {.duration = some_time(random)});
    });
    plan_lasting(
        "stalls", rates.stalls,
        {{ActionKind::stall_to_server, ActionKind::stall_ends}, {ActionKind::stall_to_client, ActionKind::stall_ends}},
        true);
    plan_lasting("partitions", rates.partitions,
                 {{ActionKind::partition_to_server, ActionKind::partition_ends},
                  {ActionKind::partition_to_client, ActionKind::partition_ends}},
                 true);
    plan_lasting("client_crashes", rates.client_crashes, {{ActionKind::crash_client, ActionKind::connect}}, true);
    plan_lasting("server_crashes", rates.server_crashes, {{ActionKind::crash_server, ActionKind::start_server}}, false);
    plan_lasting("server_sleeps", rates.server_sleeps, {{ActionKind::server_sleeps, ActionKind::server_wakes}}, false);
    each_fault("store_failures", rates.store_failures,
               [&](Duration at, Random&) { add(at, ActionKind::store_fails, 0); });
    plan_lasting("store_outages", rates.store_outages, {{ActionKind::store_unreadable, ActionKind::store_readable}},
                 false);
    plan_lasting("store_slowdowns", rates.store_slowdowns, {{ActionKind::store_slow, ActionKind::store_fast}}, false,
                 std::chrono::milliseconds{200});
  }

  const Scenario& scenario_;
  Random random_;
  Plan plan_;
  /// Each client's number in its group.
  std::vector<std::uint32_t> members_;
  /// All addresses of restante.v2.
  std::vector<std::string> addresses_;
};

}  // namespace detail

/// What a scenario does with a seed: the same for the same, always.
inline Plan make_plan(const Scenario& scenario, std::uint64_t seed) {
  return detail::Planner{scenario, seed}.make();
}

}  // namespace restante::sim
