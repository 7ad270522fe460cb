// What a server says to a client of restante.v2, and what follows from it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/refusal.hpp>
#include <restante/error.hpp>
#include <restante/transport.hpp>
#include <restante/v2/client_options.hpp>
#include <restante/v2/client_request.hpp>
#include <restante/v2/codec.hpp>
#include <restante/v2/detail/client_session.hpp>
#include <restante/v2/error.hpp>

namespace restante::v2::detail {

/// Takes the replies of a server.
template <class T, KeepsOutbox Outbox, KeepsInbox Inbox>
class ClientReplies : protected ClientSession<T, Outbox, Inbox> {
  using Base = ClientSession<T, Outbox, Inbox>;

 protected:
  using Base::acknowledgements_rest_;
  using Base::Base;
  using Base::epoch_;
  using Base::fetch_;
  using Base::fetch_rests_;
  using Base::forget_room;
  using Base::give_up;
  using Base::incoming_;
  using Base::is_open_;
  using Base::join_waiting;
  using Base::open_address;
  using Base::options_;
  using Base::outgoing_;
  using Base::pushes_rest_;
  using Base::reconnection_;
  using Base::requests_;
  using Base::resume_token_;
  using Base::retry_later;
  using Base::rewind_;
  using Base::rooms_;
  using Base::stop;
  using Base::tell;
  using Base::token_is_next_;
  using Base::transport_;
  using Base::was_taken_over_;
  using typename Base::EndedPush;
  using typename Base::Room;
  ~ClientReplies() = default;

  /// A message came, on the connection that stands. Gives whether it answers something that was asked.
  bool answered(MessageType type, BytesView message) {
    const Reply reply = type == MessageType::binary ? decode_reply(message) : Reply{};
    return std::visit([this](const auto& packet) { return this->answered(packet); }, reply);
  }

 private:
  // Replies. Each gives whether it answers something that was asked.

  bool answered(const UnreadableReply&) { return false; }

  bool answered(const v2::Opened& opened) {
    if (!requests_.template take_as<asked::Opening>(opened.tag)) {
      return false;
    }
    reconnection_.succeeded();
    is_open_ = true;
    epoch_ = opened.epoch;
    resume_token_ = opened.resume_token;
    token_is_next_ = false;
    const bool epoch_changed = incoming_.start({}, opened.epoch, opened.first_unacknowledged);
    std::vector<EndedPush> unknown = outgoing_.opened(opened, std::exchange(was_taken_over_, false));
    for (const std::string& room : rooms_.to_join()) {
      join_waiting(room, rooms_.want(room));
    }
    tell(client_event::AddressOpened{opened, epoch_changed});
    for (EndedPush& push : unknown) {
      tell(push);
    }
    return true;
  }

  bool answered(const Accepted& accepted) {
    const auto pushing = requests_.template take_as<asked::Pushing>(accepted.tag);
    if (pushing) {
      EndedPush ended = outgoing_.accepted(pushing->id);
      tell(ended);
    }
    return pushing.has_value();
  }

  bool answered(const Message& message) {
    auto* const fetching = requests_.template find_as<asked::Fetching>(message.tag);
    if (fetching == nullptr || fetching->messages_left == 0) {
      return false;
    }
    --fetching->messages_left;
    const std::string_view source = as_text(message.source);
    const std::optional<Epoch> epoch = incoming_.epoch_of(source);
    if (!epoch) {
      if (!rooms_.is_leaving(source) && rooms_.other(source)) {
        tell(client_event::MailFromOtherRoom{source});
      }
    } else if (goes_on(source, message.tag)) {
      take(source, *epoch, message);
    }
    return true;
  }

  bool answered(const Fetched& fetched) {
    const auto fetching = requests_.template take_as<asked::Fetching>(fetched.tag);
    if (!fetching) {
      return false;
    }
    if (fetched.tag == fetch_) {
      fetch_ = 0;
      // A server that does not wait although it was asked to would have us ask without end.
      if (fetched.delivered == 0 && fetched.remaining == 0 && !fetching->told_missed &&
          transport_.now() < fetching->waits_until) {
        fetch_rests_ = true;
        retry_later();
      }
      if (fetched.remaining == 0 && !rewind_) {
        settle_rooms();
      }
    }
    if (fetched.remaining == 0) {
      tell(client_event::AllDelivered{});
    }
    return true;
  }

