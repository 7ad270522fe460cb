#include <restante/classic/codec.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <variant>
#include <vector>

#include "support/assertion_throws.hpp"
#include "support/packets.hpp"
#include "support/vectors.hpp"

namespace restante::classic {
namespace {

using test::Bytes;
using test::PacketVector;

using Buffer = std::array<std::uint8_t, packet_bytes_max>;

template <class Packet>
Bytes encoded(const Packet& packet) {
  Buffer buffer{};
  return Bytes{encode(packet, buffer)};
}

// Examples that the compiler checks: both directions are usable in constant expressions.

constexpr bool encodes_to(const auto& packet, std::initializer_list<std::uint8_t> expected) {
  Buffer buffer{};
  const BytesView bytes = encode(packet, buffer);
  return std::equal(bytes.begin(), bytes.end(), expected.begin(), expected.end());
}

constexpr std::array<std::uint8_t, 2> hi{0x68, 0x69};

static_assert(encodes_to(Associate{.id = 7}, {0, 0, 7}));
static_assert(encodes_to(Associate{7, hi}, {0, 0, 7, 0x68, 0x69}));
static_assert(encodes_to(AssociationSuccess{7}, {0, 1, 7}));
static_assert(encodes_to(AssociationFailed{7}, {0, 2, 7}));
static_assert(encodes_to(UnknownError{7}, {0, 3, 7}));
static_assert(encodes_to(Get{7}, {1, 0, 7}));
static_assert(encodes_to(BufferEmpty{7}, {1, 1, 7}));
static_assert(encodes_to(PositiveAck{7}, {1, 2, 7}));
static_assert(encodes_to(BufferFull{7}, {1, 3, 7}));
static_assert(encodes_to(GetResponse{8, 7, hi}, {2, 0, 8, 7, 2, 0x68, 0x69}));
static_assert(encodes_to(make_push(7, 8, hi), {2, 1, 7, 8, 2, 0x68, 0x69}));
static_assert(encodes_to(Push{7, 8, 200, hi}, {2, 1, 7, 8, 200, 0x68, 0x69}));

constexpr std::array<std::uint8_t, 7> push_bytes{2, 1, 7, 8, 2, 0x68, 0x69};
static_assert(std::get<Push>(decode_client_packet(push_bytes)).receiver == 8);
static_assert(std::get<Push>(decode_client_packet(push_bytes)).length_is_valid());
constexpr std::array<std::uint8_t, 3> ack_bytes{1, 2, 7};
static_assert(std::get<PositiveAck>(decode_server_packet(ack_bytes)).id == 7);
static_assert(std::get<Malformed>(decode_client_packet(ack_bytes)).third_byte == 7);

// The golden vectors.

const std::vector<PacketVector>& vectors() {
  static const std::vector<PacketVector> read = test::read_packet_vectors(RESTANTE_CLASSIC_PACKETS);
  return read;
}

Bytes encode_vector(const PacketVector& vector) {
  const auto field = [&vector](const char* name) { return vector.fields.at(name); };
  if (vector.name == "ASSOCIATE") {
    return encoded(Associate{.id = field("id")});
  }
  if (vector.name == "GET") {
    return encoded(Get{field("id")});
  }
  if (vector.name == "PUSH") {
    return encoded(make_push(field("sender"), field("receiver"), vector.payload));
  }
  if (vector.name == "GETRESPONSE") {
    return encoded(GetResponse{field("id"), field("sender"), vector.payload});
  }
  if (vector.name == "ASSOCIATIONSUCCESS") {
    return encoded(AssociationSuccess{field("id")});
  }
  if (vector.name == "ASSOCIATIONFAILED") {
    return encoded(AssociationFailed{field("id")});
  }
  if (vector.name == "UNKNOWNERROR") {
    return encoded(UnknownError{field("id")});
  }
  if (vector.name == "BUFFEREMPTY") {
    return encoded(BufferEmpty{field("id")});
  }
  if (vector.name == "POSITIVEACK") {
    return encoded(PositiveAck{field("id")});
  }
  if (vector.name == "BUFFERFULL") {
    return encoded(BufferFull{field("id")});
  }
  ADD_FAILURE() << "the vectors know a packet that the test does not: " << vector.name;
  return {};
}

// A decoded packet as the vectors write it.
struct Described {
  std::string name;
  std::map<std::string, std::uint8_t> fields;
  Bytes payload;
};

struct Describe {
  Described operator()(const Malformed& packet) const { return {"malformed", {{"third", packet.third_byte}}, {}}; }
  Described operator()(const Associate& packet) const {
    return {"ASSOCIATE", {{"id", packet.id}}, Bytes{packet.credential}};
  }
  Described operator()(const Get& packet) const { return {"GET", {{"id", packet.id}}, {}}; }
  Described operator()(const Push& packet) const {
    EXPECT_TRUE(packet.length_is_valid());
    return {"PUSH", {{"sender", packet.sender}, {"receiver", packet.receiver}}, Bytes{packet.payload}};
  }
  Described operator()(const AssociationSuccess& packet) const {
    return {"ASSOCIATIONSUCCESS", {{"id", packet.id}}, {}};
  }
  Described operator()(const AssociationFailed& packet) const { return {"ASSOCIATIONFAILED", {{"id", packet.id}}, {}}; }
  Described operator()(const UnknownError& packet) const { return {"UNKNOWNERROR", {{"id", packet.id}}, {}}; }
  Described operator()(const BufferEmpty& packet) const { return {"BUFFEREMPTY", {{"id", packet.id}}, {}}; }
  Described operator()(const PositiveAck& packet) const { return {"POSITIVEACK", {{"id", packet.id}}, {}}; }
  Described operator()(const BufferFull& packet) const { return {"BUFFERFULL", {{"id", packet.id}}, {}}; }
  Described operator()(const GetResponse& packet) const {
    return {"GETRESPONSE", {{"id", packet.id}, {"sender", packet.sender}}, Bytes{packet.payload}};
  }
};

void expect_described(const Described& described, const PacketVector& vector) {
  EXPECT_EQ(described.name, vector.name);
  EXPECT_EQ(described.fields, vector.fields);
  EXPECT_EQ(described.payload, vector.payload);
}

TEST(Codec, AgreesWithTheGoldenVectorsOfWellFormedPacketsInBothDirections) {
  int checked = 0;
  for (const PacketVector& vector : vectors()) {
    SCOPED_TRACE("line " + std::to_string(vector.line));
    if (vector.kind == "client") {
      EXPECT_EQ(encode_vector(vector), vector.bytes);
      expect_described(std::visit(Describe{}, decode_client_packet(vector.bytes)), vector);
      ++checked;
    } else if (vector.kind == "server") {
      EXPECT_EQ(encode_vector(vector), vector.bytes);
      expect_described(std::visit(Describe{}, decode_server_packet(vector.bytes)), vector);
      ++checked;
    }
  }
  EXPECT_GE(checked, 40) << "the vectors were not read";
}

TEST(Codec, AgreesWithTheGoldenVectorsOfCredentials) {
  int checked = 0;
  for (const PacketVector& vector : vectors()) {
    if (vector.kind == "credential") {
      SCOPED_TRACE("line " + std::to_string(vector.line));
      expect_described(std::visit(Describe{}, decode_client_packet(vector.bytes)), vector);
      std::vector<std::uint8_t> room(vector.bytes.size());
      EXPECT_EQ(Bytes{encode(Associate{vector.fields.at("id"), vector.payload}, room)}, vector.bytes);
      ++checked;
    }
  }
  EXPECT_GE(checked, 3);
}

TEST(Codec, AgreesWithTheGoldenVectorsOfWhatIsMalformed) {
  int checked = 0;
  for (const PacketVector& vector : vectors()) {
    SCOPED_TRACE("line " + std::to_string(vector.line) + ": " + vector.name);
    if (vector.kind == "malformed") {
      const ClientPacket packet = decode_client_packet(vector.bytes);
      ASSERT_TRUE(std::holds_alternative<Malformed>(packet));
      EXPECT_EQ(encoded(UnknownError{std::get<Malformed>(packet).third_byte}), vector.reply);
      ++checked;
    } else if (vector.kind == "mismatched") {
      const ClientPacket packet = decode_client_packet(vector.bytes);
      ASSERT_TRUE(std::holds_alternative<Push>(packet)) << "who sends is judged before the length";
      EXPECT_FALSE(std::get<Push>(packet).length_is_valid());
      std::vector<std::uint8_t> room(vector.bytes.size());
      EXPECT_EQ(Bytes{encode(std::get<Push>(packet), room)}, vector.bytes);
      ++checked;
    } else if (vector.kind == "unreadable") {
      EXPECT_TRUE(std::holds_alternative<Malformed>(decode_server_packet(vector.bytes)));
      ++checked;
    }
  }
  EXPECT_GE(checked, 50);
}

// What is not in the vectors, because there is too much of it.

TEST(Codec, AnswersEveryTypeAndCodeInEveryShortLengthByTheRules) {
  constexpr std::array<std::uint8_t, 6> tail{0, 0, 0xa7, 0xb8, 0xc9, 0xda};
  for (unsigned kind = 0; kind < 65536; ++kind) {
    std::array<std::uint8_t, 6> bytes = tail;
    bytes[0] = static_cast<std::uint8_t>(kind >> 8U);
    bytes[1] = static_cast<std::uint8_t>(kind & 0xffU);
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
      const ClientPacket packet = decode_client_packet(BytesView{bytes}.first(length));
      const std::size_t expected = kind == 0x0000 && length >= 3   ? 1
                                   : kind == 0x0100 && length == 3 ? 2
                                   : kind == 0x0201 && length >= 5 ? 3
                                                                   : 0;
      ASSERT_EQ(packet.index(), expected) << kind << " " << length;
      if (const auto* malformed = std::get_if<Malformed>(&packet)) {
        ASSERT_EQ(malformed->third_byte, length >= 3 ? 0xa7 : 0) << kind << " " << length;
      }
    }
  }
}

TEST(Codec, AcceptsFromAServerOnlyWhatAServerSends) {
  for (unsigned kind = 0; kind < 65536; ++kind) {
    const std::array<std::uint8_t, 6> bytes{
        static_cast<std::uint8_t>(kind >> 8U), static_cast<std::uint8_t>(kind & 0xffU), 0xa7, 0xb8, 1, 0xda};
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
      const ServerPacket packet = decode_server_packet(BytesView{bytes}.first(length));
      const bool is_short = (kind >= 0x0001 && kind <= 0x0003) || (kind >= 0x0101 && kind <= 0x0103);
      const bool expected = (is_short && length == 3) || (kind == 0x0200 && length == 6);
      ASSERT_EQ(!std::holds_alternative<Malformed>(packet), expected) << kind << " " << length;
    }
  }
}

