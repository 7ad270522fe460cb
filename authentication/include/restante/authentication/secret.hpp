// Bytes that nobody else is to see: wiped when they are not needed any more.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>

namespace restante {

/// Makes libsodium ready, once; every class here that needs it calls this itself. Thread safe.
inline void prepare_sodium() {
  static const int prepared = sodium_init();
  RESTANTE_ASSERT(prepared >= 0, "libsodium cannot be used: the system gives it no random numbers");
}

/// Owns a copy of a password, a key or a token, and overwrites it before its memory is given back. Move-only, so that
/// there is one place to wipe. Not thread safe.
class Secret {
 public:
  Secret() = default;
  /// Copies the bytes.
  explicit Secret(BytesView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  explicit Secret(std::string_view text) : Secret{as_bytes(text)} {}
  /// So many bytes of 0, to be filled.
  explicit Secret(std::size_t bytes) : bytes_(bytes) {}

  Secret(Secret&& other) noexcept : bytes_{std::move(other.bytes_)} { other.bytes_.clear(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      bytes_ = std::move(other.bytes_);
      other.bytes_.clear();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  bool empty() const noexcept { return bytes_.empty(); }
  std::size_t size() const noexcept { return bytes_.size(); }
  std::uint8_t* data() noexcept { return bytes_.data(); }
  const std::uint8_t* data() const noexcept { return bytes_.data(); }
  /// Valid as long as the secret is unchanged.
  BytesView bytes() const noexcept { return bytes_; }
  std::string_view text() const noexcept { return as_text(bytes_); }

  /// Keeps the first `size` bytes, of which there are at least so many, and wipes the rest.
  void shorten(std::size_t size) {
    RESTANTE_ASSERT(size <= bytes_.size(), "a secret can be made shorter, not longer");
    sodium_memzero(bytes_.data() + size, bytes_.size() - size);
    bytes_.resize(size);
  }

  /// Makes it longer by copying: the old memory is wiped.
  void append(BytesView more) {
    Secret longer{bytes_.size() + more.size()};
    std::copy(bytes_.begin(), bytes_.end(), longer.bytes_.begin());
    std::copy(more.begin(), more.end(), longer.bytes_.begin() + static_cast<std::ptrdiff_t>(bytes_.size()));
    *this = std::move(longer);
  }

 private:
  void wipe() noexcept {
    if (!bytes_.empty()) {
      sodium_memzero(bytes_.data(), bytes_.size());
    }
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace restante
