#include <restante/detail/doorkeeper.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/slow_authenticator.hpp"

namespace restante::detail {
namespace {

using namespace std::chrono_literals;
using test::SlowAuthenticator;
using Judged = std::vector<std::string>;

constexpr SteadyTime start{};

class DoorkeeperTest : public ::testing::Test {
 protected:
  void check(std::string address) { doorkeeper_.check({.address = std::move(address)}, as_bytes("secret")); }

  Judged take(SteadyTime now) {
    Judged judged;
    doorkeeper_.take_verdicts(
        now, 1s, [&](const OpenCheck& check) { judged.push_back("rejected " + check.address); },
        [&](const OpenCheck& check, Verdict verdict) {
          judged.push_back(check.address + (verdict == Verdict::accepted   ? " in"
                                            : verdict == Verdict::rejected ? " out"
                                                                           : " later"));
        });
    return judged;
  }

  SlowAuthenticator authenticator_;
  Doorkeeper<SlowAuthenticator> doorkeeper_{authenticator_};
};

TEST_F(DoorkeeperTest, PassesOnWhatIsAsked) {
  EXPECT_TRUE(doorkeeper_.asks());
  check("ada");
  ASSERT_EQ(authenticator_.asked.size(), 1U);
  EXPECT_EQ(authenticator_.asked[0].address, "ada");
  EXPECT_EQ(authenticator_.asked[0].credential, "secret");
  EXPECT_TRUE(doorkeeper_.provisioned(as_bytes("known")));
  EXPECT_FALSE(doorkeeper_.provisioned(as_bytes("ada")));
  EXPECT_TRUE(doorkeeper_.may_create(as_bytes("ada"), as_bytes("#public")));
  EXPECT_FALSE(doorkeeper_.may_create(as_bytes("eve"), as_bytes("#public")));
  EXPECT_TRUE(doorkeeper_.may_join(as_bytes("ada"), as_bytes("#public")));
  EXPECT_FALSE(doorkeeper_.may_join(as_bytes("ada"), as_bytes("#secret")));
}

TEST_F(DoorkeeperTest, JudgesAtOnceWhatIsNotWrong) {
  check("ada");
  check("bob");
  EXPECT_EQ(take(start), Judged{});
  authenticator_.end(1, Verdict::unavailable);
  authenticator_.end(0, Verdict::accepted);
  EXPECT_EQ(take(start), (Judged{"bob later", "ada in"}));
  EXPECT_EQ(take(start + 1h), Judged{});
}

TEST_F(DoorkeeperTest, HoldsBackTheAnswerToAWrongCredential) {
  check("ada");
  EXPECT_EQ(doorkeeper_.next_deadline(), never);
  authenticator_.end(0, Verdict::rejected);
  EXPECT_EQ(take(start), Judged{"rejected ada"});
  EXPECT_EQ(doorkeeper_.next_deadline(), start + 1s);
  EXPECT_EQ(take(start + 999ms), Judged{});
  EXPECT_EQ(take(start + 1s), Judged{"ada out"});
  EXPECT_EQ(doorkeeper_.next_deadline(), never);
}

}  // namespace
}  // namespace restante::detail
