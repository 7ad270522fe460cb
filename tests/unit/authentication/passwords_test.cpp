#include <restante/authentication/passwords.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <string>

#include "support.hpp"
#include "support/assertion_throws.hpp"

namespace restante {
namespace {

using test::cheap;
using test::cheap_limits;
using test::Folder;
using test::Verdicts;

std::string line(std::string_view address, std::string_view password) {
  return std::string{address} + '\t' + hash_password(as_bytes(password), cheap) + '\n';
}

/// Holds the thread that ends the first check where it is, inside of the waker, until it is opened.
class Gate {
 public:
  Waker waker() {
    return {this, [](void* self) { static_cast<Gate*>(self)->woken(); }};
  }
  void wait_until_held() { held_.get_future().wait(); }
  void open() { opened_.set_value(); }

  Verdicts verdicts;

 private:
  void woken() {
    if (!first_.exchange(true)) {
      held_.set_value();
      opened_.get_future().wait();
    }
    verdicts.waker()();
  }

  std::atomic<bool> first_{false};
  std::promise<void> held_;
  std::promise<void> opened_;
};

class Passwords : public ::testing::Test {
 protected:
  PasswordAuthenticationOptions options() const { return {.file = file, .cost_limits = cheap_limits}; }

  Folder folder;
  std::filesystem::path file = folder.write("passwords", line("ada", "open sesame") + line("bob", "swordfish"));
  // Outlives what calls its waker.
  Verdicts verdicts;
};

TEST_F(Passwords, AreAcceptedForTheAddressThatTheyBelongTo) {
  PasswordAuthentication authentication{options()};
  EXPECT_TRUE(authentication.asks_for_credentials());
  authentication.start(verdicts.waker());
  authentication.check(1, "ada", as_bytes("open sesame"));
  authentication.check(2, "ada", as_bytes("swordfish"));
  authentication.check(3, "bob", as_bytes("swordfish"));
  authentication.check(4, "eve", as_bytes("swordfish"));
  authentication.check(5, "ada", {});
  authentication.check(6, "ada", as_bytes(std::string(password_bytes_max + 1, 'x')));
  const std::map<std::uint64_t, Verdict> expected{{1, Verdict::accepted}, {2, Verdict::rejected},
                                                  {3, Verdict::accepted}, {4, Verdict::rejected},
                                                  {5, Verdict::rejected}, {6, Verdict::rejected}};
  EXPECT_EQ(verdicts.wait_for(authentication, 6), expected);
  EXPECT_FALSE(authentication.completed());
}

TEST_F(Passwords, MakeAddressesKnown) {
  const PasswordAuthentication authentication{options()};
  EXPECT_TRUE(authentication.provisioned("ada"));
  EXPECT_TRUE(authentication.may_create("ada", "#all"));
  EXPECT_TRUE(authentication.may_join("ada", "#all"));
  EXPECT_FALSE(authentication.provisioned("eve"));
  EXPECT_FALSE(authentication.may_create("eve", "#all"));
  EXPECT_FALSE(authentication.may_join("eve", "#all"));
}

TEST_F(Passwords, AreCheckedBySeveralThreadsEachOnce) {
  PasswordAuthenticationOptions several = options();
  several.threads = 4;
  several.checks_waiting_max = 200;
  PasswordAuthentication authentication{several};
  authentication.start(verdicts.waker());
  for (std::uint64_t check = 0; check < 200; ++check) {
    authentication.check(check, "ada", as_bytes(check % 2 == 0 ? "open sesame" : "wrong"));
  }
  for (const auto& [check, verdict] : verdicts.wait_for(authentication, 200)) {
    EXPECT_EQ(verdict, check % 2 == 0 ? Verdict::accepted : Verdict::rejected) << check;
  }
}

TEST_F(Passwords, WaitInAQueueThatHasAnEnd) {
  Gate gate;
  PasswordAuthenticationOptions narrow = options();
  narrow.checks_waiting_max = 2;
  PasswordAuthentication authentication{narrow};
  authentication.start(gate.waker());
  authentication.check(1, "ada", as_bytes("open sesame"));
  gate.wait_until_held();
  for (std::uint64_t check = 2; check <= 5; ++check) {
    authentication.check(check, "ada", as_bytes("open sesame"));
  }
  gate.open();
  const std::map<std::uint64_t, Verdict> expected{{1, Verdict::accepted},
                                                  {2, Verdict::accepted},
                                                  {3, Verdict::accepted},
                                                  {4, Verdict::unavailable},
                                                  {5, Verdict::unavailable}};
  EXPECT_EQ(gate.verdicts.wait_for(authentication, 5), expected);
}

TEST_F(Passwords, AreReadAgainAndAFileThatIsWrongChangesNothing) {
  PasswordAuthentication authentication{options()};
  authentication.start(verdicts.waker());
  EXPECT_EQ(authentication.warning(), "");
  folder.write("passwords", line("ada", "new") + line("eve", "apple"), 0644);
  EXPECT_EQ(authentication.reload(), "");
  EXPECT_THAT(authentication.warning(), ::testing::HasSubstr("chmod 600"));
  EXPECT_FALSE(authentication.provisioned("bob"));
  folder.write("passwords", "ada");
  EXPECT_THAT(authentication.reload(), ::testing::HasSubstr("passwords:1: "));
  authentication.check(1, "ada", as_bytes("open sesame"));
  authentication.check(2, "ada", as_bytes("new"));
  authentication.check(3, "eve", as_bytes("apple"));
  const std::map<std::uint64_t, Verdict> expected{
      {1, Verdict::rejected}, {2, Verdict::accepted}, {3, Verdict::accepted}};
  EXPECT_EQ(verdicts.wait_for(authentication, 3), expected);
}

TEST_F(Passwords, ThatWereTakenAwayWhileACheckWaitedAreRejected) {
  Gate gate;
  PasswordAuthentication authentication{options()};
  authentication.start(gate.waker());
  authentication.check(1, "bob", as_bytes("swordfish"));
  gate.wait_until_held();
  authentication.check(2, "ada", as_bytes("open sesame"));
  authentication.check(3, "bob", as_bytes("swordfish"));
  folder.write("passwords", line("bob", "other"));
  EXPECT_EQ(authentication.reload(), "");
  gate.open();
  const std::map<std::uint64_t, Verdict> expected{
      {1, Verdict::accepted}, {2, Verdict::rejected}, {3, Verdict::rejected}};
  EXPECT_EQ(gate.verdicts.wait_for(authentication, 3), expected);
}

TEST_F(Passwords, AreForgottenWhenItStops) {
  int wakes = 0;
  PasswordAuthentication authentication{options()};
  authentication.start({&wakes, [](void* count) { ++*static_cast<int*>(count); }});
  for (std::uint64_t check = 0; check < 50; ++check) {
    authentication.check(check, "ada", as_bytes("open sesame"));
  }
  authentication.stop();
  EXPECT_LE(wakes, 50);
  EXPECT_FALSE(authentication.completed());
  EXPECT_ASSERTION(authentication.check(51, "ada", as_bytes("x")), "before it is started");
}

TEST_F(Passwords, NeedAFileFromTheStart) {
  EXPECT_THROW(PasswordAuthentication({.file = folder / "none"}), AuthenticationError);
  EXPECT_THROW(PasswordAuthentication({.file = file}), AuthenticationError) << "hashes are too cheap";
  PasswordAuthenticationOptions without_threads = options();
  without_threads.threads = 0;
  EXPECT_ASSERTION(PasswordAuthentication{without_threads}, "at least one thread");
}

}  // namespace
}  // namespace restante
