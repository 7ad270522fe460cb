// The classic protocol once more, in the simplest words: what the properties compare the real Messenger with. Written
// from docs/protocol.md and sharing no code with the library, so that both are not wrong in the same way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace restante::property {

using Bytes = std::vector<std::uint8_t>;
using Id = std::uint8_t;

/// Names a connection in a test, from 0.
using Peer = std::size_t;

struct ModelLimits {
  std::size_t mailbox_messages_max = 100;
  std::size_t payload_bytes_max = 254;
};

struct ModelMessage {
  Id sender = 0;
  Bytes payload;

  friend bool operator==(const ModelMessage&, const ModelMessage&) = default;
};

using ModelMailboxes = std::map<Id, std::deque<ModelMessage>>;

/// How often each rule was applied.
struct ModelTally {
  std::uint64_t associated = 0;
  std::uint64_t address_taken = 0;
  std::uint64_t push_stored = 0;
  std::uint64_t push_not_associated = 0;
  std::uint64_t push_payload_too_large = 0;
  std::uint64_t push_mailbox_full = 0;
  std::uint64_t get_message = 0;
  std::uint64_t get_empty = 0;
  std::uint64_t get_not_associated = 0;
  std::uint64_t storage_unavailable = 0;
};

/// A queue per mailbox, and who holds which id. A value: a copy goes on by itself.
class ClassicModel {
 public:
  explicit ClassicModel(ModelLimits limits = {}) : limits_{limits} {}

  /// The reply to a binary message of this connection, and what the message changes.
  Bytes answer(Peer peer, const Bytes& message) {
    if (message.size() < 3) {
      return {0x00, 0x03, 0x00};
    }
    const Id id = message[2];
    if (message[0] == 0x00 && message[1] == 0x00 && message.size() == 3) {
      return answer_associate(peer, id);
    }
    if (message[0] == 0x01 && message[1] == 0x00 && message.size() == 3) {
      return answer_get(peer, id);
    }
    if (message[0] == 0x02 && message[1] == 0x01 && message.size() >= 5) {
      return answer_push(peer, id, message[3], message[4], Bytes(message.begin() + 5, message.end()));
    }
    return {0x00, 0x03, id};
  }

  /// The connection is gone: its ids are free, and no mailbox changes.
  void close(Peer peer) {
    std::erase_if(holders_, [peer](const auto& entry) { return entry.second == peer; });
  }

  /// The store failed (false) or works again (true). While it does not, nothing changes a mailbox.
  void set_store_available(bool available) { store_available_ = available; }

  /// What is in the mailboxes after the store was loaded. Ids stay with their holders.
  void load(ModelMailboxes mailboxes) {
    mailboxes_ = std::move(mailboxes);
    std::erase_if(mailboxes_, [](const auto& entry) { return entry.second.empty(); });
    loaded_ = held();
    stored_ = 0;
    taken_ = 0;
  }

  bool holds(Peer peer, Id id) const {
    const auto holder = holders_.find(id);
    return holder != holders_.end() && holder->second == peer;
  }

  std::vector<Id> ids_of(Peer peer) const {
    std::vector<Id> ids;
    for (const auto& [id, holder] : holders_) {
      if (holder == peer) {
        ids.push_back(id);
      }
    }
    return ids;
  }

  std::size_t depth(Id id) const {
    const auto mailbox = mailboxes_.find(id);
    return mailbox == mailboxes_.end() ? 0 : mailbox->second.size();
  }

  std::uint64_t held() const {
    std::uint64_t held = 0;
    for (const auto& [id, mailbox] : mailboxes_) {
      held += mailbox.size();
    }
    return held;
  }

  std::size_t ids_held() const { return holders_.size(); }
  std::uint64_t loaded() const { return loaded_; }
  std::uint64_t stored() const { return stored_; }
  std::uint64_t taken() const { return taken_; }
  const ModelTally& tally() const { return tally_; }
  const ModelLimits& limits() const { return limits_; }
  const ModelMailboxes& mailboxes() const { return mailboxes_; }

 private:
  // Rule 1.
  Bytes answer_associate(Peer peer, Id id) {
    if (holders_.contains(id)) {
      ++tally_.address_taken;
      return {0x00, 0x03, id};
    }
    holders_[id] = peer;
    ++tally_.associated;
    return {0x00, 0x01, id};
  }

  // Rule 3.
  Bytes answer_get(Peer peer, Id id) {
    if (!holds(peer, id)) {
      ++tally_.get_not_associated;
      return {0x00, 0x02, id};
    }
    if (!store_available_) {
      ++tally_.storage_unavailable;
      return {0x00, 0x03, id};
    }
    const auto mailbox = mailboxes_.find(id);
    if (mailbox == mailboxes_.end()) {
      ++tally_.get_empty;
      return {0x01, 0x01, id};
    }
    const ModelMessage message = mailbox->second.front();
    mailbox->second.pop_front();
    if (mailbox->second.empty()) {
      mailboxes_.erase(mailbox);
    }
    ++taken_;
    ++tally_.get_message;
    Bytes reply{0x02, 0x00, id, message.sender, static_cast<std::uint8_t>(message.payload.size())};
    reply.insert(reply.end(), message.payload.begin(), message.payload.end());
    return reply;
  }

  // Rule 4, in its order.
  Bytes answer_push(Peer peer, Id sender, Id receiver, std::uint8_t length, const Bytes& payload) {
    if (!holds(peer, sender)) {
      ++tally_.push_not_associated;
      return {0x00, 0x02, sender};
    }
    if (length == 255 || length != payload.size()) {
      return {0x00, 0x03, sender};
    }
    if (length > limits_.payload_bytes_max) {
      ++tally_.push_payload_too_large;
      return {0x00, 0x03, sender};
    }
    if (!store_available_) {
      ++tally_.storage_unavailable;
      return {0x00, 0x03, sender};
    }
    if (depth(receiver) >= limits_.mailbox_messages_max) {
      ++tally_.push_mailbox_full;
      return {0x01, 0x03, sender};
    }
    mailboxes_[receiver].push_back({sender, payload});
    ++stored_;
    ++tally_.push_stored;
    return {0x01, 0x02, sender};
  }

  ModelLimits limits_;
  bool store_available_ = true;
  std::map<Id, Peer> holders_;
  // Only mailboxes with something in them.
  ModelMailboxes mailboxes_;
  std::uint64_t loaded_ = 0;
  std::uint64_t stored_ = 0;
  std::uint64_t taken_ = 0;
  ModelTally tally_;
};

}  // namespace restante::property
