// What a core holds: addresses, mailboxes and their messages, from being stored to being gone. The rules of who may ask
// for what stand in core.hpp and delivering.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/core/addresses.hpp>
#include <restante/core/change.hpp>
#include <restante/core/core_options.hpp>
#include <restante/core/counters.hpp>
#include <restante/core/mailbox.hpp>
#include <restante/core/memberships.hpp>
#include <restante/core/message_pool.hpp>
#include <restante/core/quotas.hpp>
#include <restante/core/refusal.hpp>
#include <restante/core/request.hpp>
#include <restante/detail/slot_list.hpp>
#include <restante/detail/timer_wheel.hpp>

namespace restante::detail {

template <class Recorder>
class Keeping {
 public:
  Keeping(Recorder& recorder, CoreOptions options)
      : options_{options},
        recorder_{recorder},
        mailboxes_(Address::classic_count),
        holders_(Address::classic_count, no_session) {}

  const CoreOptions& options() const noexcept { return options_; }
  const Books& books() const noexcept { return books_; }

  /// Bytes of the payloads of all messages that are held.
  std::uint64_t payload_bytes_held() const noexcept { return payload_bytes_held_; }

  /// How many messages the mailbox or room holds.
  std::uint32_t depth(Address address) const noexcept { return mailboxes_[address.index()].size(); }

  /// The mailbox of an address or the log of a room; where its messages lie says messages().
  const Mailbox& mailbox(Address address) const noexcept { return mailboxes_[address.index()]; }
  const MessagePool& messages() const noexcept { return pool_; }

  /// Whether some session holds the address.
  bool is_held(Address address) const noexcept { return holders_[address.index()] != no_session; }

  /// Addresses besides the classic ids.
  std::size_t addresses_named() const noexcept { return addresses_.named(); }

  const Addresses& addresses() const noexcept { return addresses_; }

  /// Refuses from now on whatever would change something, until load() succeeds.
  void refuse_changes() noexcept { writable_ = false; }

  /// Whether changes are accepted.
  bool accepts_changes() const noexcept { return writable_; }

  /// Whether some message can expire.
  bool has_expiring() const noexcept { return !expiry_.empty(); }

 protected:
  static constexpr Session no_session = UINT32_MAX;

  template <class Change>
  void record(const Change& change) {
    if constexpr (requires { recorder_.record(change); }) {
      recorder_.record(change);
    }
  }

  std::uint64_t draw() const {
    return options_.entropy.draw == nullptr ? 0 : options_.entropy.draw(options_.entropy.context);
  }

  // The epoch of an address, made when it is first needed.
  Epoch epoch_of(Address address) {
    AddressState& state = addresses_[address];
    while (state.epoch == 0) {
      RESTANTE_ASSERT(options_.entropy.draw != nullptr, "restante.v2 needs a source of entropy");
      state.epoch = draw();
      if (state.epoch != 0) {
        record(AddressAdded{address, state.name_bytes(), state.epoch});
      }
    }
    return state.epoch;
  }

  // Drawn before the first name is taken in: entropy is not for nothing, and the classic protocol needs none.
  void need_key() {
    if (addresses_.named() == 0) {
      addresses_.set_key({draw(), draw()});
    }
  }

  // Finds or makes an address whose name is a mailbox's or a room's. None where there is no place.
  Address make_address(BytesView name) {
    while (addresses_.named() >= options_.limits.addresses_max) {
      if (idle_.empty()) {
        return Addresses::none;
      }
      forget(Address::at(idle_.front()));
    }
    need_key();
    const Address address = addresses_.add(name);
    fit(address);
    epoch_of(address);
    idle_.push_back(address.index());
    return address;
  }

  void fit(Address address) {
    if (address.index() >= mailboxes_.size()) {
      mailboxes_.resize(std::size_t{address.index()} + 1);
      holders_.resize(mailboxes_.size(), no_session);
    }
  }

  // An address may be forgotten when nothing is there that anybody could miss. The one that was so longest goes first.
  [[gnu::noinline]] void note_idle(Address address) {
    if (address.is_classic()) {
      return;
    }
    const AddressState& state = addresses_[address];
    const bool is_room = state.kind == NameKind::room;
    const bool is_idle = holders_[address.index()] == no_session && state.messages_sent == 0 &&
                         state.memberships.empty() &&
                         (is_room ? state.room->members.empty() : mailboxes_[address.index()].size() == 0);
    if (!is_idle) {
      idle_.remove(address.index());
    } else if (!idle_.contains(address.index())) {
      idle_.push_back(address.index());
    }
  }

