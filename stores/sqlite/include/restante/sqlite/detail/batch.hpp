// Changes on their way to the writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/change.hpp>

namespace restante::detail {

enum class ChangeKind : std::uint8_t {
  message_stored,
  message_taken,
  address_added,
  address_opened,
  address_forgotten,
  messages_delivered,
  messages_acknowledged,
  message_removed,
  member_joined,
  member_left,
  member_delivered,
  member_acknowledged,
};

/// A change as a plain value: which of the fields say something depends on its kind. Its bytes lie in a batch.
struct RecordedChange {
  ChangeKind kind = ChangeKind::message_stored;
  MessageState state = MessageState::unknown;
  /// Of a payload or a name.
  std::uint32_t bytes = 0;
  /// Whom it is about: a receiver, a room, or the address itself.
  Address address = {};
  /// A sender or a member.
  Address other = {};
  /// An offset, or an epoch.
  std::uint64_t number = 0;
  std::uint64_t sequence = 0;
  std::uint64_t time_ms = 0;
  std::uint64_t expires_ms = 0;
};

/// What was recorded up to a commit, in order. Recording allocates nothing but what the batch itself grows by, and a
/// batch that is used again keeps its room.
class Batch {
 public:
  /// The turn that it ends.
  std::uint64_t turn = 0;

  bool empty() const noexcept { return changes_.empty(); }
  std::size_t size() const noexcept { return changes_.size(); }
  std::size_t bytes_in_all() const noexcept { return bytes_.size(); }

  void add(const RecordedChange& change) { changes_.push_back(change); }

  void add(RecordedChange change, BytesView bytes) {
    change.bytes = static_cast<std::uint32_t>(bytes.size());
    changes_.push_back(change);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  /// Calls take(change, bytes) for each, in order.
  template <class Take>
  void for_each(Take take) const {
    BytesView left{bytes_};
    for (const RecordedChange& change : changes_) {
      take(change, left.first(change.bytes));
      left = left.subspan(change.bytes);
    }
  }

  /// Forgets everything, and keeps no more room than most batches need.
  void clear() {
    turn = 0;
    changes_.clear();
    bytes_.clear();
    if (changes_.capacity() * sizeof(RecordedChange) + bytes_.capacity() > kept_bytes_max) {
      changes_ = {};
      bytes_ = {};
    }
  }

 private:
  static constexpr std::size_t kept_bytes_max = std::size_t{4} * 1024 * 1024;

  std::vector<RecordedChange> changes_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace restante::detail
