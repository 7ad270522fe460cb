// A Messenger that serves restante.v2, with peers that speak to it: what they say are packets, what they hear is text.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <restante/messenger.hpp>

#include "packets.hpp"
#include "recording_transport.hpp"

namespace restante::test {

/// Replies as text, oldest first.
using Heard = std::vector<std::string>;

/// A reply without its tag: "accepted again", "message #lobby 3 ada hello", "refused not_open".
struct ReplyText {
  static std::string text(BytesView bytes) { return std::string{as_text(bytes)}; }
  static std::string number(std::uint64_t number) { return " " + std::to_string(number); }

  std::string operator()(const v2::UnreadableReply&) const { return "no reply"; }
  std::string operator()(const v2::Opened& opened) const { return opened.took_over ? "opened taking over" : "opened"; }
  std::string operator()(const v2::Accepted& accepted) const {
    return accepted.duplicate ? "accepted again" : "accepted";
  }
  std::string operator()(const v2::Message& message) const {
    return "message" + (message.source.empty() ? "" : " " + text(message.source)) + number(message.offset) + " " +
           text(message.sender) + " " + text(message.payload);
  }
  std::string operator()(const v2::Fetched& fetched) const {
    return "fetched" + number(fetched.delivered) + number(fetched.remaining);
  }
  std::string operator()(const v2::Missed& missed) const {
    return "missed " + text(missed.room) + number(missed.count);
  }
  std::string operator()(const v2::Acknowledged&) const { return "acked"; }
  std::string operator()(const v2::State& state) const {
    return "state" + number(static_cast<std::uint64_t>(state.state));
  }
  std::string operator()(const v2::Joined& joined) const {
    return "joined" + number(joined.first_kept) + number(joined.cursor) + number(joined.next_offset);
  }
  std::string operator()(const v2::Left&) const { return "left"; }
  std::string operator()(const v2::Mailbox& mailbox) const {
    return "mailbox of" + number(mailbox.depth) + number(mailbox.bytes) + " aged" + number(mailbox.oldest_age_ms) +
           " stored" + number(mailbox.stored) + " acknowledged" + number(mailbox.acknowledged) + " taken" +
           number(mailbox.taken) + " expired" + number(mailbox.expired) + " purged" + number(mailbox.purged);
  }
  std::string operator()(const v2::Members& members) const {
    std::string said = "members" + number(members.total) + (members.more ? " and more" : "");
    BytesView left = members.members;
    while (const auto member = v2::take_member(left)) {
      said += (member->present ? " +" : " -") + text(member->name);
    }
    return said;
  }
  std::string operator()(const v2::Refused& refused) const { return "refused " + std::string{name_of(refused.reason)}; }
};

/// A client of restante.v2 as a test knows it.
struct Peer {
  Connection connection = {};
  /// Of its latest request: they are numbered from 1, OPEN included.
  v2::Tag tag = 0;
  /// What OPENED said.
  v2::Opened opened = {};
};

/// What a FETCH of a test says unless told otherwise.
struct FetchSpec {
  std::string_view source = {};
  std::uint64_t messages = 100;
  std::uint64_t bytes = 100'000;
  std::uint64_t wait_ms = 0;
  bool rewind = false;
};

/// A Messenger on a RecordingTransport, with given entropy and a given clock on the wall. After each step the books of
/// the mailboxes must balance.
template <class S = MemoryStore, class A = NoAuthentication>
class Office {
 public:
  /// Makes the store of these.
  template <class... Arguments>
  explicit Office(const Arguments&... arguments) : store{arguments...} {}

  void start(MessengerOptions options = {}) {
    options.entropy = [this] { return draws_ = draws_ * 6364136223846793005U + 1442695040888963407U; };
    options.wall_clock = [this] { return wall_ms; };
    messenger_.emplace(transport, store, authenticator, std::move(options));
  }

  Messenger<RecordingTransport, S, A>& messenger() { return *messenger_; }

  Peer connect() { return {.connection = transport.connect("peer", v2::protocol_name)}; }

  /// Connects and opens an address that nobody holds.
  Peer open(std::string_view address) {
    Peer peer = connect();
    EXPECT_EQ(this->open(peer, address), Heard{"opened"});
    return peer;
  }

