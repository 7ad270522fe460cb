// What tests of the SqliteStore have in common.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <restante/sqlite.hpp>

#include "support/awaited_sqlite_store.hpp"
#include "support/kept_mail.hpp"
#include "support/temporary_folder.hpp"

namespace restante::test {

/// Asks for a store that is not loaded yet.
struct NotLoaded {};

/// A SqliteStore that was started and loaded, and what it has to keep.
class StoreUnderTest {
 public:
  explicit StoreUnderTest(const std::filesystem::path& path, std::string vfs = {})
      : StoreUnderTest{path, std::move(vfs), NotLoaded{}} {
    EXPECT_EQ(load(), std::error_code{});
  }
  StoreUnderTest(const std::filesystem::path& path, std::string vfs, NotLoaded) : store{{path, std::move(vfs)}} {
    store.start(bell.waker());
  }

  /// Loads, and takes what it gave back for what it has to keep from now on.
  std::error_code load() {
    KeptMailLoader loader;
    const std::error_code error = store.load(loader);
    expected.kept = std::move(loader.kept);
    return error;
  }

  template <class Change>
  void record(const Change& change) {
    store.record(change);
    expected.record(change);
  }

  /// Commits what was recorded, without waiting.
  void begin_commit() { store.commit(++turn); }

  /// Waits until a commit ends, and gives how.
  Commit wait() {
    while (true) {
      if (const std::optional<Commit> commit = store.completed()) {
        return *commit;
      }
      bell.wait();
    }
  }

  /// Waits for the latest commit, or one that fails.
  std::error_code wait_for_all() {
    while (true) {
      const Commit commit = wait();
      if (commit.error || commit.turn == turn) {
        return commit.error;
      }
    }
  }

  std::error_code commit() {
    begin_commit();
    return wait_for_all();
  }

  /// What the store gives back now.
  KeptMail reload() {
    KeptMailLoader loader;
    EXPECT_EQ(store.load(loader), std::error_code{});
    return std::move(loader.kept);
  }

  Bell bell;
  SqliteStore store;
  KeepingStore expected;
  std::uint64_t turn = 0;
};

inline const Address ada = Address::at(256);
inline const Address bob = Address::at(257);
inline const Address lobby = Address::at(258);

}  // namespace restante::test
