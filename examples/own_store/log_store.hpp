// A store of one's own: every change is appended to a file, and durable when fdatasync() has returned.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <restante/store.hpp>

/// Keeps messages in a file that one program at a time may use. The file grows while the program runs; load() writes it
/// anew with what is still held. The thread that makes changes is never made to wait: another one writes.
class LogStore {
 public:
  /// Throws std::system_error when the file cannot be used, or another program uses it.
  explicit LogStore(const std::filesystem::path& path) : path_{std::filesystem::absolute(path)} {
    lock_file_ = ::open((path_.string() + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock_file_ < 0 || ::flock(lock_file_, LOCK_EX | LOCK_NB) != 0) {
      const std::error_code error = last_error();
      if (lock_file_ >= 0) {
        ::close(lock_file_);
      }
      throw std::system_error{error, path_.string()};
    }
  }
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;
  ~LogStore() {
    close_file();
    ::close(lock_file_);
  }

  void start(restante::Waker waker) {
    waker_ = waker;
    writer_ = std::thread{[this] { write_until_stopped(); }};
  }

  /// What commit() was called for is written before this returns.
  void stop() {
    {
      const std::lock_guard guard{mutex_};
      stopping_ = true;
    }
    changed_.notify_all();
    writer_.join();
  }

  void record(const restante::MessageStored& stored) {
    append(recorded_, {Kind::stored, stored.receiver, stored.sender, stored.offset, stored.payload});
  }
  void record(const restante::MessageTaken& taken) {
    append(recorded_, {Kind::taken, taken.receiver, {}, taken.offset, {}});
  }

  void commit(std::uint64_t turn) {
    {
      const std::lock_guard guard{mutex_};
      pending_.insert(pending_.end(), recorded_.begin(), recorded_.end());
      pending_turn_ = turn;
    }
    recorded_.clear();
    changed_.notify_all();
  }

  std::optional<restante::Commit> completed() {
    const std::lock_guard guard{mutex_};
    if (completed_.empty()) {
      return std::nullopt;
    }
    const restante::Commit commit = completed_.front();
    completed_.pop_front();
    return commit;
  }

  std::error_code load(restante::MessageLoader& loader) {
    forget_what_is_under_way();
    Mailboxes mailboxes;
    if (const std::error_code error = read(mailboxes)) {
      return error;
    }
    // Written anew even where nothing is left out: after a failure nobody knows what of the old file is on the disk.
    if (const std::error_code error = write_anew(mailboxes)) {
      return error;
    }
    for (std::uint32_t index = 0; index < restante::Address::classic_count; ++index) {
      const restante::Address receiver{static_cast<std::uint8_t>(index)};
      for (const Message& message : mailboxes[index].messages) {
        loader.message({receiver, message.offset, message.sender, message.payload});
      }
      loader.next_offset(receiver, mailboxes[index].next_offset);
    }
    const std::lock_guard guard{mutex_};
    failed_ = false;
    return {};
  }

 private:
  enum class Kind : std::uint8_t { stored, taken, next_offset };

  // In the file: kind, receiver, sender, length, offset (8 bytes, the highest first), payload, checksum (4 bytes).
  struct Entry {
    Kind kind = Kind::stored;
    restante::Address receiver = {};
    restante::Address sender = {};
    restante::Offset offset = 0;
    restante::BytesView payload = {};
  };
  static constexpr std::size_t header_bytes = 12;
  static constexpr std::size_t checksum_bytes = 4;

  struct Message {
    restante::Offset offset = 0;
    restante::Address sender = {};
    std::vector<std::uint8_t> payload = {};
  };
  struct Mailbox {
    std::deque<Message> messages;
    restante::Offset next_offset = 0;
  };
  using Mailboxes = std::array<Mailbox, restante::Address::classic_count>;

  static std::error_code last_error() { return {errno, std::generic_category()}; }

  static std::uint64_t number_at(restante::BytesView bytes) {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : bytes) {
      number = number << 8U | byte;
    }
    return number;
  }

  static void append_number(std::vector<std::uint8_t>& to, std::uint64_t number, unsigned bytes) {
    while (bytes-- > 0) {
      to.push_back(static_cast<std::uint8_t>(number >> (8 * bytes)));
    }
  }

  // FNV-1a: against a write that was cut short, not against malice.
  static std::uint32_t checksum(restante::BytesView bytes) {
    std::uint32_t sum = 2166136261;
    for (const std::uint8_t byte : bytes) {
      sum = (sum ^ byte) * 16777619;
    }
    return sum;
  }

  static void append(std::vector<std::uint8_t>& to, const Entry& entry) {
    const std::size_t begin = to.size();
    to.push_back(static_cast<std::uint8_t>(entry.kind));
    to.push_back(entry.receiver.classic_id());
    to.push_back(entry.sender.classic_id());
    to.push_back(static_cast<std::uint8_t>(entry.payload.size()));
    append_number(to, entry.offset, 8);
    to.insert(to.end(), entry.payload.begin(), entry.payload.end());
    append_number(to, checksum(std::span{to}.subspan(begin)), checksum_bytes);
  }