  Heard open(Peer& peer, std::string_view address, Proof proof = Proof::none, BytesView secret = {}) {
    return say(peer, v2::Open{.address = as_bytes(address), .proof = proof, .secret = secret});
  }
  Heard push(Peer& peer, std::string_view receiver, std::string_view payload, std::uint64_t sequence = 0,
             std::uint64_t time_to_live_ms = 0) {
    return say(peer, v2::Push{.receiver = as_bytes(receiver),
                              .sequence = sequence,
                              .time_to_live_ms = time_to_live_ms,
                              .payload = as_bytes(payload)});
  }
  Heard fetch(Peer& peer, FetchSpec spec = {}) { return fetch(peer, spec, peer.opened.epoch); }
  Heard fetch(Peer& peer, FetchSpec spec, Epoch epoch) {
    return say(peer, v2::Fetch{.source = as_bytes(spec.source),
                               .epoch = epoch,
                               .rewind = spec.rewind,
                               .messages_max = spec.messages,
                               .bytes_max = spec.bytes,
                               .wait_ms = spec.wait_ms});
  }
  Heard acknowledge(Peer& peer, Offset offset) { return acknowledge(peer, offset, "", peer.opened.epoch); }
  Heard acknowledge(Peer& peer, Offset offset, std::string_view source, Epoch epoch) {
    return say(peer, v2::Acknowledge{.source = as_bytes(source), .epoch = epoch, .offset = offset});
  }
  Heard receipt(Peer& peer, std::uint64_t sequence, std::uint8_t known = 255, std::uint64_t wait_ms = 0) {
    return say(peer, v2::Receipt{.sequence = sequence, .known_state = known, .wait_ms = wait_ms});
  }
  Heard join(Peer& peer, std::string_view room) { return say(peer, v2::Join{.room = as_bytes(room)}); }
  Heard leave(Peer& peer, std::string_view room) { return say(peer, v2::Leave{.room = as_bytes(room)}); }
  Heard status(Peer& peer, std::string_view source = "", std::uint64_t known = 0, std::uint64_t wait_ms = 0,
               std::string_view after = "", std::uint64_t members = 100) {
    return say(peer, v2::Status{.source = as_bytes(source),
                                .known_version = known,
                                .after = as_bytes(after),
                                .members_max = members,
                                .wait_ms = wait_ms});
  }

  /// Joins a room, and gives its epoch.
  Epoch room_epoch(Peer& peer, std::string_view room) {
    join(peer, room);
    return last_joined_.epoch;
  }

  /// Says something with the next tag, and hears what is answered at once.
  template <class Packet>
  Heard say(Peer& peer, Packet packet) {
    packet.tag = ++peer.tag;
    return say_bytes(peer, encoded(packet));
  }

  Heard say_bytes(Peer& peer, BytesView message) {
    transport.receive(peer.connection, message);
    return hear(peer, peer.tag);
  }

  /// What came since last asked. What does not answer the request with this tag is preceded by "to 3: ".
  Heard hear(Peer& peer, v2::Tag tag = 0) {
    Heard heard;
    for (const Bytes& bytes : transport.replies(peer.connection)) {
      const v2::Reply reply = v2::decode_reply(bytes);
      v2::Tag answered = 0;
      std::visit(
          [&](const auto& packet) {
            if constexpr (requires { packet.tag; }) {
              answered = packet.tag;
            }
          },
          reply);
      if (const auto* const opened = std::get_if<v2::Opened>(&reply)) {
        peer.opened = *opened;
      }
      if (const auto* const joined = std::get_if<v2::Joined>(&reply)) {
        last_joined_ = *joined;
      }
      if (const auto* const mailbox = std::get_if<v2::Mailbox>(&reply)) {
        last_version_ = mailbox->version;
      }
      if (const auto* const members = std::get_if<v2::Members>(&reply)) {
        last_version_ = members->version;
      }
      const std::string text = std::visit(ReplyText{}, reply);
      heard.push_back(answered == tag ? text : "to " + std::to_string(answered) + ": " + text);
    }
    expect_balance();
    return heard;
  }

  /// Time passes, on both clocks.
  void advance(std::chrono::milliseconds duration) {
    wall_ms += static_cast<std::uint64_t>(duration.count());
    transport.advance(duration);
    expect_balance();
  }

  /// The version in the latest MAILBOX or MEMBERS.
  std::uint64_t last_version() const { return last_version_; }

  void expect_balance() {
    const Books books = messenger_->counters().books;
    EXPECT_EQ(books.loaded + books.stored,
              books.acknowledged + books.taken + books.expired + books.purged + books.trimmed + books.held)
        << "the books do not balance";
  }

  template <class Packet>
  static Bytes encoded(const Packet& packet) {
    std::vector<std::uint8_t> room(2 * 1024 * 1024);
    return Bytes{v2::encode(packet, room)};
  }

  RecordingTransport transport;
  S store;
  A authenticator;
  std::uint64_t wall_ms = 1'700'000'000'000;

 private:
  std::uint64_t draws_ = 7;
  v2::Joined last_joined_;
  std::uint64_t last_version_ = 0;
  std::optional<Messenger<RecordingTransport, S, A>> messenger_;
};

}  // namespace restante::test
