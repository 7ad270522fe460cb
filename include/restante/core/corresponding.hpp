// What clients of restante.v2 may ask for, and when it is refused (docs/protocol.md, restante.v2, rules 1 to 9).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include <restante/core/accepting.hpp>

namespace restante::detail {

template <class Recorder>
class Corresponding : public Accepting<Recorder> {
  using Base = Accepting<Recorder>;

 public:
  using Base::Base;

  /// Claims an address; `accepted` says that the credential was accepted, where one is asked for. Gives the session
  /// that was replaced, if any: it holds nothing any more and is to be closed.
  template <TakesReplies Out>
  std::optional<Session> execute(Session session, const v2::Open& request, bool accepted, Out& out) {
    std::optional<Session> replaced;
    const auto refusal = open(session, request, accepted, replaced);
    if (refusal) {
      refuse(session, request.tag, *refusal, out);
      return std::nullopt;
    }
    const Address address = *opened(session);
    const AddressState& state = addresses_[address];
    const Mailbox& mailbox = mailboxes_[address.index()];
    const bool is_classic = address.is_classic();
    const Limits& limits = this->options_.limits;
    out(session,
        v2::Opened{
            .tag = request.tag,
            .took_over = replaced.has_value(),
            .epoch = state.epoch,
            .depth = mailbox.size(),
            .first_unacknowledged = mailbox.size() == 0 ? mailbox.next_offset() : mailbox.oldest(pool_).offset,
            .highest_sequence = state.window ? state.window->highest() : 0,
            .window = SequenceWindow::width,
            .payload_bytes_max = limits.payload_bytes_max,
            .mailbox_messages_max = is_classic ? this->options_.mailbox_messages_max : limits.mailbox_messages_max,
            .mailbox_bytes_max =
                is_classic ? std::uint64_t{this->options_.mailbox_messages_max} * this->options_.payload_bytes_max
                           : limits.mailbox_bytes_max,
            .waits_max = limits.connection_waits_max,
            .resume_token = state.resume_token});
    return replaced;
  }

  template <TakesReplies Out>
  [[gnu::always_inline]] void execute(Session session, const v2::Push& request, Out& out) {
    const Address sender = admit(session, request.tag, out);
    if (sender == Addresses::none) {
      return;
    }
    bool duplicate = false;
    if (const auto refusal = this->push(sender, request, duplicate)) [[unlikely]] {
      refuse(session, request.tag, *refusal, out);
    } else {
      out(session, v2::Accepted{request.tag, duplicate});
    }
  }

  template <TakesReplies Out>
  [[gnu::always_inline]] void execute(Session session, const v2::Fetch& request, Out& out) {
    const Address owner = admit(session, request.tag, out);
    if (owner == Addresses::none) {
      return;
    }
    // Most fetches find something in the own mailbox, and are done.
    if (request.source.empty() && !request.rewind && !why_not_fetch(owner, request.epoch) &&
        this->fetch_own(owner, session, request.tag,
                        Credit::of(this->options_.limits, request.messages_max, request.bytes_max), out)) [[likely]] {
      return;
    }
    // Of a copy, so that the request itself need not lie in memory.
    const v2::Fetch copy = request;
    fetch_or_wait(owner, session, copy, out);
  }

  template <TakesReplies Out>
  [[gnu::always_inline]] void execute(Session session, const v2::Acknowledge& request, Out& out) {
    const Address owner = admit(session, request.tag, out);
    if (owner == Addresses::none) {
      return;
    }
    if (const auto refusal = request.source.empty() ? acknowledge_own(owner, request.epoch, request.offset)
                                                    : acknowledge_room(owner, request.source, request.epoch,
                                                                       request.offset)) [[unlikely]] {
      refuse(session, request.tag, *refusal, out);
    } else {
      out(session, v2::Acknowledged{request.tag});
    }
  }

  template <TakesReplies Out>
  void execute(Session session, const v2::Receipt& request, Out& out) {
    if (const Address owner = admit(session, request.tag, out); owner != Addresses::none) {
      const Wait wait{.owner = owner,
                      .session = session,
                      .tag = request.tag,
                      .kind = Wait::Kind::receipt,
                      .sequence = request.sequence,
                      .known = request.known_state};
      answer_or_wait(wait, request.wait_ms, std::nullopt, out);
    }
  }

