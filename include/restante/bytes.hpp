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

}  // namespace restante
