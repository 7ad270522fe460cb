// What the writer knows of the file, and how changes become rows.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/core/change.hpp>
#include <restante/core/reply.hpp>
#include <restante/core/sequence_window.hpp>
#include <restante/sqlite/detail/batch.hpp>
#include <restante/sqlite/detail/database.hpp>
#include <restante/sqlite/detail/held_messages.hpp>
#include <restante/sqlite/detail/message_rows.hpp>
#include <restante/sqlite/error.hpp>

namespace restante::detail {

/// What is kept of an address besides its row: all that the writer would otherwise have to ask the file for.
struct KeptAddress {
  HeldMessages held;
  Offset next_offset = 0;
  Offset delivered_end = 0;
  std::unique_ptr<SequenceWindow> window;
  /// How many messages that are held have a number of this sender.
  std::uint32_t numbered = 0;
  /// Its row of mailboxes, or of windows, is not what is here.
  bool mailbox_changed = false;
  bool window_changed = false;
};

/// Carries out changes on a file, within a transaction that somebody else begins and commits. What many changes make of
/// one row is written once. When anything fails, all of it is to be thrown away.
class Ledger {
 public:
  explicit Ledger(const Database& database)
      : messages_{database},
        add_address_{database, "INSERT INTO addresses VALUES(?, ?, ?, 0)"},
        open_address_{database, "UPDATE addresses SET was_opened = 1 WHERE number = ?"},
        delete_address_{database, "DELETE FROM addresses WHERE number = ?"},
        put_mailbox_{database, "INSERT OR REPLACE INTO mailboxes VALUES(?, ?, ?)"},
        delete_mailbox_{database, "DELETE FROM mailboxes WHERE address = ?"},
        put_window_{database, "INSERT OR REPLACE INTO windows VALUES(?, ?, ?)"},
        delete_window_{database, "DELETE FROM windows WHERE sender = ?"},
        add_member_{database, "INSERT INTO members VALUES(NULL, ?, ?, ?, ?)"},
        deliver_member_{database, "UPDATE members SET delivered_end = ? WHERE room = ? AND member = ?"},
        move_member_{database, "UPDATE members SET cursor = ? WHERE room = ? AND member = ?"},
        delete_member_{database, "DELETE FROM members WHERE room = ? AND member = ?"},
        delete_members_{database, "DELETE FROM members WHERE room = ? OR member = ?"},
        kept_(Address::classic_count) {}

  /// What is kept of an address, which begins empty.
  KeptAddress& operator[](Address address) {
    if (address.index() >= kept_.size()) {
      kept_.resize(std::size_t{address.index()} + 1);
    }
    return kept_[address.index()];
  }

  /// The highest id that a row of messages has.
  std::int64_t last_id = 0;

  /// The batch must stay as it is until finish().
  void apply(const Batch& batch) {
    batch.for_each([this](const RecordedChange& change, BytesView bytes) { apply(change, bytes); });
  }

  /// Writes what apply() put off. To be called before the transaction is committed.
  void finish() {
    messages_.write();
    write_member_delivery();
    for (const Address address : changed_mailboxes_) {
      if (KeptAddress& kept = (*this)[address]; kept.mailbox_changed) {
        kept.mailbox_changed = false;
        put_mailbox_.run(address.index(), kept.next_offset, kept.delivered_end);
      }
    }
    changed_mailboxes_.clear();
    for (const Address sender : changed_windows_) {
      if (KeptAddress& kept = (*this)[sender]; kept.window_changed) {
        kept.window_changed = false;
        write_window(sender, *kept.window);
      }
    }
    changed_windows_.clear();
  }

 private:
  void apply(const RecordedChange& change, BytesView bytes) {
    if (change.kind != ChangeKind::member_delivered) {
      write_member_delivery();
    }
    switch (change.kind) {
      case ChangeKind::message_stored:
        return store(change, bytes);
      case ChangeKind::message_taken:
      case ChangeKind::message_removed:
        return remove(change);
      case ChangeKind::messages_delivered:
        return deliver(change.address, change.number + 1);
      case ChangeKind::messages_acknowledged:
        return acknowledge(change);
      case ChangeKind::address_added:
        return add_address_.run(change.address.index(), as_text(bytes), change.number);
      case ChangeKind::address_opened:
        return open_address_.run(change.address.index());
      case ChangeKind::address_forgotten:
        return forget(change.address);
      case ChangeKind::member_joined:
        return add_member_.run(change.address.index(), change.other.index(), change.number, change.number);
      case ChangeKind::member_left:
        return delete_member_.run(change.address.index(), change.other.index());
      case ChangeKind::member_delivered:
        return deliver_to_member(change);
      case ChangeKind::member_acknowledged:
        return move_member_.run(change.number + 1, change.address.index(), change.other.index());
    }
  }

