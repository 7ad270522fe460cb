// Takes any bytes for a token, for what a token says, for a key and for a file of passwords: what is read is what
// stands there, and nobody but the holder of the key makes a token.
//
// The first byte says which; a token that is signed here has a header and claims, with a byte of 0 in between.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <restante/authentication/password_file.hpp>
#include <restante/authentication/token.hpp>

#include "expect.hpp"

namespace restante::fuzz {
namespace {

constexpr WallSeconds now{std::chrono::seconds{1'000'000}};

const TokenKeys& keys() {
  static const TokenKeys those = TokenKeys::parse(
      R"({"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUu"})",
      "fuzz_credentials");
  return those;
}

void check_foreign_token(std::string_view text) {
  expect(std::holds_alternative<TokenFault>(read_token(text, keys(), {}, now)), "nobody guesses a signature");
  if (const std::optional<Secret> bytes = from_base64url(text)) {
    expect(to_base64url(bytes->bytes()) == text, "bytes have one text in base64url");
  }
}

void check_signed_token(std::string_view text) {
  const std::size_t zero = std::min(text.find('\0'), text.size());
  std::string token = to_base64url(as_bytes(text.substr(0, zero))) + "." +
                      to_base64url(as_bytes(text.substr(std::min(zero + 1, text.size()))));
  token += "." + to_base64url(keys().first().sign(as_bytes(token)));
  const auto read = read_token(token, keys(), {}, now);
  if (const auto* const claims = std::get_if<TokenClaims>(&read)) {
    expect(!claims->address.empty() && claims->expires && *claims->expires + std::chrono::seconds{10} > now,
           "an accepted token names an address, and has not expired");
    const auto again = read_token(make_token(to_json(*claims), keys().first()), keys(), {}, now);
    expect(std::holds_alternative<TokenClaims>(again) && std::get<TokenClaims>(again) == *claims,
           "claims that are written again are read as the same");
  }
}

void check_keys(std::string_view text) {
  try {
    const TokenKeys read = TokenKeys::parse(text, "keys");
    const TokenKeys again = TokenKeys::parse(read.first().secret_json().text(), "keys");
    expect(again.first().algorithm() == read.first().algorithm() && again.first().id() == read.first().id() &&
               again.first().can_sign() == read.first().can_sign(),
           "a key that is written again is read as the same");
  } catch (const AuthenticationError&) {
    return;
  }
}

void check_passwords(std::string_view text) {
  try {
    const PasswordFile file = PasswordFile::parse(text, "passwords");
    const PasswordFile again = PasswordFile::parse(file.text(), "passwords");
    expect(again.addresses() == file.addresses() && again.text() == file.text(),
           "a file that is written again is read as the same");
    for (const std::string& address : file.addresses()) {
      expect(may_log_in(address) && cost_of_password_hash(*file.find(address)).has_value(),
             "what is in a file is addresses and hashes");
    }
  } catch (const AuthenticationError&) {
    return;
  }
}

}  // namespace
}  // namespace restante::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace restante::fuzz;
  if (size == 0) {
    return 0;
  }
  const std::string_view text = restante::as_text({data + 1, size - 1});
  switch (data[0] % 4) {
    case 0:
      check_foreign_token(text);
      break;
    case 1:
      check_signed_token(text);
      break;
    case 2:
      check_keys(text);
      break;
    default:
      check_passwords(text);
      break;
  }
  return 0;
}
