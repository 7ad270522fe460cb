#include <restante/sqlite/store.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <restante/sqlite/file.hpp>

#include "changes.hpp"
#include "support.hpp"
#include "support/power_cut_vfs.hpp"

namespace restante {
namespace {

using namespace test;

class SqliteStoreTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_ / "mail.sqlite"; }

  // What another store gives back, once this one has ended.
  KeptMail kept_in_file() const { return StoreUnderTest{path()}.expected.kept; }

  static MessageStored message(Address receiver, Offset offset, Address sender, std::uint64_t sequence = 0) {
    return {.receiver = receiver, .offset = offset, .sender = sender, .payload = as_bytes("hi"), .sequence = sequence};
  }

  static void add_people(StoreUnderTest& store) {
    store.record(AddressAdded{ada, as_bytes("ada"), 0xffff'ffff'ffff'fff1});
    store.record(AddressOpened{ada});
    store.record(AddressAdded{bob, as_bytes("bob"), 2});
    store.record(AddressAdded{lobby, as_bytes("#lobby"), 3});
  }

  TemporaryFolder folder_;
};

TEST_F(SqliteStoreTest, BeginsEmpty) {
  EXPECT_EQ(kept_in_file(), KeptMail{});
}

TEST_F(SqliteStoreTest, MakesFilesThatNobodyElseCanRead) {
  StoreUnderTest store{path()};
  add_people(store);
  EXPECT_EQ(store.commit(), std::error_code{});
  for (const char* const end : {"", "-wal", "-shm", "-lock"}) {
    EXPECT_EQ(std::filesystem::status(path().string() + end).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << end;
  }
}

TEST_F(SqliteStoreTest, LeavesThePermissionsOfAFileAsTheyAre) {
  constexpr auto permissions =
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write | std::filesystem::perms::group_read;
  std::ofstream{path()};
  std::filesystem::permissions(path(), permissions);
  const StoreUnderTest store{path()};
  EXPECT_EQ(std::filesystem::status(path()).permissions(), permissions);
}

TEST_F(SqliteStoreTest, GivesBackEveryKindOfChange) {
  KeptMail expected;
  {
    StoreUnderTest store{path()};
    add_people(store);
    store.record(AddressAdded{Address{7}, as_bytes("7"), 4});
    store.record(MemberJoined{lobby, ada, 0});
    store.record(MemberJoined{lobby, bob, 0});
    for (Offset offset = 0; offset < 5; ++offset) {
      store.record(message(bob, offset, ada, offset + 1));
      store.record(message(lobby, offset, ada, offset + 10));
      store.record(message(Address{7}, offset, Address{9}));
    }
    store.record(
        MessageStored{Address{7}, 1'000'000'000'000, Address{7}, {}, 256, 1'700'000'000'000, 1'800'000'000'000});
    store.record(MessagesDelivered{bob, 3});
    store.record(MessagesAcknowledged{bob, 1});
    store.record(MessageRemoved{bob, 3, MessageState::expired});
    store.record(MessageTaken{Address{7}, 0});
    store.record(MemberDelivered{lobby, ada, 1});
    store.record(MemberDelivered{lobby, ada, 2});
    store.record(MemberDelivered{lobby, bob, 0});
    store.record(MemberAcknowledged{lobby, ada, 0});
    store.record(MessageRemoved{lobby, 0, MessageState::purged});
    EXPECT_EQ(store.commit(), std::error_code{});
    expected = store.expected.kept;
  }
  EXPECT_EQ(kept_in_file(), expected);
  EXPECT_EQ(expected.windows[ada], (std::map<std::uint64_t, MessageState>{{1, MessageState::acknowledged},
                                                                          {2, MessageState::acknowledged},
                                                                          {3, MessageState::fetched},
                                                                          {4, MessageState::expired},
                                                                          {5, MessageState::waiting},
                                                                          {10, MessageState::purged},
                                                                          {11, MessageState::fetched},
                                                                          {12, MessageState::fetched},
                                                                          {13, MessageState::waiting},
                                                                          {14, MessageState::waiting}}));
}

TEST_F(SqliteStoreTest, ForgetsAnAddressWithAllThatIsKnownOfIt) {
  StoreUnderTest store{path()};
  add_people(store);
  store.record(MemberJoined{lobby, ada, 0});
  store.record(message(bob, 0, ada, 1));
  store.record(message(ada, 0, bob, 1));
  store.record(message(ada, 1, ada, 2));
  store.record(MessagesDelivered{ada, 1});
  ASSERT_EQ(store.commit(), std::error_code{});
  store.record(AddressForgotten{ada});
  store.record(AddressAdded{ada, as_bytes("ada"), 9});
  store.record(message(bob, 1, ada, 1));
  ASSERT_EQ(store.commit(), std::error_code{});
  const KeptMail kept = store.reload();
  EXPECT_EQ(kept, store.expected.kept);
  EXPECT_EQ(kept.messages.at(bob)[0].sequence, 0U) << "not to be taken for the one that has this number now";
  EXPECT_EQ(kept.windows.at(bob).at(1), MessageState::purged);
  EXPECT_FALSE(kept.next_offset.contains(ada));
}

TEST_F(SqliteStoreTest, KeepsNoOffsetForTwoMessagesWhenTheLastWasTaken) {
  {
    StoreUnderTest store{path()};
    store.record(message(Address{1}, 41, Address{2}));
    store.record(MessageTaken{Address{1}, 41});
    store.commit();
  }
  EXPECT_EQ(kept_in_file().next_offset.at(Address{1}), 42U);
}

TEST_F(SqliteStoreTest, GivesBackWhateverChangesWereMade) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::filesystem::remove(path());
    KeptMail expected;
    {
      StoreUnderTest store{path()};
      SomeChanges changes{seed};
      for (int turn = 0; turn < 10; ++turn) {
        changes.make(store, 60);
        ASSERT_EQ(store.commit(), std::error_code{});
        if (turn % 4 == 3) {
          expected = store.expected.kept;
          ASSERT_EQ(store.load(), std::error_code{});
          ASSERT_EQ(store.expected.kept, expected) << "seed " << seed << ", turn " << turn;
        }
      }
      expected = store.expected.kept;
    }
    ASSERT_EQ(kept_in_file(), expected) << "seed " << seed;
  }
}

TEST_F(SqliteStoreTest, ForgetsWhatWasNotCommitted) {
  StoreUnderTest store{path()};
  store.record(message(Address{1}, 0, Address{2}));
  store.commit();
  const KeptMail durable = store.expected.kept;
  store.record(message(Address{1}, 1, Address{2}));
  EXPECT_EQ(store.reload(), durable);
  store.expected.kept = durable;
  store.record(message(Address{1}, 7, Address{2}));
  store.commit();
  EXPECT_EQ(store.reload(), store.expected.kept) << "what was forgotten does not come back with the next commit";
}

TEST_F(SqliteStoreTest, WritesWhatCommitWasCalledForBeforeStopReturns) {
  KeptMail expected;
  {
    StoreUnderTest store{path()};
    for (Offset offset = 0; offset < 100; ++offset) {
      store.record(message(Address{1}, offset, Address{2}));
      store.begin_commit();
    }
    expected = store.expected.kept;
    store.store.stop();
    std::optional<Commit> last;
    while (const std::optional<Commit> commit = store.store.completed()) {
      last = commit;
    }
    ASSERT_TRUE(last);
    EXPECT_EQ(last->turn, 100U);
    EXPECT_EQ(last->error, std::error_code{});
  }
  EXPECT_EQ(kept_in_file(), expected);
}

TEST_F(SqliteStoreTest, ReportsTurnsInOrderAndRingsForEach) {
  StoreUnderTest store{path()};
  std::uint64_t told = 0;
  for (Offset offset = 0; offset < 200; ++offset) {
    store.record(message(Address{1}, offset, Address{2}));
    store.begin_commit();
    if (offset % 3 == 0) {
      const Commit commit = store.wait();
      EXPECT_EQ(commit.error, std::error_code{});
      EXPECT_GT(commit.turn, told);
      EXPECT_LE(commit.turn, store.turn);
      told = commit.turn;
    }
  }
  EXPECT_EQ(told == store.turn ? std::error_code{} : store.wait_for_all(), std::error_code{});
  EXPECT_FALSE(store.store.completed());
}

// Who is asked late, as a program is that slept, hears first what can be answered.
TEST_F(SqliteStoreTest, TellsWhatIsDurableBeforeWhatFailed) {
  PowerCutVfs disk;
  StoreUnderTest store{path(), disk.name()};
  store.record(message(Address{1}, 0, Address{2}));
  store.begin_commit();
  store.bell.wait();
  disk.fail_all(SQLITE_IOERR_WRITE);
  store.record(message(Address{1}, 1, Address{2}));
  store.begin_commit();
  store.bell.wait();
  const Commit durable = store.wait();
  EXPECT_EQ(durable.turn, 1U);
  EXPECT_EQ(durable.error, std::error_code{});
  const Commit failed = store.wait();
  EXPECT_EQ(failed.turn, 2U);
  EXPECT_EQ(failed.error.value(), SQLITE_IOERR_WRITE);
  EXPECT_FALSE(store.store.completed());
}

// What comes while a transaction is written is the next one, however many turns it is.
TEST_F(SqliteStoreTest, WritesTurnsThatComeMeanwhileAsOneTransaction) {
  PowerCutVfs disk;
  StoreUnderTest store{path(), disk.name()};
  store.record(message(Address{1}, 0, Address{2}));
  ASSERT_EQ(store.commit(), std::error_code{});
  const std::uint64_t syncs = disk.syncs();
  {
    const PowerCutVfs::Hold hold{disk};
    store.record(message(Address{1}, 1, Address{2}));
    store.begin_commit();
    hold.wait_for_step();
    for (Offset offset = 2; offset < 12; ++offset) {
      store.record(message(Address{1}, offset, Address{2}));
      store.begin_commit();
    }
  }
  EXPECT_EQ(store.wait_for_all(), std::error_code{});
  EXPECT_EQ(disk.syncs() - syncs, 2U);
  EXPECT_EQ(store.store.counters().transactions, 3U);
  EXPECT_EQ(store.store.counters().turns, 12U);
}

TEST_F(SqliteStoreTest, RefusesASecondStoreOnTheSameFile) {
  const StoreUnderTest store{path()};
  try {
    SqliteStore second{{path(), {}}};
    FAIL() << "it was opened twice";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), SqliteError::in_use);
    EXPECT_NE(std::string{error.what()}.find(path().string()), std::string::npos) << error.what();
  }
}

