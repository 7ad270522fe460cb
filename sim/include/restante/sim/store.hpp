// A disk, simulated: what is written is kept once it is synced, and not before.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/core/address.hpp>
#include <restante/core/change.hpp>
#include <restante/error.hpp>
#include <restante/memory/random.hpp>
#include <restante/memory/timeline.hpp>
#include <restante/sim/queue.hpp>
#include <restante/store.hpp>
#include <restante/time.hpp>

namespace restante::sim {

/// How fast a disk is.
struct DiskOptions {
  /// A sync takes at least this long.
  Duration sync = std::chrono::milliseconds{2};
  /// And up to this much longer, drawn from the seed.
  Duration sync_jitter = std::chrono::milliseconds{3};
};

/// What survives when a server program ends: the disk that its stores write to, one after another.
class Disk {
 public:
  struct Message {
    Offset offset = 0;
    Address sender;
    std::vector<std::uint8_t> payload;
    friend bool operator==(const Message&, const Message&) = default;
  };

  struct Mailbox {
    Queue<Message> messages;
    Offset next_offset = 0;
    friend bool operator==(const Mailbox&, const Mailbox&) = default;
  };

  using Mailboxes = std::array<Mailbox, Address::classic_count>;

  Disk(Timeline& timeline, Random random, DiskOptions options)
      : timeline_{timeline}, random_{random}, options_{options} {}

  /// What is there after a crash at this moment.
  const Mailboxes& durable() const noexcept { return durable_; }

  /// So many syncs from now on fail. Of what they were to write, the seed decides how much is kept: none, all, or a
  /// beginning, so that nobody can rely on either.
  void fail_next(std::uint32_t syncs) noexcept { failures_ += syncs; }

  /// While set, reading fails too: a server that starts or recovers finds no store.
  void set_unreadable(bool unreadable) noexcept { unreadable_ = unreadable; }

  /// Syncs take this much longer from now on.
  void set_slower_by(Duration duration) noexcept { slower_by_ = duration; }

  /// Takes all of that back.
  void heal() noexcept {
    failures_ = 0;
    unreadable_ = false;
    slower_by_ = {};
  }

  /// Whether all that was written made sense: each message has the next offset of its mailbox, and what is taken is the
  /// oldest there.
  bool consistent() const noexcept { return consistent_; }

  /// How many turns were under way at most: given to a store, and neither told durable nor abandoned.
  std::uint64_t turns_under_way_max() const noexcept { return turns_under_way_max_; }

  bool healthy() const noexcept { return failures_ == 0 && !unreadable_; }

 private:
  friend class DiskStore;

  // Keeps the owned bytes of a change that is not synced yet.
  struct Change {
    bool stored = false;
    Address receiver;
    Message message;
  };

  // What cannot be is not done, and noticed.
  void apply(const Change& change) {
    Mailbox& mailbox = durable_[change.receiver.index()];
    if (change.stored && change.message.offset == mailbox.next_offset) {
      mailbox.messages.push_back(change.message);
      mailbox.next_offset = change.message.offset + 1;
    } else if (!change.stored && !mailbox.messages.empty() &&
               mailbox.messages.front().offset == change.message.offset) {
      mailbox.messages.pop_front();
    } else {
      consistent_ = false;
    }
  }

  Timeline& timeline_;
  Random random_;
  DiskOptions options_;
  Duration slower_by_{};
  std::uint32_t failures_ = 0;
  bool unreadable_ = false;
  bool consistent_ = true;
  std::uint64_t turns_under_way_max_ = 0;
  Mailboxes durable_;
};

/// A Store on a Disk, for the length of one life of a server program.
class DiskStore {
 public:
  explicit DiskStore(Disk& disk) : disk_{disk} {}
  DiskStore(const DiskStore&) = delete;
  DiskStore& operator=(const DiskStore&) = delete;

