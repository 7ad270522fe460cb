// One program at an in-memory network: who listens, and what it asked to be told.
//
// Used by Exchange and the endpoints; users need the endpoints only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <restante/assert.hpp>
#include <restante/memory/timeline.hpp>
#include <restante/transport.hpp>

namespace restante::memory {

/// What the other side sees of a program, and what it accepts.
struct Profile {
  std::string name;
  /// A longer message closes the connection with 1009, unless it speaks a subprotocol, which has a limit of its own.
  std::uint64_t message_bytes_max = UINT64_MAX;
};

/// One program at the network: who listens, and what it asked to be told.
class Program {
 public:
  Program(Timeline& timeline, Profile profile) : timeline_{timeline}, profile_{std::move(profile)} {}
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { silence(); }

  const Profile& profile() const noexcept { return profile_; }

  /// nullptr when it is not started.
  TransportListener* listener() const noexcept { return listener_; }

  /// What its listener speaks. Nothing when it is not started.
  std::span<const Protocol> protocols() const noexcept { return protocols_; }

  /// The longest message that it takes on a connection that speaks this subprotocol, one of protocols(), or none.
  std::uint64_t message_bytes_max(std::string_view protocol) const noexcept {
    return protocol.empty() ? profile_.message_bytes_max : find_protocol(protocols_, protocol)->message_bytes_max;
  }

  void listen(TransportListener& listener) {
    RESTANTE_ASSERT(listener_ == nullptr, "the transport was started already");
    listener_ = &listener;
    protocols_ = protocols_of(listener);
  }

  /// Reports nothing any more, not even what was due.
  void silence() {
    listener_ = nullptr;
    protocols_ = {};
    timeline_.cancel(std::exchange(turn_end_, {}));
    timeline_.cancel(std::exchange(deadline_, {}));
    timeline_.cancel(std::exchange(waking_, {}));
  }

  /// Ends the turn once all that is due now was reported: what arrives at the same time belongs to the same turn.
  void end_turn_later() {
    if (turn_end_ == Timeline::EventId{}) {
      turn_end_ = timeline_.at(timeline_.now(), [this] {
        turn_end_ = {};
        listener_->turn_ended();
      });
    }
  }

  void wake_at(SteadyTime time) {
    timeline_.cancel(std::exchange(deadline_, {}));
    if (listener_ != nullptr) {
      const auto on_time = [this] {
        deadline_ = {};
        listener_->woken();
      };
      deadline_ = timeline_.at(time, on_time, EventWeight::deadline);
    }
  }

  void wake() {
    if (listener_ != nullptr && waking_ == Timeline::EventId{}) {
      waking_ = timeline_.at(timeline_.now(), [this] {
        waking_ = {};
        listener_->woken();
      });
    }
  }

 private:
  Timeline& timeline_;
  Profile profile_;
  TransportListener* listener_ = nullptr;
  std::span<const Protocol> protocols_;
  Timeline::EventId turn_end_;
  Timeline::EventId deadline_;
  Timeline::EventId waking_;
};

}  // namespace restante::memory
