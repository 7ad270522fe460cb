// How a file becomes mailboxes again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
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
#include <restante/sqlite/detail/faults.hpp>
#include <restante/sqlite/detail/ledger.hpp>
#include <restante/sqlite/error.hpp>
#include <restante/store.hpp>

namespace restante::detail {

/// Reads a whole file, within a transaction that somebody else begins, for a loader and for the writer. A core believes
/// what it is given: what cannot be is found out here, and thrown as SqliteError::damaged, unless it is collected.
class Loading {
 public:
  /// The ledger must be new. With `faults`, rows that cannot be are told of there, and left out.
  Loading(const Database& database, Ledger& ledger, MessageLoader& loader, Faults* faults = nullptr)
      : database_{database},
        ledger_{ledger},
        loader_{loader},
        faults_{faults},
        kinds_(Address::classic_count, NameKind::classic) {}

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

  // Whether a rule holds for a row, which is left out where it does not.
  bool holds(bool condition, std::string_view table, std::int64_t row, std::string_view rule) const {
    if (condition) [[likely]] {
      return true;
    }
    if (faults_ == nullptr) {
      throw std::system_error{SqliteError::damaged};
    }
    faults_->add(std::string{table} + " " + std::to_string(row) + ": " + std::string{rule});
    return false;
  }

  void load_addresses() {
    Statement rows{database_, "SELECT number, name, epoch, was_opened FROM addresses ORDER BY number"};
    while (rows.step()) {
      const std::uint64_t number = rows.number(0);
      const BytesView name = rows.bytes(1);
      const auto is = [&](bool condition, std::string_view rule) {
        return holds(condition, "addresses", rows.signed_number(0), rule);
      };
      if (!is(number <= address_number_max, "no address has this number") ||
          !is(rows.number(2) != 0, "the epoch is 0")) {
        continue;
      }
      const Address address = Address::at(static_cast<std::uint32_t>(number));
      const NameKind kind = kind_of_name(name);
      if (!is(address.is_classic() ? classic_id_of(name) == static_cast<int>(number)
                                   : kind == NameKind::mailbox || kind == NameKind::room,
              "the name cannot be that of this address")) {
        continue;
      }
      if (!address.is_classic()) {
        kinds_.resize(number + 1, NameKind::bad);
        kinds_[number] = kind;
      }
      loader_.address({address, name, rows.number(2)}, rows.number(3) != 0);
    }
  }

  // Whether the number is that of an address that exists.
  bool is_known(std::uint64_t number) const { return number < kinds_.size() && kinds_[number] != NameKind::bad; }

  bool is_room(std::uint64_t number) const { return kinds_[number] == NameKind::room; }

  void load_windows() {
    Statement rows{database_, "SELECT sender, highest, states FROM windows ORDER BY sender"};
    while (rows.step()) {
      const std::uint64_t highest = rows.number(1);
      const BytesView states = rows.bytes(2);
      const auto is = [&](bool condition, std::string_view rule) {
        return holds(condition, "windows", rows.signed_number(0), rule);
      };
      constexpr auto state_max = static_cast<std::uint8_t>(MessageState::purged);
      if (!is(is_known(rows.number(0)), "there is no such sender") ||
          !is(highest >= 1 && highest <= number_max, "the highest number cannot be") ||
          !is(states.size() == SequenceWindow::width, "it has not 256 states") ||
          !is(states[highest % SequenceWindow::width] != 0, "the highest number was not accepted") ||
          !is(std::all_of(states.begin(), states.end(), [](std::uint8_t state) { return state <= state_max; }),
              "a state cannot be")) {
        continue;
      }
      const Address sender = Address::at(static_cast<std::uint32_t>(rows.number(0)));
      ledger_[sender].window = std::make_unique<SequenceWindow>();
      for (std::uint64_t sequence = highest - std::min(highest, SequenceWindow::width) + 1; sequence <= highest;
           ++sequence) {
        const std::uint8_t state = states[sequence % SequenceWindow::width];
        if (state != static_cast<std::uint8_t>(MessageState::unknown)) {
          ledger_[sender].window->restore(sequence, static_cast<MessageState>(state));
          loader_.sequence(sender, sequence, static_cast<MessageState>(state));
        }
      }
    }
  }

  void load_members() {
    Statement rows{database_, "SELECT room, member, cursor, delivered_end, id FROM members ORDER BY id"};
    while (rows.step()) {
      const auto is = [&](bool condition, std::string_view rule) {
        return holds(condition, "members", rows.signed_number(4), rule);
      };
      if (is(is_known(rows.number(0)) && is_room(rows.number(0)), "there is no such room") &&
          is(is_known(rows.number(1)) && !is_room(rows.number(1)), "there is no such member") &&
          is(rows.number(2) <= number_max && rows.number(3) <= number_max, "an offset cannot be")) {
        const Address room = Address::at(static_cast<std::uint32_t>(rows.number(0)));
        const Address member = Address::at(static_cast<std::uint32_t>(rows.number(1)));
        loader_.member({room, member, rows.number(2)}, rows.number(3));
      }
    }
  }

  void load_deliveries() {
    Statement rows{database_, "SELECT address, next_offset, delivered_end FROM mailboxes ORDER BY address"};
    while (rows.step()) {
      const auto is = [&](bool condition, std::string_view rule) {
        return holds(condition, "mailboxes", rows.signed_number(0), rule);
      };
      if (!is(is_known(rows.number(0)), "there is no such address") ||
          !is(rows.number(1) <= number_max && rows.number(2) <= number_max, "an offset cannot be")) {
        continue;
      }
      const Address address = Address::at(static_cast<std::uint32_t>(rows.number(0)));
      KeptAddress& kept = ledger_[address];
      kept.next_offset = rows.number(1);
      kept.delivered_end = rows.number(2);
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
      const auto is = [&](bool condition, std::string_view rule) {
        return holds(condition, "messages", rows.signed_number(0), rule);
      };
      if (!is(is_known(rows.number(1)), "there is no such receiver") ||
          !is(is_known(rows.number(3)) && !is_room(rows.number(3)), "there is no such sender")) {
        continue;
      }
      const MessageStored stored{.receiver = Address::at(static_cast<std::uint32_t>(rows.number(1))),
                                 .offset = rows.number(2),
                                 .sender = Address::at(static_cast<std::uint32_t>(rows.number(3))),
                                 .payload = rows.bytes(7),
                                 .sequence = rows.number(4),
                                 .time_ms = rows.number(5),
                                 .expires_ms = rows.number(6)};
      KeptAddress& mailbox = ledger_[stored.receiver];
      if (!is(rows.signed_number(0) > 0, "the id cannot be") ||
          !is(stored.offset >= next[stored.receiver.index()], "its offset is not above the one before it") ||
          !is(stored.offset < mailbox.next_offset, "its offset is not below next_offset of its mailbox") ||
          !is(stored.sequence <= number_max && stored.time_ms <= number_max && stored.expires_ms <= number_max,
              "a number cannot be") ||
          !is(!stored.receiver.is_classic() ||
                  (stored.sender.is_classic() && stored.payload.size() <= MessagePool::place_bytes),
              "no classic client could be shown this")) {
        continue;
      }
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
  Faults* faults_;
  /// Of the names of addresses, by number.
  std::vector<NameKind> kinds_;
  std::vector<std::pair<Address, Offset>> next_offsets_;
};

}  // namespace restante::detail
