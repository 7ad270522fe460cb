// Classic packets to bytes and back: pure functions, usable in constant expressions. docs/protocol.md is the source,
// the files in tests/vectors the examples.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/classic/packet.hpp>

namespace restante::classic {

/// The first byte of a packet.
namespace type {
inline constexpr std::uint8_t management = 0;
inline constexpr std::uint8_t control = 1;
inline constexpr std::uint8_t data = 2;
}  // namespace type

/// The second byte of a packet, by type.
namespace code {
inline constexpr std::uint8_t associate = 0;
inline constexpr std::uint8_t association_success = 1;
inline constexpr std::uint8_t association_failed = 2;
inline constexpr std::uint8_t unknown_error = 3;

inline constexpr std::uint8_t get = 0;
inline constexpr std::uint8_t buffer_empty = 1;
inline constexpr std::uint8_t positive_ack = 2;
inline constexpr std::uint8_t buffer_full = 3;

inline constexpr std::uint8_t get_response = 0;
inline constexpr std::uint8_t push = 1;
}  // namespace code

namespace detail {

inline constexpr std::size_t short_packet_bytes = 3;
inline constexpr std::size_t data_header_bytes = 5;

constexpr std::uint16_t kind(std::uint8_t type, std::uint8_t code) noexcept {
  return static_cast<std::uint16_t>(type << 8U | code);
}

constexpr Malformed malformed(BytesView bytes) noexcept {
  return {bytes.size() >= 3 ? bytes[2] : std::uint8_t{0}};
}

constexpr BytesView write_short(std::uint8_t type, std::uint8_t code, ClientId id, std::span<std::uint8_t> to) {
  RESTANTE_ASSERT(to.size() >= short_packet_bytes, "the packet does not fit where it is to be written");
  to[0] = type;
  to[1] = code;
  to[2] = id;
  return to.first(short_packet_bytes);
}

constexpr BytesView write_data(std::uint8_t code, ClientId first, ClientId second, std::uint8_t length,
                               BytesView payload, std::span<std::uint8_t> to) {
  RESTANTE_ASSERT(to.size() >= data_header_bytes + payload.size(), "the packet does not fit where it is to be written");
  to[0] = type::data;
  to[1] = code;
  to[2] = first;
  to[3] = second;
  to[4] = length;
  std::copy(payload.begin(), payload.end(), to.begin() + data_header_bytes);
  return to.first(data_header_bytes + payload.size());
}

}  // namespace detail

/// Reads what a client sent. Never fails: what is no packet is Malformed.
constexpr ClientPacket decode_client_packet(BytesView bytes) noexcept {
  if (bytes.size() < detail::short_packet_bytes) {
    return detail::malformed(bytes);
  }
  switch (detail::kind(bytes[0], bytes[1])) {
    case detail::kind(type::management, code::associate):
      return Associate{bytes[2], bytes.subspan(detail::short_packet_bytes)};
    case detail::kind(type::control, code::get):
      if (bytes.size() == detail::short_packet_bytes) {
        return Get{bytes[2]};
      }
      break;
    case detail::kind(type::data, code::push):
      if (bytes.size() >= detail::data_header_bytes) {
        return Push{bytes[2], bytes[3], bytes[4], bytes.subspan(detail::data_header_bytes)};
      }
      break;
    default:
      break;
  }
  return detail::malformed(bytes);
}

/// Reads what a server sent. Never fails: what is no packet, a GETRESPONSE with a wrong length included, is Malformed.
constexpr ServerPacket decode_server_packet(BytesView bytes) noexcept {
  if (bytes.size() < detail::short_packet_bytes) {
    return detail::malformed(bytes);
  }
  const std::uint16_t kind = detail::kind(bytes[0], bytes[1]);
  if (kind == detail::kind(type::data, code::get_response)) {
    if (bytes.size() < detail::data_header_bytes || bytes[4] > payload_bytes_max ||
        bytes.size() != detail::data_header_bytes + bytes[4]) {
      return detail::malformed(bytes);
    }
    return GetResponse{bytes[2], bytes[3], bytes.subspan(detail::data_header_bytes)};
  }
  if (bytes.size() != detail::short_packet_bytes) {
    return detail::malformed(bytes);
  }
  switch (kind) {
    case detail::kind(type::management, code::association_success):
      return AssociationSuccess{bytes[2]};
    case detail::kind(type::management, code::association_failed):
      return AssociationFailed{bytes[2]};
    case detail::kind(type::management, code::unknown_error):
      return UnknownError{bytes[2]};
    case detail::kind(type::control, code::buffer_empty):
      return BufferEmpty{bytes[2]};
    case detail::kind(type::control, code::positive_ack):
      return PositiveAck{bytes[2]};
    case detail::kind(type::control, code::buffer_full):
      return BufferFull{bytes[2]};
    default:
      return detail::malformed(bytes);
  }
}

// encode() writes a packet to the beginning of `to` and gives the part that it wrote. packet_bytes_max bytes are enough
// for every packet but an ASSOCIATE with a credential, which takes 3 more than the credential. Too little room fails an
// assertion.

constexpr BytesView encode(const Associate& packet, std::span<std::uint8_t> to) {
  RESTANTE_ASSERT(to.size() >= detail::short_packet_bytes + packet.credential.size(),
                  "the packet does not fit where it is to be written");
  detail::write_short(type::management, code::associate, packet.id, to);
  std::copy(packet.credential.begin(), packet.credential.end(), to.begin() + detail::short_packet_bytes);
  return to.first(detail::short_packet_bytes + packet.credential.size());
}

constexpr BytesView encode(const AssociationSuccess& packet, std::span<std::uint8_t> to) {
  return detail::write_short(type::management, code::association_success, packet.id, to);
}

constexpr BytesView encode(const AssociationFailed& packet, std::span<std::uint8_t> to) {
  return detail::write_short(type::management, code::association_failed, packet.id, to);
}

constexpr BytesView encode(const UnknownError& packet, std::span<std::uint8_t> to) {
  return detail::write_short(type::management, code::unknown_error, packet.id, to);
}

constexpr BytesView encode(const Get& packet, std::span<std::uint8_t> to) {
  return detail::write_short(type::control, code::get, packet.id, to);
}

constexpr BytesView encode(const BufferEmpty& packet, std::span<std::uint8_t> to) {
  return detail::write_short(type::control, code::buffer_empty, packet.id, to);
}

constexpr BytesView encode(const PositiveAck& packet, std::span<std::uint8_t> to) {
  return detail::write_short(type::control, code::positive_ack, packet.id, to);
}

constexpr BytesView encode(const BufferFull& packet, std::span<std::uint8_t> to) {
  return detail::write_short(type::control, code::buffer_full, packet.id, to);
}

/// The payload must not be longer than payload_bytes_max.
constexpr BytesView encode(const GetResponse& packet, std::span<std::uint8_t> to) {
  RESTANTE_ASSERT(packet.payload.size() <= payload_bytes_max, "a classic payload has at most 254 bytes");
  return detail::write_data(code::get_response, packet.id, packet.sender,
                            static_cast<std::uint8_t>(packet.payload.size()), packet.payload, to);
}

/// Writes the length byte as it stands in the packet, right or wrong, so that tests can send what no client should.
constexpr BytesView encode(const Push& packet, std::span<std::uint8_t> to) {
  return detail::write_data(code::push, packet.sender, packet.receiver, packet.length, packet.payload, to);
}

/// A PUSH whose length byte is that of its payload, which must not be longer than payload_bytes_max.
constexpr Push make_push(ClientId sender, ClientId receiver, BytesView payload) {
  RESTANTE_ASSERT(payload.size() <= payload_bytes_max, "a classic payload has at most 254 bytes");
  return {sender, receiver, static_cast<std::uint8_t>(payload.size()), payload};
}

}  // namespace restante::classic
