#include <restante/v2/wire.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "support/assertion_throws.hpp"
#include "support/packets.hpp"

namespace restante::v2::detail {
namespace {

using test::Bytes;

Bytes written(std::uint64_t number) {
  std::array<std::uint8_t, 8> room{};
  OutFields<false> fields{room};
  fields.number(number);
  return Bytes{fields.written()};
}

// RFC 9000, appendix A.1, has these four.
TEST(Number, IsWrittenAsTheExamplesOfTheRfc) {
  EXPECT_EQ(written(151288809941952652), (Bytes{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}));
  EXPECT_EQ(written(494878333), (Bytes{0x9d, 0x7f, 0x3e, 0x7d}));
  EXPECT_EQ(written(15293), (Bytes{0x7b, 0xbd}));
  EXPECT_EQ(written(37), (Bytes{0x25}));
}

TEST(Number, IsReadBackOnBothSidesOfEveryPowerOfTwo) {
  for (unsigned power = 0; power <= 62; ++power) {
    const std::uint64_t middle = std::uint64_t{1} << power;
    for (const std::uint64_t number : {middle - 1, middle, middle + 1}) {
      if (number > number_max) {
        continue;
      }
      const Bytes bytes = written(number);
      const std::size_t expected = number < 64 ? 1 : number < 16384 ? 2 : number < 1073741824 ? 4 : 8;
      EXPECT_EQ(bytes.size(), expected) << number;
      EXPECT_EQ(number_bytes(number), expected) << number;
      std::uint64_t read = 0;
      InFields fields{bytes};
      EXPECT_TRUE(fields.number(read)) << number;
      EXPECT_TRUE(fields.left().empty()) << number;
      EXPECT_EQ(read, number);
    }
  }
}

TEST(Number, IsNotReadWhereItIsLongerThanItHasToBe) {
  const std::initializer_list<Bytes> too_long{{0x40, 0x25},              // 37 in two bytes, the RFC's own example
                                              {0x40, 0x3f},              // 63
                                              {0x80, 0x00, 0x3f, 0xff},  // 16383
                                              {0xc0, 0x00, 0x00, 0x00, 0x3f, 0xff, 0xff, 0xff}};  // 2^30 - 1
  for (const Bytes& bytes : too_long) {
    std::uint64_t read = 5;
    InFields fields{bytes};
    EXPECT_FALSE(fields.number(read)) << test::to_hex(bytes);
    EXPECT_EQ(fields.left().size(), bytes.size());
    EXPECT_EQ(read, 5U);
  }
}

TEST(Number, IsNotReadWhereBytesAreMissing) {
  for (const std::uint64_t number : {64U, 16384U, 1073741824U}) {
    const Bytes bytes = written(number);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      std::uint64_t read = 5;
      InFields fields{BytesView{bytes}.first(size)};
      EXPECT_FALSE(fields.number(read));
      EXPECT_EQ(read, 5U);
    }
  }
}

TEST(InFields, LeaveWhatIsNotThereAsItWas) {
  const Bytes bytes{0x40, 0x25};
  std::uint64_t number = 7;
  std::uint8_t byte = 7;
  bool flag = true;
  Tag tag = 7;
  Epoch epoch = 7;
  Name name = as_bytes("seven");
  ResumeToken token{7};
  Refusal reason = Refusal::bad_address;
  MessageState state = MessageState::taken;
  EXPECT_FALSE(InFields{bytes}.number(number));
  EXPECT_FALSE(InFields{Bytes{}}.byte(byte));
  EXPECT_FALSE(InFields{bytes}.flag(flag));
  EXPECT_FALSE(InFields{bytes}.tag(tag, 0));
  EXPECT_FALSE(InFields{bytes}.epoch(epoch));
  EXPECT_FALSE(InFields{bytes}.name(name));
  EXPECT_FALSE(InFields{bytes}.token(token));
  EXPECT_FALSE(InFields{bytes}.one_of(state, MessageState::purged));
  EXPECT_FALSE(InFields{Bytes{}}.first_of_flags(flag));
  EXPECT_FALSE(InFields{Bytes{}}.reason(reason));
  EXPECT_EQ(number, 7U);
  EXPECT_EQ(byte, 7U);
  EXPECT_TRUE(flag);
  EXPECT_EQ(tag, 7U);
  EXPECT_EQ(epoch, 7U);
  EXPECT_EQ(as_text(name), "seven");
  EXPECT_EQ(token[0], 7U);
  EXPECT_EQ(reason, Refusal::bad_address);
  EXPECT_EQ(state, MessageState::taken);
}

TEST(InFields, ReadATagFromTheSmallestToTheLargestThatThereIs) {
  const auto reads = [](std::uint64_t number, Tag minimum) {
    const Bytes bytes = written(number);
    Tag tag = 0;
    InFields fields{bytes};
    return fields.tag(tag, minimum) && fields.left().empty() && tag == number;
  };
  EXPECT_FALSE(reads(0, 1));
  EXPECT_TRUE(reads(0, 0));
  EXPECT_TRUE(reads(1, 1));
  EXPECT_TRUE(reads(tag_max, 1));
  EXPECT_FALSE(reads(std::uint64_t{tag_max} + 1, 1));
  EXPECT_FALSE(reads((std::uint64_t{1} << 32U) + 1, 1)) << "a tag is not cut to the bits that fit";
}

TEST(InFields, ReadNamesOfUpToSixtyFourBytes) {
  for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 255U}) {
    Bytes bytes(size + 1, 'n');
    bytes[0] = static_cast<std::uint8_t>(size);
    Name name;
    InFields fields{bytes};
    EXPECT_EQ(fields.name(name), size <= 64) << size;
    EXPECT_EQ(fields.left().empty(), size <= 64) << size;
    EXPECT_EQ(name.size(), size <= 64 ? size : 0) << size;
  }
}

