// A disk for SQLite whose power fails, and whose calls do.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <restante/memory/random.hpp>

struct sqlite3_vfs;

namespace restante::test {

/// A VFS of SQLite that keeps what was written apart from what was synced. Files lie where they always do, with what
/// was written; what a disk would have after a power cut is computed. Nothing is really synced. Any thread may use it.
class PowerCutVfs {
 public:
  /// What a power cut does to writes that are not synced.
  enum class Cut {
    /// None of them is there.
    lose,
    /// All of them are: the program was killed.
    keep,
    /// Chance decides for each sector of 512 bytes, each truncation, and each file that was made or removed.
    tear,
  };

  /// What a call does to a file that is about durability, and can fail.
  enum class Call { open, read, write, truncate, sync, remove };

  /// Files by the ends of their names, behind that of the database: "", "-wal", "-journal".
  using Files = std::map<std::string, std::string>;

  PowerCutVfs();
  PowerCutVfs(const PowerCutVfs&) = delete;
  PowerCutVfs& operator=(const PowerCutVfs&) = delete;
  ~PowerCutVfs();

  /// By which SQLite knows it.
  const std::string& name() const noexcept { return name_; }

  /// What is there after a power cut at this moment, of the database at `path`.
  Files after_cut(const std::filesystem::path& path, Cut cut, Random& random) const;

  /// Called before each write, truncation, sync and removal, on the thread that makes it, and before nothing else while
  /// it runs.
  std::function<void()> before_step;

  /// How much of what was written reaches the disk when a sync fails. The rest can still be read, and no later sync
  /// writes it (fsyncgate). To be set before anything fails.
  Cut left_by_failed_sync = Cut::lose;

  /// How many calls there were; the one with the number of fail_at, counted from 0, ends with this result of SQLite's.
  std::uint64_t calls() const;
  void fail_at(std::uint64_t call, int result);
  /// The same for syncs alone.
  std::uint64_t syncs() const;
  /// From now on every write, truncation and sync fails with this result, or each of one kind; 0 for none.
  void fail_all(int result, std::optional<Call> kind = std::nullopt);
  /// The call that failed, if one did.
  std::optional<Call> failed() const;

  /// While it lives, whoever wants to write or sync waits.
  class Hold {
   public:
    explicit Hold(PowerCutVfs& disk);
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold();
    /// Waits until somebody waits.
    void wait_for_step() const;

   private:
    PowerCutVfs& disk_;
  };

 private:
  friend struct PowerCutFile;
  friend struct PowerCutCalls;

  struct Change {
    std::uint64_t offset = 0;
    /// Nothing where the file was cut to `offset` bytes.
    std::optional<std::string> bytes;
  };

  struct File {
    /// Its name is on the disk.
    bool is_there = false;
    /// It was made, and not synced since.
    bool is_fresh = false;
    /// It was removed, which is not on the disk yet.
    bool removed = false;
    std::string synced;
    std::vector<Change> unsynced;
  };

  static void apply(std::string& bytes, const Change& change, Cut cut, Random& random);
  /// Notes a call, and gives the result with which it is to fail, or 0.
  int begin(Call call);
  void opened(const std::string& path, bool existed);
  void changed(const std::string& path, Change change);
  void synced(const std::string& path);
  void sync_failed(const std::string& path);
  void removed(const std::string& path, bool synced);

  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;

  mutable std::mutex mutex_;
  mutable std::condition_variable held_changed_;
  std::map<std::string, File> files_;
  Random random_{1};
  std::uint64_t calls_ = 0;
  std::uint64_t syncs_ = 0;
  std::uint64_t fail_at_ = UINT64_MAX;
  int fail_result_ = 0;
  int fail_all_ = 0;
  std::optional<Call> fail_all_of_;
  std::optional<Call> failed_;
  int holds_ = 0;
  int waiting_ = 0;
};

}  // namespace restante::test
