// The addresses of a core by name, and what is kept of each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/core/address_name.hpp>
#include <restante/core/change.hpp>
#include <restante/core/request.hpp>
#include <restante/core/sequence_window.hpp>
#include <restante/detail/index_table.hpp>
#include <restante/detail/siphash.hpp>
#include <restante/detail/slot_list.hpp>

namespace restante {

/// Memberships that wait for something in a room; see Memberships. When it happens, all of them are to be looked at, a
/// few at a time; who waits again meanwhile stands in the other list.
struct Watchers {
  struct List {
    std::uint32_t first = UINT32_MAX;
    std::uint32_t last = UINT32_MAX;
  };
  List lists[2] = {};
  /// The list of those who are to be looked at; the other one is of those who wait.
  unsigned woken = 0;
  /// It happened again while some were still to be looked at.
  bool again = false;

  List& waiting() noexcept { return lists[1 - woken]; }
  List& woken_list() noexcept { return lists[woken]; }

  /// It happened. Takes the same time for any number.
  void wake() noexcept {
    if (lists[woken].first != UINT32_MAX) {
      again = true;
    } else {
      woken = 1 - woken;
    }
  }

  /// Whether somebody is to be looked at.
  bool has_woken() noexcept {
    if (lists[woken].first == UINT32_MAX && again) {
      again = false;
      woken = 1 - woken;
    }
    return lists[woken].first != UINT32_MAX;
  }
};

/// What makes an address a room.
struct RoomState {
  /// Memberships by the names of the members, in the order of their bytes.
  std::map<std::string_view, std::uint32_t> members;
  Watchers of_messages;
  Watchers of_members;
};

/// What is kept of an address besides its mailbox and who holds it.
struct AddressState {
  std::string name;
  NameKind kind = NameKind::bad;
  /// 0 until it is needed.
  Epoch epoch = 0;
  /// Somebody opened it, now or before.
  bool was_opened = false;
  /// Whom it pushed to last, while that is there.
  Address last_receiver = {};
  /// Where Quotas count what it uses of the mailbox that it pushed to last, perhaps.
  std::uint32_t last_quota = UINT32_MAX;
  /// How many messages name it as their sender.
  std::uint32_t messages_sent = 0;
  /// Numbers of its pushes, from the first one on.
  std::unique_ptr<SequenceWindow> window;
  /// Of the latest OPENED; nothing where there was none.
  ResumeToken resume_token = {};
  bool has_resume_token = false;
  /// Its waits; see Waits.
  std::uint32_t first_wait = UINT32_MAX;
  std::uint32_t last_wait = UINT32_MAX;
  std::uint32_t waits = 0;
  /// Of these, those for everything, those for one room, and those for receipts.
  std::uint32_t waits_for_all = 0;
  std::uint32_t waits_in_rooms = 0;
  std::uint32_t waits_for_receipts = 0;
  /// In the order of joining; see Memberships.
  std::vector<std::uint32_t> memberships;
  std::unique_ptr<RoomState> room;
  /// Of a room: grows with each change of its members.
  std::uint64_t version = 1;
  /// What became of its messages. The rest of what the mailbox ever took was taken, or is there.
  std::uint64_t acknowledged = 0;
  std::uint64_t expired = 0;
  std::uint64_t purged = 0;
  /// Which source a fetch from all of them begins with.
  std::uint32_t next_source = 0;
  /// Requests that may be made, in thousandths, and when they were counted.
  std::uint64_t request_allowance = 0;
  std::uint64_t request_allowance_ms = 0;

  BytesView name_bytes() const noexcept { return as_bytes(name); }
};

/// Numbers addresses, and finds them by name. The classic ids are always there. Not thread safe.
class Addresses {
 public:
  explicit Addresses(detail::SipKey key = {}) : key_{key}, states_(Address::classic_count) {}

  /// What hashes depend on: set before the first name is taken in, and secret where strangers choose names.
  void set_key(detail::SipKey key) { key_ = key; }

  /// The address of this name; an index of none where there is none.
  Address find(BytesView name) const {
    if (const int id = classic_id_of(name); id >= 0) {
      return Address{static_cast<std::uint8_t>(id)};
    }
    return Address::at(table_.find(
        hash(name), [&](std::uint32_t index) { return std::string_view{states_[index]->name} == as_text(name); }));
  }

