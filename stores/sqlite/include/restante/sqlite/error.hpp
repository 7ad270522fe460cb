// What can go wrong with a file of SQLite, as std::error_code.
#pragma once

#include <sqlite3.h>

#include <string>
#include <system_error>

namespace restante {

/// Why a file cannot be used, where SQLite itself finds nothing wrong with it. What SQLite finds has SQLite's own
/// extended result codes, which are positive, in the same category.
enum class SqliteError {
  /// It is a file of another program.
  foreign_file = -1,
  /// It was written by a later version of Restante.
  newer_version = -2,
  /// Another server uses it.
  in_use = -3,
  /// What it says cannot be.
  damaged = -4,
  /// Somebody else changed it while it was in use.
  changed_elsewhere = -5,
  /// It, or its log, was removed, renamed or replaced while it was in use.
  moved = -6,
  /// It has mailboxes already, where an empty one is needed.
  not_empty = -7,
  /// There is nothing in it, where a store is needed.
  empty = -8,
};

}  // namespace restante

template <>
struct std::is_error_code_enum<restante::SqliteError> : std::true_type {};

namespace restante {

namespace detail {

class SqliteErrorCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sqlite"; }
  std::string message(int value) const override {
    switch (static_cast<SqliteError>(value)) {
      case SqliteError::foreign_file:
        return "this is a file of another program, and is left as it is";
      case SqliteError::newer_version:
        return "the file was written by a later version of Restante, and is left as it is";
      case SqliteError::in_use:
        return "another server or 'restante store' uses the file";
      case SqliteError::damaged:
        return "the file is damaged, and is left as it is: restore a backup";
      case SqliteError::changed_elsewhere:
        return "another program changed the file";
      case SqliteError::moved:
        return "the file, or its log, is no longer where it was: bring it back, or start again to begin a new one";
      case SqliteError::not_empty:
        return "the file has mailboxes already, and is left as it is";
      case SqliteError::empty:
        return "the file is empty; a server that is started with it makes a store of it";
    }
    return words_of(value) + " (SQLite's code " + std::to_string(value) + ")";
  }

 private:
  // Where its words do not say what to do.
  std::string words_of(int code) const {
    switch (code & 0xff) {
      case SQLITE_CORRUPT:
        return message(static_cast<int>(SqliteError::damaged));
      case SQLITE_NOTADB:
        return std::string{sqlite3_errstr(code)} + ", and is left as it is";
      default:
        return sqlite3_errstr(code);
    }
  }
};

}  // namespace detail

/// The category of SqliteError and of SQLite's codes; its name is "sqlite".
inline const std::error_category& sqlite_category() noexcept {
  static const detail::SqliteErrorCategory category;
  return category;
}

/// Found by std::error_code when it is made from a SqliteError.
inline std::error_code make_error_code(SqliteError error) noexcept {
  return {static_cast<int>(error), sqlite_category()};
}

/// Whether the file itself is at fault, so that trying again is of no use: it is no file of Restante's, or is damaged.
inline bool is_unusable(std::error_code error) noexcept {
  return error == SqliteError::foreign_file || error == SqliteError::newer_version || error == SqliteError::damaged ||
         (error.category() == sqlite_category() && error.value() > 0 &&
          ((error.value() & 0xff) == SQLITE_CORRUPT || (error.value() & 0xff) == SQLITE_NOTADB));
}

}  // namespace restante
