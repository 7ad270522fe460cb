// What docs/protocol.md says of restante.v2, once more and as simply as possible: everything is looked for in plain
// lists, and nothing is told before it is asked. The model is given every request and every reply, in the order in
// which they happened, and says where they disagree with it. It knows nothing of the core.
//
// Two things are taken for granted that the protocol leaves open: offsets begin with 0 and have no gaps, and addresses
// are not forgotten.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/v2/packet.hpp>

#include "v2_vectors.hpp"

namespace restante::property {

struct V2Limits {
  std::uint64_t payload_bytes_max = 300;
  std::uint64_t mailbox_messages_max = 4;
  std::uint64_t mailbox_bytes_max = 900;
  std::uint64_t sender_messages_max = 3;
  std::uint64_t sender_bytes_max = 600;
  std::uint64_t room_messages_max = 3;
  std::uint64_t room_bytes_max = 700;
  std::uint64_t memberships_max = 2;
  std::uint64_t connection_waits_max = 3;
  std::uint64_t unopened_messages_max = 3;
  std::uint64_t unopened_time_to_live_ms = 5'000;
  std::uint64_t classic_messages_max = 3;
  std::uint64_t classic_payload_bytes_max = 254;
  std::uint64_t window = 256;
};

/// Thrown where what happened is not what the protocol says.
struct Disagreement : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class V2Model {
 public:
  using Peer = std::size_t;

  explicit V2Model(V2Limits limits, const std::vector<Epoch>& epochs_before = {})
      : limits_{limits}, epochs_(epochs_before.begin(), epochs_before.end()) {}

  // What happens.

  void set_time(std::uint64_t steady_ms, std::uint64_t wall_ms) {
    steady_ms_ = steady_ms;
    wall_ms_ = wall_ms;
    for (auto& [name, address] : addresses_) {
      for (std::size_t i = 0; i < address.messages.size();) {
        const Message& message = address.messages[i];
        const bool is_over = message.expires_ms != 0 && !message.delivered && message.expires_ms <= wall_ms_;
        is_over ? remove(name, i, MessageState::expired) : static_cast<void>(++i);
      }
    }
  }

  void connect(Peer peer) { peers_[peer] = {}; }

  void disconnect(Peer peer) {
    if (const std::string name = peers_.at(peer).address; !name.empty()) {
      addresses_[name].holder.reset();
      presence_changed(name);
    }
    peers_.erase(peer);
  }

  void request(Peer peer, const v2::Request& request) {
    std::visit([&](const auto& packet) { carry_out(peer, packet); }, request);
  }

  void reply(Peer peer, const v2::Reply& reply) {
    const auto tag = std::visit(
        [](const auto& packet) -> v2::Tag {
          if constexpr (requires { packet.tag; }) {
            return packet.tag;
          } else {
            return 0;
          }
        },
        reply);
    std::vector<Request>& waiting = peers_.at(peer).requests;
    const std::string said = described(reply);
    // A tag that is used again is answered at once; its request that waits goes on to wait.
    auto request = std::find_if(waiting.begin(), waiting.end(),
                                [tag](const Request& one) { return one.tag == tag && one.expected; });
    if (request == waiting.end()) {
      request = std::find_if(waiting.begin(), waiting.end(), [tag](const Request& one) { return one.tag == tag; });
    }
    expect(request != waiting.end(), "nothing was asked that this answers: " + said);
    if (request->expected) {
      expect(said == *request->expected, said + ", and not " + *request->expected);
      waiting.erase(request);
    } else if (request->learns || is_finished_by(peer, *request, reply, said)) {
      if (request->learns) {
        learn(peers_.at(peer).address, *request, reply, said);
      }
      waiting.erase(request);
    }
  }

