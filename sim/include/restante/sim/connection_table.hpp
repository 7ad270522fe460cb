// Something for each connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <restante/transport.hpp>

namespace restante::sim {

/// Keeps a value for each connection that is known. Slots are used again, and while one side has not noticed yet that a
/// connection is gone, because its machine sleeps, others may be in its slot: the latest of a slot are kept apart,
/// older ones forgotten.
template <class Value>
class ConnectionTable {
 public:
  /// A fresh value for a connection.
  Value& insert(Connection connection) {
    if (connection.slot >= slots_.size()) {
      slots_.resize(std::size_t{connection.slot} + 1);
    }
    std::vector<Row>& rows = slots_[connection.slot];
    if (rows.size() == kept_max) {
      rows.erase(rows.begin());
    }
    rows.push_back({connection.generation, Value{}});
    return rows.back().value;
  }

  Value* find(Connection connection) {
    if (connection.slot < slots_.size()) {
      // Most questions are about the latest.
      std::vector<Row>& rows = slots_[connection.slot];
      for (std::size_t i = rows.size(); i > 0; --i) {
        if (rows[i - 1].generation == connection.generation) {
          return &rows[i - 1].value;
        }
      }
    }
    return nullptr;
  }

  void erase(Connection connection) {
    if (connection.slot < slots_.size()) {
      std::erase_if(slots_[connection.slot],
                    [connection](const Row& row) { return row.generation == connection.generation; });
    }
  }

  /// Calls `visit(Connection, Value&)` for each, in the order of their slots. It may erase none.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      for (Row& row : slots_[slot]) {
        visit(Connection{static_cast<std::uint32_t>(slot), row.generation}, row.value);
      }
    }
  }

  /// How many there are.
  std::size_t size() const {
    std::size_t count = 0;
    for (const std::vector<Row>& rows : slots_) {
      count += rows.size();
    }
    return count;
  }

  void clear() { slots_.clear(); }

 private:
  static constexpr std::size_t kept_max = 64;

  struct Row {
    std::uint32_t generation = 0;
    Value value;
  };

  std::vector<std::vector<Row>> slots_;
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
