// A store that takes as long as the test wishes, and fails when the test says so. It keeps to the contract of
// restante/store.hpp, and fails the test when it is used against it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/core/change.hpp>
#include <restante/error.hpp>
#include <restante/store.hpp>

#include "packets.hpp"

namespace restante::test {

/// A Store that commits in the background, where the background is the test.
class SlowStore {
 public:
  struct Message {
    Offset offset = 0;
    Address sender;
    Bytes payload;
    friend bool operator==(const Message&, const Message&) = default;
  };

  struct Mailbox {
    std::deque<Message> messages;
    Offset next_offset = 0;
  };

  using Mailboxes = std::map<Address, Mailbox>;

  // What Messenger asks.

  void start(Waker waker) {
    EXPECT_FALSE(started_) << "the store was started twice";
    started_ = true;
    waker_ = waker;
  }

  void stop() {
    EXPECT_TRUE(started_) << "the store was stopped without having been started";
    started_ = false;
    ++stops_;
  }

  void record(const MessageStored& stored) {
    Mailbox& mailbox = latest_[stored.receiver];
    EXPECT_GE(stored.offset, mailbox.next_offset) << "an offset was used twice";
    mailbox.messages.push_back({stored.offset, stored.sender, Bytes{stored.payload}});
    mailbox.next_offset = stored.offset + 1;
    ++recorded_;
  }

  void record(const MessageTaken& taken) {
    Mailbox& mailbox = latest_[taken.receiver];
    if (mailbox.messages.empty() || mailbox.messages.front().offset != taken.offset) {
      ADD_FAILURE() << "a message was taken that is not the oldest of its mailbox";
      return;
    }
    mailbox.messages.pop_front();
    ++recorded_;
  }

  void commit(std::uint64_t turn) {
    EXPECT_TRUE(started_) << "commit() before start()";
    EXPECT_EQ(turn, last_turn_ + 1) << "turns grow by one";
    last_turn_ = turn;
    in_flight_.push_back({turn, latest_});
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
    ++loads_;
    in_flight_.clear();
    completions_.clear();
    latest_ = durable_;
    if (load_error_) {
      return load_error_;
    }
    for (const auto& [receiver, mailbox] : durable_) {
      for (const Message& message : mailbox.messages) {
        loader.message({receiver, message.offset, message.sender, message.payload});
      }
      loader.next_offset(receiver, mailbox.next_offset);
    }
    return {};
  }

  // What a test does.

  /// The oldest commits under way, so many, become durable, and each is reported.
  void complete(std::size_t count = 1) {
    for (; count > 0; --count) {
      const std::uint64_t turn = finish_oldest();
      completions_.push_back({turn, {}});
    }
    waker_();
  }

  /// All commits under way become durable, and only the last is reported.
  void complete_all_as_one() {
    std::uint64_t turn = 0;
    while (!in_flight_.empty()) {
      turn = finish_oldest();
    }
    completions_.push_back({turn, {}});
    waker_();
  }

  /// The oldest commit under way fails: none of its changes was kept.
  void fail(std::error_code error = Error::storage_unavailable) {
    completions_.push_back({oldest_turn(), error});
    waker_();
  }

  /// The oldest commit under way is reported as failed, although its changes were kept.
  void fail_after_keeping(std::error_code error = Error::storage_unavailable) {
    const std::uint64_t turn = finish_oldest();
    completions_.push_back({turn, error});
    waker_();
  }

  /// From now on load() gives this; without an error, what is durable.
  void set_load_error(std::error_code error) { load_error_ = error; }

  /// Puts a message where load() finds it.
  void keep(std::uint8_t receiver, std::uint8_t sender, std::string_view payload) {
    Mailbox& mailbox = durable_[Address{receiver}];
    mailbox.messages.push_back({mailbox.next_offset++, Address{sender}, text_bytes(payload)});
    latest_ = durable_;
  }

  // What a test sees.

  std::size_t commits_in_flight() const { return in_flight_.size(); }
  std::uint64_t last_turn() const { return last_turn_; }
  std::uint64_t recorded() const { return recorded_; }
  int loads() const { return loads_; }
  int stops() const { return stops_; }
  bool is_started() const { return started_; }
  const Mailboxes& durable() const { return durable_; }

  /// The payloads of a mailbox that are durable, oldest first.
  std::vector<Bytes> durable_payloads(std::uint8_t receiver) const {
    std::vector<Bytes> payloads;
    if (const auto found = durable_.find(Address{receiver}); found != durable_.end()) {
      for (const Message& message : found->second.messages) {
        payloads.push_back(message.payload);
      }
    }
    return payloads;
  }

 private:
  struct InFlight {
    std::uint64_t turn = 0;
    // All mailboxes as they are once this commit is durable.
    Mailboxes mailboxes;
  };

  std::uint64_t oldest_turn() const {
    if (in_flight_.empty()) {
      ADD_FAILURE() << "no commit is under way";
      return 0;
    }
    return in_flight_.front().turn;
  }

  std::uint64_t finish_oldest() {
    const std::uint64_t turn = oldest_turn();
    if (!in_flight_.empty()) {
      durable_ = std::move(in_flight_.front().mailboxes);
      in_flight_.pop_front();
    }
    return turn;
  }

  bool started_ = false;
  Waker waker_;
  int loads_ = 0;
  int stops_ = 0;
  std::uint64_t recorded_ = 0;
  std::uint64_t last_turn_ = 0;
  std::error_code load_error_;
  Mailboxes latest_;
  Mailboxes durable_;
  std::deque<InFlight> in_flight_;
  std::deque<Commit> completions_;
};

static_assert(Store<SlowStore> && CommitsTurns<SlowStore> && !DurableAtOnce<SlowStore>);

}  // namespace restante::test
