// The codec, against the table of packets in docs/protocol.md.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <variant>

#include <restante/classic/codec.hpp>
#include <restante/classic/packet.hpp>

#include "generators.hpp"

namespace restante::property {
namespace {

constexpr std::uint8_t untouched = 0xa5;
constexpr std::size_t longest = 1200;

Bytes copy_of(BytesView view) {
  return {view.begin(), view.end()};
}

/// What encode() gives, and a check that it wrote nothing else.
template <class P>
Bytes encoded(const P& packet) {
  std::array<std::uint8_t, longest> room;
  room.fill(untouched);
  const BytesView written = classic::encode(packet, room);
  RC_ASSERT(written.data() == room.data());
  RC_ASSERT(std::all_of(room.begin() + static_cast<std::ptrdiff_t>(written.size()), room.end(),
                        [](std::uint8_t byte) { return byte == untouched; }));
  return copy_of(written);
}

struct EncodePacket {
  Bytes operator()(const classic::Malformed&) const {
    RC_FAIL("a malformed packet has no bytes of its own");
    return {};
  }
  template <class P>
  Bytes operator()(const P& packet) const {
    return encoded(packet);
  }
};

/// The name of the packet by the table, or "malformed".
std::string_view client_packet_by_the_table(const Bytes& bytes) {
  const std::size_t size = bytes.size();
  if (size >= 3 && bytes[0] == 0 && bytes[1] == 0) {
    return "associate";
  }
  if (size == 3 && bytes[0] == 1 && bytes[1] == 0) {
    return "get";
  }
  if (size >= 5 && bytes[0] == 2 && bytes[1] == 1) {
    return "push";
  }
  return "malformed";
}

std::string_view server_packet_by_the_table(const Bytes& bytes) {
  if (bytes.size() >= 5 && bytes[0] == 2 && bytes[1] == 0 && bytes[4] != 255 && bytes.size() == 5U + bytes[4]) {
    return "get response";
  }
  if (bytes.size() == 3 && bytes[0] == 0) {
    return bytes[1] == 1   ? "association success"
           : bytes[1] == 2 ? "association failed"
           : bytes[1] == 3 ? "unknown error"
                           : "malformed";
  }
  if (bytes.size() == 3 && bytes[0] == 1) {
    return bytes[1] == 1   ? "buffer empty"
           : bytes[1] == 2 ? "positive ack"
           : bytes[1] == 3 ? "buffer full"
                           : "malformed";
  }
  return "malformed";
}

struct NameOf {
  std::string_view operator()(const classic::Malformed&) const { return "malformed"; }
  std::string_view operator()(const classic::Associate&) const { return "associate"; }
  std::string_view operator()(const classic::Get&) const { return "get"; }
  std::string_view operator()(const classic::Push&) const { return "push"; }
  std::string_view operator()(const classic::AssociationSuccess&) const { return "association success"; }
  std::string_view operator()(const classic::AssociationFailed&) const { return "association failed"; }
  std::string_view operator()(const classic::UnknownError&) const { return "unknown error"; }
  std::string_view operator()(const classic::BufferEmpty&) const { return "buffer empty"; }
  std::string_view operator()(const classic::PositiveAck&) const { return "positive ack"; }
  std::string_view operator()(const classic::BufferFull&) const { return "buffer full"; }
  std::string_view operator()(const classic::GetResponse&) const { return "get response"; }
};

std::uint8_t third_byte_or_0(const Bytes& bytes) {
  return bytes.size() < 3 ? std::uint8_t{0} : bytes[2];
}

RC_GTEST_PROP(Codec, ReadsWhatAClientSendsAsTheTableSaysAndWritesTheSameBytesAgain, ()) {
  const Bytes bytes = (*generate::any_packet()).bytes;
  const classic::ClientPacket packet = classic::decode_client_packet(bytes);
  RC_ASSERT(std::visit(NameOf{}, packet) == client_packet_by_the_table(bytes));
  if (const auto* malformed = std::get_if<classic::Malformed>(&packet)) {
    RC_ASSERT(malformed->third_byte == third_byte_or_0(bytes));
  } else {
    RC_ASSERT(std::visit(EncodePacket{}, packet) == bytes);
  }
  if (const auto* push = std::get_if<classic::Push>(&packet)) {
    RC_ASSERT(push->length_is_valid() == (bytes[4] != 255 && bytes.size() - 5 == bytes[4]));
  }
}

// Chance would hardly meet a type that differs from a known one in a single bit.
TEST(Codec, KnowsAllTypesAndCodesByTheTable) {
  for (unsigned type_and_code = 0; type_and_code < 0x10000; ++type_and_code) {
    Bytes bytes{static_cast<std::uint8_t>(type_and_code >> 8U), static_cast<std::uint8_t>(type_and_code), 7};
    for (const std::size_t size : {3U, 5U}) {
      bytes.resize(size);
      ASSERT_EQ(std::visit(NameOf{}, classic::decode_client_packet(bytes)), client_packet_by_the_table(bytes))
          << std::hex << type_and_code << " in " << size << " bytes";
      ASSERT_EQ(std::visit(NameOf{}, classic::decode_server_packet(bytes)), server_packet_by_the_table(bytes))
          << std::hex << type_and_code << " in " << size << " bytes";
    }
  }
}

RC_GTEST_PROP(Codec, ReadsWhatAServerSendsAsTheTableSaysAndWritesTheSameBytesAgain, ()) {
  const Bytes bytes = (*generate::any_packet()).bytes;
  const classic::ServerPacket packet = classic::decode_server_packet(bytes);
  RC_ASSERT(std::visit(NameOf{}, packet) == server_packet_by_the_table(bytes));
  if (const auto* malformed = std::get_if<classic::Malformed>(&packet)) {
    RC_ASSERT(malformed->third_byte == third_byte_or_0(bytes));
  } else {
    RC_ASSERT(std::visit(EncodePacket{}, packet) == bytes);
  }
}

RC_GTEST_PROP(Codec, GivesBackTheFieldsOfEveryPacketOfAClient, ()) {
  const Id id = *rc::gen::arbitrary<Id>();
  const Id other = *rc::gen::arbitrary<Id>();
  const Bytes payload = *generate::payload();

  const Bytes associate_bytes = encoded(classic::Associate{id, payload});
  const auto associate = std::get<classic::Associate>(classic::decode_client_packet(associate_bytes));
  RC_ASSERT(associate.id == id);
  RC_ASSERT(copy_of(associate.credential) == payload);

  const Bytes get_bytes = encoded(classic::Get{id});
  RC_ASSERT(std::get<classic::Get>(classic::decode_client_packet(get_bytes)).id == id);

  const std::uint8_t length = *generate::length_byte(payload.size());
  const Bytes push_bytes = encoded(classic::Push{id, other, length, payload});
  const auto push = std::get<classic::Push>(classic::decode_client_packet(push_bytes));
  RC_ASSERT(push.sender == id);
  RC_ASSERT(push.receiver == other);
  RC_ASSERT(push.length == length);
  RC_ASSERT(copy_of(push.payload) == payload);
}

RC_GTEST_PROP(Codec, MakesAPushWithTheLengthOfItsPayload, ()) {
  const Id sender = *rc::gen::arbitrary<Id>();
  const Id receiver = *rc::gen::arbitrary<Id>();
  const Bytes payload = *generate::valid_payload();
  const classic::Push made = classic::make_push(sender, receiver, payload);
  RC_ASSERT(made.length_is_valid());
  RC_ASSERT(encoded(made) == push(sender, receiver, payload).bytes);
}

template <class P>
void gives_back_the_id(Id id) {
  const Bytes bytes = encoded(P{id});
  RC_ASSERT(bytes.size() == 3U);
  RC_ASSERT(std::get<P>(classic::decode_server_packet(bytes)).id == id);
}

RC_GTEST_PROP(Codec, GivesBackTheFieldsOfEveryPacketOfAServer, ()) {
  const Id id = *rc::gen::arbitrary<Id>();
  gives_back_the_id<classic::AssociationSuccess>(id);
  gives_back_the_id<classic::AssociationFailed>(id);
  gives_back_the_id<classic::UnknownError>(id);
  gives_back_the_id<classic::BufferEmpty>(id);
  gives_back_the_id<classic::PositiveAck>(id);
  gives_back_the_id<classic::BufferFull>(id);

  const Id sender = *rc::gen::arbitrary<Id>();
  const Bytes payload = *generate::valid_payload();
  const Bytes bytes = encoded(classic::GetResponse{id, sender, payload});
  const auto response = std::get<classic::GetResponse>(classic::decode_server_packet(bytes));
  RC_ASSERT(response.id == id);
  RC_ASSERT(response.sender == sender);
  RC_ASSERT(copy_of(response.payload) == payload);
}

/// Makes failed assertions of the library throw for as long as it lives.
class ThrowingAssertions {
 public:
  ThrowingAssertions()
      : before_{set_assertion_handler([](const char*, const char* explanation, const char*, unsigned) {
          throw std::logic_error{explanation};
        })} {}
  ThrowingAssertions(const ThrowingAssertions&) = delete;
  ThrowingAssertions& operator=(const ThrowingAssertions&) = delete;
  ~ThrowingAssertions() { set_assertion_handler(before_); }