  bool answered(const Missed& missed) {
    auto* const fetching = requests_.template find_as<asked::Fetching>(missed.tag);
    if (fetching == nullptr) {
      return false;
    }
    fetching->told_missed = true;
    const std::string_view room = as_text(missed.room);
    const std::optional<Epoch> epoch = rooms_.wants(room) ? incoming_.epoch_of(room) : std::nullopt;
    // Otherwise it is counted when a message comes, or when all has.
    if (epoch && goes_on(room, missed.tag)) {
      const Offset end = incoming_.handed_end(room) + missed.count;
      if (end > number_max) {
        return false;
      }
      tell_missed(room, *epoch, end, incoming_.pass_over_next(room, missed.count));
    }
    return true;
  }

  bool answered(const Acknowledged& acknowledged) {
    const auto acknowledging = requests_.template take_as<asked::Acknowledging>(acknowledged.tag);
    if (acknowledging) {
      incoming_.acknowledged(acknowledging->source, true);
    }
    return acknowledging.has_value();
  }

  bool answered(const State& state) { return tell_answer<asked::AskingReceipt>(state.tag, state.state); }

  bool answered(const Joined& joined) {
    const auto joining = requests_.template take_as<asked::Joining>(joined.tag);
    if (!joining) {
      return false;
    }
    Room* const room = rooms_.answered(joining->room);
    if (room == nullptr) {
      return true;
    }
    const bool is_new = !std::exchange(room->joined, true);
    const bool has_restarted =
        is_new && incoming_.start(joining->room, joined.epoch, joined.cursor, joined.next_offset);
    if (rooms_.take_other(joining->room)) {
      rewind_ = true;
      room->awaits_rewind = is_new;
    }
    if (is_new || incoming_.set_next(joining->room, joined.next_offset)) {
      // The FETCH under way may not know of the room: another one is sent, and this is the last of its kind.
      fetch_ = 0;
    }
    std::vector<JoinCallback> callbacks = std::exchange(room->callbacks, {});
    if (has_restarted) {
      tell(client_event::RoomRestarted{joining->room});
    }
    for (JoinCallback& callback : callbacks) {
      callback({}, joined);
    }
    return true;
  }

  bool answered(const Left& left) {
    auto leaving = requests_.template take_as<asked::Leaving>(left.tag);
    if (leaving) {
      rooms_.left(leaving->room);
      fail(*leaving, {});
    }
    return leaving.has_value();
  }

  bool answered(const Mailbox& mailbox) { return tell_answer<asked::AskingMailbox>(mailbox.tag, mailbox); }

  bool answered(const Members& packet) {
    RoomMembers members{packet.version, packet.total, packet.more};
    BytesView left = packet.members;
    while (const std::optional<Member> member = take_member(left)) {
      members.members.push_back({as_text(member->name), member->present});
    }
    return left.empty() && tell_answer<asked::AskingMembers>(packet.tag, members);
  }

  bool answered(const Refused& refused) {
    if (requests_.find(refused.tag) == nullptr) {
      return false;
    }
    Asked request = requests_.take(refused.tag);
    std::visit([&](auto& asked) { this->refused(asked, refused); }, request);
    return true;
  }

  // Whether what a FETCH brings from a source follows what came from there before. Where some came before the room was
  // joined, it does not until a FETCH has rewound: what older ones bring is delivered once more.
  bool goes_on(std::string_view source, Tag tag) {
    Room* const room = rooms_.find(source);
    if (room == nullptr || !room->awaits_rewind) {
      return true;
    }
    if (tag == fetch_ && !rewind_) {
      room->awaits_rewind = false;
      return true;
    }
    rewind_ = true;
    fetch_ = 0;
    return false;
  }

