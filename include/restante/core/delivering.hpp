// How messages reach those who ask for them: fetching, acknowledging, and waiting for what is not there yet
// (docs/protocol.md, restante.v2, rules 5 to 9).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <restante/core/credit.hpp>
#include <restante/core/keeping.hpp>
#include <restante/core/takes_replies.hpp>
#include <restante/core/waits.hpp>
#include <restante/detail/slot_table.hpp>
#include <restante/v2/packet.hpp>

namespace restante::detail {

template <class Recorder>
class Delivering : public Keeping<Recorder> {
  using Base = Keeping<Recorder>;

 public:
  using Base::Base;

  /// What time it is, on a clock that does not go back and on the one on the wall, both in milliseconds. Messages whose
  /// time to live is over are gone after it.
  void set_time(std::uint64_t steady_ms, std::uint64_t wall_ms) {
    steady_ms_ = std::max(steady_ms_, steady_ms);
    wall_ms_ = std::min(wall_ms, v2::number_max);
    if (this->has_expiring()) {
      this->expire(wall_ms_);
    }
  }

  /// Answers requests that need not wait any longer, at most `count` of those who wait at a time. Gives whether there
  /// may be more.
  template <TakesReplies Out>
  bool serve(Out& out, std::uint32_t count) {
    for (; count > 0; --count) {
      if (const std::optional<Waits::Index> due = waits_.pop_due(steady_ms_)) {
        give_up_waiting(*due, out);
      } else if (!ready_.empty()) {
        const Address address = Address::at(ready_.front());
        ready_.remove(address.index());
        serve_address(address, out);
      } else if (!ready_rooms_.empty()) {
        wake_watcher(Address::at(ready_rooms_.front()));
      } else {
        return false;
      }
    }
    return has_work();
  }

  /// Whether serve() has something to do now.
  bool has_work() const noexcept { return !ready_.empty() || !ready_rooms_.empty(); }

  /// Whether nobody waits for anything and nothing can expire: then there is nothing to serve, now or later.
  bool is_quiet() noexcept {
    // Asked after each turn, most of which change nothing of it.
    if (!this->is_quiet_) {
      this->is_quiet_ = !has_work() && waits_.size() == 0 && !this->has_expiring();
    }
    return this->is_quiet_;
  }

  /// Whether the deadline of some request may have passed.
  bool next_deadline_passed() const {
    const std::optional<std::uint64_t> next = waits_.next_deadline_ms();
    return next && *next <= steady_ms_;
  }

  /// When set_time() and serve() are to be called at the latest, in steady milliseconds; nothing when there is no need.
  std::optional<std::uint64_t> next_wake_ms() const {
    std::optional<std::uint64_t> next = waits_.next_deadline_ms();
    if (const std::optional<std::uint64_t> expiry = this->expiry_.next(); expiry && this->writable_) {
      const std::uint64_t in = *expiry > wall_ms_ ? *expiry - wall_ms_ : 0;
      next = std::min(next.value_or(UINT64_MAX), steady_ms_ + in);
    }
    return next;
  }

  /// A session whose peer does not read is not served until it does.
  void block(Session session, bool blocked) {
    if (sessions_.has(session)) {
      sessions_[session].blocked = blocked;
      if (!blocked && sessions_[session].opened != no_address) {
        this->make_ready(Address::at(sessions_[session].opened));
      }
    }
  }

  /// The most bytes that the list of a v2::Members has.
  static constexpr std::size_t members_bytes_max = 200 * (2 + v2::name_bytes_max);

  /// How long the payload, or the list of members, of any answer may be, in bytes. It grows when messages are loaded
  /// that are longer than those that are accepted now.
  std::size_t answer_payload_bytes_max() const noexcept {
    return std::max<std::size_t>(
        {this->options_.limits.payload_bytes_max, this->loaded_payload_bytes_max_, members_bytes_max});
  }

  /// How many requests wait.
  std::uint32_t waits() const noexcept { return waits_.size(); }

