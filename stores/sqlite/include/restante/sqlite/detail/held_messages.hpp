// Where the messages of a mailbox lie in the file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <restante/core/address.hpp>
#include <restante/core/change.hpp>

namespace restante::detail {

/// A message that is held, but for its payload.
struct HeldMessage {
  Offset offset = 0;
  /// Of its row; 0 where it is gone.
  std::int64_t id = 0;
  /// The sender's number for it; 0 for none.
  std::uint64_t sequence = 0;
  Address sender = {};
};

/// The messages of a mailbox in the order of their offsets, so that the writer need not ask the file what is there.
class HeldMessages {
 public:
  void push_back(const HeldMessage& message) { messages_.push_back(message); }

  /// Takes out those up to this offset, and gives each to take(message).
  template <class Take>
  void pop_up_to(Offset offset, Take take) {
    while (first_ < messages_.size() && messages_[first_].offset <= offset) {
      if (messages_[first_].id != 0) {
        take(messages_[first_]);
      } else {
        --removed_;
      }
      ++first_;
    }
    make_room();
  }

  /// Takes out the one with this offset, if it is there.
  std::optional<HeldMessage> remove(Offset offset) {
    const auto found = find(offset);
    if (found == messages_.end() || found->offset != offset || found->id == 0) {
      return std::nullopt;
    }
    const HeldMessage removed = *found;
    found->id = 0;
    ++removed_;
    while (first_ < messages_.size() && messages_[first_].id == 0) {
      ++first_;
      --removed_;
    }
    make_room();
    return removed;
  }

  /// Calls visit(message) for those from one offset up to another, oldest first.
  template <class Visit>
  void for_each(Offset from, Offset up_to, Visit visit) {
    for (auto at = find(from); at != messages_.end() && at->offset <= up_to; ++at) {
      if (at->id != 0) {
        visit(*at);
      }
    }
  }

  /// So many places in memory are taken, at most twice as many as there are messages, and a few.
  std::size_t places() const noexcept { return messages_.size(); }

 private:
  std::vector<HeldMessage>::iterator find(Offset offset) {
    return std::lower_bound(messages_.begin() + static_cast<std::ptrdiff_t>(first_), messages_.end(), offset,
                            [](const HeldMessage& message, Offset wanted) { return message.offset < wanted; });
  }

  // What is gone is given up when it is more than what is left: each message is moved once at most, on the average.
  void make_room() {
    if (first_ == messages_.size()) {
      messages_.clear();
      first_ = 0;
    } else if (first_ > 64 && first_ > messages_.size() / 2) {
      give_up_first();
    } else if (removed_ > 64 && removed_ > (messages_.size() - first_) / 2) {
      give_up_first();
      std::erase_if(messages_, [](const HeldMessage& message) { return message.id == 0; });
      removed_ = 0;
    }
  }

  void give_up_first() {
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }

  std::vector<HeldMessage> messages_;
  std::size_t first_ = 0;
  /// How many behind that are gone.
  std::size_t removed_ = 0;
};

}  // namespace restante::detail
