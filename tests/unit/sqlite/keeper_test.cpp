// The file itself, without the thread that writes it.
#include <gtest/gtest.h>

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "support.hpp"
#include "support/power_cut_vfs.hpp"

namespace restante {
namespace {

using namespace test;

class SqliteKeeper : public ::testing::Test {
 protected:
  SqliteKeeper() {
    KeptMailLoader loader;
    EXPECT_EQ(keeper_.load(loader), std::error_code{});
    detail::Batch batch;
    batch.add({.kind = detail::ChangeKind::address_added, .address = ada, .number = 1}, as_bytes("ada"));
    EXPECT_EQ(keeper_.write({batch}), std::error_code{});
  }

  std::filesystem::path path() const { return folder_ / "mail.sqlite"; }

  // One message in a transaction of its own.
  std::error_code write_message() {
    detail::Batch batch;
    batch.add({.kind = detail::ChangeKind::message_stored, .address = ada, .other = ada, .number = written_++},
              as_bytes(payload_));
    return keeper_.write({batch});
  }

  std::uint64_t log_bytes() const { return std::filesystem::file_size(path().string() + "-wal"); }

  // Whatever a power cut does now, all that was written is there.
  void expect_all_after_a_cut() {
    Random random{1};
    for (const auto cut : {PowerCutVfs::Cut::lose, PowerCutVfs::Cut::keep, PowerCutVfs::Cut::tear}) {
      TemporaryFolder folder;
      const std::filesystem::path copy = folder / "copy.sqlite";
      for (const auto& [end, bytes] : disk_.after_cut(path(), cut, random)) {
        std::ofstream{copy.string() + end, std::ios::binary} << bytes;
      }
      StoreUnderTest store{copy, quiet_disk_.name()};
      EXPECT_EQ(store.expected.kept.messages[ada].size(), written_);
    }
  }

  TemporaryFolder folder_;
  PowerCutVfs disk_;
  // Another one, on which nothing fails and nothing takes time.
  PowerCutVfs quiet_disk_;
  detail::Keeper keeper_{path().string(), disk_.name()};
  std::uint64_t written_ = 0;
  const std::string payload_ = std::string(40'000, 'x');
};

TEST_F(SqliteKeeper, MakesTheLogLongerBeforeItIsFull) {
  EXPECT_FALSE(keeper_.log_will_grow());
  while (!keeper_.log_will_grow()) {
    ASSERT_EQ(write_message(), std::error_code{});
    ASSERT_LT(written_, 100U);
  }
  const std::uint64_t before = log_bytes();
  disk_.before_step = [this] { expect_all_after_a_cut(); };
  ASSERT_EQ(keeper_.prepare_log(), std::error_code{});
  disk_.before_step = {};
  expect_all_after_a_cut();
  const std::uint64_t prepared = log_bytes();
  EXPECT_GT(prepared, before + 1'000'000);
  while (!keeper_.log_will_grow()) {
    ASSERT_EQ(write_message(), std::error_code{});
    ASSERT_LT(written_, 1'000U);
  }
  EXPECT_EQ(log_bytes(), prepared);
  expect_all_after_a_cut();
}

TEST_F(SqliteKeeper, GoesOnWithAShortLogWhereTheDiskHasNoPlaceForALongOne) {
  while (!keeper_.log_will_grow()) {
    ASSERT_EQ(write_message(), std::error_code{});
  }
  disk_.fail_all(SQLITE_FULL, PowerCutVfs::Call::write);
  EXPECT_EQ(keeper_.prepare_log(), std::error_code{});
  disk_.fail_all(SQLITE_OK);
  EXPECT_FALSE(keeper_.log_will_grow());
  ASSERT_EQ(write_message(), std::error_code{});
  expect_all_after_a_cut();
}

TEST_F(SqliteKeeper, FailsWhereTheLogCannotBeMadeLonger) {
  while (!keeper_.log_will_grow()) {
    ASSERT_EQ(write_message(), std::error_code{});
  }
  disk_.fail_all(SQLITE_IOERR, PowerCutVfs::Call::sync);
  EXPECT_TRUE(keeper_.prepare_log());
  disk_.fail_all(SQLITE_OK);
  KeptMailLoader loader;
  EXPECT_EQ(keeper_.load(loader), std::error_code{});
  EXPECT_EQ(loader.kept.messages[ada].size(), written_);
  ASSERT_EQ(write_message(), std::error_code{});
  expect_all_after_a_cut();
}

}  // namespace
}  // namespace restante
