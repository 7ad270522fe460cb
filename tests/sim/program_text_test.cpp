// sim/program/text.hpp
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "text.hpp"

namespace {

using namespace restante_sim;
using namespace std::chrono_literals;

TEST(DurationText, SaysTheSameAsTheDuration) {
  EXPECT_EQ(to_text(0s), "0s");
  EXPECT_EQ(to_text(250ms), "250ms");
  EXPECT_EQ(to_text(90s), "1m30s");
  EXPECT_EQ(to_text(1h + 1ns), "1h1ns");
  for (const restante::Duration duration : {restante::Duration{0}, restante::Duration{1}, restante::Duration{1'234'567},
                                            restante::Duration{1h}, restante::Duration::max()}) {
    EXPECT_EQ(duration_from(to_text(duration)), duration) << to_text(duration);
  }
}

TEST(DurationText, MayUseLargeNumbersOfSmallUnits) {
  EXPECT_EQ(duration_from("90000ms"), 90s);
}

TEST(DurationText, IsRefusedWhereItIsNotClear) {
  for (const char* const text : {"", "5", "s", "5 s", "-5s", "1.5s", "5sec", "5s5s", "5ms5s", "s5", "5S",
                                 "99999999999999999999ns", "9999999999h", "5s ", "1m-5s"}) {
    EXPECT_EQ(duration_from(text), std::nullopt) << text;
  }
}

TEST(ShareText, SaysTheSameAsTheShare) {
  EXPECT_EQ(share_text(20'000), "2%");
  EXPECT_EQ(share_text(5'000), "0.5%");
  EXPECT_EQ(share_text(1), "0.0001%");
  EXPECT_EQ(share_text(1'000'000), "100%");
  for (const std::uint32_t share : {0U, 1U, 10U, 123'456U, 999'999U, 1'000'000U}) {
    EXPECT_EQ(share_from(share_text(share)), share) << share_text(share);
  }
}

TEST(ShareText, IsRefusedWhereItIsNoShare) {
  for (const char* const text : {"", "%", "2", "101%", "100.0001%", "-1%", "1.%", "1.23456%", "1.x%", ".5%"}) {
    EXPECT_EQ(share_from(text), std::nullopt) << text;
  }
}

TEST(RoundedDuration, HasAboutThreeDigits) {
  EXPECT_EQ(rounded(0s), "0 s");
  EXPECT_EQ(rounded(1234ms), "1.23 s");
  EXPECT_EQ(rounded(90s), "1.5 m");
  EXPECT_EQ(rounded(2h), "120 m");
  EXPECT_EQ(rounded(15us), "15 us");
}

TEST(NumbersInText, HaveCommasAndWordsInTheRightNumber) {
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(counted(1, "client"), "1 client");
  EXPECT_EQ(counted(0, "client"), "0 clients");
}

TEST(HexadecimalText, HasTwoDigitsForEachByte) {
  EXPECT_EQ(hex(std::vector<std::uint8_t>{0, 15, 255}), "000fff");
  EXPECT_EQ(hex(std::uint64_t{0x123456789abcdef}), "0123456789abcdef");
}

TEST(JsonText, EscapesWhatJsonDoesNotAllow) {
  EXPECT_EQ(json_text("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
}

TEST(ShellText, IsQuotedOnlyWhereItHasToBe) {
  EXPECT_EQ(shell_text("some/file-1.toml"), "some/file-1.toml");
  EXPECT_EQ(shell_text("two words"), "'two words'");
  EXPECT_EQ(shell_text("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_text(""), "''");
}

}  // namespace
