#include "states.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>

#include <restante/memory/link.hpp>
#include <restante/sim/plan.hpp>
#include <restante/time.hpp>

namespace restante_sim {
namespace {

using restante::Duration;
using restante::sim::Action;
using restante::sim::ActionKind;
using restante::sim::ClientGroup;
using restante::sim::FaultRates;
using restante::sim::Scenario;
using restante::sim::Sometimes;

/// What can happen in a scenario, gathered from its groups, its actions and the rates of its faults.
struct Possible {
  bool pushes = false;
  /// Roughly how many messages are pushed in all.
  double messages = 0;
  double mailbox_messages_max = 0;
  bool gets = false;
  bool garbage = false;
  bool has_client_that_returns = false;
  bool shared_ids = false;
  bool connections_break = false;
  bool server_learns_late = false;
  bool server_sleeps = false;
  bool readers_stop = false;
  bool server_crashes = false;
  bool store_fails = false;
  bool store_is_slow = false;
  bool disk = false;
  bool transactions = false;
  /// Who there is: clients of each protocol.
  bool has_classic = false;
  bool has_v2 = false;
  bool has_rooms = false;
  bool messages_expire = false;
};

bool shares_ids(const Scenario& scenario) {
  std::array<bool, 256> seen{};
  Scenario who;
  who.groups = scenario.groups;
  who.only_actions = true;
  for (const restante::sim::PlannedClient& client : restante::sim::make_plan(who, 0).clients) {
    if (!client.address.empty()) {
      continue;
    }
    if (seen[client.id]) {
      return true;
    }
    seen[client.id] = true;
  }
  return false;
}

void add_groups(const Scenario& scenario, Possible& possible) {
  for (const ClientGroup& group : scenario.groups) {
    const restante::LinkOptions& link = group.link ? *group.link : scenario.link;
    possible.has_classic |= !group.speaks_v2();
    possible.has_v2 |= group.speaks_v2();
    possible.has_rooms |= !group.rooms.empty();
    possible.messages_expire |= group.time_to_live > Duration::zero();
    possible.has_client_that_returns |= !group.raw;
    if (scenario.only_actions) {
      continue;
    }
    if (group.push_every > Duration::zero()) {
      const double times =
          static_cast<double>(scenario.duration.count()) / static_cast<double>(group.push_every.count());
      const double each = (times + 1) * group.push_burst;
      possible.messages +=
          group.count * (group.push_count == 0 ? each : std::min(each, static_cast<double>(group.push_count)));
      possible.pushes = true;
    }
    possible.gets |= group.get_every > Duration::zero() || group.speaks_v2();
    possible.garbage |= group.garbage_every > Duration::zero();
    possible.readers_stop |= group.stops_reading_every > Duration::zero() ||
                             (link.bytes_per_second > 0 && link.kind == restante::LinkKind::stream);
  }
}

void add_faults(const FaultRates& faults, Possible& possible) {
  possible.connections_break |= faults.breaks > 0 || faults.client_crashes > 0 || faults.half_open > 0;
  possible.server_learns_late |= faults.half_open > 0 || faults.server_sleeps > 0;
  possible.server_sleeps |= faults.server_sleeps > 0;
  possible.readers_stop |= faults.stalls > 0 || faults.partitions > 0;
  possible.server_crashes |= faults.server_crashes > 0;
  possible.store_fails |= faults.store_failures > 0 || faults.store_outages > 0;
  possible.store_is_slow |= faults.store_slowdowns > 0;
}

void add_action(ActionKind kind, Possible& possible) {
  const auto is_one_of = [kind](std::initializer_list<ActionKind> kinds) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  possible.pushes |= kind == ActionKind::push;
  possible.messages += kind == ActionKind::push ? 1 : 0;
  possible.gets |= is_one_of({ActionKind::get, ActionKind::drain});
  possible.garbage |= kind == ActionKind::garbage;
  possible.connections_break |=
      is_one_of({ActionKind::break_connection, ActionKind::break_half_open, ActionKind::crash_client});
  possible.server_learns_late |= is_one_of({ActionKind::break_half_open, ActionKind::server_sleeps});
  possible.server_sleeps |= kind == ActionKind::server_sleeps;
  possible.readers_stop |=
      is_one_of({ActionKind::stop_reading, ActionKind::stall_to_client, ActionKind::partition_to_client});
  possible.server_crashes |= kind == ActionKind::crash_server;
  possible.store_fails |= is_one_of({ActionKind::store_fails, ActionKind::store_unreadable});
  possible.store_is_slow |= kind == ActionKind::store_slow;
}

Possible possible_in(const Scenario& scenario) {
  Possible possible;
  add_groups(scenario, possible);
  if (!scenario.only_actions) {
    add_faults(scenario.faults, possible);
  }
  for (const Action& action : scenario.actions) {
    add_action(action.kind, possible);
  }
  possible.shared_ids = shares_ids(scenario);
  possible.mailbox_messages_max = possible.has_v2 ? scenario.address_messages_max : scenario.mailbox_messages_max;
  possible.disk = scenario.disk.has_value();
  possible.transactions = scenario.disk && scenario.disk->transactions;
  possible.connections_break |= possible.server_crashes || (possible.disk && possible.store_fails);
  return possible;
}

bool is_possible_with_v2(Sometimes state, const Possible& possible) {
  switch (state) {
    case Sometimes::push_repeated:
    case Sometimes::delivered_again:
    case Sometimes::handed_again:
      return possible.connections_break && possible.pushes;
    case Sometimes::push_unknown:
    case Sometimes::epoch_changed:
      return possible.server_crashes && !possible.disk;
    case Sometimes::message_expired:
      return possible.messages_expire && possible.pushes;
    case Sometimes::room_trimmed:
    case Sometimes::messages_missed:
      return possible.has_rooms && possible.pushes;
    case Sometimes::address_taken_over:
      return possible.server_learns_late;
    default:
      return false;
  }
}

bool is_possible(Sometimes state, const Possible& possible) {
  if (is_of_v2(state)) {
    return possible.has_v2 && is_possible_with_v2(state, possible);
  }
  const bool contended = possible.shared_ids || possible.server_learns_late;
  switch (state) {
    case Sometimes::mailbox_full:
      return possible.messages > possible.mailbox_messages_max;
    case Sometimes::associate_refused:
      return possible.has_classic && contended;
    case Sometimes::push_not_associated:
      return possible.has_classic && possible.pushes && contended;
    case Sometimes::get_not_associated:
      return possible.has_classic && possible.gets && contended;
    case Sometimes::malformed_answered:
      return possible.garbage;
    case Sometimes::connection_broke_with_data_in_flight:
      return possible.connections_break && (possible.pushes || possible.gets);
    case Sometimes::message_lost_with_connection:
      return possible.has_classic && possible.connections_break && possible.pushes && possible.gets;
    case Sometimes::connection_paused:
      return possible.readers_stop && (possible.pushes || possible.gets);
    case Sometimes::connection_stuck:
      return possible.readers_stop && (possible.pushes || possible.gets);
    case Sometimes::server_crashed_with_messages_held:
      return possible.server_crashes && possible.pushes;
    case Sometimes::server_crashed_during_commit:
      return possible.server_crashes && possible.disk && possible.pushes;
    case Sometimes::storage_unavailable_answered:
    case Sometimes::store_failed:
      return possible.store_fails && possible.disk && possible.pushes;
    case Sometimes::turns_committed_as_one:
      return possible.transactions && possible.pushes;
    case Sometimes::durable_told_with_failure:
      return possible.transactions && possible.pushes && possible.store_fails && possible.server_sleeps;
    case Sometimes::failed_commit_kept:
    case Sometimes::failed_commit_lost:
      return possible.transactions && possible.pushes && possible.store_fails;
    case Sometimes::id_restored:
      return possible.has_classic && possible.connections_break && possible.has_client_that_returns;
    case Sometimes::id_taken_on_return:
      return possible.has_classic && possible.has_client_that_returns && contended && possible.connections_break;
    case Sometimes::outcome_unknown:
      return possible.has_classic && possible.connections_break && possible.pushes && possible.has_client_that_returns;
    default:
      break;
  }
  return false;
}

}  // namespace

std::vector<Sometimes> possible_states(const Scenario& scenario) {
  const Possible possible = possible_in(scenario);
  std::vector<Sometimes> states;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    if (is_possible(static_cast<Sometimes>(i), possible)) {
      states.push_back(static_cast<Sometimes>(i));
    }
  }
  return states;
}

std::vector<std::string_view> never_reached(const Scenario& scenario, const restante::sim::SometimesCounts& counts) {
  std::vector<std::string_view> names;
  for (const Sometimes state : possible_states(scenario)) {
    if (counts[state] == 0) {
      names.push_back(name(state));
    }
  }
  return names;
}

}  // namespace restante_sim