  // Hands a message over, after telling what is gone before it: in a room, each offset is that of a message.
  void take(std::string_view source, Epoch epoch, const Message& message) {
    const std::uint64_t missed = source.empty() ? 0 : incoming_.pass_over(source, message.offset);
    if (!incoming_.accept(source, message.offset)) {
      return;
    }
    tell_missed(source, epoch, message.offset, missed);
    if (missed != 0 && incoming_.epoch_of(source) != epoch) {
      return;  // The program has left the room because of that.
    }
    const Handling handling =
        options_.on_message({source, epoch, message.offset, message.time_ms, as_text(message.sender), message.payload});
    if (handling == Handling::done) {
      incoming_.done(source, epoch, message.offset);
    }
  }

  // All that there was came, as was asked for after all rooms were joined: what they had then and did not come is gone.
  void settle_rooms() {
    while (const auto gap = incoming_.settle()) {
      tell_missed(gap->room, gap->epoch, gap->end, gap->count);
    }
    for (const std::string& name : incoming_.vague_rooms()) {
      if (Room* const room = rooms_.find(name); room != nullptr && !room->asked && !room->asks_again) {
        join_waiting(name, *room);
      }
    }
  }

  void tell_missed(std::string_view room, Epoch epoch, Offset end, std::uint64_t count) {
    if (count != 0) {
      tell(client_event::MessagesMissed{room, count, epoch, end - 1});
    }
  }

  // Refusals. None takes its request as const: then the first, which is for all others, would be chosen.

  void refused(auto& request, const Refused& refused) { fail(request, refused.reason); }

  void refused(asked::Opening& opening, const Refused& refused) {
    if (refused.reason == Refusal::address_taken && !opening.with_token && resume_token_) {
      // A server that asks for no credential ignored it, and goes by the token.
      token_is_next_ = true;
      open_address();
      return;
    }
    token_is_next_ = false;
    const bool had_choice = opening.with_token && !options_.credential.empty();
    const bool tries_again = refused.reason == Refusal::address_taken || refused.reason == Refusal::limit_reached ||
                             passes(refused.reason) || had_choice;
    if (tries_again) {
      retry_later();
    } else {
      stop(close_code::normal);
    }
    tell(client_event::AddressRefused{refused.reason, tries_again});
  }

  void refused(asked::Pushing& pushing, const Refused& refused) {
    if (passes(refused.reason)) {
      outgoing_.put_back(pushing.id);
      pushes_rest_ = true;
      retry_later();
    } else {
      EndedPush ended = outgoing_.refused(pushing.id, refused.reason);
      tell(ended);
    }
  }

  void refused(asked::Fetching& fetching, const Refused& refused) {
    if (refused.tag == fetch_) {
      fetch_ = 0;
    }
    rewind_ = rewind_ || fetching.rewind;
    fetch_rests_ = true;
    retry_later();
    if (refused.reason == Refusal::wrong_epoch) {
      give_up(Error::disconnected, close_code::normal, "the epoch is another one");
    }
  }

  // What is not acknowledged is delivered again, or acknowledged later.
  void refused(asked::Acknowledging& acknowledging, const Refused&) {
    incoming_.acknowledged(acknowledging.source, false);
    acknowledgements_rest_ = true;
    retry_later();
  }

  void refused(asked::Joining& joining, const Refused& refused) {
    Room* const room = rooms_.answered(joining.room);
    if (room == nullptr) {
      return;
    }
    const bool tries_again = passes(refused.reason);
    if (tries_again && room->joined) {
      room->asks_again = true;
      retry_later();
      return;
    }
    if (tries_again) {
      outgoing_.hold(joining.room, true);
      retry_later();
      tell(client_event::RoomRefused{joining.room, refused.reason, true});
      return;
    }
    std::vector<JoinCallback> callbacks = forget_room(joining.room);
    if (callbacks.empty()) {
      tell(client_event::RoomRefused{joining.room, refused.reason, false});
    }
    for (JoinCallback& callback : callbacks) {
      callback(refused.reason, {});
    }
  }

  void refused(asked::Leaving& leaving, const Refused& refused) {
    rooms_.left(leaving.room);
    fail(leaving, refused.reason);
  }

  template <class Request>
  bool tell_answer(Tag tag, const auto& answer) {
    std::optional<Request> request = requests_.template take_as<Request>(tag);
    if (request) {
      request->callback({}, answer);
    }
    return request.has_value();
  }
};

}  // namespace restante::v2::detail
