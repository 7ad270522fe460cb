// All connections of a loop, and the buffers that they are lent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <restante/asio/detail/session.hpp>
#include <restante/assert.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

/// Gives each connection a slot, and finds it by its name. Loops that share a listener have slots of their own: those
/// that leave the remainder `first` when they are divided by `step`.
template <Engine E>
class SessionTable {
 public:
  explicit SessionTable(std::uint32_t first = 0, std::uint32_t step = 1) : first_{first}, step_{step} {}
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  std::size_t used() const noexcept { return used_; }

  template <class... Arguments>
  Session<E>& claim(Arguments&&... arguments) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    Slot& slot = slots_[index];
    slot.session = std::make_unique<Session<E>>(Connection{first_ + index * step_, slot.generation + 1},
                                                std::forward<Arguments>(arguments)...);
    ++slot.generation;
    free_.pop_back();
    ++used_;
    return *slot.session;
  }

  /// The session has no name any more. Lists may still point to it: it is destroyed by bury().
  void release(Session<E>& session) {
    RESTANTE_ASSERT(session.phase != Phase::gone, "a connection ends once only");
    const std::uint32_t index = (session.name.slot - first_) / step_;
    Slot& slot = slots_[index];
    session.phase = Phase::gone;
    session.take_deadline_back();
    session.tls.reset();
    session.socket.close();
    released_.push_back(std::move(slot.session));
    --used_;
    // A slot whose numbers are used up is left alone, so that no name comes twice.
    if (slot.generation != std::numeric_limits<std::uint32_t>::max()) {
      free_.push_back(index);
    }
  }

  void bury() { released_.clear(); }

  /// The session of a connection that is open, or in a phase from `earliest` to `latest`; nullptr when there is none.
  Session<E>* find(Connection connection, Phase earliest = Phase::open, Phase latest = Phase::open) const {
    const std::uint32_t index = (connection.slot - first_) / step_;
    if (index >= slots_.size() || slots_[index].generation != connection.generation) {
      return nullptr;
    }
    Session<E>* const session = slots_[index].session.get();
    const bool known = session != nullptr && session->phase >= earliest && session->phase <= latest;
    return known ? session : nullptr;
  }

  template <class Act>
  void for_each(Act&& act) {
    for (std::size_t index = 0; index < slots_.size(); ++index) {
      if (Session<E>* const session = slots_[index].session.get(); session != nullptr) {
        act(*session);
      }
    }
  }

 private:
  struct Slot {
    std::unique_ptr<Session<E>> session;
    /// That of the latest connection in this slot.
    std::uint32_t generation = 0;
  };

  std::uint32_t first_;
  std::uint32_t step_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::unique_ptr<Session<E>>> released_;
  std::size_t used_ = 0;
};

/// Buffers that are empty, to be lent to sessions that have something to write: those that wait for nothing keep none.
class SpareBuffers {
 public:
  void lend(std::vector<std::uint8_t>& buffer) {
    if (buffer.capacity() == 0 && !spare_.empty()) {
      buffer.swap(spare_.back());
      spare_.pop_back();
    }
  }

  /// Takes an empty buffer back.
  void take_back(std::vector<std::uint8_t>& buffer) {
    if (buffer.capacity() > kept_bytes || spare_.size() == kept) {
      std::vector<std::uint8_t>{}.swap(buffer);
    } else if (buffer.capacity() > 0) {
      spare_.emplace_back().swap(buffer);
    }
  }

 private:
  /// As many as are used in one turn, and a few that wait for slow peers.
  static constexpr std::size_t kept = 64;
  static constexpr std::size_t kept_bytes = std::size_t{64} * 1024;

  std::vector<std::vector<std::uint8_t>> spare_;
};

}  // namespace restante::asio_detail
