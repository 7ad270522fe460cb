#include <restante/bytes.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace restante {
namespace {

TEST(Bytes, ViewATextWithoutCopyingIt) {
  const std::string text = "hi";
  const BytesView bytes = as_bytes(text);
  ASSERT_EQ(bytes.size(), 2U);
  EXPECT_EQ(static_cast<const void*>(bytes.data()), static_cast<const void*>(text.data()));
  EXPECT_EQ(bytes[0], 0x68);
  EXPECT_EQ(bytes[1], 0x69);
}

TEST(Bytes, KeepZeroesAndHighBytesOfAText) {
  const BytesView bytes = as_bytes(std::string_view{"\0\xff", 2});
  ASSERT_EQ(bytes.size(), 2U);
  EXPECT_EQ(bytes[0], 0x00);
  EXPECT_EQ(bytes[1], 0xff);
}

TEST(Bytes, BecomeTextWithoutBeingCopied) {
  const std::array<std::uint8_t, 3> bytes{0x61, 0x00, 0xfe};
  const std::string_view text = as_text(bytes);
  EXPECT_EQ(static_cast<const void*>(text.data()), static_cast<const void*>(bytes.data()));
  EXPECT_EQ(text, (std::string_view{"a\0\xfe", 3}));
}

TEST(Bytes, AreANumberWithTheFirstOneLowest) {
  constexpr std::uint8_t bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
  static_assert(detail::load_word(bytes) == 0xefcd'ab89'6745'2301U);
}

TEST(Bytes, OfNothingAreNothing) {
  EXPECT_TRUE(as_bytes("").empty());
  EXPECT_TRUE(as_bytes({}).empty());
  EXPECT_TRUE(as_text({}).empty());
}

}  // namespace
}  // namespace restante
