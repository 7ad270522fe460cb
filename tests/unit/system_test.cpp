#include <restante/system.hpp>

#include <gtest/gtest.h>

#include <set>

namespace restante {
namespace {

TEST(System, GivesBitsThatDiffer) {
  std::set<std::uint64_t> drawn;
  std::uint64_t ever_set = 0;
  std::uint64_t always_set = ~std::uint64_t{0};
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t bits = system_entropy();
    drawn.insert(bits);
    ever_set |= bits;
    always_set &= bits;
  }
  EXPECT_EQ(drawn.size(), 200U);
  EXPECT_EQ(ever_set, ~std::uint64_t{0}) << "each bit is set at times";
  EXPECT_EQ(always_set, 0U) << "and at times is not";
}

TEST(System, GivesMillisecondsSince1970) {
  const std::uint64_t before = system_wall_clock_ms();
  EXPECT_GT(before, 1'700'000'000'000U) << "2023 is over";
  EXPECT_LT(before, 10'000'000'000'000U) << "and 2286 is not";
  EXPECT_GE(system_wall_clock_ms() + 1'000, before);
}

}  // namespace
}  // namespace restante
