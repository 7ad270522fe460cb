#include <restante/core/address.hpp>

#include <gtest/gtest.h>

#include <set>

namespace restante {
namespace {

static_assert(Address{}.classic_id() == 0);
static_assert(!std::is_convertible_v<std::uint8_t, Address>, "a number does not become an address unnoticed");

TEST(Address, IsKnownToClassicClientsByItsNumber) {
  for (unsigned id = 0; id <= 255; ++id) {
    EXPECT_EQ(Address{static_cast<std::uint8_t>(id)}.classic_id(), id);
  }
}

TEST(Address, HasADenseIndexOfItsOwn) {
  std::set<std::uint32_t> indices;
  for (unsigned id = 0; id <= 255; ++id) {
    const std::uint32_t index = Address{static_cast<std::uint8_t>(id)}.index();
    EXPECT_LT(index, Address::classic_count);
    EXPECT_TRUE(indices.insert(index).second);
  }
  EXPECT_EQ(indices.size(), Address::classic_count);
}

TEST(Address, ComparesByNumber) {
  EXPECT_EQ(Address{7}, Address{7});
  EXPECT_NE(Address{7}, Address{8});
  EXPECT_LT(Address{7}, Address{255});
}

}  // namespace
}  // namespace restante
