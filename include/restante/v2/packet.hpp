// The packets of restante.v2 by name, as docs/protocol.md lists them. Views are into the bytes that a packet was
// decoded from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include <restante/bytes.hpp>
#include <restante/core/change.hpp>
#include <restante/core/refusal.hpp>
#include <restante/core/reply.hpp>
#include <restante/core/request.hpp>

namespace restante::v2 {

/// The name of the subprotocol (RFC 6455, section 1.9).
inline constexpr std::string_view protocol_name = "restante.v2";

/// Numbers go up to this.
inline constexpr std::uint64_t number_max = (std::uint64_t{1} << 62U) - 1;

/// Chosen by the client to know the replies to a request by; 1 to tag_max. 0 where none could be read.
using Tag = std::uint32_t;
inline constexpr Tag tag_max = (Tag{1} << 30U) - 1;

/// The longest name, in bytes.
inline constexpr std::size_t name_bytes_max = 64;

/// How much longer than its payload a packet can be, at most; MEMBERS are longer by what they list.
inline constexpr std::size_t packet_bytes_beyond_payload = 256;

/// The longest message that is answered where payloads have at most so many bytes.
constexpr std::size_t message_bytes_max(std::size_t payload_bytes_max) noexcept {
  return 2 * payload_bytes_max + 1024;
}

/// A name as it stands in a packet: at most name_bytes_max bytes, not checked to be an address.
using Name = BytesView;

// From client to server. What each means is said in docs/protocol.md, "Requests" and "Rules".

struct Open {
  Tag tag = 0;
  Name address = {};
  Proof proof = Proof::none;
  /// A credential, or a resume token.
  BytesView secret = {};
};

struct Push {
  Tag tag = 0;
  Name receiver = {};
  std::uint64_t sequence = 0;
  std::uint64_t time_to_live_ms = 0;
  BytesView payload = {};
};

struct Fetch {
  Tag tag = 0;
  Name source = {};
  Epoch epoch = 0;
  bool rewind = false;
  std::uint64_t messages_max = 0;
  std::uint64_t bytes_max = 0;
  std::uint64_t wait_ms = 0;
};

struct Acknowledge {
  Tag tag = 0;
  Name source = {};
  Epoch epoch = 0;
  Offset offset = 0;
};

struct Receipt {
  Tag tag = 0;
  std::uint64_t sequence = 0;
  std::uint8_t known_state = 0;
  std::uint64_t wait_ms = 0;
};

struct Join {
  Tag tag = 0;
  Name room = {};
};

struct Leave {
  Tag tag = 0;
  Name room = {};
};

struct Status {
  Tag tag = 0;
  Name source = {};
  std::uint64_t known_version = 0;
  Name after = {};
  std::uint64_t members_max = 0;
  std::uint64_t wait_ms = 0;
};

/// Bytes that are no request: `reason` is malformed or unknown_operation.
struct Unreadable {
  Tag tag = 0;
  Refusal reason = Refusal::malformed;
};

using Request = std::variant<Unreadable, Open, Push, Fetch, Acknowledge, Receipt, Join, Leave, Status>;

/// Which alternative of Request a packet is.
template <class Packet>
inline constexpr std::size_t request_index = Request{Packet{}}.index();

// From server to client.

struct Opened {
  Tag tag = 0;
  /// Somebody who held the address was replaced.
  bool took_over = false;
  Epoch epoch = 0;
  std::uint64_t depth = 0;
  Offset first_unacknowledged = 0;
  std::uint64_t highest_sequence = 0;
  std::uint64_t window = 0;
  std::uint64_t payload_bytes_max = 0;
  std::uint64_t mailbox_messages_max = 0;
  std::uint64_t mailbox_bytes_max = 0;
  std::uint64_t waits_max = 0;
  ResumeToken resume_token = {};
};

struct Accepted {
  Tag tag = 0;
  bool duplicate = false;
};

struct Message {
  Tag tag = 0;
  /// Empty for the own mailbox.
  Name source = {};
  Offset offset = 0;
  /// When it was accepted, in milliseconds since 1970-01-01 00:00 UTC.
  std::uint64_t time_ms = 0;
  Name sender = {};
  BytesView payload = {};
};

struct Fetched {
  Tag tag = 0;
  std::uint64_t delivered = 0;
  std::uint64_t remaining = 0;
};

struct Missed {
  Tag tag = 0;
  Name room = {};
  std::uint64_t count = 0;
};

struct Acknowledged {
  Tag tag = 0;
};

struct State {
  Tag tag = 0;
  MessageState state = MessageState::unknown;
};

struct Joined {
  Tag tag = 0;
  Epoch epoch = 0;
  Offset first_kept = 0;
  Offset cursor = 0;
  Offset next_offset = 0;
};

struct Left {
  Tag tag = 0;
};

struct Mailbox {
  Tag tag = 0;
  std::uint64_t version = 0;
  std::uint64_t depth = 0;
  std::uint64_t bytes = 0;
  std::uint64_t oldest_age_ms = 0;
  std::uint64_t stored = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t taken = 0;
  std::uint64_t expired = 0;
  std::uint64_t purged = 0;
};

struct Members {
  Tag tag = 0;
  std::uint64_t version = 0;
  std::uint64_t total = 0;
  bool more = false;
  /// As encode_member() wrote them, one after the other.
  BytesView members = {};
};

/// One of the members that a Members lists.
struct Member {
  bool present = false;
  Name name = {};
};

struct Refused {
  Tag tag = 0;
  /// A number that is not listed in Refusal may come from a newer server.
  Refusal reason = Refusal::malformed;
};

/// Bytes that are no reply that this version knows.
struct UnreadableReply {};

using Reply = std::variant<UnreadableReply, Opened, Accepted, Message, Fetched, Missed, Acknowledged, State, Joined,
                           Left, Mailbox, Members, Refused>;

}  // namespace restante::v2