TEST_F(SqliteStoreTest, RefusesAFolderThatIsNotThere) {
  EXPECT_THROW((SqliteStore{{folder_ / "missing" / "mail.sqlite", {}}}), std::system_error);
}

TEST_F(SqliteStoreTest, CanBeReadByOthersWhileItIsWritten) {
  StoreUnderTest store{path()};
  store.record(message(Address{1}, 0, Address{2}));
  store.commit();
  detail::Database reader{path().string(), nullptr};
  EXPECT_EQ(reader.number("SELECT count(*) FROM messages"), 1);
  store.record(message(Address{1}, 1, Address{2}));
  EXPECT_EQ(store.commit(), std::error_code{});
  EXPECT_EQ(reader.number("SELECT count(*) FROM messages"), 2);
}

TEST_F(SqliteStoreTest, NoticesWhenSomebodyElseWritesAndReadsAgain) {
  StoreUnderTest store{path()};
  store.record(message(Address{1}, 0, Address{2}));
  store.commit();
  detail::Database{path().string(), nullptr}.run("DELETE FROM messages");
  store.record(MessageTaken{Address{1}, 0});
  EXPECT_EQ(store.commit(), SqliteError::changed_elsewhere);
  EXPECT_EQ(store.load(), std::error_code{});
  EXPECT_TRUE(store.expected.kept.messages.empty());
  store.record(message(Address{1}, 1, Address{2}));
  EXPECT_EQ(store.commit(), std::error_code{});
}

