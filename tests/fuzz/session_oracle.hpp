// Judges what a Messenger does, from what it says to its transport and to its store alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include <restante/bytes.hpp>
#include <restante/core/change.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

#include "classic_rules.hpp"
#include "expect.hpp"

namespace restante::fuzz {

/// One reply for each request, in order, right, and not before what it rests on is durable; connections are closed for
/// a reason.
class SessionOracle {
 public:
  explicit SessionOracle(ClassicRules rules) : rules_{std::move(rules)} {}

  const ClassicRules& rules() const { return rules_; }

  // What the transport reports.

  void opened(Connection connection) { unanswered_[connection]; }

  void closed(Connection connection) {
    rules_.release(connection);
    unanswered_.erase(connection);
  }

  /// Before a request is reported.
  void executing(Connection connection, BytesView request) {
    expect(!failure_told_, "after a commit failed the store is loaded before anything else happens");
    unanswered_[connection].push_back({rules_.answer(connection, request), request.size(), epoch_, 0, false});
    ++requests_;
  }

  /// After it was reported, when all changes that it made have been recorded.
  void executed(Connection connection) {
    std::deque<Unanswered>& requests = unanswered_[connection];
    if (!requests.empty() && !requests.back().executed) {
      requests.back().executed = true;
      requests.back().changes_before = changes_recorded_;
    }
  }

  // What the Messenger asks of the transport.

  void replied(Connection connection, BytesView reply) {
    std::deque<Unanswered>& requests = unanswered_[connection];
    expect(!requests.empty(), "no reply comes that nobody asked for");
    const Unanswered& oldest = requests.front();
    expect(std::equal(reply.begin(), reply.end(), oldest.reply.begin(), oldest.reply.end()),
           "the reply to the oldest request is the one that the rules give");
    expect(oldest.epoch == epoch_, "nothing that was lost with a failed commit is acknowledged");
    expect((oldest.executed ? oldest.changes_before : changes_recorded_) <= changes_durable_,
           "no reply leaves before every change made before it is durable");
    requests.pop_front();
  }

  /// `stuck_for`: how long the peer has not read what waits for it, since it became too much.
  void closing(Connection connection, CloseCode code, Duration stuck_for, Duration stuck_after, bool sent_text) {
    switch (code) {
      case close_code::unsupported_data:
        return expect(sent_text && unanswered_[connection].empty(),
                      "only who sent text is closed with 1003, after the replies");
      case close_code::policy_violation:
        return expect(stuck_for >= stuck_after, "only who is stuck is closed with 1008");
      case close_code::try_again_later:
        return expect(failure_told_ && !unanswered_[connection].empty() &&
                          unanswered_[connection].front().changes_before > changes_durable_,
                      "only who waits for a failed commit is closed with 1013");
      case close_code::going_away:
        return expect(shutting_down_ && unanswered_[connection].empty(),
                      "only a server that shuts down closes with 1001, after the replies");
      default:
        expect(false, "a connection is closed with 1001, 1003, 1008 or 1013");
    }
  }

  void shutting_down() { shutting_down_ = true; }
  bool is_shutting_down() const { return shutting_down_; }

  // What the store hears and tells.

  void recorded(const MessageStored& stored) {
    const auto mailbox = rules_.mailboxes().find(stored.receiver.classic_id());
    expect(mailbox != rules_.mailboxes().end() && !mailbox->second.empty(), "the store is told of what was accepted");
    const ClassicRules::Message& youngest = mailbox->second.back();
    expect(
        youngest.sender == stored.sender.classic_id() &&
            std::equal(stored.payload.begin(), stored.payload.end(), youngest.payload.begin(), youngest.payload.end()),
        "the store is told of a message as it was accepted");
    ++changes_recorded_;
  }

  void recorded(const MessageTaken&) { ++changes_recorded_; }

  std::uint64_t changes_recorded() const { return changes_recorded_; }

  /// The Messenger was told that so many of all changes recorded are durable.
  void durable(std::uint64_t changes) { changes_durable_ = changes; }

  void failure_told() { failure_told_ = true; }

  void loaded(ClassicRules::Mailboxes mailboxes) {
    begin_again();
    rules_.load(std::move(mailboxes));
  }

  void could_not_load() {
    begin_again();
    rules_.lose_store();
  }

  // What must hold when nothing happens.

  /// `closing`: the Messenger closed the connection, which has not ended yet.
  void check(Connection connection, bool closing, bool sent_text) const {
    const std::deque<Unanswered>& requests = unanswered_.at(connection);
    expect(closing || requests.empty() || requests.front().epoch == epoch_,
           "whoever waits for a reply that was lost with a failed commit is closed");
    expect(closing || !shutting_down_ || !requests.empty(),
           "a server that shuts down closes whoever waits for nothing");
    expect(closing || !sent_text || !requests.empty(), "whoever sent text and waits for nothing is closed");
  }

  bool waits(Connection connection) const { return !unanswered_.at(connection).empty(); }

  /// The bytes of requests without a reply, and of their replies, of a connection.
  std::size_t waiting_bytes(Connection connection) const {
    std::size_t sum = 0;
    for (const Unanswered& request : unanswered_.at(connection)) {
      sum += request.request_bytes + request.reply.size();
    }
    return sum;
  }

  std::uint64_t requests() const { return requests_; }

 private:
  struct Unanswered {
    Bytes reply;
    std::size_t request_bytes = 0;
    /// How often the store had been loaded.
    std::uint64_t epoch = 0;
    std::uint64_t changes_before = 0;
    bool executed = false;
  };

  void begin_again() {
    failure_told_ = false;
    changes_recorded_ = changes_durable_;
    ++epoch_;
  }

  ClassicRules rules_;
  std::map<Connection, std::deque<Unanswered>> unanswered_;
  std::uint64_t epoch_ = 0;
  std::uint64_t changes_recorded_ = 0;
  std::uint64_t changes_durable_ = 0;
  std::uint64_t requests_ = 0;
  bool failure_told_ = false;
  bool shutting_down_ = false;
};

}  // namespace restante::fuzz
