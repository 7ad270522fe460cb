// A disk, simulated: what is written is kept once it is synced, and not before.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/error.hpp>
#include <restante/memory/random.hpp>
#include <restante/memory/timeline.hpp>
#include <restante/sim/disk_contents.hpp>
#include <restante/store.hpp>
#include <restante/time.hpp>

namespace restante::sim {

/// How fast a disk is.
struct DiskOptions {
  /// A sync takes at least this long.
  Duration sync = std::chrono::milliseconds{2};
  /// And up to this much longer, drawn from the seed.
  Duration sync_jitter = std::chrono::milliseconds{3};
  /// What is synced together is a transaction of a thread of its own, as in a store that is a database. It wakes up,
  /// and tells how a sync ended, up to sync_jitter later, so that what came meanwhile is one transaction. After a sync
  /// that failed, or during which the server crashed, all of it is there or nothing. Who hears late of a sync that
  /// succeeded and one that failed hears of both. Otherwise any beginning is there, and only the failure is told.
  bool transactions = false;
};

/// What came of transactions.
struct DiskTransactions {
  /// Those that were more than one turn.
  std::uint64_t of_several_turns = 0;
  /// Failures that were told together with a success before.
  std::uint64_t failed_behind_durable = 0;
  /// Those that failed and were there all the same, and those that were not.
  std::uint64_t failed_and_kept = 0;
  std::uint64_t failed_and_lost = 0;
};

/// What survives when a server program ends: the disk that its stores write to, one after another.
class Disk {
 public:
  using Message = DiskMessage;
  using Mailbox = DiskMailbox;
  using Mailboxes = DiskContents::Mailboxes;

  Disk(Timeline& timeline, Random random, DiskOptions options)
      : timeline_{timeline}, random_{random}, options_{options} {}

  /// What is there after a crash at this moment: the mailboxes of classic ids, and everything.
  const Mailboxes& durable() const noexcept { return contents_.mailboxes(); }
  const DiskContents& contents() const noexcept { return contents_; }

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

  /// Whether all that was written made sense: see DiskContents.
  bool consistent() const noexcept { return contents_.consistent(); }

  /// How many turns were under way at most: given to a store, and neither told durable nor abandoned.
  std::uint64_t turns_under_way_max() const noexcept { return turns_under_way_max_; }

  /// Since this was called last; nothing where it has none.
  DiskTransactions take_transactions() noexcept { return std::exchange(transactions_, {}); }

  bool healthy() const noexcept { return failures_ == 0 && !unreadable_; }

 private:
  friend class DiskStore;

  Timeline& timeline_;
  Random random_;
  DiskOptions options_;
  Duration slower_by_{};
  std::uint32_t failures_ = 0;
  bool unreadable_ = false;
  std::uint64_t turns_under_way_max_ = 0;
  DiskTransactions transactions_;
  DiskContents contents_;
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
    cancel_events();
  }

  template <class Change>
  void record(const Change& change) {
    recorded_.push_back(DiskContents::owned(change));
  }

  /// Several turns that come while a sync is under way are synced together.
  void commit(std::uint64_t turn) {
    waiting_turn_ = turn;
    disk_.turns_under_way_max_ = std::max(disk_.turns_under_way_max_, turn - told_turn_);
    waiting_.insert(waiting_.end(), std::make_move_iterator(recorded_.begin()),
                    std::make_move_iterator(recorded_.end()));
    recorded_.clear();
    if (!disk_.options_.transactions) {
      begin_sync();
    } else if (!is_beginning_ && !failed_ && syncing_.empty()) {
      begin_soon();
    }
  }

  std::optional<Commit> completed() {
    if (durable_) {
      told_turn_ = durable_->turn;
      disk_.transactions_.failed_behind_durable += failure_ ? 1 : 0;
    }
    return std::exchange(durable_ ? durable_ : failure_, std::nullopt);
  }

  std::error_code load(MessageLoader& loader) {
    stop_syncing();
    if (disk_.unreadable_) {
      return Error::storage_unavailable;
    }
    disk_.contents_.give(loader);
    return {};
  }

