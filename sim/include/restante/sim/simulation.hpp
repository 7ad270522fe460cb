// A server and its clients on a network that is as bad as one likes, in virtual time, judged while it runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <restante/assert.hpp>
#include <restante/memory/endpoint.hpp>
#include <restante/memory/network.hpp>
#include <restante/memory/random.hpp>
#include <restante/messenger.hpp>
#include <restante/sim/client.hpp>
#include <restante/sim/client_checker.hpp>
#include <restante/sim/delivery_checker.hpp>
#include <restante/sim/flow_checker.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/protocol_checker.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/store.hpp>
#include <restante/sim/tap.hpp>
#include <restante/sim/trace.hpp>
#include <restante/sim/v2_protocol_checker.hpp>

namespace restante::sim {

/// What the environment variable RESTANTE_SEED says, or 1: so that a test that failed can be run again as it was, or
/// with another seed.
inline std::uint64_t seed_from_environment() {
  const char* const text = std::getenv("RESTANTE_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

struct SimulationOptions {
  /// All chance comes from it.
  std::uint64_t seed = 1;
  /// What links are like, for clients that were not told otherwise.
  LinkOptions link = {};
  /// MessengerOptions of the same names.
  std::uint32_t mailbox_messages_max = 100;
  std::uint32_t payload_bytes_max = 254;
  std::size_t waiting_bytes_max = std::size_t{64} * 1024;
  Duration stuck_after = std::chrono::seconds{30};
  /// What clients of restante.v2 may use.
  Limits limits = {};
  /// The disk that the server stores messages on; without one it forgets them when it crashes.
  std::optional<DiskOptions> disk = {};
};

/// The same seed and the same calls give the same run, to the byte, on every machine and with every compiler.
///
///     restante::sim::Simulation simulation{{.seed = restante::sim::seed_from_environment()}};
///     auto& ada = simulation.client(1);
///     ada.push(2, "hello");
///     simulation.run_for(std::chrono::seconds{1});
///     EXPECT_TRUE(simulation.held()) << simulation.verdict();
class Simulation final : private Recorder {
 public:
  explicit Simulation(SimulationOptions options = {})
      : options_{options},
        network_{{.seed = options.seed, .link = options.link}},
        server_{network_},
        server_tap_{server_, *this, Side::server},
        disk_{options.disk ? std::make_unique<Disk>(network_.timeline(), network_.random("disk"), *options.disk)
                           : nullptr},
        protocol_{
            findings_, {options.mailbox_messages_max, options.payload_bytes_max}, disk_ ? &disk_->durable() : nullptr},
        delivery_{findings_},
        client_{findings_},
        flow_{findings_, options.stuck_after},
        entropy_{network_.random("entropy")},
        correspondence_{.checker = {findings_, correspondence_.letters, disk_ != nullptr}},
        v2_protocol_{findings_, correspondence_.letters, options_.limits, disk_ ? &disk_->contents() : nullptr} {
    start_server();
  }
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  ~Simulation() {
    clients_.clear();
    program_.reset();
  }

  // Clients.

  /// The client with this id. When there is none yet, one is made and connects, and time passes until it holds its id.
  SimulatedClient& client(classic::ClientId id) {
    for (const std::unique_ptr<SimulatedClient>& client : clients_) {
      if (client->id() == id) {
        return *client;
      }
    }
    SimulatedClient& client = add_client({.id = id});
    client.connect();
    client.wait_until_associated();
    return client;
  }

  /// Another client, which does not connect yet. Several may want the same id.
  SimulatedClient& add_client(ClientSetup setup) {
    const auto index = static_cast<ClientIndex>(clients_.size());
    const LinkOptions& link = setup.link ? *setup.link : options_.link;
    delivery_.set_datagram(index, link.kind == LinkKind::datagram);
    RESTANTE_ASSERT(!setup.correspondent || link.kind == LinkKind::stream, "restante.v2 needs a stream");
    if (!setup.raw && !setup.correspondent && link.kind == LinkKind::stream) {
      client_.judge(index, {.reply_timeout = setup.options.reply_timeout, .requests_max = setup.options.requests_max});
    }
    Recorder& recorder = *this;
    clients_.push_back(std::make_unique<SimulatedClient>(network_, server_, recorder, findings_, correspondence_, index,
                                                         std::move(setup),
                                                         network_.random("client").fork(index).next()));
    return *clients_.back();
  }

  const std::vector<std::unique_ptr<SimulatedClient>>& clients() const noexcept { return clients_; }

  // Time.

  SteadyTime now() const noexcept { return network_.now(); }
  void run_for(Duration duration) { run_until(after(now(), duration)); }

  void run_until(SteadyTime time) {
    network_.run_until(time);
    check_books();
  }

  /// Runs until nothing is on its way, and says whether that came about within `limit`.
  bool run_until_quiet(Duration limit) {
    const bool quiet = network_.run_until_quiet(limit);
    check_books();
    return quiet;
  }

  // What can go wrong.

  /// The server program ends without a word.
  void crash_server() {
    if (!program_) {
      return;
    }
    server_.crash();
    server_tap_.forget();
    frozen_since_ = never;
    program_.reset();
    flow_.server_crashed();
    observe({.kind = EntryKind::server_crashed});
  }

  /// A server program starts, with what the disk kept.
  void start_server() {
    if (program_) {
      return;
    }
    observe({.kind = EntryKind::server_started});
    if (disk_) {
      program_ = std::make_unique<DiskProgram>(server_tap_, *disk_, messenger_options());
    } else {
      program_ = std::make_unique<MemoryProgram>(server_tap_, messenger_options());
    }
  }

  bool server_runs() const noexcept { return program_ != nullptr; }

  /// The server's machine sleeps, or wakes up: its clock jumps. Not while a listener is called.
  void set_server_frozen(bool frozen) {
    if (program_) {
      fault(frozen, "the server's machine sleeps");
      frozen_since_ = frozen ? std::min(frozen_since_, now()) : never;
      server_tap_.set_frozen(frozen);
    }
  }

  void break_connection(SimulatedClient& client, const Break& how = {}) {
    const Connection connection = client.transport().connection();
    if (connection != Connection{}) {
      observe({.kind = EntryKind::fault, .client = client.index(), .connection = connection, .text = "break"});
      network_.break_connection(connection, how);
    }
  }

  void set_stalled(SimulatedClient& client, Direction direction, bool stalled) {
    const Connection connection = client.transport().connection();
    if (connection != Connection{}) {
      fault(stalled, direction == Direction::to_server ? "stall to server" : "stall to client", client.index());
      network_.set_stalled(connection, direction, stalled);
    }
  }

  void set_partitioned(SimulatedClient& client, Direction direction, bool partitioned) {
    fault(partitioned, direction == Direction::to_server ? "partition to server" : "partition to client",
          client.index());
    client.transport().set_partitioned(direction, partitioned);
  }

  /// Notes in the trace what somebody does who is not part of the simulation.
  void note(std::string_view text, ClientIndex client = no_client) { fault(true, text, client); }

  // What came of it.

  /// Sees everything from now on. Must live longer than the simulation, or than its last run.
  void add_observer(Observer& observer) { observers_.push_back(&observer); }

  MemoryNetwork& network() noexcept { return network_; }
  /// nullptr where the simulation has none.
  Disk* disk() noexcept { return disk_.get(); }
  const ProtocolChecker& protocol() const noexcept { return protocol_; }
  V2ProtocolChecker& v2_protocol() noexcept { return v2_protocol_; }
  Findings& findings() noexcept { return findings_; }

  /// Of restante.v2: whether a client has, and knows of, everything that there is for it.
  bool is_caught_up(const SimulatedClient& client) {
    return v2_protocol_.is_caught_up(client.correspondent()->setup().address) &&
           correspondence_.checker.knows_all(client.index(), v2_protocol_.places());
  }

  /// Of the server program that runs; zeros where none does.
  MessengerCounters server_counters() const { return program_ ? program_->counters() : MessengerCounters{}; }

  /// Whether no checker saw anything that must not be.
  bool held() const noexcept { return findings_.violations_count() == 0; }

  /// The first violations, one in a line; nothing when there are none.
  std::string verdict() const {
    std::string text;
    for (const Violation& violation : findings_.violations()) {
      text += violation.checker + ": " + violation.sentence + "\n";
    }
    return text;
  }

  /// Compares what the server says of itself, and what clients were told, with what went over the wire.
  void check_books() {
    if (program_) {
      protocol_.check_counters(now(), without_v2(program_->counters()));
    }
    for (const std::unique_ptr<SimulatedClient>& client : clients_) {
      client_.check_told(now(), client->index(), client->totals());
    }
    if (disk_ && !disk_->consistent()) {
      findings_.violation("store", now(),
                          "the store was told of a message in a wrong place, or one that it did not have");
    }
    if (disk_ && disk_->turns_under_way_max() > MessengerOptions{}.commits_in_flight_max) {
      findings_.violation("store", now(), "more commits were under way than there may be");
    }
    if (disk_) {
      const DiskTransactions done = disk_->take_transactions();
      findings_.sometimes.reach(Sometimes::turns_committed_as_one, done.of_several_turns);
      findings_.sometimes.reach(Sometimes::durable_told_with_failure, done.failed_behind_durable);
      findings_.sometimes.reach(Sometimes::failed_commit_kept, done.failed_and_kept);
      findings_.sometimes.reach(Sometimes::failed_commit_lost, done.failed_and_lost);
    }
    findings_.totals.messages_held = protocol_.books().held + v2_protocol_.places().books().held;
  }

  /// After everything healed: on connections that stand nothing is missing, and nobody waits for a reply.
  void check_quiet() {
    delivery_.check_quiet(now());
    protocol_.check_quiet(now());
    v2_protocol_.check_quiet(now());
    correspondence_.checker.check_quiet(now(), v2_protocol_.places());
    for (const std::unique_ptr<SimulatedClient>& client : clients_) {
      client->check_quiet();
    }
  }

 private:
  // A server program, with or without a disk.
  struct Program {
    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    virtual ~Program() = default;
    virtual MessengerCounters counters() const = 0;
  };

  struct MemoryProgram final : Program {
    MemoryProgram(Tap<MemoryServer>& transport, MessengerOptions options) : messenger{transport, std::move(options)} {}
    MessengerCounters counters() const override { return messenger.counters(); }
    Messenger<Tap<MemoryServer>> messenger;
  };

  struct DiskProgram final : Program {
    DiskProgram(Tap<MemoryServer>& transport, Disk& disk, MessengerOptions options)
        : store{disk}, messenger{transport, store, std::move(options)} {}
    MessengerCounters counters() const override { return messenger.counters(); }
    DiskStore store;
    Messenger<Tap<MemoryServer>, DiskStore> messenger;
  };

  MessengerOptions messenger_options() {
    MessengerOptions options;
    options.mailbox_messages_max = options_.mailbox_messages_max;
    options.payload_bytes_max = options_.payload_bytes_max;
    options.waiting_bytes_max = options_.waiting_bytes_max;
    options.stuck_after = options_.stuck_after;
    options.limits = options_.limits;
    options.entropy = [this] { return entropy_.next(); };
    options.wall_clock = [this] { return wall_clock_ms(network_.now()); };
    options.on_event = [this](const Event& event) { told(event); };
    return options;
  }

  void told(const Event& event) {
    if (const auto* failed = std::get_if<event::StoreFailed>(&event)) {
      observe({.kind = EntryKind::store_failed, .text = failed->error.message()});
    } else if (std::holds_alternative<event::StoreRecovered>(event)) {
      observe({.kind = EntryKind::store_recovered});
    } else if (const auto* const sent = std::get_if<event::PacketSent>(&event); sent != nullptr) {
      if (sent->protocol == v2::protocol_name) {
        v2_protocol_.made(now(), sent->connection, sent->packet);
      }
    } else {
      flow_.observe(now(), event);
      if (const auto* refused = std::get_if<event::ConnectionRefused>(&event);
          refused != nullptr && refused->code == close_code::policy_violation) {
        delivery_.check_stuck(now(), refused->connection);
      }
    }
  }

  bool speaks_v2(ClientIndex client) const { return clients_[client]->correspondent() != nullptr; }

  // What is left of the server's numbers when those of restante.v2 are taken off. Those that have no place among the
  // others are compared.
  MessengerCounters without_v2(MessengerCounters counters) {
    v2_protocol_.set_time(std::min(now(), frozen_since_));
    counters.connections_open -= static_cast<std::uint32_t>(v2_protocol_.connections());
    counters.addresses_held -= static_cast<std::uint32_t>(v2_protocol_.addresses_held());
    if (counters.store_available) {
      const Books& books = v2_protocol_.places().books();
      counters.payload_bytes_held -= v2_protocol_.places().payload_bytes_held;
      counters.books.loaded -= books.loaded;
      counters.books.stored -= books.stored;
      counters.books.held -= books.held;
      counters.books.acknowledged -= books.acknowledged;
      counters.books.expired -= books.expired;
      counters.books.trimmed -= books.trimmed;
    }
    return counters;
  }

  void fault(bool begins, std::string_view text, ClientIndex client = no_client) {
    observe({.kind = begins ? EntryKind::fault : EntryKind::healed, .client = client, .text = text});
  }

  void observe(Entry entry) {
    entry.time = network_.now();
    record(entry);
  }

  // From the taps. A Connection names the same connection at both ends.
  void record(Entry entry) override {
    if (entry.kind == EntryKind::opening) {
      owners_.insert(entry.connection) = entry.client;
    } else if (entry.client == no_client) {
      if (const ClientIndex* const owner = owners_.find(entry.connection); owner != nullptr) {
        entry.client = *owner;
      }
    }
    const bool is_of_server = entry.client == no_client;
    if (is_of_server || !speaks_v2(entry.client)) {
      protocol_.observe(entry);
    }
    if (is_of_server || speaks_v2(entry.client)) {
      v2_protocol_.observe(entry);
      correspondence_.checker.observe(entry);
    }
    delivery_.observe(entry);
    client_.observe(entry);
    for (Observer* const observer : observers_) {
      observer->observe(entry);
    }
  }

  SimulationOptions options_;
  Findings findings_;
  MemoryNetwork network_;
  MemoryServer server_;
  Tap<MemoryServer> server_tap_;
  std::unique_ptr<Disk> disk_;
  ConnectionTable<ClientIndex> owners_;
  ProtocolChecker protocol_;
  DeliveryChecker delivery_;
  ClientChecker client_;
  FlowChecker flow_;
  Random entropy_;
  Correspondence correspondence_;
  V2ProtocolChecker v2_protocol_;
  std::vector<Observer*> observers_;
  std::unique_ptr<Program> program_;
  /// What the clock of the server's machine shows while that sleeps.
  SteadyTime frozen_since_ = never;
  std::vector<std::unique_ptr<SimulatedClient>> clients_;
};

}  // namespace restante::sim
