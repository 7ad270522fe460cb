#include <restante/asio/detail/frame.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <restante/bytes.hpp>

namespace restante::asio_detail {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes frame_of(std::size_t payload_bytes, MaskSource* masks = nullptr) {
  Bytes output{0xee};
  append_frame(output, Opcode::binary, Bytes(payload_bytes, 0x55), masks);
  return output;
}

TEST(Frame, SaysItsLengthInAsFewBytesAsAreEnough) {
  struct Case {
    std::size_t payload_bytes;
    Bytes header;
  };
  for (const Case& expected :
       {Case{0, {0x82, 0}}, Case{125, {0x82, 125}}, Case{126, {0x82, 126, 0, 126}},
        Case{0xffff, {0x82, 126, 0xff, 0xff}}, Case{0x10000, {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}}}) {
    const Bytes bytes = frame_of(expected.payload_bytes);
    Bytes whole{0xee};
    whole.insert(whole.end(), expected.header.begin(), expected.header.end());
    whole.insert(whole.end(), expected.payload_bytes, 0x55);
    EXPECT_EQ(bytes, whole) << expected.payload_bytes;
  }
}

TEST(Frame, IsMaskedWithAKeyThatStandsInIt) {
  MaskSource masks;
  for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 68U, 125U}) {
    const Bytes bytes = frame_of(size, &masks);
    ASSERT_EQ(bytes.size(), 1 + 2 + 4 + size);
    EXPECT_EQ(bytes[2], 0x80U | size);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_EQ(bytes[7 + i] ^ bytes[3 + i % 4], 0x55) << "byte " << i << " of " << size;
    }
  }
  EXPECT_NE(frame_of(8, &masks), frame_of(8, &masks)) << "each frame has a key of its own";
}

TEST(Frame, CarriesTheCodeAndTheReasonOfAClose) {
  Bytes output;
  append_close_frame(output, 1001, "bye", nullptr);
  EXPECT_EQ(output, (Bytes{0x88, 5, 0x03, 0xe9, 'b', 'y', 'e'}));
  output.clear();
  append_close_frame(output, no_status, "not sent", nullptr);
  EXPECT_EQ(output, (Bytes{0x88, 0}));
  output.clear();
  append_close_frame(output, 1000, std::string(200, 'x'), nullptr);
  EXPECT_EQ(output.size(), 2U + 125U);
}

TEST(Frame, OnlySomeCodesMayBeSent) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013, 3000, 4999}) {
    EXPECT_TRUE(may_be_sent(static_cast<CloseCode>(code))) << code;
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000}) {
    EXPECT_FALSE(may_be_sent(static_cast<CloseCode>(code))) << code;
  }
}

}  // namespace
}  // namespace restante::asio_detail
