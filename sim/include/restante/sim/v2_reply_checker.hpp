// Does the server answer requests of restante.v2 as it must? Judged when it makes a reply.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <restante/core/limits.hpp>
#include <restante/sim/connection_table.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/v2_places.hpp>
#include <restante/sim/v2_sessions.hpp>
#include <restante/time.hpp>
#include <restante/v2/codec.hpp>
#include <restante/v2/error.hpp>

namespace restante::sim {

/// Judges replies by the model of places, which follows them. Whoever derives from it notes what was asked.
class V2ReplyChecker {
 protected:
  V2ReplyChecker(Findings& findings, Letters& letters, const Limits& limits)
      : findings_{findings}, letters_{letters}, limits_{limits}, places_{letters} {}
  ~V2ReplyChecker() = default;

  using Asked = V2Asked;
  using Made = V2Made;
  using Session = V2Session;

  static constexpr std::string_view checker_name = "v2 protocol";

  void fail(SteadyTime time, std::string sentence) { findings_.violation(checker_name, time, std::move(sentence)); }
  void fail(std::string sentence) { fail(time_, std::move(sentence)); }
  void expect(bool condition, std::string_view sentence) {
    if (!condition) {
      fail(std::string{sentence});
    }
  }

  void expire(Place& place, SteadyTime time) {
    if (is_writable_) {
      findings_.sometimes.reach(Sometimes::message_expired, places_.expire(place, wall_clock_ms(time)));
    }
  }

  template <class Request>
  static constexpr std::size_t kind_of = v2::Request{Request{}}.index();

  /// A reply is made now.
  void judge_reply(SteadyTime time, Session& session, const v2::Reply& reply) {
    time_ = time;
    std::visit([&](const auto& packet) { this->judge(session, packet); }, reply);
  }

  /// The state of the message that a receipt asks for.
  MessageState state_of(const Session& session, const Asked& asked) {
    Place& sender = places_.at(session.address);
    const Place::Number* const found = sender.find_number(asked.sequence);
    if (found == nullptr) {
      return MessageState::unknown;
    }
    if (Place* const receiver = places_.find(letters_[found->letter].to); receiver != nullptr) {
      expire(*receiver, time_);
    }
    return found->state;
  }

  Findings& findings_;
  Letters& letters_;
  const Limits& limits_;
  bool is_writable_ = true;
  SteadyTime time_{};
  ConnectionTable<Session> sessions_;
  Places places_;
  /// All that were ever told.
  std::set<Epoch> epochs_;

 private:
  // Replies, as they are made.

  // The request that a reply answers; nullptr, and told, where there is none of its kind.
  Asked* find(Session& session, v2::Tag tag, std::size_t kind) {
    const auto found = session.asked.find(tag);
    if (found == session.asked.end() || found->second.kind != kind) {
      fail("the server sent a reply that nobody had asked for");
      return nullptr;
    }
    return &found->second;
  }

  template <class Request>
  std::optional<Asked> take(Session& session, v2::Tag tag) {
    Asked* const asked = find(session, tag, kind_of<Request>);
    if (asked == nullptr) {
      return std::nullopt;
    }
    Asked taken = std::move(*asked);
    session.asked.erase(tag);
    return taken;
  }

  void says(Session& session, Made::Says what, std::string_view place, std::string_view member, std::uint64_t number,
            LetterNumber letter = 0) {
    Made& made = session.made.back();
    made.says = what;
    made.place = place;
    made.member = member;
    made.number = number;
    made.letter = letter;
  }

  void judge(Session&, const v2::UnreadableReply&) { fail("the server made what is no reply"); }

