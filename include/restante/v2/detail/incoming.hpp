// How far a client of restante.v2 has come with its mailbox and its rooms: what was handed to the program, what it is
// done with, and what the server was told of (docs/protocol.md, restante.v2, rules 5 and 6).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/v2/inbox.hpp>
#include <restante/v2/packet.hpp>

namespace restante::v2::detail {

/// What is known of each source. An `_end` is an offset below which something is true of all messages.
template <KeepsInbox Inbox>
class Incoming {
 public:
  explicit Incoming(Inbox& inbox) : inbox_{inbox} {}

  /// Messages that the program has and is not done with.
  std::size_t in_hand() const noexcept { return in_hand_; }

  /// Messages of a room that left it before they were handed over: so many, and all below this offset is known of.
  struct Gap {
    std::string room;
    Epoch epoch = 0;
    Offset end = 0;
    std::uint64_t count = 0;
  };

  /// A source is there, on a new connection. Of a room, `next` is the offset that its next message will get. Gives
  /// whether the source has another epoch than it had before.
  bool start(std::string_view source, Epoch epoch, Offset first_unacknowledged, Offset next = 0) {
    const auto [place, is_new] = places_.try_emplace(std::string{source});
    Place& it = place->second;
    const bool is_other = !is_new && it.epoch != epoch;
    if (is_new || is_other) {
      in_hand_ -= it.in_hand.size();
      it = {};
      it.epoch = epoch;
      if (const std::optional<Offset> handled = inbox_.handled_up_to(source, epoch)) {
        it.handed_end = it.done_end = it.kept_end = *handled + 1;
      }
    }
    if (first_unacknowledged > it.handed_end) {
      // Of a new member, what was there before it; otherwise, what another client of this address handled.
      it.handed_end = first_unacknowledged;
      if (it.in_hand.empty()) {
        it.done_end = it.kept_end = first_unacknowledged;
      }
    }
    it.is_there = true;
    it.delivered_end = 0;
    it.accepted_end = next;
    it.is_settled = it.handed_end >= next;
    it.is_vague = false;
    it.acknowledged_end = first_unacknowledged;
    it.asked_end.reset();
    return is_other;
  }

  /// The connection ended.
  void closed() {
    for (auto& [source, place] : places_) {
      place.is_there = false;
    }
  }

  /// The address has left the room.
  void forget(std::string_view room) {
    if (const auto place = places_.find(room); place != places_.end()) {
      in_hand_ -= place->second.in_hand.size();
      places_.erase(place);
    }
  }

  /// The epoch of a source, or nothing where it is not one.
  std::optional<Epoch> epoch_of(std::string_view source) const {
    const auto place = places_.find(source);
    return place != places_.end() && place->second.is_there ? std::optional{place->second.epoch} : std::nullopt;
  }

  /// A message came from a source that has an epoch. Gives whether it is one to hand over; then it counts as handed.
  bool accept(std::string_view source, Offset offset) {
    Place& place = places_.find(source)->second;
    place.delivered_end = std::max(place.delivered_end, offset + 1);
    if (offset < place.handed_end) {
      return false;
    }
    place.handed_end = offset + 1;
    place.is_vague = false;
    place.in_hand.insert(offset);
    ++in_hand_;
    return true;
  }

  /// The end of what was handed over, or passed over, of a source that has an epoch.
  Offset handed_end(std::string_view source) const { return places_.find(source)->second.handed_end; }

  /// What lies below this offset of a room that has an epoch, and was not handed over, is gone: it counts as handled.
  /// Gives how many messages that are.
  std::uint64_t pass_over(std::string_view room, Offset end) {
    Place& place = places_.find(room)->second;
    place.delivered_end = std::max(place.delivered_end, end);
    if (end <= place.handed_end) {
      return 0;
    }
    const std::uint64_t count = end - place.handed_end;
    place.handed_end = end;
    if (place.in_hand.empty()) {
      place.done_end = end;
    }
    return count;
  }

  /// The server says that it passed over so many messages of a room that has an epoch. As long as the room is not
  /// settled, these may be others than those that follow here: some before them may be gone, too.
  std::uint64_t pass_over_next(std::string_view room, std::uint64_t count) {
    Place& place = places_.find(room)->second;
    place.is_vague = !place.is_settled;
    return pass_over(room, place.handed_end + count);
  }

