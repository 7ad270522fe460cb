// Which messages of a file somebody means.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/core/address_name.hpp>
#include <restante/core/change.hpp>
#include <restante/sqlite/messages.hpp>
#include <restante/store.hpp>

namespace restante::detail {

/// Is loaded into, and finds them.
class Selection final : public MessageLoader {
 public:
  explicit Selection(const SqliteMessages& which)
      : which_{which}, is_known_{which.name.empty() || classic_id_of(as_bytes(which.name)) >= 0} {
    if (const int id = classic_id_of(as_bytes(which.name)); id >= 0) {
      address_ = Address{static_cast<std::uint8_t>(id)};
    }
  }

  /// Whether there is a mailbox or room of that name.
  bool is_known() const noexcept { return is_known_; }
  const std::vector<MessageTaken>& chosen() const noexcept { return chosen_; }

  void address(const AddressAdded& added, bool /*was_opened*/) override {
    if (is_same_name(added.name, as_bytes(which_.name))) {
      address_ = added.address;
      is_known_ = true;
    }
  }
  void delivered(const MessagesDelivered& delivered) override {
    delivered_ends_[delivered.receiver] = delivered.up_to + 1;
  }
  void message(const MessageStored& stored) override {
    const bool is_there = which_.name.empty() || (is_known_ && stored.receiver == address_);
    if (is_there && (which_.expired_by_ms == 0 || has_expired(stored))) {
      chosen_.push_back({stored.receiver, stored.offset});
    }
  }
  void next_offset(Address /*receiver*/, Offset /*offset*/) override {}

 private:
  // What was delivered to somebody does not expire any more (docs/protocol.md, restante.v2, "Time to live").
  bool has_expired(const MessageStored& stored) const {
    const auto end = delivered_ends_.find(stored.receiver);
    const bool was_delivered = end != delivered_ends_.end() && stored.offset < end->second;
    return stored.expires_ms != 0 && stored.expires_ms <= which_.expired_by_ms && !was_delivered;
  }

  const SqliteMessages which_;
  bool is_known_;
  Address address_ = {};
  std::map<Address, Offset> delivered_ends_;
  std::vector<MessageTaken> chosen_;
};

}  // namespace restante::detail