  void judge(Session& session, const v2::Opened& opened) {
    const auto asked = take<v2::Open>(session, opened.tag);
    if (!asked) {
      return;
    }
    Place& place = places_.at(asked->name);
    expire(place, time_);
    expect(opened.took_over == (place.holder != Connection{}),
           "OPENED says wrongly whether somebody was replaced, or an address was held by two");
    if (Session* const replaced = sessions_.find(place.holder); replaced != nullptr && replaced != &session) {
      findings_.sometimes.reach(Sometimes::address_taken_over);
      replaced->is_open = false;
      replaced->was_replaced = true;
      replaced->asked.clear();
    }
    judge_epoch(place, opened.epoch);
    expect(opened.depth == place.kept.size(), "OPENED tells another depth than there is");
    expect(opened.first_unacknowledged == place.first_kept(), "OPENED tells another first offset than there is");
    expect(opened.highest_sequence == place.highest(), "OPENED tells another highest number than was accepted");
    expect(opened.window == Place::window, "OPENED tells another window");
    place.holder = session.connection;
    place.next = 0;
    for (auto& [name, other] : places_.all()) {
      if (const auto member = other.members.find(asked->name); member != other.members.end()) {
        member->second.next = member->second.cursor;
      }
    }
    session.address = asked->name;
    session.is_open = true;
    says(session, Made::Says::epoch, asked->name, {}, opened.epoch);
  }

  void judge_epoch(Place& place, Epoch told) {
    if (place.epoch == 0) {
      expect(epochs_.insert(told).second, "an epoch is used again after everything was lost");
      place.epoch = told;
    }
    expect(place.epoch == told, "an address has another epoch although nothing was lost");
  }

  void judge(Session& session, const v2::Accepted& accepted) {
    const auto asked = take<v2::Push>(session, accepted.tag);
    if (!asked) {
      return;
    }
    Place& sender = places_.at(session.address);
    Place& receiver = places_.at(asked->name);
    expire(receiver, time_);
    const Place::Number* const known = sender.find_number(asked->sequence);
    const bool is_duplicate = known != nullptr;
    expect(accepted.duplicate == is_duplicate, is_duplicate
                                                   ? "a push that was accepted is stored again"
                                                   : "a push that was not accepted is called accepted already");
    Offset end = 0;
    if (is_duplicate) {
      findings_.sometimes.reach(Sometimes::push_repeated);
      expect(known->letter == asked->letter, "a push is taken for another one with its number");
    } else {
      judge_place(session, *asked, receiver);
      if (is_room(asked->name) && receiver.kept.size() >= limits_.room_messages_max) {
        findings_.sometimes.reach(Sometimes::room_trimmed);
      }
      end = 1 + places_.store(session.address, asked->name, asked->sequence, asked->letter, asked->payload_bytes,
                              wall_clock_ms(time_), limits_.room_messages_max);
    }
    says(session, Made::Says::promised, asked->name, {}, end, asked->letter);
  }

  // Rule 2, of a push that was accepted.
  void judge_place(const Session& session, const Asked& asked, const Place& receiver) {
    expect(is_writable_, "a push was accepted while the store is not available");
    if (is_room(asked.name)) {
      expect(receiver.members.contains(session.address), "a push to a room was accepted of somebody who is no member");
      return;
    }
    expect(receiver.kept.size() < limits_.mailbox_messages_max, "a push to a full mailbox was accepted");
    expect(messages_of(receiver, session.address) < limits_.sender_messages_max,
           "a push beyond what one sender may use was accepted");
  }

  std::size_t messages_of(const Place& place, std::string_view sender) const {
    return static_cast<std::size_t>(std::count_if(place.kept.begin(), place.kept.end(), [&](const Place::Kept& it) {
      return letters_[it.letter].from == sender;
    }));
  }

