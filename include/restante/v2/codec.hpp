// Packets of restante.v2 to bytes and back: pure functions, usable in constant expressions. docs/protocol.md is the
// source, tests/vectors/v2_packets.txt the examples.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/v2/packet.hpp>
#include <restante/v2/wire.hpp>

namespace restante::v2 {

/// The first byte of a packet.
namespace code {
inline constexpr std::uint8_t open = 0x01;
inline constexpr std::uint8_t push = 0x02;
inline constexpr std::uint8_t fetch = 0x03;
inline constexpr std::uint8_t acknowledge = 0x04;
inline constexpr std::uint8_t receipt = 0x05;
inline constexpr std::uint8_t join = 0x06;
inline constexpr std::uint8_t leave = 0x07;
inline constexpr std::uint8_t status = 0x08;
/// Requests have codes up to this.
inline constexpr std::uint8_t request_max = 0x7f;

inline constexpr std::uint8_t opened = 0x81;
inline constexpr std::uint8_t accepted = 0x82;
inline constexpr std::uint8_t message = 0x83;
inline constexpr std::uint8_t fetched = 0x84;
inline constexpr std::uint8_t missed = 0x85;
inline constexpr std::uint8_t acknowledged = 0x86;
inline constexpr std::uint8_t state = 0x87;
inline constexpr std::uint8_t joined = 0x88;
inline constexpr std::uint8_t left = 0x89;
inline constexpr std::uint8_t mailbox = 0x8a;
inline constexpr std::uint8_t members = 0x8b;
inline constexpr std::uint8_t refused = 0xff;
}  // namespace code

/// Takes the first member off a list. Gives nothing where the list is at its end, or no list.
constexpr std::optional<Member> take_member(BytesView& members) noexcept {
  Member member;
  detail::InFields fields{members};
  if (!fields.flag(member.present) || !fields.name(member.name)) {
    return std::nullopt;
  }
  members = fields.left();
  return member;
}

namespace detail {

// Each list() lists the fields of a packet behind the tag once, in their order on the wire; `fields` is an InFields
// to decode and an OutFields to encode. So neither direction can know a layout that the other does not. Gives whether
// all of them were there.

[[gnu::always_inline]] constexpr bool list(auto& fields, auto& packet) requires Is<Open, decltype(packet)> {
  return fields.name(packet.address) && fields.one_of(packet.proof, Proof::resume_token) && fields.rest(packet.secret);
}
[[gnu::always_inline]] constexpr bool list(auto& fields, auto& packet) requires Is<Push, decltype(packet)> {
  return fields.name(packet.receiver) && fields.number(packet.sequence) && fields.number(packet.time_to_live_ms) &&
         fields.rest(packet.payload);
}
[[gnu::always_inline]] constexpr bool list(auto& fields, auto& packet) requires Is<Fetch, decltype(packet)> {
  return fields.name(packet.source) && fields.epoch(packet.epoch) && fields.flag(packet.rewind) &&
         fields.number(packet.messages_max) && fields.number(packet.bytes_max) && fields.number(packet.wait_ms);
}
[[gnu::always_inline]] constexpr bool list(auto& fields, auto& packet) requires Is<Acknowledge, decltype(packet)> {
  return fields.name(packet.source) && fields.epoch(packet.epoch) && fields.number(packet.offset);
}
constexpr bool list(auto& fields, auto& packet) requires Is<Receipt, decltype(packet)> {
  return fields.number(packet.sequence) && fields.byte(packet.known_state) && fields.number(packet.wait_ms);
}
constexpr bool list(auto& fields, auto& packet) requires Is<Join, decltype(packet)> || Is<Leave, decltype(packet)> {
  return fields.name(packet.room);
}
constexpr bool list(auto& fields, auto& packet) requires Is<Status, decltype(packet)> {
  return fields.name(packet.source) && fields.number(packet.known_version) && fields.name(packet.after) &&
         fields.number(packet.members_max) && fields.number(packet.wait_ms);
}
constexpr bool list(auto& fields, auto& packet) requires Is<Opened, decltype(packet)> {
  return fields.first_of_flags(packet.took_over) && fields.epoch(packet.epoch) && fields.number(packet.depth) &&
         fields.number(packet.first_unacknowledged) && fields.number(packet.highest_sequence) &&
         fields.number(packet.window) && fields.number(packet.payload_bytes_max) &&
         fields.number(packet.mailbox_messages_max) && fields.number(packet.mailbox_bytes_max) &&
         fields.number(packet.waits_max) && fields.token(packet.resume_token);
}
[[gnu::always_inline]] constexpr bool list(auto& fields, auto& packet) requires Is<Accepted, decltype(packet)> {
  return fields.first_of_flags(packet.duplicate);
}
[[gnu::always_inline]] constexpr bool list(auto& fields, auto& packet) requires Is<Message, decltype(packet)> {
  return fields.name(packet.source) && fields.number(packet.offset) && fields.number(packet.time_ms) &&
         fields.name(packet.sender) && fields.rest(packet.payload);
}
[[gnu::always_inline]] constexpr bool list(auto& fields, auto& packet) requires Is<Fetched, decltype(packet)> {
  return fields.number(packet.delivered) && fields.number(packet.remaining);
}
constexpr bool list(auto& fields, auto& packet) requires Is<Missed, decltype(packet)> {
  return fields.name(packet.room) && fields.number(packet.count);
}
[[gnu::always_inline]] constexpr bool list(
    auto&, auto& packet) requires Is<Acknowledged, decltype(packet)> || Is<Left, decltype(packet)> {
  return true;
}
constexpr bool list(auto& fields, auto& packet) requires Is<State, decltype(packet)> {
  return fields.one_of(packet.state, MessageState::purged);
}
constexpr bool list(auto& fields, auto& packet) requires Is<Joined, decltype(packet)> {
  return fields.epoch(packet.epoch) && fields.number(packet.first_kept) && fields.number(packet.cursor) &&
         fields.number(packet.next_offset);
}
constexpr bool list(auto& fields, auto& packet) requires Is<Mailbox, decltype(packet)> {
  return fields.number(packet.version) && fields.number(packet.depth) && fields.number(packet.bytes) &&
         fields.number(packet.oldest_age_ms) && fields.number(packet.stored) && fields.number(packet.acknowledged) &&
         fields.number(packet.taken) && fields.number(packet.expired) && fields.number(packet.purged);
}
constexpr bool list(auto& fields, auto& packet) requires Is<Members, decltype(packet)> {
  return fields.number(packet.version) && fields.number(packet.total) && fields.flag(packet.more) &&
         fields.rest(packet.members);
}
constexpr bool list(auto& fields, auto& packet) requires Is<Refused, decltype(packet)> {
  return fields.reason(packet.reason);
}

constexpr bool is_sound(const auto&) noexcept {
  return true;
}
// Rule 1: what a proof has to look like.
constexpr bool is_sound(const Open& packet) noexcept {
  return packet.proof == Proof::none           ? packet.secret.empty()
         : packet.proof == Proof::resume_token ? packet.secret.size() == ResumeToken{}.size()
                                               : true;
}
// Rule 5.
constexpr bool is_sound(const Fetch& packet) noexcept {
  return packet.messages_max != 0;
}
// The table of requests: these are about one source.
constexpr bool is_everything(Name source) noexcept {
  return source.size() == 1 && source[0] == '*';
}
constexpr bool is_sound(const Acknowledge& packet) noexcept {
  return !is_everything(packet.source);
}
constexpr bool is_sound(const Status& packet) noexcept {
  return !is_everything(packet.source);
}
constexpr bool is_sound(const Members& packet) noexcept {
  BytesView left = packet.members;
  while (take_member(left)) {
  }
  return left.empty();
}

/// Reads the packet that stands behind the code. Gives whether it is one.
template <class Packet>
[[gnu::always_inline]] constexpr bool read(BytesView bytes, std::uint32_t tag_min, Packet& packet) noexcept {
  InFields fields{bytes.subspan(1)};
  return fields.tag(packet.tag, tag_min) && list(fields, packet) && fields.left().empty() && is_sound(packet);
}

/// Rule 10: a request of another time is answered by its tag.
constexpr Unreadable unreadable(BytesView bytes, Refusal reason) noexcept {
  Unreadable unreadable;
  if (!bytes.empty()) {
    InFields{bytes.subspan(1)}.tag(unreadable.tag, 1);
    unreadable.reason = unreadable.tag != 0 ? reason : unreadable.reason;
  }
  return unreadable;
}

template <class Packet>
constexpr Reply read_reply(BytesView bytes, std::uint32_t tag_min = 1) noexcept {
  Packet packet;
  return read(bytes, tag_min, packet) ? Reply{packet} : UnreadableReply{};
}

/// What a packet has besides packet_bytes_beyond_payload, in bytes.
constexpr std::size_t payload_bytes(const auto& packet) noexcept {
  if constexpr (requires { packet.payload; }) {
    return packet.payload.size();
  } else if constexpr (requires { packet.secret; }) {
    return packet.secret.size();
  } else if constexpr (requires { packet.members; }) {
    return packet.members.size();
  } else {
    return 0;
  }
}

template <bool room_is_known>
[[gnu::always_inline]] constexpr BytesView write_fields(std::uint8_t code, const auto& packet,
                                                        std::span<std::uint8_t> to) {
  OutFields<room_is_known> fields{to};
  fields.byte(code);
  fields.number(packet.tag);
  list(fields, packet);
  return fields.written();
}

// Out of the way of those that know that there is room.
[[gnu::noinline]] constexpr BytesView write_where_room_is_short(std::uint8_t code, const auto& packet,
                                                                std::span<std::uint8_t> to) {
  return write_fields<false>(code, packet, to);
}

template <class Packet>
[[gnu::always_inline]] constexpr BytesView write(std::uint8_t code, const Packet& packet, std::span<std::uint8_t> to) {
  if (to.size() >= packet_bytes_beyond_payload + payload_bytes(packet)) [[likely]] {
    return write_fields<true>(code, packet, to);
  }
  // Of a copy, so that the packet itself need not lie in memory.
  const Packet copy = packet;
  return write_where_room_is_short(code, copy, to);
}

}  // namespace detail

/// Calls `take` with a std::type_identity of the request that bytes begin as, for read_request() to read; where they
/// begin as none, of Unreadable. Gives what `take` gives.
template <class Take>
[[gnu::always_inline]] constexpr decltype(auto) with_request_type(BytesView bytes, Take take) {
  switch (bytes.empty() ? std::uint8_t{0} : bytes[0]) {
    case code::open:
      return take(std::type_identity<Open>{});
    case code::push:
      return take(std::type_identity<Push>{});
    case code::fetch:
      return take(std::type_identity<Fetch>{});
    case code::acknowledge:
      return take(std::type_identity<Acknowledge>{});
    case code::receipt:
      return take(std::type_identity<Receipt>{});
    case code::join:
      return take(std::type_identity<Join>{});
    case code::leave:
      return take(std::type_identity<Leave>{});
    case code::status:
      return take(std::type_identity<Status>{});
    default:
      return take(std::type_identity<Unreadable>{});
  }
}

/// Reads a request of the type that with_request_type() gave. Gives whether it is one; where it is not, it can be read
/// as Unreadable, as anything can.
template <class Packet>
[[gnu::always_inline]] constexpr bool read_request(BytesView bytes, Packet& packet) noexcept {
  return detail::read(bytes, 1, packet);
}
constexpr bool read_request(BytesView bytes, Unreadable& packet) noexcept {
  const std::uint8_t first = bytes.empty() ? std::uint8_t{0} : bytes[0];
  const bool is_known = first >= code::open && first <= code::status;
  const bool is_request = first != 0 && first <= code::request_max;
  packet = detail::unreadable(bytes, is_request && !is_known ? Refusal::unknown_operation : Refusal::malformed);
  return true;
}

/// Reads what a client sent. Never fails: what is no request is Unreadable.
constexpr Request decode_request(BytesView bytes) noexcept {
  return with_request_type(bytes, [&](auto type) -> Request {
    typename decltype(type)::type packet;
    if (read_request(bytes, packet)) {
      return packet;
    }
    Unreadable unreadable;
    read_request(bytes, unreadable);
    return unreadable;
  });
}

/// Reads what a server sent. Never fails: what is no reply is UnreadableReply.
constexpr Reply decode_reply(BytesView bytes) noexcept {
  if (bytes.empty()) {
    return UnreadableReply{};
  }
  switch (bytes[0]) {
    case code::opened:
      return detail::read_reply<Opened>(bytes);
    case code::accepted:
      return detail::read_reply<Accepted>(bytes);
    case code::message:
      return detail::read_reply<Message>(bytes);
    case code::fetched:
      return detail::read_reply<Fetched>(bytes);
    case code::missed:
      return detail::read_reply<Missed>(bytes);
    case code::acknowledged:
      return detail::read_reply<Acknowledged>(bytes);
    case code::state:
      return detail::read_reply<State>(bytes);
    case code::joined:
      return detail::read_reply<Joined>(bytes);
    case code::left:
      return detail::read_reply<Left>(bytes);
    case code::mailbox:
      return detail::read_reply<Mailbox>(bytes);
    case code::members:
      return detail::read_reply<Members>(bytes);
    case code::refused:
      return detail::read_reply<Refused>(bytes, 0);
    default:
      return UnreadableReply{};
  }
}

// encode() writes a packet to the beginning of `to` and gives the part that it wrote. Too little room fails an
// assertion; packet_bytes_beyond_payload more than the payload (or the secret, or the list of members) are always
// enough. So do a number above number_max and a name longer than name_bytes_max.

constexpr BytesView encode(const Open& packet, std::span<std::uint8_t> to) {
  return detail::write(code::open, packet, to);
}
constexpr BytesView encode(const Push& packet, std::span<std::uint8_t> to) {
  return detail::write(code::push, packet, to);
}
constexpr BytesView encode(const Fetch& packet, std::span<std::uint8_t> to) {
  return detail::write(code::fetch, packet, to);
}
constexpr BytesView encode(const Acknowledge& packet, std::span<std::uint8_t> to) {
  return detail::write(code::acknowledge, packet, to);
}
constexpr BytesView encode(const Receipt& packet, std::span<std::uint8_t> to) {
  return detail::write(code::receipt, packet, to);
}
constexpr BytesView encode(const Join& packet, std::span<std::uint8_t> to) {
  return detail::write(code::join, packet, to);
}
constexpr BytesView encode(const Leave& packet, std::span<std::uint8_t> to) {
  return detail::write(code::leave, packet, to);
}
constexpr BytesView encode(const Status& packet, std::span<std::uint8_t> to) {
  return detail::write(code::status, packet, to);
}
constexpr BytesView encode(const Opened& packet, std::span<std::uint8_t> to) {
  return detail::write(code::opened, packet, to);
}
[[gnu::always_inline]] constexpr BytesView encode(const Accepted& packet, std::span<std::uint8_t> to) {
  return detail::write(code::accepted, packet, to);
}
[[gnu::always_inline]] constexpr BytesView encode(const Message& packet, std::span<std::uint8_t> to) {
  return detail::write(code::message, packet, to);
}
[[gnu::always_inline]] constexpr BytesView encode(const Fetched& packet, std::span<std::uint8_t> to) {
  return detail::write(code::fetched, packet, to);
}
constexpr BytesView encode(const Missed& packet, std::span<std::uint8_t> to) {
  return detail::write(code::missed, packet, to);
}
[[gnu::always_inline]] constexpr BytesView encode(const Acknowledged& packet, std::span<std::uint8_t> to) {
  return detail::write(code::acknowledged, packet, to);
}
constexpr BytesView encode(const State& packet, std::span<std::uint8_t> to) {
  return detail::write(code::state, packet, to);
}
constexpr BytesView encode(const Joined& packet, std::span<std::uint8_t> to) {
  return detail::write(code::joined, packet, to);
}
constexpr BytesView encode(const Left& packet, std::span<std::uint8_t> to) {
  return detail::write(code::left, packet, to);
}
constexpr BytesView encode(const Mailbox& packet, std::span<std::uint8_t> to) {
  return detail::write(code::mailbox, packet, to);
}
constexpr BytesView encode(const Members& packet, std::span<std::uint8_t> to) {
  return detail::write(code::members, packet, to);
}
constexpr BytesView encode(const Refused& packet, std::span<std::uint8_t> to) {
  return detail::write(code::refused, packet, to);
}

/// Writes one member as Members lists it; 66 bytes are enough.
constexpr BytesView encode_member(const Member& member, std::span<std::uint8_t> to) {
  detail::OutFields<false> fields{to};
  fields.flag(member.present);
  fields.name(member.name);
  return fields.written();
}

}  // namespace restante::v2
