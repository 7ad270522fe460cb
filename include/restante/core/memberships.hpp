// Who is a member of which room.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <restante/core/addresses.hpp>
#include <restante/core/mailbox.hpp>
#include <restante/core/message_pool.hpp>

namespace restante {

/// An address in a room, and where it stands there.
struct Membership {
  Address room = {};
  Address member = {};
  /// The offset that is delivered next, one more than the highest ever delivered, and the first not acknowledged.
  Offset next = 0;
  Offset delivered_end = 0;
  Offset cursor = 0;
  /// Where the message at `next` lies, perhaps.
  MessagePool::Index hint = MessagePool::none;
  /// Waits of the member that are for this room's messages, and for its members.
  std::uint32_t waits_for_messages = 0;
  std::uint32_t waits_for_members = 0;

  struct Link {
    std::uint32_t previous = UINT32_MAX;
    std::uint32_t next = UINT32_MAX;
    /// The list in which it stands, of those that its room has.
    Watchers::List* list = nullptr;
  };
  Link of_messages = {};
  Link of_members = {};
};

/// Memberships by number. Not thread safe.
class Memberships {
 public:
  using Index = std::uint32_t;
  static constexpr Index none = UINT32_MAX;

  Membership& operator[](Index index) { return all_[index]; }
  const Membership& operator[](Index index) const { return all_[index]; }

  /// The membership of an address in a room, or none. Takes as long as the address has memberships.
  Index find(const AddressState& member, Address room) const {
    for (const Index index : member.memberships) {
      if (all_[index].room == room) {
        return index;
      }
    }
    return none;
  }

  /// Makes a member, which it must not be yet.
  Index add(Addresses& addresses, Address room, Address member, Offset cursor) {
    Index index = static_cast<Index>(all_.size());
    if (free_.empty()) {
      all_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    all_[index] = {.room = room, .member = member, .next = cursor, .delivered_end = cursor, .cursor = cursor};
    addresses[member].memberships.push_back(index);
    addresses[room].room->members.emplace(addresses[member].name, index);
    return index;
  }

  void remove(Addresses& addresses, Index index) {
    Membership& membership = all_[index];
    unlink(membership, &Membership::of_messages);
    unlink(membership, &Membership::of_members);
    std::erase(addresses[membership.member].memberships, index);
    addresses[membership.room].room->members.erase(addresses[membership.member].name);
    membership = {};
    free_.push_back(index);
  }

  /// Puts a membership at the end of a list, unless it stands in one.
  void link(Watchers::List& list, Index index, Membership::Link Membership::*which) {
    Membership::Link& link = all_[index].*which;
    if (link.list == nullptr) {
      link = {list.last, none, &list};
      (list.last == none ? list.first : (all_[list.last].*which).next) = index;
      list.last = index;
    }
  }

  /// Takes the first one out of a list that is not empty.
  Index pop_front(Watchers::List& list, Membership::Link Membership::*which) {
    const Index index = list.first;
    unlink(all_[index], which);
    return index;
  }

  /// Where the message with the lowest offset that is not below `next` lies in a room, or none.
  static MessagePool::Index find_next(const MessagePool& pool, const Mailbox& room, const Membership& membership) {
    if (membership.next >= room.next_offset() || room.size() == 0) {
      return MessagePool::none;
    }
    if (membership.hint != MessagePool::none && pool.at(membership.hint).offset == membership.next &&
        pool.at(membership.hint).receiver == membership.room) {
      return membership.hint;
    }
    if (pool.at(room.oldest_index()).offset >= membership.next) {
      return room.oldest_index();
    }
    // From the end: as many steps as there are messages to deliver.
    MessagePool::Index found = MessagePool::none;
    for (MessagePool::Index index = room.youngest_index();
         index != MessagePool::none && pool.at(index).offset >= membership.next; index = pool.at(index).previous) {
      found = index;
    }
    return found;
  }

 private:
  void unlink(Membership& membership, Membership::Link Membership::*which) {
    Membership::Link& link = membership.*which;
    if (link.list != nullptr) {
      (link.previous == none ? link.list->first : (all_[link.previous].*which).next) = link.next;
      (link.next == none ? link.list->last : (all_[link.next].*which).previous) = link.previous;
      link = {};
    }
  }

  std::vector<Membership> all_;
  std::vector<Index> free_;
};

}  // namespace restante
