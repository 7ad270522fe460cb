// Bytes that somebody else owns.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace restante {

/// A view of bytes, valid for the length of the call that it is passed to unless the function says otherwise.
using BytesView = std::span<const std::uint8_t>;

/// The bytes of a text, unchanged and not copied: valid as long as the text is.
inline BytesView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Bytes as text, unchanged, not copied and not checked to be UTF-8: valid as long as the bytes are.
inline std::string_view as_text(BytesView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

namespace detail {

/// Eight bytes as a number, the first of them the lowest. Compilers make one load of bytes that are joined like this.
[[gnu::always_inline]] constexpr std::uint64_t load_word(const std::uint8_t* bytes) noexcept {
  return std::uint64_t{bytes[0]} | std::uint64_t{bytes[1]} << 8U | std::uint64_t{bytes[2]} << 16U |
         std::uint64_t{bytes[3]} << 24U | std::uint64_t{bytes[4]} << 32U | std::uint64_t{bytes[5]} << 40U |
         std::uint64_t{bytes[6]} << 48U | std::uint64_t{bytes[7]} << 56U;
}

}  // namespace detail
}  // namespace restante
