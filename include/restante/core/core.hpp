// The rules of mailboxes: who may do what, and what becomes of a message. All of them stand here, once.
//
// Plain and pure: no clock, no randomness, no threads, no bytes of a protocol. The same requests in the same order give
// the same replies and the same changes, always.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

#include <restante/assert.hpp>
#include <restante/core/corresponding.hpp>
#include <restante/core/reply.hpp>
#include <restante/core/request.hpp>
#include <restante/store.hpp>

namespace restante {

/// Mailboxes, and the sessions that hold their addresses. Tells `Recorder` of each change before it replies; of those
/// of restante.v2, only where it can be told. Not thread safe. Options out of range fail an assertion.
///
/// The requests of the classic protocol are here. Those of restante.v2 take a function object that the replies are
/// given to, for they may have several and may come later: see corresponding.hpp.
template <RecordsChanges Recorder>
class Core : public detail::Corresponding<Recorder> {
  using Base = detail::Corresponding<Recorder>;

 public:
  /// Sessions are numbered below this.
  static constexpr Session sessions_max = UINT32_MAX;

  using Base::execute;

  /// `recorder` must live longer than the core.
  explicit Core(Recorder& recorder, CoreOptions options = {}) : Base{recorder, options} {
    RESTANTE_ASSERT(options.mailbox_messages_max >= 1 && options.mailbox_messages_max <= 1'000'000,
                    "mailbox_messages_max must be 1 to 1,000,000");
    RESTANTE_ASSERT(options.payload_bytes_max <= MessagePool::place_bytes, "payload_bytes_max must be at most 254");
    check(options.limits);
  }

  /// The most memory, in bytes, that a core with these options takes with at most so many sessions: for messages, for
  /// addresses with their windows, quotas and memberships, and for waits. While a vector grows, the old one is still
  /// there.
  static constexpr std::uint64_t memory_bytes_max(const CoreOptions& options, std::uint64_t sessions) noexcept {
    const Limits& limits = options.limits;
    const std::uint64_t named = limits.addresses_max;
    const std::uint64_t messages = limits.memory_bytes_max / sizeof(MessagePool::Message) + 1;
    const std::uint64_t memberships =
        std::min(named * limits.memberships_max, std::uint64_t{limits.rooms_max} * limits.room_members_max);
    constexpr std::uint64_t address_bytes = sizeof(AddressState) + sizeof(SequenceWindow) + sizeof(RoomState) +
                                            3 * (sizeof(Mailbox) + sizeof(Session) + sizeof(void*)) + 256;
    constexpr std::uint64_t membership_bytes = 3 * (sizeof(Membership) + sizeof(Memberships::Index)) + 128;
    return MessagePool::memory_bytes_max(std::uint64_t{options.mailbox_messages_max} * Address::classic_count) +
           limits.memory_bytes_max + messages * (3 * detail::TimerWheel::entry_bytes + 128) +
           (Address::classic_count + named) * address_bytes + memberships * membership_bytes +
           limits.waits_max * 3 * (sizeof(Wait) + detail::TimerWheel::entry_bytes) +
           sessions * 3 * sizeof(typename Base::SessionState);
  }

  /// A held address stays with its holder, whoever asks, the holder included (docs/protocol.md, rule 1).
  AssociateReply execute(Session session, const Associate& request) {
    if (holders_[request.address.index()] != Base::no_session) {
      ++answers_.address_taken;
      return AssociateReply::address_taken;
    }
    this->hold(session, request.address);
    next_held_[request.address.index()] = sessions_[session].held;
    sessions_[session].held = request.address.index();
    this->presence_changed(request.address);
    ++answers_.associated;
    return AssociateReply::associated;
  }

  /// The receiver need not be held by anybody, and may be the sender (docs/protocol.md, rule 4).
  PushReply execute(Session session, const Push& request) {
    if (!holds(session, request.sender)) {
      ++answers_.push_not_associated;
      return PushReply::not_associated;
    }
    if (request.payload.size() > this->options_.payload_bytes_max) {
      ++answers_.push_payload_too_large;
      return PushReply::payload_too_large;
    }
    if (!this->writable_) {
      ++answers_.storage_unavailable;
      return PushReply::storage_unavailable;
    }
    Mailbox& mailbox = mailboxes_[request.receiver.index()];
    if (mailbox.size() >= this->options_.mailbox_messages_max) {
      ++answers_.push_mailbox_full;
      return PushReply::mailbox_full;
    }
    this->store(request.receiver, mailbox, request.sender, request.payload, 0, 0);
    ++answers_.push_stored;
    return PushReply::stored;
  }

