// Replies that may not leave yet.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/transport.hpp>

namespace restante::detail {

/// Replies of all connections in the order in which they were made, each with the turn that must be durable before it
/// may leave. Turns never fall from one reply to the next, so that what may leave is always a beginning.
class HeldReplies {
 public:
  struct Reply {
    Connection connection;
    std::uint64_t turn = 0;
    /// What this reply costs while it is held, in bytes: itself, and the request, which the store may hold as well.
    std::size_t cost_bytes = 0;
    std::vector<std::uint8_t> bytes;
  };

  bool empty() const noexcept { return replies_.empty(); }

  /// The cost of all replies together, in bytes.
  std::size_t cost_bytes() const noexcept { return cost_bytes_; }

  const Reply& front() const { return replies_.front(); }

  /// Keeps a copy of a reply, and gives what it costs.
  std::size_t push_back(Connection connection, std::uint64_t turn, BytesView reply, std::size_t request_bytes) {
    const std::size_t cost = sizeof(Reply) + reply.size() + request_bytes;
    replies_.push_back({connection, turn, cost, {reply.begin(), reply.end()}});
    cost_bytes_ += cost;
    return cost;
  }

  Reply pop_front() {
    Reply reply = std::move(replies_.front());
    replies_.pop_front();
    cost_bytes_ -= reply.cost_bytes;
    return reply;
  }

 private:
  std::deque<Reply> replies_;
  std::size_t cost_bytes_ = 0;
};

}  // namespace restante::detail
