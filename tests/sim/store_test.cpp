#include <restante/sim/store.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

using namespace std::chrono_literals;

constexpr Address ada{1};
constexpr Address bob{2};

class Loaded final : public MessageLoader {
 public:
  void message(const MessageStored& stored) override { offsets.push_back(stored.offset); }
  void next_offset(Address receiver, Offset offset) override { next[receiver.index()] = offset; }

  std::vector<Offset> offsets;
  std::array<Offset, Address::classic_count> next{};
};

class DiskStoreTest : public ::testing::Test {
 protected:
  DiskStoreTest() {
    store.start(Waker{this, [](void* test) { ++static_cast<DiskStoreTest*>(test)->woken; }});
  }

  void push(Offset offset) { store.record(MessageStored{bob, offset, ada, payload}); }

  const std::array<std::uint8_t, 2> payload{1, 2};
  int woken = 0;
  Timeline timeline;
  Disk disk{timeline, Random{1}, {.sync = 2ms, .sync_jitter = 0ms}};
  DiskStore store{disk};
};

TEST_F(DiskStoreTest, KeepsNothingBeforeTheSyncEnds) {
  push(0);
  store.commit(1);
  timeline.run_until(SteadyTime{} + 1ms);
  EXPECT_FALSE(store.completed());
  EXPECT_TRUE(disk.durable()[2].messages.empty());
  timeline.run_until(SteadyTime{} + 2ms);
  EXPECT_EQ(woken, 1);
  const std::optional<Commit> commit = store.completed();
  ASSERT_TRUE(commit);
  EXPECT_EQ(commit->turn, 1U);
  EXPECT_FALSE(commit->error);
  EXPECT_EQ(disk.durable()[2].messages.size(), 1U);
  EXPECT_FALSE(store.completed());
}

TEST_F(DiskStoreTest, SyncsTurnsTogetherThatComeMeanwhile) {
  push(0);
  store.commit(1);
  push(1);
  store.commit(2);
  push(2);
  store.commit(3);
  timeline.run_until(SteadyTime{} + 2ms);
  EXPECT_EQ(store.completed()->turn, 1U);
  timeline.run_until(SteadyTime{} + 4ms);
  EXPECT_EQ(store.completed()->turn, 3U);
  EXPECT_EQ(disk.durable()[2].messages.size(), 3U);
}

TEST_F(DiskStoreTest, LoadsWhatWasKeptAndTheNextOffset) {
  push(0);
  push(1);
  store.record(MessageTaken{bob, 0});
  store.commit(1);
  timeline.run_until(SteadyTime{} + 2ms);
  push(2);
  Loaded loaded;
  EXPECT_FALSE(store.load(loaded));
  EXPECT_EQ(loaded.offsets, (std::vector<Offset>{1}));
  EXPECT_EQ(loaded.next[2], 2U);
}

TEST_F(DiskStoreTest, IsSlowerWhereThatWasAsked) {
  disk.set_slower_by(10ms);
  push(0);
  store.commit(1);
  timeline.run_until(SteadyTime{} + 11ms);
  EXPECT_FALSE(store.completed());
  timeline.run_until(SteadyTime{} + 12ms);
  EXPECT_TRUE(store.completed());
}

TEST_F(DiskStoreTest, CannotBeLoadedWhileTheDiskIsAwayAndCanWhenItHealed) {
  Loaded loaded;
  disk.set_unreadable(true);
  disk.fail_next(3);
  EXPECT_FALSE(disk.healthy());
  EXPECT_EQ(store.load(loaded), Error::storage_unavailable);
  disk.heal();
  EXPECT_TRUE(disk.healthy());
  EXPECT_FALSE(store.load(loaded));
}

TEST_F(DiskStoreTest, NoticesWhatCannotBe) {
  store.record(MessageTaken{bob, 5});
  store.commit(1);
  timeline.run_until(SteadyTime{} + 2ms);
  EXPECT_FALSE(disk.consistent());
}

// How many of three changes were kept with each of many seeds.
template <class End>
std::set<std::size_t> kept_of_three(End&& end, bool transactions = false) {
  std::set<std::size_t> kept;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Timeline timeline;
    Disk disk{timeline, Random{seed}, {.sync = 2ms, .sync_jitter = 0ms, .transactions = transactions}};
    {
      DiskStore store{disk};
      store.start({});
      for (Offset offset = 0; offset < 3; ++offset) {
        store.record(MessageStored{bob, offset, ada, {}});
      }
      store.commit(1);
      end(disk, store, timeline);
    }
    kept.insert(disk.durable()[2].messages.size());
  }
  return kept;
}

