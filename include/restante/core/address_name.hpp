// Which names can be addresses (docs/protocol.md, restante.v2, "Addresses").
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <restante/bytes.hpp>

namespace restante {

/// What a name names.
enum class NameKind : std::uint8_t {
  /// Nothing: it cannot be an address.
  bad,
  /// A classic client id.
  classic,
  mailbox,
  room,
};

namespace detail {

/// The first character of well-formed UTF-8 (RFC 3629), and its length in bytes: 0 where the bytes are none.
struct Character {
  std::uint32_t code_point = 0;
  std::size_t bytes = 0;
};

constexpr Character first_character(BytesView text) noexcept {
  const std::uint8_t first = text[0];
  if (first < 0x80) {
    return {first, 1};
  }
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) {
    return {};
  }
  std::uint32_t code_point = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((text[i] & 0xc0U) != 0x80U) {
      return {};
    }
    code_point = code_point << 6U | (text[i] & 0x3fU);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  return code_point < smallest[size] || code_point > 0x10ffff || is_surrogate ? Character{}
                                                                              : Character{code_point, size};
}

/// Characters that a reader would not see, or that would change what a reader sees.
constexpr bool is_forbidden(std::uint32_t c) noexcept {
  const bool is_control = c <= 0x1f || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
  const bool turns_text =
      c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return is_control || turns_text;
}

}  // namespace detail

/// Whether two names are the same. Most are so short that calling memcmp() takes longer than to compare them.
[[gnu::always_inline]] constexpr bool is_same_name(BytesView one, BytesView other) noexcept {
  if (one.size() != other.size()) {
    return false;
  }
  if (one.size() < 8) {
    return std::equal(one.begin(), one.end(), other.begin());
  }
  // The last eight bytes may have been compared in part before.
  const std::size_t last = one.size() - 8;
  for (std::size_t at = 0; at < last; at += 8) {
    if (detail::load_word(&one[at]) != detail::load_word(&other[at])) {
      return false;
    }
  }
  return detail::load_word(&one[last]) == detail::load_word(&other[last]);
}

/// The classic client id that a name is, or -1: decimal, without leading zeros, at most 255.
constexpr int classic_id_of(BytesView name) noexcept {
  if (name.empty() || name.size() > 3 || (name[0] == '0' && name.size() > 1)) {
    return -1;
  }
  int id = 0;
  for (const std::uint8_t digit : name) {
    if (digit < '0' || digit > '9') {
      return -1;
    }
    id = id * 10 + (digit - '0');
  }
  return id <= 255 ? id : -1;
}

constexpr NameKind kind_of_name(BytesView name) noexcept {
  constexpr std::size_t bytes_max = 64;
  if (name.empty() || name.size() > bytes_max || (name.size() == 1 && (name[0] == '*' || name[0] == '#'))) {
    return NameKind::bad;
  }
  if (classic_id_of(name) >= 0) {
    return NameKind::classic;
  }
  bool all_digits = true;
  for (BytesView left = name; !left.empty();) {
    const detail::Character character = detail::first_character(left);
    if (character.bytes == 0 || detail::is_forbidden(character.code_point)) {
      return NameKind::bad;
    }
    all_digits = all_digits && character.code_point >= '0' && character.code_point <= '9';
    left = left.subspan(character.bytes);
  }
  return all_digits ? NameKind::bad : name[0] == '#' ? NameKind::room : NameKind::mailbox;
}

}  // namespace restante