 private:
  // A thread has to wake up first: the store's own, which finds all that was given to it by then, or the server's,
  // which finds all that ended by then.
  SteadyTime wakes_at() {
    return after(disk_.timeline_.now(), disk_.random_.between(Duration::zero(), disk_.options_.sync_jitter));
  }

  void begin_soon() {
    is_beginning_ = true;
    event_ = disk_.timeline_.at(wakes_at(), [this] {
      event_ = {};
      is_beginning_ = false;
      begin_sync();
    });
  }

  void begin_sync() {
    if (failed_ || !syncing_.empty() || waiting_.empty()) {
      return;
    }
    syncing_ = std::exchange(waiting_, {});
    syncing_turns_ = waiting_turn_ - std::exchange(syncing_turn_, waiting_turn_);
    const Duration takes =
        disk_.options_.sync + disk_.slower_by_ + disk_.random_.between(Duration::zero(), disk_.options_.sync_jitter);
    event_ = disk_.timeline_.at(after(disk_.timeline_.now(), takes), [this] { end_sync(); });
  }

  void end_sync() {
    event_ = {};
    if (disk_.failures_ > 0) {
      --disk_.failures_;
      failed_ = true;
      const bool kept = keep_beginning() > 0;
      if (disk_.options_.transactions) {
        ++(kept ? disk_.transactions_.failed_and_kept : disk_.transactions_.failed_and_lost);
      } else {
        durable_.reset();
      }
      failure_ = Commit{syncing_turn_, Error::storage_unavailable};
    } else {
      disk_.transactions_.of_several_turns += disk_.options_.transactions && syncing_turns_ > 1 ? 1 : 0;
      for (const DiskContents::Change& change : syncing_) {
        disk_.contents_.apply(change);
      }
      syncing_.clear();
      durable_ = Commit{syncing_turn_, {}};
      begin_sync();
    }
    if (!disk_.options_.transactions) {
      waker_();
    } else if (!is_ringing_) {
      is_ringing_ = true;
      ring_ = disk_.timeline_.at(wakes_at(), [this] {
        ring_ = {};
        is_ringing_ = false;
        waker_();
      });
    }
  }

  // What a disk has after a sync that did not end well. Gives how many changes of it.
  std::uint64_t keep_beginning() {
    const std::uint64_t kept = disk_.options_.transactions ? syncing_.size() * disk_.random_.below(2)
                                                           : disk_.random_.between(std::uint64_t{0}, syncing_.size());
    for (std::uint64_t i = 0; i < kept; ++i) {
      disk_.contents_.apply(syncing_[i]);
    }
    syncing_.clear();
    return kept;
  }

  void cancel_events() {
    disk_.timeline_.cancel(event_);
    disk_.timeline_.cancel(ring_);
    event_ = {};
    ring_ = {};
    is_beginning_ = false;
    is_ringing_ = false;
  }

  void stop_syncing() {
    cancel_events();
    if (!syncing_.empty()) {
      keep_beginning();
    }
    recorded_.clear();
    waiting_.clear();
    durable_.reset();
    failure_.reset();
    failed_ = false;
    told_turn_ = waiting_turn_;
    syncing_turn_ = waiting_turn_;
  }

  Disk& disk_;
  Waker waker_;
  std::vector<DiskContents::Change> recorded_;
  std::vector<DiskContents::Change> waiting_;
  std::uint64_t waiting_turn_ = 0;
  /// All turns up to it were told durable, or abandoned.
  std::uint64_t told_turn_ = 0;
  std::vector<DiskContents::Change> syncing_;
  std::uint64_t syncing_turn_ = 0;
  std::uint64_t syncing_turns_ = 0;
  /// The end of a sync, or, while nothing is synced, the moment in which one begins.
  Timeline::EventId event_;
  bool is_beginning_ = false;
  Timeline::EventId ring_;
  bool is_ringing_ = false;
  std::optional<Commit> durable_;
  std::optional<Commit> failure_;
  /// A sync did, and Messenger may not have been told yet, as where its machine sleeps.
  bool failed_ = false;
};

static_assert(Store<DiskStore> && RecordsNamedMailboxes<DiskStore>);

}  // namespace restante::sim
