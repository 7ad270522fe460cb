// Scenarios for properties: generators for rapidcheck, whose counterexamples shrink to few clients and few commands.
//
// This is the only header of the simulator that needs rapidcheck. Whoever includes it links rapidcheck himself.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <restante/memory/link.hpp>
#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>
#include <restante/sim/scenario_fields.hpp>
#include <restante/sim/scenario_text.hpp>
#include <restante/sim/store.hpp>
#include <restante/time.hpp>

namespace restante::sim {

/// A scenario and the seed that decides what its links do: run(example.scenario, example.seed). rapidcheck prints it as
/// a file for restante-sim, and draws one by itself where a property asks for an Example.
struct Example {
  Scenario scenario;
  std::uint64_t seed = 1;
};

// NOLINTBEGIN(readability-identifier-naming): rapidcheck looks for this name.
/// For rapidcheck, which prints counterexamples with it.
inline void showValue(const Example& example, std::ostream& stream) {
  stream << "\n"
         << to_toml(example.scenario,
                    "restante-sim run this.toml --seed " + std::to_string(example.seed) + " --report this.html");
}

inline void showValue(const Action& action, std::ostream& stream) {
  stream << to_toml(action);
}
// NOLINTEND(readability-identifier-naming)

/// Runs an example, and fails the property that calls it with what the checkers say, unless everything held.
inline void check_held(const Example& example) {
  const RunResult result = run(example.scenario, example.seed);
  if (result.outcome == Outcome::held) {
    return;
  }
  std::string sentences;
  for (const std::vector<Violation>* const found : {&result.violations, &result.liveness_failures}) {
    for (const Violation& violation : *found) {
      sentences += violation.checker + ": " + violation.sentence + "\n";
    }
  }
  for (const std::string& unmet : result.unmet) {
    sentences += "expectation: " + unmet + "\n";
  }
  RC_FAIL(sentences);
}

/// How large examples get.
struct ExampleLimits {
  /// At least 1, at most 256.
  std::uint32_t clients_max = 4;
  /// How many commands a schedule has at most.
  std::size_t commands_max = 20;
  /// At least a millisecond. Simulated time; how long the run of an example takes grows with it.
  Duration duration_max = std::chrono::seconds{10};
};

namespace detail {

/// Parts that were drawn each by itself, so that each shrinks by itself, made one that fits together.
inline Scenario fit_together(std::vector<ClientGroup> clients, std::vector<Action> schedule) {
  Scenario scenario;
  scenario.name = "example";
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i].name = "client " + std::to_string(i);
    // Whoever of them holds the id at the end: all of them empty its mailbox, or none.
    for (std::size_t other = 0; other < clients.size(); ++other) {
      if (clients[i].id == clients[other].id && clients[i].get_every == Duration::zero()) {
        clients[i].get_every = clients[other].get_every;
      }
    }
  }
  for (Action& action : schedule) {
    action.client %= static_cast<std::uint32_t>(clients.size());
  }
  scenario.groups = std::move(clients);
  scenario.actions = std::move(schedule);
  return scenario;
}

}  // namespace detail

