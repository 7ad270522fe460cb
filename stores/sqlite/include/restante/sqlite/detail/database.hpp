// SQLite's C interface in types that clean up after themselves. What fails throws std::system_error with SQLite's
// extended result code; nothing of it leaves the store.
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <restante/bytes.hpp>
#include <restante/sqlite/error.hpp>

namespace restante::detail {

/// An open file of SQLite. One thread at a time may use it.
class Database {
 public:
  Database() = default;

  /// Opens a file, which is made if there is none and `makes` says so, through a VFS of this name; null for the usual
  /// one.
  Database(const std::string& path, const char* vfs, bool makes = true) {
    sqlite3* opened = nullptr;
    const int result = sqlite3_open_v2(
        path.c_str(), &opened,
        SQLITE_OPEN_READWRITE | (makes ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    handle_.reset(opened);
    if (result != SQLITE_OK) {
      throw std::system_error{result, sqlite_category()};
    }
  }

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  sqlite3* handle() const noexcept { return handle_.get(); }

  /// Executes statements that give nothing back.
  void run(const char* sql) { check(sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr)); }

  /// The number that a statement gives back.
  std::int64_t number(const char* sql);

  void check(int result) const {
    if (result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE) {
      throw std::system_error{result, sqlite_category()};
    }
  }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A statement that is compiled once and executed often. The database must live longer.
class Statement {
 public:
  Statement() = default;
  Statement(const Database& database, std::string_view sql) {
    sqlite3_stmt* made = nullptr;
    database.check(sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &made, nullptr));
    handle_.reset(made);
  }

  /// Executes it with these values for its parameters, to its end.
  template <class... Values>
  void run(const Values&... values) {
    bind(values...);
    run_bound();
  }

  /// Executes it to its end, with the values that it was given.
  void run_bound() {
    while (step()) {
    }
  }

  /// Sets all of its parameters; bytes and texts must stay where they are until the statement has been executed.
  template <class... Values>
  void bind(const Values&... values) {
    int index = 0;
    bind_behind(index, values...);
  }

  /// Sets the parameters behind the one with this index, counted from 1, and goes on to the last that was set.
  template <class... Values>
  void bind_behind(int& index, const Values&... values) {
    (bind_one(++index, values), ...);
  }

  /// Goes to the next row. Where there is none, or something fails, the statement can be executed again.
  bool step() {
    const int result = sqlite3_step(handle_.get());
    if (result == SQLITE_ROW) {
      return true;
    }
    sqlite3_reset(handle_.get());
    if (result != SQLITE_DONE) {
      throw std::system_error{result, sqlite_category()};
    }
    return false;
  }

  /// Executes it to its end, and gives the number in its first row.
  std::int64_t number_of_row() {
    const std::int64_t number = step() ? signed_number(0) : 0;
    run_bound();
    return number;
  }

  // Columns of the row, numbered from 0; bytes and text are valid until the next step().

  std::int64_t signed_number(int column) { return sqlite3_column_int64(handle_.get(), column); }
  std::uint64_t number(int column) { return static_cast<std::uint64_t>(signed_number(column)); }
  BytesView bytes(int column) {
    const void* const begin = sqlite3_column_blob(handle_.get(), column);
    return {static_cast<const std::uint8_t*>(begin),
            static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
  }

 private:
  // All 64 bits are kept: SQLite shows those from 2^63 on as negative numbers.
  template <std::integral Number>
  void bind_one(int index, Number number) {
    check(sqlite3_bind_int64(handle_.get(), index, static_cast<std::int64_t>(number)));
  }
  void bind_one(int index, BytesView bytes) {
    // Without an address, SQLite would take it for NULL.
    check(sqlite3_bind_blob64(handle_.get(), index,
                              bytes.empty() ? reinterpret_cast<const std::uint8_t*>("") : bytes.data(), bytes.size(),
                              SQLITE_STATIC));
  }
  void bind_one(int index, std::string_view text) {
    check(sqlite3_bind_text64(handle_.get(), index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }

  static void check(int result) {
    if (result != SQLITE_OK) {
      throw std::system_error{result, sqlite_category()};
    }
  }

  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

inline std::int64_t Database::number(const char* sql) {
  Statement statement{*this, sql};
  return statement.number_of_row();
}

/// Takes back what was changed since it was made, unless commit() was called.
class Transaction {
 public:
  /// Statements for many transactions.
  struct Statements {
    explicit Statements(const Database& database) : begin{database, begin_text}, commit{database, commit_text} {}
    Statement begin;
    Statement commit;
  };

  explicit Transaction(Database& database) : database_{database} { database_.run(begin_text); }
  Transaction(Database& database, Statements& statements) : database_{database}, statements_{&statements} {
    statements.begin.run();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    // Many errors take back everything by themselves.
    if (!committed_ && sqlite3_get_autocommit(database_.handle()) == 0) {
      sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
  }

  void commit() {
    statements_ == nullptr ? database_.run(commit_text) : statements_->commit.run();
    committed_ = true;
  }

 private:
  static constexpr const char* begin_text = "BEGIN IMMEDIATE";
  static constexpr const char* commit_text = "COMMIT";

  Database& database_;
  Statements* statements_ = nullptr;
  bool committed_ = false;
};

}  // namespace restante::detail
