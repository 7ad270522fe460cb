#include <restante/v2/error.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <system_error>

namespace restante {
namespace {

TEST(RefusalError, BecomesAnErrorCodeOfACategoryOfItsOwn) {
  const std::error_code code = Refusal::mailbox_full;
  EXPECT_STREQ(code.category().name(), "restante.refusal");
  EXPECT_EQ(code, Refusal::mailbox_full);
  EXPECT_NE(code, Refusal::quota_exceeded);
  EXPECT_EQ(&refusal_category(), &refusal_category());
}

TEST(RefusalError, HasAMessageOfItsOwnForEach) {
  std::set<std::string> messages;
  for (int number = 1; number <= 21; ++number) {
    const std::error_code code = static_cast<Refusal>(number);
    EXPECT_EQ(code.value(), number);
    EXPECT_NE(code.message(), "unknown refusal");
    EXPECT_TRUE(messages.insert(code.message()).second) << code.message();
  }
  EXPECT_EQ((std::error_code{99, refusal_category()}.message()), "unknown refusal");
}

TEST(RefusalError, OfANewerServerIsTakenLikeLimitReachedAndNeverForSuccess) {
  for (const int number : {0, 22, 255}) {
    EXPECT_EQ(make_error_code(static_cast<Refusal>(number)), Refusal::limit_reached);
  }
}

TEST(RefusalError, PassesWhereOnlyTimeIsNeeded) {
  std::set<int> passing;
  for (int number = 0; number <= 255; ++number) {
    if (passes(static_cast<Refusal>(number))) {
      passing.insert(number);
    }
  }
  EXPECT_EQ(passing, (std::set<int>{18, 20, 21}));
}

}  // namespace
}  // namespace restante