TEST(Codec, ReadsBackEveryPushThatItWrote) {
  std::string payload;
  for (std::size_t length = 0; length <= payload_bytes_max; ++length) {
    const Bytes bytes = encoded(make_push(3, 250, as_bytes(payload)));
    ASSERT_EQ(bytes, test::push(3, 250, payload));
    const Push push = std::get<Push>(decode_client_packet(bytes));
    ASSERT_TRUE(push.length_is_valid());
    ASSERT_EQ(as_text(push.payload), payload);
    const Bytes response = encoded(GetResponse{250, 3, as_bytes(payload)});
    ASSERT_EQ(response, test::get_response(250, 3, payload));
    ASSERT_EQ(as_text(std::get<GetResponse>(decode_server_packet(response)).payload), payload);
    payload += static_cast<char>(length);
  }
}

TEST(Codec, ReadsBackEveryIdThatItWrote) {
  for (unsigned number = 0; number <= 255; ++number) {
    const auto id = static_cast<ClientId>(number);
    EXPECT_EQ(std::get<Associate>(decode_client_packet(encoded(Associate{.id = id}))).id, id);
    EXPECT_EQ(std::get<Get>(decode_client_packet(encoded(Get{id}))).id, id);
    EXPECT_EQ(std::get<AssociationSuccess>(decode_server_packet(encoded(AssociationSuccess{id}))).id, id);
    EXPECT_EQ(std::get<AssociationFailed>(decode_server_packet(encoded(AssociationFailed{id}))).id, id);
    EXPECT_EQ(std::get<UnknownError>(decode_server_packet(encoded(UnknownError{id}))).id, id);
    EXPECT_EQ(std::get<BufferEmpty>(decode_server_packet(encoded(BufferEmpty{id}))).id, id);
    EXPECT_EQ(std::get<PositiveAck>(decode_server_packet(encoded(PositiveAck{id}))).id, id);
    EXPECT_EQ(std::get<BufferFull>(decode_server_packet(encoded(BufferFull{id}))).id, id);
  }
}

