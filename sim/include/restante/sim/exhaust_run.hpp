// A server and a few clients whose every step is a choice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <restante/messenger.hpp>
#include <restante/sim/client_checker.hpp>
#include <restante/sim/delivery_checker.hpp>
#include <restante/sim/exhaust_client.hpp>
#include <restante/sim/exhaust_rules.hpp>
#include <restante/sim/exhaust_store.hpp>
#include <restante/sim/exhaust_transport.hpp>
#include <restante/sim/exhaust_world.hpp>
#include <restante/sim/flow_checker.hpp>
#include <restante/sim/protocol_checker.hpp>
#include <restante/sim/report.hpp>

namespace restante::sim {

/// One interleaving as it unfolds: the real Messenger with a MemoryStore or a StepStore, the real Client, and all
/// checkers.
template <class S>
class WorldRun final : private Recorder {
 public:
  WorldRun(const SmallWorld& world, RuleCounts& rules)
      : world_{world},
        rules_{rules},
        transport_{*this, world.waiting_bytes_max > 0},
        protocol_{findings_, limits(world), durable_at_once ? nullptr : &disk_.durable},
        delivery_{findings_},
        client_{findings_},
        flow_{findings_, MessengerOptions{}.stuck_after},
        watch_{rules, protocol_, limits(world)},
        clients_(world.clients.size()) {
    start();
    for (ClientIndex client = 0; client < clients_.size(); ++client) {
      begin(client);
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
      case Step::Kind::client_acts:
      case Step::Kind::client_connects:
      case Step::Kind::client_wakes:
        take_of_client(step);
        break;
      case Step::Kind::connection_opens:
      case Step::Kind::connection_breaks:
      case Step::Kind::arrives_at_server:
      case Step::Kind::arrives_at_client:
      case Step::Kind::server_learns:
      case Step::Kind::client_learns:
        take_of_wire(step);
        break;
      default:
        take_of_server(step);
        break;
    }
    settle();
  }

  /// Lets everything arrive and end well, and checks that nobody waits for anything then, and that everybody is back
  /// and can go on.
  void finish() {
    fall_quiet();
    check_quiet();
    for (const Participant& client : clients_) {
      ask(client);
    }
    fall_quiet();
    check_end();
  }

 private:
  static constexpr bool durable_at_once = DurableAtOnce<S>;
  static constexpr std::uint32_t finishing_steps_max = 1000;

  // With a Client, or without.
  struct Participant {
    std::unique_ptr<StepClient> program;
    Connection connection = {};
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

  // How it begins.

  void start() {
    observe({.kind = EntryKind::server_started});
    MessengerOptions options;
    options.mailbox_messages_max = world_.mailbox_messages_max;
    options.waiting_bytes_max = world_.waiting_bytes_max > 0 ? world_.waiting_bytes_max : options.waiting_bytes_max;
    options.on_event = [this](const Event& event) { told(event); };
    program_ = std::make_unique<Program>(transport_, disk_, std::move(options));
  }

  void begin(ClientIndex client) {
    const SmallClient& script = world_.clients[client];
    if (script.is_raw()) {
      connect(client);
      return;
    }
    // Some scripts ask before they claim an id, or claim it twice: that, the CallbackChecker judges.
    client_.judge(client, ClientChecker::any_habits());
    clients_[client].program = std::make_unique<StepClient>(transport_, findings_, rules_, client, script);
    StepClient& program = *clients_[client].program;
    program.connect();
    fall_quiet();
    for (std::size_t i = 0; i < script.before.size(); ++i) {
      program.act_before(i);
      fall_quiet();
    }
  }

  void connect(ClientIndex client) {
    clients_[client].connection = transport_.open(client);
    clients_[client].next = 0;
    transport_.finish_opening(clients_[client].connection.slot);
  }

  // What can happen next.

  void add_steps_of_client(std::uint32_t client) {
    Participant& participant = clients_[client];
    const StepTransport::Wire* const wire = transport_.find(connection_of(participant));
    const bool exists = wire != nullptr && wire->exists_at_client();
    if (participant.program) {
      StepClient& program = *participant.program;
      if (program.can_act()) {
        steps_.push_back({Step::Kind::client_acts, client, static_cast<std::uint32_t>(program.next())});
      }
      if (program.transport().can_pass_time() && (!exists || wakes_ < world_.wakes_max)) {
        steps_.push_back({Step::Kind::client_wakes, client});
      }
    } else if (!exists) {
      if (reconnects_ < world_.reconnects_max) {
        steps_.push_back({Step::Kind::client_connects, client});
      }
    } else if (participant.next < world_.clients[client].packets.size()) {
      steps_.push_back({Step::Kind::client_acts, client, static_cast<std::uint32_t>(participant.next)});
    }
    if (exists && breaks_ < world_.breaks_max) {
      steps_.push_back({Step::Kind::connection_breaks, wire->connection.slot});
      if (wire->stands()) {
        steps_.push_back({Step::Kind::connection_breaks, wire->connection.slot, 1});
      }
    }
  }

