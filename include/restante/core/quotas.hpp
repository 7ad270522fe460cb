// What each sender uses of a mailbox.
#pragma once

#include <cstdint>
#include <vector>

#include <restante/core/address.hpp>
#include <restante/detail/index_table.hpp>

namespace restante {

/// Counts messages and bytes for each pair of a mailbox and a sender that has something there. Not thread safe.
class Quotas {
 public:
  using Index = std::uint32_t;
  static constexpr Index none = UINT32_MAX;

  struct Use {
    Address receiver = {};
    Address sender = {};
    std::uint32_t messages = 0;
    std::uint64_t bytes = 0;
  };

  /// What this sender uses; none where it is nothing.
  Index find(Address receiver, Address sender) const {
    return table_.find(hash(receiver, sender),
                       [&](Index index) { return uses_[index].receiver == receiver && uses_[index].sender == sender; });
  }

  const Use& at(Index index) const { return uses_[index]; }

  /// Counts a message; `found` is what find() gave.
  Index add(Index found, Address receiver, Address sender, std::uint64_t bytes) {
    if (found == none) {
      found = free_.empty() ? static_cast<Index>(uses_.size()) : free_.back();
      if (free_.empty()) {
        uses_.emplace_back();
      } else {
        free_.pop_back();
      }
      uses_[found] = {receiver, sender, 0, 0};
      table_.insert(hash(receiver, sender), found);
    }
    ++uses_[found].messages;
    uses_[found].bytes += bytes;
    return found;
  }

  /// A message is gone.
  void subtract(Index index, std::uint64_t bytes) {
    Use& use = uses_[index];
    use.bytes -= bytes;
    if (--use.messages == 0) {
      table_.erase(hash(use.receiver, use.sender), index);
      free_.push_back(index);
    }
  }

 private:
  // The numbers of addresses are given out by the core: nobody outside can choose them to collide.
  static std::uint32_t hash(Address receiver, Address sender) noexcept {
    const std::uint64_t both = std::uint64_t{receiver.index()} << 32U | sender.index();
    return static_cast<std::uint32_t>((both * 0x9e3779b97f4a7c15U) >> 32U);
  }

  std::vector<Use> uses_;
  std::vector<Index> free_;
  detail::IndexTable table_;
};

}  // namespace restante