TEST(Codec, DecodesPayloadsAsViewsOfTheMessage) {
  const Bytes bytes = test::push(1, 2, "hi");
  EXPECT_EQ(std::get<Push>(decode_client_packet(bytes)).payload.data(), bytes.data() + 5);
}

TEST(Codec, WritesOnlyTheBeginningOfTheBuffer) {
  Buffer buffer;
  buffer.fill(0xee);
  EXPECT_EQ(encode(PositiveAck{1}, buffer).size(), 3U);
  EXPECT_TRUE(std::all_of(buffer.begin() + 3, buffer.end(), [](std::uint8_t byte) { return byte == 0xee; }));
}

TEST(Codec, RefusesABufferThatIsTooSmall) {
  std::array<std::uint8_t, 6> room{};
  EXPECT_ASSERTION(encode(Get{1}, std::span{room}.first(2)), "does not fit");
  EXPECT_ASSERTION(encode(make_push(1, 2, hi), room), "does not fit");
  EXPECT_ASSERTION(encode(GetResponse{1, 2, hi}, room), "does not fit");
  EXPECT_ASSERTION(encode(Associate{1, push_bytes}, room), "does not fit");
  EXPECT_NO_THROW(encode(make_push(1, 2, BytesView{hi}.first(1)), room));
}

TEST(Codec, RefusesToMakeAPacketWithAPayloadThatIsTooLong) {
  const std::string too_long(255, 'x');
  std::array<std::uint8_t, 600> room{};
  EXPECT_ASSERTION(make_push(1, 2, as_bytes(too_long)), "at most 254 bytes");
  EXPECT_ASSERTION(encode(GetResponse{1, 2, as_bytes(too_long)}, room), "at most 254 bytes");
}

}  // namespace
}  // namespace restante::classic
