// A server and two or three clients whose every step is a choice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <restante/messenger.hpp>
#include <restante/sim/delivery_checker.hpp>
#include <restante/sim/exhaust_rules.hpp>
#include <restante/sim/exhaust_transport.hpp>
#include <restante/sim/protocol_checker.hpp>
#include <restante/sim/report.hpp>

namespace restante::sim {

/// Something that a client sends.
struct ScriptedMessage {
  std::vector<std::uint8_t> bytes;
  MessageType type = MessageType::binary;
};

/// Clients, what each of them sends on each of its connections, and what may go wrong.
struct SmallWorld {
  std::string name;
  std::vector<std::vector<ScriptedMessage>> scripts;
  std::uint32_t mailbox_messages_max = 2;
  bool disk = false;
  /// Replies that nobody has read yet count as waiting, and more bytes than that pause a connection; 0: they do not.
  std::uint32_t waiting_bytes_max = 0;
  /// How often each may happen in one interleaving.
  std::uint32_t breaks_max = 0;
  std::uint32_t reconnects_max = 0;
  std::uint32_t crashes_max = 0;
  std::uint32_t failures_max = 0;
  std::uint32_t time_steps_max = 0;
  bool shuts_down = false;
  /// Interleavings are followed for so many steps, and then to a quiet end in one way.
  std::uint32_t depth = 10;
};

/// One step that a world can take.
struct Step {
  enum class Kind : std::uint8_t {
    client_sends,
    client_connects,
    connection_breaks,
    arrives_at_server,
    arrives_at_client,
    server_learns,
    turn_ends,
    commit_completes,
    /// `detail` changes of it were kept; one more than there are: none was, and the disk is away.
    commit_fails,
    /// With `detail` 1, what was under way to the disk is kept.
    server_crashes,
    time_passes,
    server_shuts_down,
  };
  Kind kind = Kind::client_sends;
  /// A client or a slot.
  std::uint32_t which = 0;
  std::uint32_t detail = 0;
};

inline std::string describe(const Step& step) {
  const std::string which = std::to_string(step.which);
  switch (step.kind) {
    case Step::Kind::client_sends:
      return "client " + which + " sends its next message";
    case Step::Kind::client_connects:
      return "client " + which + " connects";
    case Step::Kind::connection_breaks:
      return "the connection in slot " + which + " breaks";
    case Step::Kind::arrives_at_server:
      return "a message arrives at the server in slot " + which;
    case Step::Kind::arrives_at_client:
      return "a message or a close arrives at the client in slot " + which;
    case Step::Kind::server_learns:
      return "the server learns that the connection in slot " + which + " broke";
    case Step::Kind::turn_ends:
      return "the turn ends";
    case Step::Kind::commit_completes:
      return "a commit completes";
    case Step::Kind::commit_fails:
      return "a commit fails after " + std::to_string(step.detail) + " changes";
    case Step::Kind::server_crashes:
      return step.detail == 0 ? "the server crashes" : "the server crashes, what it wrote is kept";
    case Step::Kind::time_passes:
      return "time passes until somebody is to be woken";
    case Step::Kind::server_shuts_down:
      return "the server shuts down";
  }
  return "unknown";
}

/// One interleaving as it unfolds: the real Messenger with a MemoryStore or a StepStore, and all checkers.
template <class S>
class WorldRun final : private Recorder {
 public:
  WorldRun(const SmallWorld& world, RuleCounts& rules)
      : world_{world},
        transport_{*this, world.waiting_bytes_max > 0},
        protocol_{findings_, limits(world), durable_at_once ? nullptr : &disk_.durable},
        delivery_{findings_},
        watch_{rules, protocol_, limits(world)},
        clients_(world.scripts.size()) {
    start();
    for (ClientIndex client = 0; client < clients_.size(); ++client) {
      connect(client);
    }
  }
  WorldRun(const WorldRun&) = delete;
  WorldRun& operator=(const WorldRun&) = delete;

  const Findings& findings() const noexcept { return findings_; }

  /// What can happen next, always in the same order.
  const std::vector<Step>& steps() {
    steps_.clear();
    for (std::uint32_t client = 0; client < clients_.size(); ++client) {
      add_steps_of_client(client);
    }
    for (std::uint32_t slot = 0; slot < transport_.wires().size(); ++slot) {
      add_steps_of_wire(slot);
    }
    add_steps_of_server();
    return steps_;
  }