  /// The server was started again, and found everything in its store. Nobody is there any more, and what STATUS counts
  /// begins with what was found.
  void restart_with_everything() {
    for (auto& [peer, state] : peers_) {
      if (!state.address.empty()) {
        addresses_[state.address].holder.reset();
      }
    }
    peers_.clear();
    for (auto& [name, address] : addresses_) {
      address.token = {};
      address.stored = address.messages.size();
      address.acknowledged = address.expired = address.purged = 0;
      address.versions.clear();
    }
    books_ = {.loaded = books_.held, .held = books_.held};
  }

  // What an operator does: v2_model_operator.hpp.

  /// Gives how many messages were removed.
  std::uint64_t purge(const std::string& name);
  /// The same; whoever held the address is gone.
  std::uint64_t retire(const std::string& name);

  /// Everything that had to be answered by now has been.
  void turn_ended() {
    for (auto& [peer, state] : peers_) {
      for (const Request& request : state.requests) {
        expect(request.waits, "there was no answer to the request with tag " + std::to_string(request.tag));
        expect(request.deadline_ms > steady_ms_, "a request waits longer than it asked for");
        expect(!has_answer(state.address, request),
               "a wait was forgotten, that of tag " + std::to_string(request.tag) + " of " + state.address);
      }
    }
  }

  // What is known.

  /// When the next wait ends or message expires, in steady milliseconds, where that is known.
  std::optional<std::uint64_t> next_event_ms() const {
    std::optional<std::uint64_t> next;
    const auto consider = [&next](std::uint64_t time) { next = std::min(next.value_or(time), time); };
    for (const auto& [peer, state] : peers_) {
      for (const Request& request : state.requests) {
        consider(request.deadline_ms);
      }
    }
    for (const auto& [name, address] : addresses_) {
      for (const Message& message : address.messages) {
        if (message.expires_ms != 0 && !message.delivered) {
          consider(steady_ms_ + (message.expires_ms - wall_ms_));
        }
      }
    }
    return next;
  }

  /// Peers that a takeover replaced, and that are to be closed with 4001; each is told once.
  std::vector<Peer> take_replaced() { return std::exchange(replaced_, {}); }

  std::optional<Peer> holder_of(const std::string& name) { return addresses_[name].holder; }
  std::string address_of(Peer peer) const { return peers_.at(peer).address; }
  ResumeToken token_of(const std::string& name) { return addresses_[name].token; }
  Epoch epoch_of(const std::string& name) { return addresses_[name].epoch; }
  std::uint64_t highest_sequence_of(const std::string& name) { return addresses_[name].highest; }
  Offset delivered_end_of(const std::string& name, const std::string& room) {
    Address& address = addresses_[name];
    return room.empty() ? address.delivered_end : address.memberships[room].delivered_end;
  }
  /// The version that STATUS of the own mailbox or a room told last, or 0.
  std::uint64_t told_version(const std::string& name, const std::string& room) {
    const auto& versions = addresses_[room.empty() ? name : room].versions;
    return versions.empty() ? 0 : versions.rbegin()->first;
  }
  bool is_member(const std::string& name, const std::string& room) {
    return addresses_[name].memberships.contains(room);
  }
  std::vector<v2::Tag> waiting_tags(Peer peer) const {
    std::vector<v2::Tag> tags;
    for (const Request& request : peers_.at(peer).requests) {
      tags.push_back(request.tag);
    }
    return tags;
  }

  struct Books {
    std::uint64_t loaded = 0;
    std::uint64_t stored = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t expired = 0;
    std::uint64_t purged = 0;
    std::uint64_t trimmed = 0;
    std::uint64_t held = 0;
  };
  const Books& books() const { return books_; }

 private:
  struct Message {
    Offset offset = 0;
    std::uint64_t time_ms = 0;
    std::uint64_t expires_ms = 0;
    std::string sender = {};
    std::string payload = {};
    std::uint64_t sequence = 0;
    bool delivered = false;
  };

  struct Membership {
    Offset cursor = 0;
    Offset next = 0;
    Offset delivered_end = 0;
  };

