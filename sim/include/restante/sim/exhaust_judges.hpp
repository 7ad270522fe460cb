// Everybody who judges an interleaving of a small world.
#pragma once

#include <optional>
#include <variant>

#include <restante/event.hpp>
#include <restante/messenger_options.hpp>
#include <restante/sim/client_checker.hpp>
#include <restante/sim/delivery_checker.hpp>
#include <restante/sim/disk_contents.hpp>
#include <restante/sim/exhaust_rules.hpp>
#include <restante/sim/exhaust_world.hpp>
#include <restante/sim/flow_checker.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/protocol_checker.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>
#include <restante/sim/v2_delivery_checker.hpp>
#include <restante/sim/v2_protocol_checker.hpp>
#include <restante/time.hpp>

namespace restante::sim {

/// Passes on what happens to the checkers of the protocol that a world speaks.
class WorldJudges {
 public:
  /// `durable` is what a server would find on its disk now, or nullptr where it has none.
  WorldJudges(const SmallWorld& world, RuleCounts& rules, const DiskContents* durable)
      : rules_{rules},
        protocol_{findings_, limits(world), durable == nullptr ? nullptr : &durable->mailboxes()},
        delivery_{findings_},
        client_{findings_},
        flow_{findings_, MessengerOptions{}.stuck_after},
        watch_{rules, protocol_, limits(world)},
        durable_{durable} {
    if (world.is_v2()) {
      v2_.emplace(findings_, world.limits, durable);
    }
  }
  WorldJudges(const WorldJudges&) = delete;
  WorldJudges& operator=(const WorldJudges&) = delete;

  Findings& findings() noexcept { return findings_; }
  const Findings& findings() const noexcept { return findings_; }
  const ProtocolChecker& protocol() const noexcept { return protocol_; }
  Letters& letters() { return v2_->letters; }
  V2DeliveryChecker& v2_delivery() { return v2_->delivery; }

  /// Some scripts ask before they claim an id, or claim it twice: that, the CallbackChecker judges.
  void add_client(ClientIndex client) { client_.judge(client, ClientChecker::any_habits()); }

  void observe(const Entry& entry) {
    delivery_.observe(entry);
    client_.observe(entry);
    if (entry.kind == EntryKind::server_crashed) {
      flow_.server_crashed();
    }
    if (v2_) {
      v2_->protocol.observe(entry);
      v2_->delivery.observe(entry);
    } else {
      watch_.observe(entry);
      protocol_.observe(entry);
    }
  }

  /// What the server says of itself.
  void told(SteadyTime time, const Event& event) {
    flow_.observe(time, event);
    if (std::holds_alternative<event::ConnectionPaused>(event)) {
      rules_.reach(Rule::paused);
    } else if (std::holds_alternative<event::ConnectionResumed>(event)) {
      rules_.reach(Rule::resumed);
    } else if (const auto* const refused = std::get_if<event::ConnectionRefused>(&event);
               refused != nullptr && refused->code == close_code::policy_violation) {
      rules_.reach(Rule::stuck);
      delivery_.check_stuck(time, refused->connection);
    } else if (const auto* const sent = std::get_if<event::PacketSent>(&event); sent != nullptr && v2_) {
      v2_->protocol.made(time, sent->connection, sent->packet);
    }
  }

  /// Nothing is on its way any more.
  void check_quiet(SteadyTime time) {
    delivery_.check_quiet(time);
    if (v2_) {
      v2_->protocol.check_quiet(time);
    } else {
      protocol_.check_quiet(time);
    }
  }

  /// And everybody is done with what he got.
  void check_end(SteadyTime time, const Books& books) {
    check_quiet(time);
    if (v2_) {
      v2_->delivery.check_quiet(time, v2_->protocol.places());
    } else {
      protocol_.check_books(time, books);
    }
    if (durable_ != nullptr && !durable_->consistent()) {
      findings_.violation("store", time, "the store was told of something that cannot be");
    }
  }

 private:
  struct V2 {
    V2(Findings& findings, const Limits& limits, const DiskContents* durable)
        : delivery{findings, letters, durable != nullptr}, protocol{findings, letters, limits, durable} {}
    Letters letters;
    V2DeliveryChecker delivery;
    V2ProtocolChecker protocol;
  };

  static ProtocolRules limits(const SmallWorld& world) { return {.mailbox_messages_max = world.mailbox_messages_max}; }

  RuleCounts& rules_;
  Findings findings_;
  ProtocolChecker protocol_;
  DeliveryChecker delivery_;
  ClientChecker client_;
  FlowChecker flow_;
  RuleWatch watch_;
  const DiskContents* durable_;
  std::optional<V2> v2_;
};

}  // namespace restante::sim
