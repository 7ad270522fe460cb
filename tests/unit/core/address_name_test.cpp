#include <restante/core/address_name.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/packets.hpp"
#include "support/v2_vectors.hpp"

namespace restante {
namespace {

using test::Bytes;

constexpr std::uint8_t lobby[] = {'#', 'a'};
static_assert(kind_of_name(lobby) == NameKind::room);
static_assert(kind_of_name({}) == NameKind::bad);

// RFC 3629, section 3, written once more.
Bytes utf8(std::uint32_t c) {
  const auto byte = [](std::uint32_t value) { return static_cast<std::uint8_t>(value); };
  if (c < 0x80) {
    return {byte(c)};
  }
  if (c < 0x800) {
    return {byte(0xc0 + c / 64), byte(0x80 + c % 64)};
  }
  if (c < 0x10000) {
    return {byte(0xe0 + c / 4096), byte(0x80 + c / 64 % 64), byte(0x80 + c % 64)};
  }
  return {byte(0xf0 + c / 262144), byte(0x80 + c / 4096 % 64), byte(0x80 + c / 64 % 64), byte(0x80 + c % 64)};
}

TEST(AddressName, IsWhatTheGoldenVectorsSay) {
  const std::map<std::string, NameKind> kinds{
      {"classic", NameKind::classic}, {"name", NameKind::mailbox}, {"room", NameKind::room}, {"bad", NameKind::bad}};
  int checked = 0;
  for (const test::V2Vector& vector : test::read_v2_vectors(RESTANTE_V2_PACKETS)) {
    if (vector.kind == "address") {
      EXPECT_EQ(kind_of_name(vector.bytes), kinds.at(vector.name)) << "line " << vector.line;
      ++checked;
    }
  }
  EXPECT_GE(checked, 80);
}

TEST(AddressName, IsAClassicIdInDecimalWithoutLeadingZerosAlone) {
  for (int number = 0; number < 2000; ++number) {
    const std::string text = std::to_string(number);
    EXPECT_EQ(kind_of_name(as_bytes(text)), number <= 255 ? NameKind::classic : NameKind::bad) << text;
    EXPECT_EQ(classic_id_of(as_bytes(text)), number <= 255 ? number : -1);
    EXPECT_EQ(kind_of_name(as_bytes("0" + text)), NameKind::bad) << "0" << text;
    EXPECT_EQ(classic_id_of(as_bytes("0" + text)), -1);
    EXPECT_EQ(kind_of_name(as_bytes("#" + text)), NameKind::room);
    EXPECT_EQ(kind_of_name(as_bytes(text + "a")), NameKind::mailbox);
  }
  EXPECT_EQ(classic_id_of({}), -1);
}

TEST(AddressName, HasEveryCharacterButThoseThatTheProtocolForbids) {
  for (std::uint32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) {
      continue;
    }
    const bool is_forbidden = c < 0x20 || (c > 0x7e && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0x061c ||
                              c == 0x200e || c == 0x200f || (c > 0x2029 && c < 0x202f) || (c > 0x2065 && c < 0x206a);
    Bytes name{'a'};
    name += utf8(c);
    ASSERT_EQ(kind_of_name(name), is_forbidden ? NameKind::bad : NameKind::mailbox) << std::hex << c;
    name.back() ^= 0x40;
    const bool is_ascii = c < 0x80;
    ASSERT_EQ(kind_of_name(name) == NameKind::bad, !is_ascii || ((c ^ 0x40U) < 0x20 || (c ^ 0x40U) == 0x7f))
        << std::hex << c;
  }
}

TEST(AddressName, IsNoUtf8WhereASequenceIsLongerThanItHasToBeOrASurrogateOrTooHigh) {
  // All sequences of two and three bytes that begin like UTF-8: only what utf8() gives is well formed.
  for (std::uint32_t first = 0x80; first <= 0xff; ++first) {
    for (std::uint32_t second = 0; second <= 0xff; ++second) {
      const Bytes two{'#', static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second)};
      const std::uint32_t c = (first - 0xc0) * 64 + (second - 0x80);
      const bool is_character =
          first >= 0xc2 && first <= 0xdf && second >= 0x80 && second <= 0xbf && c >= 0xa0 && c != 0x61c;
      ASSERT_EQ(kind_of_name(two), is_character ? NameKind::room : NameKind::bad) << first << " " << second;
      Bytes three = two;
      three.push_back(0x90);
      const std::uint32_t d = (first - 0xe0) * 4096 + (second - 0x80) * 64 + 0x10;
      const bool is_long = first >= 0xe0 && first <= 0xef && second >= 0x80 && second <= 0xbf && d >= 0x800 &&
                           (d < 0xd800 || d > 0xdfff);
      ASSERT_EQ(kind_of_name(three), is_long ? NameKind::room : NameKind::bad) << first << " " << second;
      three.push_back(0x80);
      const std::uint32_t e = (first - 0xf0) * 262144 + (second - 0x80) * 4096 + 0x400;
      const bool is_longest =
          first >= 0xf0 && first <= 0xf4 && second >= 0x80 && second <= 0xbf && e >= 0x10000 && e <= 0x10ffff;
      ASSERT_EQ(kind_of_name(three), is_longest ? NameKind::room : NameKind::bad) << first << " " << second;
    }
  }
}

TEST(AddressName, IsTheSameAsAnotherWhereEveryByteIs) {
  const std::string name = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  for (std::size_t size = 0; size <= name.size(); ++size) {
    const std::string one = name.substr(0, size);
    EXPECT_TRUE(is_same_name(as_bytes(one), as_bytes(std::string{one})));
    EXPECT_FALSE(is_same_name(as_bytes(one), as_bytes(one + "+"))) << "a longer one";
    for (std::size_t place = 0; place < size; ++place) {
      std::string other = one;
      other[place] = '+';
      EXPECT_FALSE(is_same_name(as_bytes(one), as_bytes(other))) << size << " bytes, place " << place;
    }
  }
}

TEST(AddressName, HasAtMostSixtyFourBytes) {
  EXPECT_EQ(kind_of_name(Bytes(64, 'a')), NameKind::mailbox);
  EXPECT_EQ(kind_of_name(Bytes(65, 'a')), NameKind::bad);
  EXPECT_EQ(kind_of_name(Bytes(64, '#')), NameKind::room);
  EXPECT_EQ(kind_of_name(Bytes(64, '7')), NameKind::bad);
}

}  // namespace
}  // namespace restante
