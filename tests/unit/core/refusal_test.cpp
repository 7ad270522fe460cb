#include <restante/core/refusal.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

namespace restante {
namespace {

static_assert(static_cast<int>(Refusal::malformed) == 1 && static_cast<int>(Refusal::going_away) == 21);

// The table of rule 11 is the source: "| 14 | mailbox_full | too many messages or bytes |".
TEST(Refusal, HasTheNumbersAndNamesOfTheProtocol) {
  std::ifstream page{RESTANTE_PROTOCOL_PAGE};
  ASSERT_TRUE(page) << RESTANTE_PROTOCOL_PAGE;
  std::string line;
  while (std::getline(page, line) && line != "| reason | name | when |") {
  }
  std::getline(page, line);
  std::set<std::string> names;
  while (std::getline(page, line) && line.starts_with("| ")) {
    const std::size_t begin = line.find(" | ") + 3;
    const std::string name = line.substr(begin, line.find(" | ", begin) - begin);
    EXPECT_EQ(name_of(static_cast<Refusal>(std::stoi(line.substr(2)))), name);
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 21U);
}

TEST(Refusal, IsCalledUnknownWhereItIsNotListed) {
  for (const int number : {0, 22, 23, 128, 255}) {
    EXPECT_EQ(name_of(static_cast<Refusal>(number)), "unknown");
  }
}

}  // namespace
}  // namespace restante
