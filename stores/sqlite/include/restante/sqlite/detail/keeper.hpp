// The file, while one thread at a time has it: opening, writing, reading, and coming back from failures.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/sqlite/detail/batch.hpp>
#include <restante/sqlite/detail/database.hpp>
#include <restante/sqlite/detail/file_identity.hpp>
#include <restante/sqlite/detail/ledger.hpp>
#include <restante/sqlite/detail/loading.hpp>
#include <restante/sqlite/detail/schema.hpp>
#include <restante/sqlite/error.hpp>
#include <restante/store.hpp>

namespace restante::detail {

/// Gives what `work` ends with: no error, or the one that it throws.
template <class Work>
std::error_code error_of(Work work) {
  try {
    work();
    return {};
  } catch (const std::system_error& error) {
    return error.code();
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
}

/// Owns the file. After a failure nothing can be written until load() has succeeded, on a file that was opened anew.
class Keeper {
 public:
  /// Opens the file, and throws std::system_error where it cannot be used.
  Keeper(std::string path, std::string vfs) : path_{std::move(path)}, vfs_{std::move(vfs)} { open(true); }

  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Writes batches as one transaction. After an error, which of them were kept is known when they were loaded.
  std::error_code write(const std::vector<Batch>& batches) {
    return note(error_of([&] {
      Transaction transaction{database_, writing_->transaction};
      expect_unchanged();
      for (const Batch& batch : batches) {
        writing_->ledger.apply(batch);
      }
      writing_->ledger.finish();
      transaction.commit();
    }));
  }

  /// Gives back what is in the file.
  std::error_code load(MessageLoader& loader) {
    return note(error_of([&] {
      if (failed_) {
        open(false);
      }
      sqlite3_busy_timeout(database_.handle(), 50);
      writing_.emplace(database_);
      Transaction transaction{database_};
      data_version_ = writing_->data_version.number_of_row();
      // A file that cannot be written is not available.
      database_.run("UPDATE store SET loads = loads + 1");
      Loading{database_, writing_->ledger, loader}.run();
      transaction.commit();
      // SQLite can say that there is a log when making it failed.
      if (log_pages_ == 0) {
        throw std::system_error{SQLITE_CANTOPEN, sqlite_category()};
      }
      log_ = identity(log_path());
      // The thread that writes can wait longer for others than the one that loads.
      sqlite3_busy_timeout(database_.handle(), 1'000);
      failed_ = false;
    }));
  }

  /// Pages in the log that are not in the file yet, at most.
  std::uint32_t log_pages() const noexcept { return log_pages_; }

  /// Whether the log is in use and next to no longer than what is in it.
  bool log_will_grow() const noexcept {
    return log_pages_ >= log_pages_left_min && log_pages_ + log_pages_left_min > log_pages_prepared_;
  }

  /// Makes the log longer than what is in it: a sync takes half the time where the file does not grow.
  std::error_code prepare_log() {
    return note(error_of([&] {
      // A disk that has no place for this may have some for what is really written.
      log_pages_prepared_ = UINT32_MAX;
      if (extend_log(database_, log_bytes_ahead)) {
        log_pages_prepared_ = log_pages_ + log_bytes_ahead / log_bytes_of_page;
      }
    }));
  }

  /// Moves what is in the log into the file. What others still read, or the disk has no place for, stays in the log,
  /// where it is as safe.
  std::error_code empty_log() {
    return note(error_of([&] {
      int in_log = 0;
      int moved = 0;
      const int result =
          sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
      if (result == SQLITE_OK && in_log == moved) {
        log_pages_ = 0;
      } else if ((result & 0xff) != SQLITE_BUSY && (result & 0xff) != SQLITE_FULL) {
        database_.check(result);
      }
    }));
  }

 private:
  static constexpr std::uint32_t log_pages_left_min = 64;
  static constexpr std::uint32_t log_bytes_of_page = 4096 + 24;
  static constexpr std::uint32_t log_bytes_ahead = 2 * 1024 * 1024;

  // What is compiled once for many transactions.
  struct Writing {
    explicit Writing(const Database& database)
        : transaction{database}, data_version{database, "PRAGMA data_version"}, ledger{database} {}
    Transaction::Statements transaction;
    Statement data_version;
    Ledger ledger;
  };

  void open(bool is_first) {
    writing_.reset();
    save_log();
    log_.reset();
    database_ = {};
    log_pages_ = 0;
    log_pages_prepared_ = 0;
    if (!is_first) {
      expect_same_file();
    }
    database_ = open_database(path_, vfs_.empty() ? nullptr : vfs_.c_str(), is_first);
    if (is_first) {
      file_ = identity(path_);
    }
    sqlite3_wal_hook(
        database_.handle(),
        [](void* pages, sqlite3*, const char*, int count) {
          *static_cast<std::uint32_t*>(pages) = static_cast<std::uint32_t>(count);
          return SQLITE_OK;
        },
        &log_pages_);
  }

  // What a simulated disk does with files is its own matter.
  std::optional<FileIdentity> identity(const std::string& path) const {
    return vfs_.empty() ? identity_of(path) : std::nullopt;
  }

  // Another one in its place is probably a backup: clients have seen more than what is in it, and would have to be
  // told.
  void expect_same_file() const {
    const std::optional<FileIdentity> found = identity(path_);
    if (found && found != file_) {
      throw std::system_error{SqliteError::moved};
    }
  }

  std::string log_path() const { return sqlite3_filename_wal(sqlite3_db_filename(database_.handle(), "main")); }

  bool has_moved() const {
    int was_moved = 0;
    database_.check(sqlite3_file_control(database_.handle(), "main", SQLITE_FCNTL_HAS_MOVED, &was_moved));
    return was_moved != 0;
  }

  // A log without a name is there as long as it is open. So it is moved into the file before it is closed, which needs
  // that nobody else has the file open: SQLite would go on with what it knows of this log in the next one. Until then
  // it stays open, and this is tried again with the next load.
  void save_log() {
    if (!database_ || !log_ || has_moved() || identity(log_path()) == log_) {
      return;
    }
    // Who has written to another log since has changed what SQLite knows of this one.
    std::error_code none;
    if (std::filesystem::file_size(log_path(), none) != 0 && !none) {
      throw std::system_error{SqliteError::moved};
    }
    sqlite3_busy_timeout(database_.handle(), 50);
    Statement mode{database_, "PRAGMA journal_mode = DELETE"};
    if (!mode.step() || as_text(mode.bytes(0)) != "delete") {
      throw std::system_error{SqliteError::moved};
    }
  }

  // The ledger, and the core, know what was there when it was loaded. And what is written to a file or log that has no
  // name any more is gone when the program ends.
  void expect_unchanged() {
    if (has_moved() || identity(log_path()) != log_) {
      throw std::system_error{SqliteError::moved};
    }
    if (data_version_ != writing_->data_version.number_of_row()) {
      throw std::system_error{SqliteError::changed_elsewhere};
    }
  }

  std::error_code note(std::error_code error) {
    failed_ = failed_ || error;
    return error;
  }

  const std::string path_;
  const std::string vfs_;
  /// Which file it was at first.
  std::optional<FileIdentity> file_;
  /// Which one its log is, once it was loaded.
  std::optional<FileIdentity> log_;
  std::uint32_t log_pages_ = 0;
  /// For so many it need not become longer, at least.
  std::uint32_t log_pages_prepared_ = 0;
  Database database_;
  /// Not set before the file was loaded.
  std::optional<Writing> writing_;
  std::int64_t data_version_ = 0;
  bool failed_ = false;
};

}  // namespace restante::detail
