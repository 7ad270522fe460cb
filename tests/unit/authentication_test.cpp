#include <restante/authentication.hpp>

#include <gtest/gtest.h>

#include <vector>

#include "support/assertion_throws.hpp"

namespace restante {
namespace {

struct WithoutAsking : AuthenticatorArchetype {
  bool asks_for_credentials() const = delete;
};
struct WithoutStart : AuthenticatorArchetype {
  void start(Waker) = delete;
};
struct WithoutStop : AuthenticatorArchetype {
  void stop() = delete;
};
struct WithoutCheck : AuthenticatorArchetype {
  void check(std::uint64_t, std::string_view, BytesView) = delete;
};
struct CompletedGivesOnlyTheVerdict : AuthenticatorArchetype {
  std::optional<Verdict> completed() { return {}; }
};
struct WithoutProvisioned : AuthenticatorArchetype {
  bool provisioned(std::string_view) const = delete;
};
struct WithoutMayCreate : AuthenticatorArchetype {
  bool may_create(std::string_view, std::string_view) const = delete;
};
struct MayJoinChangesIt : AuthenticatorArchetype {
  bool may_join(std::string_view, std::string_view) { return true; }
};

static_assert(!Authenticator<WithoutAsking> && !Authenticator<WithoutStart> && !Authenticator<WithoutStop>);
static_assert(!Authenticator<WithoutCheck> && !Authenticator<CompletedGivesOnlyTheVerdict>);
static_assert(!Authenticator<WithoutProvisioned> && !Authenticator<WithoutMayCreate>);
static_assert(!Authenticator<MayJoinChangesIt>);
static_assert(!NoAuthentication::asks_for_credentials(), "is known while compiling");

TEST(NoAuthentication, LetsEverybodyDoEverything) {
  NoAuthentication authentication;
  authentication.start({});
  EXPECT_FALSE(authentication.completed());
  EXPECT_TRUE(authentication.provisioned("ada"));
  EXPECT_TRUE(authentication.may_create("ada", "#all"));
  EXPECT_TRUE(authentication.may_join("ada", "#all"));
  authentication.stop();
}

TEST(NoAuthentication, IsNeverGivenACredential) {
  NoAuthentication authentication;
  EXPECT_ASSERTION(authentication.check(1, "ada", as_bytes("secret")), "asks for none");
}

TEST(AuthenticatorArchetype, EndsEveryCheckOnceAndAcceptsNone) {
  int wakes = 0;
  AuthenticatorArchetype authentication;
  EXPECT_TRUE(authentication.asks_for_credentials());
  authentication.start({&wakes, [](void* count) { ++*static_cast<int*>(count); }});
  authentication.check(1, "ada", as_bytes("secret"));
  authentication.check(2, "bob", {});
  EXPECT_EQ(wakes, 2);
  std::vector<std::uint64_t> ended;
  while (const auto checked = authentication.completed()) {
    EXPECT_EQ(checked->verdict, Verdict::rejected);
    ended.push_back(checked->check);
  }
  EXPECT_EQ(ended, (std::vector<std::uint64_t>{2, 1}));
  authentication.stop();
  authentication.check(3, "ada", {});
  EXPECT_EQ(wakes, 2) << "the waker is not called any more";
}

}  // namespace
}  // namespace restante
