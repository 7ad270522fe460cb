// Lets a test expect that an assertion of the library fails, without ending the program.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <restante/assert.hpp>

namespace restante::test {

/// What a failed assertion throws while an AssertionsThrow lives.
struct AssertionFailed {
  std::string condition;
  std::string explanation;
  std::string file;
  unsigned line = 0;
};

/// While it lives, failed assertions throw AssertionFailed.
class AssertionsThrow {
 public:
  AssertionsThrow() : before_{set_assertion_handler(&throw_failure)} {}
  ~AssertionsThrow() { set_assertion_handler(before_); }
  AssertionsThrow(const AssertionsThrow&) = delete;
  AssertionsThrow& operator=(const AssertionsThrow&) = delete;

 private:
  [[noreturn]] static void throw_failure(const char* condition, const char* explanation, const char* file,
                                         unsigned line) {
    throw AssertionFailed{condition, explanation, file, line};
  }

  AssertionHandler before_;
};

/// Whether calling `statement` fails an assertion whose explanation contains `part`.
template <class Statement>
::testing::AssertionResult fails_assertion(Statement&& statement, std::string_view part) {
  const AssertionsThrow assertions_throw;
  try {
    statement();
  } catch (const AssertionFailed& failed) {
    if (failed.explanation.find(part) != std::string::npos) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << "another assertion failed: " << failed.explanation;
  }
  return ::testing::AssertionFailure() << "no assertion failed";
}

}  // namespace restante::test

/// Expects that the statement fails an assertion of the library whose explanation contains `part`.
#define EXPECT_ASSERTION(statement, part) \
  EXPECT_TRUE(::restante::test::fails_assertion([&] { static_cast<void>(statement); }, part))
