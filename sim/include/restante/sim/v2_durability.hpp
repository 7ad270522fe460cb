// Is everything on the disk that the server has told of? Judged each time that a server loads it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <restante/sim/disk_contents.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/v2_places.hpp>
#include <restante/sim/v2_sessions.hpp>
#include <restante/time.hpp>

namespace restante::sim {

/// Notes what replies that left the server have said. When a server loads, all of it must be found: epochs, members,
/// messages that were accepted and did not go, numbers of pushes, how far was delivered; and nothing that was
/// acknowledged. Then the places are what the disk has.
class V2Durability {
 public:
  V2Durability(Findings& findings, Letters& letters, Places& places, const DiskContents& durable)
      : findings_{findings}, letters_{letters}, places_{places}, durable_{durable} {}

  void load(SteadyTime time) {
    time_ = time;
    Places::All before = std::move(places_.all());
    places_.clear();
    for (const auto& [index, row] : durable_.addresses()) {
      if (!Address::at(index).is_classic()) {
        adopt(row, before[row.name], places_.at(row.name));
      }
    }
    for (auto& [name, place] : before) {
      compare(name, place, places_.at(name));
    }
  }

 private:
  static constexpr std::string_view checker_name = "v2 durability";

  void expect(bool condition, std::string_view sentence, std::string_view where) {
    if (!condition) {
      findings_.violation(checker_name, time_,
                          std::string{sentence} + " after the store was loaded, at " + std::string{where});
    }
  }

  void adopt(const DiskAddress& row, Place& before, Place& place) {
    place.epoch = row.epoch;
    place.next_offset = row.mailbox.next_offset;
    place.delivered_end = row.delivered_end;
    for (const auto& [index, kept] : row.members) {
      const std::string& member = durable_.addresses().at(index).name;
      place.members[member] = {.next = kept.cursor, .delivered_end = kept.delivered_end, .cursor = kept.cursor};
      place.delivered_end = std::max(place.delivered_end, kept.delivered_end);
    }
    for (const DiskMessage& message : row.mailbox.messages) {
      const auto number = letters_.find(message.payload);
      expect(number && letters_[*number].to == row.name, "there is a message that nobody pushed there", row.name);
      if (number) {
        const bool was_delivered = message.offset < place.delivered_end;
        places_.load(place, {message.offset, *number, message.time_ms, message.expires_ms, was_delivered},
                     message.payload.size());
      }
    }
    for (const auto& [sequence, state] : row.states) {
      const auto known = before.numbers.find(sequence);
      expect(known != before.numbers.end(), "there is a number that nobody pushed with", row.name);
      if (known != before.numbers.end()) {
        place.numbers[sequence] = {known->second.letter, state};
      }
    }
  }

  void compare(const std::string& name, const Place& before, Place& place) {
    expect(before.epoch_left == 0 || place.epoch == before.epoch_left, "an epoch that was told is another", name);
    place.epoch_left = before.epoch_left;
    expect(place.next_offset >= before.promised_left, "an offset that was used will be used again", name);
    expect(place.delivered_end >= before.delivered_left, "what was delivered is not known as delivered", name);
    expect(place.kept.empty() || place.kept.front().offset >= before.acknowledged_left, "what was acknowledged is back",
           name);
    place.promised_left = before.promised_left;
    place.delivered_left = before.delivered_left;
    place.acknowledged_left = before.acknowledged_left;
    for (const Place::Kept& it : before.kept) {
      compare(name, it, place);
    }
    for (const auto& [sequence, number] : before.numbers) {
      const bool is_old = place.highest() >= Place::window + sequence;
      expect(!letters_[number.letter].promised || is_old || place.find_number(sequence) != nullptr,
             "a number that was accepted is new", name);
    }
    for (const auto& [member, at] : before.members) {
      compare(name, at, place.members, member);
    }
  }

  void compare(const std::string& name, const Place::Kept& it, Place& place) {
    const auto found = place.from(it.offset);
    if (found != place.kept.end() && found->offset == it.offset) {
      expect(found->letter == it.letter, "a message is another", name);
      return;
    }
    Letter& letter = letters_[it.letter];
    const bool has_expired = it.expires_ms != 0 && it.expires_ms <= wall_clock_ms(time_);
    expect(!letter.promised || has_expired, "a message that was accepted is gone", name);
    letter.fate = has_expired ? Letter::Fate::expired : Letter::Fate::not_stored;
  }

  void compare(const std::string& name, const PlaceMember& before, auto& members, const std::string& member) {
    const auto found = members.find(member);
    expect(found != members.end() || !before.joined_left, "a member is none", name);
    if (found != members.end()) {
      PlaceMember& it = found->second;
      expect(it.cursor >= before.cursor_left, "what a member acknowledged is to be delivered again", name);
      expect(it.delivered_end >= before.delivered_left, "what was delivered to a member is not known as delivered",
             name);
      it.joined_left = before.joined_left;
      it.cursor_left = before.cursor_left;
      it.delivered_left = before.delivered_left;
    }
  }

  Findings& findings_;
  Letters& letters_;
  Places& places_;
  const DiskContents& durable_;
  SteadyTime time_{};
};

/// A reply left the server: what it says must stay true.
inline void note_left(const V2Made& made, Places& places, Letters& letters) {
  Place* const place = places.find(made.place);
  if (place == nullptr) {
    return;
  }
  const auto found = place->members.find(made.member);
  PlaceMember* const member = found == place->members.end() ? nullptr : &found->second;
  switch (made.says) {
    case V2Made::Says::epoch:
      place->epoch_left = made.number;
      if (member != nullptr) {
        member->joined_left = true;
      }
      break;
    case V2Made::Says::promised:
      letters[made.letter].promised = true;
      place->promised_left = std::max(place->promised_left, made.number);
      break;
    case V2Made::Says::delivered: {
      Offset& end = member == nullptr ? place->delivered_left : member->delivered_left;
      end = std::max(end, made.number);
      break;
    }
    case V2Made::Says::acknowledged: {
      Offset& end = member == nullptr ? place->acknowledged_left : member->cursor_left;
      end = std::max(end, made.number);
      break;
    }
    case V2Made::Says::nothing:
      break;
  }
}

}  // namespace restante::sim
