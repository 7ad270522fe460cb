// V2Model: what an operator does to mailboxes, as docs/operations.md has it.
#pragma once

#include "v2_model.hpp"

namespace restante::property {

inline std::uint64_t V2Model::purge(const std::string& name) {
  Address& address = addresses_[name];
  const std::uint64_t count = address.messages.size();
  while (!address.messages.empty()) {
    remove(name, 0, MessageState::purged, true);
  }
  return count;
}

// Nothing is left but what it sent to others, whose fate nobody can ask for any more. The mailbox of a classic id
// stays, and what is counted of it.
inline std::uint64_t V2Model::retire(const std::string& name) {
  Address& address = addresses_[name];
  if (address.holder) {
    disconnect(*address.holder);
  }
  const std::uint64_t count = purge(name);
  while (!address.memberships.empty()) {
    leave(name, std::string{address.memberships.begin()->first});
  }
  for (auto& [other, state] : addresses_) {
    if (state.memberships.contains(name)) {
      leave(other, name);
    }
    for (Message& message : state.messages) {
      message.sequence = message.sender == name ? 0 : message.sequence;
    }
  }
  if (is_classic(name)) {
    address.epoch = 0;
    address.was_opened = false;
    address.highest = 0;
    address.sequences.clear();
  } else {
    address = {};
  }
  return count;
}

}  // namespace restante::property
