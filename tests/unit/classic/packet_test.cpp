#include <restante/classic/packet.hpp>

#include <gtest/gtest.h>

#include <type_traits>
#include <vector>

namespace restante::classic {
namespace {

static_assert(payload_bytes_max == 254);
static_assert(packet_bytes_max == 259);
static_assert(std::is_trivially_copyable_v<ClientPacket> && std::is_trivially_copyable_v<ServerPacket>);

TEST(Push, HasAValidLengthWhenItIsTheNumberOfPayloadBytes) {
  const std::vector<std::uint8_t> bytes(600, 0x61);
  for (unsigned length = 0; length <= 255; ++length) {
    for (const std::size_t present : {0U, 1U, 2U, 253U, 254U, 255U, 256U, 300U, 510U, 511U, 512U}) {
      const Push push{1, 2, static_cast<std::uint8_t>(length), BytesView{bytes}.first(present)};
      EXPECT_EQ(push.length_is_valid(), present == length && length <= 254) << length << " " << present;
    }
  }
}

TEST(Push, NeverHasAValidLengthOf255) {
  const std::vector<std::uint8_t> bytes(255, 0x61);
  EXPECT_FALSE((Push{1, 2, 255, bytes}.length_is_valid()));
}

}  // namespace
}  // namespace restante::classic