  /// The oldest message leaves the mailbox: fetched and acknowledged in one step (docs/protocol.md, rule 3).
  GetReply execute(Session session, const Get& request) {
    if (!holds(session, request.address)) {
      ++answers_.get_not_associated;
      return {.result = GetReply::Result::not_associated};
    }
    if (!this->writable_) {
      ++answers_.storage_unavailable;
      return {.result = GetReply::Result::storage_unavailable};
    }
    Mailbox& mailbox = mailboxes_[request.address.index()];
    if (mailbox.size() == 0) {
      ++answers_.get_empty;
      return {.result = GetReply::Result::empty};
    }
    const MessagePool::Message& message = this->take_oldest(request.address, mailbox);
    ++answers_.get_message;
    return {GetReply::Result::message, message.sender, message.payload()};
  }

  /// Whether this session holds the address.
  bool holds(Session session, Address address) const noexcept { return holders_[address.index()] == session; }

  /// Frees every address that the session holds; the mailboxes stay as they are (docs/protocol.md, rule 2). What it
  /// waits for is forgotten.
  void end(Session session) {
    if (!sessions_.has(session)) {
      return;
    }
    for (std::uint32_t index = sessions_[session].held; index != Base::no_address; index = next_held_[index]) {
      release(Address::at(index));
    }
    if (const std::optional<Address> address = this->opened(session)) {
      this->drop_waits(*address);
      release(*address);
    }
    sessions_[session] = {};
  }

  /// Empties all mailboxes and fills them with what the store gives back. Sessions keep the classic ids that they hold
  /// by the classic protocol; those that opened an address hold nothing any more. When the store fails, the mailboxes
  /// are empty and nothing can be changed until a later load() succeeds.
  template <LoadsMessages S>
  std::error_code load(S& store) {
    clear();
    Loader loader{*this};
    const std::error_code error = store.load(loader);
    if (error) {
      clear();
    }
    this->writable_ = !error;
    return error;
  }

  /// Removes every message of a mailbox or room, and gives how many they were. Its epoch stays.
  std::uint32_t purge(Address address) {
    const std::uint32_t count = this->depth(address);
    while (mailboxes_[address.index()].size() != 0) {
      const MessagePool::Index oldest = mailboxes_[address.index()].oldest_index();
      record_purged(address, pool_.at(oldest).offset);
      this->remove(address, oldest, MessageState::purged);
    }
    return count;
  }

  /// Forgets an address or a room and everything about it: its holder holds nothing any more, its messages are purged,
  /// and so is who is a member of what. What it sent to others stays with them. Whoever opens it later finds another
  /// epoch. Gives the session that held it, which is to be closed.
  template <TakesReplies Out>
  std::optional<Session> retire(Address address, Out& out) {
    const Session holder = holders_[address.index()];
    if (holder != Base::no_session) {
      end(holder);
    }
    purge(address);
    const AddressState& state = addresses_[address];
    while (!state.memberships.empty()) {
      this->leave(address, this->memberships_[state.memberships.back()].room, holder, out);
    }
    while (state.room && !state.room->members.empty()) {
      const Address member = this->memberships_[state.room->members.begin()->second].member;
      this->leave(member, address, holders_[member.index()], out);
    }
    this->begin_anew(address);
    return holder == Base::no_session ? std::nullopt : std::optional{holder};
  }

  /// How many addresses are held by some session.
  std::uint32_t addresses_held() const noexcept { return this->addresses_held_; }

  const Answers& answers() const noexcept { return answers_; }

 private:
  using Base::addresses_;
  using Base::holders_;
  using Base::mailboxes_;
  using Base::pool_;
  using Base::sessions_;

  class Loader final : public MessageLoader {
   public:
    explicit Loader(Core& core) : core_{core} {}

    void address(const AddressAdded& added, bool was_opened) override {
      if (!added.address.is_classic()) {
        core_.need_key();
        core_.addresses_.add_at(added.address, added.name);
        core_.fit(added.address);
      }
      core_.addresses_[added.address].epoch = added.epoch;
      core_.addresses_[added.address].was_opened = was_opened;
      core_.note_idle(added.address);
    }

