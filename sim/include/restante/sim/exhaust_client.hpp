// A program with the real Client, whose every step is a choice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/client.hpp>
#include <restante/sim/callback_checker.hpp>
#include <restante/sim/exhaust_program.hpp>
#include <restante/sim/exhaust_rules.hpp>
#include <restante/sim/exhaust_world.hpp>
#include <restante/sim/id_set.hpp>
#include <restante/sim/protocol_checker.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>

namespace restante::sim {

/// Does what its script says with a Client, and has all that it hears judged by a CallbackChecker.
class StepClient final : public StepProgram {
 public:
  /// All of these must outlive it.
  StepClient(StepTransport& network, Findings& findings, RuleCounts& rules, const ProtocolChecker& protocol,
             ClientIndex index, const SmallClient& script)
      : StepProgram{network, index, script},
        rules_{rules},
        protocol_{protocol},
        checker_{findings, index, script.requests_max},
        client_{transport_, options(index)} {}

  /// Looks into the mailbox of each id that it holds.
  void ask() override {
    const IdSet held = checker_.held();
    held.for_each([this](std::uint8_t id) { StepProgram::perform({.kind = Operation::Kind::get, .id = id}); });
  }

  /// The Client looks at what it rejected, and everything that it should have told by now is told.
  void settle() override {
    transport_.wake_if_asked();
    checker_.check_settled(transport_.now(), transport_.stands());
  }

  /// To claim an id that is free again. Whoever waits for a reply now should not have to.
  bool has_to_wake() override {
    bool id_is_free = false;
    checker_.kept().for_each([&](std::uint8_t id) { id_is_free = id_is_free || !protocol_.held(id); });
    return id_is_free && checker_.waiting() == 0;
  }

  void observe(const Entry& entry) override { checker_.observe(entry); }

  void check_quiet() override {
    checker_.check_quiet(transport_.now(), transport_.stands(), [this](std::uint8_t id) { return protocol_.held(id); });
  }

 private:
  using Packet = std::vector<std::uint8_t>;

  ClientOptions options(ClientIndex index) {
    ClientOptions options;
    options.requests_max = script_.requests_max;
    options.seed = index;
    options.on_event = [this](const ClientEvent& event) { hears(event); };
    return options;
  }

  // With those after it that are done in its callback; what has no callback goes on at once.
  void perform(const std::vector<Operation>& operations, std::size_t number) override {
    const Operation& operation = operations[number];
    const bool goes_on = number + 1 < operations.size() && operations[number + 1].in_callback;
    switch (operation.kind) {
      case Operation::Kind::associate:
      case Operation::Kind::push:
      case Operation::Kind::get:
        request(operation, goes_on ? &operations : nullptr, number + 1);
        return;
      case Operation::Kind::forget:
        checker_.forgets(operation.id);
        forgotten_.insert(operation.id);
        client_.forget(operation.id);
        break;
      case Operation::Kind::close:
        if (checker_.waiting() > 0) {
          rules_.reach(Rule::closed_with_requests_waiting);
        }
        closed_ = true;
        checker_.closes();
        client_.close();
        break;
      case Operation::Kind::connect:
        checker_.connects();
        client_.connect();
        break;
      default:
        RESTANTE_ASSERT(false, "the classic protocol has no such operation");
        break;
    }
    if (goes_on) {
      perform(operations, number + 1);
    }
  }

  // `then` are operations that its callback does from `next` on.
  void request(const Operation& operation, const std::vector<Operation>* then, std::size_t next) {
    const CallbackChecker::Request number = checker_.asks(packet_of(operation), transport_.stands());
    if (in_callback_) {
      rules_.reach(Rule::asked_from_callback);
    }
    const std::uint8_t id = operation.id;
    if (operation.kind == Operation::Kind::associate) {
      client_.associate(id, [=, this](std::error_code error, classic::AssociateResult result) {
        associated(id, error, result);
        called_back(number, error, reply(id, result), Rule::associate_unknown, then, next);
      });
    } else if (operation.kind == Operation::Kind::push) {
      client_.push(id, operation.receiver, BytesView{&operation.payload, 1},
                   [=, this](std::error_code error, classic::PushResult result) {
                     called_back(number, error, reply(id, result), Rule::push_unknown, then, next);
                   });
    } else {
      client_.get(id, [=, this](std::error_code error, const classic::GetResult& result) {
        called_back(number, error, reply(id, result), Rule::get_unknown, then, next);
      });
    }
    checker_.asked(transport_.now());
  }

