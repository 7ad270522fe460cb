// Something for each connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <restante/transport.hpp>

namespace restante::sim {

/// Keeps a value for each connection that is known, found in constant time. Slots are used again; a name of an earlier
/// connection finds nothing.
template <class Value>
class ConnectionTable {
 public:
  /// A fresh value for a connection, in place of what its slot held.
  Value& insert(Connection connection) {
    if (connection.slot >= rows_.size()) {
      rows_.resize(std::size_t{connection.slot} + 1);
    }
    Row& row = rows_[connection.slot];
    row.generation = connection.generation;
    row.value = Value{};
    return row.value;
  }

  Value* find(Connection connection) {
    if (connection.slot >= rows_.size() || connection.generation == 0 ||
        rows_[connection.slot].generation != connection.generation) {
      return nullptr;
    }
    return &rows_[connection.slot].value;
  }

  void erase(Connection connection) {
    if (Value* const value = find(connection); value != nullptr) {
      *value = Value{};
      rows_[connection.slot].generation = 0;
    }
  }

  /// Calls `visit(Connection, Value&)` for each, in the order of their slots.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t slot = 0; slot < rows_.size(); ++slot) {
      if (rows_[slot].generation != 0) {
        visit(Connection{static_cast<std::uint32_t>(slot), rows_[slot].generation}, rows_[slot].value);
      }
    }
  }

  void clear() { rows_.clear(); }

 private:
  struct Row {
    std::uint32_t generation = 0;
    Value value;
  };

  std::vector<Row> rows_;
};

/// A number for some bytes: the same bytes have the same, others most likely not.
inline std::uint64_t fingerprint(BytesView bytes) noexcept {
  std::uint64_t value = 0xcbf29ce484222325U ^ bytes.size();
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8 && at < bytes.size(); ++i, ++at) {
      word |= std::uint64_t{bytes[at]} << (8 * i);
    }
    value = (value ^ word) * 0x9e3779b97f4a7c15U;
    value ^= value >> 29U;
  }
  return value;
}

}  // namespace restante::sim