  void take(const Step& step) {
    switch (step.kind) {
      case Step::Kind::client_sends: {
        Client& client = clients_[step.which];
        const ScriptedMessage& message = world_.scripts[step.which][client.next++];
        transport_.send_from_client(client.slot, message.type, message.bytes);
        break;
      }
      case Step::Kind::client_connects:
        ++reconnects_;
        connect(step.which);
        break;
      case Step::Kind::connection_breaks:
        ++breaks_;
        transport_.end_at_client(step.which, close_code::abnormal);
        break;
      case Step::Kind::arrives_at_server:
        transport_.deliver_to_server(step.which);
        turn_is_open_ = true;
        break;
      case Step::Kind::arrives_at_client:
        transport_.deliver_to_client(step.which);
        break;
      case Step::Kind::server_learns:
        transport_.end_at_server(step.which);
        turn_is_open_ = true;
        break;
      default:
        take_of_server(step);
        break;
    }
    if (durable_at_once && turn_is_open_) {
      end_turn();
    }
    transport_.wake_if_asked();
  }

  /// Lets everything arrive and end well, and checks that nobody waits for anything then.
  void finish() {
    for (std::uint32_t taken = 0; taken < finishing_steps_max; ++taken) {
      const Step* const next = next_to_finish();
      if (next == nullptr) {
        check_end();
        return;
      }
      take(*next);
    }
    findings_.liveness_failure("exhaust", {}, "the world does not fall quiet");
  }

 private:
  static constexpr bool durable_at_once = DurableAtOnce<S>;
  static constexpr std::uint32_t finishing_steps_max = 1000;

  struct Client {
    std::uint32_t slot = 0;
    std::size_t next = 0;
  };

  // A server program.
  struct Program {
    Program(StepTransport& transport, StepDisk&, MessengerOptions options) requires durable_at_once
        : messenger{transport, store, std::move(options)} {}
    Program(StepTransport& transport, StepDisk& disk, MessengerOptions options) requires(!durable_at_once)
        : store{disk}, messenger{transport, store, std::move(options)} {}
    S store;
    Messenger<StepTransport, S> messenger;
  };

  static ProtocolRules limits(const SmallWorld& world) { return {.mailbox_messages_max = world.mailbox_messages_max}; }

  bool connected(ClientIndex client) const {
    const StepTransport::Wire& wire = transport_.wires()[clients_[client].slot];
    return wire.open_at_client && wire.client == client;
  }

  void connect(ClientIndex client) { clients_[client] = {transport_.open(client).slot, 0}; }

  void start() {
    observe({.kind = EntryKind::server_started});
    MessengerOptions options;
    options.mailbox_messages_max = world_.mailbox_messages_max;
    options.waiting_bytes_max = world_.waiting_bytes_max > 0 ? world_.waiting_bytes_max : options.waiting_bytes_max;
    options.on_event = [this](const Event& event) { told(event); };
    program_ = std::make_unique<Program>(transport_, disk_, std::move(options));
  }

  void told(const Event& event) {
    if (std::holds_alternative<event::StoreFailed>(event)) {
      observe({.kind = EntryKind::store_failed});
    } else if (std::holds_alternative<event::StoreRecovered>(event)) {
      observe({.kind = EntryKind::store_recovered});
    }
  }

  // What can happen next.

  void add_steps_of_client(std::uint32_t client) {
    if (!connected(client)) {
      if (reconnects_ < world_.reconnects_max) {
        steps_.push_back({Step::Kind::client_connects, client});
      }
      return;
    }
    if (clients_[client].next < world_.scripts[client].size()) {
      steps_.push_back({Step::Kind::client_sends, client});
    }
    if (breaks_ < world_.breaks_max) {
      steps_.push_back({Step::Kind::connection_breaks, clients_[client].slot});
    }
  }

  void add_steps_of_wire(std::uint32_t slot) {
    const StepTransport::Wire& wire = transport_.wires()[slot];
    if (transport_.can_deliver_to_server(slot)) {
      steps_.push_back({Step::Kind::arrives_at_server, slot});
    }
    if (transport_.can_deliver_to_client(slot)) {
      steps_.push_back({Step::Kind::arrives_at_client, slot});
    }
    if (wire.open_at_server && !wire.open_at_client) {
      steps_.push_back({Step::Kind::server_learns, slot});
    }
  }

