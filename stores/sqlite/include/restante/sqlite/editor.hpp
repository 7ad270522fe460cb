// Changing a file of a SqliteStore that no server uses.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include <restante/sqlite/detail/batch.hpp>
#include <restante/sqlite/detail/database.hpp>
#include <restante/sqlite/detail/file_lock.hpp>
#include <restante/sqlite/detail/ledger.hpp>
#include <restante/sqlite/detail/loading.hpp>
#include <restante/sqlite/detail/reading.hpp>
#include <restante/sqlite/detail/schema.hpp>
#include <restante/sqlite/detail/selection.hpp>
#include <restante/sqlite/error.hpp>
#include <restante/sqlite/messages.hpp>
#include <restante/sqlite/store.hpp>

namespace restante {

/// Changes a file as a server would, and keeps servers from it meanwhile. Each change is durable when it returns, or
/// was not made when it throws; everything throws std::system_error. One thread at a time may use it.
class SqliteEditor {
 public:
  /// Throws where there is no such file, it is not one of ours or damaged, or SqliteError::in_use where a server has
  /// it.
  explicit SqliteEditor(const SqliteStoreOptions& options) {
    detail::open_ours(options.path, options.vfs.empty() ? nullptr : options.vfs.c_str());
    lock_.emplace(options.path.string());
    database_ = detail::open_database(options.path.string(), options.vfs.empty() ? nullptr : options.vfs.c_str(), true);
  }

  SqliteEditor(const SqliteEditor&) = delete;
  SqliteEditor& operator=(const SqliteEditor&) = delete;

  /// Takes messages out: their senders learn from receipts that they were purged, or have expired, and members of a
  /// room how many they missed. Gives how many they were; nothing where there is no such mailbox.
  std::optional<std::uint64_t> purge(const SqliteMessages& which) {
    detail::Transaction transaction{database_};
    detail::Ledger ledger{database_};
    detail::Selection selection{which};
    detail::Loading{database_, ledger, selection}.run();
    if (!selection.is_known()) {
      return std::nullopt;
    }
    detail::Batch removals;
    for (const MessageTaken& message : selection.chosen()) {
      removals.add({.kind = detail::ChangeKind::message_removed,
                    .state = which.expired_by_ms == 0 ? MessageState::purged : MessageState::expired,
                    .address = message.receiver,
                    .number = message.offset});
    }
    ledger.apply(removals);
    ledger.finish();
    transaction.commit();
    return selection.chosen().size();
  }

  /// Gives every address a new epoch, and gives how many they were. Needed where the file is older than what clients
  /// saw, so that offsets and numbers would be used a second time: by another epoch they learn that what they know is
  /// not so any more.
  std::uint64_t renew_epochs() {
    detail::Transaction transaction{database_};
    database_.run("UPDATE addresses SET epoch = random()");
    // 0 is none.
    while (database_.number("SELECT count(*) FROM addresses WHERE epoch = 0") != 0) {
      database_.run("UPDATE addresses SET epoch = random() WHERE epoch = 0");
    }
    const auto count = static_cast<std::uint64_t>(database_.number("SELECT count(*) FROM addresses"));
    transaction.commit();
    return count;
  }

 private:
  std::optional<detail::FileLock> lock_;
  detail::Database database_;
};

}  // namespace restante
