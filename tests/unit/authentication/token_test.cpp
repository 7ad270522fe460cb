#include <restante/authentication/token.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "support.hpp"

namespace restante {
namespace {

using std::chrono::seconds;

constexpr WallSeconds noon{seconds{1'000'000}};

std::optional<TokenFault> fault_of(std::string_view token, const TokenKeys& keys, const TokenPolicy& policy = {},
                                   WallSeconds now = noon) {
  const auto read = read_token(token, keys, policy, now);
  const auto* const fault = std::get_if<TokenFault>(&read);
  return fault == nullptr ? std::nullopt : std::optional{*fault};
}

class Token : public ::testing::TestWithParam<TokenAlgorithm> {
 protected:
  std::string make(const nlohmann::json& claims) const { return make_token(claims, keys.first()); }
  std::string make(std::string_view header, std::string_view claims) const {
    std::string token = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims));
    return token + "." + to_base64url(keys.first().sign(as_bytes(token)));
  }
  std::string header(std::string_view more = "") const {
    return R"({"alg":")" + std::string{to_text(keys.first().algorithm())} + "\"" + std::string{more} + "}";
  }
  static constexpr std::string_view good_claims = R"({"sub":"ada","exp":1000060})";

  TokenKeys keys{TokenKey::generate(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(OfEachAlgorithm, Token, ::testing::Values(TokenAlgorithm::hs256, TokenAlgorithm::eddsa),
                         [](const auto& of) { return std::string{to_text(of.param)}; });

TEST_P(Token, SaysWhatItWasMadeToSay) {
  const TokenClaims claims{.address = "ada",
                           .expires = noon + seconds{60},
                           .not_before = noon,
                           .issued = noon - seconds{1},
                           .audiences = {"mail"},
                           .rooms = {"#all", "#team-*"},
                           .create_rooms = true};
  const auto read = read_token(make(to_json(claims)), keys, {.audience = "mail"}, noon);
  ASSERT_TRUE(std::holds_alternative<TokenClaims>(read)) << to_text(std::get<TokenFault>(read));
  EXPECT_EQ(std::get<TokenClaims>(read), claims);
}

TEST_P(Token, IsRefusedWhicheverBitIsChanged) {
  std::string token = make({{"sub", "ada"}, {"exp", 1'000'060}});
  ASSERT_EQ(fault_of(token, keys), std::nullopt);
  for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
    char& byte = token[bit / 8];
    byte = static_cast<char>(byte ^ static_cast<char>(1U << bit % 8));
    EXPECT_NE(fault_of(token, keys), std::nullopt) << bit;
    byte = static_cast<char>(byte ^ static_cast<char>(1U << bit % 8));
  }
}

TEST_P(Token, IsRefusedWhereverItIsCutOrMadeLonger) {
  const std::string token = make({{"sub", "ada"}, {"exp", 1'000'060}});
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_NE(fault_of(token.substr(0, size), keys), std::nullopt) << size;
  }
  for (const char* const more : {"A", "=", ".", " ", "\n", ".AAAA"}) {
    EXPECT_NE(fault_of(token + more, keys), std::nullopt) << more;
    EXPECT_NE(fault_of(more + token, keys), std::nullopt) << more;
  }
  EXPECT_EQ(fault_of(std::string(token_bytes_max + 1, 'A'), keys), TokenFault::too_long);
}

