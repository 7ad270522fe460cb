#include <restante/authentication/secret.hpp>

#include <gtest/gtest.h>

#include <type_traits>
#include <utility>

#include "support/assertion_throws.hpp"

namespace restante {
namespace {

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);

TEST(Secret, HoldsWhatItWasMadeFromAndLetsItGoWhenItIsMoved) {
  Secret secret{std::string_view{"letter"}};
  EXPECT_EQ(secret.text(), "letter");
  Secret other = std::move(secret);
  EXPECT_EQ(other.text(), "letter");
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): what is left is what is asked.
  secret = std::move(other);
  EXPECT_EQ(secret.text(), "letter");
}

TEST(Secret, WipesWhatIsCutOff) {
  Secret secret{std::string_view{"open sesame"}};
  const std::uint8_t* const rest = secret.data() + 4;
  secret.shorten(4);
  EXPECT_EQ(secret.text(), "open");
  EXPECT_EQ(rest[0], 0);
  EXPECT_EQ(rest[6], 0);
  EXPECT_ASSERTION(secret.shorten(5), "made shorter");
}

TEST(Secret, GrowsAtItsEnd) {
  Secret secret;
  secret.append(as_bytes("open "));
  secret.append(as_bytes("sesame"));
  EXPECT_EQ(secret.text(), "open sesame");
}

}  // namespace
}  // namespace restante
