// Keys that tokens are signed with, and checked with: JSON Web Keys (RFC 7517, RFC 7518, RFC 8037).
#pragma once

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/authentication/base64url.hpp>
#include <restante/authentication/file.hpp>
#include <restante/authentication/json_object.hpp>

namespace restante {

enum class TokenAlgorithm : std::uint8_t {
  /// HMAC with SHA-256: whoever can check a token can also make one.
  hs256,
  /// Ed25519: the private key makes tokens, the public key checks them.
  eddsa,
};

/// The name of an algorithm in tokens and keys.
constexpr std::string_view to_text(TokenAlgorithm algorithm) noexcept {
  return algorithm == TokenAlgorithm::hs256 ? "HS256" : "EdDSA";
}

/// A key for one algorithm, and never used with another. Move-only, since it may be secret; not thread safe to change.
class TokenKey {
 public:
  /// The bytes of a secret for HS256, at least, as RFC 7518 demands; Ed25519's have a length of their own.
  static constexpr std::size_t secret_bytes_min = 32;
  static constexpr std::size_t secret_bytes_max = 1024;

  /// Makes a key from random bytes. `id` may be empty.
  static TokenKey generate(TokenAlgorithm algorithm, std::string id = {}) {
    prepare_sodium();
    TokenKey key{algorithm, std::move(id)};
    if (algorithm == TokenAlgorithm::hs256) {
      key.secret_ = Secret{secret_bytes_min};
      randombytes_buf(key.secret_.data(), key.secret_.size());
    } else {
      key.secret_ = Secret{std::size_t{crypto_sign_SECRETKEYBYTES}};
      crypto_sign_keypair(key.public_.data(), key.secret_.data());
    }
    return key;
  }

  /// Reads a key from its members. Throws AuthenticationError with a sentence that says what is wrong, and not what the
  /// key is. "alg" must stand there for kty "oct", which could serve others as well.
  static TokenKey from_json(const nlohmann::json& json) {
    prepare_sodium();
    const std::optional<std::string> type = text_member(json, "kty");
    const std::optional<std::string> algorithm = text_member(json, "alg");
    const std::optional<std::string> use = text_member(json, "use");
    if (json.contains("use") && use != "sig") {
      throw AuthenticationError("the key is not for signatures: its \"use\" is not \"sig\"");
    }
    std::optional<std::string> id = text_member(json, "kid");
    if (json.contains("kid") && (!id || id->empty())) {
      throw AuthenticationError("\"kid\" must be a text that is not empty");
    }
    if (type == "oct" && algorithm == "HS256") {
      return symmetric(json, id.value_or(""));
    }
    if (type == "OKP" && text_member(json, "crv") == "Ed25519" && (!json.contains("alg") || algorithm == "EdDSA")) {
      return asymmetric(json, id.value_or(""));
    }
    throw AuthenticationError(
        "a key is either {\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":…} or {\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":…}");
  }

  TokenAlgorithm algorithm() const noexcept { return algorithm_; }
  /// What tokens name the key by; empty where it has no name.
  const std::string& id() const noexcept { return id_; }
  /// Whether tokens can be made with it.
  bool can_sign() const noexcept { return !secret_.empty(); }

  /// The signature of `input`. The key can_sign().
  std::vector<std::uint8_t> sign(BytesView input) const {
    RESTANTE_ASSERT(can_sign(), "a public key cannot sign");
    if (algorithm_ == TokenAlgorithm::hs256) {
      const auto code = authentication_code(input);
      return {code.begin(), code.end()};
    }
    std::vector<std::uint8_t> signature(crypto_sign_BYTES);
    crypto_sign_detached(signature.data(), nullptr, input.data(), input.size(), secret_.data());
    return signature;
  }

  /// Whether `signature` is that of `input`. How long it takes tells nothing of the key.
  bool verifies(BytesView input, BytesView signature) const {
    if (algorithm_ == TokenAlgorithm::hs256) {
      const auto code = authentication_code(input);
      return signature.size() == code.size() && sodium_memcmp(signature.data(), code.data(), code.size()) == 0;
    }
    return signature.size() == crypto_sign_BYTES &&
           crypto_sign_verify_detached(signature.data(), input.data(), input.size(), public_.data()) == 0;
  }

  /// The key as JSON: all of it, to be kept secret.
  Secret secret_json() const {
    nlohmann::json json = members();
    if (algorithm_ == TokenAlgorithm::hs256) {
      json["k"] = to_base64url(secret_.bytes());
    } else if (can_sign()) {
      json["d"] = to_base64url(secret_.bytes().first(crypto_sign_SEEDBYTES));
    }
    return Secret{json.dump()};
  }

  /// The key as JSON, for those who check tokens; nothing for HS256, which has no public half.
  std::optional<std::string> public_json() const {
    return algorithm_ == TokenAlgorithm::eddsa ? std::optional{members().dump()} : std::nullopt;
  }

 private:
  TokenKey(TokenAlgorithm algorithm, std::string id) : algorithm_{algorithm}, id_{std::move(id)} {}

  static Secret bytes_of(const nlohmann::json& json, const char* name) {
    const auto found = json.find(name);
    std::optional<Secret> bytes;
    if (found != json.end() && found->is_string()) {
      bytes = from_base64url(found->get_ref<const std::string&>());
    }
    if (!bytes) {
      throw AuthenticationError("\"" + std::string{name} + "\" must be a text in base64url, without padding");
    }
    return std::move(*bytes);
  }