  /// What is not synced is gone, unless a sync was under way: then the seed decides how much of it was written.
  ~DiskStore() {
    stop();
    if (!syncing_.empty()) {
      keep_beginning();
    }
  }

  void start(Waker waker) noexcept { waker_ = waker; }

  void stop() {
    waker_ = {};
    disk_.timeline_.cancel(event_);
    event_ = {};
  }

  void record(const MessageStored& stored) {
    recorded_.push_back(
        {true, stored.receiver, {stored.offset, stored.sender, {stored.payload.begin(), stored.payload.end()}}});
  }

  void record(const MessageTaken& taken) { recorded_.push_back({false, taken.receiver, {taken.offset, {}, {}}}); }

  /// Several turns that come while a sync is under way are synced together.
  void commit(std::uint64_t turn) {
    waiting_turn_ = turn;
    disk_.turns_under_way_max_ = std::max(disk_.turns_under_way_max_, turn - told_turn_);
    waiting_.insert(waiting_.end(), std::make_move_iterator(recorded_.begin()),
                    std::make_move_iterator(recorded_.end()));
    recorded_.clear();
    begin_sync();
  }

  std::optional<Commit> completed() {
    if (completed_ && !completed_->error) {
      told_turn_ = completed_->turn;
    }
    return std::exchange(completed_, std::nullopt);
  }

  std::error_code load(MessageLoader& loader) {
    stop_syncing();
    if (disk_.unreadable_) {
      return Error::storage_unavailable;
    }
    for (std::uint32_t index = 0; index < Address::classic_count; ++index) {
      const Address address{static_cast<std::uint8_t>(index)};
      const Disk::Mailbox& mailbox = disk_.durable_[index];
      for (const Disk::Message& message : mailbox.messages) {
        loader.message({address, message.offset, message.sender, message.payload});
      }
      loader.next_offset(address, mailbox.next_offset);
    }
    return {};
  }

 private:
  void begin_sync() {
    if (!syncing_.empty() || waiting_.empty()) {
      return;
    }
    syncing_ = std::exchange(waiting_, {});
    syncing_turn_ = waiting_turn_;
    const Duration takes =
        disk_.options_.sync + disk_.slower_by_ + disk_.random_.between(Duration::zero(), disk_.options_.sync_jitter);
    event_ = disk_.timeline_.at(after(disk_.timeline_.now(), takes), [this] { end_sync(); });
  }

  void end_sync() {
    event_ = {};
    if (disk_.failures_ > 0) {
      --disk_.failures_;
      keep_beginning();
      completed_ = Commit{syncing_turn_, Error::storage_unavailable};
    } else {
      for (const Disk::Change& change : syncing_) {
        disk_.apply(change);
      }
      syncing_.clear();
      completed_ = Commit{syncing_turn_, {}};
      begin_sync();
    }
    waker_();
  }

  // What a disk has after a sync that did not end well.
  void keep_beginning() {
    const std::uint64_t kept = disk_.random_.between(std::uint64_t{0}, syncing_.size());
    for (std::uint64_t i = 0; i < kept; ++i) {
      disk_.apply(syncing_[i]);
    }
    syncing_.clear();
  }

  void stop_syncing() {
    disk_.timeline_.cancel(event_);
    event_ = {};
    if (!syncing_.empty()) {
      keep_beginning();
    }
    recorded_.clear();
    waiting_.clear();
    completed_.reset();
    told_turn_ = waiting_turn_;
  }

  Disk& disk_;
  Waker waker_;
  std::vector<Disk::Change> recorded_;
  std::vector<Disk::Change> waiting_;
  std::uint64_t waiting_turn_ = 0;
  /// All turns up to it were told durable, or abandoned.
  std::uint64_t told_turn_ = 0;
  std::vector<Disk::Change> syncing_;
  std::uint64_t syncing_turn_ = 0;
  Timeline::EventId event_;
  std::optional<Commit> completed_;
};

static_assert(Store<DiskStore>);

}  // namespace restante::sim
