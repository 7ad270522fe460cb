// A store in the hands of a property: it commits when it is told, fails when it is told, keeps of an unfinished commit
// what it is told, and watches that it is used by the contract of restante/store.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/core/change.hpp>
#include <restante/error.hpp>
#include <restante/store.hpp>
#include <restante/time.hpp>

#include "classic_model.hpp"

namespace restante::property {

/// A store of another kind, in which a ManualStore really keeps what becomes durable.
class Archive {
 public:
  Archive() = default;
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  virtual ~Archive() = default;

  virtual void record(const MessageStored& stored) = 0;
  virtual void record(const MessageTaken& taken) = 0;
  /// What was recorded is durable when this returns.
  virtual void commit() = 0;
  virtual void load(MessageLoader& loader) = 0;
  /// The program ends, in whatever way, and begins again.
  virtual void crash() = 0;
};

class ManualStore {
 public:
  /// At most so many commits may be under way, and a load that failed must be tried again so much later. `offset_gap`
  /// is left out after the last message when it is loaded, as a store may; not with an archive, which is told of what
  /// becomes durable, and gives it back.
  ManualStore(std::size_t commits_max, Duration retry_after, Offset offset_gap, Archive* archive = nullptr)
      : commits_max_{commits_max},
        retry_after_{retry_after},
        offset_gap_{archive == nullptr ? offset_gap : 0},
        archive_{archive} {}

  /// The time.
  std::function<SteadyTime()> now = [] { return SteadyTime{}; };

  // What Messenger asks.

  void start(Waker waker) {
    expect(!started_, "started twice");
    started_ = true;
    waker_ = waker;
    last_turn_ = 0;
    loads_since_start_ = 0;
  }

  void stop() {
    expect(started_, "stopped and not started");
    started_ = false;
    waker_ = {};
  }

  void record(const MessageStored& stored) {
    expect(loaded_, "a change was recorded while the store could not be loaded");
    Box& box = latest_[stored.receiver.classic_id()];
    expect(stored.offset == box.next_offset, "an offset is not the next one");
    Kept kept{stored.offset, {stored.sender.classic_id(), Bytes(stored.payload.begin(), stored.payload.end())}};
    box.next_offset = stored.offset + 1;
    box.messages.push_back(kept);
    changes_.push_back({stored.receiver.classic_id(), std::move(kept)});
    ++recorded_;
  }

  void record(const MessageTaken& taken) {
    expect(loaded_, "a change was recorded while the store could not be loaded");
    Box& box = latest_[taken.receiver.classic_id()];
    if (box.messages.empty() || box.messages.front().offset != taken.offset) {
      expect(false, "a message was taken that is not the oldest");
      return;
    }
    box.messages.pop_front();
    changes_.push_back({taken.receiver.classic_id(), std::nullopt});
    ++recorded_;
  }

  void commit(std::uint64_t turn) {
    expect(started_, "a commit before start() or after stop()");
    expect(turn == last_turn_ + 1, "turns do not grow by one");
    expect(has_uncommitted_changes(), "a commit of nothing");
    last_turn_ = turn;
    commits_.push_back({turn, recorded_});
    expect(commits_.size() <= commits_max_, "too many commits under way");
  }

  std::optional<Commit> completed() {
    if (completions_.empty()) {
      return std::nullopt;
    }
    const Commit commit = completions_.front();
    completions_.pop_front();
    return commit;
  }

  std::error_code load(MessageLoader& loader) {
    changes_.clear();
    commits_.clear();
    completions_.clear();
    durable_count_ = recorded_;
    latest_ = durable_;
    expect(started_, "loaded before start() or after stop()");
    expect(loads_since_start_ == 0 || loaded_ || now() == last_load_ + retry_after_,
           "not loaded again when it was asked for");
    ++loads_since_start_;
    last_load_ = now();
    loaded_ = loads_to_fail_ == 0;
    if (loaded_ && archive_ != nullptr) {
      archive_->load(loader);
      return {};
    }
    for (auto& [id, box] : latest_) {
      for (const Kept& kept : box.messages) {
        loader.message({Address{id}, kept.offset, Address{kept.message.sender}, kept.message.payload});
        if (!loaded_) {
          break;
        }
      }
      if (offset_gap_ > 0 || box.messages.empty()) {
        box.next_offset += offset_gap_;
        loader.next_offset(Address{id}, box.next_offset);
      }
    }
    if (!loaded_) {
      --loads_to_fail_;
      return Error::storage_unavailable;
    }
    return {};
  }

  // What a property does.

  /// The oldest commits under way become durable: each is reported, or only the last.
  void complete(std::size_t count, bool as_one) {
    complete_quietly(count, as_one);
    waker_();
  }

  /// So many commits become durable, and the next fails. Of the changes that are not durable the first `kept_changes`
  /// are kept all the same.
  void complete_and_fail(std::size_t count, std::size_t kept_changes) {
    complete_quietly(count, false);
    if (!commits_.empty()) {
      completions_.push_back({commits_.front().turn, Error::storage_unavailable});
      keep(kept_changes);
    }
    waker_();
  }