  void add_steps_of_server() {
    if (turn_is_open_) {
      steps_.push_back({Step::Kind::turn_ends});
    }
    bool committing = false;
    if constexpr (!durable_at_once) {
      committing = program_->store.committing();
      if (committing) {
        steps_.push_back({Step::Kind::commit_completes});
        const auto changes = static_cast<std::uint32_t>(program_->store.changes());
        for (std::uint32_t kept = 0; failures_ < world_.failures_max && kept <= changes + 1; ++kept) {
          steps_.push_back({Step::Kind::commit_fails, 0, kept});
        }
      }
    }
    if (crashes_ < world_.crashes_max) {
      steps_.push_back({Step::Kind::server_crashes});
      if (committing) {
        steps_.push_back({Step::Kind::server_crashes, 0, 1});
      }
    }
    if (time_steps_ < world_.time_steps_max && transport_.can_pass_time()) {
      steps_.push_back({Step::Kind::time_passes});
    }
    if (world_.shuts_down && !shut_down_) {
      steps_.push_back({Step::Kind::server_shuts_down});
    }
  }

  void take_of_server(const Step& step) {
    if (step.kind == Step::Kind::turn_ends) {
      end_turn();
    } else if (step.kind == Step::Kind::server_crashes) {
      crash(step.detail == 1);
    } else if (step.kind == Step::Kind::time_passes) {
      ++time_steps_;
      disk_.unreadable = false;
      transport_.pass_time();
    } else if (step.kind == Step::Kind::server_shuts_down) {
      shut_down_ = true;
      program_->messenger.shut_down();
    }
    if constexpr (!durable_at_once) {
      if (step.kind == Step::Kind::commit_completes) {
        program_->store.complete();
      } else if (step.kind == Step::Kind::commit_fails) {
        ++failures_;
        disk_.unreadable = step.detail > program_->store.changes();
        program_->store.fail(disk_.unreadable ? 0 : step.detail);
      }
    }
  }

  void end_turn() {
    turn_is_open_ = false;
    transport_.end_turn();
  }

  void crash(bool written_is_kept) {
    ++crashes_;
    if constexpr (!durable_at_once) {
      if (written_is_kept) {
        program_->store.keep_all();
      }
    }
    observe({.kind = EntryKind::server_crashed});
    transport_.crash();
    program_.reset();
    turn_is_open_ = false;
    disk_.unreadable = false;
    start();
  }

  // Of what can happen, what leads to the end.
  const Step* next_to_finish() {
    const bool waits_for_time = !program_->messenger.store_available();
    for (const Step& step : steps()) {
      switch (step.kind) {
        case Step::Kind::arrives_at_server:
        case Step::Kind::arrives_at_client:
        case Step::Kind::server_learns:
        case Step::Kind::turn_ends:
        case Step::Kind::commit_completes:
          return &step;
        default:
          break;
      }
    }
    if (waits_for_time && transport_.can_pass_time()) {
      steps_.assign(1, {Step::Kind::time_passes});
      return steps_.data();
    }
    return nullptr;
  }

  void check_end() {
    protocol_.check_books(transport_.now(), program_->messenger.counters().books);
    protocol_.check_quiet(transport_.now());
    delivery_.check_quiet(transport_.now());
    if (!disk_.consistent) {
      findings_.violation("store", transport_.now(), "the store was told of something that cannot be");
    }
  }

  void observe(Entry entry) {
    entry.time = transport_.now();
    record(entry);
  }

  void record(Entry entry) override {
    watch_.observe(entry);
    protocol_.observe(entry);
    delivery_.observe(entry);
  }

  const SmallWorld& world_;
  Findings findings_;
  StepDisk disk_;
  StepTransport transport_;
  ProtocolChecker protocol_;
  DeliveryChecker delivery_;
  RuleWatch watch_;
  std::vector<Client> clients_;
  std::unique_ptr<Program> program_;
  std::vector<Step> steps_;
  bool turn_is_open_ = false;
  bool shut_down_ = false;
  std::uint32_t breaks_ = 0;
  std::uint32_t reconnects_ = 0;
  std::uint32_t crashes_ = 0;
  std::uint32_t failures_ = 0;
  std::uint32_t time_steps_ = 0;
};

}  // namespace restante::sim