// What is written to a file without a name is gone when the program ends.
TEST_F(SqliteStoreTest, NoticesThatItsFileIsGoneAndBeginsNoOtherInItsPlace) {
  StoreUnderTest store{path()};
  store.record(message(Address{1}, 0, Address{2}));
  store.commit();
  const KeptMail kept = store.expected.kept;
  const auto move = [](const std::filesystem::path& from, const std::filesystem::path& to) {
    std::filesystem::rename(from, to);
    std::filesystem::rename(from.string() + "-wal", to.string() + "-wal");
  };
  const std::filesystem::path away = folder_ / "away.sqlite";
  move(path(), away);
  store.record(message(Address{1}, 1, Address{2}));
  EXPECT_EQ(store.commit(), SqliteError::moved);
  EXPECT_EQ(store.load().value(), SQLITE_CANTOPEN);
  EXPECT_FALSE(std::filesystem::exists(path()));
  std::ofstream{path()};
  EXPECT_EQ(store.load(), SqliteError::moved) << "an empty one in its place";
  move(away, path());
  EXPECT_EQ(store.load(), std::error_code{});
  EXPECT_EQ(store.expected.kept, kept);
  store.record(message(Address{1}, 1, Address{2}));
  EXPECT_EQ(store.commit(), std::error_code{});
}

