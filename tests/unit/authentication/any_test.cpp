#include <restante/authentication/any.hpp>

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace restante {
namespace {

using test::Folder;
using test::Verdicts;

TEST(AnyAuthentication, IsNoneUnlessToldOtherwise) {
  AnyAuthentication authentication;
  EXPECT_FALSE(authentication.asks_for_credentials());
  authentication.start({});
  EXPECT_TRUE(authentication.provisioned("ada"));
  EXPECT_TRUE(authentication.may_create("ada", "#all"));
  EXPECT_TRUE(authentication.may_join("ada", "#all"));
  EXPECT_EQ(authentication.reload(), "");
  EXPECT_EQ(authentication.warning(), "");
  authentication.stop();
}

TEST(AnyAuthentication, ChecksPasswords) {
  const Folder folder;
  const auto file =
      folder.write("passwords", "ada\t" + hash_password(as_bytes("open sesame"), test::cheap) + "\n", 0644);
  Verdicts verdicts;
  AnyAuthentication authentication{PasswordAuthenticationOptions{.file = file, .cost_limits = test::cheap_limits}};
  EXPECT_TRUE(authentication.asks_for_credentials());
  EXPECT_TRUE(authentication.provisioned("ada"));
  EXPECT_FALSE(authentication.may_join("eve", "#all"));
  EXPECT_THAT(authentication.warning(), ::testing::HasSubstr("chmod 600"));
  authentication.start(verdicts.waker());
  authentication.check(1, "ada", as_bytes("open sesame"));
  EXPECT_EQ(verdicts.wait_for(authentication, 1).at(1), Verdict::accepted);
  folder.write("passwords", "");
  EXPECT_EQ(authentication.reload(), "");
  EXPECT_FALSE(authentication.provisioned("ada"));
  authentication.stop();
}

TEST(AnyAuthentication, ChecksTokens) {
  const Folder folder;
  const TokenKey key = TokenKey::generate(TokenAlgorithm::hs256);
  Verdicts verdicts;
  AnyAuthentication authentication{TokenAuthenticationOptions{.file = folder.write("key", key.secret_json().text()),
                                                              .policy = {.expiry_required = false}}};
  EXPECT_TRUE(authentication.asks_for_credentials());
  authentication.start(verdicts.waker());
  authentication.check(1, "ada", as_bytes(make_token({{"sub", "ada"}, {"rooms", {"#all"}}}, key)));
  EXPECT_EQ(verdicts.wait_for(authentication, 1).at(1), Verdict::accepted);
  EXPECT_TRUE(authentication.may_join("ada", "#all"));
  EXPECT_FALSE(authentication.may_create("ada", "#all"));
  EXPECT_EQ(authentication.warning(), "");
  folder.write("key", "");
  EXPECT_THAT(authentication.reload(), ::testing::HasSubstr("no JSON Web Key"));
  authentication.stop();
}

}  // namespace
}  // namespace restante
