// A store whose commits end when somebody decides that they do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/error.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/store.hpp>
#include <restante/store.hpp>

namespace restante::sim {

/// What a StepStore writes to, which outlives it.
struct StepDisk {
  Disk::Mailboxes durable;
  bool unreadable = false;
  /// Turns false when the store was told of something that cannot be.
  bool consistent = true;
};

/// A Store whose commits end when somebody says so, and how he says.
class StepStore {
 public:
  explicit StepStore(StepDisk& disk) : disk_{disk} {}
  StepStore(const StepStore&) = delete;
  StepStore& operator=(const StepStore&) = delete;

  // The concept Store.

  void start(Waker waker) noexcept { waker_ = waker; }
  void stop() noexcept { waker_ = {}; }
  void record(const MessageStored& stored) {
    recorded_.push_back(
        {true, stored.receiver, {stored.offset, stored.sender, {stored.payload.begin(), stored.payload.end()}}});
  }
  void record(const MessageTaken& taken) { recorded_.push_back({false, taken.receiver, {taken.offset, {}, {}}}); }
  void commit(std::uint64_t turn) { commits_.push_back({turn, std::exchange(recorded_, {})}); }

  std::optional<Commit> completed() {
    if (completed_.empty()) {
      return std::nullopt;
    }
    const Commit commit = completed_.front();
    completed_.pop_front();
    return commit;
  }

  std::error_code load(MessageLoader& loader) {
    recorded_.clear();
    commits_.clear();
    completed_.clear();
    if (disk_.unreadable) {
      return Error::storage_unavailable;
    }
    for (std::uint32_t index = 0; index < Address::classic_count; ++index) {
      const Address address{static_cast<std::uint8_t>(index)};
      const Disk::Mailbox& mailbox = disk_.durable[index];
      for (const Disk::Message& message : mailbox.messages) {
        loader.message({address, message.offset, message.sender, message.payload});
      }
      if (mailbox.next_offset > 0) {
        loader.next_offset(address, mailbox.next_offset);
      }
    }
    return {};
  }

  // Steps.

  bool committing() const noexcept { return !commits_.empty(); }
  /// How many changes the oldest commit has.
  std::size_t changes() const { return commits_.front().changes.size(); }

  /// The oldest commit ends well.
  void complete() {
    keep(changes());
    const std::uint64_t turn = commits_.front().turn;
    commits_.pop_front();
    completed_.push_back({turn, {}});
    waker_();
  }

  /// The oldest commit fails after so many of its changes were kept.
  void fail(std::size_t kept) {
    keep(kept);
    completed_.push_back({commits_.front().turn, Error::storage_unavailable});
    waker_();
  }

  /// What is on its way to the disk when the program crashes still gets there.
  void keep_all() {
    while (committing()) {
      keep(changes());
      commits_.pop_front();
    }
  }

 private:
  struct Change {
    bool stored = false;
    Address receiver;
    Disk::Message message;
  };

  struct Written {
    std::uint64_t turn = 0;
    std::vector<Change> changes;
  };

  void keep(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const Change& change = commits_.front().changes[i];
      Disk::Mailbox& mailbox = disk_.durable[change.receiver.index()];
      if (change.stored && change.message.offset == mailbox.next_offset) {
        mailbox.messages.push_back(change.message);
        mailbox.next_offset = change.message.offset + 1;
      } else if (!change.stored && !mailbox.messages.empty() &&
                 mailbox.messages.front().offset == change.message.offset) {
        mailbox.messages.pop_front();
      } else {
        disk_.consistent = false;
      }
    }
  }

  StepDisk& disk_;
  Waker waker_;
  std::vector<Change> recorded_;
  Queue<Written> commits_;
  Queue<Commit> completed_;
};

static_assert(Store<StepStore>);

}  // namespace restante::sim
