// A store that keeps mailboxes in a file of SQLite.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <restante/sqlite/detail/batch.hpp>
#include <restante/sqlite/detail/file_lock.hpp>
#include <restante/sqlite/detail/keeper.hpp>
#include <restante/store.hpp>

namespace restante {

struct SqliteStoreOptions {
  /// The file. It is made if there is none; beside it lie files whose names begin with its name.
  std::filesystem::path path = {};
  /// The VFS of SQLite that reads and writes it; empty for the usual one.
  std::string vfs = {};
};

/// What a SqliteStore counted since it was made.
struct SqliteStoreCounters {
  /// Transactions that are durable, and the turns, changes and bytes of payloads and names that they were made of.
  std::uint64_t transactions = 0;
  std::uint64_t turns = 0;
  std::uint64_t changes = 0;
  std::uint64_t bytes = 0;
  /// How long they took in all.
  std::chrono::nanoseconds writing = {};
  /// How often the log was moved into the file, and how long that took in all.
  std::uint64_t checkpoints = 0;
  std::chrono::nanoseconds checkpointing = {};
  /// Pages of 4096 bytes in the log that are not in the file yet.
  std::uint32_t log_pages = 0;
  /// Transactions, checkpoints and loads that failed.
  std::uint64_t failures = 0;
};

/// Keeps everything that a Messenger is told of in one file. A commit is durable when SQLite has synced it
/// (synchronous=EXTRA, so that it is there after a power cut on a disk that does what it says). A thread of its own
/// writes; what comes while it does is written as one transaction. counters() may be called on any thread, everything
/// else on that of the Messenger.
///
///     restante::SqliteStore store{{.path = "mail.sqlite"}};
///     restante::Messenger messenger{transport, store};
class SqliteStore {
 public:
  /// Throws std::system_error where the file cannot be used: SqliteError, a code of SQLite, or the system's. Looks
  /// through the whole file.
  explicit SqliteStore(const SqliteStoreOptions& options)
      : lock_{make<detail::FileLock>(options, options.path.string())},
        keeper_{make<detail::Keeper>(options, options.path.string(), options.vfs)} {}

  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  /// What commit() was not called for, or was not written before, is lost, unless stop() was called.
  ~SqliteStore() { end(false); }

  void start(Waker waker) {
    waker_ = waker;
    writer_ = std::thread{[this] { write_until_stopped(); }};
  }

  /// What commit() was called for is written before this returns, unless the store failed.
  void stop() { end(true); }

  void record(const MessageStored& stored) {
    recorded_.add({.kind = detail::ChangeKind::message_stored,
                   .address = stored.receiver,
                   .other = stored.sender,
                   .number = stored.offset,
                   .sequence = stored.sequence,
                   .time_ms = stored.time_ms,
                   .expires_ms = stored.expires_ms},
                  stored.payload);
  }
  void record(const MessageTaken& taken) {
    recorded_.add({.kind = detail::ChangeKind::message_taken,
                   .state = MessageState::taken,
                   .address = taken.receiver,
                   .number = taken.offset});
  }
  void record(const AddressAdded& added) {
    recorded_.add({.kind = detail::ChangeKind::address_added, .address = added.address, .number = added.epoch},
                  added.name);
  }
  void record(const AddressOpened& opened) {
    recorded_.add({.kind = detail::ChangeKind::address_opened, .address = opened.address});
  }
  void record(const AddressForgotten& forgotten) {
    recorded_.add({.kind = detail::ChangeKind::address_forgotten, .address = forgotten.address});
  }
  void record(const MessagesDelivered& delivered) {
    recorded_.add(
        {.kind = detail::ChangeKind::messages_delivered, .address = delivered.receiver, .number = delivered.up_to});
  }
  void record(const MessagesAcknowledged& acknowledged) {
    recorded_.add({.kind = detail::ChangeKind::messages_acknowledged,
                   .address = acknowledged.receiver,
                   .number = acknowledged.up_to});
  }
  void record(const MessageRemoved& removed) {
    recorded_.add({.kind = detail::ChangeKind::message_removed,
                   .state = removed.state,
                   .address = removed.receiver,
                   .number = removed.offset});
  }
  void record(const MemberJoined& joined) {
    recorded_.add({.kind = detail::ChangeKind::member_joined,
                   .address = joined.room,
                   .other = joined.member,
                   .number = joined.cursor});
  }
  void record(const MemberLeft& left) {
    recorded_.add({.kind = detail::ChangeKind::member_left, .address = left.room, .other = left.member});
  }
  void record(const MemberDelivered& delivered) {
    recorded_.add({.kind = detail::ChangeKind::member_delivered,
                   .address = delivered.room,
                   .other = delivered.member,
                   .number = delivered.up_to});
  }
  void record(const MemberAcknowledged& acknowledged) {
    recorded_.add({.kind = detail::ChangeKind::member_acknowledged,
                   .address = acknowledged.room,
                   .other = acknowledged.member,
                   .number = acknowledged.up_to});
  }