  void forget(Address address) {
    idle_.remove(address.index());
    ready_.remove(address.index());
    ready_rooms_.remove(address.index());
    while (mailboxes_[address.index()].size() != 0) {
      remove(address, mailboxes_[address.index()].oldest_index(), MessageState::purged);
    }
    // Removing its own messages may have made it idle again.
    idle_.remove(address.index());
    record(AddressForgotten{address});
    addresses_.remove(address);
    mailboxes_[address.index()] = {};
  }

  // Nothing is known of an address any more. One that is named by messages of others keeps its number for them.
  void begin_anew(Address address) {
    AddressState& state = addresses_[address];
    if (!address.is_classic() && state.messages_sent == 0) {
      forget(address);
      return;
    }
    forget_sequences(address);
    if (state.epoch != 0) {
      record(AddressForgotten{address});
    }
    AddressState fresh;
    fresh.name = std::move(state.name);
    fresh.kind = state.kind;
    fresh.messages_sent = state.messages_sent;
    if (address.is_classic()) {
      // Its mailbox is there for ever, and what is counted of it goes on.
      fresh.acknowledged = state.acknowledged;
      fresh.expired = state.expired;
      fresh.purged = state.purged;
    }
    state = std::move(fresh);
    if (!address.is_classic()) {
      mailboxes_[address.index()] = {};
      epoch_of(address);
    }
    note_idle(address);
  }

  // What becomes of messages that are held elsewhere is not to be taken for what becomes of those with the same
  // numbers in another epoch. Takes as long as there are messages.
  void forget_sequences(Address sender) {
    std::uint32_t left = addresses_[sender].messages_sent;
    for (auto mailbox = mailboxes_.begin(); left != 0 && mailbox != mailboxes_.end(); ++mailbox) {
      for (MessagePool::Index index = mailbox->oldest_index(); index != MessagePool::none;
           index = pool_.at(index).next) {
        MessagePool::Message& message = pool_.at(index);
        if (message.tracking != MessagePool::Tracking::none && message.sender == sender) {
          message.sequence = 0;
          --left;
        }
      }
    }
  }

  // Puts a message into a mailbox or room; whether it may be there has been decided.
  [[gnu::always_inline]] MessagePool::Message& store(Address receiver, Mailbox& mailbox, Address sender,
                                                     BytesView payload, std::uint64_t sequence,
                                                     std::uint64_t expires_ms) {
    recorder_.record(MessageStored{receiver, mailbox.next_offset(), sender, payload, sequence, wall_ms_, expires_ms});
    MessagePool::Message& message = put(mailbox, receiver, sender, payload);
    message.time_ms = wall_ms_;
    ++books_.stored;
    if (mailbox.watched) {
      mailbox_changed(receiver);
    }
    return message;
  }

  [[gnu::always_inline]] MessagePool::Message& put(Mailbox& mailbox, Address receiver, Address sender,
                                                   BytesView payload) {
    MessagePool::Message& message = pool_.at(mailbox.append(pool_, sender, payload));
    message.receiver = receiver;
    ++books_.held;
    payload_bytes_held_ += payload.size();
    return message;
  }

  // A classic GET. The message can be read until the next one is stored.
  const MessagePool::Message& take_oldest(Address receiver, Mailbox& mailbox) {
    MessagePool::Message& message = pool_.at(mailbox.oldest_index());
    recorder_.record(MessageTaken{receiver, message.offset});
    ++books_.taken;
    --books_.held;
    payload_bytes_held_ -= message.payload_bytes;
    if (message.tracking != MessagePool::Tracking::none) [[unlikely]] {
      untrack_taken(message);
    }
    mailbox.remove_oldest(pool_);
    if (mailbox.watched) {
      mailbox_changed(receiver);
    }
    return message;
  }

  // Keeps what is to be known beyond the mailbox of the message that was stored there last.
  [[gnu::always_inline]] void track(MessagePool::Message& message, AddressState& sender, const Mailbox& mailbox,
                                    const AddressState& receiver, std::uint64_t sequence, std::uint64_t expires_ms,
                                    std::uint32_t quota) {
    message.tracking = MessagePool::Tracking::undelivered;
    message.sequence = sequence;
    message.quota = quota;
    message.timer = TimerWheel::none;
    if (expires_ms != 0) [[unlikely]] {
      add_timer(message, mailbox.youngest_index(), expires_ms);
    }
    if (sender.messages_sent++ == 0) {
      note_idle(message.sender);
    }
    if (receiver.kind != NameKind::classic) {
      memory_bytes_ += MessagePool::cost_bytes(message.payload_bytes);
      if (mailbox.size() == 1) {
        note_idle(message.receiver);
      }
      if (receiver.is_unopened_mailbox()) {
        ++unopened_messages_;
      }
    }
  }

