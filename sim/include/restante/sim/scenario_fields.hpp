// Which keys a file of a scenario has: the one list that reading and writing are made from.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <restante/classic/packet.hpp>
#include <restante/memory/link.hpp>
#include <restante/sim/scenario.hpp>
#include <restante/sim/store.hpp>
#include <restante/time.hpp>

namespace restante::sim::detail {

/// The longest duration that a file may say: longer ones are slips.
inline constexpr Duration duration_max = std::chrono::hours{1000};
inline constexpr std::uint32_t clients_max = 10'000;
inline constexpr std::uint32_t faults_per_minute_max = 60'000;

/// The names of link kinds, in the order of the enumeration.
inline constexpr std::string_view link_kinds[] = {"stream", "datagram"};

/// Whether an action of this kind is done by a client, or to one.
constexpr bool concerns_client(ActionKind kind) noexcept {
  return kind < ActionKind::crash_server;
}

/// Which details an action of this kind has.
constexpr bool has_receiver(ActionKind kind) noexcept {
  return kind == ActionKind::push;
}
constexpr bool has_bytes(ActionKind kind) noexcept {
  return kind == ActionKind::push || kind == ActionKind::garbage;
}
constexpr bool has_duration(ActionKind kind) noexcept {
  return kind == ActionKind::break_half_open || kind == ActionKind::store_slow;
}

// Each function tells a visitor the keys of one table. `fields` is a reader or a writer of an object of that type.

template <class Fields>
void visit_link(Fields& fields) {
  using Link = LinkOptions;
  constexpr Duration least{1};
  fields.choice("kind", &Link::kind, link_kinds);
  fields.duration("latency", &Link::latency);
  fields.duration("jitter", &Link::jitter);
  fields.number("bytes_per_second", &Link::bytes_per_second, 0, 1'000'000'000'000);
  fields.number("window_bytes", &Link::window_bytes, 1, 1'000'000'000'000);
  fields.share("loss", &Link::loss_per_million);
  fields.share("duplication", &Link::duplication_per_million);
  fields.duration("open_timeout", &Link::open_timeout, least);
  fields.duration("close_timeout", &Link::close_timeout, least);
}

template <class Fields>
void visit_disk(Fields& fields) {
  fields.duration("sync", &DiskOptions::sync);
  fields.duration("sync_jitter", &DiskOptions::sync_jitter);
  fields.flag("transactions", &DiskOptions::transactions);
}

template <class Fields>
void visit_group(Fields& fields) {
  using Group = ClientGroup;
  constexpr std::uint64_t bytes_max = classic::payload_bytes_max;
  fields.text("name", &Group::name);
  fields.number("count", &Group::count, 1, clients_max);
  fields.number("id", &Group::id, 0, 255);
  fields.flag("same_id", &Group::same_id);
  fields.flag("raw", &Group::raw);
  fields.number("requests_max", &Group::requests_max, 1, 1'000'000);
  fields.duration("reply_timeout", &Group::reply_timeout, Duration{1});
  fields.duration("starts_at", &Group::starts_at);
  fields.duration("starts_apart", &Group::starts_apart);
  fields.duration("leaves_at", &Group::leaves_at);
  fields.duration("push_every", &Group::push_every);
  fields.ids("push_to", &Group::push_to);
  fields.number("push_burst", &Group::push_burst, 1, 1'000'000);
  fields.number("push_count", &Group::push_count, 0, 1'000'000'000);
  fields.number("payload_bytes_min", &Group::payload_bytes_min, 0, bytes_max);
  fields.number("payload_bytes_max", &Group::payload_bytes_max, 0, bytes_max);
  fields.duration("get_every", &Group::get_every);
  fields.flag("drain", &Group::drain);
  fields.duration("stops_reading_every", &Group::stops_reading_every);
  fields.duration("stops_reading_for", &Group::stops_reading_for);
  fields.duration("leaves_every", &Group::leaves_every);
  fields.duration("leaves_for", &Group::leaves_for);
  fields.duration("garbage_every", &Group::garbage_every);
  fields.duration("text_every", &Group::text_every);
  fields.text("address", &Group::address);
  fields.names("rooms", &Group::rooms);
  fields.names("push_to_addresses", &Group::push_to_addresses);
  fields.duration("time_to_live", &Group::time_to_live);
  fields.flag("keeps_offsets", &Group::keeps_offsets);
  fields.flag("keeps_outbox", &Group::keeps_outbox);
  fields.number("storage_fails_every", &Group::storage_fails_every, 0, 1'000'000);
  fields.flag("asks_receipts", &Group::asks_receipts);
  fields.duration("handles_for", &Group::handles_for);
  fields.number("pushes_per_receiver_max", &Group::pushes_per_receiver_max, 1, 1'000);
  fields.number("messages_in_hand_max", &Group::messages_in_hand_max, 1, 1'000'000);
  fields.number("fetch_bytes_max", &Group::fetch_bytes_max, 0, 1'000'000'000);
  fields.optional_table("link", &Group::link, [](auto& link) { visit_link(link); });
}

template <class Fields>
void visit_faults(Fields& fields) {
  using Rates = FaultRates;
  fields.number("breaks", &Rates::breaks, 0, faults_per_minute_max);
  fields.number("half_open", &Rates::half_open, 0, faults_per_minute_max);
  fields.number("stalls", &Rates::stalls, 0, faults_per_minute_max);
  fields.number("partitions", &Rates::partitions, 0, faults_per_minute_max);
  fields.number("client_crashes", &Rates::client_crashes, 0, faults_per_minute_max);
  fields.number("server_crashes", &Rates::server_crashes, 0, faults_per_minute_max);
  fields.number("server_sleeps", &Rates::server_sleeps, 0, faults_per_minute_max);
  fields.number("store_failures", &Rates::store_failures, 0, faults_per_minute_max);
  fields.number("store_outages", &Rates::store_outages, 0, faults_per_minute_max);
  fields.number("store_slowdowns", &Rates::store_slowdowns, 0, faults_per_minute_max);
  fields.duration("lasts_max", &Rates::lasts_max, Duration{1});
  fields.flag("swarm", &Rates::swarm);
}

template <class Fields>
void visit_action(Fields& fields) {
  using Action = Action;
  fields.required_duration("at", &Action::at);
  fields.action_kind("do", &Action::kind);
  fields.client("client", &Action::client);
  fields.number("to", &Action::to, 0, 255);
  fields.text("receiver", &Action::receiver);
  fields.number("bytes", &Action::bytes, 0, 65'536);
  fields.duration("duration", &Action::duration);
}

template <class Fields>
void visit_server(Fields& fields) {
  using Scenario = Scenario;
  fields.number("mailbox_messages_max", &Scenario::mailbox_messages_max, 1, 1'000'000);
  fields.number("payload_bytes_max", &Scenario::payload_bytes_max, 0, classic::payload_bytes_max);
  fields.number("waiting_bytes_max", &Scenario::waiting_bytes_max, 1, 4'000'000'000);
  fields.duration("stuck_after", &Scenario::stuck_after, Duration{1});
  fields.number("address_messages_max", &Scenario::address_messages_max, 1, 1'000'000);
  fields.number("sender_messages_max", &Scenario::sender_messages_max, 1, 1'000'000);
  fields.number("room_messages_max", &Scenario::room_messages_max, 1, 1'000'000);
}

/// Actions come after groups, whose names they use.
template <class Fields>
void visit_scenario(Fields& fields) {
  using Scenario = Scenario;
  fields.text("name", &Scenario::name);
  fields.text("description", &Scenario::description);
  fields.duration("duration", &Scenario::duration, Duration{1});
  fields.duration("heals_within", &Scenario::heals_within);
  fields.flag("only_actions", &Scenario::only_actions);
  fields.same_table("server", [](auto& server) { visit_server(server); });
  fields.optional_table("disk", &Scenario::disk, [](auto& disk) { visit_disk(disk); });
  fields.table("link", &Scenario::link, [](auto& link) { visit_link(link); });
  fields.tables("clients", &Scenario::groups, [](auto& group) { visit_group(group); });
  fields.table("faults", &Scenario::faults, [](auto& faults) { visit_faults(faults); });
  fields.expectations("expect", &Scenario::expectations);
  fields.rows("actions", &Scenario::actions, [](auto& action) { visit_action(action); });
}

}  // namespace restante::sim::detail
