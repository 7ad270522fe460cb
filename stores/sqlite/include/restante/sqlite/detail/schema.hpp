// What a file of the store looks like (docs/operations.md), and how a file becomes one.
#pragma once

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <restante/sqlite/detail/database.hpp>
#include <restante/sqlite/error.hpp>

namespace restante::detail {

/// Says that a file of SQLite is one of ours: "Rsta".
inline constexpr std::int64_t sqlite_application_id = 0x52737461;

/// Each brings a file from the version that is its index to the next; a new file has version 0. A version that was ever
/// released is never changed.
inline constexpr const char* sqlite_migrations[] = {
    // Numbers of addresses are the core's, of classic ids the ids themselves.
    "CREATE TABLE addresses(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL,"
    "  was_opened INTEGER NOT NULL) STRICT;"
    // Also of rooms. Everything below delivered_end was delivered to somebody.
    "CREATE TABLE mailboxes(address INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL,"
    "  delivered_end INTEGER NOT NULL) STRICT;"
    // In the order of acceptance, so that what comes is written to the end, whomever it is for. Who has what is known
    // to
    // the store from loading on.
    "CREATE TABLE messages(id INTEGER PRIMARY KEY, receiver INTEGER NOT NULL, \"offset\" INTEGER NOT NULL,"
    "  sender INTEGER NOT NULL, sequence INTEGER NOT NULL, time_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
    "  payload BLOB NOT NULL) STRICT;"
    // The state of number n is byte n % 256 of the states.
    "CREATE TABLE windows(sender INTEGER PRIMARY KEY, highest INTEGER NOT NULL, states BLOB NOT NULL) STRICT;"
    // In the order of joining.
    "CREATE TABLE members(id INTEGER PRIMARY KEY, room INTEGER NOT NULL, member INTEGER NOT NULL,"
    "  cursor INTEGER NOT NULL, delivered_end INTEGER NOT NULL, UNIQUE(room, member)) STRICT;"
    "CREATE INDEX members_of ON members(member);"
    // How often the file was loaded: written each time, to see that it can be.
    "CREATE TABLE store(loads INTEGER NOT NULL) STRICT;"
    "INSERT INTO store VALUES(0);"};

/// The version of a file, 0 for one that is empty. Throws where it is not ours, or of a version above `latest`.
inline std::int64_t version_of(Database& database, std::int64_t latest) {
  const std::int64_t id = database.number("PRAGMA application_id");
  const bool is_new = id == 0 && database.number("PRAGMA page_count") == 0;
  if (id != sqlite_application_id && !is_new) {
    throw std::system_error{SqliteError::foreign_file};
  }
  const std::int64_t version = database.number("PRAGMA user_version");
  if (version > latest) {
    throw std::system_error{SqliteError::newer_version};
  }
  if (version < 0 || (version == 0 && !is_new)) {
    throw std::system_error{SqliteError::damaged};
  }
  return version;
}

/// A file of a database as its VFS has it: the database's own, or its log or journal. Null where it is not open.
inline sqlite3_file* file_of(Database& database, int which) {
  sqlite3_file* file = nullptr;
  database.check(sqlite3_file_control(database.handle(), "main", which, &file));
  return file != nullptr && file->pMethods != nullptr ? file : nullptr;
}

/// Calls take(bytes, count, offset) for all of a file, piece by piece. Throws where it cannot be read.
template <class Take>
void read_through(Database& database, sqlite3_file& file, Take take) {
  sqlite3_int64 size = 0;
  database.check(file.pMethods->xFileSize(&file, &size));
  std::vector<char> bytes(65'536);
  for (sqlite3_int64 at = 0; at < size; at += static_cast<sqlite3_int64>(bytes.size())) {
    const int count = static_cast<int>(std::min(size - at, static_cast<sqlite3_int64>(bytes.size())));
    database.check(file.pMethods->xRead(&file, bytes.data(), count, at));
    take(bytes.data(), count, at);
  }
}

/// Looks through the pages of a file. Throws where one is damaged, or cannot be read.
inline void check_pages(Database& database) {
  const auto are_sound = [&] {
    Statement check{database, "PRAGMA quick_check(1)"};
    return check.step() && as_text(check.bytes(0)) == "ok";
  };
  if (are_sound()) {
    return;
  }
  // SQLite says the same of a page that could not be read as of one with nonsense in it, and only the second is for
  // ever: so the disk is asked on its own, and then SQLite once more.
  for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    if (sqlite3_file* const file = file_of(database, which)) {
      read_through(database, *file, [](const char*, int, sqlite3_int64) {});
    }
  }
  if (!are_sound()) {
    throw std::system_error{SqliteError::damaged};
  }
}

/// Makes sure that what can be read in the log is on the disk. Where a sync failed, it need not be: the system has what
/// was written, takes it for written, and says at the next sync that all is well (fsyncgate). What is accepted behind
/// such a hole is lost when the power fails. So all of it is written once more, as it is, and synced, before anything
/// is believed; whether the last transactions are in it is chance, and then settled. The file itself needs no such
/// care: the log keeps everything until a sync of the file has succeeded, and it is written from there again.
inline void settle_log(Database& database) {
  // So that nobody else writes to it meanwhile.
  const Transaction transaction{database};
  sqlite3_file* const log = file_of(database, SQLITE_FCNTL_JOURNAL_POINTER);
  if (log == nullptr) {
    return;
  }
  bool has_some = false;
  read_through(database, *log, [&](const char* bytes, int count, sqlite3_int64 offset) {
    database.check(log->pMethods->xWrite(log, bytes, count, offset));
    has_some = true;
  });
  if (has_some) {
    database.check(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL));
  }
}