TEST(InFields, ReadFlagsOfRequestsStrictlyAndOfRepliesByTheFirst) {
  for (unsigned value = 0; value < 256; ++value) {
    const Bytes bytes{static_cast<std::uint8_t>(value)};
    bool strict = false;
    EXPECT_EQ(InFields{bytes}.flag(strict), value <= 1);
    EXPECT_EQ(strict, value == 1);
    bool first = false;
    EXPECT_TRUE(InFields{bytes}.first_of_flags(first));
    EXPECT_EQ(first, value % 2 == 1);
    MessageState state = MessageState::unknown;
    EXPECT_EQ(InFields{bytes}.one_of(state, MessageState::purged), value <= 6);
  }
}

TEST(OutFields, WriteNamesOfEveryLengthAndNothingBehindThem) {
  for (std::size_t size = 0; size <= 64; ++size) {
    Bytes name(size);
    for (std::size_t i = 0; i < size; ++i) {
      name[i] = static_cast<std::uint8_t>(i + 1);
    }
    std::array<std::uint8_t, 80> room{};
    OutFields<true> fields{room};
    fields.name(name);
    EXPECT_EQ(fields.written().size(), size + 1);
    EXPECT_EQ(room[size + 1], 0U) << size;
    Name read;
    ASSERT_TRUE(InFields{room}.name(read));
    EXPECT_EQ(Bytes{read}, name);
  }
}

TEST(OutFields, WriteTheHighestByteOfAnEpochFirst) {
  std::array<std::uint8_t, 8> room{};
  OutFields<false>{room}.epoch(0x0123456789abcdef);
  EXPECT_EQ(Bytes{BytesView{room}}, (Bytes{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}));
  Epoch epoch = 0;
  EXPECT_TRUE(InFields{room}.epoch(epoch));
  EXPECT_EQ(epoch, 0x0123456789abcdefU);
}

TEST(OutFields, AssertThatThereIsRoomForEachField) {
  for (std::size_t size = 0; size < 8; ++size) {
    std::vector<std::uint8_t> room(size);
    EXPECT_ASSERTION(OutFields<false>{room}.epoch(1), "does not fit");
    EXPECT_ASSERTION(OutFields<false>{room}.number(number_max), "does not fit");
  }
}

}  // namespace
}  // namespace restante::v2::detail
