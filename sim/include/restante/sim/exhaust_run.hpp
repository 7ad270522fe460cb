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
#include <restante/sim/exhaust_client.hpp>
#include <restante/sim/exhaust_correspondent.hpp>
#include <restante/sim/exhaust_judges.hpp>
#include <restante/sim/exhaust_program.hpp>
#include <restante/sim/exhaust_rules.hpp>
#include <restante/sim/exhaust_store.hpp>
#include <restante/sim/exhaust_transport.hpp>
#include <restante/sim/exhaust_world.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>
#include <restante/store.hpp>

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
        judges_{world, rules, durable_at_once ? nullptr : &disk_.contents},
        clients_(world.clients.size()) {
    start();
    for (ClientIndex client = 0; client < clients_.size(); ++client) {
      begin(client);
    }
  }
  WorldRun(const WorldRun&) = delete;
  WorldRun& operator=(const WorldRun&) = delete;

  const Findings& findings() const noexcept { return judges_.findings(); }

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
    check_quiet();
    judges_.check_end(transport_.now(), program_->messenger.counters().books);
  }

 private:
  static constexpr bool durable_at_once = DurableAtOnce<S>;
  static constexpr std::uint32_t finishing_steps_max = 1000;

  // With a program, or without.
  struct Participant {
    std::unique_ptr<StepProgram> program;
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

  // How it begins.

  void start() {
    observe({.kind = EntryKind::server_started});
    MessengerOptions options;
    options.mailbox_messages_max = world_.mailbox_messages_max;
    options.waiting_bytes_max = world_.waiting_bytes_max > 0 ? world_.waiting_bytes_max : options.waiting_bytes_max;
    options.limits = world_.limits;
    options.entropy = [this] { return ++entropy_; };
    options.wall_clock = [this] { return wall_clock_ms(transport_.now()); };
    options.on_event = [this](const Event& event) { told(event); };
    program_ = std::make_unique<Program>(transport_, disk_, std::move(options));
  }

  void begin(ClientIndex client) {
    const SmallClient& script = world_.clients[client];
    if (script.is_raw()) {
      connect(client);
      return;
    }
    StepProgram& program = *(clients_[client].program = make_program(client, script));
    program.connect();
    fall_quiet();
    for (std::size_t i = 0; i < script.before.size(); ++i) {
      program.act_before(i);
      fall_quiet();
    }
  }

  std::unique_ptr<StepProgram> make_program(ClientIndex client, const SmallClient& script) {
    if (script.correspondent) {
      return std::make_unique<StepCorrespondent>(transport_, judges_.letters(), judges_.v2_delivery(), client, script);
    }
    judges_.add_client(client);
    return std::make_unique<StepClient>(transport_, judges_.findings(), rules_, judges_.protocol(), client, script);
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
      StepProgram& program = *participant.program;
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
      if (committing() && world_.transactions) {
        add_steps_of_transactions();
      } else if (committing()) {
        steps_.push_back({Step::Kind::commit_completes});
        const auto changes = static_cast<std::uint32_t>(program_->store.changes());
        for (std::uint32_t kept = 0; failures_ < world_.failures_max && kept <= changes + 1; ++kept) {
          steps_.push_back({Step::Kind::commit_fails, 0, kept});
        }
      }
    }
    if (crashes_ < world_.crashes_max) {
      steps_.push_back({Step::Kind::server_crashes});
      for (std::uint32_t kept = 1; kept <= kept_in_crash_max(); ++kept) {
        steps_.push_back({Step::Kind::server_crashes, 0, kept});
      }
    }
    if (time_steps_ < world_.time_steps_max && transport_.can_pass_time()) {
      steps_.push_back({Step::Kind::time_passes});
    }
    if (world_.shuts_down && !shut_down_) {
      steps_.push_back({Step::Kind::server_shuts_down});
    }
  }

  void add_steps_of_transactions() {
    const std::uint32_t commits = this->commits();
    for (std::uint32_t more = 0; more < commits; ++more) {
      steps_.push_back({Step::Kind::commit_completes, 0, more});
    }
    for (std::uint32_t durable = 0; failures_ < world_.failures_max && durable < commits; ++durable) {
      for (std::uint32_t kept = 0; kept <= commits - durable + 1; ++kept) {
        steps_.push_back({Step::Kind::commit_fails, durable, kept});
      }
    }
  }

  // How far what is under way may get in a crash, as Step::detail says it.
  std::uint32_t kept_in_crash_max() const { return world_.transactions ? commits() : committing() ? 1 : 0; }

  std::uint32_t commits() const {
    if constexpr (durable_at_once) {
      return 0;
    } else {
      return static_cast<std::uint32_t>(program_->store.commits());
    }
  }

  bool committing() const { return commits() > 0; }

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
      crash(world_.transactions ? step.detail : step.detail * commits());
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
        rules_.reach(Rule::commits_completed_as_one, step.detail > 0 ? 1 : 0);
        program_->store.complete(step.detail + 1);
      } else if (step.kind == Step::Kind::commit_fails && world_.transactions) {
        ++failures_;
        fail_transaction(step.which, step.detail);
      } else if (step.kind == Step::Kind::commit_fails) {
        ++failures_;
        disk_.unreadable = step.detail > program_->store.changes();
        program_->store.fail(disk_.unreadable ? 0 : step.detail);
      }
    }
  }

  void fail_transaction(std::uint32_t durable, std::uint32_t kept) {
    disk_.unreadable = kept > commits() - durable;
    rules_.reach(Rule::durable_told_with_failure, durable > 0 ? 1 : 0);
    rules_.reach(kept > 0 && !disk_.unreadable ? Rule::failed_commit_kept : Rule::failed_commit_lost);
    program_->store.fail(TransactionFailure{durable, disk_.unreadable ? 0 : kept});
  }

  void end_turn() {
    turn_is_open_ = false;
    transport_.end_turn();
  }

  void crash(std::uint32_t commits_kept) {
    if constexpr (!durable_at_once) {
      rules_.reach(Rule::commits_lost_in_crash, commits_kept < commits() ? 1 : 0);
      program_->store.keep_first(commits_kept);
    }
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
    judges_.findings().liveness_failure("exhaust", transport_.now(), "the world does not fall quiet");
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
        // What a reply is missing for, a client would hide that gives up waiting for it.
        judges_.check_quiet(transport_.now());
        return only({Step::Kind::client_wakes, client});
      }
    }
    return nullptr;
  }

  const Step* only(const Step& step) {
    steps_.assign(1, step);
    return steps_.data();
  }

  static bool has_to_wake(StepProgram& program) {
    return program.transport().can_pass_time() && (!program.transport().exists() || program.has_to_wake());
  }

  // Whether the client still understands the server, and holds what it believes to hold.
  static void ask(const Participant& client) {
    if (client.program && client.program->transport().stands()) {
      client.program->ask();
      client.program->settle();
    }
  }

  void check_quiet() {
    judges_.check_quiet(transport_.now());
    for (const Participant& client : clients_) {
      if (client.program) {
        client.program->check_quiet();
      }
    }
  }

  // What is told to the checkers.

  void told(const Event& event) {
    if (std::holds_alternative<event::StoreFailed>(event)) {
      observe({.kind = EntryKind::store_failed});
    } else if (std::holds_alternative<event::StoreRecovered>(event)) {
      observe({.kind = EntryKind::store_recovered});
    } else {
      judges_.told(transport_.now(), event);
    }
  }

  void observe(Entry entry) {
    entry.time = transport_.now();
    record(entry);
  }

  void record(Entry entry) override {
    judges_.observe(entry);
    if (entry.client < clients_.size() && clients_[entry.client].program) {
      clients_[entry.client].program->observe(entry);
    }
  }

  const SmallWorld& world_;
  RuleCounts& rules_;
  StepDisk disk_;
  StepTransport transport_;
  WorldJudges judges_;
  std::uint64_t entropy_ = 0;
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
