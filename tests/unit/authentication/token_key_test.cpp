#include <restante/authentication/token_key.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support.hpp"
#include "support/assertion_throws.hpp"

namespace restante {
namespace {

using test::Folder;

// RFC 7515, appendix A.1.
constexpr std::string_view hs256_key =
    R"({"kty":"oct","alg":"HS256",
        "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";
constexpr std::string_view hs256_input =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::string_view hs256_signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

// RFC 8037, appendix A.1 and A.4.
constexpr std::string_view eddsa_private =
    R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr std::string_view eddsa_public =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr std::string_view eddsa_input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
constexpr std::string_view eddsa_signature =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

TokenKeys keys(std::string_view text) {
  return TokenKeys::parse(text, "keys");
}

std::string why(std::string_view text) {
  try {
    keys(text);
    return "it was read";
  } catch (const AuthenticationError& error) {
    return error.what();
  }
}

TEST(TokenKey, SignsAndVerifiesAsTheStandardsSay) {
  const struct {
    std::string_view key, input, signature;
  } cases[] = {{hs256_key, hs256_input, hs256_signature}, {eddsa_private, eddsa_input, eddsa_signature}};
  for (const auto& known : cases) {
    const TokenKeys all = keys(known.key);
    ASSERT_TRUE(all.first().can_sign());
    EXPECT_EQ(to_base64url(all.first().sign(as_bytes(known.input))), known.signature);
    EXPECT_TRUE(all.first().verifies(as_bytes(known.input), from_base64url(known.signature)->bytes()));
  }
  const TokenKeys checking = keys(eddsa_public);
  EXPECT_TRUE(checking.first().verifies(as_bytes(eddsa_input), from_base64url(eddsa_signature)->bytes()));
}

TEST(TokenKey, VerifiesNoOtherSignature) {
  for (const auto& [key, input, text] :
       {std::tuple{hs256_key, hs256_input, hs256_signature}, std::tuple{eddsa_public, eddsa_input, eddsa_signature}}) {
    const TokenKeys all = keys(key);
    Secret signature = std::move(*from_base64url(text));
    for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
      signature.data()[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_FALSE(all.first().verifies(as_bytes(input), signature.bytes())) << bit;
      signature.data()[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    }
    EXPECT_FALSE(all.first().verifies(as_bytes(std::string{input} + "x"), signature.bytes()));
    EXPECT_FALSE(all.first().verifies(as_bytes(input), signature.bytes().first(signature.size() - 1)));
    EXPECT_FALSE(all.first().verifies(as_bytes(input), {}));
  }
}

TEST(TokenKey, IsWrittenAsItIsRead) {
  for (const TokenAlgorithm algorithm : {TokenAlgorithm::hs256, TokenAlgorithm::eddsa}) {
    const TokenKey made = TokenKey::generate(algorithm, "first");
    const TokenKeys read = keys(made.secret_json().text());
    EXPECT_EQ(read.first().id(), "first");
    EXPECT_EQ(read.first().algorithm(), algorithm);
    EXPECT_TRUE(read.first().verifies(as_bytes("x"), made.sign(as_bytes("x"))));
    EXPECT_FALSE(TokenKey::generate(algorithm).verifies(as_bytes("x"), made.sign(as_bytes("x"))));
  }
}

TEST(TokenKey, HasAPublicHalfOnlyWithEdDsa) {
  EXPECT_EQ(TokenKey::generate(TokenAlgorithm::hs256).public_json(), std::nullopt);
  const TokenKey made = TokenKey::generate(TokenAlgorithm::eddsa);
  const TokenKeys checking = keys(*made.public_json());
  EXPECT_FALSE(checking.first().can_sign());
  EXPECT_TRUE(checking.first().verifies(as_bytes("x"), made.sign(as_bytes("x"))));
  EXPECT_EQ(made.public_json()->find("\"d\""), std::string::npos);
  EXPECT_ASSERTION(checking.first().sign(as_bytes("x")), "cannot sign");
}

TEST(TokenKeys, AreRefusedInWordsThatDoNotGiveThemAway) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "keys: this is no JSON Web Key"},
      {R"({"kty":"oct","kty":"oct"})", "keys: this is no JSON Web Key"},
      {R"({"kty":"oct","k":"c2VjcmV0"})", "keys: a key is either"},
      {R"({"kty":"oct","alg":"HS512","k":"c2VjcmV0"})", "keys: a key is either"},
      {R"({"kty":"oct","alg":"none","k":"c2VjcmV0"})", "keys: a key is either"},
      {R"({"kty":"oct","alg":"HS256","k":"c2VjcmV0"})", "keys: \"k\" must have 32"},
      {R"({"kty":"oct","alg":"HS256","k":"c2VjcmV0="})", "keys: \"k\" must be a text in base64url"},
      {R"({"kty":"oct","alg":"HS256"})", "keys: \"k\" must be a text in base64url"},
      {R"({"kty":"OKP","crv":"X25519","x":"c2VjcmV0"})", "keys: a key is either"},
      {R"({"kty":"OKP","crv":"Ed25519","alg":"HS256","x":"c2VjcmV0"})", "keys: a key is either"},
      {R"({"kty":"OKP","crv":"Ed25519","x":"c2VjcmV0"})", "keys: \"x\" must have 32 bytes"},
      {R"({"kty":"OKP","crv":"Ed25519","d":"c2VjcmV0","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
       "keys: \"d\" must have 32 bytes"},
      {R"({"kty":"OKP","crv":"Ed25519","d":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
           "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
       "keys: \"x\" is not the public half"},
      {R"({"use":"enc",)" + std::string{eddsa_public.substr(1)}, "keys: the key is not for signatures"},
      {R"({"kid":"",)" + std::string{eddsa_public.substr(1)}, "keys: \"kid\" must be"},
      {R"({"kid":1,)" + std::string{eddsa_public.substr(1)}, "keys: \"kid\" must be"},
      {R"({"keys":[]})", "keys: \"keys\" must be a list"},
      {R"({"keys":{}})", "keys: \"keys\" must be a list"},
      {R"({"keys":[1]})", "keys: key 1: a key is either"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(why(text), ::testing::HasSubstr(expected)) << text;
    EXPECT_THAT(why(text), ::testing::Not(::testing::HasSubstr("c2VjcmV0")));
  }
}

TEST(TokenKeys, AreToldApartByTheirNames) {
  const std::string one = TokenKey::generate(TokenAlgorithm::eddsa, "one").public_json().value();
  const std::string two{TokenKey::generate(TokenAlgorithm::hs256, "two").secret_json().text()};
  const TokenKeys set = keys(R"({"keys":[)" + one + "," + two + "]}");
  ASSERT_NE(set.find("two"), nullptr);
  EXPECT_EQ(set.find("two")->algorithm(), TokenAlgorithm::hs256);
  EXPECT_EQ(set.find("one")->id(), "one");
  EXPECT_EQ(set.find("three"), nullptr);
  EXPECT_EQ(set.find(std::nullopt), nullptr);
  EXPECT_NE(keys(one).find(std::nullopt), nullptr);
  EXPECT_EQ(keys(one).find("two"), nullptr);
  EXPECT_NE(keys(eddsa_public).find("two"), nullptr) << "the only key, which has no name";
  EXPECT_THAT(why(R"({"keys":[)" + one + "," + one + "]}"), ::testing::HasSubstr("and not the same"));
  EXPECT_THAT(why(R"({"keys":[)" + one + "," + std::string{eddsa_public} + "]}"),
              ::testing::HasSubstr("a \"kid\" each"));
}

TEST(TokenKeys, AreNotReadFromAFileWhereOthersCouldReadASecret) {
  const Folder folder;
  for (const std::string_view secret : {hs256_key, eddsa_private}) {
    EXPECT_TRUE(TokenKeys::read(folder.write("own", secret)).first().can_sign());
    EXPECT_THROW(TokenKeys::read(folder.write("open", secret, 0640)), AuthenticationError);
    EXPECT_THROW(TokenKeys::read(folder.write("open", secret, 0602)), AuthenticationError);
  }
  EXPECT_FALSE(TokenKeys::read(folder.write("public", eddsa_public, 0644)).first().can_sign());
}

}  // namespace
}  // namespace restante
