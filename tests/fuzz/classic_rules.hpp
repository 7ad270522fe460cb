// The rules of the classic protocol once more, written from docs/protocol.md and on bytes alone: what the library is
// compared with. Nothing of the library's codec, service or core is used here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/transport.hpp>

namespace restante::fuzz {

using Bytes = std::vector<std::uint8_t>;

class ClassicRules {
 public:
  struct Message {
    std::uint8_t sender = 0;
    Bytes payload;
  };
  using Mailboxes = std::map<std::uint8_t, std::deque<Message>>;

  /// What the books must say.
  struct Counts {
    std::uint64_t loaded = 0;
    std::uint64_t stored = 0;
    std::uint64_t taken = 0;
  };

  ClassicRules(std::size_t mailbox_messages_max, std::size_t payload_bytes_max)
      : mailbox_messages_max_{mailbox_messages_max}, payload_bytes_max_{payload_bytes_max} {}

  /// The one right reply.
  Bytes answer(Connection connection, BytesView request) {
    const std::size_t size = request.size();
    const std::uint8_t third = size >= 3 ? request[2] : std::uint8_t{0};
    if (size == 3 && request[0] == 0 && request[1] == 0) {
      return associate(connection, third);
    }
    if (size == 3 && request[0] == 1 && request[1] == 0) {
      return get(connection, third);
    }
    if (size >= 5 && request[0] == 2 && request[1] == 1) {
      return push(connection, third, request[3], request[4], request.subspan(5));
    }
    return {0, 3, third};
  }

  /// The connection ended.
  void release(Connection connection) {
    std::erase_if(holders_, [&](const auto& holder) { return holder.second == connection; });
  }

  /// The store gave these messages back.
  void load(Mailboxes mailboxes) {
    mailboxes_ = std::move(mailboxes);
    counts_ = {};
    counts_.loaded = held();
    store_available_ = true;
  }

  /// The store could not be loaded.
  void lose_store() {
    mailboxes_ = {};
    counts_ = {};
    store_available_ = false;
  }

  std::uint64_t held() const {
    std::uint64_t sum = 0;
    for (const auto& [id, mailbox] : mailboxes_) {
      sum += mailbox.size();
    }
    return sum;
  }

  /// Empty mailboxes may be left out.
  const Mailboxes& mailboxes() const { return mailboxes_; }
  std::size_t addresses_held() const { return holders_.size(); }
  const Counts& counts() const { return counts_; }
  bool store_available() const { return store_available_; }

 private:
  Bytes associate(Connection connection, std::uint8_t id) {
    const bool was_free = holders_.emplace(id, connection).second;
    return {0, was_free ? std::uint8_t{1} : std::uint8_t{3}, id};
  }

  bool holds(Connection connection, std::uint8_t id) const {
    const auto holder = holders_.find(id);
    return holder != holders_.end() && holder->second == connection;
  }

  Bytes get(Connection connection, std::uint8_t id) {
    if (!holds(connection, id)) {
      return {0, 2, id};
    }
    if (!store_available_) {
      return {0, 3, id};
    }
    std::deque<Message>& mailbox = mailboxes_[id];
    if (mailbox.empty()) {
      return {1, 1, id};
    }
    const Message message = std::move(mailbox.front());
    mailbox.pop_front();
    ++counts_.taken;
    Bytes reply{2, 0, id, message.sender, static_cast<std::uint8_t>(message.payload.size())};
    reply.insert(reply.end(), message.payload.begin(), message.payload.end());
    return reply;
  }

  Bytes push(Connection connection, std::uint8_t sender, std::uint8_t receiver, std::uint8_t length,
             BytesView payload) {
    if (!holds(connection, sender)) {
      return {0, 2, sender};
    }
    if (length == 255 || length != payload.size() || payload.size() > payload_bytes_max_ || !store_available_) {
      return {0, 3, sender};
    }
    if (mailboxes_[receiver].size() >= mailbox_messages_max_) {
      return {1, 3, sender};
    }
    mailboxes_[receiver].push_back({sender, Bytes{payload.begin(), payload.end()}});
    ++counts_.stored;
    return {1, 2, sender};
  }

  std::size_t mailbox_messages_max_;
  std::size_t payload_bytes_max_;
  std::map<std::uint8_t, Connection> holders_;
  Mailboxes mailboxes_;
  Counts counts_;
  bool store_available_ = true;
};

}  // namespace restante::fuzz