TEST_P(Token, CannotChooseHowItIsChecked) {
  const TokenKeys other{
      TokenKey::generate(GetParam() == TokenAlgorithm::hs256 ? TokenAlgorithm::eddsa : TokenAlgorithm::hs256)};
  EXPECT_EQ(fault_of(make_token({{"sub", "ada"}, {"exp", 1'000'060}}, other.first()), keys),
            TokenFault::wrong_algorithm);
  for (const char* const wrong : {"none", "None", "", "HS512", "hs256", "RS256"}) {
    const std::string head = R"({"alg":")" + std::string{wrong} + R"("})";
    EXPECT_EQ(fault_of(make(head, good_claims), keys), TokenFault::wrong_algorithm) << wrong;
    const std::string unsigned_token = to_base64url(as_bytes(head)) + "." + to_base64url(as_bytes(good_claims)) + ".";
    EXPECT_EQ(fault_of(unsigned_token, keys), TokenFault::wrong_algorithm) << wrong;
  }
  EXPECT_EQ(fault_of(make("{}", good_claims), keys), TokenFault::bad_header);
  EXPECT_EQ(fault_of(make(R"({"alg":1})", good_claims), keys), TokenFault::bad_header);
  EXPECT_EQ(fault_of(make(R"({"alg":"none",)" + header().substr(1), good_claims), keys), TokenFault::bad_header);
  EXPECT_EQ(fault_of(make(header(R"(,"kid":1)"), good_claims), keys), TokenFault::bad_header);
  EXPECT_EQ(fault_of(make(header(R"(,"crit":["exp"],"exp":1)"), good_claims), keys), TokenFault::critical_header);
  EXPECT_EQ(fault_of(make(header(R"(,"crit":[])"), good_claims), keys), TokenFault::critical_header);
  EXPECT_EQ(fault_of(make(header(R"(,"typ":"JWT","x":[1])"), good_claims), keys), std::nullopt);
}

TEST_P(Token, NamesItsKeyWhereThereAreSeveral) {
  const TokenKey one = TokenKey::generate(GetParam(), "one");
  const TokenKey two = TokenKey::generate(GetParam(), "two");
  const TokenKeys set = TokenKeys::parse(
      R"({"keys":[)" + std::string{one.secret_json().text()} + "," + std::string{two.secret_json().text()} + "]}", "");
  const nlohmann::json claims = nlohmann::json::parse(good_claims);
  EXPECT_EQ(fault_of(make_token(claims, one), set), std::nullopt);
  EXPECT_EQ(fault_of(make_token(claims, two), set), std::nullopt);
  EXPECT_EQ(fault_of(make(claims), set), TokenFault::unknown_key);
  EXPECT_EQ(fault_of(make_token(claims, TokenKey::generate(GetParam(), "three")), set), TokenFault::unknown_key);
  EXPECT_EQ(fault_of(make_token(claims, TokenKey::generate(GetParam(), "one")), set), TokenFault::bad_signature);
}

TEST_P(Token, IsGoodForATime) {
  const auto at = [&](const nlohmann::json& claims, int now, TokenPolicy policy = {.leeway = seconds{0}}) {
    nlohmann::json all = claims;
    all["sub"] = "ada";
    return fault_of(make(all), keys, policy, WallSeconds{seconds{now}});
  };
  EXPECT_EQ(at({{"exp", 100}}, 99), std::nullopt);
  EXPECT_EQ(at({{"exp", 100}}, 100), TokenFault::expired);
  EXPECT_EQ(at({{"exp", 100.9}}, 99), std::nullopt);
  EXPECT_EQ(at({{"exp", 100.9}}, 100), TokenFault::expired) << "a part of a second is not given away";
  EXPECT_EQ(at({{"exp", 100}}, 109, {.leeway = seconds{10}}), std::nullopt);
  EXPECT_EQ(at({{"exp", 100}}, 110, {.leeway = seconds{10}}), TokenFault::expired);
  EXPECT_EQ(at({{"exp", 100}, {"nbf", 50}}, 49), TokenFault::not_yet_valid);
  EXPECT_EQ(at({{"exp", 100}, {"nbf", 50}}, 50), std::nullopt);
  EXPECT_EQ(at({{"exp", 100}, {"nbf", 50}}, 40, {.leeway = seconds{10}}), std::nullopt);
  EXPECT_EQ(at({{"exp", 100}, {"iat", 50}}, 49), TokenFault::not_yet_valid);
  EXPECT_EQ(at({{"exp", 100}, {"iat", 50}}, 50), std::nullopt);
  EXPECT_EQ(at(nlohmann::json::object(), 1), TokenFault::no_expiry);
  EXPECT_EQ(at(nlohmann::json::object(), 1, {.expiry_required = false}), std::nullopt);
}

