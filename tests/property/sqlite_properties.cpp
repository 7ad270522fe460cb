// The same properties with mailboxes in a file of SQLite: a Messenger answers as the models say, also after its power
// failed at any moment between two turns, whatever the disk made of what was not synced.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <restante/memory/random.hpp>

#include "awaited_sqlite_store.hpp"
#include "power_cut_vfs.hpp"
#include "store_world.hpp"
#include "temporary_folder.hpp"
#include "v2_player.hpp"

namespace restante::property {
namespace {

/// A file of SQLite on a disk whose power fails whenever the program is started again.
class InAFile final : public Archive {
 public:
  static constexpr bool keeps = true;

  explicit InAFile(std::uint64_t seed) : random_{seed} { open(); }

  test::AwaitedStore& store() { return *store_; }

  /// The Messenger is gone, and everything that it was told of is durable.
  void start_again() {
    constexpr test::PowerCutVfs::Cut cuts[] = {test::PowerCutVfs::Cut::lose, test::PowerCutVfs::Cut::keep,
                                               test::PowerCutVfs::Cut::tear};
    const test::PowerCutVfs::Files files = disk_->after_cut(path(), cuts[random_.below(3)], random_);
    store_.reset();
    disk_.reset();
    ++life_;
    for (const auto& [end, bytes] : files) {
      std::ofstream{path().string() + end, std::ios::binary} << bytes;
    }
    open();
  }

  // As an archive, it is its own Messenger.

  void record(const MessageStored& stored) override {
    start_as_archive();
    store_->record(stored);
  }
  void record(const MessageTaken& taken) override {
    start_as_archive();
    store_->record(taken);
  }
  void commit() override {
    store_->commit(++turn_);
    const std::optional<Commit> commit = store_->completed();
    RC_ASSERT(commit && !commit->error && commit->turn == turn_);
  }
  void load(MessageLoader& loader) override {
    start_as_archive();
    RC_ASSERT(store_->load(loader) == std::error_code{});
  }
  void crash() override { start_again(); }

 private:
  struct Nobody final : MessageLoader {
    void message(const MessageStored&) override {}
    void next_offset(Address, Offset) override {}
  };

  // Each life has its own name, so that the disk knows nothing of the one before.
  std::filesystem::path path() const { return folder_ / ("mail" + std::to_string(life_) + ".sqlite"); }

  void open() {
    disk_.emplace();
    store_.emplace(path(), disk_->name());
    is_started_ = false;
  }

  void start_as_archive() {
    if (!is_started_) {
      is_started_ = true;
      store_->start({this, [](void*) {}});
      Nobody nobody;
      RC_ASSERT(store_->load(nobody) == std::error_code{});
    }
  }

  test::TemporaryFolder folder_;
  Random random_;
  std::uint64_t life_ = 0;
  std::uint64_t turn_ = 0;
  bool is_started_ = false;
  std::optional<test::PowerCutVfs> disk_;
  std::optional<test::AwaitedStore> store_;
};

std::uint64_t any_seed() {
  return *rc::gen::arbitrary<std::uint64_t>();
}

RC_GTEST_PROP(MessengerWithSqlite, LetsNoReplyLeaveBeforeItIsDurableAndEveryReplyThen, ()) {
  InAFile file{any_seed()};
  keeps_its_promise(false, &file);
}

RC_GTEST_PROP(MessengerWithSqlite, BoundsWhatWaitsForPeersWhoDoNotReadEither, ()) {
  InAFile file{any_seed()};
  keeps_its_promise(true, &file);
}

RC_GTEST_PROP(V2MessengerWithSqlite, AnswersAsTheModelWhateverPeersDo, ()) {
  play<InAFile>(any_step(), any_seed());
}

RC_GTEST_PROP(V2MessengerWithSqlite, AnswersAsTheModelWhileAnOperatorPurgesAndRetires, ()) {
  play<InAFile>(any_step_around_an_operator(), any_seed());
}

// Hardly anything is more frequent than a power failure.
RC_GTEST_PROP(V2MessengerWithSqlite, AnswersAsTheModelThoughThePowerFailsAllTheTime, ()) {
  play<InAFile>(any_step(rc::gen::weightedOneOf<std::uint8_t>(
                    {{9, rc::gen::inRange<std::uint8_t>(0, an_operators)}, {1, rc::gen::just(a_power_failure)}})),
                any_seed());
}

}  // namespace
}  // namespace restante::property
