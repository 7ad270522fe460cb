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

  bool committing() const noexcept { return !commits_.empty(); }
  /// How many changes the oldest commit has.
  std::size_t changes() const { return commits_.front().changes.size(); }

  /// The oldest commit ends well.
  void complete() {
    keep(changes());
    const std::uint64_t turn = commits_.front().turn;
    commits_.pop_front();
    completed_.push_back({turn, {}});
    waker_();
  }

  /// The oldest commit fails after so many of its changes were kept.
  void fail(std::size_t kept) {
    keep(kept);
    completed_.push_back({commits_.front().turn, Error::storage_unavailable});
    waker_();
  }

  /// What is on its way to the disk when the program crashes still gets there.
  void keep_all() {
    while (committing()) {
      keep(changes());
      commits_.pop_front();
    }
  }

 private:
  struct Written {
    std::uint64_t turn = 0;
    std::vector<DiskContents::Change> changes;
  };

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
