// A store whose commits end when somebody decides that they do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/error.hpp>
#include <restante/sim/disk_contents.hpp>
#include <restante/sim/queue.hpp>

#include <restante/store.hpp>

namespace restante::sim {

/// What a StepStore writes to, which outlives it.
struct StepDisk {
  DiskContents contents;
  bool unreadable = false;
};

/// How a transaction of several commits fails.
struct TransactionFailure {
  /// So many commits before it became durable, which nobody has been told yet.
  std::size_t durable = 0;
  /// So many commits were in it and are kept all the same; 0: nothing of it is.
  std::size_t kept = 0;
};

/// A Store whose commits end when somebody says so, and how he says.
class StepStore {
 public:
  explicit StepStore(StepDisk& disk) : disk_{disk} {}
  StepStore(const StepStore&) = delete;
  StepStore& operator=(const StepStore&) = delete;

  // The concept Store.

  void start(Waker waker) noexcept { waker_ = waker; }
  void stop() noexcept { waker_ = {}; }
  template <class Change>
  void record(const Change& change) {
    recorded_.push_back(DiskContents::owned(change));
  }
  void commit(std::uint64_t turn) { commits_.push_back({turn, std::exchange(recorded_, {})}); }

  std::optional<Commit> completed() {
    if (completed_.empty()) {
      return std::nullopt;
    }
    const Commit commit = completed_.front();
    completed_.pop_front();
    return commit;
  }

  std::error_code load(MessageLoader& loader) {
    recorded_.clear();
    commits_.clear();
    completed_.clear();
    if (disk_.unreadable) {
      return Error::storage_unavailable;
    }
    disk_.contents.give(loader);
    return {};
  }

  // Steps.

  /// How many changes the oldest commit has.
  std::size_t changes() const { return commits_.front().changes.size(); }

  std::size_t commits() const { return commits_.size(); }

  /// The oldest commits end well, in one transaction: only the last of them is told.
  void complete(std::size_t commits = 1) {
    write(commits);
    waker_();
  }

  /// The oldest commit fails after so many of its changes were kept.
  void fail(std::size_t kept) {
    keep(kept);
    completed_.push_back({commits_.front().turn, Error::storage_unavailable});
    waker_();
  }

  /// The oldest commit, or several of them in one transaction, fail as a whole.
  void fail(const TransactionFailure& failure) {
    if (failure.durable > 0) {
      write(failure.durable);
    }
    const std::uint64_t turn = commits_[failure.kept > 0 ? failure.kept - 1 : 0].turn;
    keep_first(failure.kept);
    completed_.push_back({turn, Error::storage_unavailable});
    waker_();
  }

  /// So many of the commits that are on their way to the disk when the program crashes still get there.
  void keep_first(std::size_t commits) {
    for (; commits > 0; --commits) {
      keep(changes());
      commits_.pop_front();
    }
  }

 private:
  struct Written {
    std::uint64_t turn = 0;
    std::vector<DiskContents::Change> changes;
  };

  void write(std::size_t commits) {
    const std::uint64_t turn = commits_[commits - 1].turn;
    keep_first(commits);
    completed_.push_back({turn, {}});
  }

  void keep(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      disk_.contents.apply(commits_.front().changes[i]);
    }
  }

  StepDisk& disk_;
  Waker waker_;
  std::vector<DiskContents::Change> recorded_;
  Queue<Written> commits_;
  Queue<Commit> completed_;
};

static_assert(Store<StepStore> && RecordsNamedMailboxes<StepStore>);

}  // namespace restante::sim
