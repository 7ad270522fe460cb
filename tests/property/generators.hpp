// Random packets, with a liking for the edges: few ids, so that they collide; payloads around the limits; length bytes
// that are right, almost right and wrong.
#pragma once

#include <rapidcheck.h>

#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <ostream>
#include <vector>

#include "classic_model.hpp"

namespace restante::property {

/// A message as it is sent, shown in hexadecimal when a property fails.
struct Packet {
  Bytes bytes;

  friend bool operator==(const Packet&, const Packet&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Packet& packet) {
  const auto flags = out.flags();
  const auto fill = out.fill();
  constexpr std::size_t shown_bytes_max = 24;
  out << packet.bytes.size() << " bytes:" << std::hex << std::setfill('0');
  for (std::size_t index = 0; index < packet.bytes.size() && index < shown_bytes_max; ++index) {
    out << ' ' << std::setw(2) << static_cast<unsigned>(packet.bytes[index]);
  }
  out.flags(flags);
  out.fill(fill);
  return packet.bytes.size() > shown_bytes_max ? out << " …" : out;
}

inline Packet associate(Id id) {
  return {{0x00, 0x00, id}};
}
inline Packet get(Id id) {
  return {{0x01, 0x00, id}};
}

inline Packet push_with_length(Id sender, Id receiver, std::uint8_t length, const Bytes& payload) {
  Packet packet{{0x02, 0x01, sender, receiver, length}};
  packet.bytes.insert(packet.bytes.end(), payload.begin(), payload.end());
  return packet;
}

inline Packet push(Id sender, Id receiver, const Bytes& payload) {
  return push_with_length(sender, receiver, static_cast<std::uint8_t>(payload.size()), payload);
}

/// A packet, and who sends it.
struct Request {
  Peer peer = 0;
  Packet packet;
  /// Whether it is sent for an id that the peer holds, if it holds any, instead of the one that stands in the packet.
  bool as_owner = false;
};

inline std::ostream& operator<<(std::ostream& out, const Request& request) {
  return out << request.peer << (request.as_owner ? " as owner > " : " > ") << request.packet;
}

/// The packet of a request from a peer that holds these ids.
inline Packet addressed(const Request& request, const std::vector<Id>& ids) {
  Packet packet = request.packet;
  if (request.as_owner && packet.bytes.size() >= 3 && packet.bytes[0] != 0x00 && !ids.empty()) {
    packet.bytes[2] = ids[packet.bytes[2] % ids.size()];
  }
  return packet;
}

/// Bytes that differ from one seed to the next, and from one place to the next.
inline Bytes payload_of(std::size_t length, std::uint32_t seed) {
  Bytes payload(length);
  for (std::size_t index = 0; index < length; ++index) {
    payload[index] = static_cast<std::uint8_t>((seed >> (index % 4 * 8)) + index * 3);
  }
  return payload;
}

namespace generate {

inline rc::Gen<Id> id() {
  return rc::gen::weightedOneOf<Id>({{8, rc::gen::element<Id>(0, 1, 2)}, {1, rc::gen::element<Id>(3, 7, 254, 255)}});
}

inline rc::Gen<std::size_t> payload_length() {
  return rc::gen::weightedOneOf<std::size_t>({{3, rc::gen::inRange<std::size_t>(0, 12)},
                                              {3, rc::gen::element<std::size_t>(0, 1, 2)},
                                              {2, rc::gen::element<std::size_t>(253, 254)},
                                              {1, rc::gen::element<std::size_t>(255, 256, 257, 300, 510, 512)}});
}

inline rc::Gen<Bytes> payload() {
  return rc::gen::map(rc::gen::pair(payload_length(), rc::gen::arbitrary<std::uint32_t>()),
                      [](const auto& drawn) { return payload_of(drawn.first, drawn.second); });
}

/// A payload that may be sent.
inline rc::Gen<Bytes> valid_payload(std::size_t bytes_max = 254) {
  return rc::gen::map(payload(), [bytes_max](Bytes bytes) {
    bytes.resize(std::min(bytes.size(), bytes_max));
    return bytes;
  });
}

/// The length byte of a PUSH with so many bytes of payload: right more often than not.
inline rc::Gen<std::uint8_t> length_byte(std::size_t length) {
  const auto byte = [](std::size_t value) { return rc::gen::just(static_cast<std::uint8_t>(value)); };
  return rc::gen::weightedOneOf<std::uint8_t>({{8, byte(length)},
                                               {1, byte(length + 1)},
                                               {1, byte(length - 1)},
                                               {1, byte(255)},
                                               {1, byte(254)},
                                               {1, byte(0)},
                                               {1, rc::gen::arbitrary<std::uint8_t>()}});
}

inline rc::Gen<Packet> push_packet(rc::Gen<Id> sender, rc::Gen<Id> receiver) {
  return rc::gen::mapcat(payload(), [sender, receiver](const Bytes& payload) {
    return rc::gen::map(rc::gen::tuple(sender, receiver, length_byte(payload.size())), [payload](const auto& drawn) {
      return push_with_length(std::get<0>(drawn), std::get<1>(drawn), std::get<2>(drawn), payload);
    });
  });
}

/// What a server sends, and a client must not.
inline rc::Gen<Packet> server_packet() {
  return rc::gen::mapcat(rc::gen::pair(rc::gen::inRange(0, 7), id()), [](const auto& drawn) {
    const Id id_drawn = drawn.second;
    switch (drawn.first) {
      case 0:
        return rc::gen::just(Packet{{0x00, 0x01, id_drawn}});
      case 1:
        return rc::gen::just(Packet{{0x00, 0x02, id_drawn}});
      case 2:
        return rc::gen::just(Packet{{0x00, 0x03, id_drawn}});
      case 3:
        return rc::gen::just(Packet{{0x01, 0x01, id_drawn}});
      case 4:
        return rc::gen::just(Packet{{0x01, 0x02, id_drawn}});
      case 5:
        return rc::gen::just(Packet{{0x01, 0x03, id_drawn}});
      default:
        return rc::gen::map(push_packet(rc::gen::just(id_drawn), id()), [](Packet packet) {
          packet.bytes[1] = 0x00;  // GETRESPONSE
          return packet;
        });
    }
  });
}

/// Bytes that look a little like a packet.
inline rc::Gen<Packet> noise() {
  const auto byte = rc::gen::weightedOneOf<std::uint8_t>({{6, rc::gen::inRange<std::uint8_t>(0, 5)},
                                                          {1, rc::gen::just<std::uint8_t>(255)},
                                                          {2, rc::gen::arbitrary<std::uint8_t>()}});
  return rc::gen::map(rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 9),
                                      [byte](std::size_t size) { return rc::gen::container<Bytes>(size, byte); }),
                      [](Bytes bytes) { return Packet{std::move(bytes)}; });
}

/// A packet with its end cut off, something added to it, or one byte changed.
inline rc::Gen<Packet> damaged(rc::Gen<Packet> whole) {
  return rc::gen::map(
      rc::gen::tuple(whole, rc::gen::inRange(0, 3), rc::gen::arbitrary<std::uint16_t>(), valid_payload(3)),
      [](const auto& drawn) {
        Packet packet = std::get<0>(drawn);
        Bytes& bytes = packet.bytes;
        const std::size_t place = std::get<2>(drawn) % (bytes.size() + 1);
        if (std::get<1>(drawn) == 0) {
          // Mostly in the header, where it matters.
          bytes.resize(place < 8 ? place : place % 8);
        } else if (std::get<1>(drawn) == 1) {
          bytes.push_back(0x00);
          bytes.insert(bytes.end(), std::get<3>(drawn).begin(), std::get<3>(drawn).end());
        } else if (!bytes.empty()) {
          bytes[place % std::min<std::size_t>(bytes.size(), 6)] = static_cast<std::uint8_t>(std::get<2>(drawn) >> 8);
        }
        return packet;
      });
}

inline rc::Gen<Packet> client_packet() {
  return rc::gen::weightedOneOf<Packet>(
      {{2, rc::gen::map(id(), associate)}, {3, rc::gen::map(id(), get)}, {4, push_packet(id(), id())}});
}

/// Anything that may come over a wire.
inline rc::Gen<Packet> any_packet() {
  return rc::gen::weightedOneOf<Packet>({{4, client_packet()},
                                         {3, server_packet()},
                                         {2, damaged(client_packet())},
                                         {2, damaged(server_packet())},
                                         {2, noise()}});
}

/// A request of one of so many peers.
inline rc::Gen<Request> request(std::size_t peers) {
  return rc::gen::build<Request>(
      rc::gen::set(&Request::peer, rc::gen::inRange<Peer>(0, peers)),
      rc::gen::set(&Request::packet, rc::gen::weightedOneOf<Packet>({{3, rc::gen::map(id(), associate)},
                                                                     {7, push_packet(id(), id())},
                                                                     {6, rc::gen::map(id(), get)},
                                                                     {1, any_packet()}})),
      rc::gen::set(&Request::as_owner, rc::gen::weightedElement<bool>({{4, true}, {1, false}})));
}

}  // namespace generate

}  // namespace restante::property