  // Takes out what lies at or below an offset: its owner acknowledged it. Whether there is something has been found
  // out.
  [[gnu::always_inline]] void remove_acknowledged_up_to(Offset up_to, Address receiver, Mailbox& mailbox,
                                                        AddressState& owner) {
    MessagePool::Message* const next = remove_acknowledged(receiver, mailbox, owner, pool_.at(mailbox.oldest_index()));
    if (next != nullptr && next->offset <= up_to) {
      remove_more_acknowledged(receiver, mailbox, owner, next, up_to);
    }
  }

  // Out of the way of those who acknowledge each message by itself.
  [[gnu::noinline]] void remove_more_acknowledged(Address receiver, Mailbox& mailbox, AddressState& owner,
                                                  MessagePool::Message* oldest, Offset up_to) {
    do {
      oldest = remove_acknowledged(receiver, mailbox, owner, *oldest);
    } while (oldest != nullptr && oldest->offset <= up_to);
  }

  // Takes out the oldest message, and gives which one is now, if any.
  [[gnu::always_inline]] MessagePool::Message* remove_acknowledged(Address receiver, Mailbox& mailbox,
                                                                   AddressState& owner, MessagePool::Message& oldest) {
    return take_out<true>(receiver, mailbox, owner, mailbox.oldest_index(), oldest, MessageState::acknowledged, false);
  }

  // Takes a message out. `state` says what became of it; a room's makes place where it is purged.
  void remove(Address receiver, MessagePool::Index index, MessageState state, bool makes_place = false) {
    take_out<false>(receiver, mailboxes_[receiver.index()], addresses_[receiver], index, pool_.at(index), state,
                    makes_place);
  }

  // The same, for one that may be known to be the oldest. Then it gives which one is now, if any.
  template <bool is_oldest>
  [[gnu::always_inline]] MessagePool::Message* take_out(Address receiver, Mailbox& mailbox, AddressState& owner,
                                                        MessagePool::Index index, MessagePool::Message& message,
                                                        MessageState state, bool makes_place) {
    count_removal(owner, state, makes_place);
    --books_.held;
    payload_bytes_held_ -= message.payload_bytes;
    if (message.tracking != MessagePool::Tracking::none) {
      untrack(message, owner, state);
    }
    MessagePool::Message* next = nullptr;
    if constexpr (is_oldest) {
      next = mailbox.remove_oldest(pool_, message);
    } else {
      mailbox.remove(pool_, index);
    }
    // Whoever remembers where it lay finds out that it lies there no more.
    message.offset = UINT64_MAX;
    if (mailbox.watched) {
      mailbox_changed(receiver);
    }
    if (is_oldest ? next == nullptr : mailbox.size() == 0) {
      note_idle(receiver);
    }
    return next;
  }

  [[gnu::always_inline]] void untrack(MessagePool::Message& message, const AddressState& receiver, MessageState state) {
    stop_timer(message);
    AddressState& sender = addresses_.known(message.sender);
    note_state(message, sender, state);
    if (message.quota != Quotas::none) {
      quotas_.subtract(message.quota, message.payload_bytes);
    }
    if (receiver.kind != NameKind::classic) {
      memory_bytes_ -= MessagePool::cost_bytes(message.payload_bytes);
      if (receiver.is_unopened_mailbox()) {
        --unopened_messages_;
      }
    }
    if (--sender.messages_sent == 0) {
      note_idle(message.sender);
    }
  }

  [[gnu::noinline]] void untrack_taken(MessagePool::Message& message) {
    untrack(message, addresses_[message.receiver], MessageState::taken);
  }

  [[gnu::always_inline]] void stop_timer(MessagePool::Message& message) {
    if (message.timer != TimerWheel::none) [[unlikely]] {
      remove_timer(message);
    }
  }

  [[gnu::noinline]] void add_timer(MessagePool::Message& message, MessagePool::Index index, std::uint64_t expires_ms) {
    follow_wall(wall_ms_);
    message.timer = expiry_.add(expires_ms, index);
    is_quiet_ = false;
  }

