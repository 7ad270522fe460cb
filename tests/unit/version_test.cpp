#include <restante/version.hpp>

#include <gtest/gtest.h>

#include <string>

namespace restante {
namespace {

TEST(Version, AsATextIsTheThreeNumbers) {
  EXPECT_EQ(std::string{version},
            std::to_string(version_major) + "." + std::to_string(version_minor) + "." + std::to_string(version_patch));
}

}  // namespace
}  // namespace restante
