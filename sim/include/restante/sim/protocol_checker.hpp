// Does the server keep to the protocol? Judged by what goes over its wire, with a model of the rules that was written
// from docs/protocol.md and shares nothing with the core.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <restante/core/counters.hpp>
#include <restante/messenger_options.hpp>
#include <restante/sim/connection_table.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/store.hpp>
#include <restante/sim/trace.hpp>

namespace restante::sim {

struct ProtocolRules {
  std::uint32_t mailbox_messages_max = 100;
  std::uint32_t payload_bytes_max = 254;
};

/// Checks, at the server's end of the wire: exactly one reply to each request, in order, and the right one; that no id
/// has two holders, and each is free again when its holder is gone; that messages leave each mailbox in the order of
/// their acceptance, none twice, none that nobody sent; that a mailbox refuses when it is full and only then; that text
/// closes a connection. With a disk it checks that what a reply says is on it before the reply leaves, and, each time
/// that a server starts from it, that all that was acknowledged is there, and nothing that was given out.
class ProtocolChecker final : public Observer {
 public:
  /// `durable` is what the server would find on its disk now, or nullptr where it has none.
  ProtocolChecker(Findings& findings, ProtocolRules rules, const Disk::Mailboxes* durable)
      : findings_{findings}, rules_{rules}, durable_{durable} {
    holders_.fill(Connection{});
  }

  void observe(const Entry& entry) override {
    switch (entry.kind) {
      case EntryKind::opened_at_server:
        connections_.insert(entry.connection);
        ++findings_.totals.connections_opened;
        break;
      case EntryKind::received_by_server:
        received(entry);
        break;
      case EntryKind::sent_by_server:
        sent(entry);
        break;
      case EntryKind::closed_at_client:
        told_why(entry);
        break;
      case EntryKind::closed_at_server:
        closed(entry.connection);
        break;
      case EntryKind::server_crashed:
        crashed();
        break;
      case EntryKind::server_started:
        writable_ = true;
        load(entry.time);
        break;
      case EntryKind::store_failed:
        writable_ = false;
        forget_replies();
        findings_.sometimes.reach(Sometimes::store_failed);
        break;
      case EntryKind::store_recovered:
        writable_ = true;
        load(entry.time);
        break;
      default:
        break;
    }
  }

  /// The books of the mailboxes as they must be now.
  const Books& books() const noexcept { return books_; }

  /// Whether somebody holds the id, and how many messages wait for it.
  bool held(std::uint8_t id) const { return holders_[id] != Connection{}; }
  /// Connection{} where nobody does.
  Connection holder(std::uint8_t id) const { return holders_[id]; }
  /// Whether the server said that its store works.
  bool store_available() const noexcept { return writable_; }
  std::size_t depth(std::uint8_t id) const { return mailboxes_[id].messages.size(); }

  /// After everything healed and fell quiet: nobody waits for a reply on a connection that stands.
  void check_quiet(SteadyTime time) {
    connections_.for_each([&](Connection, const State& state) {
      if (!state.expected.empty()) {
        findings_.liveness_failure(checker_name, time,
                                   std::to_string(state.expected.size()) + " requests got no reply");
      }
    });
  }

  /// Compares with what the server says of itself. Nobody asks for its books while its store cannot be read.
  void check_counters(SteadyTime time, const MessengerCounters& told) {
    const auto held = std::count_if(holders_.begin(), holders_.end(), [](Connection id) { return id != Connection{}; });
    check_number(time, "addresses are held", told.addresses_held, static_cast<std::uint64_t>(held));
    check_number(time, "connections are open", told.connections_open, connections_.size());
    if (told.store_available) {
      check_books(time, told.books);
      check_number(time, "bytes of payloads are held", told.payload_bytes_held, payload_bytes_held());
    }
  }

  void check_books(SteadyTime time, const Books& told) {
    if (told != books_) {
      fail(time, "the books of the server are wrong: it says loaded " + std::to_string(told.loaded) + ", stored " +
                     std::to_string(told.stored) + ", taken " + std::to_string(told.taken) + ", held " +
                     std::to_string(told.held) + "; true are " + std::to_string(books_.loaded) + ", " +
                     std::to_string(books_.stored) + ", " + std::to_string(books_.taken) + ", " +
                     std::to_string(books_.held));
    }
  }