  [[gnu::noinline]] void remove_timer(MessagePool::Message& message) {
    expiry_.remove(message.timer);
    message.timer = TimerWheel::none;
  }

  // The sender can ask what became of its message.
  [[gnu::always_inline]] void note_state(const MessagePool::Message& message, AddressState& sender,
                                         MessageState state) {
    if (sender.window && sender.window->note(message.sequence, state) && sender.waits_for_receipts != 0) {
      make_ready(message.sender);
    }
  }

  // A message is delivered: the first time ends its time to live.
  [[gnu::always_inline]] void note_delivery(MessagePool::Message& message) {
    if (message.tracking == MessagePool::Tracking::undelivered) {
      message.tracking = MessagePool::Tracking::delivered;
      stop_timer(message);
      note_state(message, addresses_.known(message.sender), MessageState::fetched);
    }
  }

  // The clock on the wall may have been set back.
  void follow_wall(std::uint64_t wall_ms) {
    if (wall_ms < expiry_.now()) {
      expiry_.restart(wall_ms);
    }
  }

  // Messages whose time has come are gone before anything else is looked at.
  void expire(std::uint64_t wall_ms) {
    if (!writable_) {
      return;
    }
    follow_wall(wall_ms);
    while (const std::optional<std::uint32_t> due = expiry_.pop(wall_ms)) {
      MessagePool::Message& message = pool_.at(*due);
      message.timer = TimerWheel::none;
      const Address receiver = message.receiver;
      record(MessageRemoved{receiver, message.offset, MessageState::expired});
      remove(receiver, *due, MessageState::expired);
    }
  }

  // Whoever waits for something of this address is looked at soon.
  [[gnu::noinline]] void make_ready(Address address) {
    is_quiet_ = false;
    if (!ready_.contains(address.index())) {
      ready_.push_back(address.index());
    }
  }

  // The same for whoever watches a room.
  void make_room_ready(Address room) {
    is_quiet_ = false;
    if (!ready_rooms_.contains(room.index())) {
      ready_rooms_.push_back(room.index());
    }
  }

  [[gnu::noinline]] void mailbox_changed(Address address) {
    AddressState& state = addresses_[address];
    if (state.room == nullptr) {
      make_ready(address);
      return;
    }
    state.room->of_messages.wake();
    make_room_ready(address);
  }

  void members_changed(Address room) {
    AddressState& state = addresses_[room];
    ++state.version;
    state.room->of_members.wake();
    make_room_ready(room);
  }

  void empty() {
    mailboxes_.assign(Address::classic_count, {});
    pool_ = {};
    addresses_ = Addresses{};
    quotas_ = {};
    expiry_ = {};
    idle_ = {};
    ready_ = {};
    ready_rooms_ = {};
    books_ = {};
    payload_bytes_held_ = 0;
    loaded_payload_bytes_max_ = 0;
    memory_bytes_ = 0;
    unopened_messages_ = 0;
  }

  CoreOptions options_;
  Recorder& recorder_;
  bool writable_ = true;
  std::uint64_t wall_ms_ = 0;
  MessagePool pool_;
  Addresses addresses_;
  std::vector<Mailbox> mailboxes_;
  std::vector<Session> holders_;
  Quotas quotas_;
  TimerWheel expiry_;
  /// Addresses that may be forgotten.
  SlotList idle_;
  /// Addresses whose waits are to be looked at, and rooms whose woken watchers are.
  SlotList ready_;
  SlotList ready_rooms_;
  /// False from when something is ready, waits or can expire until somebody saw that nothing is any more; see
  /// is_quiet().
  bool is_quiet_ = true;
  Books books_;
  std::uint64_t payload_bytes_held_ = 0;
  std::uint64_t memory_bytes_ = 0;
  /// Of the longest message that was loaded.
  std::size_t loaded_payload_bytes_max_ = 0;
  std::uint32_t unopened_messages_ = 0;

 private:
  [[gnu::always_inline]] void count_removal(AddressState& owner, MessageState state, bool makes_place) {
    switch (state) {
      case MessageState::acknowledged:
        ++owner.acknowledged;
        ++books_.acknowledged;
        break;
      case MessageState::taken:
        ++books_.taken;
        break;
      case MessageState::expired:
        ++owner.expired;
        ++books_.expired;
        break;
      default:
        ++owner.purged;
        ++(makes_place ? books_.trimmed : books_.purged);
        break;
    }
  }
};

}  // namespace restante::detail
