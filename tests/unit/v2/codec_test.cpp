#include <restante/v2/codec.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "support/assertion_throws.hpp"
#include "support/packets.hpp"
#include "support/v2_vectors.hpp"

namespace restante::v2 {
namespace {

using test::Bytes;
using test::V2Vector;

using Buffer = std::array<std::uint8_t, 512>;

// Examples that the compiler checks: both directions are usable in constant expressions.

constexpr bool encodes_to(const auto& packet, std::initializer_list<std::uint8_t> expected) {
  Buffer buffer{};
  const BytesView bytes = encode(packet, buffer);
  return std::equal(bytes.begin(), bytes.end(), expected.begin(), expected.end());
}

constexpr std::array<std::uint8_t, 1> b{'b'};
constexpr std::array<std::uint8_t, 2> hi{0x68, 0x69};

static_assert(encodes_to(Push{1, b, 7, 64, hi}, {2, 1, 1, 'b', 7, 0x40, 0x40, 0x68, 0x69}));
static_assert(encodes_to(Fetch{2, {}, 0x0102030405060708, true, 3, 0, 0},
                         {3, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 0, 0}));
static_assert(encodes_to(Refused{0, Refusal::malformed}, {0xff, 0, 1}));

constexpr std::array<std::uint8_t, 9> push_bytes{2, 1, 1, 'b', 7, 0x40, 0x40, 0x68, 0x69};
static_assert(std::get<Push>(decode_request(push_bytes)).time_to_live_ms == 64);
static_assert(std::get<Push>(decode_request(push_bytes)).payload.size() == 2);
static_assert(std::holds_alternative<UnreadableReply>(decode_reply(push_bytes)));
constexpr std::array<std::uint8_t, 3> accepted_bytes{0x82, 5, 1};
static_assert(std::get<Accepted>(decode_reply(accepted_bytes)).duplicate);
static_assert(std::get<Unreadable>(decode_request(accepted_bytes)).tag == 5);

// The golden vectors.

const std::vector<V2Vector>& vectors() {
  static const std::vector<V2Vector> read = test::read_v2_vectors(RESTANTE_V2_PACKETS);
  return read;
}

std::vector<V2Vector> vectors_of(std::initializer_list<std::string_view> kinds) {
  std::vector<V2Vector> chosen;
  std::copy_if(vectors().begin(), vectors().end(), std::back_inserter(chosen), [&kinds](const V2Vector& vector) {
    return std::find(kinds.begin(), kinds.end(), vector.kind) != kinds.end();
  });
  return chosen;
}

std::string place_of(const V2Vector& vector) {
  return "line " + std::to_string(vector.line) + ": " + vector.name;
}

Bytes encoded(const auto& packet) {
  Buffer buffer{};
  return Bytes{encode(packet, buffer)};
}

Bytes reply_to(const Unreadable& request) {
  return encoded(Refused{request.tag, request.reason});
}

TEST(V2Codec, AgreesWithTheGoldenVectorsOfWellFormedPacketsInBothDirections) {
  std::set<std::string> names;
  for (const V2Vector& vector : vectors_of({"client", "server"})) {
    SCOPED_TRACE(place_of(vector));
    EXPECT_EQ(test::encoded_vector(vector), vector.bytes);
    const test::PacketText expected{vector.name, vector.fields, vector.rest};
    EXPECT_EQ(vector.kind == "client" ? test::text_of(decode_request(vector.bytes))
                                      : test::text_of(decode_reply(vector.bytes)),
              expected);
    names.insert(vector.name);
  }
  EXPECT_EQ(names.size(), std::variant_size_v<Request> - 1 + std::variant_size_v<Reply> - 1)
      << "a packet has no vector";
}

TEST(V2Codec, ReadsFlagsAndReasonsOfAServerThatIsNewer) {
  int checked = 0;
  for (const V2Vector& vector : vectors_of({"readable"})) {
    SCOPED_TRACE(place_of(vector));
    const Reply reply = decode_reply(vector.bytes);
    // What this version does not know is not in the packets that it makes; so what is left is compared by hand.
    if (vector.name == "REFUSED") {
      ASSERT_TRUE(std::holds_alternative<Refused>(reply));
      EXPECT_EQ(test::text_of(reply).fields, vector.fields);
    } else {
      const bool first_flag = vector.bytes[2] % 2 == 1;
      const auto* opened = std::get_if<Opened>(&reply);
      const auto* accepted = std::get_if<Accepted>(&reply);
      ASSERT_TRUE(opened != nullptr || accepted != nullptr);
      EXPECT_EQ(opened != nullptr ? opened->took_over : accepted->duplicate, first_flag);
      Bytes known = vector.bytes;
      known[2] = first_flag ? 1 : 0;
      EXPECT_EQ(opened != nullptr ? encoded(*opened) : encoded(*accepted), known);
    }
    ++checked;
  }
  EXPECT_GE(checked, 5);
}

TEST(V2Codec, AgreesWithTheGoldenVectorsOfWhatIsMalformed) {
  int checked = 0;
  for (const V2Vector& vector : vectors_of({"malformed"})) {
    SCOPED_TRACE(place_of(vector));
    const Request request = decode_request(vector.bytes);
    ASSERT_TRUE(std::holds_alternative<Unreadable>(request));
    EXPECT_EQ(reply_to(std::get<Unreadable>(request)), vector.reply);
    ++checked;
  }
  EXPECT_GE(checked, 80);
}

TEST(V2Codec, AgreesWithTheGoldenVectorsOfWhatIsNoReply) {
  int checked = 0;
  for (const V2Vector& vector : vectors_of({"unreadable"})) {
    SCOPED_TRACE(place_of(vector));
    EXPECT_TRUE(std::holds_alternative<UnreadableReply>(decode_reply(vector.bytes)));
    ++checked;
  }
  EXPECT_GE(checked, 35);
}

// What is not in the vectors, because there is too much of it.

// Where a packet may end: where the part that is neither tag nor rest ends. So many bytes behind it may be missing.
std::size_t optional_bytes(const V2Vector& vector) {
  const bool is_credential = vector.name == "OPEN" && vector.fields.ends_with("proof=1");
  const bool has_rest = is_credential || vector.name == "PUSH" || vector.name == "MESSAGE" || vector.name == "REFUSED";
  return has_rest ? vector.rest.size() : 0;
}

std::size_t tag_end(BytesView bytes) {
  return 1 + detail::number_bytes(std::get<Unreadable>(decode_request(bytes)).tag);
}

TEST(V2Codec, AnswersEveryBeginningOfARequestWithItsTagWhereTheTagIsThere) {
  int checked = 0;
  for (const V2Vector& vector : vectors_of({"client"})) {
    SCOPED_TRACE(place_of(vector));
    const Tag tag = static_cast<Tag>(std::stoul(vector.fields.substr(std::string_view{"tag="}.size())));
    const std::size_t needed = vector.bytes.size() - optional_bytes(vector);
    for (std::size_t size = 0; size < std::min<std::size_t>(needed, 1000); ++size) {
      const Request request = decode_request(BytesView{vector.bytes}.first(size));
      ASSERT_TRUE(std::holds_alternative<Unreadable>(request)) << size << " bytes";
      const Bytes expected = encoded(Refused{size > detail::number_bytes(tag) ? tag : 0, Refusal::malformed});
      ASSERT_EQ(reply_to(std::get<Unreadable>(request)), expected) << size << " bytes";
      ++checked;
    }
  }
  EXPECT_GE(checked, 1000);
}

TEST(V2Codec, TakesNoBeginningOfAReplyForAReply) {
  int checked = 0;
  for (const V2Vector& vector : vectors_of({"server"})) {
    SCOPED_TRACE(place_of(vector));
    const std::size_t needed = vector.bytes.size() - optional_bytes(vector);
    for (std::size_t size = 0; size < std::min<std::size_t>(needed, 1000); ++size) {
      // The list of MEMBERS goes to the end of the packet, wherever that is: what is listed whole can be read.
      const Reply reply = decode_reply(BytesView{vector.bytes}.first(size));
      const auto* members = std::get_if<Members>(&reply);
      const bool is_shorter_list = members != nullptr && vector.name == "MEMBERS" && encoded(*members).size() == size;
      ASSERT_TRUE(std::holds_alternative<UnreadableReply>(reply) || is_shorter_list) << size << " bytes";
      ++checked;
    }
  }
  EXPECT_GE(checked, 900);
}

TEST(V2Codec, LetsNothingFollowAPacketThatHasNoRest) {
  for (const V2Vector& vector : vectors_of({"client", "server"})) {
    SCOPED_TRACE(place_of(vector));
    Bytes longer = vector.bytes;
    longer.push_back(0);
    const bool goes_on = vector.name == "PUSH" || vector.name == "MESSAGE" || vector.name == "REFUSED" ||
                         (vector.name == "OPEN" && vector.fields.ends_with("proof=1"));
    const bool is_packet = vector.kind == "client" ? !std::holds_alternative<Unreadable>(decode_request(longer))
                                                   : !std::holds_alternative<UnreadableReply>(decode_reply(longer));
    EXPECT_EQ(is_packet, goes_on);
  }
}

// Whatever is read is written again as the same bytes; so nothing is read in two ways.
template <class Packets>
void expect_same_again(const Packets& packets, BytesView bytes) {
  const auto again = [&bytes](const auto& packet) {
    std::vector<std::uint8_t> room(bytes.size());
    if constexpr (requires { encode(packet, room); }) {
      ASSERT_EQ(Bytes{encode(packet, room)}, Bytes{bytes});
      std::vector<std::uint8_t> much_room(packet_bytes_beyond_payload + payload_bytes(packet));
      ASSERT_EQ(Bytes{encode_in_room(packet, much_room)}, Bytes{bytes});
    }
  };
  std::visit(again, packets);
}

// But for flags and further bytes of a newer server, which a client reads and never writes.
bool is_of_this_version(BytesView bytes, const Reply& reply) {
  if (std::holds_alternative<Refused>(reply)) {
    return bytes.size() == encoded(std::get<Refused>(reply)).size();
  }
  const bool has_flags = std::holds_alternative<Opened>(reply) || std::holds_alternative<Accepted>(reply);
  return !has_flags || bytes[tag_end(bytes)] <= 1;
}

TEST(V2Codec, WritesAgainWhatItReadHoweverOneByteOfAPacketIsChanged) {
  int readable = 0;
  for (const V2Vector& vector : vectors_of({"client", "server"})) {
    SCOPED_TRACE(place_of(vector));
    for (std::size_t i = 0; i < std::min<std::size_t>(vector.bytes.size(), 100); ++i) {
      Bytes bytes = vector.bytes;
      for (unsigned value = 0; value<256; value += vector.bytes.size()> 1000 ? 51 : 1) {
        bytes[i] = static_cast<std::uint8_t>(value);
        const Request request = decode_request(bytes);
        expect_same_again(request, bytes);
        const Reply reply = decode_reply(bytes);
        ASSERT_TRUE(std::holds_alternative<Unreadable>(request) || std::holds_alternative<UnreadableReply>(reply));
        if (is_of_this_version(bytes, reply)) {
          expect_same_again(reply, bytes);
          readable += std::holds_alternative<UnreadableReply>(reply) ? 0 : 1;
        }
      }
      ASSERT_FALSE(HasFatalFailure());
    }
  }
  EXPECT_GE(readable, 10000);
}

TEST(V2Codec, AnswersEveryCodeWithATagThatItCanRead) {
  for (unsigned code = 0; code < 256; ++code) {
    const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(code), 9};
    const Request request = decode_request(bytes);
    ASSERT_TRUE(std::holds_alternative<Unreadable>(request)) << code;
    const bool is_unknown_request = code >= 9 && code <= 0x7f;
    EXPECT_EQ(std::get<Unreadable>(request).tag, 9U) << code;
    EXPECT_EQ(std::get<Unreadable>(request).reason,
              is_unknown_request ? Refusal::unknown_operation : Refusal::malformed)
        << code;
  }
}

TEST(V2Codec, GivesTheMembersOfAListOneByOne) {
  Bytes list;
  Buffer buffer{};
  list += encode_member(Member{true, as_bytes("ada")}, buffer);
  list += encode_member(Member{false, as_bytes("7")}, buffer);
  BytesView left = list;
  const auto first = take_member(left);
  const auto second = take_member(left);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_TRUE(first->present);
  EXPECT_EQ(as_text(first->name), "ada");
  EXPECT_FALSE(second->present);
  EXPECT_EQ(as_text(second->name), "7");
  EXPECT_FALSE(take_member(left).has_value());
}

TEST(V2Codec, ReadsNamesAndPayloadsAsViewsOfTheMessage) {
  const Request request = decode_request(push_bytes);
  EXPECT_EQ(std::get<Push>(request).receiver.data(), push_bytes.data() + 3);
  EXPECT_EQ(std::get<Push>(request).payload.data(), push_bytes.data() + 7);
}

TEST(V2Codec, NeverWritesMoreThanItSaysBesideThePayload) {
  const Bytes name(name_bytes_max, 'n');
  const Bytes payload(3, 'p');
  const auto expect_short = [](const auto& packet, std::size_t payload_bytes) {
    EXPECT_LE(encoded(packet).size(), payload_bytes + packet_bytes_beyond_payload);
  };
  constexpr std::uint64_t m = number_max;
  expect_short(Push{tag_max, name, m, m, payload}, 3);
  expect_short(Status{tag_max, name, m, name, m, m}, 0);
  expect_short(Opened{tag_max, true, UINT64_MAX, m, m, m, m, m, m, m, m, {}}, 0);
  expect_short(Message{tag_max, name, m, m, name, payload}, 3);
  expect_short(Mailbox{tag_max, m, m, m, m, m, m, m, m, m}, 0);
}

TEST(V2Codec, AssertsThatAPacketFits) {
  std::array<std::uint8_t, 6> room{};
  EXPECT_EQ(encode(Push{1, b, 7, 0, {}}, room).size(), 6U);
  EXPECT_ASSERTION(encode(Push{1, b, 7, 64, {}}, room), "does not fit");
}

TEST(V2Codec, AssertsThatNumbersAndNamesCanBeWritten) {
  Buffer room{};
  const Bytes name(name_bytes_max + 1, 'n');
  EXPECT_ASSERTION(encode(Push{1, b, number_max + 1, 0, {}}, room), "larger than 2^62 - 1");
  EXPECT_ASSERTION(encode(Join{1, name}, room), "longer than 64 bytes");
}

}  // namespace
}  // namespace restante::v2