  /// How long ago a message was accepted, in milliseconds.
  std::uint64_t age_ms_of(const MessagePool::Message& message) const noexcept {
    return wall_ms_ - std::min(wall_ms_, message.time_ms);
  }

  /// What STATUS of a mailbox tells, without a tag; of a room, too.
  v2::Mailbox numbers_of(Address address) const {
    const AddressState& owner = addresses_[address];
    const Mailbox& mailbox = mailboxes_[address.index()];
    return {.version = version_of(mailbox),
            .depth = mailbox.size(),
            .bytes = mailbox.bytes(),
            .oldest_age_ms = mailbox.size() == 0 ? 0 : age_ms_of(mailbox.oldest(pool_)),
            .stored = mailbox.appended(),
            .acknowledged = owner.acknowledged,
            .taken = mailbox.appended() - mailbox.size() - owner.acknowledged - owner.expired - owner.purged,
            .expired = owner.expired,
            .purged = owner.purged};
  }

  /// Who is a member of what, by the numbers that AddressState and RoomState keep.
  const Memberships& memberships() const noexcept { return memberships_; }

 protected:
  using Base::addresses_;
  using Base::holders_;
  using Base::mailboxes_;
  using Base::pool_;
  using Base::ready_;
  using Base::ready_rooms_;
  using Base::wall_ms_;

  static constexpr std::uint32_t no_address = UINT32_MAX;

  /// Of 16 bytes, so that the one of a session is found by a shift.
  struct alignas(16) SessionState {
    /// The first address that it holds; the others follow through next_held_.
    std::uint32_t held = no_address;
    /// The address that it opened.
    std::uint32_t opened = no_address;
    bool blocked = false;
  };

  // Delivers what is there for a fetch from the own mailbox. Gives whether there was something.
  template <class Out>
  [[gnu::always_inline]] bool fetch_own(Address owner, Session session, v2::Tag tag, std::uint64_t messages_max,
                                        std::uint64_t bytes_max, Out& out) {
    Mailbox& mailbox = mailboxes_[owner.index()];
    if (mailbox.undelivered() == MessagePool::none) {
      return false;
    }
    if (messages_max == 1) {
      // Any credit has one message, and that however long it is.
      deliver(owner, mailbox, pool_.at(mailbox.undelivered()), session, tag, out);
      out(session, v2::Fetched{tag, 1, mailbox.undelivered_size()});
      return true;
    }
    Credit credit = Credit::of(this->options_.limits, messages_max, bytes_max);
    deliver_own(owner, session, tag, credit, out);
    out(session, v2::Fetched{tag, credit.delivered, mailbox.undelivered_size()});
    return true;
  }

  // Delivers what is there for a fetch, in the order in which each source has it. Gives whether there was something.
  template <class Out>
  bool deliver(const Wait& fetch, Out& out) {
    if (fetch.scope == Wait::Scope::own) {
      return fetch_own(fetch.owner, fetch.session, fetch.tag, fetch.count_max, fetch.bytes_max, out);
    }
    Credit credit = Credit::of(this->options_.limits, fetch.count_max, fetch.bytes_max);
    AddressState& owner = addresses_[fetch.owner];
    if (fetch.scope == Wait::Scope::room) {
      if (const Memberships::Index index = memberships_.find(owner, fetch.room); index != Memberships::none) {
        deliver_room(fetch, memberships_[index], credit, out);
      }
    } else {
      // Each time another source comes first, so that none of them starves.
      const auto sources = static_cast<std::uint32_t>(owner.memberships.size() + 1);
      for (std::uint32_t i = 0; i < sources; ++i) {
        const std::uint32_t source = (owner.next_source + i) % sources;
        if (source == 0) {
          deliver_own(fetch.owner, fetch.session, fetch.tag, credit, out);
        } else {
          deliver_room(fetch, memberships_[owner.memberships[source - 1]], credit, out);
        }
      }
      owner.next_source = (owner.next_source + 1) % sources;
    }
    if (credit.used) {
      out(fetch.session, v2::Fetched{fetch.tag, credit.delivered, remaining(fetch)});
    }
    return credit.used;
  }