  /// Whether the server can say nothing of what is gone as long as nothing else happens.
  bool is_settled() const {
    return std::none_of(places_.begin(), places_.end(),
                        [](const auto& it) { return lacks(it.second) && !it.second.is_vague; });
  }

  /// All that the server had was delivered: passes over what a room had when it was joined and did not come. One room
  /// at a time; call it until it gives nothing.
  std::optional<Gap> settle() {
    for (auto& [source, place] : places_) {
      if (lacks(place) && place.accepted_end > place.handed_end) {
        const Offset end = place.accepted_end;
        return Gap{source, place.epoch, end, pass_over(source, end)};
      }
      place.is_settled = place.is_settled || (place.is_there && !place.is_vague);
    }
    return std::nullopt;
  }

  /// Rooms of which it is not known how many messages went after the last one that came: the server is to be asked
  /// again where they stand.
  std::vector<std::string> vague_rooms() const {
    std::vector<std::string> rooms;
    for (const auto& [source, place] : places_) {
      if (lacks(place) && place.is_vague) {
        rooms.push_back(source);
      }
    }
    return rooms;
  }

  /// It said what offset the next message will get. Gives whether that was to be known.
  bool set_next(std::string_view room, Offset next) {
    const auto found = places_.find(room);
    if (found == places_.end() || !found->second.is_vague) {
      return false;
    }
    found->second.accepted_end = next;
    found->second.is_settled = found->second.handed_end >= next;
    found->second.is_vague = false;
    return true;
  }

  /// The program is done with a message. What it had from another epoch, or has no more, is ignored.
  void done(std::string_view source, Epoch epoch, Offset offset) {
    const auto found = places_.find(source);
    if (found == places_.end() || found->second.epoch != epoch || found->second.in_hand.erase(offset) == 0) {
      return;
    }
    --in_hand_;
    Place& place = found->second;
    const Offset first_in_hand = place.in_hand.empty() ? place.handed_end : *place.in_hand.begin();
    if (offset < first_in_hand) {
      place.done_end = first_in_hand;
    }
  }

  /// Lets the inbox keep what is new since last time. The error is the inbox's.
  std::error_code keep() {
    for (auto& [source, place] : places_) {
      if (place.done_end > place.kept_end) {
        if (const std::error_code error = inbox_.handled(source, place.epoch, place.done_end - 1)) {
          return error;
        }
        place.kept_end = place.done_end;
      }
    }
    return {};
  }

  /// What to acknowledge next; the tag is not set. One at a time for each source. Only what was delivered on this
  /// connection: that is what the server surely remembers to have delivered.
  std::optional<Acknowledge> acknowledge() {
    for (auto& [source, place] : places_) {
      const Offset end = std::min(place.kept_end, place.delivered_end);
      if (place.is_there && !place.asked_end && end > place.acknowledged_end) {
        place.asked_end = end;
        return Acknowledge{.source = as_bytes(source), .epoch = place.epoch, .offset = end - 1};
      }
    }
    return std::nullopt;
  }

  /// What acknowledge() gave for a source was answered.
  void acknowledged(std::string_view source, bool accepted) {
    const auto place = places_.find(source);
    if (place != places_.end() && place->second.asked_end) {
      if (accepted) {
        place->second.acknowledged_end = *place->second.asked_end;
      }
      place->second.asked_end.reset();
    }
  }

 private:
  struct Place {
    Epoch epoch = 0;
    // On this connection: whether the source is there, how far it was delivered, and what a room had accepted when it
    // was joined.
    bool is_there = false;
    Offset delivered_end = 0;
    Offset accepted_end = 0;
    // The server has delivered, or called missed, what lies below handed_end, and nothing else.
    bool is_settled = false;
    bool is_vague = false;
    Offset acknowledged_end = 0;
    // An ACK that is under way.
    std::optional<Offset> asked_end;

    // Handed over, or passed over.
    Offset handed_end = 0;
    Offset done_end = 0;
    Offset kept_end = 0;
    // Handed over, and not done with.
    std::set<Offset> in_hand;
  };

  static bool lacks(const Place& place) noexcept { return place.is_there && !place.is_settled; }

  Inbox& inbox_;
  std::map<std::string, Place, std::less<>> places_;
  std::size_t in_hand_ = 0;
};

}  // namespace restante::v2::detail
