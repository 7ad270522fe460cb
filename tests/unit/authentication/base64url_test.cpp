#include <restante/authentication/base64url.hpp>

#include <gtest/gtest.h>

#include <string>

namespace restante {
namespace {

TEST(Base64url, WritesWithoutPaddingAndReadsItBack) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"},
  };
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(to_base64url(as_bytes(bytes)), text);
    const auto read = from_base64url(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->text(), bytes);
  }
}

TEST(Base64url, IsReadInItsOneFormAndNoOther) {
  for (const char* const wrong :
       {"Zg==", "Zg=", "Z", "Zh", "Zm9", "+/+/", "Zm 9v", "Zm9v\n", "Zm9v.", "Zm9vYmFyZ", "AAA\xc1"}) {
    EXPECT_FALSE(from_base64url(wrong)) << wrong;
  }
  EXPECT_FALSE(from_base64url(std::string_view{"Zm9v\0", 5}));
}

}  // namespace
}  // namespace restante
