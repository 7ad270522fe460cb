// Changes as a core makes them, by chance.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <restante/core/change.hpp>
#include <restante/memory/random.hpp>

#include "support.hpp"
#include "support/kept_mail.hpp"

namespace restante::test {

/// Records changes that are possible: of a few mailboxes with names, classic ids and a room.
class SomeChanges {
 public:
  explicit SomeChanges(std::uint64_t seed) : random_{seed} {}

  void make(StoreUnderTest& store, std::uint64_t count) {
    for (; count > 0; --count) {
      make_one(store);
    }
  }

 private:
  static constexpr std::uint32_t people = 4;
  static constexpr std::uint32_t room = Address::classic_count + people;

  std::uint64_t below(std::uint64_t end) { return random_.below(end); }

  static Offset at(const std::map<Address, Offset>& offsets, Address address) {
    const auto found = offsets.find(address);
    return found == offsets.end() ? 0 : found->second;
  }

  void make_one(StoreUnderTest& store) {
    const std::uint64_t kind = below(20);
    const Address address = below(5) == 0
                                ? Address{static_cast<std::uint8_t>(below(2))}
                                : Address::at(Address::classic_count + static_cast<std::uint32_t>(below(people)));
    if (!store.expected.kept.names.contains(address)) {
      add(store, address,
          address.is_classic() ? std::to_string(address.index()) : "p" + std::to_string(address.index()));
    }
    if (!store.expected.kept.names.contains(Address::at(room))) {
      add(store, Address::at(room), "#room");
    }
    kind < 9    ? push(store, address)
    : kind < 11 ? deliver(store, address)
    : kind < 13 ? acknowledge(store, address)
    : kind < 14 ? take(store, address)
    : kind < 15 ? expire(store, address)
    : kind < 19 ? visit(store, address)
                : leave_or_forget(store, address);
  }

  void add(StoreUnderTest& store, Address address, const std::string& name) {
    store.record(AddressAdded{address, as_bytes(name), ++epochs_});
    if (below(2) == 0) {
      store.record(AddressOpened{address});
    }
  }

  void push(StoreUnderTest& store, Address sender) {
    Address receiver = sender;
    if (!sender.is_classic() && below(4) != 0) {
      receiver = below(3) == 0 ? Address::at(room) : sender;
    }
    const auto& windows = store.expected.kept.windows;
    const auto window = windows.find(sender);
    const std::uint64_t highest = window == windows.end() ? 0 : window->second.rbegin()->first;
    const std::string payload(below(4) == 0 && !receiver.is_classic() ? below(6'000) : below(100), 'x');
    store.record(MessageStored{.receiver = receiver,
                               .offset = at(store.expected.kept.next_offset, receiver) + below(2) * below(3),
                               .sender = sender,
                               .payload = as_bytes(payload),
                               .sequence = below(4) == 0 ? 0 : highest + 1 + (below(20) == 0 ? below(200) : below(2)),
                               .time_ms = ++now_ms_,
                               .expires_ms = below(2) * now_ms_});
  }

  // The mailbox, where there is something in it.
  static const std::vector<KeptMail::Message>* held(const StoreUnderTest& store, Address address) {
    const auto found = store.expected.kept.messages.find(address);
    return found == store.expected.kept.messages.end() ? nullptr : &found->second;
  }

  void deliver(StoreUnderTest& store, Address address) {
    if (const auto* const messages = held(store, address)) {
      store.record(MessagesDelivered{address, (*messages)[below(messages->size())].offset});
    }
  }

  void acknowledge(StoreUnderTest& store, Address address) {
    const auto* const messages = held(store, address);
    if (messages != nullptr && messages->front().offset < at(store.expected.kept.delivered_end, address)) {
      store.record(MessagesAcknowledged{address, at(store.expected.kept.delivered_end, address) - 1});
    }
  }

  void take(StoreUnderTest& store, Address address) {
    if (const auto* const messages = held(store, address)) {
      store.record(MessageTaken{address, messages->front().offset});
    }
  }

  void expire(StoreUnderTest& store, Address address) {
    if (const auto* const messages = held(store, address)) {
      store.record(MessageRemoved{address, (*messages)[below(messages->size())].offset, MessageState::expired});
    }
  }

  void visit(StoreUnderTest& store, Address member) {
    if (member.is_classic()) {
      return;
    }
    const Address there = Address::at(room);
    const auto found = store.expected.kept.members.find({there, member});
    if (found == store.expected.kept.members.end()) {
      store.record(MemberJoined{there, member, at(store.expected.kept.next_offset, there)});
    } else if (const auto* const messages = held(store, there);
               messages != nullptr && messages->back().offset >= found->second.delivered_end) {
      store.record(MemberDelivered{there, member, std::max(found->second.delivered_end, messages->front().offset)});
    } else if (found->second.delivered_end > found->second.cursor) {
      store.record(MemberAcknowledged{there, member, found->second.delivered_end - 1});
    }
  }

  void leave_or_forget(StoreUnderTest& store, Address address) {
    const Address there = Address::at(room);
    if (store.expected.kept.members.contains({there, address}) && below(2) == 0) {
      store.record(MemberLeft{there, address});
    } else if (below(3) == 0) {
      const std::string name = store.expected.kept.names[address].name;
      store.record(AddressForgotten{address});
      // What it sent may be there still.
      add(store, address, name);
    }
  }

  Random random_;
  Epoch epochs_ = 0;
  std::uint64_t now_ms_ = 0;
};

}  // namespace restante::test
