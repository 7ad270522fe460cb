// Virtual time: it stands still while something happens, and jumps to the next thing that will.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include <restante/assert.hpp>
#include <restante/callback.hpp>
#include <restante/time.hpp>

namespace restante {

/// Whether somebody who waits for a network to fall quiet waits for an event too.
enum class EventWeight : std::uint8_t {
  /// Something is on its way.
  work,
  /// Somebody asked to be told the time, perhaps again and again.
  deadline,
};

/// What will happen and when, in the order of time; what is due at the same time happens in the order in which it was
/// scheduled. Not thread safe.
class Timeline {
 public:
  /// Names an event until it has happened or was cancelled, and nothing after that. Made empty, it names nothing.
  struct EventId {
    SteadyTime time{};
    /// Counts all events ever scheduled, from 1.
    std::uint64_t sequence = 0;

    friend constexpr auto operator<=>(EventId, EventId) = default;
  };

  /// So many events at one time without its going on are taken for an endless loop, and end the program.
  static constexpr std::uint64_t events_per_instant_max = 1'000'000;

  Timeline() = default;
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  /// The time of the event that is happening, or the time that was last gone to. Starts at SteadyTime{}.
  SteadyTime now() const noexcept { return now_; }

  /// Schedules `callback` for `time`, or for now when that has passed. At `never` nothing is scheduled, and the name
  /// that is returned is empty.
  EventId at(SteadyTime time, Callback<void()> callback, EventWeight weight = EventWeight::work) {
    if (time == never) {
      return {};
    }
    const EventId id{time < now_ ? now_ : time, ++sequence_};
    events_.emplace(id, Event{std::move(callback), weight});
    work_ += weight == EventWeight::work ? 1 : 0;
    return id;
  }

  /// Takes an event back, and says whether there was one. An empty or outlived name is allowed.
  bool cancel(EventId id) {
    const auto found = events_.find(id);
    if (found == events_.end()) {
      return false;
    }
    work_ -= found->second.weight == EventWeight::work ? 1 : 0;
    events_.erase(found);
    return true;
  }

  /// When the next event is due; never, when there is none.
  SteadyTime next() const noexcept { return events_.empty() ? never : events_.begin()->first.time; }

  /// Whether no event of EventWeight::work waits.
  bool quiet() const noexcept { return work_ == 0; }

  /// Goes to the next event and lets it happen. False when there is none. Must not be called by an event.
  bool step() {
    RESTANTE_ASSERT(!stepping_, "an event, or a listener that it called, ran the simulation");
    if (events_.empty()) {
      return false;
    }
    auto node = events_.extract(events_.begin());
    work_ -= node.mapped().weight == EventWeight::work ? 1 : 0;
    events_at_this_instant_ = node.key().time == now_ ? events_at_this_instant_ + 1 : 1;
    RESTANTE_ASSERT(events_at_this_instant_ <= events_per_instant_max, "the simulation does not get on in time");
    now_ = node.key().time;
    const Stepping stepping{stepping_};
    node.mapped().callback();
    return true;
  }

  /// Lets everything happen that is due up to `time`, that time included, and goes there. Does nothing when it has
  /// passed. Must not be called by an event.
  void run_until(SteadyTime time) {
    while (next() <= time && next() != never) {
      step();
    }
    now_ = time > now_ ? time : now_;
  }

 private:
  struct Event {
    Callback<void()> callback;
    EventWeight weight = EventWeight::work;
  };

  /// Resets the mark also when the event throws.
  struct Stepping {
    explicit Stepping(bool& stepping) : mark{stepping} { mark = true; }
    Stepping(const Stepping&) = delete;
    Stepping& operator=(const Stepping&) = delete;
    ~Stepping() { mark = false; }
    bool& mark;
  };

  SteadyTime now_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t work_ = 0;
  std::uint64_t events_at_this_instant_ = 0;
  bool stepping_ = false;
  std::map<EventId, Event> events_;
};

}  // namespace restante
