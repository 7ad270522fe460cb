// Filling a new file of a SqliteStore with mailboxes from elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/sequence_window.hpp>
#include <restante/sqlite/detail/database.hpp>
#include <restante/sqlite/detail/faults.hpp>
#include <restante/sqlite/detail/file_lock.hpp>
#include <restante/sqlite/detail/ledger.hpp>
#include <restante/sqlite/detail/reading.hpp>
#include <restante/sqlite/detail/schema.hpp>
#include <restante/sqlite/error.hpp>
#include <restante/sqlite/store.hpp>
#include <restante/store.hpp>

namespace restante {

/// Takes what SqliteFile::read() or another store's load() gives, and puts it into a file, wholly or not at all.
/// Everything throws std::system_error, and nothing was put there then. Messages must come in the order of acceptance,
/// members in that of joining, and the numbers of a sender rising; otherwise any order will do. One thread at a time
/// may use it.
class SqliteImport final : public MessageLoader {
 public:
  /// Makes the file, or takes one that has no mailboxes yet. Throws SqliteError::not_empty where it has some, and
  /// SqliteError::in_use where a server has it.
  explicit SqliteImport(const SqliteStoreOptions& options) {
    std::error_code none;
    const std::uintmax_t bytes = std::filesystem::file_size(options.path, none);
    if (!none && bytes != 0) {
      detail::open_ours(options.path, options.vfs.empty() ? nullptr : options.vfs.c_str());
    }
    lock_.emplace(options.path.string());
    if (options.vfs.empty() && !std::filesystem::exists(options.path)) {
      made_ = options.path;
    }
    database_ = detail::open_database(options.path.string(), options.vfs.empty() ? nullptr : options.vfs.c_str(), true);
    transaction_.emplace(database_);
    if (database_.number("SELECT (SELECT count(*) FROM addresses) + (SELECT count(*) FROM mailboxes)"
                         " + (SELECT count(*) FROM messages)") != 0) {
      throw std::system_error{SqliteError::not_empty};
    }
    rows_.emplace(database_);
  }

  /// A file that this made is gone where nothing was put there: a server would take it for a store without mail.
  ~SqliteImport() {
    if (made_.empty()) {
      return;
    }
    rows_.reset();
    transaction_.reset();
    database_ = {};
    for (const char* const end : {"", "-wal", "-shm"}) {
      std::error_code none;
      std::filesystem::remove(made_.string() + end, none);
    }
  }

  SqliteImport(const SqliteImport&) = delete;
  SqliteImport& operator=(const SqliteImport&) = delete;

  void address(const AddressAdded& added, bool was_opened) override {
    rows_->add_address.run(added.address.index(), as_text(added.name), added.epoch, was_opened ? 1 : 0);
  }
  void sequence(Address sender, std::uint64_t sequence, MessageState state) override {
    SequenceWindow& window = windows_[sender];
    if (sequence <= window.highest()) {
      throw std::system_error{std::make_error_code(std::errc::invalid_argument)};
    }
    window.restore(sequence, state);
  }
  void member(const MemberJoined& joined, Offset delivered_end) override {
    rows_->add_member.run(joined.room.index(), joined.member.index(), joined.cursor, delivered_end);
  }
  void delivered(const MessagesDelivered& delivered) override {
    mailboxes_[delivered.receiver].delivered_end = delivered.up_to + 1;
  }
  void message(const MessageStored& stored) override {
    rows_->add_message.run(++last_id_, stored.receiver.index(), stored.offset, stored.sender.index(), stored.sequence,
                           stored.time_ms, stored.expires_ms, stored.payload);
  }
  void next_offset(Address receiver, Offset offset) override { mailboxes_[receiver].next_offset = offset; }

  /// Looks through all that was put there, as SqliteFile::check() does, and makes it durable where nothing is wrong.
  /// Gives what is wrong. To be called once, at the end.
  std::vector<std::string> commit() {
    for (const auto& [address, mailbox] : mailboxes_) {
      rows_->add_mailbox.run(address.index(), mailbox.next_offset, mailbox.delivered_end);
    }
    for (const auto& [sender, window] : windows_) {
      rows_->add_window.run(sender.index(), window.highest(), BytesView{detail::states_of(window)});
    }
    detail::Faults faults;
    detail::check_rows(database_, faults);
    if (faults.empty()) {
      transaction_->commit();
      made_.clear();
    }
    return faults.take();
  }

 private:
  struct Mailbox {
    Offset next_offset = 0;
    Offset delivered_end = 0;
  };

  struct Rows {
    explicit Rows(const detail::Database& database)
        : add_address{database, "INSERT INTO addresses VALUES(?, ?, ?, ?)"},
          add_mailbox{database, "INSERT INTO mailboxes VALUES(?, ?, ?)"},
          add_message{database, "INSERT INTO messages VALUES(?, ?, ?, ?, ?, ?, ?, ?)"},
          add_window{database, "INSERT INTO windows VALUES(?, ?, ?)"},
          add_member{database, "INSERT INTO members VALUES(NULL, ?, ?, ?, ?)"} {}

    detail::Statement add_address;
    detail::Statement add_mailbox;
    detail::Statement add_message;
    detail::Statement add_window;
    detail::Statement add_member;
  };

  std::optional<detail::FileLock> lock_;
  /// Until it is worth keeping.
  std::filesystem::path made_;
  detail::Database database_;
  std::optional<detail::Transaction> transaction_;
  std::optional<Rows> rows_;
  std::map<Address, Mailbox> mailboxes_;
  std::map<Address, SequenceWindow> windows_;
  std::int64_t last_id_ = 0;
};

}  // namespace restante