  void judge(Session& session, const v2::Message& message) {
    Asked* const fetch = find(session, message.tag, kind_of<v2::Fetch>);
    if (fetch == nullptr) {
      return;
    }
    rewind(session, *fetch);
    expect(fetch->messages_left > 0, "more messages were delivered than there is credit for");
    expect(fetch->delivered == 0 || message.payload.size() <= fetch->bytes_left,
           "more bytes were delivered than there is credit for");
    fetch->messages_left -= fetch->messages_left > 0 ? 1 : 0;
    fetch->bytes_left -= std::min<std::uint64_t>(fetch->bytes_left, message.payload.size());
    ++fetch->delivered;
    const std::string_view source = as_text(message.source);
    Place& place = places_.at(source.empty() ? session.address : source);
    expire(place, time_);
    PlaceMember* member = nullptr;
    if (!source.empty()) {
      const auto found = place.members.find(session.address);
      if (found == place.members.end()) {
        fail("a message of a room was delivered to somebody who is no member");
        return;
      }
      member = &found->second;
    }
    const auto next = place.from(member == nullptr ? place.next : member->next);
    if (next == place.kept.end() || next->offset != message.offset) {
      fail("a message was delivered that is not the next one of " +
           std::string{source.empty() ? "its mailbox" : source} + ": " + std::to_string(message.offset));
      return;
    }
    judge_content(*next, message);
    if (next->delivered) {
      findings_.sometimes.reach(Sometimes::delivered_again);
    }
    places_.deliver(*next);
    if (member == nullptr) {
      place.next = message.offset + 1;
      place.delivered_end = std::max(place.delivered_end, place.next);
    } else {
      expect(message.offset <= std::max(member->next, member->delivered_end),
             "messages left a room before they were delivered, and nobody was told");
      member->next = message.offset + 1;
      member->delivered_end = std::max(member->delivered_end, member->next);
    }
    says(session, Made::Says::delivered, source.empty() ? session.address : source,
         member == nullptr ? std::string_view{} : std::string_view{session.address}, message.offset + 1);
  }

  void judge_content(const Place::Kept& kept, const v2::Message& message) {
    const Letter& letter = letters_[kept.letter];
    expect(letters_.find(message.payload) == kept.letter, "another message was delivered than was accepted there");
    expect(letter.from == as_text(message.sender), "a message was delivered as one of another sender");
    expect(kept.time_ms == message.time_ms, "a message was delivered with another time than that of its acceptance");
  }

  // Happens when the first thing is said.
  void rewind(const Session& session, Asked& fetch) {
    if (!std::exchange(fetch.rewind, false)) {
      return;
    }
    if (!is_room(fetch.name)) {
      places_.at(session.address).next = 0;
    }
    for (auto& [name, place] : places_.all()) {
      const auto member = place.members.find(session.address);
      if (member != place.members.end() && (fetch.name == "*" || fetch.name == name)) {
        member->second.next = member->second.cursor;
      }
    }
  }

  void judge(Session& session, const v2::Missed& missed) {
    Asked* const fetch = find(session, missed.tag, kind_of<v2::Fetch>);
    Place* const room = places_.find(as_text(missed.room));
    const auto found = room == nullptr ? std::map<std::string, PlaceMember, std::less<>>::iterator{}
                                       : room->members.find(session.address);
    if (fetch == nullptr || room == nullptr || found == room->members.end()) {
      fail("MISSED was said of a room that nobody had asked for");
      return;
    }
    rewind(session, *fetch);
    expire(*room, time_);
    PlaceMember& member = found->second;
    const Offset known_end = std::max(member.next, member.delivered_end);
    const Offset end = room->offset_from(member.next);
    expect(end > known_end && missed.count == end - known_end,
           "a member was told that it missed " + std::to_string(missed.count) + " messages, and it missed " +
               std::to_string(end > known_end ? end - known_end : 0));
    findings_.sometimes.reach(Sometimes::messages_missed);
    member.next = member.delivered_end = std::max(end, known_end);
    says(session, Made::Says::delivered, as_text(missed.room), session.address, member.delivered_end);
  }

  void judge(Session& session, const v2::Fetched& fetched) {
    auto asked = take<v2::Fetch>(session, fetched.tag);
    if (!asked) {
      return;
    }
    rewind(session, *asked);
    expect(fetched.delivered == asked->delivered, "FETCHED tells another number than was delivered");
    std::uint64_t least = 0;
    std::uint64_t most = 0;
    if (!is_room(asked->name)) {
      Place& own = places_.at(session.address);
      expire(own, time_);
      least = most = static_cast<std::uint64_t>(own.kept.end() - own.from(own.next));
    }
    for (auto& [name, place] : places_.all()) {
      const auto member = place.members.find(session.address);
      if (member != place.members.end() && (asked->name == "*" || asked->name == name)) {
        expire(place, time_);
        // What is gone, and was delivered before, may have been passed over.
        most += place.next_offset - member->second.next;
        least += place.next_offset - std::min(place.next_offset, place.offset_from(member->second.next));
      }
    }
    expect(fetched.remaining >= least && fetched.remaining <= most,
           "FETCHED tells that " + std::to_string(fetched.remaining) + " remain, and it is " + std::to_string(least) +
               " to " + std::to_string(most));
  }

