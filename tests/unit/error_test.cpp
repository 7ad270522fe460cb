#include <restante/error.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <system_error>

namespace restante {
namespace {

constexpr Error every_error[] = {Error::disconnected,      Error::not_connected,      Error::payload_too_large,
                                 Error::too_many_requests, Error::protocol_violation, Error::storage_unavailable,
                                 Error::outbox_full,       Error::outcome_unknown};

TEST(Error, BecomesAnErrorCodeOfTheCategoryRestante) {
  const std::error_code code = Error::disconnected;
  EXPECT_TRUE(code);
  EXPECT_STREQ(code.category().name(), "restante");
  EXPECT_EQ(code, Error::disconnected);
  EXPECT_NE(code, Error::not_connected);
}

TEST(Error, IsNeverZeroWhichWouldMeanSuccess) {
  for (const Error error : every_error) {
    EXPECT_TRUE(make_error_code(error));
  }
}

TEST(Error, HasAMessageOfItsOwnForEach) {
  std::set<std::string> messages;
  for (const Error error : every_error) {
    const std::string message = make_error_code(error).message();
    EXPECT_NE(message, "unknown error");
    EXPECT_TRUE(messages.insert(message).second) << message;
  }
}

TEST(Error, OfAnUnknownNumberSaysSo) {
  EXPECT_EQ((std::error_code{12345, error_category()}.message()), "unknown error");
}

TEST(Error, HasOneCategory) {
  EXPECT_EQ(&error_category(), &error_category());
}

}  // namespace
}  // namespace restante
