#include <restante/core/reply.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace restante {
namespace {

static_assert(std::is_trivially_copyable_v<GetReply>, "replies are plain values");

TEST(GetReply, SaysByDefaultThatThereIsNothing) {
  EXPECT_EQ(GetReply{}.result, GetReply::Result::empty);
  EXPECT_TRUE(GetReply{}.payload.empty());
}

}  // namespace
}  // namespace restante