/// Makes the log longer by zeros, which are on the disk when this returns. SQLite takes nothing behind the last
/// transaction for one: each frame has a checksum. False where the disk has no place for it.
inline bool extend_log(Database& database, std::uint32_t bytes) {
  // So that nobody else writes to it meanwhile.
  const Transaction transaction{database};
  sqlite3_file* const log = file_of(database, SQLITE_FCNTL_JOURNAL_POINTER);
  if (log == nullptr) {
    return false;
  }
  sqlite3_int64 size = 0;
  database.check(log->pMethods->xFileSize(log, &size));
  const std::vector<char> zeros(65'536);
  for (const sqlite3_int64 end = size + bytes; size < end; size += static_cast<sqlite3_int64>(zeros.size())) {
    const int result = log->pMethods->xWrite(log, zeros.data(), static_cast<int>(zeros.size()), size);
    if ((result & 0xff) == SQLITE_FULL) {
      return false;
    }
    database.check(result);
  }
  database.check(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL));
  return true;
}

/// Brings a file to the latest version, a step at a time, each done wholly or not at all.
inline void migrate(Database& database, std::int64_t version, std::span<const char* const> migrations) {
  for (const char* const step : migrations.subspan(static_cast<std::size_t>(version))) {
    Transaction transaction{database};
    database.run(("PRAGMA application_id = " + std::to_string(sqlite_application_id)).c_str());
    database.run(step);
    database.run(("PRAGMA user_version = " + std::to_string(++version)).c_str());
    transaction.commit();
  }
}

/// Makes an empty file that only its owner can read; SQLite would let everybody, and gives its log the permissions that
/// the file has. One that is there is not touched: closing it would end locks that this program has on it. What fails
/// is said when SQLite opens it.
inline void make_private(const std::string& path) noexcept {
  const int descriptor = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) {
    ::close(descriptor);
  }
}

/// Opens a file with everything set that durability and speed depend on. The first time it is made if there is none,
/// and its pages are looked through; later it must still be there, since a new one in its place would have lost all
/// mail.
inline Database open_database(const std::string& path, const char* vfs, bool is_first,
                              std::span<const char* const> migrations = sqlite_migrations) {
  if (is_first && vfs == nullptr) {
    make_private(path);
  }
  Database database{path, vfs, is_first};
  // A file that turns out not to be ours stays as it is when it is closed.
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_busy_timeout(database.handle(), 50);
  // In a log the same as FULL. Until there is one, a journal that was deleted could be back after a power cut.
  database.run("PRAGMA synchronous = EXTRA");
  const std::int64_t version = version_of(database, static_cast<std::int64_t>(migrations.size()));
  if (is_first) {
    check_pages(database);
  } else if (version == 0) {
    throw std::system_error{SqliteError::moved};
  }
  settle_log(database);
  migrate(database, version, migrations);
  {
    Statement mode{database, "PRAGMA journal_mode = WAL"};
    if (!mode.step() || as_text(mode.bytes(0)) != "wal") {
      throw std::system_error{SQLITE_CANTOPEN, sqlite_category()};
    }
  }
  // A log that is once as long as it gets need not grow, which makes syncs cheaper. After most commits that moved rows
  // between pages, SQLite looks at each page in its cache: a larger one makes a file with many messages slower.
  database.run(
      "PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -4096; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 134217728");
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return database;
}

}  // namespace restante::detail