  template <TakesReplies Out>
  void execute(Session session, const v2::Join& request, Out& out) {
    const Address member = admit(session, request.tag, out);
    if (member == Addresses::none) {
      return;
    }
    Address room;
    if (const auto refusal = this->join(member, request.room, room)) {
      refuse(session, request.tag, *refusal, out);
      return;
    }
    const Mailbox& log = mailboxes_[room.index()];
    const Membership& membership = memberships_[memberships_.find(addresses_[member], room)];
    out(session, v2::Joined{.tag = request.tag,
                            .epoch = addresses_[room].epoch,
                            .first_kept = log.size() == 0 ? log.next_offset() : log.oldest(pool_).offset,
                            .cursor = membership.cursor,
                            .next_offset = log.next_offset()});
  }

  template <TakesReplies Out>
  void execute(Session session, const v2::Leave& request, Out& out) {
    const Address member = admit(session, request.tag, out);
    if (member == Addresses::none) {
      return;
    }
    Address room;
    std::optional<Refusal> refusal = this->find_room(member, request.room, room);
    if (!refusal && !this->writable_) {
      refusal = Refusal::storage_unavailable;
    }
    if (refusal) {
      refuse(session, request.tag, *refusal, out);
      return;
    }
    this->leave(member, room, session, out);
    out(session, v2::Left{request.tag});
  }

  template <TakesReplies Out>
  void execute(Session session, const v2::Status& request, Out& out) {
    const Address owner = admit(session, request.tag, out);
    if (owner == Addresses::none) {
      return;
    }
    Wait wait{.owner = owner,
              .session = session,
              .tag = request.tag,
              .kind = Wait::Kind::mailbox_status,
              .count_max = request.members_max,
              .known = request.known_version,
              .after = std::string{as_text(request.after)}};
    std::optional<Refusal> refusal = find_source(owner, request.source, wait.scope, wait.room);
    if (!refusal && wait.scope == Wait::Scope::all) {
      refusal = Refusal::malformed;
    }
    wait.kind = wait.scope == Wait::Scope::room ? Wait::Kind::room_status : wait.kind;
    answer_or_wait(wait, request.wait_ms, refusal, out);
  }

  template <TakesReplies Out>
  void execute(Session session, const v2::Unreadable& request, Out& out) {
    refuse(session, request.tag, request.reason, out);
  }

  /// Ends every wait of a session, each with going_away.
  template <TakesReplies Out>
  void go_away(Session session, Out& out) {
    if (const std::optional<Address> address = opened(session)) {
      const AddressState& owner = addresses_[*address];
      for (Waits::Index index = owner.first_wait; index != Waits::none; index = waits_[index].next) {
        refuse(session, waits_[index].tag, Refusal::going_away, out);
      }
      this->drop_waits(*address);
    }
  }

  /// The address that a session opened, if it did.
  std::optional<Address> opened(Session session) const noexcept {
    const Address address = opened_or_none(session);
    return address != Addresses::none ? std::optional{address} : std::nullopt;
  }

  /// What `execute(Open)` would refuse whatever the proof: a session opens once.
  bool may_open(Session session) const noexcept { return !opened(session); }

 protected:
  using Base::addresses_;
  using Base::holders_;
  using Base::mailboxes_;
  using Base::memberships_;
  using Base::pool_;
  using Base::sessions_;
  using Base::waits_;
  using Base::wall_ms_;

  // An address is held from now on, or no more: whoever looks at the members of its rooms sees it.
  void presence_changed(Address address) {
    if (addresses_.is_untouched(address)) {
      return;
    }
    for (const Memberships::Index index : addresses_[address].memberships) {
      this->members_changed(memberships_[index].room);
    }
    this->note_idle(address);
  }

  // Makes a session the holder of an address that nobody holds.
  void hold(Session session, Address address) {
    holders_[address.index()] = session;
    if (session >= sessions_.size()) {
      sessions_.resize(std::size_t{session} + 1);
    }
    ++addresses_held_;
  }

  std::uint32_t addresses_held_ = 0;

 private:
  Address opened_or_none(Session session) const noexcept {
    static_assert(Addresses::none == Address::at(Base::no_address));
    return session < sessions_.size() ? Address::at(sessions_[session].opened) : Addresses::none;
  }

  template <class Out>
  [[gnu::noinline]] void refuse(Session session, v2::Tag tag, Refusal reason, Out& out) {
    out(session, v2::Refused{tag, reason});
  }