TEST_F(SqliteStoreTest, NoticesThatItsLogIsGoneAndLosesNothingThatWasInIt) {
  StoreUnderTest store{path()};
  store.record(message(Address{1}, 0, Address{2}));
  store.commit();
  const KeptMail kept = store.expected.kept;
  std::filesystem::remove(path().string() + "-wal");
  store.record(message(Address{1}, 1, Address{2}));
  EXPECT_EQ(store.commit(), SqliteError::moved);
  EXPECT_EQ(store.load(), std::error_code{});
  EXPECT_EQ(store.expected.kept, kept);
  store.record(message(Address{1}, 1, Address{2}));
  EXPECT_EQ(store.commit(), std::error_code{});
}

// SQLite moves a log into the file when it is closed only where nobody else has that open.
TEST_F(SqliteStoreTest, LosesNothingOfALogThatIsGoneWhileOthersReadTheFile) {
  KeptMail kept;
  {
    StoreUnderTest store{path()};
    store.record(message(Address{1}, 0, Address{2}));
    store.commit();
    kept = store.expected.kept;
    {
      detail::Database reader{path().string(), nullptr, false};
      EXPECT_EQ(reader.number("SELECT count(*) FROM messages"), 1);
      std::filesystem::remove(path().string() + "-wal");
      store.record(message(Address{1}, 1, Address{2}));
      EXPECT_EQ(store.commit(), SqliteError::moved);
      EXPECT_TRUE(store.load());
      EXPECT_TRUE(store.load());
    }
    EXPECT_EQ(store.load(), std::error_code{});
    EXPECT_EQ(store.expected.kept, kept);
    store.record(message(Address{1}, 1, Address{2}));
    EXPECT_EQ(store.commit(), std::error_code{});
    kept = store.expected.kept;
  }
  EXPECT_EQ(kept_in_file(), kept);
}

// Clients have seen more than what is in a backup.
TEST_F(SqliteStoreTest, DoesNotGoOnWithAnotherFileInItsPlace) {
  StoreUnderTest store{path()};
  store.record(message(Address{1}, 0, Address{2}));
  store.commit();
  const std::filesystem::path backup = folder_ / "backup.sqlite";
  SqliteFile{{path()}}.back_up(backup, false, [](int, int) { return true; });
  store.record(message(Address{1}, 1, Address{2}));
  EXPECT_EQ(store.commit(), std::error_code{});
  std::filesystem::rename(backup, path());
  store.record(message(Address{1}, 2, Address{2}));
  EXPECT_EQ(store.commit(), SqliteError::moved);
  EXPECT_EQ(store.load(), SqliteError::moved);
}

TEST_F(SqliteStoreTest, FollowsNoLinkToALock) {
  const std::filesystem::path victim = folder_ / "victim";
  std::ofstream{victim} << "precious";
  std::filesystem::create_symlink(victim, path().string() + "-lock");
  EXPECT_THROW(SqliteStore{{path()}}, std::system_error);
}

