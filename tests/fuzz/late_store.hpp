// A store that commits when the fuzzer's input says so, fails when it says so, and watches what it is told.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <system_error>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/change.hpp>
#include <restante/store.hpp>

#include "classic_rules.hpp"
#include "expect.hpp"
#include "session_oracle.hpp"

namespace restante::fuzz {

class LateStore {
 public:
  LateStore(SessionOracle& oracle, std::uint64_t commits_in_flight_max)
      : oracle_{oracle}, commits_in_flight_max_{commits_in_flight_max} {}

  // What a Messenger asks for.

  void start(Waker waker) { waker_ = waker; }
  void stop() { waker_ = {}; }

  void record(const MessageStored& stored) {
    Mailbox& mailbox = recorded_[stored.receiver.classic_id()];
    expect(available_, "an unavailable store is told of no change");
    expect(stored.offset == mailbox.next_offset, "a message has the next offset of its mailbox");
    oracle_.recorded(stored);
    remember({false,
              stored.receiver.classic_id(),
              {stored.offset, {stored.sender.classic_id(), Bytes{stored.payload.begin(), stored.payload.end()}}}});
  }

  void record(const MessageTaken& taken) {
    const Mailbox& mailbox = recorded_[taken.receiver.classic_id()];
    expect(available_, "an unavailable store is told of no change");
    expect(!mailbox.messages.empty() && mailbox.messages.front().offset == taken.offset,
           "the message that is taken is the oldest of its mailbox");
    oracle_.recorded(taken);
    remember({true, taken.receiver.classic_id(), {}});
  }

  void commit(std::uint64_t turn) {
    expect(turn == turn_ + 1, "turns grow by one");
    turn_ = turn;
    under_way_.push_back({turn, oracle_.changes_recorded(), pending_.size()});
    ++told_of_;
    expect(told_of_ <= commits_in_flight_max_, "no more commits are under way than may be");
  }

  std::optional<Commit> completed() {
    if (completions_.empty()) {
      return std::nullopt;
    }
    const Completion completion = completions_.front();
    completions_.pop_front();
    told_of_ -= completion.commits;
    if (completion.commit.error) {
      oracle_.failure_told();
    } else {
      oracle_.durable(completion.changes);
    }
    return completion.commit;
  }

  std::error_code load(MessageLoader& loader) {
    completions_.clear();
    under_way_.clear();
    pending_.clear();
    told_of_ = 0;
    failed_ = false;
    recorded_ = durable_;
    available_ = loads_to_fail_ == 0;
    give_back(loader);
    if (!available_) {
      --loads_to_fail_;
      oracle_.could_not_load();
      return std::make_error_code(std::errc::io_error);
    }
    oracle_.loaded(contents());
    return {};
  }

  // What the input decides.

  /// Before the Messenger is made: a message that was kept from before, and an offset after it that was used.
  void keep(std::uint8_t receiver, ClassicRules::Message message) {
    Mailbox& mailbox = durable_[receiver];
    mailbox.messages.push_back({mailbox.next_offset + 3, std::move(message)});
    mailbox.next_offset += 7;
  }

  /// The oldest commits succeed, so many of them; told of one by one, or of the last alone.
  void succeed(std::size_t commits, bool as_one) {
    Completion together;
    for (; commits > 0 && !under_way_.empty() && !failed_; --commits) {
      const UnderWay oldest = under_way_.front();
      under_way_.pop_front();
      apply(oldest.pending);
      together = {{oldest.turn, {}}, oldest.changes, as_one ? together.commits + 1 : 1};
      if (!as_one) {
        completions_.push_back(together);
      }
    }
    if (as_one && together.commits != 0) {
      completions_.push_back(together);
    }
    waker_();
  }

  /// The oldest commit fails, after some of its changes were kept nevertheless.
  void fail(std::size_t kept) {
    if (under_way_.empty() || failed_) {
      return;
    }
    failed_ = true;
    apply(std::min(kept, under_way_.front().pending));
    completions_.push_back({{under_way_.front().turn, std::make_error_code(std::errc::io_error)}, 0, 1});
    waker_();
  }

  void let_loads_fail(std::size_t loads) { loads_to_fail_ = loads; }

  /// How many messages a mailbox holds when everything that was recorded is durable.
  std::size_t depth(std::uint8_t receiver) const {
    const auto mailbox = recorded_.find(receiver);
    return mailbox == recorded_.end() ? 0 : mailbox->second.messages.size();
  }

  bool has_commits() const { return !under_way_.empty(); }

 private:
  struct Kept {
    Offset offset = 0;
    ClassicRules::Message message;
  };
  struct Mailbox {
    std::deque<Kept> messages;
    Offset next_offset = 0;
  };
  using Mailboxes = std::map<std::uint8_t, Mailbox>;
  struct Change {
    bool taken = false;
    std::uint8_t receiver = 0;
    Kept kept;
  };
  struct UnderWay {
    std::uint64_t turn = 0;
    /// Of all that were ever recorded.
    std::uint64_t changes = 0;
    /// Of those that are not durable, how many belong to this commit or an earlier one.
    std::size_t pending = 0;
  };
  struct Completion {
    Commit commit;
    std::uint64_t changes = 0;
    /// How many commits this tells of.
    std::uint64_t commits = 0;
  };

  static void apply(const Change& change, Mailboxes& mailboxes) {
    Mailbox& mailbox = mailboxes[change.receiver];
    if (change.taken) {
      mailbox.messages.pop_front();
    } else {
      mailbox.messages.push_back(change.kept);
      mailbox.next_offset = change.kept.offset + 1;
    }
  }

  void remember(Change change) {
    apply(change, recorded_);
    pending_.push_back(std::move(change));
  }

  void apply(std::size_t pending) {
    for (std::size_t index = 0; index < pending; ++index) {
      apply(pending_[index], durable_);
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(pending));
    for (UnderWay& commit : under_way_) {
      commit.pending -= std::min(pending, commit.pending);
    }
  }

  // A load that fails may have given something back before.
  void give_back(MessageLoader& loader) const {
    for (const auto& [receiver, mailbox] : durable_) {
      for (const Kept& kept : mailbox.messages) {
        loader.message({Address{receiver}, kept.offset, Address{kept.message.sender}, kept.message.payload});
        if (!available_) {
          return;
        }
      }
      loader.next_offset(Address{receiver}, mailbox.next_offset);
    }
  }

  ClassicRules::Mailboxes contents() const {
    ClassicRules::Mailboxes mailboxes;
    for (const auto& [receiver, mailbox] : durable_) {
      for (const Kept& kept : mailbox.messages) {
        mailboxes[receiver].push_back(kept.message);
      }
    }
    return mailboxes;
  }

  SessionOracle& oracle_;
  std::uint64_t commits_in_flight_max_;
  Waker waker_;
  /// As a reader of a disk would find it, and as it will be when everything recorded is durable.
  Mailboxes durable_;
  Mailboxes recorded_;
  std::deque<Change> pending_;
  std::deque<UnderWay> under_way_;
  std::deque<Completion> completions_;
  std::uint64_t turn_ = 0;
  /// Commits that the Messenger has not been told the end of.
  std::uint64_t told_of_ = 0;
  std::size_t loads_to_fail_ = 0;
  bool failed_ = false;
  bool available_ = true;
};

static_assert(Store<LateStore>);

}  // namespace restante::fuzz
