#include <restante/sqlite/detail/schema.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "support.hpp"

namespace restante::detail {
namespace {

class SqliteSchema : public ::testing::Test {
 protected:
  std::string path() const { return (folder_ / "mail.sqlite").string(); }

  std::string contents() const {
    std::ifstream file{path(), std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  void write(const std::string& bytes) const { std::ofstream{path(), std::ios::binary} << bytes; }

  /// Why the file cannot be opened; it must stay as it was.
  std::error_code refusal() const {
    const std::string before = contents();
    std::error_code code;
    try {
      open_database(path(), nullptr, true);
    } catch (const std::system_error& error) {
      code = error.code();
    }
    EXPECT_EQ(contents(), before) << "the file was changed";
    return code;
  }

  test::TemporaryFolder folder_;
};

TEST_F(SqliteSchema, IsMadeInANewFile) {
  Database database = open_database(path(), nullptr, true);
  EXPECT_EQ(database.number("PRAGMA application_id"), sqlite_application_id);
  EXPECT_EQ(database.number("PRAGMA user_version"), static_cast<std::int64_t>(std::size(sqlite_migrations)));
  EXPECT_EQ(database.number("PRAGMA synchronous"), 3) << "EXTRA";
}

TEST_F(SqliteSchema, GoesFromVersionToVersion) {
  constexpr std::array first{sqlite_migrations[0]};
  constexpr std::array all{sqlite_migrations[0], "ALTER TABLE store ADD COLUMN colour TEXT;",
                           "UPDATE store SET colour = 'green' WHERE loads = 7;"};
  open_database(path(), nullptr, true, first).run("UPDATE store SET loads = 7");
  Database database = open_database(path(), nullptr, true, all);
  EXPECT_EQ(database.number("PRAGMA user_version"), 3);
  EXPECT_EQ(database.number("SELECT count(*) FROM store WHERE colour = 'green'"), 1);
}

TEST_F(SqliteSchema, StaysAtTheVersionBeforeAStepThatFails) {
  constexpr std::array first{sqlite_migrations[0]};
  constexpr std::array broken{sqlite_migrations[0], "UPDATE store SET loads = 8; SELECT nonsense;"};
  open_database(path(), nullptr, true, first);
  EXPECT_THROW(open_database(path(), nullptr, true, broken), std::system_error);
  Database database = open_database(path(), nullptr, true, first);
  EXPECT_EQ(database.number("SELECT loads FROM store"), 0);
}

TEST_F(SqliteSchema, OfALaterVersionIsRefused) {
  open_database(path(), nullptr, true).run("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)");
  EXPECT_EQ(refusal(), SqliteError::newer_version);
}

TEST_F(SqliteSchema, OfAnotherProgramIsRefused) {
  Database{path(), nullptr}.run("CREATE TABLE photographs(id INTEGER PRIMARY KEY)");
  EXPECT_EQ(refusal(), SqliteError::foreign_file);
  Database{path(), nullptr}.run("PRAGMA application_id = 77");
  EXPECT_EQ(refusal(), SqliteError::foreign_file);
}

TEST_F(SqliteSchema, OfAnotherProgramIsRefusedWithItsLogAsItIs) {
  Database other{path(), nullptr};
  other.run("PRAGMA journal_mode = WAL; CREATE TABLE photographs(id INTEGER PRIMARY KEY)");
  std::filesystem::copy(folder_ / "mail.sqlite", folder_ / "copy.sqlite");
  std::filesystem::copy(folder_ / "mail.sqlite-wal", folder_ / "copy.sqlite-wal");
  const auto log_bytes = std::filesystem::file_size(folder_ / "copy.sqlite-wal");
  EXPECT_THROW(open_database((folder_ / "copy.sqlite").string(), nullptr, true), std::system_error);
  EXPECT_EQ(std::filesystem::file_size(folder_ / "copy.sqlite-wal"), log_bytes);
}

TEST_F(SqliteSchema, IsNotMadeInAFileThatIsNoDatabase) {
  write("Dear diary, " + std::string(5'000, 'x'));
  const std::error_code code = refusal();
  EXPECT_EQ(code.value(), SQLITE_NOTADB);
  EXPECT_TRUE(is_unusable(code));
}

TEST_F(SqliteSchema, IsMissedInAFileThatIsDamaged) {
  open_database(path(), nullptr, true).run("PRAGMA wal_checkpoint(TRUNCATE)");
  std::string bytes = contents();
  // The pages behind the first, which has the schema.
  std::fill(bytes.begin() + 4096, bytes.end(), '\x7f');
  write(bytes);
  EXPECT_TRUE(is_unusable(refusal()));
}

}  // namespace
}  // namespace restante::detail