 private:
  struct Message {
    std::uint64_t fingerprint = 0;
    std::uint8_t sender = 0;
    std::uint8_t length = 0;
    /// POSITIVEACK was sent for it.
    bool acknowledged = false;
  };

  struct Mailbox {
    Queue<Message> messages;
    /// The offset of the oldest message, or of the next where there is none.
    Offset first = 0;
    /// Messages whose GETRESPONSE has not been sent: the youngest of those that left, the oldest of them first. Their
    /// offsets end just before `first`.
    Queue<Message> leaving;

    /// Nothing was ever pushed to it.
    bool untouched() const noexcept { return first == 0 && messages.empty() && leaving.empty(); }
  };

  // A reply that must come, and what it says when it does.
  struct Expected {
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    std::uint8_t id = 0;
    /// For a PUSH that was accepted or a GET that took a message: which one. For a mailbox that is full, the youngest
    /// in it; for one that is empty, the latest that was taken from it.
    std::uint8_t mailbox = 0;
    Offset offset = 0;
    Message message = {};
    /// The store failed to keep what it says, or something before it.
    bool never = false;
  };

  struct State {
    Queue<Expected> expected;
    bool sent_text = false;
  };

  static constexpr std::string_view checker_name = "protocol";

  void check_number(SteadyTime time, std::string_view what, std::uint64_t told, std::uint64_t right) {
    if (told != right) {
      fail(time, "the server says that " + std::to_string(told) + " " + std::string{what} + ", and it is " +
                     std::to_string(right));
    }
  }

  std::uint64_t payload_bytes_held() const {
    std::uint64_t bytes = 0;
    for (const Mailbox& mailbox : mailboxes_) {
      for (const Message& message : mailbox.messages) {
        bytes += message.length;
      }
    }
    return bytes;
  }

  void fail(SteadyTime time, std::string sentence) { findings_.violation(checker_name, time, std::move(sentence)); }

  void received(const Entry& entry) {
    State* const state = connections_.find(entry.connection);
    if (state == nullptr) {
      fail(entry.time, "the server received something on a connection that is not open");
      return;
    }
    if (entry.type == MessageType::text) {
      // The server closes the connection, behind the replies to what came before.
      state->sent_text = true;
      return;
    }
    ++findings_.totals.requests_received;
    state->expected.push_back(expected_reply(entry.connection, entry.bytes));
  }

  Expected expected_reply(Connection connection, BytesView request) {
    const std::uint8_t third = request.size() > 2 ? request[2] : std::uint8_t{0};
    if (request.size() == 3 && request[0] == 0 && request[1] == 0) {
      return associate(connection, third);
    }
    if (request.size() == 3 && request[0] == 1 && request[1] == 0) {
      return get(connection, third);
    }
    if (request.size() >= 5 && request[0] == 2 && request[1] == 1) {
      return push(connection, request);
    }
    findings_.sometimes.reach(Sometimes::malformed_answered);
    return {0, 3, third};
  }

  Expected associate(Connection connection, std::uint8_t id) {
    if (holders_[id] != Connection{}) {
      findings_.sometimes.reach(Sometimes::associate_refused);
      return {0, 3, id};
    }
    holders_[id] = connection;
    return {0, 1, id};
  }

  Expected get(Connection connection, std::uint8_t id) {
    if (holders_[id] != connection) {
      findings_.sometimes.reach(Sometimes::get_not_associated);
      return {0, 2, id};
    }
    if (!writable_) {
      findings_.sometimes.reach(Sometimes::storage_unavailable_answered);
      return {0, 3, id};
    }
    Mailbox& mailbox = mailboxes_[id];
    if (mailbox.messages.empty()) {
      return {1, 1, id, id, mailbox.first - 1};
    }
    const Message message = mailbox.messages.front();
    const Expected expected{2, 0, id, id, mailbox.first, message};
    mailbox.messages.pop_front();
    mailbox.leaving.push_back(message);
    ++mailbox.first;
    ++books_.taken;
    --books_.held;
    ++findings_.totals.messages_taken;
    return expected;
  }

