#include <restante/core/request.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace restante {
namespace {

static_assert(std::is_trivially_copyable_v<Associate> && std::is_trivially_copyable_v<Push> &&
                  std::is_trivially_copyable_v<Get>,
              "requests are plain values");

TEST(Request, ComparesByAddress) {
  EXPECT_EQ(Associate{Address{7}}, Associate{Address{7}});
  EXPECT_NE(Associate{Address{7}}, Associate{Address{8}});
  EXPECT_EQ(Get{Address{7}}, Get{Address{7}});
  EXPECT_NE(Get{Address{7}}, Get{Address{8}});
}

}  // namespace
}  // namespace restante