  static Connection connection_of(const Participant& participant) {
    return participant.program ? participant.program->transport().connection() : participant.connection;
  }

  void add_steps_of_wire(std::uint32_t slot) {
    const StepTransport::Wire& wire = transport_.wires()[slot];
    if (transport_.can_finish_opening(slot)) {
      steps_.push_back({Step::Kind::connection_opens, slot});
    }
    if (transport_.can_deliver_to_server(slot)) {
      steps_.push_back({Step::Kind::arrives_at_server, slot});
    }
    if (transport_.can_deliver_to_client(slot)) {
      steps_.push_back({Step::Kind::arrives_at_client, slot});
    }
    if (wire.open_at_server && !wire.open_at_client) {
      steps_.push_back({Step::Kind::server_learns, slot});
    }
    if (wire.open_at_client && !wire.open_at_server) {
      steps_.push_back({Step::Kind::client_learns, slot});
    }
  }

  void add_steps_of_server() {
    if (turn_is_open_) {
      steps_.push_back({Step::Kind::turn_ends});
    }
    if constexpr (!durable_at_once) {
      if (committing()) {
        steps_.push_back({Step::Kind::commit_completes});
        const auto changes = static_cast<std::uint32_t>(program_->store.changes());
        for (std::uint32_t kept = 0; failures_ < world_.failures_max && kept <= changes + 1; ++kept) {
          steps_.push_back({Step::Kind::commit_fails, 0, kept});
        }
      }
    }
    if (crashes_ < world_.crashes_max) {
      steps_.push_back({Step::Kind::server_crashes});
      if (committing()) {
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

  bool committing() const {
    if constexpr (durable_at_once) {
      return false;
    } else {
      return program_->store.committing();
    }
  }

  // Steps.

  void take_of_client(const Step& step) {
    Participant& client = clients_[step.which];
    if (step.kind == Step::Kind::client_connects) {
      ++reconnects_;
      connect(step.which);
    } else if (step.kind == Step::Kind::client_wakes) {
      wakes_ += client.program->transport().exists() ? 1 : 0;
      client.program->transport().pass_time();
    } else if (client.program) {
      client.program->act();
    } else {
      const ScriptedMessage& message = world_.clients[step.which].packets[client.next++];
      transport_.send_from_client(client.connection, message.type, message.bytes);
    }
  }

  void take_of_wire(const Step& step) {
    switch (step.kind) {
      case Step::Kind::connection_opens:
        transport_.finish_opening(step.which);
        break;
      case Step::Kind::arrives_at_server:
        transport_.deliver_to_server(step.which);
        turn_is_open_ = true;
        break;
      case Step::Kind::arrives_at_client:
        transport_.deliver_to_client(step.which);
        break;
      case Step::Kind::connection_breaks:
        ++breaks_;
        if (step.detail == 1) {
          transport_.break_at_server(step.which);
          turn_is_open_ = true;
        } else {
          transport_.break_at_client(step.which);
        }
        break;
      case Step::Kind::client_learns:
        transport_.break_at_client(step.which);
        break;
      default:
        transport_.break_at_server(step.which);
        turn_is_open_ = true;
        break;
    }
  }

  void take_of_server(const Step& step) {
    if (step.kind == Step::Kind::turn_ends) {
      end_turn();
    } else if (step.kind == Step::Kind::server_crashes) {
      ++crashes_;
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
    if constexpr (!durable_at_once) {
      if (written_is_kept) {
        program_->store.keep_all();
      }
    }
    flow_.server_crashed();
    observe({.kind = EntryKind::server_crashed});
    transport_.crash();
    program_.reset();
    turn_is_open_ = false;
    shut_down_ = false;
    disk_.unreadable = false;
    start();
  }

  // What follows from a step without a choice: a program that asked to be woken is.
  void settle() {
    if (durable_at_once && turn_is_open_) {
      end_turn();
    }
    transport_.wake_if_asked();
    for (const Participant& client : clients_) {
      if (client.program) {
        client.program->settle();
      }
    }
  }

  // How it ends.

  void fall_quiet() {
    for (std::uint32_t taken = 0; taken < finishing_steps_max; ++taken) {
      const Step* const next = next_to_finish();
      if (next == nullptr) {
        return;
      }
      take(*next);
    }
    findings_.liveness_failure("exhaust", transport_.now(), "the world does not fall quiet");
  }

  // Of what can happen, what leads to the end.
  const Step* next_to_finish() {
    steps_.clear();
    for (std::uint32_t slot = 0; slot < transport_.wires().size() && steps_.empty(); ++slot) {
      add_steps_of_wire(slot);
    }
    if (!steps_.empty()) {
      return &steps_.front();
    }
    if (turn_is_open_) {
      return only({Step::Kind::turn_ends});
    }
    if (committing()) {
      return only({Step::Kind::commit_completes});
    }
    if (!program_->messenger.store_available() && transport_.can_pass_time()) {
      return only({Step::Kind::time_passes});
    }
    // Who comes to a server that shuts down is sent away: another has to start.
    if (shut_down_) {
      return only({Step::Kind::server_crashes});
    }
    for (std::uint32_t client = 0; client < clients_.size(); ++client) {
      if (clients_[client].program && has_to_wake(*clients_[client].program)) {
        return only({Step::Kind::client_wakes, client});
      }
    }
    return nullptr;
  }

  const Step* only(const Step& step) {
    steps_.assign(1, step);
    return steps_.data();
  }

  // To come back, or to claim an id that is free again. Whoever waits for a reply now should not have to.
  bool has_to_wake(StepClient& program) const {
    if (!program.transport().can_pass_time()) {
      return false;
    }
    if (!program.transport().exists()) {
      return true;
    }
    bool id_is_free = false;
    program.checker().kept().for_each([&](std::uint8_t id) { id_is_free = id_is_free || !protocol_.held(id); });
    return id_is_free && program.checker().waiting() == 0;
  }

  // Whether the client still understands the server, and holds what it believes to hold.
  static void ask(const Participant& client) {
    if (client.program && client.program->transport().stands()) {
      client.program->ask_for_mail();
      client.program->settle();
    }
  }

  void check_quiet() {
    protocol_.check_quiet(transport_.now());
    delivery_.check_quiet(transport_.now());
    for (const Participant& client : clients_) {
      if (client.program) {
        client.program->checker().check_quiet(transport_.now(), client.program->transport().stands(),
                                              [this](std::uint8_t id) { return protocol_.held(id); });
      }
    }
  }

  void check_end() {
    check_quiet();
    protocol_.check_books(transport_.now(), program_->messenger.counters().books);
    if (!disk_.consistent) {
      findings_.violation("store", transport_.now(), "the store was told of something that cannot be");
    }
  }

  // What is told to the checkers.

  void told(const Event& event) {
    if (std::holds_alternative<event::StoreFailed>(event)) {
      observe({.kind = EntryKind::store_failed});
    } else if (std::holds_alternative<event::StoreRecovered>(event)) {
      observe({.kind = EntryKind::store_recovered});
    } else {
      flow_.observe(transport_.now(), event);
      if (std::holds_alternative<event::ConnectionPaused>(event)) {
        rules_.reach(Rule::paused);
      } else if (std::holds_alternative<event::ConnectionResumed>(event)) {
        rules_.reach(Rule::resumed);
      } else if (const auto* refused = std::get_if<event::ConnectionRefused>(&event);
                 refused != nullptr && refused->code == close_code::policy_violation) {
        rules_.reach(Rule::stuck);
        delivery_.check_stuck(transport_.now(), refused->connection);
      }
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
    client_.observe(entry);
    if (entry.client < clients_.size() && clients_[entry.client].program) {
      clients_[entry.client].program->checker().observe(entry);
    }
  }

  const SmallWorld& world_;
  RuleCounts& rules_;
  Findings findings_;
  StepDisk disk_;
  StepTransport transport_;
  ProtocolChecker protocol_;
  DeliveryChecker delivery_;
  ClientChecker client_;
  FlowChecker flow_;
  RuleWatch watch_;
  std::unique_ptr<Program> program_;
  std::vector<Participant> clients_;
  std::vector<Step> steps_;
  bool turn_is_open_ = false;
  bool shut_down_ = false;
  std::uint32_t breaks_ = 0;
  std::uint32_t reconnects_ = 0;
  std::uint32_t wakes_ = 0;
  std::uint32_t crashes_ = 0;
  std::uint32_t failures_ = 0;
  std::uint32_t time_steps_ = 0;
};

}  // namespace restante::sim