  void called_back(CallbackChecker::Request number, std::error_code error, const Packet& reply, Rule unknown,
                   const std::vector<Operation>* then, std::size_t next) {
    checker_.called_back(transport_.now(), number, error, reply);
    if (error == Error::disconnected) {
      rules_.reach(unknown);
    } else if (error == Error::not_connected) {
      rules_.reach(Rule::refused_without_connection);
    } else if (error == Error::too_many_requests) {
      rules_.reach(Rule::refused_as_too_many);
    }
    if (then != nullptr) {
      const bool was_in_callback = std::exchange(in_callback_, true);
      perform(*then, next);
      in_callback_ = was_in_callback;
    }
  }

  void associated(std::uint8_t id, std::error_code error, classic::AssociateResult result) {
    if (!error && result == classic::AssociateResult::taken) {
      refused_.insert(id);
    } else if (!error && result == classic::AssociateResult::associated && refused_.contains(id)) {
      refused_.erase(id);
      rules_.reach(Rule::associated_after_refusal);
    }
    if (!error && result == classic::AssociateResult::associated) {
      forgotten_.erase(id);
    }
  }

  void hears(const ClientEvent& event) {
    checker_.hears(transport_.now(), event);
    if (std::holds_alternative<client_event::Connected>(event)) {
      connected();
    } else if (std::holds_alternative<client_event::Disconnected>(event)) {
      if (!std::exchange(open_, false)) {
        rules_.reach(Rule::connection_not_made);
      }
    } else if (const auto* restored = std::get_if<client_event::IdRestored>(&event)) {
      rules_.reach(Rule::id_restored);
      if (taken_.contains(restored->id)) {
        rules_.reach(Rule::id_restored_after_taken);
      }
    } else if (const auto* refused = std::get_if<client_event::IdNotRestored>(&event)) {
      rules_.reach(Rule::id_taken_on_return);
      taken_.insert(refused->id);
    }
  }

  void connected() {
    open_ = true;
    taken_.clear();
    if (connections_++ > 0) {
      rules_.reach(std::exchange(closed_, false) ? Rule::connected_after_close : Rule::connection_made_again);
      if (!forgotten_.empty()) {
        rules_.reach(Rule::id_forgotten_on_return);
      }
    }
    for (std::size_t i = 0; i < script_.when_connected.size(); ++i) {
      rules_.reach(Rule::asked_when_connected);
      perform(script_.when_connected, i);
    }
  }

  // Packets, as docs/protocol.md has them: what a request must become, and what replies a callback can mean.

  static Packet packet_of(const Operation& operation) {
    switch (operation.kind) {
      case Operation::Kind::associate:
        return {0, 0, operation.id};
      case Operation::Kind::push:
        return {2, 1, operation.id, operation.receiver, 1, operation.payload};
      default:
        return {1, 0, operation.id};
    }
  }

  static Packet reply(std::uint8_t id, classic::AssociateResult result) {
    switch (result) {
      case classic::AssociateResult::associated:
        return {0, 1, id};
      case classic::AssociateResult::taken:
        return {0, 3, id};
      case classic::AssociateResult::unauthorised:
        return {0, 2, id};
    }
    return {};
  }

  static Packet reply(std::uint8_t id, classic::PushResult result) {
    switch (result) {
      case classic::PushResult::accepted:
        return {1, 2, id};
      case classic::PushResult::mailbox_full:
        return {1, 3, id};
      case classic::PushResult::not_associated:
        return {0, 2, id};
      case classic::PushResult::refused:
        return {0, 3, id};
    }
    return {};
  }

  static Packet reply(std::uint8_t id, const classic::GetResult& result) {
    switch (result.kind) {
      case classic::GetResult::Kind::message: {
        Packet packet{2, 0, id, result.sender, static_cast<std::uint8_t>(result.payload.size())};
        packet.insert(packet.end(), result.payload.begin(), result.payload.end());
        return packet;
      }
      case classic::GetResult::Kind::empty:
        return {1, 1, id};
      case classic::GetResult::Kind::not_associated:
        return {0, 2, id};
      case classic::GetResult::Kind::refused:
        return {0, 3, id};
    }
    return {};
  }

  RuleCounts& rules_;
  const ProtocolChecker& protocol_;
  CallbackChecker checker_;
  bool in_callback_ = false;
  std::uint32_t connections_ = 0;
  bool open_ = false;
  /// close() was called since the last connection stood.
  bool closed_ = false;
  IdSet forgotten_;
  /// Ids that were refused when they were associated, and when they were claimed on this connection.
  IdSet refused_;
  IdSet taken_;
  Client<StepClientTransport> client_;
};

}  // namespace restante::sim
