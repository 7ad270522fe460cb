// Which file it is that has a name.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>

namespace restante::detail {

/// A file as its file system numbers it. Another one may have the number when nobody has the first one open any more.
struct FileIdentity {
  ::dev_t device;
  ::ino_t number;
  bool operator==(const FileIdentity&) const = default;
};

/// Nothing where no file has the name. Opens nothing: closing a file ends the locks that SQLite has on it in this
/// program.
inline std::optional<FileIdentity> identity_of(const std::string& path) {
  struct ::stat found {};
  return ::stat(path.c_str(), &found) == 0 ? std::optional{FileIdentity{found.st_dev, found.st_ino}} : std::nullopt;
}

}  // namespace restante::detail
