// A file that is there wholly or not at all.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <restante/sqlite/detail/file_lock.hpp>
#include <restante/sqlite/error.hpp>

namespace restante::detail {

/// The file that a copy goes to. What is written goes to another one beside it, which is gone when this is, and takes
/// the name when it is whole. Everything throws std::system_error.
class CopyTarget {
 public:
  /// Throws errc::file_exists where something has the name already that is not to be replaced, SqliteError::in_use
  /// where a server uses that, or another copy is being made.
  CopyTarget(const std::filesystem::path& source, std::filesystem::path target, bool replaces)
      : target_{std::move(target)}, written_{target_.string() + ".part"}, replaces_{replaces} {
    expect_free(source);
    constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    descriptor_ = ::open(written_.c_str(), flags | O_CREAT | O_EXCL, 0600);
    if (descriptor_ < 0 && errno == EEXIST) {
      descriptor_ = ::open(written_.c_str(), flags);
    }
    if (descriptor_ < 0) {
      throw std::system_error{errno, std::generic_category(), written_.string()};
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(descriptor_);
      throw std::system_error{error == EWOULDBLOCK ? make_error_code(SqliteError::in_use)
                                                   : std::error_code{error, std::generic_category()}};
    }
    if (!is_given_up_copy()) {
      ::close(descriptor_);
      throw std::system_error{std::make_error_code(std::errc::file_exists), written_.string()};
    }
    check(::ftruncate(descriptor_, 0));
  }

  CopyTarget(const CopyTarget&) = delete;
  CopyTarget& operator=(const CopyTarget&) = delete;

  ~CopyTarget() {
    if (!is_finished_) {
      ::unlink(written_.c_str());
    }
    ::close(descriptor_);
  }

  /// To be written, as a file that is there and empty.
  const std::filesystem::path& written() const noexcept { return written_; }

  /// What was written is synced, and has its name from now on.
  void finish() {
    check(::fsync(descriptor_));
    // Where the file system has no second names, two programs could replace each other's.
    if (!replaces_ && ::link(written_.c_str(), target_.c_str()) == 0) {
      check(::unlink(written_.c_str()));
    } else if (replaces_ || errno == EPERM || errno == EOPNOTSUPP) {
      check(std::rename(written_.c_str(), target_.c_str()));
    } else {
      check(-1);
    }
    is_finished_ = true;
    const std::filesystem::path folder = target_.has_parent_path() ? target_.parent_path() : ".";
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(descriptor);
    const int result = ::fsync(descriptor);
    const int error = errno;
    ::close(descriptor);
    // Some file systems cannot, and need not.
    if (result != 0 && error != EINVAL) {
      throw std::system_error{error, std::generic_category()};
    }
  }

 private:
  static void check(int result) {
    if (result < 0) {
      throw std::system_error{errno, std::generic_category()};
    }
  }

  // What a program left that was killed, and nothing that others may want to keep, or to read.
  bool is_given_up_copy() const {
    struct ::stat found {};
    std::array<char, 15> begin{};
    return ::fstat(descriptor_, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == ::geteuid() &&
           found.st_nlink == 1 && (found.st_mode & 0777U) == 0600U &&
           (found.st_size == 0 ||
            (::pread(descriptor_, begin.data(), begin.size(), 0) == std::ssize(begin) &&
             (std::string_view{begin.data(), begin.size()} == "SQLite format 3" || begin == decltype(begin){})));
  }

  // SQLite would take a log that was left there for that of the copy.
  void expect_free(const std::filesystem::path& source) {
    std::error_code none;
    const bool is_there = std::filesystem::exists(std::filesystem::symlink_status(target_));
    if (is_there && (!replaces_ || std::filesystem::equivalent(source, target_, none) ||
                     !std::filesystem::is_regular_file(std::filesystem::symlink_status(target_)))) {
      throw std::system_error{std::make_error_code(std::errc::file_exists)};
    }
    for (const char* const end : {"-wal", "-journal"}) {
      const std::filesystem::path log = target_.string() + end;
      if (std::filesystem::exists(log) && std::filesystem::file_size(log) != 0) {
        throw std::system_error{std::make_error_code(std::errc::file_exists), log.string()};
      }
    }
    // A server must not begin to use what is about to be replaced.
    if (is_there || std::filesystem::exists(target_.string() + "-lock")) {
      lock_.emplace(target_.string());
    }
  }

  const std::filesystem::path target_;
  const std::filesystem::path written_;
  const bool replaces_;
  std::optional<FileLock> lock_;
  int descriptor_ = -1;
  bool is_finished_ = false;
};

}  // namespace restante::detail