  // The first entry of a log, and how many bytes it takes; nothing where it is not whole.
  static std::optional<std::pair<Entry, std::size_t>> first_entry(restante::BytesView log) {
    if (log.size() < header_bytes || log.size() < header_bytes + log[3] + checksum_bytes) {
      return std::nullopt;
    }
    const restante::BytesView entry = log.first(header_bytes + log[3]);
    if (log[0] > 2 || number_at(log.subspan(entry.size(), checksum_bytes)) != checksum(entry)) {
      return std::nullopt;
    }
    return std::pair{Entry{static_cast<Kind>(log[0]), restante::Address{log[1]}, restante::Address{log[2]},
                           number_at(log.subspan(4, 8)), entry.subspan(header_bytes)},
                     entry.size() + checksum_bytes};
  }

  static void apply(const Entry& entry, Mailbox& mailbox) {
    switch (entry.kind) {
      case Kind::stored:
        mailbox.messages.push_back({entry.offset, entry.sender, {entry.payload.begin(), entry.payload.end()}});
        mailbox.next_offset = entry.offset + 1;
        break;
      case Kind::taken:
        if (!mailbox.messages.empty()) {
          mailbox.messages.pop_front();
        }
        break;
      case Kind::next_offset:
        mailbox.next_offset = entry.offset;
        break;
    }
  }

  // A commit is written after the one before it is durable, so that only the last can have been cut short: what follows
  // the last whole entry was never acknowledged to anybody.
  std::error_code read(Mailboxes& mailboxes) const {
    std::error_code error;
    if (!std::filesystem::exists(path_, error)) {
      return error;
    }
    std::ifstream file{path_, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file.is_open() || file.bad()) {
      return std::make_error_code(std::errc::io_error);
    }
    restante::BytesView log = restante::as_bytes(text);
    while (const auto entry = first_entry(log)) {
      apply(entry->first, mailboxes[entry->first.receiver.index()]);
      log = log.subspan(entry->second);
    }
    return {};
  }

  // The new file takes the place of the old one at once or not at all, and stays open for what comes.
  std::error_code write_anew(const Mailboxes& mailboxes) {
    std::vector<std::uint8_t> log;
    for (std::uint32_t index = 0; index < restante::Address::classic_count; ++index) {
      const restante::Address receiver{static_cast<std::uint8_t>(index)};
      for (const Message& message : mailboxes[index].messages) {
        append(log, {Kind::stored, receiver, message.sender, message.offset, message.payload});
      }
      append(log, {Kind::next_offset, receiver, {}, mailboxes[index].next_offset, {}});
    }
    const std::string new_path = path_.string() + ".new";
    close_file();
    file_ = ::open(new_path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (file_ < 0) {
      return last_error();
    }
    if (const std::error_code error = write_durably(log)) {
      return error;
    }
    if (::rename(new_path.c_str(), path_.c_str()) != 0) {
      return last_error();
    }
    return sync_folder();
  }

  // The name of a file is durable when its folder is.
  std::error_code sync_folder() const {
    const int descriptor = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
      return last_error();
    }
    const std::error_code error = ::fsync(descriptor) == 0 ? std::error_code{} : last_error();
    ::close(descriptor);
    return error;
  }

  std::error_code write_durably(restante::BytesView bytes) const {
    while (!bytes.empty()) {
      const auto written = ::write(file_, bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR) {
        return last_error();
      }
      bytes = bytes.subspan(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    return ::fdatasync(file_) == 0 ? std::error_code{} : last_error();
  }

  void close_file() {
    if (file_ >= 0) {
      ::close(std::exchange(file_, -1));
    }
  }

  // The writer: takes all that is pending and writes it as one. After an error nothing is written until load(), because
  // what comes later must not be kept where what came before is not.
  void write_until_stopped() {
    std::unique_lock lock{mutex_};
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || (pending_turn_ != 0 && !failed_); });
      if (pending_turn_ == 0 || failed_) {
        return;
      }
      const std::vector<std::uint8_t> bytes = std::exchange(pending_, {});
      const std::uint64_t turn = std::exchange(pending_turn_, 0);
      writing_ = true;
      lock.unlock();
      const std::error_code error = write_durably(bytes);
      lock.lock();
      writing_ = false;
      failed_ = failed_ || error;
      completed_.push_back({turn, error});
      written_.notify_all();
      waker_();
    }
  }

  void forget_what_is_under_way() {
    std::unique_lock lock{mutex_};
    recorded_.clear();
    pending_.clear();
    pending_turn_ = 0;
    written_.wait(lock, [this] { return !writing_; });
    completed_.clear();
    failed_ = true;
  }

  const std::filesystem::path path_;
  int lock_file_ = -1;
  int file_ = -1;  // The writer's while writing_, the other thread's in load().
  restante::Waker waker_;
  std::vector<std::uint8_t> recorded_;  // Only the thread of the transport has this.

  std::mutex mutex_;  // For all that follows.
  std::condition_variable changed_;
  std::condition_variable written_;
  std::vector<std::uint8_t> pending_;
  std::uint64_t pending_turn_ = 0;  // 0 when nothing is pending.
  std::deque<restante::Commit> completed_;
  bool writing_ = false;
  bool failed_ = false;
  bool stopping_ = false;
  std::thread writer_;
};

static_assert(restante::Store<LogStore>);