  Expected push(Connection connection, BytesView request) {
    const std::uint8_t sender = request[2];
    const std::uint8_t receiver = request[3];
    const std::size_t length = request.size() - 5;
    if (holders_[sender] != connection) {
      findings_.sometimes.reach(Sometimes::push_not_associated);
      return {0, 2, sender};
    }
    if (request[4] == 255 || request[4] != length || length > rules_.payload_bytes_max) {
      findings_.sometimes.reach(Sometimes::malformed_answered);
      return {0, 3, sender};
    }
    if (!writable_) {
      findings_.sometimes.reach(Sometimes::storage_unavailable_answered);
      return {0, 3, sender};
    }
    Mailbox& mailbox = mailboxes_[receiver];
    if (mailbox.messages.size() >= rules_.mailbox_messages_max) {
      findings_.sometimes.reach(Sometimes::mailbox_full);
      return {1, 3, sender, receiver, mailbox.first + mailbox.messages.size() - 1};
    }
    const Message message{fingerprint(request.subspan(5)), sender, static_cast<std::uint8_t>(length), false};
    const Offset offset = mailbox.first + mailbox.messages.size();
    mailbox.messages.push_back(message);
    ++books_.stored;
    ++books_.held;
    return {1, 2, sender, receiver, offset, message};
  }

  void sent(const Entry& entry) {
    State* const state = connections_.find(entry.connection);
    if (state == nullptr) {
      fail(entry.time, "the server sent something on a connection that is not open");
      return;
    }
    ++findings_.totals.replies_sent;
    if (state->expected.empty()) {
      fail(entry.time, "the server sent a packet that nobody had asked for");
      return;
    }
    const Expected expected = state->expected.front();
    state->expected.pop_front();
    if (expected.never) {
      fail(entry.time, "the server answered a request that had waited for a store that failed");
      return;
    }
    if (!matches(expected, entry.bytes)) {
      fail(entry.time, "the server answered with another packet than " + describe(expected));
      return;
    }
    if (!is_durable(expected)) {
      fail(entry.time, "the server said " + describe(expected) + " before that was on its disk");
    }
    if (expected.type == 1 && expected.code == 2) {
      ++findings_.totals.pushes_accepted;
      acknowledge(expected);
    } else if (expected.type == 1 && expected.code == 3) {
      ++findings_.totals.pushes_mailbox_full;
    } else if (expected.type == 2) {
      given_out(expected);
    }
  }

  static bool matches(const Expected& expected, BytesView reply) {
    if (reply.size() < 3 || reply[0] != expected.type || reply[1] != expected.code || reply[2] != expected.id) {
      return false;
    }
    if (expected.type != 2) {
      return reply.size() == 3;
    }
    return reply.size() == std::size_t{5} + expected.message.length && reply[3] == expected.message.sender &&
           reply[4] == expected.message.length && fingerprint(reply.subspan(5)) == expected.message.fingerprint;
  }

  // Whether the disk has what the reply says, which others may have done.
  bool is_durable(const Expected& expected) const {
    if (durable_ == nullptr || expected.type == 0) {
      return true;
    }
    const Disk::Mailbox& durable = (*durable_)[expected.mailbox];
    const bool says_stored = expected.type == 1 && expected.code != 1;
    const Offset end = says_stored || durable.messages.empty() ? durable.next_offset : durable.messages.front().offset;
    // Of a mailbox that was always empty, nothing need be there.
    return end >= expected.offset + 1;
  }

  static std::string describe(const Expected& expected) {
    std::string sentence =
        std::to_string(expected.type) + " " + std::to_string(expected.code) + " " + std::to_string(expected.id);
    if (expected.type == 2) {
      sentence += " with message " + std::to_string(expected.offset) + " of that mailbox, from " +
                  std::to_string(expected.message.sender);
    }
    return sentence;
  }

  void acknowledge(const Expected& expected) {
    Mailbox& mailbox = mailboxes_[expected.mailbox];
    if (expected.offset >= mailbox.first) {
      const Offset index = expected.offset - mailbox.first;
      if (index < mailbox.messages.size()) {
        mailbox.messages[index].acknowledged = true;
      }
    }
  }

  // From here on the message must never be seen again, and nor may those that left before it: they were given out, or
  // the connection that asked for them ended.
  void given_out(const Expected& expected) {
    Mailbox& mailbox = mailboxes_[expected.mailbox];
    while (!mailbox.leaving.empty() && mailbox.first - mailbox.leaving.size() <= expected.offset) {
      mailbox.leaving.pop_front();
    }
  }

