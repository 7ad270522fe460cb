// Tokens: JSON Web Tokens (RFC 7519) in their compact form, signed with HS256 or EdDSA.
//
// What is checked, and in this order: the length, the form, the header, the signature, and then what the token says of
// itself. docs/operations.md lists the claims.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <restante/authentication/token_key.hpp>

namespace restante {

/// A point of wall time, in whole seconds since 1970-01-01 00:00 UTC.
using WallSeconds = std::chrono::sys_seconds;

/// What a token says.
struct TokenClaims {
  /// "sub": the address that it lets its bearer open.
  std::string address = {};
  /// "exp": from then on it counts for nothing.
  std::optional<WallSeconds> expires = {};
  /// "nbf": before then it counts for nothing.
  std::optional<WallSeconds> not_before = {};
  /// "iat": when it was made.
  std::optional<WallSeconds> issued = {};
  /// "aud": whom it is for; empty where it does not say.
  std::vector<std::string> audiences = {};
  /// "rooms": the rooms that may be joined, by name, or by how the name begins where '*' stands at the end.
  std::vector<std::string> rooms = {};
  /// "create_rooms": whether those of them that are not there may be created.
  bool create_rooms = false;

  /// Whether the token lets its address join this room.
  bool allows_room(std::string_view room) const {
    return std::any_of(rooms.begin(), rooms.end(), [&](std::string_view pattern) {
      return pattern.ends_with('*') ? room.starts_with(pattern.substr(0, pattern.size() - 1)) : room == pattern;
    });
  }

  friend bool operator==(const TokenClaims&, const TokenClaims&) = default;
};

/// What is asked of a token besides a good signature.
struct TokenPolicy {
  /// For how long clocks may differ.
  std::chrono::seconds leeway{10};
  /// Whether a token may be good for ever.
  bool expiry_required = true;
  /// Whom tokens must be for ("aud"). Empty: tokens that are for somebody are refused, as RFC 7519, section 4.1.3 says.
  std::string audience = {};
};

/// Why a token is refused. Peers are not told.
enum class TokenFault : std::uint8_t {
  too_long,
  not_compact,
  bad_header,
  critical_header,
  unknown_key,
  wrong_algorithm,
  bad_signature,
  bad_claims,
  no_expiry,
  expired,
  not_yet_valid,
  wrong_audience,
  wrong_address,
};

/// A fault in words, for operators.
constexpr std::string_view to_text(TokenFault fault) noexcept {
  constexpr std::array<std::string_view, 13> texts{
      "the token is longer than 8 KiB",
      "a token is three texts in base64url with dots in between",
      "the header of the token is not what it must be",
      "the token demands something that is not understood (crit)",
      "the token names a key that is not there, or none where there are several",
      "the token's algorithm is not that of the key",
      "the signature is wrong",
      "the claims of the token are not what they must be",
      "the token does not say when it expires",
      "the token has expired",
      "the token is not valid yet",
      "the token is for somebody else (aud)",
      "the token is for another address (sub)",
  };
  return texts[static_cast<std::size_t>(fault)];
}

/// The bytes of a token, at most.
inline constexpr std::size_t token_bytes_max = 8192;
/// The entries of "rooms" and of "aud", at most.
inline constexpr std::size_t token_entries_max = 64;

namespace detail {

struct TokenParts {
  std::string_view header;
  std::string_view claims;
  std::string_view signature;
  /// What is signed: the first two with their dot.
  std::string_view input;
};

inline std::optional<TokenParts> split_token(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return TokenParts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
                    token.substr(0, second)};
}

inline std::optional<nlohmann::json> parse_part(std::string_view part) {
  const std::optional<Secret> text = from_base64url(part);
  return text ? parse_json_object(text->text()) : std::nullopt;
}

// Reads claims one by one, and remembers whether one is not what it must be.
class ClaimReader {
 public:
  explicit ClaimReader(const nlohmann::json& json) : json_{json} {}

  bool good() const noexcept { return good_; }

  std::string address() {
    std::optional<std::string> text = text_member(json_, "sub");
    good_ = good_ && text && !text->empty();
    return text.value_or("");
  }

  // RFC 7519 lets the number have a fraction.
  std::optional<WallSeconds> time(const char* name) {
    const auto found = json_.find(name);
    if (found == json_.end()) {
      return std::nullopt;
    }
    // To here, a double has room for every whole number, and the clock for every second.
    constexpr double seconds_max = 9007199254740992.0;
    const double seconds = found->is_number() ? found->get<double>() : -1.0;
    good_ = good_ && seconds >= 0.0 && seconds <= seconds_max;
    return WallSeconds{std::chrono::seconds{good_ ? static_cast<std::int64_t>(std::floor(seconds)) : 0}};
  }

  bool flag(const char* name) {
    const auto found = json_.find(name);
    good_ = good_ && (found == json_.end() || found->is_boolean());
    return good_ && found != json_.end() && found->get<bool>();
  }

  std::vector<std::string> texts(const char* name) {
    std::vector<std::string> texts;
    const auto found = json_.find(name);
    if (found == json_.end()) {
      return texts;
    }
    good_ = good_ && found->is_array() && found->size() <= token_entries_max &&
            std::all_of(found->begin(), found->end(), [](const nlohmann::json& entry) { return entry.is_string(); });
    return good_ ? found->get<std::vector<std::string>>() : texts;
  }

