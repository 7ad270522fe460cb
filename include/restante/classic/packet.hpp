// The packets of the classic protocol by name, as docs/protocol.md lists them. Views are into the bytes that a packet
// was decoded from.
#pragma once

#include <cstdint>
#include <variant>

#include <restante/bytes.hpp>

namespace restante::classic {

/// A client's id: one byte.
using ClientId = std::uint8_t;

/// The longest payload; 255 in the length byte is never valid.
inline constexpr std::size_t payload_bytes_max = 254;

/// The longest packet that this library makes: a PUSH or GETRESPONSE with the longest payload.
inline constexpr std::size_t packet_bytes_max = 5 + payload_bytes_max;

// From client to server.

/// `00 00 id`, and the credential when the server asks for one.
struct Associate {
  ClientId id = 0;
  BytesView credential = {};
};

/// `01 00 id`
struct Get {
  ClientId id = 0;
};

/// `02 01 sender receiver length payload…`. Decoding does not judge the length: the rule that does comes after another
/// (docs/protocol.md, rule 4).
struct Push {
  ClientId sender = 0;
  ClientId receiver = 0;
  std::uint8_t length = 0;
  /// The bytes that are there, however many.
  BytesView payload = {};

  /// Whether the length byte is at most 254 and tells how many bytes are there.
  constexpr bool length_is_valid() const noexcept { return length <= payload_bytes_max && length == payload.size(); }
};

// From server to client.

/// `00 01 id`
struct AssociationSuccess {
  ClientId id = 0;
};

/// `00 02 id`: the id is not associated with this connection.
struct AssociationFailed {
  ClientId id = 0;
};

/// `00 03 id`: the request could not be carried out; `id` is its third byte, or 0.
struct UnknownError {
  ClientId id = 0;
};

/// `01 01 id`
struct BufferEmpty {
  ClientId id = 0;
};

/// `01 02 id`: the message of the sender `id` is stored.
struct PositiveAck {
  ClientId id = 0;
};

/// `01 03 id`: the message of the sender `id` is not stored, because the receiver's mailbox is full.
struct BufferFull {
  ClientId id = 0;
};

/// `02 00 id sender length payload…`
struct GetResponse {
  ClientId id = 0;
  ClientId sender = 0;
  BytesView payload = {};
};

/// Bytes that are no packet that this side may receive.
struct Malformed {
  /// The third byte, or 0 where there is none: what UNKNOWNERROR answers with.
  std::uint8_t third_byte = 0;
};

/// What a server can receive.
using ClientPacket = std::variant<Malformed, Associate, Get, Push>;

/// What a client can receive.
using ServerPacket = std::variant<Malformed, AssociationSuccess, AssociationFailed, UnknownError, BufferEmpty,
                                  PositiveAck, BufferFull, GetResponse>;

}  // namespace restante::classic
