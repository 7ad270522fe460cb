#include <restante/authentication/password_hash.hpp>

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace restante {
namespace {

using test::cheap;

TEST(PasswordHash, AcceptsItsPasswordAndNoOther) {
  const std::string hash = hash_password(as_bytes("open sesame"), cheap);
  EXPECT_EQ(check_password(as_bytes("open sesame"), hash), Verdict::accepted);
  for (const std::string_view wrong : {"open sesamE", "open sesam", "open sesame ", ""}) {
    EXPECT_EQ(check_password(as_bytes(wrong), hash), Verdict::rejected) << wrong;
  }
  EXPECT_EQ(check_password(as_bytes(std::string_view{"open sesame\0", 12}), hash), Verdict::rejected);
  EXPECT_NE(hash_password(as_bytes("open sesame"), cheap), hash) << "each has a salt of its own";
}

TEST(PasswordHash, CostsByDefaultWhatLibsodiumCallsInteractive) {
  const std::string hash = hash_password(as_bytes("open sesame"));
  EXPECT_EQ(hash.substr(0, 31), "$argon2id$v=19$m=65536,t=2,p=1$");
  EXPECT_EQ(cost_of_password_hash(hash), PasswordCost{});
  EXPECT_EQ(check_password(as_bytes("open sesame"), hash), Verdict::accepted);
}

TEST(PasswordHash, ThatNoPasswordBelongsToCostsTheSame) {
  const std::string hash = hash_of_nothing({.memory_bytes = 16384, .passes = 3});
  EXPECT_EQ(cost_of_password_hash(hash), (PasswordCost{.memory_bytes = 16384, .passes = 3}));
  EXPECT_EQ(check_password(as_bytes("anything"), hash), Verdict::rejected) << "it is checked, and not refused unread";
}

TEST(PasswordHash, IsKnownByItsForm) {
  const std::string good = hash_of_nothing(cheap);
  ASSERT_TRUE(cost_of_password_hash(good));
  const std::string salt = good.substr(good.find("p=1$") + 4);
  const std::string cases[] = {
      "",
      good + "A",
      good + "=",
      good.substr(0, good.size() - 1),
      good.substr(0, good.rfind('$')),
      "$argon2i$v=19$m=8,t=1,p=1$" + salt,
      "$argon2id$v=16$m=8,t=1,p=1$" + salt,
      "$argon2id$v=19$m=8,t=1,p=2$" + salt,
      "$argon2id$v=19$m=08,t=1,p=1$" + salt,
      "$argon2id$v=19$m=-8,t=1,p=1$" + salt,
      "$argon2id$v=19$m=8,t=99999999999,p=1$" + salt,
      "$argon2id$v=19$m=8,t=,p=1$" + salt,
      "$argon2id$v=19$m=8,t=1,p=1$" + salt.substr(1),
      "$argon2id$v=19$m=8,t=1,p=1$" + std::string(500, 'A'),
  };
  for (const std::string& wrong : cases) {
    EXPECT_FALSE(cost_of_password_hash(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace restante