  static constexpr Address none = Address::at(UINT32_MAX);

  /// The same, for a sender that often names the same receiver: comparing costs less than hashing. The receiver is
  /// known() then.
  [[gnu::always_inline]] Address find_receiver(BytesView name, AddressState& sender) {
    if (const AddressState& last = (*this)[sender.last_receiver];
        is_same_name(name, last.name_bytes()) && last.kind != NameKind::bad) [[likely]] {
      return sender.last_receiver;
    }
    return find_other_receiver(name, sender);
  }

  /// The address must have been given out. What is kept of classic ids is made when it is first needed, which it never
  /// is where only the classic protocol is spoken.
  AddressState& operator[](Address address) {
    if (states_[address.index()] == nullptr) [[unlikely]] {
      make_classic();
    }
    return *states_[address.index()];
  }
  const AddressState& operator[](Address address) const { return const_cast<Addresses&>(*this)[address]; }

  /// The same, for an address that has been opened, or named as a sender or receiver in restante.v2: then it is there.
  AddressState& known(Address address) { return *states_[address.index()]; }
  const AddressState& known(Address address) const { return *states_[address.index()]; }

  /// Whether nothing is kept of this address, nor ever was.
  bool is_untouched(Address address) const { return states_[address.index()] == nullptr; }

  /// Takes in a name that is a mailbox's or a room's and not there yet.
  Address add(BytesView name) {
    std::uint32_t index = 0;
    if (free_.empty()) {
      index = static_cast<std::uint32_t>(states_.size());
      states_.push_back(std::make_unique<AddressState>());
    } else {
      index = free_.back();
      free_.pop_back();
    }
    put(index, name);
    return Address::at(index);
  }

  /// Takes in a name under a number that is not in use: what a store gives back.
  Address add_at(Address address, BytesView name) {
    while (states_.size() <= address.index()) {
      free_.push_back(static_cast<std::uint32_t>(states_.size()));
      states_.push_back(std::make_unique<AddressState>());
    }
    std::erase(free_, address.index());
    put(address.index(), name);
    return address;
  }

  /// Forgets an address that is not classic, with everything kept of it.
  void remove(Address address) {
    AddressState& state = (*this)[address];
    table_.erase(hash(state.name_bytes()), address.index());
    rooms_ -= state.kind == NameKind::room ? 1 : 0;
    state = {};
    free_.push_back(address.index());
  }

  /// How many addresses there are besides the classic ids, rooms included; and how many of them are rooms.
  std::size_t named() const noexcept { return table_.size(); }
  std::uint32_t rooms() const noexcept { return rooms_; }

  /// All numbers that were ever in use lie below this. Those that are not have a kind of bad.
  std::uint32_t indices() const noexcept { return static_cast<std::uint32_t>(states_.size()); }

 private:
  [[gnu::noinline]] Address find_other_receiver(BytesView name, AddressState& sender) {
    const Address receiver = find(name);
    if (receiver != none) {
      (*this)[receiver];
      sender.last_receiver = receiver;
    }
    return receiver;
  }

  [[gnu::noinline]] void make_classic() {
    for (std::uint32_t id = 0; id < Address::classic_count; ++id) {
      states_[id] = std::make_unique<AddressState>();
      states_[id]->name = std::to_string(id);
      states_[id]->kind = NameKind::classic;
    }
  }

  std::uint32_t hash(BytesView name) const noexcept { return static_cast<std::uint32_t>(detail::siphash(key_, name)); }

  void put(std::uint32_t index, BytesView name) {
    AddressState& state = *states_[index];
    state.name = as_text(name);
    state.kind = kind_of_name(name);
    if (state.kind == NameKind::room) {
      state.room = std::make_unique<RoomState>();
      ++rooms_;
    }
    table_.insert(hash(name), index);
  }

  detail::SipKey key_ = {};
  // Where each lies does not change: names are keys of rooms.
  std::vector<std::unique_ptr<AddressState>> states_;
  std::vector<std::uint32_t> free_;
  detail::IndexTable table_;
  std::uint32_t rooms_ = 0;
};

}  // namespace restante