  // Whoever waits when the store fails is to be disconnected rather than answered.
  void forget_replies() {
    connections_.for_each([](Connection, State& state) {
      for (Expected& expected : state.expected) {
        expected.never = true;
      }
    });
  }

  // A client that leaves by itself, or is cut off, may not learn why the server closed. While it waits for replies, the
  // store may fail, or the client may turn out not to read.
  void told_why(const Entry& entry) {
    const State* const state = connections_.find(entry.connection);
    if (state == nullptr || !state->sent_text) {
      return;
    }
    const bool waits = !state->expected.empty();
    switch (entry.code) {
      case close_code::unsupported_data:
        if (waits) {
          fail(entry.time, "text closed a connection before the requests in front of it were answered");
        }
        break;
      case close_code::normal:
      case close_code::abnormal:
        break;
      default:
        if (!waits || (entry.code != close_code::try_again_later && entry.code != close_code::policy_violation)) {
          fail(entry.time, "text closed a connection with " + std::to_string(entry.code));
        }
        break;
    }
  }

  void closed(Connection connection) {
    for (Connection& holder : holders_) {
      if (holder == connection) {
        holder = {};
      }
    }
    connections_.erase(connection);
  }

  void crashed() {
    if (books_.held > 0) {
      findings_.sometimes.reach(Sometimes::server_crashed_with_messages_held);
    }
    bool waiting = false;
    connections_.for_each([&](Connection, const State& state) { waiting = waiting || !state.expected.empty(); });
    if (waiting) {
      findings_.sometimes.reach(Sometimes::server_crashed_during_commit);
    }
    connections_.clear();
    holders_.fill(Connection{});
    if (durable_ == nullptr) {
      findings_.totals.messages_lost_in_crash += books_.held;
    }
  }

  // A server begins with what its store has.
  void load(SteadyTime time) {
    books_ = {};
    for (std::size_t id = 0; id < mailboxes_.size(); ++id) {
      if (mailboxes_[id].untouched() && (durable_ == nullptr || (*durable_)[id].next_offset == 0)) {
        continue;
      }
      if (durable_ == nullptr) {
        mailboxes_[id] = {};
      } else if (writable_) {
        adopt(time, id, (*durable_)[id]);
        books_.loaded += mailboxes_[id].messages.size();
      }
    }
    books_.held = books_.loaded;
  }

  void adopt(SteadyTime time, std::size_t id, const Disk::Mailbox& durable) {
    Mailbox& mailbox = mailboxes_[id];
    const Offset begin = mailbox.first - mailbox.leaving.size();
    const Offset end = mailbox.first + mailbox.messages.size();
    const Offset kept_from = durable.messages.empty() ? durable.next_offset : durable.messages.front().offset;
    const Offset kept_to = durable.next_offset;
    const auto known = [&](Offset offset) -> const Message& {
      return offset < mailbox.first ? mailbox.leaving[offset - begin] : mailbox.messages[offset - mailbox.first];
    };
    const std::string where = " in mailbox " + std::to_string(id) + " after the store was loaded";
    if (kept_to > end) {
      fail(time, "there are messages that nobody pushed" + where);
    }
    if (kept_from < begin) {
      fail(time, "messages that had been given out are back" + where);
    }
    for (Offset offset = mailbox.first; offset < end; ++offset) {
      if (known(offset).acknowledged && (offset < kept_from || offset >= kept_to)) {
        fail(time, "message " + std::to_string(offset) + ", which had been acknowledged, is gone" + where);
      }
    }
    Queue<Message> messages;
    for (const Disk::Message& kept : durable.messages) {
      if (kept.offset < begin || kept.offset >= end) {
        continue;
      }
      const Message& message = known(kept.offset);
      if (message.sender != kept.sender.classic_id() || message.fingerprint != fingerprint(kept.payload)) {
        fail(time, "message " + std::to_string(kept.offset) + " is another" + where);
      }
      messages.push_back(message);
      messages.back().acknowledged = true;
    }
    mailbox.messages = std::move(messages);
    mailbox.first = kept_from;
    mailbox.leaving.clear();
  }

  Findings& findings_;
  ProtocolRules rules_;
  const Disk::Mailboxes* durable_;
  bool writable_ = true;
  ConnectionTable<State> connections_;
  std::array<Connection, 256> holders_{};
  std::array<Mailbox, 256> mailboxes_;
  Books books_;
};

}  // namespace restante::sim
