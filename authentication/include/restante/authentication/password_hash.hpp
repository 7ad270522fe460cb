// Passwords as they are kept: hashes that take time and memory to try (Argon2id, RFC 9106), made by libsodium.
#pragma once

#include <sodium.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include <restante/authentication.hpp>
#include <restante/authentication/base64url.hpp>
#include <restante/authentication/secret.hpp>

namespace restante {

/// What one attempt at a password costs, the server too.
struct PasswordCost {
  std::size_t memory_bytes = crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE;
  std::uint32_t passes = crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE;
  friend bool operator==(const PasswordCost&, const PasswordCost&) = default;
};

/// Which costs are taken from a file: not less than makes guessing hard, and not so much that a file could take a
/// server's memory or time away.
struct PasswordCostLimits {
  PasswordCost least = {};
  /// 256 MiB, and 16 passes: what libsodium calls moderate is inside.
  PasswordCost most = {.memory_bytes = crypto_pwhash_argon2id_MEMLIMIT_MODERATE, .passes = 16};
};

/// The bytes of a password, at most. Longer ones are neither set nor checked.
inline constexpr std::size_t password_bytes_max = 1024;

namespace detail {

// Takes `prefix` and then a number from the front.
inline std::optional<std::uint32_t> take_number(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return std::nullopt;
  }
  text.remove_prefix(prefix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || text.front() == '0') {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

inline constexpr int base64_of_hashes = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;

inline bool is_base64(std::string_view text, std::size_t bytes) {
  const std::optional<Secret> decoded = from_base64(text, base64_of_hashes);
  return decoded && decoded->size() == bytes;
}

inline constexpr std::size_t salt_bytes = crypto_pwhash_argon2id_SALTBYTES;
// What libsodium puts into the texts that it makes.
inline constexpr std::size_t hash_bytes = 32;

}  // namespace detail

/// What a hash costs to check; nothing where it is none of ours: "$argon2id$v=19$m=65536,t=2,p=1$salt$hash" with a salt
/// of 16 bytes and a hash of 32, both in base64 without padding.
inline std::optional<PasswordCost> cost_of_password_hash(std::string_view hash) {
  if (hash.size() >= crypto_pwhash_STRBYTES) {
    return std::nullopt;
  }
  const std::optional<std::uint32_t> kibibytes = detail::take_number(hash, "$argon2id$v=19$m=");
  const std::optional<std::uint32_t> passes = kibibytes ? detail::take_number(hash, ",t=") : std::nullopt;
  const std::optional<std::uint32_t> lanes = passes ? detail::take_number(hash, ",p=") : std::nullopt;
  if (lanes != 1U || !hash.starts_with('$')) {
    return std::nullopt;
  }
  hash.remove_prefix(1);
  const std::size_t dollar = hash.find('$');
  if (dollar == std::string_view::npos || !detail::is_base64(hash.substr(0, dollar), detail::salt_bytes) ||
      !detail::is_base64(hash.substr(dollar + 1), detail::hash_bytes)) {
    return std::nullopt;
  }
  return PasswordCost{std::size_t{*kibibytes} * 1024, *passes};
}

/// Hashes a password with a salt of its own. Takes as long and as much memory as `cost` says; throws std::bad_alloc
/// where there is not so much.
inline std::string hash_password(BytesView password, PasswordCost cost = {}) {
  prepare_sodium();
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str_alg(text.data(), reinterpret_cast<const char*>(password.data()), password.size(), cost.passes,
                            cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    throw std::bad_alloc{};
  }
  return text.data();
}

/// Checks a password against a hash that cost_of_password_hash() knows: `unavailable` where there is not enough memory.
inline Verdict check_password(BytesView password, const std::string& hash) {
  prepare_sodium();
  errno = 0;
  if (crypto_pwhash_str_verify(hash.c_str(), reinterpret_cast<const char*>(password.data()), password.size()) == 0) {
    return Verdict::accepted;
  }
  // What libsodium says of a wrong password, and of nothing else.
  return errno == EINVAL ? Verdict::rejected : Verdict::unavailable;
}

/// A text that costs as much to check as a hash of this cost, and that no password belongs to: random bytes.
inline std::string hash_of_nothing(PasswordCost cost) {
  prepare_sodium();
  std::array<std::uint8_t, detail::salt_bytes> salt{};
  std::array<std::uint8_t, detail::hash_bytes> hash{};
  randombytes_buf(salt.data(), salt.size());
  randombytes_buf(hash.data(), hash.size());
  return "$argon2id$v=19$m=" + std::to_string(cost.memory_bytes / 1024) + ",t=" + std::to_string(cost.passes) +
         ",p=1$" + detail::to_base64(salt, detail::base64_of_hashes) + "$" +
         detail::to_base64(hash, detail::base64_of_hashes);
}

}  // namespace restante