TEST_P(Token, IsForWhoItSays) {
  const auto with = [&](const nlohmann::json& audience, const TokenPolicy& policy) {
    nlohmann::json claims{{"sub", "ada"}, {"exp", 1'000'060}};
    if (!audience.is_null()) {
      claims["aud"] = audience;
    }
    return fault_of(make(claims), keys, policy);
  };
  EXPECT_EQ(with("mail", {.audience = "mail"}), std::nullopt);
  EXPECT_EQ(with({"other", "mail"}, {.audience = "mail"}), std::nullopt);
  EXPECT_EQ(with("other", {.audience = "mail"}), TokenFault::wrong_audience);
  EXPECT_EQ(with(nullptr, {.audience = "mail"}), TokenFault::wrong_audience);
  EXPECT_EQ(with("mail", {}), TokenFault::wrong_audience);
}

TEST_P(Token, IsRefusedWhereAClaimIsNotWhatItMustBe) {
  for (const char* const wrong : {R"({"exp":1000060})",
                                  R"({"sub":"","exp":1000060})",
                                  R"({"sub":7,"exp":1000060})",
                                  R"({"sub":"ada","exp":"1000060"})",
                                  R"({"sub":"ada","exp":null})",
                                  R"({"sub":"ada","exp":-1})",
                                  R"({"sub":"ada","exp":1e300})",
                                  R"({"sub":"ada","exp":18446744073709551615})",
                                  R"({"sub":"ada","exp":1000060,"nbf":true})",
                                  R"({"sub":"ada","exp":1000060,"iat":[]})",
                                  R"({"sub":"ada","exp":1000060,"aud":7})",
                                  R"({"sub":"ada","exp":1000060,"aud":[7]})",
                                  R"({"sub":"ada","exp":1000060,"rooms":"#all"})",
                                  R"({"sub":"ada","exp":1000060,"rooms":["all"]})",
                                  R"({"sub":"ada","exp":1000060,"rooms":["*"]})",
                                  R"({"sub":"ada","exp":1000060,"rooms":["#"]})",
                                  R"({"sub":"ada","exp":1000060,"rooms":["#a*b"]})",
                                  R"({"sub":"ada","exp":1000060,"rooms":["#a**"]})",
                                  R"({"sub":"ada","exp":1000060,"create_rooms":1})",
                                  R"({"sub":"eve","sub":"ada","exp":1000060})",
                                  "[]",
                                  ""}) {
    EXPECT_EQ(fault_of(make(header(), wrong), keys), TokenFault::bad_claims) << wrong;
  }
  nlohmann::json many{{"sub", "ada"}, {"exp", 1'000'060}, {"rooms", nlohmann::json::array()}};
  for (std::size_t i = 0; i < token_entries_max; ++i) {
    many["rooms"].push_back("#all");
  }
  EXPECT_EQ(fault_of(make(many), keys), std::nullopt);
  many["rooms"].push_back("#all");
  EXPECT_EQ(fault_of(make(many), keys), TokenFault::bad_claims);
}

TEST(TokenClaims, AllowRoomsByNameAndByHowItBegins) {
  const TokenClaims claims{.address = "ada", .rooms = {"#all", "#team-*"}};
  EXPECT_TRUE(claims.allows_room("#all"));
  EXPECT_TRUE(claims.allows_room("#team-"));
  EXPECT_TRUE(claims.allows_room("#team-red"));
  EXPECT_FALSE(claims.allows_room("#all2"));
  EXPECT_FALSE(claims.allows_room("#team"));
  EXPECT_FALSE(TokenClaims{}.allows_room("#all"));
}

TEST(TokenOfTheStandard, HasTheRightSignatureAndNobodysAddress) {
  // RFC 7515, appendix A.1.
  const TokenKeys keys = TokenKeys::parse(
      R"({"kty":"oct","alg":"HS256",
          "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})",
      "");
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
      ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
      ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  EXPECT_EQ(fault_of(token, keys), TokenFault::bad_claims);
  EXPECT_EQ(fault_of(token.substr(0, token.size() - 1) + "g", keys), TokenFault::bad_signature);
}

TEST(TokenFault, HasWordsForEach) {
  EXPECT_EQ(to_text(TokenFault::too_long), "the token is longer than 8 KiB");
  EXPECT_EQ(to_text(TokenFault::bad_signature), "the signature is wrong");
  EXPECT_EQ(to_text(TokenFault::wrong_address), "the token is for another address (sub)");
}

}  // namespace
}  // namespace restante