namespace gen {

/// One of some values; shrinks to the first of them.
template <class Value>
rc::Gen<Value> one_of(std::vector<Value> values) {
  const std::size_t count = values.size();
  return rc::gen::map(rc::gen::inRange<std::size_t>(0, count),
                      [values = std::move(values)](std::size_t index) { return values[index]; });
}

/// From `least` to `most`, in whole milliseconds; shrinks to `least`.
inline rc::Gen<Duration> duration(Duration least, Duration most) {
  using std::chrono::milliseconds;
  return rc::gen::map(rc::gen::inRange<std::int64_t>(least / milliseconds{1}, most / milliseconds{1} + 1),
                      [](std::int64_t count) { return Duration{milliseconds{count}}; });
}

/// Not at all, or once in a time between the two; shrinks to not at all.
inline rc::Gen<Duration> period(Duration least, Duration most) {
  return rc::gen::oneOf(rc::gen::just(Duration::zero()), duration(least, most));
}

/// A stream: how late, how narrow, how uneven; shrinks to what is usual.
inline rc::Gen<LinkOptions> link() {
  using namespace std::chrono_literals;
  return rc::gen::map(
      rc::gen::tuple(duration(1ms, 50ms), duration(0ms, 50ms), one_of<std::uint64_t>({65'536, 2'000, 200}),
                     one_of<std::uint64_t>({0, 100'000, 10'000})),
      [](const auto& drawn) {
        LinkOptions link;
        std::tie(link.latency, link.jitter, link.window_bytes, link.bytes_per_second) = drawn;
        return link;
      });
}

/// One client: how often it pushes, looks into its mailbox, does not read, and leaves. Ids are few, so that some want
/// the same. Shrinks to a client that does nothing.
inline rc::Gen<ClientGroup> client() {
  using namespace std::chrono_literals;
  return rc::gen::map(rc::gen::tuple(rc::gen::inRange<unsigned>(0, 4), period(50ms, 2s),
                                     rc::gen::inRange<std::uint32_t>(1, 5), rc::gen::inRange<std::uint32_t>(0, 255),
                                     period(50ms, 2s), rc::gen::arbitrary<bool>(), period(1s, 5s), period(1s, 5s)),
                      [](const auto& drawn) {
                        ClientGroup client;
                        client.id = static_cast<classic::ClientId>(std::get<0>(drawn));
                        client.push_every = std::get<1>(drawn);
                        client.push_burst = std::get<2>(drawn);
                        client.payload_bytes_min = 0;
                        client.payload_bytes_max = std::get<3>(drawn);
                        client.get_every = std::get<4>(drawn);
                        client.drain = !std::get<5>(drawn);
                        client.stops_reading_every = std::get<6>(drawn);
                        client.stops_reading_for = client.stops_reading_every / 2;
                        client.leaves_every = std::get<7>(drawn);
                        client.leaves_for = client.leaves_every / 2;
                        return client;
                      });
}

/// One command of a schedule: something is done to the network, to a machine, to a client or to the disk at some time
/// before `duration`. Who has none, leaves out what is done to disks.
inline rc::Gen<Action> command(std::uint32_t clients, Duration duration, bool disk) {
  using namespace std::chrono_literals;
  std::vector<ActionKind> kinds{ActionKind::break_connection,
                                ActionKind::break_half_open,
                                ActionKind::stall_to_server,
                                ActionKind::stall_to_client,
                                ActionKind::stall_ends,
                                ActionKind::partition_to_server,
                                ActionKind::partition_to_client,
                                ActionKind::partition_ends,
                                ActionKind::connect,
                                ActionKind::disconnect,
                                ActionKind::crash_client,
                                ActionKind::stop_reading,
                                ActionKind::read_on,
                                ActionKind::text,
                                ActionKind::crash_server,
                                ActionKind::start_server,
                                ActionKind::server_sleeps,
                                ActionKind::server_wakes};
  if (disk) {
    kinds.insert(kinds.end(), {ActionKind::store_fails, ActionKind::store_unreadable, ActionKind::store_readable,
                               ActionKind::store_slow, ActionKind::store_fast});
  }
  return rc::gen::map(rc::gen::tuple(gen::duration(0ms, duration - 1ms), rc::gen::elementOf(std::move(kinds)),
                                     rc::gen::inRange<std::uint32_t>(0, clients), gen::duration(1ms, 3s)),
                      [](const auto& drawn) {
                        Action action;
                        std::tie(action.at, action.kind, action.client, action.duration) = drawn;
                        action.client = detail::concerns_client(action.kind) ? action.client : 0;
                        action.duration = detail::has_duration(action.kind) ? action.duration : Duration::zero();
                        return action;
                      });
}

/// A fault schedule: a list of commands in the order of time, at most so many. Shrinks to fewer, and to earlier ones.
inline rc::Gen<std::vector<Action>> schedule(std::uint32_t clients, Duration duration, bool disk,
                                             std::size_t commands_max) {
  return rc::gen::map(rc::gen::container<std::vector<Action>>(command(clients, duration, disk)),
                      [commands_max](std::vector<Action> actions) {
                        actions.resize(std::min(actions.size(), commands_max));
                        std::stable_sort(actions.begin(), actions.end(),
                                         [](const Action& left, const Action& right) { return left.at < right.at; });
                        return actions;
                      });
}

/// A whole scenario: clients and what they do, their network, small limits so that they are met, perhaps a disk, and a
/// fault schedule. Shrinks to one client that does nothing and to which nothing happens.
inline rc::Gen<Example> example(ExampleLimits limits = {}) {
  using namespace std::chrono_literals;
  const auto clients = rc::gen::mapcat(rc::gen::inRange<std::size_t>(1, limits.clients_max + 1), [](std::size_t count) {
    return rc::gen::container<std::vector<ClientGroup>>(count, client());
  });
  return rc::gen::map(
      rc::gen::tuple(clients, schedule(limits.clients_max, limits.duration_max, true, limits.commands_max),
                     duration(1ms, limits.duration_max), link(), one_of<std::uint32_t>({100, 10, 1}),
                     one_of<std::uint32_t>({64 * 1024, 500, 50}), rc::gen::arbitrary<bool>(),
                     rc::gen::inRange<std::uint64_t>(1, 1'000'000)),
      [](const auto& drawn) {
        Example example{detail::fit_together(std::get<0>(drawn), std::get<1>(drawn)), std::get<7>(drawn)};
        Scenario& scenario = example.scenario;
        scenario.duration = std::get<2>(drawn);
        scenario.link = std::get<3>(drawn);
        scenario.mailbox_messages_max = std::get<4>(drawn);
        scenario.waiting_bytes_max = std::get<5>(drawn);
        scenario.stuck_after = 2s;
        if (std::get<6>(drawn)) {
          scenario.disk = DiskOptions{};
        }
        // What comes after the end, or is for a disk that is not there, would only have to be read.
        std::erase_if(scenario.actions, [&scenario](const Action& action) {
          return action.at >= scenario.duration || (action.kind >= ActionKind::store_fails && !scenario.disk);
        });
        return example;
      });
}

}  // namespace gen

}  // namespace restante::sim

template <>
struct rc::Arbitrary<restante::sim::Example> {
  static rc::Gen<restante::sim::Example> arbitrary() { return restante::sim::gen::example(); }
};
