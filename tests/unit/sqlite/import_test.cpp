#include <restante/sqlite/import.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <restante/sqlite/file.hpp>

#include "changes.hpp"
#include "support.hpp"

namespace restante {
namespace {

using namespace test;

class SqliteImportTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_ / "mail.sqlite"; }
  std::filesystem::path copy() const { return folder_ / "copy.sqlite"; }
  static std::error_code error_of(const std::filesystem::path& path) {
    return detail::error_of([&] { SqliteImport{{path}}; });
  }

  TemporaryFolder folder_;
};

using Sentences = std::vector<std::string>;

TEST_F(SqliteImportTest, MakesAnEqualStore) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::filesystem::remove(path());
    std::filesystem::remove(copy());
    KeptMail expected;
    {
      StoreUnderTest store{path()};
      SomeChanges{seed}.make(store, 400);
      ASSERT_EQ(store.commit(), std::error_code{});
      expected = store.expected.kept;
    }
    {
      SqliteImport import{{copy()}};
      SqliteFile{{path()}}.read(import);
      ASSERT_EQ(import.commit(), Sentences{}) << "seed " << seed;
    }
    EXPECT_EQ((StoreUnderTest{copy()}.expected.kept), expected) << "seed " << seed;
    EXPECT_EQ(SqliteFile{{copy()}}.check(), Sentences{});
  }
}

TEST_F(SqliteImportTest, PutsNothingThereWhenItIsNotFinished) {
  {
    SqliteImport import{{path()}};
    import.address({ada, as_bytes("ada"), 1}, true);
  }
  EXPECT_FALSE(std::filesystem::exists(path())) << "a server would take it for a store without mail";
  EXPECT_FALSE(std::filesystem::exists(path().string() + "-wal"));
  { const StoreUnderTest store{path()}; }
  {
    SqliteImport import{{path()}};
    import.address({ada, as_bytes("ada"), 1}, true);
  }
  EXPECT_EQ(SqliteFile{{path()}}.statistics().mailboxes, 0U);
  EXPECT_EQ(error_of(path()), std::error_code{}) << "it is as empty as before";
}

TEST_F(SqliteImportTest, PutsNothingThereWhenItDoesNotFitTogether) {
  {
    SqliteImport import{{path()}};
    import.address({ada, as_bytes("ada"), 1}, true);
    import.sequence(ada, 3, MessageState::waiting);
    EXPECT_EQ(import.commit(), Sentences{"number 3 of ada: its message is missing"});
  }
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(SqliteImportTest, RefusesNumbersThatDoNotRise) {
  SqliteImport import{{path()}};
  import.address({ada, as_bytes("ada"), 1}, true);
  import.sequence(ada, 10, MessageState::acknowledged);
  EXPECT_THROW(import.sequence(ada, 9, MessageState::acknowledged), std::system_error);
}

TEST_F(SqliteImportTest, RefusesAnAddressThatIsThereTwice) {
  SqliteImport import{{path()}};
  import.address({ada, as_bytes("ada"), 1}, true);
  EXPECT_THROW(import.address({bob, as_bytes("ada"), 2}, true), std::system_error);
}

TEST_F(SqliteImportTest, FillsOnlyWhatIsEmptyAndFree) {
  {
    StoreUnderTest store{path()};
    EXPECT_EQ(error_of(path()), SqliteError::in_use);
    store.record(MessageStored{Address{1}, 0, Address{2}, {}, 0, 0, 0});
    ASSERT_EQ(store.commit(), std::error_code{});
  }
  EXPECT_EQ(error_of(path()), SqliteError::not_empty);
  EXPECT_EQ(SqliteFile{{path()}}.statistics().messages, 1U);
  std::ofstream{copy()} << std::string(5'000, 'x');
  EXPECT_TRUE(is_unusable(error_of(copy())));
  EXPECT_FALSE(std::filesystem::exists(copy().string() + "-lock"));
}

}  // namespace
}  // namespace restante
