#include "frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace restante::bench {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(ClientFrame, HasItsLengthItsMaskAndWhatIsMasked) {
  EXPECT_EQ(masked_frame(Bytes{1, 2, 3, 4, 5}),
            (Bytes{0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 1 ^ 0x37, 2 ^ 0xfa, 3 ^ 0x21, 4 ^ 0x3d, 5 ^ 0x37}));
  EXPECT_EQ(masked_frame({}, frame_type::pong), (Bytes{0x8a, 0x80, 0x37, 0xfa, 0x21, 0x3d}));
}

TEST(ClientFrame, OfMoreThan125BytesHasItsLengthInTwo) {
  EXPECT_EQ(masked_frame(Bytes(125)).size(), 2U + 4 + 125);
  const Bytes frame = masked_frame(Bytes(126));
  EXPECT_EQ(frame.size(), 4U + 4 + 126);
  EXPECT_EQ(frame[1], 0xfe);
  EXPECT_EQ(frame[2], 0);
  EXPECT_EQ(frame[3], 126);
}

TEST(ServerFrame, IsReadWhenItIsWhole) {
  const Bytes input{0x82, 3, 1, 2, 3, 0x89, 0};
  for (std::size_t count = 0; count < 5; ++count) {
    EXPECT_EQ(read_frame(BytesView{input}.first(count)).bytes, 0U) << count;
  }
  const Frame frame = read_frame(input);
  EXPECT_EQ(frame.type, frame_type::binary);
  EXPECT_EQ(frame.bytes, 5U);
  EXPECT_THAT(frame.payload, testing::ElementsAre(1, 2, 3));
}

TEST(ServerFrame, OfMoreThan125BytesIsReadWhenItIsWhole) {
  Bytes input{0x82, 126, 1, 3};
  EXPECT_EQ(read_frame(BytesView{input}.first(3)).bytes, 0U);
  input.resize(4 + 259);
  EXPECT_EQ(read_frame(BytesView{input}.first(4 + 258)).bytes, 0U);
  EXPECT_EQ(read_frame(input).bytes, 4U + 259);
  EXPECT_EQ(read_frame(input).payload.size(), 259U);
}

TEST(ServerFrame, MustNeitherBeMaskedNorLongerThanAnyReply) {
  EXPECT_THROW(read_frame(Bytes{0x82, 0x83, 0, 0}), std::runtime_error);
  EXPECT_THROW(read_frame(Bytes{0x82, 127, 0, 0}), std::runtime_error);
}

}  // namespace
}  // namespace restante::bench
