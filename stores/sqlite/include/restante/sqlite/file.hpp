// Looking at a file of a SqliteStore, and copying it, while a server uses it or none does.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <restante/sqlite/detail/copy_target.hpp>
#include <restante/sqlite/detail/reading.hpp>
#include <restante/sqlite/detail/selection.hpp>
#include <restante/sqlite/error.hpp>
#include <restante/sqlite/messages.hpp>
#include <restante/sqlite/store.hpp>
#include <restante/store.hpp>

namespace restante {

/// What is in a file.
struct SqliteStatistics {
  /// Addresses that are no rooms, those of classic ids that ever held a message included.
  std::uint64_t mailboxes = 0;
  std::uint64_t rooms = 0;
  std::uint64_t members = 0;
  std::uint64_t messages = 0;
  std::uint64_t payload_bytes = 0;
  /// When the oldest message was accepted, in milliseconds since 1970-01-01 00:00 UTC; 0 where there is none.
  std::uint64_t oldest_ms = 0;
  /// Of the file, and of the log of SQLite beside it.
  std::uint64_t file_bytes = 0;
  std::uint64_t log_bytes = 0;
  /// The version of the tables.
  std::int64_t version = 0;
  /// How often a server loaded it.
  std::uint64_t loads = 0;
};

/// A file of a SqliteStore as it is in the moment in which this is made: what a server writes later is not seen.
/// Nothing in the file is changed, and a server goes on meanwhile; but SQLite's log can only grow while this lives, so
/// it should not live for long. What was durable before it was made is in it. One thread at a time may use it.
/// Everything throws std::system_error where the file cannot be read.
class SqliteFile {
 public:
  /// Throws where there is no such file, or it is empty or not one of ours.
  explicit SqliteFile(const SqliteStoreOptions& options)
      : path_{options.path},
        database_{detail::open_for_reading(path_, options.vfs.empty() ? nullptr : options.vfs.c_str())} {
    database_.run("BEGIN");
    if (detail::version_of(database_, std::size(detail::sqlite_migrations)) == 0) {
      throw std::system_error{SqliteError::empty};
    }
  }

  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  ~SqliteFile() {
    // A log with nothing in it needs no care, and goes with the last who uses it.
    if (log_bytes() == std::uintmax_t{0}) {
      sqlite3_db_config(database_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    }
  }

  /// What is wrong with the file, as sentences, of which there are none where a server would go on with it as if
  /// nothing had happened: SQLite's own integrity check, the rows each on its own, and whether they fit together:
  /// offsets, cursors, and the numbers in windows with the messages that they are of. Looks at everything.
  std::vector<std::string> check() {
    detail::Faults faults;
    try {
      detail::check_integrity(database_, faults);
      detail::check_schema(database_, faults);
      if (faults.empty()) {
        detail::check_rows(database_, faults);
      }
    } catch (const std::system_error& error) {
      if (!is_unusable(error.code())) {
        throw;
      }
      faults.add(error.code().message());
    }
    return faults.take();
  }

  SqliteStatistics statistics() {
    const auto number = [this](const char* sql) { return static_cast<std::uint64_t>(database_.number(sql)); };
    std::error_code ignored;
    const std::uintmax_t file_bytes = std::filesystem::file_size(path_, ignored);
    return {
        .mailboxes = number("SELECT count(*) FROM (SELECT number FROM addresses WHERE substr(name, 1, 1) <> '#'"
                            " UNION SELECT address FROM mailboxes WHERE address < 256)"),
        .rooms = number("SELECT count(*) FROM addresses WHERE substr(name, 1, 1) = '#'"),
        .members = number("SELECT count(*) FROM members"),
        .messages = number("SELECT count(*) FROM messages"),
        .payload_bytes = number("SELECT coalesce(sum(length(payload)), 0) FROM messages"),
        .oldest_ms = number("SELECT coalesce(min(time_ms), 0) FROM messages"),
        .file_bytes = ignored ? 0 : file_bytes,
        .log_bytes = log_bytes().value_or(0),
        .version = database_.number("PRAGMA user_version"),
        .loads = number("SELECT loads FROM store"),
    };
  }

  /// Gives everything to a loader, as the store would at start.
  void read(MessageLoader& loader) {
    detail::Ledger ledger{database_};
    detail::Loading{database_, ledger, loader}.run();
  }

  /// How many messages are meant; nothing where there is no such mailbox.
  std::optional<std::uint64_t> count(const SqliteMessages& which) {
    detail::Selection selection{which};
    read(selection);
    return selection.is_known() ? std::optional{selection.chosen().size()} : std::nullopt;
  }

  /// Copies it to another file, from which a server can start. That one is there when it is whole and synced, and not
  /// before; only its owner can read it. One that is there already is replaced where `replaces` says so, unless it has
  /// a log of SQLite beside it, which a server still needs, or a server uses it. Calls progress(pages, of_pages) now
  /// and then, and goes on while that gives true: otherwise there is no copy, and this gives false. A file whose pages
  /// are damaged is not copied: the copy would look like a backup.
  template <class Progress>
  bool back_up(const std::filesystem::path& copy, bool replaces, Progress progress) {
    detail::CopyTarget target{path_, copy, replaces};
    detail::check_pages(database_);
    {
      detail::Database written{target.written().string(), nullptr, false};
      // It is scrap until it is whole; then it is synced.
      written.run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
      sqlite3_backup* const backup = sqlite3_backup_init(written.handle(), "main", database_.handle(), "main");
      if (backup == nullptr) {
        written.check(sqlite3_extended_errcode(written.handle()));
      }
      constexpr int pages_at_once = 1'024;
      int result = SQLITE_OK;
      bool goes_on = true;
      while (goes_on && (result = sqlite3_backup_step(backup, pages_at_once)) == SQLITE_OK) {
        const int pages = sqlite3_backup_pagecount(backup);
        goes_on = progress(pages - sqlite3_backup_remaining(backup), pages);
      }
      sqlite3_backup_finish(backup);
      written.check(result);
      if (!goes_on) {
        return false;
      }
    }
    target.finish();
    return true;
  }

 private:
  // Nothing where that cannot be said. The path may be a link: the log is beside the file.
  std::optional<std::uintmax_t> log_bytes() const {
    const std::filesystem::path log = sqlite3_filename_wal(sqlite3_db_filename(database_.handle(), "main"));
    std::error_code error;
    if (!std::filesystem::exists(log, error)) {
      return error ? std::nullopt : std::optional<std::uintmax_t>{0};
    }
    const std::uintmax_t bytes = std::filesystem::file_size(log, error);
    return error ? std::nullopt : std::optional{bytes};
  }

  const std::filesystem::path path_;
  detail::Database database_;
};

}  // namespace restante