  // What has to be so for any request but OPEN. Gives the address that the session opened, or none.
  template <class Out>
  [[gnu::always_inline]] Address admit(Session session, v2::Tag tag, Out& out) {
    const Address address = opened_or_none(session);
    if (address == Addresses::none) [[unlikely]] {
      refuse(session, tag, Refusal::not_open, out);
      return Addresses::none;
    }
    AddressState& owner = addresses_.known(address);
    if (owner.waits != 0 && waits_.has_tag(owner, tag)) [[unlikely]] {
      refuse(session, tag, Refusal::malformed, out);
      return Addresses::none;
    }
    if (this->options_.limits.requests_per_second_max != 0 && !take_allowance(owner)) [[unlikely]] {
      refuse(session, tag, Refusal::rate_limited, out);
      return Addresses::none;
    }
    return address;
  }

  // A bucket that fills evenly, and holds what a second gives.
  [[gnu::noinline]] bool take_allowance(AddressState& owner) {
    const std::uint64_t rate = this->options_.limits.requests_per_second_max;
    // 0 says that nothing was counted yet.
    const std::uint64_t now_ms = std::max<std::uint64_t>(this->steady_ms_, 1);
    const std::uint64_t passed_ms = std::min<std::uint64_t>(now_ms - owner.request_allowance_ms, 1'000);
    const bool is_first = owner.request_allowance_ms == 0;
    owner.request_allowance =
        is_first ? rate * 1'000 : std::min(rate * 1'000, owner.request_allowance + rate * passed_ms);
    owner.request_allowance_ms = now_ms;
    if (owner.request_allowance < 1'000) {
      return false;
    }
    owner.request_allowance -= 1'000;
    return true;
  }

  std::optional<Refusal> open(Session session, const v2::Open& request, bool accepted,
                              std::optional<Session>& replaced) {
    if (!may_open(session)) {
      return Refusal::already_open;
    }
    const NameKind kind = kind_of_name(request.address);
    if (kind == NameKind::bad || kind == NameKind::room) {
      return Refusal::bad_address;
    }
    Address address = addresses_.find(request.address);
    const bool is_new = address == Addresses::none || addresses_[address].epoch == 0;
    if (!this->writable_ && (is_new || !addresses_[address].was_opened)) {
      return Refusal::storage_unavailable;
    }
    if (address == Addresses::none) {
      address = this->make_address(request.address);
      if (address == Addresses::none) {
        return Refusal::limit_reached;
      }
    }
    AddressState& state = addresses_[address];
    if (const Session holder = holders_[address.index()]; holder != Base::no_session) {
      const bool is_proven = request.proof == Proof::credential ? accepted : proves(state, request);
      if (!is_proven || !opened(holder)) {
        return Refusal::address_taken;
      }
      replaced = holder;
      this->drop_waits(address);
      sessions_[holder].opened = Base::no_address;
      --addresses_held_;
    }
    hold(session, address);
    sessions_[session].opened = address.index();
    this->epoch_of(address);
    note_opened(address);
    new_resume_token(state);
    mailboxes_[address.index()].rewind();
    for (const Memberships::Index index : state.memberships) {
      rewind(memberships_[index]);
    }
    presence_changed(address);
    return std::nullopt;
  }

  static bool proves(const AddressState& state, const v2::Open& request) {
    if (request.proof != Proof::resume_token || !state.has_resume_token) {
      return false;
    }
    // Takes the same time wherever the first difference is.
    unsigned difference = 0;
    for (std::size_t i = 0; i < state.resume_token.size(); ++i) {
      difference |= static_cast<unsigned>(state.resume_token[i] ^ request.secret[i]);
    }
    return difference == 0;
  }

  void new_resume_token(AddressState& state) {
    const std::uint64_t halves[] = {this->draw(), this->draw()};
    for (std::size_t i = 0; i < state.resume_token.size(); ++i) {
      state.resume_token[i] = static_cast<std::uint8_t>(halves[i / 8] >> i % 8 * 8);
    }
    state.has_resume_token = true;
  }

  void note_opened(Address address) {
    AddressState& state = addresses_[address];
    if (!state.was_opened) {
      if (state.kind == NameKind::mailbox) {
        this->unopened_messages_ -= mailboxes_[address.index()].size();
      }
      state.was_opened = true;
      this->record(AddressOpened{address});
    }
  }

  std::optional<Refusal> find_source(Address owner, v2::Name name, Wait::Scope& scope, Address& room) const {
    if (name.empty()) {
      scope = Wait::Scope::own;
      return std::nullopt;
    }
    if (name.size() == 1 && name[0] == '*') {
      scope = Wait::Scope::all;
      return std::nullopt;
    }
    scope = Wait::Scope::room;
    return this->find_room(owner, name, room);
  }

