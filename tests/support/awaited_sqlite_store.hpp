// A SqliteStore that finishes what it is asked for before a test goes on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <restante/sqlite.hpp>

namespace restante::test {

/// Hears a waker.
class Bell {
 public:
  Waker waker() {
    return {this, [](void* context) { static_cast<Bell*>(context)->ring(); }};
  }

  /// Waits until it rings, or has.
  void wait() {
    std::unique_lock lock{mutex_};
    rang_.wait(lock, [this] { return rings_ > 0; });
    --rings_;
  }

 private:
  void ring() {
    const std::lock_guard guard{mutex_};
    ++rings_;
    rang_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable rang_;
  int rings_ = 0;
};

/// A SqliteStore that is waited for: when commit() returns it is durable, or has failed, and the waker was called. So a
/// test knows when a reply has to be there.
class AwaitedStore {
 public:
  explicit AwaitedStore(std::filesystem::path path, std::string vfs = {})
      : store_{std::make_unique<SqliteStore>(SqliteStoreOptions{std::move(path), std::move(vfs)})} {}

  void start(Waker waker) {
    waker_ = waker;
    store_->start(bell_.waker());
  }
  void stop() { store_->stop(); }
  template <class Change>
  void record(const Change& change) {
    store_->record(change);
  }
  void commit(std::uint64_t turn) {
    store_->commit(turn);
    while (!(completed_ = store_->completed())) {
      bell_.wait();
    }
    waker_();
  }
  std::optional<Commit> completed() { return std::exchange(completed_, std::nullopt); }
  std::error_code load(MessageLoader& loader) { return store_->load(loader); }

 private:
  Bell bell_;
  std::unique_ptr<SqliteStore> store_;
  Waker waker_;
  std::optional<Commit> completed_;
};

static_assert(RecordsNamedMailboxes<AwaitedStore> && CommitsTurns<AwaitedStore>);

}  // namespace restante::test
