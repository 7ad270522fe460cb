#include <restante/sqlite/error.hpp>

#include <gtest/gtest.h>

#include <string>
#include <system_error>

namespace restante {
namespace {

TEST(SqliteErrors, SayWhatIsWrongInWords) {
  EXPECT_EQ(make_error_code(SqliteError::in_use).message(), "another server or 'restante store' uses the file");
  EXPECT_EQ((std::error_code{SQLITE_FULL, sqlite_category()}.message()), "database or disk is full (SQLite's code 13)");
  EXPECT_EQ((std::error_code{SQLITE_CORRUPT_INDEX, sqlite_category()}.message()),
            "the file is damaged, and is left as it is: restore a backup (SQLite's code 779)");
  EXPECT_EQ((std::error_code{SQLITE_NOTADB, sqlite_category()}.message()),
            "file is not a database, and is left as it is (SQLite's code 26)");
  EXPECT_STREQ(sqlite_category().name(), "sqlite");
}

TEST(SqliteErrors, TellFilesThatCannotBeUsedFromTroubleThatPasses) {
  for (const SqliteError error : {SqliteError::foreign_file, SqliteError::newer_version, SqliteError::damaged}) {
    EXPECT_TRUE(is_unusable(error));
  }
  for (const int code : {SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CORRUPT_INDEX}) {
    EXPECT_TRUE(is_unusable({code, sqlite_category()}));
  }
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_BUSY, SQLITE_READONLY}) {
    EXPECT_FALSE(is_unusable({code, sqlite_category()}));
  }
  EXPECT_FALSE(is_unusable(SqliteError::in_use));
  EXPECT_FALSE(is_unusable(SqliteError::moved));
  EXPECT_FALSE(is_unusable({SQLITE_CORRUPT, std::generic_category()}));
}

}  // namespace
}  // namespace restante
