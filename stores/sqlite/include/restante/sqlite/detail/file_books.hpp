// Whether what a file says in one place is what it says in another.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/address.hpp>
#include <restante/core/change.hpp>
#include <restante/core/reply.hpp>
#include <restante/core/sequence_window.hpp>
#include <restante/sqlite/detail/faults.hpp>
#include <restante/store.hpp>

namespace restante::detail {

/// Is loaded into, and tells of what does not fit together. Each row was looked at on its own before (Loading).
class FileBooks final : public MessageLoader {
 public:
  explicit FileBooks(Faults& faults) : faults_{faults} {}

  void address(const AddressAdded& added, bool /*was_opened*/) override {
    names_[added.address] = std::string{as_text(added.name)};
  }

  void sequence(Address sender, std::uint64_t sequence, MessageState state) override {
    senders_[sender].window.restore(sequence, state);
  }

  void member(const MemberJoined& joined, Offset delivered_end) override {
    if (joined.cursor > delivered_end) {
      faults_.add(name_of(joined.member) + " in " + name_of(joined.room) + ": acknowledged what was not delivered");
    }
    members_.emplace_back(joined, delivered_end);
  }

  void delivered(const MessagesDelivered& delivered) override {
    delivered_ends_[delivered.receiver] = delivered.up_to + 1;
  }

  void message(const MessageStored& stored) override {
    if (stored.sequence == 0) {
      return;
    }
    const auto is = [&](bool condition, const char* rule) {
      if (!condition) {
        faults_.add("message " + std::to_string(stored.offset) + " of " + name_of(stored.receiver) + ": number " +
                    std::to_string(stored.sequence) + " of " + name_of(stored.sender) + " " + rule);
      }
      return condition;
    };
    const auto sender = senders_.find(stored.sender);
    if (!is(sender != senders_.end() && stored.sequence <= sender->second.window.highest(), "was never accepted")) {
      return;
    }
    const SequenceWindow::Verdict verdict = sender->second.window.judge(stored.sequence);
    if (verdict == SequenceWindow::Verdict::stale ||
        !is(verdict == SequenceWindow::Verdict::duplicate, "was not accepted")) {
      return;
    }
    auto held = sender->second.held[stored.sequence % SequenceWindow::width];
    is(!held, "is that of another message, too");
    held = true;
    const auto end = delivered_ends_.find(stored.receiver);
    const bool was_delivered = end != delivered_ends_.end() && stored.offset < end->second;
    is(sender->second.window.state(stored.sequence) == (was_delivered ? MessageState::fetched : MessageState::waiting),
       "has another state than the message");
  }

  void next_offset(Address receiver, Offset offset) override {
    next_offsets_[receiver] = offset;
    const auto end = delivered_ends_.find(receiver);
    if (end != delivered_ends_.end() && end->second > offset) {
      faults_.add(name_of(receiver) + ": delivered_end is above next_offset");
    }
  }

  /// To be called when everything was loaded.
  void finish() {
    for (const auto& [joined, delivered_end] : members_) {
      const auto next = next_offsets_.find(joined.room);
      if (delivered_end > (next == next_offsets_.end() ? 0 : next->second)) {
        faults_.add(name_of(joined.member) + " in " + name_of(joined.room) +
                    ": delivered_end is above next_offset of the room");
      }
    }
    for (const auto& [address, sender] : senders_) {
      const std::uint64_t highest = sender.window.highest();
      for (std::uint64_t below = 0; below < SequenceWindow::width && below < highest; ++below) {
        const MessageState state = sender.window.state(highest - below);
        const bool is_held = state == MessageState::waiting || state == MessageState::fetched;
        if (is_held && !sender.held[(highest - below) % SequenceWindow::width]) {
          faults_.add("number " + std::to_string(highest - below) + " of " + name_of(address) +
                      ": its message is missing");
        }
      }
    }
  }

 private:
  struct Sender {
    SequenceWindow window;
    /// For which numbers there is a message.
    std::bitset<SequenceWindow::width> held;
  };

  std::string name_of(Address address) const {
    const auto found = names_.find(address);
    return found == names_.end() ? std::to_string(address.index()) : found->second;
  }

  Faults& faults_;
  std::map<Address, std::string> names_;
  std::map<Address, Sender> senders_;
  std::map<Address, Offset> delivered_ends_;
  std::map<Address, Offset> next_offsets_;
  std::vector<std::pair<MemberJoined, Offset>> members_;
};

}  // namespace restante::detail