  // Why nothing can be fetched by somebody who knows this epoch of an address or a room.
  [[gnu::always_inline]] std::optional<Refusal> why_not_fetch(Address address, Epoch epoch) const {
    if (epoch != addresses_.known(address).epoch) {
      return Refusal::wrong_epoch;
    }
    return this->writable_ ? std::nullopt : std::optional{Refusal::storage_unavailable};
  }

  // Any fetch.
  template <class Out>
  [[gnu::noinline]] void fetch_or_wait(Address owner, Session session, const v2::Fetch& request, Out& out) {
    Wait wait{.owner = owner,
              .session = session,
              .tag = request.tag,
              .kind = Wait::Kind::fetch,
              .count_max = request.messages_max,
              .bytes_max = request.bytes_max};
    std::optional<Refusal> refusal = find_source(owner, request.source, wait.scope, wait.room);
    if (!refusal) {
      refusal = why_not_fetch(wait.scope == Wait::Scope::room ? wait.room : owner, request.epoch);
    }
    if (!refusal && request.rewind) {
      rewind(wait);
      // What this leaves is there for those who wait, too.
      this->make_ready(owner);
    }
    answer_or_wait(wait, request.wait_ms, refusal, out);
  }

  template <class Out>
  void answer_or_wait(const Wait& wait, std::uint64_t wait_ms, std::optional<Refusal> refusal, Out& out) {
    const Limits& limits = this->options_.limits;
    if (refusal) {
      refuse(wait.session, wait.tag, *refusal, out);
    } else if (this->answer(wait, out)) {
      // It has its answer.
    } else if (wait_ms == 0) {
      this->answer_as_it_is(wait, out);
    } else if (addresses_[wait.owner].waits >= limits.connection_waits_max || waits_.size() >= limits.waits_max) {
      refuse(wait.session, wait.tag, Refusal::limit_reached, out);
    } else {
      this->wait(wait, wait_ms);
    }
  }

  void rewind(const Wait& fetch) {
    if (fetch.scope != Wait::Scope::room) {
      mailboxes_[fetch.owner.index()].rewind();
    }
    if (fetch.scope != Wait::Scope::own) {
      for (const Memberships::Index index : addresses_[fetch.owner].memberships) {
        if (fetch.scope == Wait::Scope::all || memberships_[index].room == fetch.room) {
          rewind(memberships_[index]);
        }
      }
    }
  }

  static void rewind(Membership& membership) noexcept {
    membership.next = membership.cursor;
    membership.hint = MessagePool::none;
  }

  [[gnu::always_inline]] std::optional<Refusal> acknowledge_own(Address owner, Epoch epoch, Offset offset) {
    Mailbox& mailbox = mailboxes_[owner.index()];
    AddressState& state = addresses_.known(owner);
    if (epoch != state.epoch) {
      return Refusal::wrong_epoch;
    }
    if (offset >= mailbox.delivered_end()) {
      return Refusal::malformed;
    }
    if (!this->writable_) {
      return Refusal::storage_unavailable;
    }
    if (mailbox.size() != 0 && pool_.at(mailbox.oldest_index()).offset <= offset) {
      this->record(MessagesAcknowledged{owner, offset});
      this->remove_acknowledged_up_to(offset, owner, mailbox, state);
    }
    return std::nullopt;
  }

  [[gnu::noinline]] std::optional<Refusal> acknowledge_room(Address owner, v2::Name name, Epoch epoch, Offset offset) {
    Wait::Scope scope = Wait::Scope::own;
    Address room;
    if (const auto refusal = find_source(owner, name, scope, room)) {
      return refusal;
    }
    if (scope != Wait::Scope::room) {
      return Refusal::malformed;
    }
    Membership& membership = memberships_[memberships_.find(addresses_[owner], room)];
    if (epoch != addresses_[room].epoch) {
      return Refusal::wrong_epoch;
    }
    if (offset >= membership.delivered_end) {
      return Refusal::malformed;
    }
    if (!this->writable_) {
      return Refusal::storage_unavailable;
    }
    if (offset >= membership.cursor) {
      membership.cursor = offset + 1;
      membership.next = std::max(membership.next, membership.cursor);
      this->record(MemberAcknowledged{room, owner, offset});
    }
    return std::nullopt;
  }
};

}  // namespace restante::detail