  std::vector<std::string> audiences() {
    const std::optional<std::string> only = text_member(json_, "aud");
    return only ? std::vector<std::string>{*only} : texts("aud");
  }

  std::vector<std::string> rooms() {
    std::vector<std::string> names = texts("rooms");
    // "*" alone would be the prefix of addresses as well, and is not the name of a room.
    good_ = good_ && std::all_of(names.begin(), names.end(), [](const std::string& name) {
              return name.starts_with('#') && name.size() > 1 && name.find('*') >= name.size() - 1;
            });
    return names;
  }

 private:
  const nlohmann::json& json_;
  bool good_ = true;
};

inline std::optional<TokenClaims> read_claims(const nlohmann::json& json) {
  ClaimReader reader{json};
  TokenClaims claims;
  claims.address = reader.address();
  claims.expires = reader.time("exp");
  claims.not_before = reader.time("nbf");
  claims.issued = reader.time("iat");
  claims.audiences = reader.audiences();
  claims.rooms = reader.rooms();
  claims.create_rooms = reader.flag("create_rooms");
  return reader.good() ? std::optional{std::move(claims)} : std::nullopt;
}

inline std::optional<TokenFault> fault_of_claims(const TokenClaims& claims, const TokenPolicy& policy,
                                                 WallSeconds now) {
  if (!claims.expires && policy.expiry_required) {
    return TokenFault::no_expiry;
  }
  if (claims.expires && now - policy.leeway >= *claims.expires) {
    return TokenFault::expired;
  }
  const auto lies_ahead = [&](const std::optional<WallSeconds>& time) { return time && *time > now + policy.leeway; };
  if (lies_ahead(claims.not_before) || lies_ahead(claims.issued)) {
    return TokenFault::not_yet_valid;
  }
  const bool is_for_us = policy.audience.empty() ? claims.audiences.empty()
                                                 : std::find(claims.audiences.begin(), claims.audiences.end(),
                                                             policy.audience) != claims.audiences.end();
  return is_for_us ? std::nullopt : std::optional{TokenFault::wrong_audience};
}

}  // namespace detail

/// Checks a token and gives what it says, or the first fault that was found. Nothing of the claims is looked at before
/// the signature was found to be right.
inline std::variant<TokenClaims, TokenFault> read_token(std::string_view token, const TokenKeys& keys,
                                                        const TokenPolicy& policy, WallSeconds now) {
  if (token.size() > token_bytes_max) {
    return TokenFault::too_long;
  }
  const std::optional<detail::TokenParts> parts = detail::split_token(token);
  const std::optional<Secret> signature = parts ? from_base64url(parts->signature) : std::nullopt;
  if (!signature) {
    return TokenFault::not_compact;
  }
  const std::optional<nlohmann::json> header = detail::parse_part(parts->header);
  const std::optional<std::string> algorithm = header ? text_member(*header, "alg") : std::nullopt;
  const std::optional<std::string> id = header ? text_member(*header, "kid") : std::nullopt;
  if (!algorithm || (header->contains("kid") && !id)) {
    return TokenFault::bad_header;
  }
  // No extension is understood here, so that none may be demanded (RFC 7515, section 4.1.11).
  if (header->contains("crit")) {
    return TokenFault::critical_header;
  }
  const TokenKey* const key = keys.find(id);
  if (key == nullptr) {
    return TokenFault::unknown_key;
  }
  // The key says what it is for, and the token has no say in it.
  if (*algorithm != to_text(key->algorithm())) {
    return TokenFault::wrong_algorithm;
  }
  if (!key->verifies(as_bytes(parts->input), signature->bytes())) {
    return TokenFault::bad_signature;
  }
  const std::optional<nlohmann::json> json = detail::parse_part(parts->claims);
  std::optional<TokenClaims> claims = json ? detail::read_claims(*json) : std::nullopt;
  if (!claims) {
    return TokenFault::bad_claims;
  }
  if (const std::optional<TokenFault> fault = detail::fault_of_claims(*claims, policy, now)) {
    return *fault;
  }
  return std::move(*claims);
}

/// The claims as JSON, under the names that they have in a token.
inline nlohmann::json to_json(const TokenClaims& claims) {
  nlohmann::json json{{"sub", claims.address}};
  const auto put_time = [&](const char* name, const std::optional<WallSeconds>& time) {
    if (time) {
      json[name] = time->time_since_epoch().count();
    }
  };
  put_time("exp", claims.expires);
  put_time("nbf", claims.not_before);
  put_time("iat", claims.issued);
  if (!claims.audiences.empty()) {
    json["aud"] = claims.audiences;
  }
  if (!claims.rooms.empty()) {
    json["rooms"] = claims.rooms;
  }
  if (claims.create_rooms) {
    json["create_rooms"] = true;
  }
  return json;
}

/// Makes a token of an object of claims. The key can_sign().
inline std::string make_token(const nlohmann::json& claims, const TokenKey& key) {
  nlohmann::json header{{"alg", to_text(key.algorithm())}, {"typ", "JWT"}};
  if (!key.id().empty()) {
    header["kid"] = key.id();
  }
  std::string token = to_base64url(as_bytes(header.dump())) + "." + to_base64url(as_bytes(claims.dump()));
  token += "." + to_base64url(key.sign(as_bytes(token)));
  return token;
}

}  // namespace restante
