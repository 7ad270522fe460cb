// Checking credentials without a server: a key, a token, and who accepts it.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include <restante/authentication/tokens.hpp>

namespace {

void check(const std::filesystem::path& key_file) {
  // Whoever makes tokens keeps the key. The server reads a file with the public half.
  const restante::TokenKey key = restante::TokenKey::generate(restante::TokenAlgorithm::eddsa);
  const std::string token = restante::make_token({{"sub", "ada"}, {"exp", 4102444800}, {"rooms", {"#team-*"}}}, key);
  restante::replace_secret_file(key_file, *key.public_json());

  restante::TokenAuthentication authentication{{.file = key_file}};
  authentication.start({});
  authentication.check(1, "ada", restante::as_bytes(token));
  while (const auto checked = authentication.completed()) {
    std::printf("check %d: %s\n", static_cast<int>(checked->check),
                checked->verdict == restante::Verdict::accepted ? "accepted" : "not accepted");
  }
  std::printf("#team-red: %s\n", authentication.may_join("ada", "#team-red") ? "may join" : "may not join");
  authentication.stop();
}

}  // namespace

int main(int count, char** arguments) {
  const std::filesystem::path key_file = count > 1 ? arguments[1] : "restante-embed-credentials.jwk";
  try {
    check(key_file);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::filesystem::remove(key_file);
}
