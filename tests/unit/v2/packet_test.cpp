#include <restante/v2/packet.hpp>

#include <gtest/gtest.h>

#include <type_traits>
#include <variant>

namespace restante::v2 {
namespace {

static_assert(protocol_name == "restante.v2");
static_assert(number_max == 4611686018427387903U);
static_assert(tag_max == 1073741823U);
static_assert(std::is_trivially_copyable_v<Request> && std::is_trivially_copyable_v<Reply>);
static_assert(std::is_same_v<std::variant_alternative_t<0, Request>, Unreadable>);
static_assert(std::is_same_v<std::variant_alternative_t<0, Reply>, UnreadableReply>);

TEST(V2Packet, OfTwiceThePayloadAndAKibibyteIsAnswered) {
  EXPECT_EQ(message_bytes_max(65536), 132096U);
  EXPECT_EQ(message_bytes_max(0), 1024U);
}

TEST(V2Packet, BeginsAsNothing) {
  EXPECT_TRUE(std::holds_alternative<Unreadable>(Request{}));
  EXPECT_EQ(std::get<Unreadable>(Request{}).tag, 0U);
  EXPECT_EQ(std::get<Unreadable>(Request{}).reason, Refusal::malformed);
  EXPECT_TRUE(std::holds_alternative<UnreadableReply>(Reply{}));
}

}  // namespace
}  // namespace restante::v2