  /// A mailbox or a room, and what is known of whoever opens it.
  struct Address {
    Epoch epoch = 0;
    bool was_opened = false;
    bool exists = false;
    std::optional<Peer> holder;
    ResumeToken token = {};
    std::deque<Message> messages;
    Offset next_offset = 0;
    Offset next = 0;
    Offset delivered_end = 0;
    std::uint64_t highest = 0;
    /// Everything that was ever accepted, by its number.
    std::map<std::uint64_t, MessageState> sequences;
    std::map<std::string, Membership> memberships;
    std::uint64_t stored = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t expired = 0;
    std::uint64_t purged = 0;
    /// Grows with each change that STATUS tells of; and which version was told of which.
    std::uint64_t changes = 0;
    std::map<std::uint64_t, std::uint64_t> versions;
  };

  /// What was asked and is not answered yet.
  struct Request {
    enum class Kind : std::uint8_t { fetch, receipt, mailbox, members };
    v2::Tag tag = 0;
    /// The answer, where there is only one.
    std::optional<std::string> expected = {};
    /// OPEN, or JOIN of `source`.
    bool learns = false;
    bool took_over = false;
    Kind kind = Kind::fetch;
    std::string source = {};
    std::uint64_t messages_max = 0;
    std::uint64_t bytes_max = 0;
    std::uint64_t delivered = 0;
    std::uint64_t bytes = 0;
    bool missed = false;
    std::uint64_t sequence = 0;
    std::uint64_t known = 0;
    std::string after = {};
    /// The changes that there were when it began to wait.
    std::uint64_t changes = 0;
    bool waits = false;
    std::uint64_t deadline_ms = UINT64_MAX;
  };

  struct PeerState {
    std::string address;
    std::vector<Request> requests;
  };

  static void expect(bool condition, const std::string& sentence) {
    if (!condition) {
      throw Disagreement{sentence};
    }
  }

  static std::string text(BytesView bytes) { return std::string{as_text(bytes)}; }
  static std::string described(const v2::Reply& reply) {
    const test::PacketText text = test::text_of(reply);
    return text.name + " " + text.fields + " " + test::to_hex(text.rest);
  }
  static bool is_room(const std::string& name) { return name.size() > 1 && name[0] == '#'; }
  // The names of the property are those, and no others that look like them.
  static bool is_classic(const std::string& name) {
    return !name.empty() && name.size() <= 3 && name.find_first_not_of("0123456789") == std::string::npos &&
           (name[0] != '0' || name.size() == 1) && std::stoi(name) <= 255;
  }
  static bool is_bad(const std::string& name) {
    return name.empty() || name == "*" || name == "#" ||
           (name.find_first_not_of("0123456789") == std::string::npos && !is_classic(name));
  }

  void will_answer(Peer peer, v2::Tag tag, const v2::Reply& reply) {
    peers_.at(peer).requests.push_back({.tag = tag, .expected = described(reply)});
  }
  void will_refuse(Peer peer, v2::Tag tag, Refusal reason) { will_answer(peer, tag, v2::Refused{tag, reason}); }

  // Rules 1 and 10: what has to be so for any request but OPEN.
  bool admits(Peer peer, v2::Tag tag) {
    const PeerState& state = peers_.at(peer);
    if (state.address.empty()) {
      will_refuse(peer, tag, Refusal::not_open);
      return false;
    }
    if (std::any_of(state.requests.begin(), state.requests.end(),
                    [tag](const Request& request) { return request.tag == tag; })) {
      will_refuse(peer, tag, Refusal::malformed);
      return false;
    }
    return true;
  }

  // Whatever the members of its rooms can see of an address has changed.
  void presence_changed(const std::string& name) {
    for (const auto& [room, membership] : addresses_[name].memberships) {
      ++addresses_[room].changes;
    }
  }

  void note(const Message& message, MessageState state) {
    if (message.sequence != 0) {
      addresses_[message.sender].sequences[message.sequence] = state;
    }
  }