  std::uint64_t remaining(const Wait& fetch) const {
    const AddressState& owner = addresses_[fetch.owner];
    std::uint64_t sum = 0;
    if (fetch.scope != Wait::Scope::room) {
      sum += mailboxes_[fetch.owner.index()].undelivered_size();
    }
    if (fetch.scope != Wait::Scope::own) {
      for (const Memberships::Index index : owner.memberships) {
        const Membership& membership = memberships_[index];
        if (fetch.scope == Wait::Scope::all || membership.room == fetch.room) {
          sum += mailboxes_[membership.room.index()].next_offset() - membership.next;
        }
      }
    }
    return sum;
  }

  // Begins to wait. The caller has made sure that there is a place for it.
  [[gnu::noinline]] void wait(Wait wait, std::uint64_t wait_ms) {
    const std::uint64_t deadline = steady_ms_ + std::min(wait_ms, this->options_.limits.wait_ms_max);
    AddressState& owner = addresses_[wait.owner];
    count_wait(owner, wait, 1);
    if (wait.scope == Wait::Scope::room) {
      watch_room(memberships_.find(owner, wait.room));
    } else {
      mailboxes_[wait.owner.index()].watched = true;
      watch_rooms(owner);
    }
    waits_.add(owner, std::move(wait), deadline);
    this->is_quiet_ = false;
  }

  void drop_waits(Address address) {
    AddressState& owner = addresses_[address];
    while (owner.first_wait != Waits::none) {
      end_wait(owner, owner.first_wait);
    }
    mailboxes_[address.index()].watched = false;
  }

  void end_wait(AddressState& owner, Waits::Index index) {
    count_wait(owner, waits_[index], -1);
    waits_.remove(owner, index);
  }

  // A member of a room is looked at when something happens there, while it waits for that.
  void watch_room(Memberships::Index index) {
    if (index == Memberships::none) {
      return;
    }
    const Membership& membership = memberships_[index];
    RoomState& room = *addresses_[membership.room].room;
    if (membership.waits_for_messages != 0 || addresses_[membership.member].waits_for_all != 0) {
      memberships_.link(room.of_messages.waiting(), index, &Membership::of_messages);
      mailboxes_[membership.room.index()].watched = true;
    }
    if (membership.waits_for_members != 0) {
      memberships_.link(room.of_members.waiting(), index, &Membership::of_members);
    }
  }

  void watch_rooms(const AddressState& owner) {
    if (owner.waits_for_all != 0 || owner.waits_in_rooms != 0) {
      for (const Memberships::Index index : owner.memberships) {
        watch_room(index);
      }
    }
  }

  // The members of a room from behind a name on, as many as asked for.
  template <class Out>
  void answer_members(const Wait& status, Out& out) {
    const AddressState& room = addresses_[status.room];
    members_scratch_.clear();
    auto member = status.after.empty() ? room.room->members.begin() : room.room->members.upper_bound(status.after);
    const std::uint64_t count_max = std::min<std::uint64_t>(status.count_max, members_max);
    for (std::uint64_t count = 0; count < count_max && member != room.room->members.end(); ++count, ++member) {
      const Address address = memberships_[member->second].member;
      const bool is_present = holders_[address.index()] != Base::no_session;
      members_scratch_.push_back(is_present ? 1 : 0);
      members_scratch_.push_back(static_cast<std::uint8_t>(member->first.size()));
      members_scratch_.insert(members_scratch_.end(), member->first.begin(), member->first.end());
    }
    out(status.session, v2::Members{.tag = status.tag,
                                    .version = room.version,
                                    .total = room.room->members.size(),
                                    .more = member != room.room->members.end(),
                                    .members = members_scratch_});
  }