  void commit(std::uint64_t turn) {
    recorded_.turn = turn;
    {
      const std::lock_guard guard{mutex_};
      pending_.push_back(std::exchange(recorded_, take_spare()));
    }
    changed_.notify_one();
  }

  std::optional<Commit> completed() {
    const std::lock_guard guard{mutex_};
    return std::exchange(durable_ ? durable_ : failed_, std::nullopt);
  }

  std::error_code load(MessageLoader& loader) {
    forget_what_is_under_way();
    const std::error_code error = keeper_->load(loader);
    const std::lock_guard guard{mutex_};
    counters_.failures += error ? 1 : 0;
    counters_.log_pages = keeper_->log_pages();
    loaded_ = !error;
    return error;
  }

  SqliteStoreCounters counters() const {
    const std::lock_guard guard{mutex_};
    return counters_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// The log is moved into the file when nothing was written for so long, or when it is so long: 64 MiB.
  static constexpr std::chrono::milliseconds quiet_time{100};
  static constexpr std::uint32_t log_pages_when_quiet = 256;
  static constexpr std::uint32_t log_pages_max = 16'384;

  // An exception that leaves the store names the file, or the one beside it that is the trouble.
  template <class Part, class... Arguments>
  static std::unique_ptr<Part> make(const SqliteStoreOptions& options, const Arguments&... arguments) {
    try {
      return std::make_unique<Part>(arguments...);
    } catch (const std::system_error& error) {
      if (error.code().category() == std::generic_category()) {
        throw;
      }
      throw std::system_error{error.code(), options.path.string()};
    }
  }

  // The rest is called with the mutex held where it is not said otherwise.

  detail::Batch take_spare() {
    if (spare_.empty()) {
      return {};
    }
    detail::Batch batch = std::move(spare_.back());
    spare_.pop_back();
    return batch;
  }

  void give_back(std::vector<detail::Batch>& batches) {
    for (detail::Batch& batch : batches) {
      if (spare_.size() < spare_max) {
        batch.clear();
        spare_.push_back(std::move(batch));
      }
    }
    batches.clear();
  }

  bool has_work() const noexcept { return ending_ || (!pending_.empty() && (loaded_ || log_error_)); }

  // The writer.
  void write_until_stopped() {
    std::unique_lock lock{mutex_};
    while (true) {
      const std::uint32_t log_pages = loaded_ ? counters_.log_pages : 0;
      if (log_pages >= log_pages_left_ + log_pages_max) {
        empty_log(lock);
      } else if (log_pages < log_pages_left_ + log_pages_when_quiet) {
        changed_.wait(lock, [this] { return has_work(); });
      } else if (!changed_.wait_for(lock, quiet_time, [this] { return has_work(); }) && loaded_) {
        empty_log(lock);
      }
      if (ending_ && (!finishing_ || pending_.empty() || !loaded_)) {
        return;
      }
      if (!pending_.empty() && loaded_) {
        write_pending(lock);
      } else if (!pending_.empty() && log_error_) {
        report({pending_.back().turn, std::exchange(log_error_, {})}, lock);
      }
      if (pending_.empty() && loaded_ && keeper_->log_will_grow()) {
        prepare_log(lock);
      }
    }
  }

  void write_pending(std::unique_lock<std::mutex>& lock) {
    writing_.swap(pending_);
    const std::uint64_t turn = writing_.back().turn;
    const std::error_code error = use_file(lock, counters_.writing, [this] { return keeper_->write(writing_); });
    if (!error) {
      ++counters_.transactions;
      counters_.turns += writing_.size();
      for (const detail::Batch& batch : writing_) {
        counters_.changes += batch.size();
        counters_.bytes += batch.bytes_in_all();
      }
    }
    give_back(writing_);
    report({turn, error}, lock);
  }

  // Nobody waits for this: that it failed is told with the next commit.
  void empty_log(std::unique_lock<std::mutex>& lock) {
    log_error_ = use_file(lock, counters_.checkpointing, [this] { return keeper_->empty_log(); });
    ++counters_.checkpoints;
    log_pages_left_ = counters_.log_pages;
  }

  // Nor for this.
  void prepare_log(std::unique_lock<std::mutex>& lock) {
    std::chrono::nanoseconds took{};
    log_error_ = use_file(lock, took, [this] { return keeper_->prepare_log(); });
  }

  // Works on the file without the mutex; load() waits for it.
  template <class Work>
  std::error_code use_file(std::unique_lock<std::mutex>& lock, std::chrono::nanoseconds& took, Work work) {
    uses_file_ = true;
    lock.unlock();
    const Clock::time_point begin = Clock::now();
    const std::error_code error = work();
    const std::chrono::nanoseconds duration = Clock::now() - begin;
    lock.lock();
    took += duration;
    uses_file_ = false;
    counters_.log_pages = keeper_->log_pages();
    log_pages_left_ = std::min(log_pages_left_, counters_.log_pages);
    counters_.failures += error ? 1 : 0;
    // What comes later must not be kept where what came before is not.
    loaded_ = loaded_ && !error;
    file_is_free_.notify_all();
    return error;
  }

  // Who waits in load() wants to hear nothing.
  void report(Commit commit, std::unique_lock<std::mutex>& lock) {
    if (abandoning_) {
      return;
    }
    (commit.error ? failed_ : durable_) = commit;
    lock.unlock();
    waker_();
    lock.lock();
  }

  void forget_what_is_under_way() {
    std::unique_lock lock{mutex_};
    recorded_.clear();
    give_back(pending_);
    abandoning_ = true;
    loaded_ = false;
    file_is_free_.wait(lock, [this] { return !uses_file_; });
    abandoning_ = false;
    log_error_ = {};
    log_pages_left_ = 0;
    durable_.reset();
    failed_.reset();
  }

  void end(bool finishing) {
    {
      const std::lock_guard guard{mutex_};
      ending_ = true;
      finishing_ = finishing;
    }
    changed_.notify_one();
    if (writer_.joinable()) {
      writer_.join();
    }
  }

  static constexpr std::size_t spare_max = 4;

  std::unique_ptr<detail::FileLock> lock_;
  /// The writer's while uses_file_, the Messenger's thread's in load().
  std::unique_ptr<detail::Keeper> keeper_;
  Waker waker_;
  /// Only the Messenger's thread has this.
  detail::Batch recorded_;

  mutable std::mutex mutex_;  // For all that follows but the thread.
  std::condition_variable changed_;
  std::condition_variable file_is_free_;
  std::vector<detail::Batch> pending_;
  std::vector<detail::Batch> writing_;
  std::vector<detail::Batch> spare_;
  /// The latest commit that is durable, and one that failed, if they are still to be told.
  std::optional<Commit> durable_;
  std::optional<Commit> failed_;
  SqliteStoreCounters counters_;
  /// Why the log could not be emptied, if that is still to be told; and what was left in it where others read the file.
  std::error_code log_error_;
  std::uint32_t log_pages_left_ = 0;
  /// The file is what load() gave back, and what was written since.
  bool loaded_ = false;
  bool uses_file_ = false;
  bool abandoning_ = false;
  bool ending_ = false;
  bool finishing_ = false;
  std::thread writer_;
};

static_assert(Store<SqliteStore> && CommitsTurns<SqliteStore> && RecordsNamedMailboxes<SqliteStore>);

}  // namespace restante
