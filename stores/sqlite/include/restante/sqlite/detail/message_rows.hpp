// Rows of messages, many at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/sqlite/detail/batch.hpp>
#include <restante/sqlite/detail/database.hpp>

namespace restante::detail {

/// Adds and deletes rows of messages. A statement that does it for many takes little more than half of the time for
/// each, so that nothing is in the file before write() was called.
class MessageRows {
 public:
  explicit MessageRows(const Database& database)
      : add_{database, insertion_of(1)},
        add_many_{database, insertion_of(rows_at_once)},
        delete_{database, "DELETE FROM messages WHERE id BETWEEN ? AND ?"},
        forget_numbers_{database, "UPDATE messages SET sequence = 0 WHERE sender = ? AND sequence <> 0"} {
    added_.reserve(rows_at_once);
  }

  /// Adds a row. Ids only ever rise; the payload must stay where it is until write().
  void add(std::int64_t id, const RecordedChange& stored, BytesView payload) {
    added_.push_back({id, stored, payload});
    if (added_.size() == rows_at_once) {
      int column = 0;
      for (const Row& row : added_) {
        bind(add_many_, row, column);
      }
      add_many_.run_bound();
      added_.clear();
    }
  }

  /// Deletes the row with this id, which was added before and never deleted.
  void remove(std::int64_t id) { removed_.push_back(id); }

  /// Takes the numbers off all messages of a sender.
  void forget_numbers(Address sender) {
    write_added();
    forget_numbers_.run(sender.index());
  }

  void write() {
    write_added();
    write_removed();
  }

 private:
  static constexpr std::size_t rows_at_once = 16;

  struct Row {
    std::int64_t id;
    RecordedChange stored;
    BytesView payload;
  };

  static std::string insertion_of(std::size_t rows) {
    std::string sql = "INSERT INTO messages VALUES";
    for (std::size_t row = 0; row < rows; ++row) {
      sql += row == 0 ? "(?, ?, ?, ?, ?, ?, ?, ?)" : ", (?, ?, ?, ?, ?, ?, ?, ?)";
    }
    return sql;
  }

  static void bind(Statement& statement, const Row& row, int& column) {
    statement.bind_behind(column, row.id, row.stored.address.index(), row.stored.number, row.stored.other.index(),
                          row.stored.sequence, row.stored.time_ms, row.stored.expires_ms, row.payload);
  }

  void write_added() {
    for (const Row& row : added_) {
      int column = 0;
      bind(add_, row, column);
      add_.run_bound();
    }
    added_.clear();
  }

  // What arrives together is often acknowledged together, whomever it was for: then many ids follow each other.
  void write_removed() {
    std::sort(removed_.begin(), removed_.end());
    for (auto first = removed_.begin(); first != removed_.end();) {
      auto last = first;
      while (last + 1 != removed_.end() && *(last + 1) == *last + 1) {
        ++last;
      }
      delete_.run(*first, *last);
      first = last + 1;
    }
    removed_.clear();
  }

  Statement add_;
  Statement add_many_;
  Statement delete_;
  Statement forget_numbers_;
  std::vector<Row> added_;
  std::vector<std::int64_t> removed_;
};

}  // namespace restante::detail
