// Reading and replacing the files that passwords and keys are in.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <restante/authentication/secret.hpp>

namespace restante {

/// A file of passwords or keys cannot be used. The text names the file, and the line where there is one; it never holds
/// what is secret.
class AuthenticationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a file holds, and whether others than its owner may read it.
struct SecretFile {
  Secret content;
  bool others_may_read = false;
};

namespace detail {

/// A file descriptor that is closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_{number} {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  bool open() const noexcept { return number_ >= 0; }
  int number() const noexcept { return number_; }
  /// Gives false where the system had an error to report only now.
  bool close() noexcept { return number_ < 0 || ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

[[noreturn]] inline void file_failed(const std::filesystem::path& path, const char* what) {
  throw AuthenticationError(path.string() + " " + what + ": " + std::generic_category().message(errno));
}

// What is renamed must not take the place of a link, but of what the link leads to.
inline std::filesystem::path behind_links(const std::filesystem::path& path) {
  std::error_code none;
  std::filesystem::path real = std::filesystem::canonical(path, none);
  return none ? path : real;
}

inline std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
}

inline void write_all(const Descriptor& file, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(file.number(), content.data(), content.size());
    if (written < 0 && errno != EINTR) {
      file_failed(path, "cannot be written");
    }
    content.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
}

// So that the name, too, is there after a power cut.
inline void sync_folder(const std::filesystem::path& path) {
  const Descriptor folder{::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder.open() || ::fsync(folder.number()) != 0) {
    file_failed(path, "may not be durable: its folder cannot be synced");
  }
}

}  // namespace detail

/// Reads a regular file of at most `bytes_max` bytes. Throws AuthenticationError.
inline SecretFile read_secret_file(const std::filesystem::path& path, std::size_t bytes_max) {
  // Without waiting, should it be a pipe that nobody writes to.
  const detail::Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (!file.open() || ::fstat(file.number(), &status) != 0) {
    detail::file_failed(path, "cannot be read");
  }
  if (!S_ISREG(status.st_mode)) {
    throw AuthenticationError(path.string() + " is no regular file");
  }
  if (static_cast<std::size_t>(status.st_size) > bytes_max) {
    throw AuthenticationError(path.string() + " is longer than " + std::to_string(bytes_max) + " bytes");
  }
  SecretFile read{Secret{static_cast<std::size_t>(status.st_size)}, (status.st_mode & (S_IRWXG | S_IRWXO)) != 0};
  std::size_t done = 0;
  while (done < read.content.size()) {
    const ssize_t got = ::read(file.number(), read.content.data() + done, read.content.size() - done);
    if (got < 0 && errno != EINTR) {
      detail::file_failed(path, "cannot be read");
    }
    if (got == 0) {
      break;
    }
    done += got < 0 ? 0 : static_cast<std::size_t>(got);
  }
  read.content.shorten(done);
  return read;
}

/// Writes a file that only its owner may read, in one step: whoever reads it, after a crash too, sees the old content
/// or the new one. Where there was a file it keeps its owner. Throws AuthenticationError; then the old file is as it
/// was.
inline void replace_secret_file(const std::filesystem::path& path, std::string_view content) {
  const std::filesystem::path target = detail::behind_links(path);
  std::string name = target.string() + ".XXXXXX";
  // Made with mode 0600.
  detail::Descriptor file{::mkostemp(name.data(), O_CLOEXEC)};
  if (!file.open()) {
    detail::file_failed(path, "cannot be written");
  }
  try {
    struct stat before {};
    if (::stat(target.c_str(), &before) == 0 && (before.st_uid != ::geteuid() || before.st_gid != ::getegid()) &&
        ::fchown(file.number(), before.st_uid, before.st_gid) != 0) {
      detail::file_failed(path, "cannot keep its owner");
    }
    detail::write_all(file, content, path);
    if (::fsync(file.number()) != 0 || !file.close() || ::rename(name.c_str(), target.c_str()) != 0) {
      detail::file_failed(path, "cannot be written");
    }
  } catch (...) {
    ::unlink(name.c_str());
    throw;
  }
  detail::sync_folder(target);
}

/// Writes a file that only its owner may read, and that must not be there yet. Throws AuthenticationError.
inline void create_secret_file(const std::filesystem::path& path, std::string_view content) {
  detail::Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (!file.open()) {
    detail::file_failed(path, "cannot be made");
  }
  try {
    detail::write_all(file, content, path);
    if (::fsync(file.number()) != 0 || !file.close()) {
      detail::file_failed(path, "cannot be written");
    }
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
  detail::sync_folder(path);
}

/// While it lives, no other one lives for a file in the same folder, in any program: for reading a file, changing it,
/// and replacing it. Waits for the others. Throws AuthenticationError where there is no such folder.
class SecretFileLock {
 public:
  explicit SecretFileLock(const std::filesystem::path& path)
      : folder_{::open(detail::folder_of(detail::behind_links(path)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {
    if (!folder_.open() || ::flock(folder_.number(), LOCK_EX) != 0) {
      detail::file_failed(path, "cannot be locked");
    }
  }

 private:
  detail::Descriptor folder_;
};

}  // namespace restante
