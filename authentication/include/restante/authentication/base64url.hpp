// Bytes as text that may stand in an address of the web (RFC 4648, section 5), without padding, as tokens have it.
#pragma once

#include <sodium.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <restante/authentication/secret.hpp>

namespace restante {

namespace detail {

// The variants are libsodium's.
inline std::string to_base64(BytesView bytes, int variant) {
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();  // The zero at the end.
  return text;
}

inline std::optional<Secret> from_base64(std::string_view text, int variant) {
  Secret bytes{text.size() / 4 * 3 + 3};
  std::size_t size = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr, variant) != 0) {
    return std::nullopt;
  }
  bytes.shorten(size);
  // Where char has a sign, libsodium 1.0.18 takes the byte c1 for an 'A', which is 41.
  if (to_base64(bytes.bytes(), variant) != text) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace detail

inline std::string to_base64url(BytesView bytes) {
  return detail::to_base64(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/// The one text that these bytes have, and no other: nothing for padding, foreign characters, blanks, and bits that
/// mean nothing and are not 0.
inline std::optional<Secret> from_base64url(std::string_view text) {
  return detail::from_base64(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

}  // namespace restante
