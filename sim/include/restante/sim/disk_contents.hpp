// What a simulated disk has: mailboxes, and what else a store of restante.v2 keeps of addresses.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/core/change.hpp>
#include <restante/core/reply.hpp>
#include <restante/core/sequence_window.hpp>
#include <restante/sim/queue.hpp>
#include <restante/store.hpp>

namespace restante::sim {

struct DiskMessage {
  Offset offset = 0;
  Address sender;
  std::vector<std::uint8_t> payload;
  /// As in MessageStored.
  std::uint64_t sequence = 0;
  std::uint64_t time_ms = 0;
  std::uint64_t expires_ms = 0;
  friend bool operator==(const DiskMessage&, const DiskMessage&) = default;
};

struct DiskMailbox {
  Queue<DiskMessage> messages;
  Offset next_offset = 0;
  friend bool operator==(const DiskMailbox&, const DiskMailbox&) = default;
};

/// A member of a room.
struct DiskMember {
  Offset cursor = 0;
  Offset delivered_end = 0;
};

/// An address that has an epoch.
struct DiskAddress {
  std::string name;
  Epoch epoch = 0;
  bool was_opened = false;
  /// Its messages, unless it is a classic id.
  DiskMailbox mailbox;
  Offset delivered_end = 0;
  /// Of the latest numbers that were accepted from it.
  std::map<std::uint64_t, MessageState> states;
  /// Of a room, by the number of the member.
  std::map<std::uint32_t, DiskMember> members;
};

/// Everything that was written, as it would be found by the next server.
class DiskContents {
 public:
  using Mailboxes = std::array<DiskMailbox, Address::classic_count>;
  /// By their numbers.
  using Addresses = std::map<std::uint32_t, DiskAddress>;

  // Changes that own their bytes.
  struct Stored {
    Address receiver;
    DiskMessage message;
  };
  struct Added {
    Address address;
    std::string name;
    Epoch epoch = 0;
  };
  using Change =
      std::variant<Stored, MessageTaken, Added, AddressOpened, AddressForgotten, MessagesDelivered,
                   MessagesAcknowledged, MessageRemoved, MemberJoined, MemberLeft, MemberDelivered, MemberAcknowledged>;

  static Change owned(const MessageStored& stored) {
    return Stored{stored.receiver,
                  {stored.offset,
                   stored.sender,
                   {stored.payload.begin(), stored.payload.end()},
                   stored.sequence,
                   stored.time_ms,
                   stored.expires_ms}};
  }
  static Change owned(const AddressAdded& added) {
    return Added{added.address, std::string{as_text(added.name)}, added.epoch};
  }
  template <class Plain>
  static Change owned(const Plain& change) {
    return change;
  }

  /// The mailboxes of classic ids.
  const Mailboxes& mailboxes() const noexcept { return mailboxes_; }
  const Addresses& addresses() const noexcept { return addresses_; }

  /// Whether all that was written made sense: each message has the next offset of its mailbox, and what goes was there.
  bool consistent() const noexcept { return consistent_; }

  /// What cannot be is not done, and noticed.
  void apply(const Change& change) {
    std::visit([this](const auto& it) { consistent_ = this->write(it) && consistent_; }, change);
  }

  void give(MessageLoader& loader) const {
    for (const auto& [index, it] : addresses_) {
      loader.address({Address::at(index), as_bytes(it.name), it.epoch}, it.was_opened);
    }
    for (const auto& [index, it] : addresses_) {
      for (const auto& [sequence, state] : it.states) {
        loader.sequence(Address::at(index), sequence, state);
      }
    }
    for (const auto& [index, it] : addresses_) {
      for (const auto& [member, at] : it.members) {
        loader.member({Address::at(index), Address::at(member), at.cursor}, at.delivered_end);
      }
    }
    for (const auto& [index, it] : addresses_) {
      if (it.delivered_end > 0) {
        loader.delivered({Address::at(index), it.delivered_end - 1});
      }
    }
    for (std::uint32_t index = 0; index < Address::classic_count; ++index) {
      give(loader, Address::at(index), mailboxes_[index]);
    }
    for (const auto& [index, it] : addresses_) {
      if (!Address::at(index).is_classic()) {
        give(loader, Address::at(index), it.mailbox);
      }
    }
  }

 private:
  static void give(MessageLoader& loader, Address address, const DiskMailbox& mailbox) {
    for (const DiskMessage& message : mailbox.messages) {
      loader.message({address, message.offset, message.sender, message.payload, message.sequence, message.time_ms,
                      message.expires_ms});
    }
    loader.next_offset(address, mailbox.next_offset);
  }

  DiskAddress* find(Address address) {
    const auto found = addresses_.find(address.index());
    return found == addresses_.end() ? nullptr : &found->second;
  }

  // nullptr where there is no such address.
  DiskMailbox* mailbox_of(Address address) {
    if (address.is_classic()) {
      return &mailboxes_[address.index()];
    }
    DiskAddress* const found = find(address);
    return found == nullptr ? nullptr : &found->mailbox;
  }

