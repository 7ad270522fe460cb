// Bytes as text that may stand in an address of the web (RFC 4648, section 5), without padding, as tokens have it.
#pragma once

#include <sodium.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <restante/authentication/secret.hpp>

namespace restante {

inline std::string to_base64url(BytesView bytes) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();  // The zero at the end.
  return text;
}

/// The one text that these bytes have, and no other: nothing for padding, foreign characters, blanks, and bits that
/// mean nothing and are not 0.
inline std::optional<Secret> from_base64url(std::string_view text) {
  Secret bytes{text.size() / 4 * 3 + 3};
  std::size_t size = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr,
                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
    return std::nullopt;
  }
  bytes.shorten(size);
  return bytes;
}

}  // namespace restante