  template <class Out>
  void answer_mailbox(const Wait& status, Out& out) {
    v2::Mailbox numbers = numbers_of(status.owner);
    numbers.tag = status.tag;
    out(status.session, numbers);
  }

  // Changes with every message that comes or goes.
  static std::uint64_t version_of(const Mailbox& mailbox) noexcept {
    return 1 + 2 * mailbox.appended() - mailbox.size();
  }

  static MessageState state_of(const AddressState& owner, std::uint64_t sequence) noexcept {
    return owner.window ? owner.window->state(sequence) : MessageState::unknown;
  }

  // Answers a request at once if there is something to say that is not known. Gives whether there was.
  template <class Out>
  bool answer(const Wait& wait, Out& out) {
    switch (wait.kind) {
      case Wait::Kind::fetch:
        return this->writable_ && deliver(wait, out);
      case Wait::Kind::receipt: {
        const MessageState state = state_of(addresses_[wait.owner], wait.sequence);
        if (static_cast<std::uint64_t>(state) == wait.known) {
          return false;
        }
        out(wait.session, v2::State{wait.tag, state});
        return true;
      }
      case Wait::Kind::mailbox_status:
        if (version_of(mailboxes_[wait.owner.index()]) == wait.known) {
          return false;
        }
        answer_mailbox(wait, out);
        return true;
      case Wait::Kind::room_status:
        if (addresses_[wait.room].version == wait.known) {
          return false;
        }
        answer_members(wait, out);
        return true;
    }
    return false;
  }

  // Answers a request that does not wait any longer. A fetch gets nothing more: what may have come is for the next one.
  template <class Out>
  void answer_as_it_is(const Wait& wait, Out& out) {
    switch (wait.kind) {
      case Wait::Kind::fetch:
        out(wait.session, v2::Fetched{wait.tag, 0, remaining(wait)});
        break;
      case Wait::Kind::receipt:
        out(wait.session, v2::State{wait.tag, state_of(addresses_[wait.owner], wait.sequence)});
        break;
      case Wait::Kind::mailbox_status:
        answer_mailbox(wait, out);
        break;
      case Wait::Kind::room_status:
        answer_members(wait, out);
        break;
    }
  }

  /// The most members that one reply lists.
  static constexpr std::uint64_t members_max = members_bytes_max / (2 + v2::name_bytes_max);

  std::uint64_t steady_ms_ = 0;
  Memberships memberships_;
  Waits waits_;
  SlotTable<SessionState> sessions_;

 private:
  void count_wait(AddressState& owner, const Wait& wait, int by) {
    const auto count = [by](std::uint32_t& counter) { counter += static_cast<std::uint32_t>(by); };
    if (wait.kind == Wait::Kind::receipt) {
      count(owner.waits_for_receipts);
    } else if (wait.scope == Wait::Scope::all) {
      count(owner.waits_for_all);
    } else if (wait.scope == Wait::Scope::room) {
      count(owner.waits_in_rooms);
      if (const Memberships::Index index = memberships_.find(owner, wait.room); index != Memberships::none) {
        Membership& membership = memberships_[index];
        count(wait.kind == Wait::Kind::fetch ? membership.waits_for_messages : membership.waits_for_members);
      }
    }
  }

  template <class Out>
  void give_up_waiting(Waits::Index index, Out& out) {
    AddressState& owner = addresses_[waits_[index].owner];
    answer_as_it_is(waits_[index], out);
    end_wait(owner, index);
  }

  template <class Out>
  void serve_address(Address address, Out& out) {
    AddressState& owner = addresses_[address];
    const Session session = holders_[address.index()];
    if (session == Base::no_session || sessions_[session].blocked) {
      return;
    }
    for (Waits::Index index = owner.first_wait; index != Waits::none && !sessions_[session].blocked;) {
      const Waits::Index next = waits_[index].next;
      if (answer(waits_[index], out)) {
        end_wait(owner, index);
      }
      index = next;
    }
    mailboxes_[address.index()].watched = owner.waits != 0;
    watch_rooms(owner);
  }