 private:
  AssertionHandler before_;
};

/// Room that is just enough is enough, and one byte less fails an assertion rather than writing past the end.
template <class P>
void fits_exactly(const P& packet) {
  const Bytes expected = encoded(packet);
  Bytes room(expected.size());
  RC_ASSERT(copy_of(classic::encode(packet, room)) == expected);
  Bytes too_little(expected.size() - 1);
  const ThrowingAssertions throwing;
  RC_ASSERT_THROWS_AS(classic::encode(packet, too_little), std::logic_error);
}

RC_GTEST_PROP(Codec, WritesIntoJustEnoughRoomAndNeverPastItsEnd, ()) {
  const Id id = *rc::gen::arbitrary<Id>();
  const Bytes payload = *generate::payload();
  fits_exactly(classic::Associate{id, payload});
  fits_exactly(classic::Get{id});
  fits_exactly(classic::Push{id, id, 0, payload});
  fits_exactly(classic::PositiveAck{id});
  const Bytes valid(payload.begin(),
                    payload.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(payload.size(), 254)));
  fits_exactly(classic::GetResponse{id, id, valid});
}

RC_GTEST_PROP(Codec, RefusesToMakeAPacketWithAPayloadThatIsTooLong, ()) {
  const Bytes payload = payload_of(*rc::gen::inRange<std::size_t>(255, 520), 1);
  std::array<std::uint8_t, longest> room;
  const ThrowingAssertions throwing;
  RC_ASSERT_THROWS_AS(classic::make_push(1, 2, payload), std::logic_error);
  RC_ASSERT_THROWS_AS(classic::encode(classic::GetResponse{1, 2, payload}, room), std::logic_error);
}

}  // namespace
}  // namespace restante::property
