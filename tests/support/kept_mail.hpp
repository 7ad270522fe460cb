// What a store keeps, as plain values: what it gives back when it is loaded, and what it has to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/change.hpp>
#include <restante/store.hpp>

#include "packets.hpp"

namespace restante::test {

/// Everything that a store gives back, by number of address.
struct KeptMail {
  struct Name {
    std::string name;
    Epoch epoch = 0;
    bool was_opened = false;
    friend bool operator==(const Name&, const Name&) = default;
  };
  struct Message {
    Offset offset = 0;
    Address sender;
    Bytes payload;
    std::uint64_t sequence = 0;
    std::uint64_t time_ms = 0;
    std::uint64_t expires_ms = 0;
    friend bool operator==(const Message&, const Message&) = default;
  };
  struct Member {
    Offset cursor = 0;
    Offset delivered_end = 0;
    friend bool operator==(const Member&, const Member&) = default;
  };

  std::map<Address, Name> names;
  std::map<Address, std::map<std::uint64_t, MessageState>> windows;
  std::map<std::pair<Address, Address>, Member> members;
  std::map<Address, Offset> delivered_end;
  std::map<Address, std::vector<Message>> messages;
  std::map<Address, Offset> next_offset;

  friend bool operator==(const KeptMail&, const KeptMail&) = default;

  friend std::ostream& operator<<(std::ostream& stream, const KeptMail& kept) {
    for (const auto& [address, name] : kept.names) {
      stream << "\n"
             << address.index() << " is " << name.name << " " << name.epoch << (name.was_opened ? " opened" : "");
    }
    for (const auto& [sender, window] : kept.windows) {
      stream << "\n" << sender.index() << " sent";
      for (const auto& [sequence, state] : window) {
        stream << " " << sequence << ":" << static_cast<int>(state);
      }
    }
    for (const auto& [who, member] : kept.members) {
      stream << "\n"
             << who.second.index() << " in " << who.first.index() << " at " << member.cursor << " of "
             << member.delivered_end;
    }
    for (const auto& [address, end] : kept.delivered_end) {
      stream << "\n" << address.index() << " was delivered " << end;
    }
    for (const auto& [address, held] : kept.messages) {
      stream << "\n" << address.index() << " holds";
      for (const Message& message : held) {
        stream << " " << message.offset << " from " << message.sender.index() << " (" << message.sequence << ", "
               << message.payload.size() << " bytes)";
      }
    }
    for (const auto& [address, next] : kept.next_offset) {
      stream << "\n" << address.index() << " goes on with " << next;
    }
    return stream;
  }
};

/// Is loaded into.
class KeptMailLoader final : public MessageLoader {
 public:
  KeptMail kept;

  void address(const AddressAdded& added, bool was_opened) override {
    kept.names[added.address] = {std::string{as_text(added.name)}, added.epoch, was_opened};
  }
  void sequence(Address sender, std::uint64_t sequence, MessageState state) override {
    kept.windows[sender][sequence] = state;
  }
  void member(const MemberJoined& joined, Offset delivered_end) override {
    kept.members[{joined.room, joined.member}] = {joined.cursor, delivered_end};
  }
  void delivered(const MessagesDelivered& delivered) override {
    kept.delivered_end[delivered.receiver] = delivered.up_to + 1;
  }
  void message(const MessageStored& stored) override {
    kept.messages[stored.receiver].push_back(
        {stored.offset, stored.sender, Bytes{stored.payload}, stored.sequence, stored.time_ms, stored.expires_ms});
  }
  void next_offset(Address receiver, Offset offset) override { kept.next_offset[receiver] = offset; }
};

/// A store that is told of every change, and whose `kept` is what another store, told of the same, has to give back.
class KeepingStore {
 public:
  static constexpr bool durable_at_once = true;

  KeptMail kept;

  void record(const MessageStored& stored) {
    kept.messages[stored.receiver].push_back(
        {stored.offset, stored.sender, Bytes{stored.payload}, stored.sequence, stored.time_ms, stored.expires_ms});
    kept.next_offset[stored.receiver] = stored.offset + 1;
    if (stored.sequence != 0) {
      auto& window = kept.windows[stored.sender];
      window[stored.sequence] = MessageState::waiting;
      const std::uint64_t highest = window.rbegin()->first;
      std::erase_if(window, [highest](const auto& entry) { return highest - entry.first >= 256; });
    }
  }
  void record(const MessageTaken& taken) { remove(taken.receiver, taken.offset, taken.offset, MessageState::taken); }
  void record(const MessageRemoved& removed) {
    remove(removed.receiver, removed.offset, removed.offset, removed.state);
  }
  void record(const MessagesAcknowledged& acknowledged) {
    remove(acknowledged.receiver, 0, acknowledged.up_to, MessageState::acknowledged);
  }
  void record(const MessagesDelivered& delivered) { deliver(delivered.receiver, delivered.up_to); }
  void record(const AddressAdded& added) {
    kept.names[added.address] = {std::string{as_text(added.name)}, added.epoch, false};
  }
  void record(const AddressOpened& opened) { kept.names[opened.address].was_opened = true; }
  void record(const AddressForgotten& forgotten) {
    const Address address = forgotten.address;
    remove(address, 0, UINT64_MAX, MessageState::purged);
    for (auto& [receiver, messages] : kept.messages) {
      for (KeptMail::Message& message : messages) {
        message.sequence = message.sender == address ? 0 : message.sequence;
      }
    }
    kept.names.erase(address);
    kept.windows.erase(address);
    std::erase_if(kept.members, [address](const auto& entry) {
      return entry.first.first == address || entry.first.second == address;
    });
    if (!address.is_classic()) {
      kept.delivered_end.erase(address);
      kept.next_offset.erase(address);
    }
  }
  void record(const MemberJoined& joined) {
    kept.members[{joined.room, joined.member}] = {joined.cursor, joined.cursor};
  }
  void record(const MemberLeft& left) { kept.members.erase({left.room, left.member}); }
  void record(const MemberDelivered& delivered) {
    kept.members[{delivered.room, delivered.member}].delivered_end = delivered.up_to + 1;
    deliver(delivered.room, delivered.up_to);
  }
  void record(const MemberAcknowledged& acknowledged) {
    kept.members[{acknowledged.room, acknowledged.member}].cursor = acknowledged.up_to + 1;
  }

  std::error_code load(MessageLoader&) { return {}; }

 private:
  void note(const KeptMail::Message& message, MessageState state) {
    if (const auto window = kept.windows.find(message.sender); message.sequence != 0 && window != kept.windows.end()) {
      if (const auto entry = window->second.find(message.sequence); entry != window->second.end()) {
        entry->second = state;
      }
    }
  }

  void remove(Address receiver, Offset from, Offset up_to, MessageState state) {
    const auto found = kept.messages.find(receiver);
    if (found == kept.messages.end()) {
      return;
    }
    std::erase_if(found->second, [&](const KeptMail::Message& message) {
      const bool goes = message.offset >= from && message.offset <= up_to;
      if (goes) {
        note(message, state);
      }
      return goes;
    });
    if (found->second.empty()) {
      kept.messages.erase(found);
    }
  }

  void deliver(Address receiver, Offset up_to) {
    kept.delivered_end[receiver] = std::max(kept.delivered_end[receiver], up_to + 1);
    if (const auto found = kept.messages.find(receiver); found != kept.messages.end()) {
      for (const KeptMail::Message& message : found->second) {
        if (message.offset <= up_to) {
          note(message, MessageState::fetched);
        }
      }
    }
  }
};

static_assert(RecordsNamedMailboxes<KeepingStore>);

}  // namespace restante::test
