// One server for a file.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include <restante/sqlite/error.hpp>

namespace restante::detail {

/// Holds a lock beside a file while it lives. Not on the file itself, so that others may read that, and take backups.
/// Symbolic links to a file are the same file.
class FileLock {
 public:
  /// Throws std::system_error: SqliteError::in_use where somebody else holds it.
  explicit FileLock(const std::string& path) {
    std::error_code none;
    const std::filesystem::path found = std::filesystem::weakly_canonical(path, none);
    const std::string name = (none ? path : found.string()) + "-lock";
    // No links are followed: who can write to the folder must not choose what root opens, and gives away.
    constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    descriptor_ = ::open(name.c_str(), flags | O_CREAT | O_EXCL, 0600);
    const bool is_new = descriptor_ >= 0;
    if (!is_new && errno == EEXIST) {
      descriptor_ = ::open(name.c_str(), flags);
    }
    if (descriptor_ < 0) {
      throw std::system_error{errno, std::generic_category(), name};
    }
    // What root locks for a moment, the owner of the file has to be able to lock later.
    struct ::stat file {};
    if (is_new && ::geteuid() == 0 && ::stat(path.c_str(), &file) == 0 &&
        ::fchown(descriptor_, file.st_uid, file.st_gid) != 0) {
      const int error = errno;
      ::close(descriptor_);
      throw std::system_error{error, std::generic_category(), name};
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(descriptor_);
      if (error == EWOULDBLOCK) {
        throw std::system_error{SqliteError::in_use};
      }
      throw std::system_error{error, std::generic_category(), name};
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { ::close(descriptor_); }

 private:
  int descriptor_ = -1;
};

}  // namespace restante::detail
