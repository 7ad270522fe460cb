// What keeps messages: the second thing that Messenger asks for from outside. The default keeps nothing but what is in
// memory.
//
// A store is told of every change, in order, and gives back at start what it kept. One that writes to a disk takes its
// time: then Messenger holds back every reply until the changes before it are durable ("output commit"), so that a
// POSITIVEACK means stored in whatever the store promises. StoreArchetype below is the smallest that does.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <system_error>

#include <restante/core/change.hpp>
#include <restante/waker.hpp>

namespace restante {

/// Takes what a store gives back when it is loaded.
class MessageLoader {
 public:
  /// A message that is still held. The messages of one mailbox come in the order of their offsets.
  virtual void message(const MessageStored& stored) = 0;

  /// The offset that the next message of a mailbox gets, at least one more than the highest ever used. Needed where the
  /// last message of a mailbox has been taken, so that no offset is used twice; comes after the mailbox's messages.
  virtual void next_offset(Address receiver, Offset offset) = 0;

  // What follows is given back by stores that keep mailboxes with names, in this order and before the messages: every
  // address by its number, then numbers of pushes in rising order for each sender, then members, then how far mailboxes
  // were delivered.

  /// An address that exists, and whether it was ever opened. Also a classic id that has an epoch.
  virtual void address(const AddressAdded& /*added*/, bool /*was_opened*/) {}

  /// A number that was accepted from a sender, of the last SequenceWindow::width below its highest, and the latest
  /// state of its message.
  virtual void sequence(Address /*sender*/, std::uint64_t /*sequence*/, MessageState /*state*/) {}

  /// A member of a room, its cursor, and one more than the highest offset that was delivered to it.
  virtual void member(const MemberJoined& /*joined*/, Offset /*delivered_end*/) {}

  /// How far the messages of a mailbox were delivered.
  virtual void delivered(const MessagesDelivered& /*delivered*/) {}

 protected:
  ~MessageLoader() = default;
};

/// How a commit ended.
struct Commit {
  /// The number that Messenger gave to commit().
  std::uint64_t turn = 0;
  /// Not set when everything recorded up to that commit is durable. When set, Messenger does not know what was kept: it
  /// closes whoever waits for it and loads again. Until then the store writes nothing more: Messenger may go on for
  /// some turns before it asks, and what they change follows from what may be lost.
  std::error_code error = {};
};

/// Is told of every change, in the order in which they took effect. Must not fail and must not wait.
template <class S>
concept RecordsChanges = requires(S& store, const MessageStored& stored, const MessageTaken& taken) {
  store.record(stored);
  store.record(taken);
};

/// Is told of every change of restante.v2 too. Without this, Messenger speaks the classic protocol only.
template <class S>
concept RecordsNamedMailboxes = RecordsChanges<S> &&
    requires(S& store, const AddressAdded& added, const AddressOpened& opened, const AddressForgotten& forgotten,
             const MessagesDelivered& delivered, const MessagesAcknowledged& acknowledged,
             const MessageRemoved& removed, const MemberJoined& joined, const MemberLeft& left,
             const MemberDelivered& member_delivered, const MemberAcknowledged& member_acknowledged) {
  store.record(added);
  store.record(opened);
  store.record(forgotten);
  store.record(delivered);
  store.record(acknowledged);
  store.record(removed);
  store.record(joined);
  store.record(left);
  store.record(member_delivered);
  store.record(member_acknowledged);
};

/// Gives back what was kept, on the calling thread. What was recorded and is not durable yet is forgotten by this, and
/// commits under way are abandoned: none of them is reported after load() returned. An error says that the store is
/// unavailable; Messenger tries again later.
template <class S>
concept LoadsMessages = requires(S& store, MessageLoader& loader) {
  { store.load(loader) } -> std::same_as<std::error_code>;
};

/// What is recorded is at once as durable as it will be: replies need not wait.
template <class S>
concept DurableAtOnce = requires {
  requires S::durable_at_once;
};

/// Makes changes durable in the background. start() is called once, before anything else; stop() before Messenger is
/// gone. commit(turn) asks that everything recorded so far become durable, without waiting; turns grow by one. When a
/// commit ends, the waker is called, and completed() tells of it, each once and in order, until it has no more to tell.
/// Several turns may be written as one; then only the last of them need be reported.
template <class S>
concept CommitsTurns = requires(S& store, Waker waker, std::uint64_t turn) {
  store.start(waker);
  store.stop();
  store.commit(turn);
  { store.completed() } -> std::same_as<std::optional<Commit>>;
};

/// What Messenger needs.
template <class S>
concept Store = RecordsChanges<S> && LoadsMessages<S> &&(DurableAtOnce<S> || CommitsTurns<S>);

/// Keeps nothing: messages live in the mailboxes of the core and end with the program. The default of Messenger.
class MemoryStore {
 public:
  static constexpr bool durable_at_once = true;
  template <class Change>
  void record(const Change&) noexcept {}
  std::error_code load(MessageLoader&) noexcept { return {}; }
};

namespace detail {

// It holds nothing, so that all messengers of a program can share it.
inline MemoryStore memory_store;

}  // namespace detail

/// The smallest type that commits in the background, and does nothing: a list to copy from.
class StoreArchetype {
 public:
  void start(Waker) {}
  void stop() {}
  void record(const MessageStored&) {}
  void record(const MessageTaken&) {}
  void commit(std::uint64_t) {}
  std::optional<Commit> completed() { return std::nullopt; }
  std::error_code load(MessageLoader&) { return {}; }
};

static_assert(Store<MemoryStore> && Store<StoreArchetype>);

}  // namespace restante