    void sequence(Address sender, std::uint64_t sequence, MessageState state) override {
      AddressState& kept = core_.addresses_[sender];
      if (!kept.window) {
        kept.window = std::make_unique<SequenceWindow>();
      }
      kept.window->restore(sequence, state);
    }

    // A mailbox may be given more than it may hold now, after the limit was lowered: nothing is thrown away.
    void message(const MessageStored& stored) override { core_.restore(stored); }

    void delivered(const MessagesDelivered& delivered) override {
      core_.mailboxes_[delivered.receiver.index()].raise_delivered_end(delivered.up_to + 1);
    }

    void member(const MemberJoined& joined, Offset delivered_end) override {
      const Memberships::Index index =
          core_.memberships_.add(core_.addresses_, joined.room, joined.member, joined.cursor);
      core_.memberships_[index].delivered_end = std::max(joined.cursor, delivered_end);
      core_.mailboxes_[joined.room.index()].raise_delivered_end(delivered_end);
      core_.note_idle(joined.room);
      core_.note_idle(joined.member);
    }

    void next_offset(Address receiver, Offset offset) override { core_.mailboxes_[receiver.index()].skip_to(offset); }

   private:
    Core& core_;
  };

  static void check(const Limits& limits) {
    RESTANTE_ASSERT(limits.payload_bytes_max >= 1 && limits.payload_bytes_max <= 1024 * 1024,
                    "limits.payload_bytes_max must be 1 to 1 MiB");
    RESTANTE_ASSERT(limits.mailbox_messages_max >= 1 && limits.mailbox_bytes_max >= limits.payload_bytes_max &&
                        limits.sender_messages_max >= 1 && limits.sender_bytes_max >= limits.payload_bytes_max &&
                        limits.room_messages_max >= 1 && limits.room_bytes_max >= limits.payload_bytes_max,
                    "a mailbox, a sender's part of it and a room must have room for one message");
    RESTANTE_ASSERT(limits.fetch_messages_max >= 1, "limits.fetch_messages_max must be at least 1");
  }

  void restore(const MessageStored& stored) {
    Mailbox& mailbox = mailboxes_[stored.receiver.index()];
    mailbox.skip_to(stored.offset);
    MessagePool::Message& message = this->put(mailbox, stored.receiver, stored.sender, stored.payload);
    message.time_ms = stored.time_ms;
    this->loaded_payload_bytes_max_ = std::max(this->loaded_payload_bytes_max_, stored.payload.size());
    ++this->books_.loaded;
    if (!stored.receiver.is_classic() || stored.sequence != 0 || stored.expires_ms != 0) {
      std::uint32_t quota = Quotas::none;
      if (addresses_[stored.receiver].kind == NameKind::mailbox) {
        quota = this->quotas_.add(this->quotas_.find(stored.receiver, stored.sender), stored.receiver, stored.sender,
                                  stored.payload.size());
      }
      // What was delivered to somebody does not expire any more.
      const bool was_delivered = stored.offset < mailbox.delivered_end();
      this->track(message, addresses_[stored.sender], mailbox, addresses_[stored.receiver], stored.sequence,
                  was_delivered ? 0 : stored.expires_ms, quota);
      message.tracking = was_delivered ? MessagePool::Tracking::delivered : MessagePool::Tracking::undelivered;
    }
  }

  // A store that knows the classic protocol only has one way for a message to go.
  void record_purged(Address address, Offset offset) {
    if constexpr (requires { this->recorder_.record(MessageRemoved{}); }) {
      this->recorder_.record(MessageRemoved{address, offset, MessageState::purged});
    } else {
      this->recorder_.record(MessageTaken{address, offset});
    }
  }

  void release(Address address) {
    holders_[address.index()] = Base::no_session;
    --this->addresses_held_;
    this->presence_changed(address);
  }

  // Sessions that opened an address are closed by whoever loads.
  void clear() {
    for (typename Base::SessionState& session : sessions_) {
      if (session.opened != Base::no_address) {
        holders_[session.opened] = Base::no_session;
        session.opened = Base::no_address;
        --this->addresses_held_;
      }
    }
    holders_.resize(Address::classic_count);
    this->waits_ = {};
    this->memberships_ = {};
    this->empty();
  }

  // The addresses of a session are a list through next_held_ that begins at its `held`.
  std::array<std::uint32_t, Address::classic_count> next_held_{};
  Answers answers_;
};

}  // namespace restante
