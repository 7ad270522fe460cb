// Hashes that nobody outside can foresee.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <restante/bytes.hpp>

namespace restante::detail {

/// A secret, drawn at random by whoever makes the table.
using SipKey = std::array<std::uint64_t, 2>;

/// SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012, with one round for each word and three at
/// the end), so that who chooses names cannot choose where they lie in a table. The same on every machine.
constexpr std::uint64_t siphash(const SipKey& key, BytesView bytes) noexcept {
  std::uint64_t v0 = key[0] ^ 0x736f6d6570736575U;
  std::uint64_t v1 = key[1] ^ 0x646f72616e646f6dU;
  std::uint64_t v2 = key[0] ^ 0x6c7967656e657261U;
  std::uint64_t v3 = key[1] ^ 0x7465646279746573U;
  const auto round = [&]() __attribute__((always_inline)) {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  };
  const auto take = [&](std::uint64_t word) __attribute__((always_inline)) {
    v3 ^= word;
    round();
    v0 ^= word;
  };
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    take(load_word(&bytes[at]));
  }
  std::uint64_t word = std::uint64_t{bytes.size()} << 56U;
  for (unsigned shift = 0; at < bytes.size(); ++at, shift += 8) {
    word |= std::uint64_t{bytes[at]} << shift;
  }
  take(word);
  v2 ^= 0xff;
  round();
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace restante::detail