  void store(const RecordedChange& change, BytesView payload) {
    KeptAddress& mailbox = (*this)[change.address];
    messages_.add(++last_id, change, payload);
    mailbox.held.push_back({change.number, last_id, change.sequence, change.other});
    mailbox.next_offset = change.number + 1;
    note_mailbox(change.address, mailbox);
    if (change.sequence != 0) {
      KeptAddress& sender = (*this)[change.other];
      if (!sender.window) {
        sender.window = std::make_unique<SequenceWindow>();
      }
      sender.window->accept(change.sequence);
      ++sender.numbered;
      note_window(change.other, sender);
    }
  }

  void remove(const RecordedChange& change) {
    const std::optional<HeldMessage> removed = (*this)[change.address].held.remove(change.number);
    if (!removed) {
      throw std::system_error{SqliteError::damaged};
    }
    remove_row(*removed, change.state);
  }

  void acknowledge(const RecordedChange& change) {
    (*this)[change.address].held.pop_up_to(
        change.number, [this](const HeldMessage& message) { remove_row(message, MessageState::acknowledged); });
  }

  void remove_row(const HeldMessage& message, MessageState state) {
    messages_.remove(message.id);
    if (message.sequence != 0) {
      --kept_[message.sender.index()].numbered;
      note_state(message, state);
    }
  }

  // Of a mailbox, or of a room to any of its members.
  void deliver(Address address, Offset end) {
    KeptAddress& mailbox = (*this)[address];
    if (end <= mailbox.delivered_end) {
      return;
    }
    mailbox.held.for_each(mailbox.delivered_end, end - 1, [this](const HeldMessage& message) {
      if (message.sequence != 0) {
        note_state(message, MessageState::fetched);
      }
    });
    mailbox.delivered_end = end;
    note_mailbox(address, mailbox);
  }

  // A member fetches many messages at once, each of which is recorded.
  void deliver_to_member(const RecordedChange& change) {
    if (member_delivery_.address != change.address || member_delivery_.other != change.other) {
      write_member_delivery();
    }
    member_delivery_ = change;
  }

  void write_member_delivery() {
    if (member_delivery_.kind == ChangeKind::member_delivered) {
      const Offset end = member_delivery_.number + 1;
      deliver_member_.run(end, member_delivery_.address.index(), member_delivery_.other.index());
      deliver(member_delivery_.address, end);
      member_delivery_ = {};
    }
  }

  // What became of a classic mailbox goes on to be counted where it was: the core does not begin it anew.
  void forget(Address address) {
    KeptAddress& kept = (*this)[address];
    kept.held.pop_up_to(UINT64_MAX, [this](const HeldMessage& message) { remove_row(message, MessageState::purged); });
    if (kept.numbered != 0) {
      messages_.forget_numbers(address);
      for (KeptAddress& mailbox : kept_) {
        mailbox.held.for_each(0, UINT64_MAX, [address](HeldMessage& message) {
          message.sequence = message.sender == address ? 0 : message.sequence;
        });
      }
    }
    delete_address_.run(address.index());
    delete_window_.run(address.index());
    delete_members_.run(address.index(), address.index());
    kept.window.reset();
    kept.window_changed = false;
    kept.numbered = 0;
    if (!address.is_classic()) {
      delete_mailbox_.run(address.index());
      kept = {};
    }
  }

  void note_state(const HeldMessage& message, MessageState state) {
    KeptAddress& sender = kept_[message.sender.index()];
    if (sender.window && sender.window->note(message.sequence, state)) {
      note_window(message.sender, sender);
    }
  }

  void note_mailbox(Address address, KeptAddress& kept) {
    if (!kept.mailbox_changed) {
      kept.mailbox_changed = true;
      changed_mailboxes_.push_back(address);
    }
  }

  void note_window(Address sender, KeptAddress& kept) {
    if (!kept.window_changed) {
      kept.window_changed = true;
      changed_windows_.push_back(sender);
    }
  }

  void write_window(Address sender, const SequenceWindow& window) {
    std::array<std::uint8_t, SequenceWindow::width> states{};
    const std::uint64_t highest = window.highest();
    for (std::uint64_t below = 0; below < std::min(SequenceWindow::width, highest); ++below) {
      const std::uint64_t sequence = highest - below;
      states[sequence % SequenceWindow::width] = static_cast<std::uint8_t>(window.state(sequence));
    }
    put_window_.run(sender.index(), highest, BytesView{states});
  }

  MessageRows messages_;
  Statement add_address_;
  Statement open_address_;
  Statement delete_address_;
  Statement put_mailbox_;
  Statement delete_mailbox_;
  Statement put_window_;
  Statement delete_window_;
  Statement add_member_;
  Statement deliver_member_;
  Statement move_member_;
  Statement delete_member_;
  Statement delete_members_;

  std::vector<KeptAddress> kept_;
  std::vector<Address> changed_mailboxes_;
  std::vector<Address> changed_windows_;
  /// The latest delivery to a member, which is not written yet; of another kind where there is none.
  RecordedChange member_delivery_ = {};
};

}  // namespace restante::detail