// As the sqlite3 program makes a file smaller.
TEST_F(SqliteStoreTest, GoesOnWithAFileThatWasMadeSmaller) {
  KeptMail kept;
  {
    StoreUnderTest store{path()};
    add_people(store);
    for (Offset offset = 0; offset < 100; ++offset) {
      store.record(message(bob, offset, ada, offset + 1));
    }
    store.record(MessagesDelivered{bob, 97});
    store.record(MessagesAcknowledged{bob, 97});
    EXPECT_EQ(store.commit(), std::error_code{});
    kept = store.expected.kept;
  }
  detail::Database{path().string(), nullptr, false}.run("VACUUM");
  EXPECT_EQ(SqliteFile{{path()}}.check(), std::vector<std::string>{});
  EXPECT_EQ(kept_in_file(), kept);
}

// What cannot be would bring a core down, or make it serve nonsense.
TEST_F(SqliteStoreTest, GivesBackNothingThatCannotBe) {
  {
    StoreUnderTest store{path()};
    add_people(store);
    store.record(MemberJoined{lobby, ada, 0});
    store.record(message(ada, 0, bob, 1));
    store.record(message(ada, 1, bob, 2));
    store.record(message(Address{1}, 0, Address{2}));
    store.commit();
  }
  const std::filesystem::path sound = folder_ / "sound.sqlite";
  std::filesystem::rename(path(), sound);
  for (const char* const damage : {
           "UPDATE messages SET receiver = 300 WHERE id = 1",
           "UPDATE messages SET receiver = -1 WHERE id = 1",
           "UPDATE messages SET sender = 999999999999 WHERE id = 1",
           "UPDATE messages SET \"offset\" = 0 WHERE id = 2",
           "UPDATE messages SET \"offset\" = 7 WHERE id = 2",
           "UPDATE messages SET sequence = -1 WHERE id = 2",
           "UPDATE messages SET payload = zeroblob(255) WHERE id = 3",
           "UPDATE messages SET sender = 258 WHERE id = 1",
           "UPDATE messages SET sender = 256 WHERE id = 3",
           "UPDATE addresses SET name = '#ada' || char(10) WHERE number = 256",
           "UPDATE addresses SET number = 5 WHERE number = 256",
           "UPDATE addresses SET number = 1 << 40 WHERE number = 256",
           "UPDATE addresses SET epoch = 0 WHERE number = 256",
           "UPDATE windows SET highest = 0",
           "UPDATE windows SET highest = 99",
           "UPDATE windows SET states = x'01'",
           "UPDATE windows SET states = replace(hex(zeroblob(256)), '00', '') || zeroblob(256)",
           "UPDATE windows SET sender = 4000",
           "UPDATE members SET room = 256",
           "UPDATE members SET member = 258",
           "UPDATE members SET cursor = -1",
           "UPDATE mailboxes SET next_offset = 0 WHERE address = 256",
           "UPDATE mailboxes SET delivered_end = -1 WHERE address = 256",
           "DELETE FROM mailboxes WHERE address = 256",
       }) {
    std::filesystem::copy_file(sound, path(), std::filesystem::copy_options::overwrite_existing);
    {
      detail::Database database{path().string(), nullptr};
      try {
        database.run(damage);
      } catch (const std::system_error&) {
        continue;  // SQLite itself does not let that in.
      }
    }
    SqliteStore store{{path(), {}}};
    KeptMailLoader loader;
    EXPECT_EQ(store.load(loader), SqliteError::damaged) << damage;
  }
}

TEST_F(SqliteStoreTest, MovesALogThatIsLongIntoTheFileWhenItIsQuiet) {
  StoreUnderTest store{path()};
  const std::string payload(60'000, 'x');
  for (Offset offset = 0; offset < 30; ++offset) {
    store.record(MessageStored{.receiver = Address{1}, .offset = 2 * offset, .sender = Address{2}, .payload = {}});
    store.record(AddressAdded{Address::at(1'000 + static_cast<std::uint32_t>(offset)),
                              as_bytes("p" + std::to_string(offset)), offset + 1});
    store.record(MessageStored{.receiver = Address::at(1'000 + static_cast<std::uint32_t>(offset)),
                               .offset = offset,
                               .sender = Address{2},
                               .payload = as_bytes(payload)});
    ASSERT_EQ(store.commit(), std::error_code{});
  }
  while (store.store.counters().checkpoints == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(store.store.counters().log_pages, 0U);
  EXPECT_EQ(store.store.counters().failures, 0U);
  EXPECT_EQ(store.reload(), store.expected.kept);
}

}  // namespace
}  // namespace restante
