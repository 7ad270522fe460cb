#include <restante/authentication/tokens.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support.hpp"
#include "support/assertion_throws.hpp"

namespace restante {
namespace {

using std::chrono::seconds;
using test::Folder;
using test::Verdicts;

class Tokens : public ::testing::Test {
 protected:
  TokenAuthenticationOptions options() {
    return {.file = file, .policy = {.leeway = seconds{0}}, .now = [this] { return now; }};
  }
  std::string token(const nlohmann::json& claims) const { return make_token(claims, key); }
  // What becomes of a credential.
  Verdict check(TokenAuthentication& authentication, std::string_view address, const std::string& credential) {
    authentication.check(++checks, address, as_bytes(credential));
    const auto ended = authentication.completed();
    EXPECT_TRUE(ended && ended->check == checks) << "it ends at once";
    return ended ? ended->verdict : Verdict::unavailable;
  }

  Folder folder;
  TokenKey key = TokenKey::generate(TokenAlgorithm::eddsa);
  std::filesystem::path file = folder.write("key", *key.public_json(), 0644);
  WallSeconds now{seconds{1000}};
  std::uint64_t checks = 0;
};

TEST_F(Tokens, AreAcceptedForTheAddressThatTheyName) {
  int wakes = 0;
  TokenAuthentication authentication{options()};
  EXPECT_TRUE(authentication.asks_for_credentials());
  authentication.start({&wakes, [](void* count) { ++*static_cast<int*>(count); }});
  const std::string good = token({{"sub", "ada"}, {"exp", 1060}});
  EXPECT_EQ(check(authentication, "ada", good), Verdict::accepted);
  EXPECT_EQ(check(authentication, "eve", good), Verdict::rejected);
  EXPECT_EQ(check(authentication, "Ada", good), Verdict::rejected);
  EXPECT_EQ(check(authentication, "ada", ""), Verdict::rejected);
  EXPECT_EQ(check(authentication, "ada", token({{"sub", "ada"}})), Verdict::rejected);
  EXPECT_EQ(wakes, 5);
  now += seconds{60};
  EXPECT_EQ(check(authentication, "ada", good), Verdict::rejected);
  authentication.stop();
  EXPECT_FALSE(authentication.completed());
}

TEST_F(Tokens, SayWhichRoomsTheirAddressMayJoinAndCreate) {
  TokenAuthentication authentication{options()};
  const auto log_in = [&](const nlohmann::json& more) {
    nlohmann::json claims{{"sub", "ada"}, {"exp", 1060}};
    claims.update(more);
    ASSERT_EQ(check(authentication, "ada", token(claims)), Verdict::accepted);
  };
  EXPECT_FALSE(authentication.provisioned("ada"));
  EXPECT_FALSE(authentication.may_join("ada", "#all"));
  log_in({{"rooms", {"#all", "#team-*"}}});
  EXPECT_TRUE(authentication.provisioned("ada"));
  EXPECT_TRUE(authentication.may_join("ada", "#all"));
  EXPECT_TRUE(authentication.may_join("ada", "#team-red"));
  EXPECT_FALSE(authentication.may_join("ada", "#other"));
  EXPECT_FALSE(authentication.may_create("ada", "#all"));
  EXPECT_FALSE(authentication.may_join("eve", "#all"));
  log_in({{"rooms", {"#team-*"}}, {"create_rooms", true}});
  EXPECT_FALSE(authentication.may_join("ada", "#all")) << "the latest token counts";
  EXPECT_TRUE(authentication.may_create("ada", "#team-red"));
  EXPECT_FALSE(authentication.may_create("ada", "#other"));
  now += seconds{60};
  EXPECT_FALSE(authentication.may_join("ada", "#team-red")) << "until it expires";
  now -= seconds{60};
  log_in({{"create_rooms", true}});
  EXPECT_FALSE(authentication.may_join("ada", "#all")) << "what it does not say it does not allow";
  EXPECT_FALSE(authentication.may_create("ada", "#all"));
}

TEST_F(Tokens, AreRememberedForSoManyAddresses) {
  TokenAuthenticationOptions two = options();
  two.addresses_max = 2;
  TokenAuthentication authentication{two};
  const auto log_in = [&](const std::string& address) {
    const std::string credential = token({{"sub", address}, {"exp", 1060}, {"rooms", {"#all"}}});
    ASSERT_EQ(check(authentication, address, credential), Verdict::accepted);
  };
  log_in("ada");
  log_in("bob");
  log_in("ada");
  log_in("cyd");
  EXPECT_TRUE(authentication.may_join("ada", "#all"));
  EXPECT_FALSE(authentication.may_join("bob", "#all")) << "who logged in longest ago is forgotten";
  EXPECT_TRUE(authentication.may_join("cyd", "#all"));
}

TEST_F(Tokens, AreCheckedWithNewKeysOnceThoseWereRead) {
  TokenAuthentication authentication{options()};
  const std::string old = token({{"sub", "ada"}, {"exp", 1060}});
  folder.write("key", "nonsense");
  EXPECT_THAT(authentication.reload(), ::testing::HasSubstr("no JSON Web Key"));
  EXPECT_EQ(check(authentication, "ada", old), Verdict::accepted);
  key = TokenKey::generate(TokenAlgorithm::eddsa);
  folder.write("key", *key.public_json());
  EXPECT_EQ(authentication.reload(), "");
  EXPECT_EQ(check(authentication, "ada", old), Verdict::rejected);
  EXPECT_EQ(check(authentication, "ada", token({{"sub", "ada"}, {"exp", 1060}})), Verdict::accepted);
}

TEST_F(Tokens, AreCheckedAgainstTheTimeOfTheSystemUnlessToldOtherwise) {
  TokenAuthentication authentication{{.file = file}};
  EXPECT_EQ(check(authentication, "ada", token({{"sub", "ada"}, {"exp", 1060}})), Verdict::rejected);
  EXPECT_EQ(check(authentication, "ada", token({{"sub", "ada"}, {"exp", 253402300799}})), Verdict::accepted);
}

TEST_F(Tokens, NeedAKeyFromTheStart) {
  EXPECT_THROW(TokenAuthentication({.file = folder / "none"}), AuthenticationError);
  TokenAuthenticationOptions none = options();
  none.addresses_max = 0;
  EXPECT_ASSERTION(TokenAuthentication{none}, "must be remembered");
}

}  // namespace
}  // namespace restante
