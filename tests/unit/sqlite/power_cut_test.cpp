// The power fails at every moment at which a disk is written to, and every call of the disk fails: what is there
// afterwards is what some turn left, all of it, no earlier than the last one that was told durable and no later than
// the last one that was committed. So nothing accepted is missing, nothing acknowledged returns, no offset is used
// again, and no number is accepted twice.
#include <gtest/gtest.h>

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "changes.hpp"
#include "support.hpp"
#include "support/power_cut_vfs.hpp"

namespace restante {
namespace {

using namespace test;

class SqlitePowerCut : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_ / "mail.sqlite"; }

  std::filesystem::path write_copy(const PowerCutVfs::Files& files) const {
    std::filesystem::path copy = folder_ / "copy.sqlite";
    for (const char* const end : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(copy.string() + end);
    }
    for (const auto& [end, bytes] : files) {
      std::ofstream{copy.string() + end, std::ios::binary} << bytes;
    }
    return copy;
  }

  // What a store gives back that finds these files.
  std::optional<KeptMail> load(const PowerCutVfs::Files& files) { return load_copy(write_copy(files)); }

  std::optional<KeptMail> load_copy(const std::filesystem::path& copy) {
    try {
      SqliteStore store{{copy, quiet_disk_.name()}};
      KeptMailLoader loader;
      const std::error_code error = store.load(loader);
      EXPECT_EQ(error, std::error_code{}) << error.message();
      return std::move(loader.kept);
    } catch (const std::system_error& error) {
      ADD_FAILURE() << error.what();
      return std::nullopt;
    }
  }

  // Whether it is what one of the turns left.
  static bool is_one_of(const std::optional<KeptMail>& kept, const std::vector<KeptMail>& after, std::uint64_t from,
                        std::uint64_t to) {
    for (std::uint64_t turn = from; turn <= to; ++turn) {
      if (kept == after[turn]) {
        return true;
      }
    }
    return false;
  }

  TemporaryFolder folder_;
  // Another one, on which nothing fails and nothing takes time.
  PowerCutVfs quiet_disk_;
};

// What a power cut would leave at each step of a disk.
class EveryCut {
 public:
  struct Outcome {
    PowerCutVfs::Files files;
    /// The last turn that was durable then.
    std::uint64_t durable = 0;
  };

  EveryCut(PowerCutVfs& disk, std::filesystem::path path, std::uint64_t seed) : random_{seed} {
    disk.before_step = [this, &disk, path = std::move(path)] {
      const std::lock_guard guard{mutex_};
      for (const auto cut : {PowerCutVfs::Cut::lose, PowerCutVfs::Cut::keep, PowerCutVfs::Cut::tear}) {
        outcomes_.push_back({disk.after_cut(path, cut, random_), durable_});
      }
    };
  }

  void set_durable(std::uint64_t turn) {
    const std::lock_guard guard{mutex_};
    durable_ = turn;
  }

  /// Those since this was called last.
  std::vector<Outcome> take() {
    const std::lock_guard guard{mutex_};
    return std::exchange(outcomes_, {});
  }

 private:
  std::mutex mutex_;
  Random random_;
  std::vector<Outcome> outcomes_;
  std::uint64_t durable_ = 0;
};

class SqlitePowerCutWithSeed : public SqlitePowerCut, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  // Whether each is what some turn left, up to this one.
  void check(EveryCut& every_cut, std::uint64_t committed) {
    for (const EveryCut::Outcome& outcome : every_cut.take()) {
      ++cuts_;
      ASSERT_TRUE(is_one_of(load(outcome.files), after_, outcome.durable, committed))
          << "seed " << GetParam() << ", cut " << cuts_ << ", after turn " << outcome.durable << ":"
          << *load(outcome.files) << "\ninstead of" << after_[outcome.durable];
    }
  }

  // What is there after each turn.
  std::vector<KeptMail> after_ = std::vector<KeptMail>(1);
  std::uint64_t cuts_ = 0;
};

