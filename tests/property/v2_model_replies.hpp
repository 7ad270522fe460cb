// V2Model: what can be answered to requests that may have several replies or come later, and whether a reply is right.
#pragma once

#include "v2_model.hpp"

namespace restante::property {

inline std::vector<std::string> V2Model::sources_of(const std::string& owner, const Request& fetch) {
  if (fetch.source != "*") {
    return {fetch.source};
  }
  std::vector<std::string> sources{""};
  for (const auto& [room, membership] : addresses_[owner].memberships) {
    sources.push_back(room);
  }
  return sources;
}

// The message that has to be delivered next, if any.
inline const V2Model::Message* V2Model::next_of(const std::string& owner, const std::string& source) {
  Address& address = addresses_[owner];
  const Offset next = source.empty() ? address.next : address.memberships[source].next;
  for (const Message& message : (source.empty() ? address : addresses_[source]).messages) {
    if (message.offset >= next) {
      return &message;
    }
  }
  return nullptr;
}

// Rule 8: how many offsets went before they were delivered, and have to be told of now.
inline std::uint64_t V2Model::missed_in(const std::string& owner, const std::string& room) {
  const Membership& membership = addresses_[owner].memberships[room];
  const Message* const message = next_of(owner, room);
  const Offset there = message != nullptr ? message->offset : addresses_[room].next_offset;
  const Offset known_end = std::max(membership.next, membership.delivered_end);
  return there > known_end ? there - known_end : 0;
}

inline bool V2Model::has_answer(const std::string& owner, const Request& request) {
  switch (request.kind) {
    case Request::Kind::fetch:
      for (const std::string& source : sources_of(owner, request)) {
        if (next_of(owner, source) != nullptr || (!source.empty() && missed_in(owner, source) != 0)) {
          return true;
        }
      }
      return false;
    case Request::Kind::receipt:
      return static_cast<std::uint64_t>(state_of(owner, request.sequence)) != request.known;
    case Request::Kind::mailbox:
    case Request::Kind::members: {
      const Address& address = addresses_[request.source.empty() ? owner : request.source];
      if (request.waits) {
        return address.changes != request.changes;
      }
      // Nobody was told this version, or it was told of something else.
      const auto told = address.versions.find(request.known);
      return told == address.versions.end() || told->second != address.changes;
    }
  }
  return false;
}

// Rule 5: exactly, for mailboxes; for rooms, offsets without a message may be counted.
inline void V2Model::expect_remaining(const std::string& owner, const Request& fetch, std::uint64_t remaining) {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  for (const std::string& source : sources_of(owner, fetch)) {
    const Address& address = addresses_[source.empty() ? owner : source];
    const Offset next = source.empty() ? address.next : addresses_[owner].memberships[source].next;
    const auto count =
        static_cast<std::uint64_t>(std::count_if(address.messages.begin(), address.messages.end(),
                                                 [next](const Message& message) { return message.offset >= next; }));
    least += count;
    most += source.empty() ? count : address.next_offset - next;
  }
  expect(least <= remaining && remaining <= most, "FETCHED says that " + std::to_string(remaining) + " remain, where " +
                                                      std::to_string(least) + " to " + std::to_string(most) + " do");
}

// Gives whether the request has its last reply.
inline bool V2Model::is_finished_by(Peer peer, Request& request, const v2::Reply& reply, const std::string& said) {
  const std::string owner = peers_.at(peer).address;
  if (const auto* message = std::get_if<v2::Message>(&reply)) {
    expect(request.kind == Request::Kind::fetch, "a message where none was asked for: " + said);
    deliver(owner, request, *message);
    return false;
  }
  if (const auto* missed = std::get_if<v2::Missed>(&reply)) {
    expect(request.kind == Request::Kind::fetch, "something was missed where nothing was asked for: " + said);
    miss(owner, request, *missed);
    return false;
  }
  const bool is_early = request.waits && steady_ms_ < request.deadline_ms && !has_answer(owner, request);
  if (const auto* fetched = std::get_if<v2::Fetched>(&reply); fetched != nullptr) {
    expect(request.kind == Request::Kind::fetch, "another answer was asked for: " + said);
    finish_fetch(owner, request, *fetched);
    return true;
  }
  expect(!is_early, "nothing happened that this tells of: " + said);
  if (const auto* state = std::get_if<v2::State>(&reply)) {
    expect(request.kind == Request::Kind::receipt, "another answer was asked for: " + said);
    expect(state->state == state_of(owner, request.sequence),
           said + ", and not " + std::to_string(static_cast<int>(state_of(owner, request.sequence))));
  } else if (const auto* mailbox = std::get_if<v2::Mailbox>(&reply)) {
    expect(request.kind == Request::Kind::mailbox, "another answer was asked for: " + said);
    check_mailbox(owner, *mailbox);
  } else if (const auto* members = std::get_if<v2::Members>(&reply)) {
    expect(request.kind == Request::Kind::members, "another answer was asked for: " + said);
    check_members(request, *members);
  } else {
    expect(false, "another answer was asked for: " + said);
  }
  return true;
}

inline void V2Model::deliver(const std::string& owner, Request& fetch, const v2::Message& reply) {
  const std::string source = text(reply.source);
  const std::vector<std::string> sources = sources_of(owner, fetch);
  expect(std::find(sources.begin(), sources.end(), source) != sources.end(), "a message of '" + source + "'");
  expect(source.empty() || missed_in(owner, source) == 0, "what was missed is to be told before delivery goes on");
  const Message* const next = next_of(owner, source);
  expect(next != nullptr, "a message where there is none to deliver, at offset " + std::to_string(reply.offset));
  expect(reply.offset == next->offset, "offset " + std::to_string(reply.offset) + " is delivered, and " +
                                           std::to_string(next->offset) + " comes next");
  expect(reply.time_ms == next->time_ms && text(reply.sender) == next->sender && text(reply.payload) == next->payload,
         "a message is not as it was accepted");
  expect(++fetch.delivered <= fetch.messages_max, "more messages than were asked for");
  fetch.bytes += reply.payload.size();
  // Behind a first message that was longer, one without bytes still is no more than was asked for.
  expect(fetch.delivered == 1 || fetch.bytes <= fetch.bytes_max || reply.payload.empty(),
         "more bytes than were asked for");
  auto& messages = addresses_[source.empty() ? owner : source].messages;
  Message& message = *std::find_if(messages.begin(), messages.end(),
                                   [&reply](const Message& one) { return one.offset == reply.offset; });
  if (!message.delivered) {
    message.delivered = true;
    note(message, MessageState::fetched);
  }
  const auto pass = [&reply](Offset& next_one, Offset& delivered_end) {
    next_one = reply.offset + 1;
    delivered_end = std::max(delivered_end, reply.offset + 1);
  };
  Address& address = addresses_[owner];
  source.empty() ? pass(address.next, address.delivered_end)
                 : pass(address.memberships[source].next, address.memberships[source].delivered_end);
}

inline void V2Model::miss(const std::string& owner, Request& fetch, const v2::Missed& missed) {
  const std::string room = text(missed.room);
  const std::vector<std::string> sources = sources_of(owner, fetch);
  expect(std::find(sources.begin(), sources.end(), room) != sources.end() && !room.empty(),
         "'" + room + "' was missed");
  const std::uint64_t count = missed_in(owner, room);
  expect(missed.count == count && count != 0,
         std::to_string(missed.count) + " were missed, and not " + std::to_string(count));
  Membership& membership = addresses_[owner].memberships[room];
  membership.delivered_end = std::max(membership.next, membership.delivered_end) + count;
  membership.next = membership.delivered_end;
  fetch.missed = true;
}

inline void V2Model::finish_fetch(const std::string& owner, const Request& fetch, const v2::Fetched& fetched) {
  expect(fetched.delivered == fetch.delivered, "FETCHED says that " + std::to_string(fetched.delivered) +
                                                   " were delivered, and " + std::to_string(fetch.delivered) + " were");
  const bool is_empty = fetch.delivered == 0 && !fetch.missed;
  expect(!is_empty || (fetch.waits ? steady_ms_ >= fetch.deadline_ms : !has_answer(owner, fetch)),
         "a FETCH got nothing, and has neither waited nor found nothing");
  expect_remaining(owner, fetch, fetched.remaining);
}

// Rule 9. A version stands for one set of numbers.
inline void V2Model::note_version(Address& address, std::uint64_t version) {
  expect(version != 0, "version 0 is never reached");
  const auto [told, is_new] = address.versions.insert({version, address.changes});
  expect(is_new || told->second == address.changes, "something changed, and the version did not");
}

inline void V2Model::check_mailbox(const std::string& owner, const v2::Mailbox& mailbox) {
  Address& address = addresses_[owner];
  std::uint64_t bytes = 0;
  for (const Message& message : address.messages) {
    bytes += message.payload.size();
  }
  const std::uint64_t oldest_ms = address.messages.empty() ? wall_ms_ : address.messages.front().time_ms;
  v2::Mailbox expected{.tag = mailbox.tag,
                       .version = mailbox.version,
                       .depth = address.messages.size(),
                       .bytes = bytes,
                       .oldest_age_ms = wall_ms_ > oldest_ms ? wall_ms_ - oldest_ms : 0,
                       .stored = address.stored,
                       .acknowledged = address.acknowledged,
                       .taken = 0,
                       .expired = address.expired,
                       .purged = address.purged};
  expect(described(mailbox) == described(expected), described(mailbox) + ", and not " + described(expected));
  note_version(address, mailbox.version);
}

inline void V2Model::check_members(const Request& request, const v2::Members& members) {
  std::vector<std::pair<std::string, bool>> expected;
  std::uint64_t total = 0;
  for (const auto& [name, address] : addresses_) {
    if (address.memberships.contains(request.source)) {
      ++total;
      if (name > request.after) {
        expected.emplace_back(name, address.holder.has_value());
      }
    }
  }
  const bool more = expected.size() > request.messages_max;
  expected.resize(std::min<std::size_t>(expected.size(), request.messages_max));
  std::vector<std::pair<std::string, bool>> listed;
  BytesView left = members.members;
  while (const auto member = v2::take_member(left)) {
    listed.emplace_back(text(member->name), member->present);
  }
  expect(listed == expected && members.total == total && members.more == more,
         "these are not the members of " + request.source + ": " + described(members));
  note_version(addresses_[request.source], members.version);
}

// OPENED and JOINED tell what nobody can know beforehand; the rest of them is compared.
inline void V2Model::learn(const std::string& name, const Request& request, const v2::Reply& reply,
                           const std::string& said) {
  const auto learn_epoch = [this](Address& address, Epoch epoch) {
    if (address.epoch == 0) {
      expect(epoch != 0 && epochs_.insert(epoch).second, "an epoch is not new");
      address.epoch = epoch;
    }
  };
  if (const auto* opened = std::get_if<v2::Opened>(&reply)) {
    Address& address = addresses_[name];
    learn_epoch(address, opened->epoch);
    expect(tokens_.insert(opened->resume_token).second, "a resume token is not new");
    address.token = opened->resume_token;
    const bool classic = is_classic(name);
    const std::uint64_t classic_bytes = limits_.classic_messages_max * limits_.classic_payload_bytes_max;
    const v2::Opened expected{
        .tag = opened->tag,
        .took_over = request.took_over,
        .epoch = address.epoch,
        .depth = address.messages.size(),
        .first_unacknowledged = address.messages.empty() ? address.next_offset : address.messages.front().offset,
        .highest_sequence = address.highest,
        .window = limits_.window,
        .payload_bytes_max = limits_.payload_bytes_max,
        .mailbox_messages_max = classic ? limits_.classic_messages_max : limits_.mailbox_messages_max,
        .mailbox_bytes_max = classic ? classic_bytes : limits_.mailbox_bytes_max,
        .waits_max = limits_.connection_waits_max,
        .resume_token = opened->resume_token};
    expect(said == described(expected), said + ", and not " + described(expected));
    return;
  }
  const auto* joined = std::get_if<v2::Joined>(&reply);
  expect(joined != nullptr, "another answer was asked for: " + said);
  Address& room = addresses_[request.source];
  learn_epoch(room, joined->epoch);
  const v2::Joined expected{.tag = joined->tag,
                            .epoch = room.epoch,
                            .first_kept = room.messages.empty() ? room.next_offset : room.messages.front().offset,
                            .cursor = addresses_[name].memberships[request.source].cursor,
                            .next_offset = room.next_offset};
  expect(said == described(expected), said + ", and not " + described(expected));
}

}  // namespace restante::property