  static TokenKey symmetric(const nlohmann::json& json, std::string id) {
    TokenKey key{TokenAlgorithm::hs256, std::move(id)};
    key.secret_ = bytes_of(json, "k");
    if (key.secret_.size() < secret_bytes_min || key.secret_.size() > secret_bytes_max) {
      throw AuthenticationError("\"k\" must have 32 to 1024 bytes");
    }
    return key;
  }

  static TokenKey asymmetric(const nlohmann::json& json, std::string id) {
    TokenKey key{TokenAlgorithm::eddsa, std::move(id)};
    const Secret point = bytes_of(json, "x");
    if (point.size() != key.public_.size()) {
      throw AuthenticationError("\"x\" must have 32 bytes");
    }
    std::copy(point.bytes().begin(), point.bytes().end(), key.public_.begin());
    if (!json.contains("d")) {
      return key;
    }
    const Secret seed = bytes_of(json, "d");
    if (seed.size() != crypto_sign_SEEDBYTES) {
      throw AuthenticationError("\"d\" must have 32 bytes");
    }
    std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> derived{};
    key.secret_ = Secret{std::size_t{crypto_sign_SECRETKEYBYTES}};
    crypto_sign_seed_keypair(derived.data(), key.secret_.data(), seed.data());
    if (derived != key.public_) {
      throw AuthenticationError("\"x\" is not the public half of \"d\"");
    }
    return key;
  }

  // In pieces, since a key may be longer than crypto_auth_hmacsha256() takes.
  std::array<std::uint8_t, crypto_auth_hmacsha256_BYTES> authentication_code(BytesView input) const {
    std::array<std::uint8_t, crypto_auth_hmacsha256_BYTES> code{};
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, secret_.data(), secret_.size());
    crypto_auth_hmacsha256_update(&state, input.data(), input.size());
    crypto_auth_hmacsha256_final(&state, code.data());
    sodium_memzero(&state, sizeof state);
    return code;
  }

  // What is not secret.
  nlohmann::json members() const {
    nlohmann::json json{{"alg", to_text(algorithm_)}, {"use", "sig"}};
    if (!id_.empty()) {
      json["kid"] = id_;
    }
    if (algorithm_ == TokenAlgorithm::hs256) {
      json["kty"] = "oct";
    } else {
      json["kty"] = "OKP";
      json["crv"] = "Ed25519";
      json["x"] = to_base64url(public_);
    }
    return json;
  }

  TokenAlgorithm algorithm_;
  std::string id_;
  // HS256: the key. Ed25519: the seed and the public key; empty where only the public key is there.
  Secret secret_;
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_{};
};

/// The keys of whoever makes or checks tokens: one, or several with a name ("kid") each, so that keys can be changed
/// while tokens of the old one are still about. Move-only; may be read by several threads at once.
class TokenKeys {
 public:
  static constexpr std::size_t file_bytes_max = std::size_t{64} * 1024;

  explicit TokenKeys(TokenKey key) { keys_.push_back(std::move(key)); }

  /// Reads a JSON Web Key, or a set of them: {"keys":[…]}. `name` is for the text of an error. Throws
  /// AuthenticationError.
  static TokenKeys parse(std::string_view text, const std::string& name) {
    const std::optional<nlohmann::json> json = parse_json_object(text);
    if (!json) {
      throw AuthenticationError(name + ": this is no JSON Web Key: an object of JSON in which no name stands twice");
    }
    const auto set = json->find("keys");
    if (set == json->end()) {
      return TokenKeys{read_key(*json, name)};
    }
    TokenKeys keys;
    for (std::size_t i = 0; set->is_array() && i < set->size(); ++i) {
      keys.add(read_key((*set)[i], name + ": key " + std::to_string(i + 1)), name);
    }
    if (keys.keys_.empty()) {
      throw AuthenticationError(name + ": \"keys\" must be a list with at least one key");
    }
    return keys;
  }

  /// Reads a file. A file with a secret, "k" or "d", that others than its owner may read or write is refused. Throws
  /// AuthenticationError.
  static TokenKeys read(const std::filesystem::path& path) {
    const SecretFile file = read_secret_file(path, file_bytes_max);
    TokenKeys keys = parse(file.content.text(), path.string());
    if (file.others_may_read &&
        std::any_of(keys.keys_.begin(), keys.keys_.end(), [](const TokenKey& key) { return key.can_sign(); })) {
      throw AuthenticationError(path.string() +
                                " holds a secret key that others than its owner can read or write: chmod 600");
    }
    return keys;
  }

  /// The key that a token is to be checked with: the one that it names, or the only one where either has no name.
  /// nullptr where it cannot be told, or is not there.
  const TokenKey* find(const std::optional<std::string>& id) const {
    if (keys_.size() == 1 && (!id || keys_.front().id().empty())) {
      return &keys_.front();
    }
    const auto found =
        std::find_if(keys_.begin(), keys_.end(), [&](const TokenKey& key) { return id && key.id() == *id; });
    return found == keys_.end() || found->id().empty() ? nullptr : &*found;
  }

  /// The first, which new tokens are made with.
  const TokenKey& first() const noexcept { return keys_.front(); }

 private:
  TokenKeys() = default;

  static TokenKey read_key(const nlohmann::json& json, const std::string& name) {
    try {
      return TokenKey::from_json(json);
    } catch (const AuthenticationError& error) {
      throw AuthenticationError(name + ": " + error.what());
    }
  }

  void add(TokenKey key, const std::string& name) {
    for (const TokenKey& other : keys_) {
      if (other.id() == key.id() || other.id().empty() || key.id().empty()) {
        throw AuthenticationError(name + ": several keys must have a \"kid\" each, and not the same");
      }
    }
    keys_.push_back(std::move(key));
  }

  std::vector<TokenKey> keys_;
};

}  // namespace restante