  /// The program ended: what was not durable is forgotten, but for the first `kept_changes`.
  void crash(std::size_t kept_changes) {
    keep(kept_changes);
    if (archive_ != nullptr) {
      archive_->crash();
    }
  }

  /// The next so many calls of load() fail.
  void fail_loads(std::size_t count) { loads_to_fail_ = count; }

  /// Puts a message where load() finds it.
  void preload(Id receiver, ModelMessage message, Offset offset_if_first) {
    const auto [entry, is_first] = durable_.try_emplace(receiver);
    Box& box = entry->second;
    box.next_offset = is_first ? offset_if_first : box.next_offset;
    box.messages.push_back({box.next_offset, std::move(message)});
    ++box.next_offset;
    if (archive_ != nullptr) {
      record_in_archive(receiver, box.messages.back());
      archive_->commit();
    }
  }

  // What a property sees.

  /// How many changes were recorded since the beginning, and how many of them are durable or forgotten.
  std::uint64_t recorded() const { return recorded_; }
  std::uint64_t durable_count() const { return durable_count_; }
  std::size_t commits_under_way() const { return commits_.size(); }
  bool has_uncommitted_changes() const {
    return recorded_ > (commits_.empty() ? durable_count_ : commits_.back().recorded);
  }
  bool is_loaded() const { return loaded_; }
  SteadyTime last_load() const { return last_load_; }
  std::size_t loads_to_fail() const { return loads_to_fail_; }
  const std::string& fault() const { return fault_; }

  /// What is kept, and what will be when everything recorded is durable; mailboxes with something in them only.
  ModelMailboxes durable() const { return messages_of(durable_); }
  ModelMailboxes latest() const { return messages_of(latest_); }

 private:
  struct Kept {
    Offset offset = 0;
    ModelMessage message;
  };

  struct Box {
    std::deque<Kept> messages;
    Offset next_offset = 0;
  };

  /// A message that was stored, or that the oldest one was taken.
  struct Change {
    Id receiver = 0;
    std::optional<Kept> stored;
  };

  static ModelMailboxes messages_of(const std::map<Id, Box>& boxes) {
    ModelMailboxes mailboxes;
    for (const auto& [id, box] : boxes) {
      for (const Kept& kept : box.messages) {
        mailboxes[id].push_back(kept.message);
      }
    }
    return mailboxes;
  }

  struct UnderWay {
    std::uint64_t turn = 0;
    /// How many changes were recorded before it.
    std::uint64_t recorded = 0;
  };

  void expect(bool condition, const char* explanation) {
    if (!condition && fault_.empty()) {
      fault_ = explanation;
    }
  }

  void complete_quietly(std::size_t count, bool as_one) {
    for (count = std::min(count, commits_.size()); count > 0; --count) {
      make_durable(static_cast<std::size_t>(commits_.front().recorded - durable_count_));
      if (!as_one || count == 1) {
        completions_.push_back({commits_.front().turn, {}});
      }
      commits_.pop_front();
    }
  }

  void make_durable(std::size_t count) {
    durable_count_ += count;
    keep(count);
    changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  void keep(std::size_t count) {
    count = std::min(count, changes_.size());
    for (std::size_t index = 0; index < count; ++index) {
      const Change& change = changes_[index];
      Box& box = durable_[change.receiver];
      if (change.stored) {
        box.messages.push_back(*change.stored);
        box.next_offset = change.stored->offset + 1;
        if (archive_ != nullptr) {
          record_in_archive(change.receiver, *change.stored);
        }
      } else {
        if (archive_ != nullptr) {
          archive_->record(MessageTaken{Address{change.receiver}, box.messages.front().offset});
        }
        box.messages.pop_front();
      }
    }
    if (archive_ != nullptr && count > 0) {
      archive_->commit();
    }
  }

  void record_in_archive(Id receiver, const Kept& kept) {
    archive_->record(MessageStored{.receiver = Address{receiver},
                                   .offset = kept.offset,
                                   .sender = Address{kept.message.sender},
                                   .payload = kept.message.payload});
  }

  std::size_t commits_max_;
  Duration retry_after_;
  Offset offset_gap_;
  Archive* archive_;
  bool started_ = false;
  bool loaded_ = false;
  Waker waker_;
  std::uint64_t last_turn_ = 0;
  std::map<Id, Box> durable_;
  /// With everything that was recorded.
  std::map<Id, Box> latest_;
  std::vector<Change> changes_;
  std::deque<UnderWay> commits_;
  std::deque<Commit> completions_;
  std::uint64_t recorded_ = 0;
  std::uint64_t durable_count_ = 0;
  std::size_t loads_since_start_ = 0;
  SteadyTime last_load_{};
  std::size_t loads_to_fail_ = 0;
  std::string fault_;
};

static_assert(Store<ManualStore> && !DurableAtOnce<ManualStore>);

}  // namespace restante::property
