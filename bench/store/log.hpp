// What a log that is only ever appended to could reach: nothing but the bytes of the changes, written and synced.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include <restante/bytes.hpp>

namespace restante::bench {

/// A file that is written and synced. What fails throws std::system_error.
class SyncedFile {
 public:
  explicit SyncedFile(const std::filesystem::path& path)
      : descriptor_{::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600)} {
    check(descriptor_ >= 0);
  }
  SyncedFile(const SyncedFile&) = delete;
  SyncedFile& operator=(const SyncedFile&) = delete;
  ~SyncedFile() { ::close(descriptor_); }

  void write(BytesView bytes, std::uint64_t offset) {
    check(::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
          static_cast<ssize_t>(bytes.size()));
  }

  void sync() { check(::fdatasync(descriptor_) == 0); }

 private:
  static void check(bool succeeded) {
    if (!succeeded) {
      throw std::system_error{errno, std::generic_category(), "the file could not be written"};
    }
  }

  int descriptor_;
};

/// Records of pushes, as short as they can be and still say what a row of the store says, each batch with a checksum.
/// There is no index, nothing is ever taken out, and nothing tells where a message is: whatever a whole store on such a
/// log would do besides makes it slower than this.
class AppendOnlyLog {
 public:
  explicit AppendOnlyLog(const std::filesystem::path& path) : file_{path} {}

  struct Push {
    std::uint32_t receiver;
    std::uint32_t sender;
    std::uint64_t offset;
    std::uint64_t sequence;
    std::uint64_t time_ms;
    std::uint64_t expires_ms;
  };

  void push(const Push& push, BytesView payload) {
    const auto bytes = static_cast<std::uint32_t>(payload.size());
    append(&bytes, sizeof bytes);
    append(&push, sizeof push);
    append(payload.data(), payload.size());
  }

  /// What was pushed is durable when this returns.
  void commit() {
    const std::uint64_t sum = checksum();
    append(&sum, sizeof sum);
    grow();
    file_.write(batch_, end_);
    file_.sync();
    end_ += batch_.size();
    batch_.clear();
  }

 private:
  // To a file that does not become longer, a sync takes half the time.
  static constexpr std::size_t growth = std::size_t{1} << 20U;

  void append(const void* bytes, std::size_t count) {
    const auto* const begin = static_cast<const std::uint8_t*>(bytes);
    batch_.insert(batch_.end(), begin, begin + count);
  }

  std::uint64_t checksum() const {
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at + sizeof sum <= batch_.size(); at += sizeof sum) {
      std::uint64_t word = 0;
      std::memcpy(&word, batch_.data() + at, sizeof word);
      sum = (sum ^ word) * 0x9E37'79B9'7F4A'7C15U;
    }
    return sum;
  }

  void grow() {
    while (end_ + batch_.size() > size_) {
      file_.write(std::vector<std::uint8_t>(growth), size_);
      size_ += growth;
    }
  }

  SyncedFile file_;
  std::vector<std::uint8_t> batch_;
  std::uint64_t end_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace restante::bench
