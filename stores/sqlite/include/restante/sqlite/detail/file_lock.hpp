// One server for a file.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include <restante/sqlite/error.hpp>

namespace restante::detail {

/// Holds a lock beside a file while it lives. Not on the file itself, so that others may read that, and take backups.
class FileLock {
 public:
  /// Throws std::system_error: SqliteError::in_use where somebody else holds it.
  explicit FileLock(const std::string& path)
      : descriptor_{::open((path + "-lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)} {
    if (descriptor_ < 0) {
      throw std::system_error{errno, std::generic_category()};
    }
    // What root locks for a moment, the owner of the file has to be able to lock later.
    struct ::stat file {};
    if (::geteuid() == 0 && ::stat(path.c_str(), &file) == 0 && ::fchown(descriptor_, file.st_uid, file.st_gid) != 0) {
      const int error = errno;
      ::close(descriptor_);
      throw std::system_error{error, std::generic_category()};
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(descriptor_);
      throw std::system_error{error == EWOULDBLOCK ? make_error_code(SqliteError::in_use)
                                                   : std::error_code{error, std::generic_category()}};
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { ::close(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace restante::detail