  // A message that is purged makes place in a room, unless an operator removed it.
  void remove(const std::string& name, std::size_t index, MessageState state, bool by_operator = false) {
    Address& address = addresses_[name];
    note(address.messages[index], state);
    address.messages.erase(address.messages.begin() + static_cast<std::ptrdiff_t>(index));
    const bool room = is_room(name);
    address.changes += room ? 0 : 1;
    ++(state == MessageState::acknowledged ? address.acknowledged
       : state == MessageState::expired    ? address.expired
                                           : address.purged);
    ++(state == MessageState::acknowledged ? books_.acknowledged
       : state == MessageState::expired    ? books_.expired
       : by_operator                       ? books_.purged
                                           : books_.trimmed);
    --books_.held;
  }

  // Rule 7.
  MessageState state_of(const std::string& sender, std::uint64_t sequence) {
    Address& address = addresses_[sender];
    const bool is_in_window = sequence + limits_.window > address.highest;
    const auto known = address.sequences.find(sequence);
    return is_in_window && known != address.sequences.end() ? known->second : MessageState::unknown;
  }

  // What each request does, and what is answered: v2_model_requests.hpp.
  void carry_out(Peer peer, const v2::Unreadable& packet);
  void carry_out(Peer peer, const v2::Open& packet);
  void carry_out(Peer peer, const v2::Push& packet);
  void carry_out(Peer peer, const v2::Fetch& packet);
  void carry_out(Peer peer, const v2::Acknowledge& packet);
  void carry_out(Peer peer, const v2::Receipt& packet);
  void carry_out(Peer peer, const v2::Join& packet);
  void carry_out(Peer peer, const v2::Leave& packet);
  void carry_out(Peer peer, const v2::Status& packet);
  void leave(const std::string& member, const std::string& room);
  std::optional<Refusal> judge(const std::string& sender, const v2::Push& packet, bool& duplicate);
  std::optional<Refusal> judge_receiver(const std::string& sender, const std::string& receiver, std::size_t bytes);
  void store(const std::string& sender, const v2::Push& packet);
  std::optional<Refusal> find_source(const std::string& owner, const std::string& source);
  void answer_or_wait(Peer peer, Request request, std::uint64_t wait_ms);

  // What can be answered, and whether an answer is right: v2_model_replies.hpp.
  std::vector<std::string> sources_of(const std::string& owner, const Request& fetch);
  const Message* next_of(const std::string& owner, const std::string& source);
  std::uint64_t missed_in(const std::string& owner, const std::string& room);
  bool has_answer(const std::string& owner, const Request& request);
  void expect_remaining(const std::string& owner, const Request& fetch, std::uint64_t remaining);
  bool is_finished_by(Peer peer, Request& request, const v2::Reply& reply, const std::string& said);
  void deliver(const std::string& owner, Request& fetch, const v2::Message& message);
  void miss(const std::string& owner, Request& fetch, const v2::Missed& missed);
  void finish_fetch(const std::string& owner, const Request& fetch, const v2::Fetched& fetched);
  void check_mailbox(const std::string& owner, const v2::Mailbox& mailbox);
  void check_members(const Request& request, const v2::Members& members);
  void note_version(Address& address, std::uint64_t version);
  void learn(const std::string& name, const Request& request, const v2::Reply& reply, const std::string& said);

  V2Limits limits_;
  std::uint64_t steady_ms_ = 0;
  std::uint64_t wall_ms_ = 0;
  std::map<std::string, Address> addresses_;
  std::map<Peer, PeerState> peers_;
  std::vector<Peer> replaced_;
  std::set<ResumeToken> tokens_;
  std::set<Epoch> epochs_;
  Books books_;
};

}  // namespace restante::property

// The rest of the class.
#include "v2_model_operator.hpp"
#include "v2_model_replies.hpp"
#include "v2_model_requests.hpp"