  // Something became of a message, which its sender may ask for.
  void note(const DiskMessage& message, MessageState state) {
    DiskAddress* const sender = message.sequence == 0 ? nullptr : find(message.sender);
    if (sender == nullptr) {
      return;
    }
    if (const auto found = sender->states.find(message.sequence); found != sender->states.end()) {
      found->second = state;
    }
  }

  void note_delivered(const DiskMailbox& mailbox, Offset begin, Offset up_to) {
    for (const DiskMessage& message : mailbox.messages) {
      if (message.offset >= begin && message.offset <= up_to) {
        note(message, MessageState::fetched);
      }
    }
  }

  bool write(const Stored& stored) {
    DiskMailbox* const mailbox = mailbox_of(stored.receiver);
    if (mailbox == nullptr || stored.message.offset != mailbox->next_offset) {
      return false;
    }
    mailbox->messages.push_back(stored.message);
    mailbox->next_offset = stored.message.offset + 1;
    if (stored.message.sequence == 0) {
      return true;
    }
    DiskAddress* const sender = find(stored.message.sender);
    if (sender == nullptr) {
      return false;
    }
    sender->states[stored.message.sequence] = MessageState::waiting;
    const std::uint64_t highest = sender->states.rbegin()->first;
    while (highest - sender->states.begin()->first >= SequenceWindow::width) {
      sender->states.erase(sender->states.begin());
    }
    return true;
  }

  bool write(const MessageTaken& taken) {
    DiskMailbox* const mailbox = mailbox_of(taken.receiver);
    if (mailbox == nullptr || mailbox->messages.empty() || mailbox->messages.front().offset != taken.offset) {
      return false;
    }
    note(mailbox->messages.front(), MessageState::taken);
    mailbox->messages.pop_front();
    return true;
  }

  bool write(const Added& added) {
    DiskAddress& it = addresses_[added.address.index()];
    const bool is_new = it.epoch == 0;
    it.name = added.name;
    it.epoch = added.epoch;
    return is_new;
  }

  bool write(const AddressOpened& opened) {
    DiskAddress* const it = find(opened.address);
    return it != nullptr && !std::exchange(it->was_opened, true);
  }

  bool write(const AddressForgotten& forgotten) {
    if (const DiskAddress* const it = find(forgotten.address); it != nullptr) {
      for (const DiskMessage& message : it->mailbox.messages) {
        note(message, MessageState::purged);
      }
    }
    return addresses_.erase(forgotten.address.index()) == 1;
  }

  bool write(const MessagesDelivered& delivered) {
    DiskAddress* const it = find(delivered.receiver);
    if (it == nullptr) {
      return false;
    }
    note_delivered(*mailbox_of(delivered.receiver), it->delivered_end, delivered.up_to);
    it->delivered_end = std::max(it->delivered_end, delivered.up_to + 1);
    return true;
  }

  bool write(const MessagesAcknowledged& acknowledged) {
    DiskMailbox* const mailbox = mailbox_of(acknowledged.receiver);
    if (mailbox == nullptr) {
      return false;
    }
    Queue<DiskMessage>& messages = mailbox->messages;
    while (!messages.empty() && messages.front().offset <= acknowledged.up_to) {
      note(messages.front(), MessageState::acknowledged);
      messages.pop_front();
    }
    return true;
  }

  bool write(const MessageRemoved& removed) {
    DiskMailbox* const mailbox = mailbox_of(removed.receiver);
    if (mailbox == nullptr) {
      return false;
    }
    Queue<DiskMessage>& messages = mailbox->messages;
    const auto found = std::find_if(messages.begin(), messages.end(), [&removed](const DiskMessage& message) {
      return message.offset == removed.offset;
    });
    if (found == messages.end()) {
      return false;
    }
    note(*found, removed.state);
    messages.erase(static_cast<std::size_t>(found - messages.begin()));
    return true;
  }

  bool write(const MemberJoined& joined) {
    DiskAddress* const room = find(joined.room);
    return room != nullptr &&
           room->members.emplace(joined.member.index(), DiskMember{joined.cursor, joined.cursor}).second;
  }

  bool write(const MemberLeft& left) {
    DiskAddress* const room = find(left.room);
    return room != nullptr && room->members.erase(left.member.index()) == 1;
  }

  DiskMember* find_member(Address room, Address member) {
    DiskAddress* const it = find(room);
    const auto found =
        it == nullptr ? std::map<std::uint32_t, DiskMember>::iterator{} : it->members.find(member.index());
    return it == nullptr || found == it->members.end() ? nullptr : &found->second;
  }

  bool write(const MemberDelivered& delivered) {
    DiskMember* const member = find_member(delivered.room, delivered.member);
    if (member == nullptr) {
      return false;
    }
    note_delivered(*mailbox_of(delivered.room), member->delivered_end, delivered.up_to);
    member->delivered_end = std::max(member->delivered_end, delivered.up_to + 1);
    return true;
  }

  bool write(const MemberAcknowledged& acknowledged) {
    DiskMember* const member = find_member(acknowledged.room, acknowledged.member);
    if (member == nullptr) {
      return false;
    }
    member->cursor = acknowledged.up_to + 1;
    return true;
  }

  bool consistent_ = true;
  Mailboxes mailboxes_;
  Addresses addresses_;
};

}  // namespace restante::sim
