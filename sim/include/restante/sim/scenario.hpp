// What is to happen in a simulation, as a person would say it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <restante/classic/packet.hpp>
#include <restante/client_options.hpp>
#include <restante/core/limits.hpp>
#include <restante/memory/link.hpp>
#include <restante/sim/store.hpp>
#include <restante/time.hpp>

namespace restante::sim {

/// Clients that do the same. Each duration that is 0 means: not at all.
struct ClientGroup {
  std::string name = "clients";
  std::uint32_t count = 1;
  /// The id of the first; the others have the next ones, and after 255 comes 0 again.
  classic::ClientId id = 0;
  /// All have the id of the first: they contend for it.
  bool same_id = false;
  std::optional<LinkOptions> link = {};
  /// Sends packets without caring for replies.
  bool raw = false;
  /// ClientOptions of the same names.
  std::uint32_t requests_max = static_cast<std::uint32_t>(ClientOptions{}.requests_max);
  Duration reply_timeout = ClientOptions{}.reply_timeout;
  /// When the first of them begins, and how much later each of the others does.
  Duration starts_at{};
  Duration starts_apart{};
  /// When they leave, properly.
  Duration leaves_at{};

  /// A message each so often; the first one after a part of it that the seed decides.
  Duration push_every{};
  /// To one of these in turn; to anybody of the scenario, as the seed decides, where there are none.
  std::vector<classic::ClientId> push_to = {};
  /// Messages at a time.
  std::uint32_t push_burst = 1;
  /// Messages in all; 0 means without an end.
  std::uint64_t push_count = 0;
  std::uint32_t payload_bytes_min = 8;
  std::uint32_t payload_bytes_max = 64;

  /// Looks into its mailbox each so often, and takes one message, or with `drain` all.
  Duration get_every{};
  bool drain = true;

  /// Does not read for so long each so often.
  Duration stops_reading_every{};
  Duration stops_reading_for{};
  /// Leaves each so often and comes back after a while.
  Duration leaves_every{};
  Duration leaves_for{};
  /// Bytes that are no packet, each so often: raw clients only.
  Duration garbage_every{};
  /// Text, which neither protocol knows, each so often: the server closes the connection.
  Duration text_every{};

  // Clients that speak restante.v2. They take what comes, and do not use get_every and drain.

  /// The address that such a client opens, and what makes it one; no classic id. Where there are several, each has its
  /// number in the group behind it.
  std::string address = {};
  /// Rooms that they are in.
  std::vector<std::string> rooms = {};
  /// Addresses and rooms that they push to in turn; to anybody who has an address, and to their rooms, as the seed
  /// decides, where there are none.
  std::vector<std::string> push_to_addresses = {};
  /// What they push expires when it was not delivered for so long.
  Duration time_to_live{};
  /// They store offsets with the effects of messages, so that both outlive a crash.
  bool keeps_offsets = false;
  /// Their outboxes outlive a crash.
  bool keeps_outbox = false;
  /// Each so-manieth thing that their outboxes and inboxes should keep cannot be kept; 0 for none.
  std::uint32_t storage_fails_every = 0;
  /// They ask what becomes of what they push.
  bool asks_receipts = false;
  /// How long they take to handle a message.
  Duration handles_for{};
  /// v2::ClientOptions of the same names.
  std::uint32_t pushes_per_receiver_max = 1;
  std::uint32_t messages_in_hand_max = 64;
  std::uint32_t fetch_bytes_max = 1024 * 1024;

