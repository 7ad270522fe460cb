#include <restante/sqlite/editor.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <restante/sqlite/file.hpp>

#include "support.hpp"

namespace restante {
namespace {

using namespace test;

class SqliteEditorTest : public ::testing::Test {
 protected:
  SqliteEditorTest() {
    StoreUnderTest store{path()};
    store.record(AddressAdded{ada, as_bytes("ada"), 1});
    store.record(AddressAdded{bob, as_bytes("bob"), 2});
    store.record(AddressAdded{lobby, as_bytes("#lobby"), 3});
    store.record(MemberJoined{lobby, bob, 0});
    for (Offset offset = 0; offset < 4; ++offset) {
      store.record(MessageStored{bob, offset, ada, as_bytes("hello"), offset + 1, 1'000, 2'000 + offset});
      store.record(MessageStored{lobby, offset, ada, as_bytes("hello"), offset + 11, 1'000, 0});
    }
    store.record(MessagesDelivered{bob, 0});
    EXPECT_EQ(store.commit(), std::error_code{});
    expected_ = store.expected;
  }

  std::filesystem::path path() const { return folder_ / "mail.sqlite"; }
  KeptMail kept() const { return StoreUnderTest{path()}.expected.kept; }
  static std::error_code error_of(const std::filesystem::path& path) {
    return detail::error_of([&] { SqliteEditor{{path}}; });
  }

  void expect_soundness() const { EXPECT_EQ(SqliteFile{{path()}}.check(), std::vector<std::string>{}); }

  TemporaryFolder folder_;
  KeepingStore expected_;
};

TEST_F(SqliteEditorTest, PurgesAMailboxAsACoreWould) {
  EXPECT_EQ((SqliteEditor{{path()}}.purge({.name = "bob"})), 4U);
  for (Offset offset = 0; offset < 4; ++offset) {
    expected_.record(MessageRemoved{bob, offset, MessageState::purged});
  }
  EXPECT_EQ(kept(), expected_.kept);
  EXPECT_EQ(expected_.kept.windows[ada][1], MessageState::purged);
  expect_soundness();
}

TEST_F(SqliteEditorTest, PurgesARoomWhoseMembersAreToldWhatTheyMissed) {
  EXPECT_EQ((SqliteEditor{{path()}}.purge({.name = "#lobby"})), 4U);
  for (Offset offset = 0; offset < 4; ++offset) {
    expected_.record(MessageRemoved{lobby, offset, MessageState::purged});
  }
  EXPECT_EQ(kept(), expected_.kept);
  EXPECT_EQ(expected_.kept.next_offset[lobby], 4U);
  expect_soundness();
}

TEST_F(SqliteEditorTest, PurgesWhatHasExpired) {
  EXPECT_EQ((SqliteEditor{{path()}}.purge({.expired_by_ms = 2'002})), 2U) << "the first was delivered, and stays";
  expected_.record(MessageRemoved{bob, 1, MessageState::expired});
  expected_.record(MessageRemoved{bob, 2, MessageState::expired});
  EXPECT_EQ(kept(), expected_.kept);
  expect_soundness();
}

TEST_F(SqliteEditorTest, PurgesNothingOfAMailboxThatIsNotThere) {
  EXPECT_EQ((SqliteEditor{{path()}}.purge({.name = "eve"})), std::nullopt);
  EXPECT_EQ(kept(), expected_.kept);
}

TEST_F(SqliteEditorTest, GivesNewEpochsAndLeavesEverythingElse) {
  EXPECT_EQ((SqliteEditor{{path()}}.renew_epochs()), 3U);
  KeptMail now = kept();
  std::set<Epoch> epochs;
  for (auto& [address, name] : now.names) {
    EXPECT_GT(name.epoch, 3U);
    epochs.insert(name.epoch);
    name.epoch = expected_.kept.names[address].epoch;
  }
  EXPECT_EQ(epochs.size(), 3U);
  EXPECT_EQ(now, expected_.kept);
}

TEST_F(SqliteEditorTest, KeepsServersAwayAndIsKeptAwayByThem) {
  {
    StoreUnderTest store{path()};
    EXPECT_EQ(error_of(path()), SqliteError::in_use);
  }
  const SqliteEditor editor{{path()}};
  EXPECT_EQ(detail::error_of([&] { SqliteStore{{path()}}; }), SqliteError::in_use);
}

TEST_F(SqliteEditorTest, TouchesNoFileOfAnotherProgram) {
  const std::filesystem::path other = folder_ / "diary";
  EXPECT_EQ(error_of(other), std::errc::no_such_file_or_directory);
  std::ofstream{other} << std::string(5'000, 'x');
  EXPECT_TRUE(is_unusable(error_of(other)));
  EXPECT_FALSE(std::filesystem::exists(other.string() + "-lock"));
}

}  // namespace
}  // namespace restante
