// How a file becomes mailboxes again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/core/address_name.hpp>
#include <restante/core/change.hpp>
#include <restante/core/message_pool.hpp>
#include <restante/core/reply.hpp>
#include <restante/core/sequence_window.hpp>
#include <restante/sqlite/detail/database.hpp>
#include <restante/sqlite/detail/ledger.hpp>
#include <restante/sqlite/error.hpp>
#include <restante/store.hpp>

namespace restante::detail {

/// Reads a whole file, within a transaction that somebody else begins, for a loader and for the writer. A core believes
/// what it is given: what cannot be is found out here, and thrown as SqliteError::damaged.
class Loading {
 public:
  /// The ledger must be new.
  Loading(const Database& database, Ledger& ledger, MessageLoader& loader)
      : database_{database}, ledger_{ledger}, loader_{loader}, kinds_(Address::classic_count, NameKind::classic) {}

  void run() {
    load_addresses();
    load_windows();
    load_members();
    load_deliveries();
    load_messages();
    for (const auto& [address, next_offset] : next_offsets_) {
      loader_.next_offset(address, next_offset);
    }
  }

 private:
  // More than any core could hold.
  static constexpr std::uint64_t address_number_max = 0xffffff;
  // What the protocol can say.
  static constexpr std::uint64_t number_max = (std::uint64_t{1} << 62U) - 1;

  static void expect(bool condition) {
    if (!condition) {
      throw std::system_error{SqliteError::damaged};
    }
  }

  void load_addresses() {
    Statement rows{database_, "SELECT number, name, epoch, was_opened FROM addresses ORDER BY number"};
    while (rows.step()) {
      const std::uint64_t number = rows.number(0);
      const BytesView name = rows.bytes(1);
      expect(number <= address_number_max && rows.number(2) != 0);
      const Address address = Address::at(static_cast<std::uint32_t>(number));
      const NameKind kind = kind_of_name(name);
      if (address.is_classic()) {
        expect(classic_id_of(name) == address.classic_id());
      } else {
        expect(kind == NameKind::mailbox || kind == NameKind::room);
        kinds_.resize(number + 1, NameKind::bad);
        kinds_[number] = kind;
      }
      loader_.address({address, name, rows.number(2)}, rows.number(3) != 0);
    }
  }

  // The address of a number, which must be one that exists.
  Address known(std::uint64_t number) const {
    expect(number < kinds_.size() && kinds_[number] != NameKind::bad);
    return Address::at(static_cast<std::uint32_t>(number));
  }

  bool is_room(Address address) const { return kinds_[address.index()] == NameKind::room; }

  void load_windows() {
    Statement rows{database_, "SELECT sender, highest, states FROM windows ORDER BY sender"};
    while (rows.step()) {
      const Address sender = known(rows.number(0));
      const std::uint64_t highest = rows.number(1);
      const BytesView states = rows.bytes(2);
      expect(highest >= 1 && highest <= number_max && states.size() == SequenceWindow::width);
      expect(states[highest % SequenceWindow::width] != static_cast<std::uint8_t>(MessageState::unknown));
      ledger_[sender].window = std::make_unique<SequenceWindow>();
      for (std::uint64_t sequence = highest - std::min(highest, SequenceWindow::width) + 1; sequence <= highest;
           ++sequence) {
        const std::uint8_t state = states[sequence % SequenceWindow::width];
        expect(state <= static_cast<std::uint8_t>(MessageState::purged));
        if (state != static_cast<std::uint8_t>(MessageState::unknown)) {
          ledger_[sender].window->restore(sequence, static_cast<MessageState>(state));
          loader_.sequence(sender, sequence, static_cast<MessageState>(state));
        }
      }
    }
  }

  void load_members() {
    Statement rows{database_, "SELECT room, member, cursor, delivered_end FROM members ORDER BY id"};
    while (rows.step()) {
      const Address room = known(rows.number(0));
      const Address member = known(rows.number(1));
      expect(is_room(room) && !is_room(member) && rows.number(2) <= number_max && rows.number(3) <= number_max);
      loader_.member({room, member, rows.number(2)}, rows.number(3));
    }
  }

  void load_deliveries() {
    Statement rows{database_, "SELECT address, next_offset, delivered_end FROM mailboxes ORDER BY address"};
    while (rows.step()) {
      const Address address = known(rows.number(0));
      KeptAddress& kept = ledger_[address];
      kept.next_offset = rows.number(1);
      kept.delivered_end = rows.number(2);
      expect(kept.next_offset <= number_max && kept.delivered_end <= number_max);
      if (kept.delivered_end != 0) {
        loader_.delivered({address, kept.delivered_end - 1});
      }
      next_offsets_.emplace_back(address, kept.next_offset);
    }
  }

  // All mailboxes together, in the order of acceptance, which is that of the offsets in each.
  void load_messages() {
    std::vector<Offset> next(kinds_.size(), 0);
    Statement rows{database_,
                   "SELECT id, receiver, \"offset\", sender, sequence, time_ms, expires_ms, payload FROM messages"
                   " ORDER BY id"};
    while (rows.step()) {
      const MessageStored stored{.receiver = known(rows.number(1)),
                                 .offset = rows.number(2),
                                 .sender = known(rows.number(3)),
                                 .payload = rows.bytes(7),
                                 .sequence = rows.number(4),
                                 .time_ms = rows.number(5),
                                 .expires_ms = rows.number(6)};
      KeptAddress& mailbox = ledger_[stored.receiver];
      expect(rows.signed_number(0) > 0 && stored.offset >= next[stored.receiver.index()] &&
             stored.offset < mailbox.next_offset && !is_room(stored.sender) && stored.sequence <= number_max &&
             stored.time_ms <= number_max && stored.expires_ms <= number_max);
      // What a classic client can be shown.
      expect(!stored.receiver.is_classic() ||
             (stored.sender.is_classic() && stored.payload.size() <= MessagePool::place_bytes));
      next[stored.receiver.index()] = stored.offset + 1;
      ledger_.last_id = rows.signed_number(0);
      mailbox.held.push_back({stored.offset, ledger_.last_id, stored.sequence, stored.sender});
      ledger_[stored.sender].numbered += stored.sequence == 0 ? 0 : 1;
      loader_.message(stored);
    }
  }

  const Database& database_;
  Ledger& ledger_;
  MessageLoader& loader_;
  /// Of the names of addresses, by number.
  std::vector<NameKind> kinds_;
  std::vector<std::pair<Address, Offset>> next_offsets_;
};

}  // namespace restante::detail