  void wake_watcher(Address room) {
    RoomState& state = *addresses_[room].room;
    if (state.of_messages.has_woken()) {
      const Memberships::Index index = memberships_.pop_front(state.of_messages.woken_list(), &Membership::of_messages);
      this->make_ready(memberships_[index].member);
    } else if (state.of_members.has_woken()) {
      const Memberships::Index index = memberships_.pop_front(state.of_members.woken_list(), &Membership::of_members);
      this->make_ready(memberships_[index].member);
    } else {
      ready_rooms_.remove(room.index());
    }
  }

  // Out of the way of those who fetch one message at a time.
  template <class Out>
  [[gnu::noinline]] void deliver_own(Address owner, Session session, v2::Tag tag, Credit& credit, Out& out) {
    Mailbox& mailbox = mailboxes_[owner.index()];
    while (mailbox.undelivered() != MessagePool::none && credit.messages != 0) {
      MessagePool::Message& message = pool_.at(mailbox.undelivered());
      if (!credit.allows(message)) {
        break;
      }
      credit.use(message);
      deliver(owner, mailbox, message, session, tag, out);
    }
  }

  // Delivers the next message of the own mailbox.
  template <class Out>
  [[gnu::always_inline]] void deliver(Address owner, Mailbox& mailbox, MessagePool::Message& message, Session session,
                                      v2::Tag tag, Out& out) {
    const bool is_first_time = mailbox.note_delivery(message);
    if (is_first_time) {
      this->record(MessagesDelivered{owner, message.offset});
      this->note_delivery(message);
    }
    // What a classic client pushed names a sender of whom nothing need be kept yet.
    out(session, v2::Message{.tag = tag,
                             .source = {},
                             .offset = message.offset,
                             .time_ms = message.time_ms,
                             .sender = addresses_[message.sender].name_bytes(),
                             .payload = message.payload()});
  }

  template <class Out>
  void deliver_room(const Wait& fetch, Membership& membership, Credit& credit, Out& out) {
    const Mailbox& log = mailboxes_[membership.room.index()];
    while (credit.messages != 0 && membership.next < log.next_offset()) {
      const MessagePool::Index index = Memberships::find_next(pool_, log, membership);
      const Offset offset = index == MessagePool::none ? log.next_offset() : pool_.at(index).offset;
      skip(fetch, membership, offset, credit, out);
      if (index == MessagePool::none || !credit.allows(pool_.at(index))) {
        break;
      }
      MessagePool::Message& message = pool_.at(index);
      membership.hint = message.next;
      pass(membership, offset + 1);
      this->note_delivery(message);
      credit.use(message);
      out(fetch.session, v2::Message{.tag = fetch.tag,
                                     .source = addresses_[membership.room].name_bytes(),
                                     .offset = offset,
                                     .time_ms = message.time_ms,
                                     .sender = addresses_[message.sender].name_bytes(),
                                     .payload = message.payload()});
    }
  }

  // What lies below the offset is not there any more. What was delivered before it went was not missed.
  template <class Out>
  void skip(const Wait& fetch, Membership& membership, Offset to, Credit& credit, Out& out) {
    const Offset known_end = std::max(membership.next, membership.delivered_end);
    membership.next = std::max(membership.next, to);
    if (to > known_end) {
      pass(membership, to);
      credit.used = true;
      out(fetch.session, v2::Missed{fetch.tag, addresses_[membership.room].name_bytes(), to - known_end});
    }
  }

  void pass(Membership& membership, Offset end) {
    membership.next = end;
    if (end > membership.delivered_end) {
      membership.delivered_end = end;
      this->record(MemberDelivered{membership.room, membership.member, end - 1});
    }
  }

  std::vector<std::uint8_t> members_scratch_;
};

}  // namespace restante::detail
