// V2Model: what each request does, and what is answered. Rule by rule as in docs/protocol.md.
#pragma once

#include "v2_model.hpp"

namespace restante::property {

// Rule 10. A tag that waits is not looked at: whatever is unreadable is answered as such.
inline void V2Model::carry_out(Peer peer, const v2::Unreadable& packet) {
  will_refuse(peer, packet.tag, packet.reason);
}

// Rule 1.
inline void V2Model::carry_out(Peer peer, const v2::Open& packet) {
  PeerState& state = peers_.at(peer);
  const std::string name = text(packet.address);
  if (!state.address.empty()) {
    return will_refuse(peer, packet.tag, Refusal::already_open);
  }
  if (is_bad(name) || is_room(name)) {
    return will_refuse(peer, packet.tag, Refusal::bad_address);
  }
  Address& address = addresses_[name];
  bool took_over = false;
  if (address.holder) {
    const bool is_proven = packet.proof == Proof::resume_token &&
                           std::equal(packet.secret.begin(), packet.secret.end(), address.token.begin());
    if (!is_proven) {
      return will_refuse(peer, packet.tag, Refusal::address_taken);
    }
    took_over = true;
    replaced_.push_back(*address.holder);
    peers_.at(*address.holder) = {};
  }
  address.holder = peer;
  address.was_opened = true;
  address.exists = true;
  address.next = 0;
  for (auto& [room, membership] : address.memberships) {
    membership.next = membership.cursor;
  }
  state.address = name;
  presence_changed(name);
  state.requests.push_back({.tag = packet.tag, .learns = true, .took_over = took_over});
}

// Rules 2 to 4.
inline void V2Model::carry_out(Peer peer, const v2::Push& packet) {
  if (!admits(peer, packet.tag)) {
    return;
  }
  const std::string sender = peers_.at(peer).address;
  bool duplicate = false;
  if (const auto refusal = judge(sender, packet, duplicate)) {
    return will_refuse(peer, packet.tag, *refusal);
  }
  if (!duplicate) {
    store(sender, packet);
  }
  will_answer(peer, packet.tag, v2::Accepted{packet.tag, duplicate});
}

inline std::optional<Refusal> V2Model::judge(const std::string& sender, const v2::Push& packet, bool& duplicate) {
  if (packet.payload.size() > limits_.payload_bytes_max) {
    return Refusal::payload_too_large;
  }
  const Address& from = addresses_[sender];
  if (packet.sequence != 0) {
    if (packet.sequence + limits_.window <= from.highest) {
      return Refusal::stale_sequence;
    }
    if (from.sequences.contains(packet.sequence)) {
      duplicate = true;
      return std::nullopt;
    }
    if (packet.sequence > from.highest + limits_.window) {
      return Refusal::sequence_ahead;
    }
  }
  return judge_receiver(sender, text(packet.receiver), packet.payload.size());
}

inline std::optional<Refusal> V2Model::judge_receiver(const std::string& sender, const std::string& receiver,
                                                      std::size_t bytes) {
  if (is_bad(receiver)) {
    return Refusal::bad_address;
  }
  const Address& to = addresses_[receiver];
  std::uint64_t bytes_held = 0;
  std::uint64_t of_sender = 0;
  std::uint64_t bytes_of_sender = 0;
  for (const Message& message : to.messages) {
    bytes_held += message.payload.size();
    of_sender += message.sender == sender ? 1 : 0;
    bytes_of_sender += message.sender == sender ? message.payload.size() : 0;
  }
  if (is_room(receiver)) {
    return !to.exists                                           ? std::optional{Refusal::no_such_room}
           : !addresses_[sender].memberships.contains(receiver) ? std::optional{Refusal::not_a_member}
                                                                : std::nullopt;
  }
  if (is_classic(receiver)) {
    if (!is_classic(sender) || bytes > limits_.classic_payload_bytes_max) {
      return Refusal::classic_limit;
    }
    return to.messages.size() >= limits_.classic_messages_max ? std::optional{Refusal::mailbox_full} : std::nullopt;
  }
  if (!to.was_opened) {
    std::uint64_t unopened = 0;
    for (const auto& [name, address] : addresses_) {
      unopened += address.was_opened || is_room(name) || is_classic(name) ? 0 : address.messages.size();
    }
    if (unopened >= limits_.unopened_messages_max) {
      return Refusal::limit_reached;
    }
  }
  if (to.messages.size() >= limits_.mailbox_messages_max || bytes_held + bytes > limits_.mailbox_bytes_max) {
    return Refusal::mailbox_full;
  }
  const bool is_too_much =
      of_sender >= limits_.sender_messages_max || bytes_of_sender + bytes > limits_.sender_bytes_max;
  return of_sender != 0 && is_too_much ? std::optional{Refusal::quota_exceeded} : std::nullopt;
}

inline void V2Model::store(const std::string& sender, const v2::Push& packet) {
  const std::string receiver = text(packet.receiver);
  Address& to = addresses_[receiver];
  const bool is_unopened = !to.was_opened && !is_room(receiver) && !is_classic(receiver);
  std::uint64_t time_to_live_ms = packet.time_to_live_ms;
  if (is_unopened && (time_to_live_ms == 0 || time_to_live_ms > limits_.unopened_time_to_live_ms)) {
    time_to_live_ms = limits_.unopened_time_to_live_ms;
  }
  const auto is_full = [&] {
    std::uint64_t bytes = packet.payload.size();
    for (const Message& message : to.messages) {
      bytes += message.payload.size();
    }
    return to.messages.size() >= limits_.room_messages_max || bytes > limits_.room_bytes_max;
  };
  while (is_room(receiver) && is_full()) {
    remove(receiver, 0, MessageState::purged);
  }
  to.exists = true;
  to.messages.push_back({.offset = to.next_offset++,
                         .time_ms = wall_ms_,
                         .expires_ms = time_to_live_ms == 0 ? 0 : wall_ms_ + time_to_live_ms,
                         .sender = sender,
                         .payload = text(packet.payload),
                         .sequence = packet.sequence});
  ++to.stored;
  to.changes += is_room(receiver) ? 0 : 1;
  ++books_.stored;
  ++books_.held;
  if (packet.sequence != 0) {
    Address& from = addresses_[sender];
    from.sequences[packet.sequence] = MessageState::waiting;
    from.highest = std::max(from.highest, packet.sequence);
  }
}

inline std::optional<Refusal> V2Model::find_source(const std::string& owner, const std::string& source) {
  if (source.empty() || source == "*") {
    return std::nullopt;
  }
  if (!is_room(source)) {
    return Refusal::bad_address;
  }
  return !addresses_[source].exists                        ? std::optional{Refusal::no_such_room}
         : !addresses_[owner].memberships.contains(source) ? std::optional{Refusal::not_a_member}
                                                           : std::nullopt;
}

// Rule 5.
inline void V2Model::carry_out(Peer peer, const v2::Fetch& packet) {
  if (!admits(peer, packet.tag)) {
    return;
  }
  const std::string owner = peers_.at(peer).address;
  const std::string source = text(packet.source);
  if (const auto refusal = find_source(owner, source)) {
    return will_refuse(peer, packet.tag, *refusal);
  }
  Address& address = addresses_[owner];
  if (packet.epoch != (is_room(source) ? addresses_[source].epoch : address.epoch)) {
    return will_refuse(peer, packet.tag, Refusal::wrong_epoch);
  }
  if (packet.rewind) {
    address.next = is_room(source) ? address.next : 0;
    for (auto& [room, membership] : address.memberships) {
      membership.next = source == "*" || source == room ? membership.cursor : membership.next;
    }
  }
  answer_or_wait(peer,
                 {.tag = packet.tag,
                  .kind = Request::Kind::fetch,
                  .source = source,
                  .messages_max = packet.messages_max,
                  .bytes_max = packet.bytes_max},
                 packet.wait_ms);
}

// Rule 6.
inline void V2Model::carry_out(Peer peer, const v2::Acknowledge& packet) {
  if (!admits(peer, packet.tag)) {
    return;
  }
  const std::string owner = peers_.at(peer).address;
  const std::string source = text(packet.source);
  Address& address = addresses_[owner];
  if (const auto refusal = find_source(owner, source)) {
    return will_refuse(peer, packet.tag, *refusal);
  }
  if (packet.epoch != (is_room(source) ? addresses_[source].epoch : address.epoch)) {
    return will_refuse(peer, packet.tag, Refusal::wrong_epoch);
  }
  if (packet.offset >= delivered_end_of(owner, source)) {
    return will_refuse(peer, packet.tag, Refusal::malformed);
  }
  if (is_room(source)) {
    Membership& membership = address.memberships[source];
    membership.cursor = std::max(membership.cursor, packet.offset + 1);
    membership.next = std::max(membership.next, membership.cursor);
  } else {
    while (!address.messages.empty() && address.messages.front().offset <= packet.offset) {
      remove(owner, 0, MessageState::acknowledged);
    }
  }
  will_answer(peer, packet.tag, v2::Acknowledged{packet.tag});
}

// Rule 7.
inline void V2Model::carry_out(Peer peer, const v2::Receipt& packet) {
  if (admits(peer, packet.tag)) {
    answer_or_wait(
        peer,
        {.tag = packet.tag, .kind = Request::Kind::receipt, .sequence = packet.sequence, .known = packet.known_state},
        packet.wait_ms);
  }
}

// Rule 8.
inline void V2Model::carry_out(Peer peer, const v2::Join& packet) {
  if (!admits(peer, packet.tag)) {
    return;
  }
  const std::string name = text(packet.room);
  const std::string owner = peers_.at(peer).address;
  if (!is_room(name)) {
    return will_refuse(peer, packet.tag, Refusal::bad_address);
  }
  Address& member = addresses_[owner];
  Address& room = addresses_[name];
  const Offset first_kept = room.messages.empty() ? room.next_offset : room.messages.front().offset;
  if (!member.memberships.contains(name)) {
    if (member.memberships.size() >= limits_.memberships_max) {
      return will_refuse(peer, packet.tag, Refusal::limit_reached);
    }
    room.exists = true;
    member.memberships[name] = {first_kept, first_kept, first_kept};
    ++room.changes;
  }
  // The epoch is what the first JOINED says; the reply is compared when it has been learnt.
  peers_.at(peer).requests.push_back({.tag = packet.tag, .learns = true, .source = name});
}

inline void V2Model::carry_out(Peer peer, const v2::Leave& packet) {
  if (!admits(peer, packet.tag)) {
    return;
  }
  const std::string name = text(packet.room);
  const std::string owner = peers_.at(peer).address;
  if (const auto refusal = !is_room(name) ? std::optional{Refusal::bad_address} : find_source(owner, name)) {
    return will_refuse(peer, packet.tag, *refusal);
  }
  leave(owner, name);
  will_answer(peer, packet.tag, v2::Left{packet.tag});
}

// What waits for something of this room cannot have it any more.
inline void V2Model::leave(const std::string& member, const std::string& room) {
  if (const std::optional<Peer> holder = addresses_[member].holder) {
    for (Request& request : peers_.at(*holder).requests) {
      if (request.waits && request.source == room) {
        request = {.tag = request.tag, .expected = described(v2::Refused{request.tag, Refusal::not_a_member})};
      }
    }
  }
  addresses_[member].memberships.erase(room);
  ++addresses_[room].changes;
}

// Rule 9.
inline void V2Model::carry_out(Peer peer, const v2::Status& packet) {
  if (!admits(peer, packet.tag)) {
    return;
  }
  const std::string owner = peers_.at(peer).address;
  const std::string source = text(packet.source);
  if (const auto refusal = find_source(owner, source)) {
    return will_refuse(peer, packet.tag, *refusal);
  }
  answer_or_wait(peer,
                 {.tag = packet.tag,
                  .kind = is_room(source) ? Request::Kind::members : Request::Kind::mailbox,
                  .source = source,
                  .messages_max = packet.members_max,
                  .known = packet.known_version,
                  .after = text(packet.after),
                  .changes = addresses_[is_room(source) ? source : owner].changes},
                 packet.wait_ms);
}

inline void V2Model::answer_or_wait(Peer peer, Request request, std::uint64_t wait_ms) {
  PeerState& state = peers_.at(peer);
  const auto waiting =
      std::count_if(state.requests.begin(), state.requests.end(), [](const Request& one) { return one.waits; });
  if (wait_ms != 0 && !has_answer(state.address, request)) {
    if (static_cast<std::uint64_t>(waiting) >= limits_.connection_waits_max) {
      return will_refuse(peer, request.tag, Refusal::limit_reached);
    }
    request.waits = true;
    request.deadline_ms = steady_ms_ + wait_ms;
  }
  state.requests.push_back(std::move(request));
}

}  // namespace restante::property