TEST_F(DiskStoreTest, WritesNothingMoreAfterASyncThatFailedUntilItIsLoaded) {
  disk.fail_next(1);
  push(0);
  store.commit(1);
  timeline.run_until(SteadyTime{} + 2ms);
  const Offset kept = disk.durable()[2].next_offset;
  // The server's machine sleeps, wakes, and takes what a client sent before it asks what became of the sync.
  push(1);
  store.commit(2);
  timeline.run_until(SteadyTime{} + 8ms);
  EXPECT_EQ(disk.durable()[2].next_offset, kept);
  EXPECT_TRUE(disk.consistent());
  ASSERT_TRUE(store.completed()->error);
  EXPECT_FALSE(store.completed());

  Loaded loaded;
  EXPECT_FALSE(store.load(loaded));
  push(kept);
  store.commit(3);
  timeline.run_until(SteadyTime{} + 12ms);
  EXPECT_FALSE(store.completed()->error);
  EXPECT_EQ(disk.durable()[2].next_offset, kept + 1);
}

TEST(DiskStore, KeepsAnyBeginningOfASyncThatFailed) {
  const auto fail = [](Disk& disk, DiskStore& store, Timeline& timeline) {
    disk.fail_next(1);
    timeline.run_until(SteadyTime{} + 2ms);
    EXPECT_EQ(store.completed()->error, Error::storage_unavailable);
  };
  EXPECT_EQ(kept_of_three(fail), (std::set<std::size_t>{0, 1, 2, 3}));
  EXPECT_EQ(kept_of_three(fail, true), (std::set<std::size_t>{0, 3})) << "of a transaction, all or nothing";
}

TEST(DiskStore, KeepsAnyBeginningOfASyncDuringWhichTheServerCrashed) {
  const auto crash = [](Disk&, DiskStore&, Timeline& timeline) { timeline.run_until(SteadyTime{} + 1ms); };
  EXPECT_EQ(kept_of_three(crash), (std::set<std::size_t>{0, 1, 2, 3}));
  EXPECT_EQ(kept_of_three(crash, true), (std::set<std::size_t>{0, 3}));
}

// The first commit is durable and the two that came meanwhile, which are one transaction, fail, before anybody asks.
TEST(DiskStore, WithTransactionsTellsWhatIsDurableBeforeWhatFailedBehindIt) {
  for (const bool transactions : {true, false}) {
    Timeline timeline;
    Disk disk{timeline, Random{1}, {.sync = 2ms, .sync_jitter = 0ms, .transactions = transactions}};
    DiskStore store{disk};
    store.start({});
    for (Offset offset = 0; offset < 3; ++offset) {
      store.record(MessageStored{bob, offset, ada, {}});
      store.commit(offset + 1);
      timeline.run_until(SteadyTime{});
    }
    timeline.run_until(SteadyTime{} + 2ms);
    disk.fail_next(1);
    timeline.run_until(SteadyTime{} + 4ms);
    if (transactions) {
      const std::optional<Commit> durable = store.completed();
      ASSERT_TRUE(durable);
      EXPECT_EQ(durable->turn, 1U);
      EXPECT_FALSE(durable->error);
    }
    const std::optional<Commit> failed = store.completed();
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->turn, 3U);
    EXPECT_TRUE(failed->error);
    EXPECT_FALSE(store.completed());
    const DiskTransactions done = disk.take_transactions();
    EXPECT_EQ(done.failed_behind_durable, transactions ? 1U : 0U);
    EXPECT_EQ(done.failed_and_kept + done.failed_and_lost, transactions ? 1U : 0U);
    if (transactions) {
      EXPECT_EQ(disk.durable()[2].messages.size(), done.failed_and_kept > 0 ? 3U : 1U);
    }
  }
}

TEST(DiskStore, CountsTransactionsOfSeveralTurns) {
  Timeline timeline;
  Disk disk{timeline, Random{1}, {.sync = 2ms, .sync_jitter = 0ms, .transactions = true}};
  DiskStore store{disk};
  store.start({});
  for (Offset offset = 0; offset < 3; ++offset) {
    store.record(MessageStored{bob, offset, ada, {}});
    store.commit(offset + 1);
  }
  timeline.run_until(SteadyTime{} + 4ms);
  EXPECT_EQ(store.completed()->turn, 3U);
  EXPECT_EQ(disk.take_transactions().of_several_turns, 1U);
  EXPECT_EQ(disk.take_transactions().of_several_turns, 0U);
}

}  // namespace
}  // namespace restante::sim
