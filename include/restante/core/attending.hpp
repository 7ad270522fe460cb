// Who may be in a room (docs/protocol.md, restante.v2, rule 8).
#pragma once

#include <cstdint>
#include <optional>

#include <restante/core/delivering.hpp>

namespace restante::detail {

template <class Recorder>
class Attending : public Delivering<Recorder> {
  using Base = Delivering<Recorder>;

 public:
  using Base::Base;

 protected:
  using Base::addresses_;
  using Base::mailboxes_;
  using Base::memberships_;
  using Base::pool_;
  using Base::waits_;

  // Says in `room` which one is spoken of.
  [[gnu::noinline]] std::optional<Refusal> find_room(Address member, v2::Name name, Address& room) const {
    if (kind_of_name(name) != NameKind::room) {
      return Refusal::bad_address;
    }
    room = addresses_.find(name);
    if (room == Addresses::none) {
      return Refusal::no_such_room;
    }
    return memberships_.find(addresses_[member], room) == Memberships::none ? std::optional{Refusal::not_a_member}
                                                                            : std::nullopt;
  }

  std::optional<Refusal> join(Address member, v2::Name name, Address& room) {
    if (kind_of_name(name) != NameKind::room) {
      return Refusal::bad_address;
    }
    const Authoriser* const authoriser = this->options_.authoriser;
    const Limits& limits = this->options_.limits;
    AddressState& state = addresses_[member];
    room = addresses_.find(name);
    if (room == Addresses::none && authoriser != nullptr && !authoriser->may_create(state.name_bytes(), name)) {
      return Refusal::no_such_room;
    }
    if (authoriser != nullptr && !authoriser->may_join(state.name_bytes(), name)) {
      return Refusal::unauthorised;
    }
    if (room != Addresses::none && memberships_.find(state, room) != Memberships::none) {
      return std::nullopt;
    }
    if (!this->writable_) {
      return Refusal::storage_unavailable;
    }
    if (state.memberships.size() >= limits.memberships_max ||
        (room == Addresses::none ? addresses_.rooms() >= limits.rooms_max
                                 : addresses_[room].room->members.size() >= limits.room_members_max)) {
      return Refusal::limit_reached;
    }
    if (room == Addresses::none && (room = this->make_address(name)) == Addresses::none) {
      return Refusal::limit_reached;
    }
    enter(member, room);
    return std::nullopt;
  }

  void enter(Address member, Address room) {
    const Mailbox& log = mailboxes_[room.index()];
    const Offset first = log.size() == 0 ? log.next_offset() : log.oldest(pool_).offset;
    const Memberships::Index index = memberships_.add(addresses_, room, member, first);
    this->record(MemberJoined{room, member, first});
    this->note_idle(room);
    this->note_idle(member);
    this->members_changed(room);
    // Whoever waits for everything waits for this room too.
    this->watch_room(index);
    this->make_ready(member);
  }

  template <class Out>
  void leave(Address member, Address room, Session session, Out& out) {
    AddressState& state = addresses_[member];
    for (Waits::Index index = state.first_wait; index != Waits::none;) {
      const Waits::Index next = waits_[index].next;
      if (waits_[index].scope == Wait::Scope::room && waits_[index].room == room) {
        out(session, v2::Refused{waits_[index].tag, Refusal::not_a_member});
        this->end_wait(state, index);
      }
      index = next;
    }
    this->record(MemberLeft{room, member});
    memberships_.remove(addresses_, memberships_.find(state, room));
    this->members_changed(room);
    this->note_idle(room);
    this->note_idle(member);
  }
};

}  // namespace restante::detail