  void judge(Session& session, const v2::Acknowledged& acknowledged) {
    const auto asked = take<v2::Acknowledge>(session, acknowledged.tag);
    if (!asked) {
      return;
    }
    Place& place = places_.at(asked->name.empty() ? session.address : asked->name);
    expire(place, time_);
    if (asked->name.empty()) {
      expect(asked->offset < place.delivered_end, "what was never delivered was acknowledged");
      places_.acknowledge(place, asked->offset + 1);
      says(session, Made::Says::acknowledged, session.address, {}, asked->offset + 1);
    } else if (const auto member = place.members.find(session.address); member != place.members.end()) {
      expect(asked->offset < member->second.delivered_end, "what was never delivered was acknowledged");
      member->second.cursor = std::max(member->second.cursor, asked->offset + 1);
      member->second.next = std::max(member->second.next, member->second.cursor);
      says(session, Made::Says::acknowledged, asked->name, session.address, asked->offset + 1);
    } else {
      fail("somebody acknowledged what is of a room, and is no member");
    }
  }

  void judge(Session& session, const v2::State& state) {
    if (const auto asked = take<v2::Receipt>(session, state.tag)) {
      const MessageState right = state_of(session, *asked);
      expect(state.state == right, "a receipt tells state " + std::to_string(static_cast<int>(state.state)) +
                                       ", and it is " + std::to_string(static_cast<int>(right)));
    }
  }

  void judge(Session& session, const v2::Joined& joined) {
    const auto asked = take<v2::Join>(session, joined.tag);
    if (!asked) {
      return;
    }
    Place& room = places_.at(asked->name);
    expire(room, time_);
    judge_epoch(room, joined.epoch);
    const Offset first = room.first_kept();
    const PlaceMember& member =
        room.members.try_emplace(session.address, PlaceMember{.next = first, .delivered_end = first, .cursor = first})
            .first->second;
    expect(joined.first_kept == first && joined.cursor == member.cursor && joined.next_offset == room.next_offset,
           "JOINED tells other offsets than there are");
    says(session, Made::Says::epoch, asked->name, session.address, joined.epoch);
  }

  void judge(Session& session, const v2::Refused& refused) {
    const auto found = session.asked.find(refused.tag);
    if (found == session.asked.end()) {
      fail("the server refused what nobody had asked for");
      return;
    }
    const Asked asked = std::move(found->second);
    session.asked.erase(found);
    if (!may_refuse(session, asked, refused.reason)) {
      fail("a request was refused without a reason: " + make_error_code(refused.reason).message());
    }
  }

  bool may_refuse(const Session& session, const Asked& asked, Refusal reason) {
    Place& place = places_.at(asked.name.empty() ? session.address : asked.name);
    expire(place, time_);
    switch (reason) {
      case Refusal::storage_unavailable:
        findings_.sometimes.reach(Sometimes::storage_unavailable_answered);
        return !is_writable_;
      case Refusal::address_taken:
        return asked.kind == kind_of<v2::Open> && place.holder != Connection{};
      case Refusal::mailbox_full:
        findings_.sometimes.reach(Sometimes::mailbox_full);
        ++findings_.totals.pushes_mailbox_full;
        return asked.kind == kind_of<v2::Push> && place.kept.size() >= limits_.mailbox_messages_max;
      case Refusal::quota_exceeded:
        return asked.kind == kind_of<v2::Push> && messages_of(place, session.address) >= limits_.sender_messages_max;
      default:
        return false;
    }
  }

  // Not asked for in a simulation.
  void judge(Session& session, const v2::Left& left) { take<v2::Leave>(session, left.tag); }
  void judge(Session& session, const v2::Mailbox& mailbox) { take<v2::Status>(session, mailbox.tag); }
  void judge(Session& session, const v2::Members& members) { take<v2::Status>(session, members.tag); }
};

}  // namespace restante::sim
