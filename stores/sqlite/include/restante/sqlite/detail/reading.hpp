// A file of a store, opened for being read.
#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include <restante/sqlite/detail/database.hpp>
#include <restante/sqlite/detail/faults.hpp>
#include <restante/sqlite/detail/file_books.hpp>
#include <restante/sqlite/detail/ledger.hpp>
#include <restante/sqlite/detail/loading.hpp>
#include <restante/sqlite/detail/schema.hpp>
#include <restante/sqlite/error.hpp>
#include <restante/store.hpp>

namespace restante::detail {

/// Opens a file that has to be there, and throws where it is empty or no database of ours. No statement is executed:
/// SQLite would make files beside it, and finish what another program began in it. And it is opened by SQLite only:
/// closing it otherwise would end all locks on it of a store in this program.
inline Database open_ours(const std::filesystem::path& path, const char* vfs) {
  if (std::error_code none; std::filesystem::is_directory(path, none)) {
    throw std::system_error{std::make_error_code(std::errc::is_a_directory)};
  }
  if (::access(path.c_str(), R_OK) != 0) {
    throw std::system_error{errno, std::generic_category()};
  }
  Database database{path.string(), vfs, false};
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_file* const file = file_of(database, SQLITE_FCNTL_FILE_POINTER);
  constexpr std::string_view magic{"SQLite format 3\0", 16};
  constexpr std::size_t id_at = 68;
  std::array<char, 100> header{};
  sqlite3_int64 bytes = 0;
  database.check(file->pMethods->xFileSize(file, &bytes));
  if (bytes == 0) {
    throw std::system_error{SqliteError::empty};
  }
  const int result = file->pMethods->xRead(file, header.data(), static_cast<int>(header.size()), 0);
  if (result != SQLITE_IOERR_SHORT_READ) {
    database.check(result);
  }
  if (std::string_view{header.data(), magic.size()} != magic) {
    throw std::system_error{std::error_code{SQLITE_NOTADB, sqlite_category()}};
  }
  std::int64_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    id = id * 256 + static_cast<std::uint8_t>(header[id_at + i]);
  }
  if (id != sqlite_application_id) {
    throw std::system_error{SqliteError::foreign_file};
  }
  return database;
}

/// Opens a file so that nothing in it changes, not even when it is closed. Throws where it is not ours.
inline Database open_for_reading(const std::filesystem::path& path, const char* vfs) {
  // Not SQLITE_OPEN_READONLY: then the files beside it would be left behind.
  Database database = open_ours(path, vfs);
  sqlite3_busy_timeout(database.handle(), 1'000);
  database.run(
      "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY");
  return database;
}

/// Tables and indexes that are missing, or are not what they are in a new file.
inline void check_schema(const Database& database, Faults& faults) {
  Database fresh{":memory:", nullptr};
  for (const char* const step : sqlite_migrations) {
    fresh.run(step);
  }
  Statement expected{fresh, "SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name"};
  Statement actual{database, "SELECT coalesce(sql, '') FROM sqlite_schema WHERE name = ?"};
  while (expected.step()) {
    const std::string name{as_text(expected.bytes(0))};
    actual.bind(std::string_view{name});
    if (!actual.step()) {
      faults.add(name + " is missing");
      continue;
    }
    if (as_text(actual.bytes(0)) != as_text(expected.bytes(1))) {
      faults.add(name + " is not what this version makes it");
    }
    while (actual.step()) {
    }
  }
}

/// Everything that SQLite finds wrong with a file.
inline void check_integrity(Database& database, Faults& faults) {
  {
    Statement check{database, "PRAGMA integrity_check(100)"};
    while (check.step()) {
      // Many lines can be in one row, below a title.
      std::istringstream lines{std::string{as_text(check.bytes(0))}};
      for (std::string line; std::getline(lines, line);) {
        if (line != "ok" && !line.starts_with("***")) {
          faults.add(line);
        }
      }
    }
  }
  if (!faults.empty()) {
    try {
      check_pages(database);
    } catch (const std::system_error& error) {
      // A disk that cannot be read says nothing of the file.
      if (!is_unusable(error.code())) {
        throw;
      }
    }
  }
}

/// Everything that the rows have wrong, each on its own and together.
inline void check_rows(Database& database, Faults& faults) {
  Ledger ledger{database};
  FileBooks books{faults};
  Loading{database, ledger, books, &faults}.run();
  books.finish();
  if (database.number("SELECT count(*) FROM store") != 1) {
    faults.add("store has not one row");
  }
}

}  // namespace restante::detail
