#include "credential.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "secret_input.hpp"

namespace restante::cli {

std::string read_credential(const CredentialOptions& options) {
  if (!options.token_file.empty()) {
    std::ifstream file{options.token_file};
    std::string token;
    if (!std::getline(file, token) || token.empty()) {
      throw std::runtime_error("there is no token to read in " + options.token_file);
    }
    return token;
  }
  if (options.asks_password) {
    const Secret password = read_secret("Password");
    return {password.data(), password.data() + password.size()};
  }
  for (const char* variable : {"RESTANTE_AUTH_TOKEN", "RESTANTE_PASSWORD"}) {
    if (const char* const value = std::getenv(variable); value != nullptr && *value != '\0') {
      return value;
    }
  }
  return {};
}

}  // namespace restante::cli
