#include <restante/authentication/password_file.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support.hpp"

namespace restante {
namespace {

using test::cheap;
using test::cheap_limits;
using test::Folder;

std::string why(const std::string& text, const PasswordCostLimits& limits = cheap_limits) {
  try {
    PasswordFile::parse(text, "passwords", limits);
    return "it was read";
  } catch (const AuthenticationError& error) {
    return error.what();
  }
}

TEST(PasswordFile, HasAnAddressATabAndAHashInEachLine) {
  const std::string hash = hash_of_nothing(cheap);
  const auto file = PasswordFile::parse("# for people\n\nada\t" + hash + "\nb:o b\t" + hash, "passwords", cheap_limits);
  EXPECT_EQ(file.addresses(), (std::vector<std::string>{"ada", "b:o b"}));
  ASSERT_NE(file.find("b:o b"), nullptr);
  EXPECT_EQ(*file.find("b:o b"), hash);
  EXPECT_EQ(file.find("eve"), nullptr);
  EXPECT_EQ(file.highest_cost(), cheap);
  EXPECT_EQ(PasswordFile{}.highest_cost(), std::nullopt);
}

TEST(PasswordFile, NamesTheLineThatIsWrongAndNotTheHash) {
  const std::string hash = hash_of_nothing(cheap);
  const std::string good = "ada\t" + hash + "\n";
  const std::pair<std::string, std::string> cases[] = {
      {good + "bob", "passwords:2: a line is"},
      {good + "bob " + hash, "passwords:2: a line is"},
      {good + "\t" + hash, "passwords:2: before the tab stands no address"},
      {good + std::string(65, 'b') + "\t" + hash, "passwords:2: before the tab stands no address"},
      {good + "b\x01\t" + hash, "passwords:2: before the tab stands no address"},
      {good + "bob\thunter2", "passwords:2: behind the tab stands no hash"},
      {good + "bob\t" + hash + "\r", "passwords:2: behind the tab stands no hash"},
      {good + good, "passwords:2: the address stands on an earlier line"},
      {good + "bob\t" + hash_of_nothing({.memory_bytes = 4096, .passes = 1}), "passwords:2: the hash is too easy"},
      {good + "bob\t" + hash_of_nothing({.memory_bytes = std::size_t{1} << 30U, .passes = 1}), "costs too much"},
      {good + "bob\t" + hash_of_nothing({.memory_bytes = 8192, .passes = 17}), "costs too much"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(why(text), ::testing::HasSubstr(expected));
    EXPECT_THAT(why(text), ::testing::Not(::testing::HasSubstr("hunter2")));
  }
  EXPECT_THAT(why(good, {}), ::testing::HasSubstr("must take 65536 KiB and 2 passes at least"));
}

TEST(PasswordFile, KeepsWhatIsForPeopleWhereItIsChanged) {
  const std::string hash = hash_of_nothing(cheap);
  const std::string other = hash_of_nothing(cheap);
  auto file = PasswordFile::parse("# staff\nada\t" + hash + "\n\n# guests\nadam\t" + hash, "passwords", cheap_limits);
  file.set("ada", other);
  file.set("bob", hash);
  EXPECT_EQ(file.text(), "# staff\nada\t" + other + "\n\n# guests\nadam\t" + hash + "\nbob\t" + hash + "\n");
  EXPECT_EQ(*file.find("ada"), other);
  EXPECT_TRUE(file.remove("ada"));
  EXPECT_FALSE(file.remove("ada"));
  EXPECT_EQ(file.text(), "# staff\n\n# guests\nadam\t" + hash + "\nbob\t" + hash + "\n");
}

TEST(PasswordFile, WarnsWhereOthersMayReadIt) {
  const Folder folder;
  EXPECT_EQ(PasswordFile::read(folder.write("own", "")).warning(), "");
  EXPECT_THAT(PasswordFile::read(folder.write("open", "", 0644)).warning(), ::testing::HasSubstr("chmod 600"));
  EXPECT_THROW(PasswordFile::read(folder / "none"), AuthenticationError);
}

TEST(PasswordFile, HasAddressesThatCanLogIn) {
  EXPECT_TRUE(may_log_in("ada"));
  EXPECT_TRUE(may_log_in("7"));
  EXPECT_TRUE(may_log_in(std::string(64, 'a')));
  EXPECT_TRUE(may_log_in("\xc3\xa4"));
  for (const std::string& wrong : {std::string{}, std::string(65, 'a'), std::string{"#room"}, std::string{"a\tb"},
                                   std::string{"a\nb"}, std::string{"a\x7f"}, std::string{"a\0b", 3}}) {
    EXPECT_FALSE(may_log_in(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace restante