  bool speaks_v2() const noexcept { return !address.empty(); }
};

/// Faults that the seed schedules: how often each happens in a minute, on average, of the whole simulation. The number
/// is at most 60,000.
struct FaultRates {
  std::uint32_t breaks = 0;
  std::uint32_t half_open = 0;
  std::uint32_t stalls = 0;
  std::uint32_t partitions = 0;
  std::uint32_t client_crashes = 0;
  std::uint32_t server_crashes = 0;
  std::uint32_t server_sleeps = 0;
  std::uint32_t store_failures = 0;
  std::uint32_t store_outages = 0;
  std::uint32_t store_slowdowns = 0;
  /// How long each of them that lasts does, at most.
  Duration lasts_max = std::chrono::seconds{5};
  /// Swarm testing: the seed switches each kind off with a probability of one half, and scales the others from a tenth
  /// to twice their rate, so that no fault hides another in all runs.
  bool swarm = false;
};

/// One thing that happens at one time.
enum class ActionKind : std::uint8_t {
  connect,
  disconnect,
  crash_client,
  push,
  get,
  drain,
  garbage,
  text,
  stop_reading,
  read_on,
  break_connection,
  break_half_open,
  stall_to_server,
  stall_to_client,
  stall_ends,
  partition_to_server,
  partition_to_client,
  partition_ends,
  crash_server,
  start_server,
  server_sleeps,
  server_wakes,
  store_fails,
  store_unreadable,
  store_readable,
  store_slow,
  store_fast,
  /// How many kinds there are.
  count,
};

/// The word that files of scenarios and reports use.
constexpr std::string_view name(ActionKind kind) noexcept {
  constexpr std::string_view names[] = {
      "connect",
      "disconnect",
      "crash_client",
      "push",
      "get",
      "drain",
      "garbage",
      "text",
      "stop_reading",
      "read_on",
      "break_connection",
      "break_half_open",
      "stall_to_server",
      "stall_to_client",
      "stall_ends",
      "partition_to_server",
      "partition_to_client",
      "partition_ends",
      "crash_server",
      "start_server",
      "server_sleeps",
      "server_wakes",
      "store_fails",
      "store_unreadable",
      "store_readable",
      "store_slow",
      "store_fast",
  };
  static_assert(std::size(names) == static_cast<std::size_t>(ActionKind::count), "each kind has a name");
  return kind < ActionKind::count ? names[static_cast<std::size_t>(kind)] : std::string_view{"unknown"};
}

struct Action {
  Duration at{};
  ActionKind kind = ActionKind::connect;
  /// Which client does it or suffers it; 0 where it is the server.
  std::uint32_t client = 0;
  /// Of a push: to whom, in either protocol, and how long.
  classic::ClientId to = 0;
  std::string receiver = {};
  std::uint32_t bytes = 0;
  /// Of a slow store: how much slower.
  Duration duration{};

  friend bool operator==(const Action&, const Action&) = default;
};

/// What must come of a run: the least and the most.
struct Expectation {
  std::uint64_t min = 0;
  std::uint64_t max = UINT64_MAX;
};

struct Scenario {
  std::string name = "scenario";
  std::string description = {};
  /// How long clients do what they do and faults happen.
  Duration duration = std::chrono::seconds{10};
  /// After that everything heals, and within this time everybody must have what he wants; 0 leaves it out.
  Duration heals_within = std::chrono::minutes{2};

  std::uint32_t mailbox_messages_max = 100;
  std::uint32_t payload_bytes_max = 254;
  std::uint32_t waiting_bytes_max = 64 * 1024;
  Duration stuck_after = std::chrono::seconds{30};
  /// Messages that a mailbox of restante.v2 holds, those of them that one sender may use, and what a room keeps.
  std::uint32_t address_messages_max = Limits{}.mailbox_messages_max;
  std::uint32_t sender_messages_max = Limits{}.sender_messages_max;
  std::uint32_t room_messages_max = Limits{}.room_messages_max;
  std::optional<DiskOptions> disk = {};
  LinkOptions link = {};

  std::vector<ClientGroup> groups = {};
  std::vector<Action> actions = {};
  /// Nothing happens but these actions: groups only say who there is, and who empties his mailbox at the end. So a
  /// scenario that was made shorter is written down.
  bool only_actions = false;
  FaultRates faults = {};
  /// By the names of Totals and Sometimes.
  std::map<std::string, Expectation> expectations = {};

  /// How many clients all groups have together.
  std::uint32_t client_count() const {
    std::uint32_t count = 0;
    for (const ClientGroup& group : groups) {
      count += group.count;
    }
    return count;
  }
};

}  // namespace restante::sim
