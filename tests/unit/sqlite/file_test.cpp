#include <restante/sqlite/file.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include <restante/sqlite/editor.hpp>
#include <restante/sqlite/import.hpp>

#include "changes.hpp"
#include "support.hpp"

namespace restante {
namespace {

using namespace test;
using testing::Test;

class SqliteFileTest : public Test {
 protected:
  std::filesystem::path path() const { return folder_ / "mail.sqlite"; }
  std::filesystem::path copy() const { return folder_ / "copy.sqlite"; }

  static std::string contents(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  static void write(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream{path, std::ios::binary} << bytes;
  }

  /// Ada and bob, who have sent each other numbered messages, and a room with both.
  static void fill(StoreUnderTest& store) {
    store.record(AddressAdded{ada, as_bytes("ada"), 1});
    store.record(AddressOpened{ada});
    store.record(AddressAdded{bob, as_bytes("bob"), 2});
    store.record(AddressAdded{lobby, as_bytes("#lobby"), 3});
    store.record(MemberJoined{lobby, ada, 0});
    store.record(MemberJoined{lobby, bob, 0});
    for (Offset offset = 0; offset < 4; ++offset) {
      store.record(MessageStored{bob, offset, ada, as_bytes("hello"), offset + 1, 1'000 + offset, 0});
    }
    store.record(MessageStored{lobby, 0, bob, as_bytes("hi"), 1, 2'000, 0});
    store.record(MessageStored{Address{7}, 0, Address{9}, as_bytes("classic"), 0, 500, 0});
    store.record(MessagesDelivered{bob, 1});
    store.record(MessagesAcknowledged{bob, 0});
    store.record(MemberDelivered{lobby, ada, 0});
    EXPECT_EQ(store.commit(), std::error_code{});
  }

  void make_filled() const {
    StoreUnderTest store{path()};
    fill(store);
  }

  /// What is wrong after somebody did this to a file that was right.
  std::vector<std::string> faults_after(const char* sql) const {
    make_filled();
    detail::Database{path().string(), nullptr}.run(sql);
    std::vector<std::string> faults = SqliteFile{{path()}}.check();
    std::filesystem::remove(path());
    return faults;
  }

  static std::error_code error_of(const std::filesystem::path& path) {
    return detail::error_of([&] { SqliteFile{{path}}; });
  }

  static KeptMail kept_in(const std::filesystem::path& path) {
    KeptMailLoader loader;
    SqliteFile{{path}}.read(loader);
    return std::move(loader.kept);
  }

  static bool back_up(SqliteFile& file, const std::filesystem::path& copy, bool replaces = false) {
    return file.back_up(copy, replaces, [](int, int) { return true; });
  }

  TemporaryFolder folder_;
};

using Sentences = std::vector<std::string>;

TEST_F(SqliteFileTest, FindsNothingWrongWithWhateverChangesWereMade) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::filesystem::remove(path());
    StoreUnderTest store{path()};
    SomeChanges changes{seed};
    for (int turn = 0; turn < 10; ++turn) {
      changes.make(store, 60);
      ASSERT_EQ(store.commit(), std::error_code{});
      ASSERT_EQ(SqliteFile{{path()}}.check(), Sentences{}) << "seed " << seed << ", turn " << turn;
    }
    EXPECT_EQ(kept_in(path()), store.expected.kept);
  }
}

TEST_F(SqliteFileTest, TellsWhatDoesNotFitTogether) {
  const struct {
    const char* sql;
    Sentences faults;
  } cases[] = {
      {"DELETE FROM messages WHERE \"offset\" = 2", {"number 3 of ada: its message is missing"}},
      {"UPDATE messages SET sequence = 4 WHERE sequence = 3",
       {"message 3 of bob: number 4 of ada is that of another message, too",
        "number 3 of ada: its message is missing"}},
      {"UPDATE messages SET sequence = 9 WHERE sequence = 4",
       {"message 3 of bob: number 9 of ada was never accepted", "number 4 of ada: its message is missing"}},
      {"UPDATE messages SET sequence = 1 WHERE sequence = 2",
       {"message 1 of bob: number 1 of ada has another state than the message",
        "number 2 of ada: its message is missing"}},
      {"DELETE FROM windows WHERE sender = 257", {"message 0 of #lobby: number 1 of bob was never accepted"}},
      {"UPDATE mailboxes SET delivered_end = 0 WHERE address = 257",
       {"message 1 of bob: number 2 of ada has another state than the message"}},
      {"UPDATE mailboxes SET delivered_end = 9 WHERE address = 7", {"7: delivered_end is above next_offset"}},
      {"UPDATE mailboxes SET next_offset = 3 WHERE address = 257",
       {"messages 4: its offset is not below next_offset of its mailbox", "number 4 of ada: its message is missing"}},
      {"UPDATE members SET cursor = 2 WHERE member = 256", {"ada in #lobby: acknowledged what was not delivered"}},
      {"UPDATE members SET delivered_end = 2 WHERE member = 256",
       {"ada in #lobby: delivered_end is above next_offset of the room"}},
      {"UPDATE members SET room = 256 WHERE member = 257", {"members 2: there is no such room"}},
      {"UPDATE members SET member = 999 WHERE member = 257", {"members 2: there is no such member"}},
      {"UPDATE addresses SET name = 'a' || char(10) WHERE number = 258",
       {"addresses 258: the name cannot be that of this address", "members 1: there is no such room",
        "members 2: there is no such room", "mailboxes 258: there is no such address",
        "messages 5: there is no such receiver", "number 1 of bob: its message is missing"}},
      {"UPDATE addresses SET epoch = 0 WHERE number = 258",
       {"addresses 258: the epoch is 0", "members 1: there is no such room", "members 2: there is no such room",
        "mailboxes 258: there is no such address", "messages 5: there is no such receiver",
        "number 1 of bob: its message is missing"}},
      {"UPDATE windows SET states = zeroblob(9) WHERE sender = 257",
       {"windows 257: it has not 256 states", "message 0 of #lobby: number 1 of bob was never accepted"}},
      {"UPDATE windows SET highest = 0 WHERE sender = 257",
       {"windows 257: the highest number cannot be", "message 0 of #lobby: number 1 of bob was never accepted"}},
      {"UPDATE windows SET highest = 2 WHERE sender = 257",
       {"windows 257: the highest number was not accepted", "message 0 of #lobby: number 1 of bob was never accepted"}},
      {"UPDATE messages SET sender = 258 WHERE receiver = 7", {"messages 6: there is no such sender"}},
      {"UPDATE messages SET sender = 256 WHERE receiver = 7", {"messages 6: no classic client could be shown this"}},
      {"UPDATE messages SET \"offset\" = 1 WHERE \"offset\" = 2",
       {"messages 3: its offset is not above the one before it", "number 3 of ada: its message is missing"}},
      {"DELETE FROM store", {"store has not one row"}},
      {"DROP TABLE members", {"members is missing", "members_of is missing", "sqlite_autoindex_members_1 is missing"}},
      {"ALTER TABLE store ADD COLUMN colour TEXT", {"store is not what this version makes it"}},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(faults_after(one.sql), one.faults) << one.sql;
  }
}

TEST_F(SqliteFileTest, TellsOfPagesThatAreDamaged) {
  make_filled();
  std::string bytes = contents(path());
  std::fill(bytes.begin() + 4096, bytes.end(), '\x7f');
  write(path(), bytes);
  EXPECT_NE(SqliteFile{{path()}}.check(), Sentences{});
  EXPECT_EQ(contents(path()), bytes) << "the file was changed";
}

TEST_F(SqliteFileTest, TellsOfNoMoreThanAnybodyReads) {
  {
    StoreUnderTest store{path()};
    for (Offset offset = 0; offset < 500; ++offset) {
      store.record(MessageStored{Address{1}, offset, Address{2}, {}, 0, 0, 0});
    }
    ASSERT_EQ(store.commit(), std::error_code{});
  }
  detail::Database{path().string(), nullptr}.run("UPDATE messages SET sender = 999");
  const Sentences faults = SqliteFile{{path()}}.check();
  ASSERT_EQ(faults.size(), detail::Faults::count_max + 1);
  EXPECT_EQ(faults.back(), "and more");
}

TEST_F(SqliteFileTest, CountsWhatIsInIt) {
  make_filled();
  const SqliteStatistics statistics = SqliteFile{{path()}}.statistics();
  EXPECT_EQ(statistics.mailboxes, 3U) << "ada, bob and 7";
  EXPECT_EQ(statistics.rooms, 1U);
  EXPECT_EQ(statistics.members, 2U);
  EXPECT_EQ(statistics.messages, 5U);
  EXPECT_EQ(statistics.payload_bytes, 3 * 5 + 2 + 7U);
  EXPECT_EQ(statistics.oldest_ms, 500U);
  EXPECT_EQ(statistics.file_bytes, std::filesystem::file_size(path()));
  EXPECT_EQ(statistics.log_bytes, 0U);
  EXPECT_EQ(statistics.version, 1);
  EXPECT_EQ(statistics.loads, 1U);
}

TEST_F(SqliteFileTest, CountsTheMessagesThatAreMeant) {
  {
    StoreUnderTest store{path()};
    fill(store);
    store.record(MessageStored{bob, 4, ada, {}, 0, 3'000, 4'000});
    store.record(MessageStored{ada, 0, bob, {}, 0, 3'000, 5'000});
    ASSERT_EQ(store.commit(), std::error_code{});
  }
  SqliteFile file{{path()}};
  EXPECT_EQ(file.count({}), 7U);
  EXPECT_EQ(file.count({.name = "bob"}), 4U);
  EXPECT_EQ(file.count({.name = "#lobby"}), 1U);
  EXPECT_EQ(file.count({.name = "7"}), 1U);
  EXPECT_EQ(file.count({.name = "8"}), 0U);
  EXPECT_EQ(file.count({.name = "eve"}), std::nullopt);
  EXPECT_EQ(file.count({.expired_by_ms = 4'000}), 1U);
  EXPECT_EQ(file.count({.expired_by_ms = 5'000}), 2U);
  EXPECT_EQ(file.count({.name = "ada", .expired_by_ms = 5'000}), 1U);
}

TEST_F(SqliteFileTest, IsASnapshotBesideAStoreThatGoesOn) {
  StoreUnderTest store{path()};
  fill(store);
  SqliteFile file{{path()}};
  store.record(MessageStored{bob, 4, ada, as_bytes("later"), 5, 0, 0});
  ASSERT_EQ(store.commit(), std::error_code{});
  EXPECT_EQ(file.statistics().messages, 5U);
  EXPECT_EQ(SqliteFile{{path()}}.statistics().messages, 6U);
  EXPECT_EQ(file.check(), Sentences{});
  store.record(MessagesAcknowledged{bob, 4});
  ASSERT_EQ(store.commit(), std::error_code{}) << "a reader is no reason for a store to fail";
  EXPECT_EQ(store.reload(), store.expected.kept);
}

TEST_F(SqliteFileTest, LeavesTheFileAndTheLogOfAServerThatWasKilledAsTheyAre) {
  {
    StoreUnderTest store{path()};
    fill(store);
    std::filesystem::copy(path(), copy());
    std::filesystem::copy(path().string() + "-wal", copy().string() + "-wal");
  }
  const std::string file_before = contents(copy());
  const std::string log_before = contents(copy().string() + "-wal");
  ASSERT_NE(log_before, "");
  {
    SqliteFile file{{copy()}};
    EXPECT_EQ(file.check(), Sentences{});
    EXPECT_EQ(file.statistics().messages, 5U);
    EXPECT_EQ(file.statistics().log_bytes, log_before.size());
  }
  EXPECT_EQ(contents(copy()), file_before);
  EXPECT_EQ(contents(copy().string() + "-wal"), log_before);
}

TEST_F(SqliteFileTest, LeavesNothingBesideAFileThatNobodyUses) {
  make_filled();
  SqliteFile{{path()}}.check();
  EXPECT_FALSE(std::filesystem::exists(path().string() + "-wal"));
  EXPECT_FALSE(std::filesystem::exists(path().string() + "-shm"));
}

TEST_F(SqliteFileTest, IsNoFileOfAnotherProgram) {
  EXPECT_EQ(error_of(path()), std::errc::no_such_file_or_directory);
  EXPECT_FALSE(std::filesystem::exists(path()));
  write(path(), "");
  EXPECT_EQ(error_of(path()), SqliteError::empty);
  write(path(), std::string(5'000, 'x'));
  EXPECT_TRUE(is_unusable(error_of(path())));
  EXPECT_EQ(contents(path()), std::string(5'000, 'x'));
  std::filesystem::remove(path());
  // With a journal that SQLite would play back into it.
  detail::Database other{path().string(), nullptr};
  other.run(
      "PRAGMA journal_mode = PERSIST; CREATE TABLE photographs(id INTEGER PRIMARY KEY); BEGIN IMMEDIATE;"
      "INSERT INTO photographs VALUES(1); PRAGMA cache_spill = 0");
  const std::string before = contents(path());
  EXPECT_EQ(error_of(path()), SqliteError::foreign_file);
  EXPECT_EQ(contents(path()), before);
  EXPECT_EQ(error_of(folder_.path()), std::errc::is_a_directory);
}

TEST_F(SqliteFileTest, OfALaterVersionIsNotRead) {
  make_filled();
  detail::Database{path().string(), nullptr}.run("PRAGMA user_version = 99");
  EXPECT_EQ(error_of(path()), SqliteError::newer_version);
}

TEST_F(SqliteFileTest, IsCopiedWhileAStoreWrites) {
  StoreUnderTest store{path()};
  fill(store);
  Offset offset = 4;
  const auto push_many = [&] {
    const std::string payload(60'000, 'x');
    for (const Offset end = offset + 100; offset < end; ++offset) {
      store.record(MessageStored{bob, offset, ada, as_bytes(payload), offset + 1, 0, 0});
    }
    EXPECT_EQ(store.commit(), std::error_code{});
  };
  push_many();
  const KeptMail before = store.expected.kept;
  SqliteFile file{{path()}};
  int steps = 0;
  EXPECT_TRUE(file.back_up(copy(), false, [&](int pages, int of_pages) {
    EXPECT_LE(pages, of_pages);
    EXPECT_FALSE(std::filesystem::exists(copy())) << "it is not whole yet";
    // Without a snapshot, each change would have it begin anew.
    if (++steps <= 3) {
      push_many();
    }
    return true;
  }));
  EXPECT_GE(steps, 1);
  EXPECT_EQ(kept_in(copy()), before);
  EXPECT_EQ(SqliteFile{{copy()}}.check(), Sentences{});
  EXPECT_FALSE(std::filesystem::exists(copy().string() + ".part"));
  struct ::stat status {};
  ASSERT_EQ(::stat(copy().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(store.reload(), store.expected.kept);
  EXPECT_EQ((StoreUnderTest{copy()}.expected.kept), before) << "a server can start from it";
}

TEST_F(SqliteFileTest, IsCopiedOverNothingUnlessThatIsWanted) {
  make_filled();
  SqliteFile file{{path()}};
  const auto refusal = [&](bool replaces) { return detail::error_of([&] { back_up(file, copy(), replaces); }); };
  write(copy(), "letters");
  EXPECT_EQ(refusal(false), std::errc::file_exists);
  EXPECT_EQ(contents(copy()), "letters");
  EXPECT_EQ(refusal(true), std::error_code{});
  EXPECT_EQ(kept_in(copy()), kept_in(path()));
  {
    StoreUnderTest other{copy()};
    EXPECT_EQ(refusal(true), std::errc::file_exists) << "its log would be taken for that of the copy";
  }
  {
    const detail::FileLock other{copy().string()};
    EXPECT_EQ(refusal(true), SqliteError::in_use);
  }
  EXPECT_EQ(detail::error_of([&] { back_up(file, path(), true); }), std::errc::file_exists) << "itself";
  std::filesystem::remove(copy());
  write(copy().string() + "-wal", "a log");
  EXPECT_EQ(refusal(false), std::errc::file_exists);
  EXPECT_EQ(detail::error_of([&] { back_up(file, folder_ / "none" / "copy"); }), std::errc::no_such_file_or_directory);
}

// It would look like a backup.
TEST_F(SqliteFileTest, IsNotCopiedWhenItIsDamaged) {
  make_filled();
  SqliteFile{{path()}}.back_up(copy(), false, [](int, int) { return true; });
  const std::string good = contents(copy());
  std::string bytes = contents(path());
  std::fill(bytes.begin() + 4096, bytes.begin() + 12'288, '\x7f');
  write(path(), bytes);
  SqliteFile file{{path()}};
  EXPECT_TRUE(is_unusable(detail::error_of([&] { back_up(file, copy(), true); })));
  EXPECT_EQ(contents(copy()), good);
  EXPECT_FALSE(std::filesystem::exists(copy().string() + ".part"));
}

TEST_F(SqliteFileTest, IsCopiedOverAnUnfinishedCopyAndNoOtherFile) {
  make_filled();
  SqliteFile file{{path()}};
  const std::filesystem::path part = copy().string() + ".part";
  write(part, "letters");
  std::filesystem::permissions(part, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(detail::error_of([&] { back_up(file, copy()); }), std::errc::file_exists);
  EXPECT_EQ(contents(part), "letters");
  write(part, contents(path()).substr(0, 10'000));
  EXPECT_EQ(detail::error_of([&] { back_up(file, copy()); }), std::error_code{});
  EXPECT_EQ(kept_in(copy()), kept_in(path()));
}

// POSIX ends all locks of a program on a file when it closes the file, whoever opened it. SQLite takes care of that,
// and who opens the file without SQLite does not: other programs would then take it for free.
TEST_F(SqliteFileTest, LeavesTheLocksOfAStoreInTheSameProgram) {
  make_filled();
  const auto is_locked = [this] {
    const ::pid_t child = ::fork();
    if (child == 0) {
      const int descriptor = ::open(path().c_str(), O_RDWR | O_CLOEXEC);
      // SQLite's SHARED lock.
      struct ::flock lock {};
      lock.l_type = F_WRLCK;
      lock.l_start = 0x4000'0002;
      lock.l_len = 510;
      ::_exit(descriptor >= 0 && ::fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 1 : 0);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 1;
  };
  EXPECT_FALSE(is_locked());
  const StoreUnderTest store{path()};
  EXPECT_TRUE(is_locked());
  SqliteFile{{path()}}.back_up(copy(), false, [](int, int) { return true; });
  EXPECT_TRUE(is_locked());
  EXPECT_EQ(detail::error_of([&] { SqliteEditor{{path()}}; }), SqliteError::in_use);
  EXPECT_TRUE(is_locked());
  EXPECT_EQ(detail::error_of([&] { SqliteImport{{path()}}; }), SqliteError::in_use);
  EXPECT_TRUE(is_locked());
}

TEST_F(SqliteFileTest, IsFoundThroughALink) {
  {
    StoreUnderTest store{path()};
    store.record(MessageStored{Address{1}, 0, Address{2}, as_bytes("hi"), 0, 0, 0});
    ASSERT_EQ(store.commit(), std::error_code{});
    std::filesystem::create_directory(folder_ / "elsewhere");
    std::filesystem::create_symlink(path(), folder_ / "elsewhere" / "link");
    std::filesystem::copy_file(path(), folder_ / "killed");
    std::filesystem::copy_file(path().string() + "-wal", (folder_ / "killed").string() + "-wal");
    EXPECT_EQ(detail::error_of([&] { SqliteStore{{folder_ / "elsewhere" / "link"}}; }), SqliteError::in_use);
  }
  const std::filesystem::path link = folder_ / "elsewhere" / "killed";
  std::filesystem::create_symlink(folder_ / "killed", link);
  const std::string before = contents(folder_ / "killed");
  EXPECT_GT(SqliteFile{{link}}.statistics().log_bytes, 0U);
  EXPECT_EQ(contents(folder_ / "killed"), before);
  EXPECT_TRUE(std::filesystem::exists((folder_ / "killed").string() + "-wal"));
}

TEST_F(SqliteFileTest, IsNotCopiedWhenThatIsGivenUp) {
  make_filled();
  {
    StoreUnderTest store{path()};
    const std::string payload(60'000, 'x');
    for (Offset offset = 4; offset < 104; ++offset) {
      store.record(MessageStored{bob, offset, ada, as_bytes(payload), 0, 0, 0});
    }
    ASSERT_EQ(store.commit(), std::error_code{});
  }
  EXPECT_FALSE((SqliteFile{{path()}}.back_up(copy(), false, [](int, int) { return false; })));
  EXPECT_FALSE(std::filesystem::exists(copy()));
  EXPECT_FALSE(std::filesystem::exists(copy().string() + ".part"));
}

}  // namespace
}  // namespace restante
