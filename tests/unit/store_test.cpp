#include <restante/store.hpp>

#include <gtest/gtest.h>

#include "support/slow_store.hpp"

namespace restante {
namespace {

struct WithoutRecordOfStored : StoreArchetype {
  void record(const MessageStored&) = delete;
  void record(const MessageTaken&) {}
};
struct WithoutRecordOfTaken : StoreArchetype {
  void record(const MessageStored&) {}
  void record(const MessageTaken&) = delete;
};
struct WithoutLoad : StoreArchetype {
  std::error_code load(MessageLoader&) = delete;
};
struct LoadGivesABoolean : StoreArchetype {
  bool load(MessageLoader&) { return true; }
};
struct WithoutStart : StoreArchetype {
  void start(Waker) = delete;
};
struct WithoutStop : StoreArchetype {
  void stop() = delete;
};
struct WithoutCommit : StoreArchetype {
  void commit(std::uint64_t) = delete;
};
struct WithoutCompleted : StoreArchetype {
  std::optional<Commit> completed() = delete;
};
struct CompletedGivesOnlyTheTurn : StoreArchetype {
  std::optional<std::uint64_t> completed() { return {}; }
};
struct NotDurableAtOnceAfterAll : MemoryStore {
  static constexpr bool durable_at_once = false;
};

static_assert(!RecordsChanges<WithoutRecordOfStored> && !Store<WithoutRecordOfStored>);
static_assert(!RecordsChanges<WithoutRecordOfTaken> && !Store<WithoutRecordOfTaken>);
static_assert(!LoadsMessages<WithoutLoad> && !Store<WithoutLoad>);
static_assert(!LoadsMessages<LoadGivesABoolean> && !Store<LoadGivesABoolean>);
static_assert(!CommitsTurns<WithoutStart> && !Store<WithoutStart>);
static_assert(!CommitsTurns<WithoutStop> && !Store<WithoutStop>);
static_assert(!CommitsTurns<WithoutCommit> && !Store<WithoutCommit>);
static_assert(!CommitsTurns<WithoutCompleted> && !Store<WithoutCompleted>);
static_assert(!CommitsTurns<CompletedGivesOnlyTheTurn> && !Store<CompletedGivesOnlyTheTurn>);
static_assert(!DurableAtOnce<NotDurableAtOnceAfterAll> && !Store<NotDurableAtOnceAfterAll>);
static_assert(DurableAtOnce<MemoryStore> && !CommitsTurns<MemoryStore> && Store<MemoryStore>);
static_assert(CommitsTurns<StoreArchetype> && !DurableAtOnce<StoreArchetype> && Store<StoreArchetype>);

TEST(Commit, IsASuccessUnlessAnErrorIsSet) {
  EXPECT_FALSE(Commit{.turn = 3}.error);
}

class CountingLoader final : public MessageLoader {
 public:
  void message(const MessageStored&) override { ++calls; }
  void next_offset(Address, Offset) override { ++calls; }
  int calls = 0;
};

TEST(MemoryStore, KeepsNothing) {
  MemoryStore store;
  store.record(MessageStored{.receiver = Address{1}, .offset = 0, .sender = Address{2}, .payload = {}});
  store.record(MessageTaken{.receiver = Address{1}, .offset = 0});
  CountingLoader loader;
  EXPECT_FALSE(store.load(loader));
  EXPECT_EQ(loader.calls, 0);
}

}  // namespace
}  // namespace restante