TEST_P(SqlitePowerCutWithSeed, LeavesWhatSomeTurnLeftWheneverItHappens) {
  PowerCutVfs disk;
  EveryCut every_cut{disk, path(), GetParam()};
  {
    StoreUnderTest store{path(), disk.name()};
    check(every_cut, 0);
    SomeChanges changes{GetParam()};
    for (int round = 0; round < 6 && !HasFatalFailure(); ++round) {
      // One turn, or several that may become one transaction.
      for (int turns = round % 3; turns >= 0; --turns) {
        changes.make(store, 25);
        after_.push_back(store.expected.kept);
        store.begin_commit();
      }
      ASSERT_EQ(store.wait_for_all(), std::error_code{});
      every_cut.set_durable(store.turn);
      if (round == 3) {
        // Into the file, with the log begun anew afterwards.
        KeptMail kept = store.expected.kept;
        detail::Database{path().string(), disk.name().c_str()}.run("PRAGMA wal_checkpoint");
        ASSERT_EQ(store.load(), std::error_code{});
        ASSERT_EQ(store.expected.kept, kept);
      }
      check(every_cut, store.turn);
    }
  }
  check(every_cut, after_.size() - 1);
  EXPECT_GT(cuts_, 150U);
}

// The next program can read what a failed sync left, though it need not be on the disk: neither what is accepted behind
// it nor the file that it is moved into may depend on that.
TEST_P(SqlitePowerCutWithSeed, LeavesWhatSomeTurnLeftThoughASyncFailedAndTheProgramWasKilled) {
  PowerCutVfs disk;
  constexpr PowerCutVfs::Cut left[] = {PowerCutVfs::Cut::lose, PowerCutVfs::Cut::keep, PowerCutVfs::Cut::tear};
  disk.left_by_failed_sync = left[GetParam() % 3];
  SomeChanges changes{GetParam()};
  {
    StoreUnderTest store{path(), disk.name()};
    changes.make(store, 40);
    ASSERT_EQ(store.commit(), std::error_code{});
    after_ = {store.expected.kept};
    disk.fail_all(SQLITE_IOERR_FSYNC, PowerCutVfs::Call::sync);
    changes.make(store, 40);
    after_.push_back(store.expected.kept);
    EXPECT_EQ(store.commit().value(), SQLITE_IOERR_FSYNC);
    // It ends without writing anything more.
    disk.fail_all(SQLITE_IOERR_WRITE);
  }
  disk.fail_all(SQLITE_OK);
  EveryCut every_cut{disk, path(), GetParam()};
  StoreUnderTest store{path(), disk.name()};
  check(every_cut, 1);
  ASSERT_EQ(store.expected.kept, after_[1]) << "which can be read";
  every_cut.set_durable(1);
  for (int round = 0; round < 3 && !HasFatalFailure(); ++round) {
    changes.make(store, 25);
    after_.push_back(store.expected.kept);
    ASSERT_EQ(store.commit(), std::error_code{});
    check(every_cut, after_.size() - 1);
    every_cut.set_durable(after_.size() - 1);
    if (round == 1) {
      detail::Database{path().string(), disk.name().c_str()}.run("PRAGMA wal_checkpoint");
      ASSERT_EQ(store.load(), std::error_code{});
    }
    check(every_cut, after_.size() - 1);
  }
  EXPECT_GT(cuts_, 30U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SqlitePowerCutWithSeed, ::testing::Values(1U, 2U, 3U));

class SqliteFailure : public SqlitePowerCut, public ::testing::WithParamInterface<int> {
 protected:
  // Does the same each time but for the call that fails; gives how many calls there were.
  std::uint64_t run(std::uint64_t fail_at) {
    std::filesystem::remove_all(path());
    std::filesystem::remove(path().string() + "-wal");
    std::filesystem::remove(path().string() + "-shm");
    std::filesystem::remove(path().string() + "-journal");
    PowerCutVfs disk;
    disk.fail_at(fail_at, GetParam());
    std::optional<StoreUnderTest> store;
    try {
      store.emplace(path(), disk.name(), NotLoaded{});
    } catch (const std::system_error& error) {
      // It does not start: then it does when it is tried again.
      EXPECT_TRUE(disk.failed());
      EXPECT_FALSE(is_unusable(error.code())) << error.what() << ", call " << fail_at;
      store.emplace(path(), disk.name(), NotLoaded{});
    }
    if (store->load()) {
      EXPECT_TRUE(disk.failed());
      EXPECT_EQ(store->load(), std::error_code{});
    }
    EXPECT_EQ(store->expected.kept, KeptMail{});
    work(*store, disk);
    const KeptMail kept = store->expected.kept;
    Random none{1};
    EXPECT_EQ(load(disk.after_cut(path(), PowerCutVfs::Cut::lose, none)), kept)
        << "call " << fail_at << " of kind " << static_cast<int>(disk.failed().value_or(PowerCutVfs::Call::open));
    store.reset();
    const std::uint64_t calls = disk.calls();
    // How the turns fell into transactions is chance: the call may not have come yet.
    disk.fail_at(UINT64_MAX, 0);
    EXPECT_EQ((StoreUnderTest{path(), disk.name()}.expected.kept), kept) << "call " << fail_at;
    return calls;
  }

 private:
  static void work(StoreUnderTest& store, PowerCutVfs& disk) {
    SomeChanges changes{7};
    std::vector<KeptMail> after{store.expected.kept};
    for (int round = 0; round < 5; ++round) {
      const std::uint64_t first = after.size() - 1;
      for (int turns = round % 3; turns >= 0; --turns) {
        changes.make(store, 20);
        after.push_back(store.expected.kept);
        store.begin_commit();
      }
      if (store.wait_for_all()) {
        ASSERT_TRUE(disk.failed()) << "nothing failed, and yet a commit did";
        if (store.load()) {
          ASSERT_EQ(store.load(), std::error_code{});
        }
        ASSERT_TRUE(is_one_of(store.expected.kept, after, first, after.size() - 1)) << store.expected.kept;
        after = {store.expected.kept};
      }
      if (round == 2) {
        const KeptMail kept = store.expected.kept;
        if (store.load()) {
          ASSERT_EQ(store.load(), std::error_code{});
        }
        ASSERT_EQ(store.expected.kept, kept);
      }
    }
  }
};

TEST_P(SqliteFailure, OfAnyCallLeavesWhatSomeTurnLeftAndTheStoreGoesOn) {
  const std::uint64_t calls = run(UINT64_MAX);
  ASSERT_GT(calls, 100U);
  for (std::uint64_t call = 0; call < calls && !HasFatalFailure(); ++call) {
    run(call);
  }
}

TEST_P(SqliteFailure, OfAnyCallWhileAFileIsOpenedIsNotTakenForDamage) {
  KeptMail kept;
  PowerCutVfs::Files files;
  {
    PowerCutVfs disk;
    StoreUnderTest store{path(), disk.name()};
    SomeChanges changes{5};
    for (int turn = 0; turn < 5; ++turn) {
      changes.make(store, 100);
      ASSERT_EQ(store.commit(), std::error_code{});
    }
    kept = store.expected.kept;
    Random random{1};
    // With a log that is not empty.
    files = disk.after_cut(path(), PowerCutVfs::Cut::keep, random);
  }
  ASSERT_GT(files.at("-wal").size(), 4'096U);
  std::uint64_t failures = 0;
  for (std::uint64_t call = 0;; ++call) {
    const std::filesystem::path copy = write_copy(files);
    PowerCutVfs disk;
    disk.fail_at(call, GetParam());
    std::error_code error;
    KeptMailLoader loader;
    try {
      SqliteStore store{{copy, disk.name()}};
      error = store.load(loader);
    } catch (const std::system_error& thrown) {
      error = thrown.code();
    }
    EXPECT_FALSE(is_unusable(error)) << error.message() << ", call " << call;
    EXPECT_TRUE(error || loader.kept == kept) << "call " << call;
    EXPECT_TRUE(!error || disk.failed());
    EXPECT_EQ(load_copy(copy), kept) << "call " << call;
    failures += error ? 1 : 0;
    if (!disk.failed()) {
      break;
    }
  }
  EXPECT_GT(failures, 20U);
}

INSTANTIATE_TEST_SUITE_P(Results, SqliteFailure, ::testing::Values(SQLITE_IOERR, SQLITE_FULL));

// What a failed sync left must not be taken for what is on the disk, though it can be read.
TEST_F(SqlitePowerCut, AfterAFailedSyncFindsWhatWasLoaded) {
  PowerCutVfs disk;
  StoreUnderTest store{path(), disk.name()};
  SomeChanges changes{3};
  changes.make(store, 30);
  ASSERT_EQ(store.commit(), std::error_code{});
  disk.fail_all(SQLITE_IOERR_FSYNC);
  changes.make(store, 30);
  EXPECT_TRUE(store.commit());
  EXPECT_TRUE(store.load()) << "nothing can be written yet";
  EXPECT_TRUE(store.load());
  disk.fail_all(SQLITE_OK);
  ASSERT_EQ(store.load(), std::error_code{});
  const KeptMail loaded = store.expected.kept;
  Random random{1};
  for (const auto cut : {PowerCutVfs::Cut::lose, PowerCutVfs::Cut::keep, PowerCutVfs::Cut::tear}) {
    EXPECT_EQ(load(disk.after_cut(path(), cut, random)), loaded);
  }
}

// What comes after a turn that failed may follow from it: a number that was accepted behind one that was lost.
TEST_F(SqlitePowerCut, AfterACommitThatFailedNothingIsWrittenBeforeItIsLoaded) {
  PowerCutVfs disk;
  KeptMail before;
  {
    StoreUnderTest store{path(), disk.name()};
    SomeChanges changes{3};
    changes.make(store, 30);
    ASSERT_EQ(store.commit(), std::error_code{});
    before = store.expected.kept;
    disk.fail_all(SQLITE_IOERR_WRITE);
    {
      const PowerCutVfs::Hold hold{disk};
      changes.make(store, 30);
      store.begin_commit();
      hold.wait_for_step();
      // While it is being written, and fails.
      changes.make(store, 30);
      store.begin_commit();
    }
    const Commit failed = store.wait();
    EXPECT_TRUE(failed.error);
    EXPECT_EQ(failed.turn, 2U);
    disk.fail_all(SQLITE_OK);
    // Before anybody loads.
    changes.make(store, 30);
    store.begin_commit();
    store.store.stop();
    EXPECT_FALSE(store.store.completed());
    EXPECT_EQ(store.store.counters().transactions, 1U);
  }
  EXPECT_EQ(StoreUnderTest(path(), disk.name()).expected.kept, before);
}

TEST_F(SqlitePowerCut, AfterACommitThatFailedWhatCameBeforeLoadingDoesNotComeAfterwards) {
  PowerCutVfs disk;
  StoreUnderTest store{path(), disk.name()};
  SomeChanges changes{3};
  changes.make(store, 30);
  ASSERT_EQ(store.commit(), std::error_code{});
  const KeptMail before = store.expected.kept;
  disk.fail_all(SQLITE_IOERR_WRITE);
  changes.make(store, 30);
  EXPECT_TRUE(store.commit());
  disk.fail_all(SQLITE_OK);
  changes.make(store, 30);
  store.begin_commit();
  changes.make(store, 30);  // Recorded, and never committed.
  ASSERT_EQ(store.load(), std::error_code{});
  EXPECT_EQ(store.expected.kept, before);
  changes.make(store, 30);
  ASSERT_EQ(store.commit(), std::error_code{});
  EXPECT_EQ(store.reload(), store.expected.kept);
}

TEST_F(SqlitePowerCut, OfAFullDiskIsOverWhenThereIsSpaceAgain) {
  PowerCutVfs disk;
  StoreUnderTest store{path(), disk.name()};
  SomeChanges changes{3};
  changes.make(store, 30);
  ASSERT_EQ(store.commit(), std::error_code{});
  const KeptMail before = store.expected.kept;
  disk.fail_all(SQLITE_FULL);
  changes.make(store, 30);
  EXPECT_EQ(store.commit().value(), SQLITE_FULL);
  EXPECT_TRUE(store.load());
  disk.fail_all(SQLITE_OK);
  ASSERT_EQ(store.load(), std::error_code{});
  EXPECT_EQ(store.expected.kept, before);
  changes.make(store, 30);
  EXPECT_EQ(store.commit(), std::error_code{});
}

}  // namespace
}  // namespace restante
