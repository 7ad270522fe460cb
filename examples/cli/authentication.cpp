#include "authentication.hpp"

#include <chrono>
#include <filesystem>
#include <string_view>
#include <utility>
#include <variant>

#include <restante/authentication/password_file.hpp>
#include <restante/authentication/token.hpp>

#include "secret_input.hpp"

namespace restante::cli {
namespace {

WallSeconds wall_time() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

// An address that somebody may type is shown as what it is.
std::string quoted(const std::string& address) {
  return "'" + printable(address, false) + "'";
}

int set_password(const Output& output, const PasswordCommand& command) {
  const Secret password = read_new_secret("Password of " + quoted(command.address));
  if (password.empty() || password.size() > password_bytes_max) {
    output.error("a password has 1 to 1024 bytes");
    return usage;
  }
  const std::string hash = hash_password(password.bytes());
  const SecretFileLock lock{command.file};
  PasswordFile file = std::filesystem::exists(command.file) ? PasswordFile::read(command.file) : PasswordFile{};
  file.set(command.address, hash);
  replace_secret_file(command.file, file.text());
  return done;
}

int remove_password(const Output& output, const PasswordCommand& command) {
  const SecretFileLock lock{command.file};
  PasswordFile file = PasswordFile::read(command.file);
  if (!file.remove(command.address)) {
    output.error("there is no " + quoted(command.address));
    return failed;
  }
  replace_secret_file(command.file, file.text());
  return done;
}

int check_password_of(const Output& output, const PasswordCommand& command) {
  const PasswordFile file = PasswordFile::read(command.file);
  const std::string* const hash = file.find(command.address);
  if (hash == nullptr) {
    output.error("there is no " + quoted(command.address));
    return failed;
  }
  const Secret password = read_secret("Password of " + quoted(command.address));
  switch (check_password(password.bytes(), *hash)) {
    case Verdict::accepted:
      return done;
    case Verdict::rejected:
      output.error("that is not the password of " + quoted(command.address));
      return failed;
    case Verdict::unavailable:
      break;
  }
  output.error("there is not enough memory to check a password");
  return failed;
}

}  // namespace

int passwords(const Output& output, const PasswordCommand& command) {
  if (command.action == "list") {
    for (const std::string& address : PasswordFile::read(command.file).addresses()) {
      output.address(address);
    }
    return done;
  }
  if (!may_log_in(command.address)) {
    output.error("an address has 1 to 64 bytes, no control characters, and no '#' in front");
    return usage;
  }
  if (command.action == "set") {
    return set_password(output, command);
  }
  return command.action == "remove" ? remove_password(output, command) : check_password_of(output, command);
}

int make_key(const Output& output, const KeyCommand& command) {
  const TokenKey key =
      TokenKey::generate(command.algorithm == "HS256" ? TokenAlgorithm::hs256 : TokenAlgorithm::eddsa, command.id);
  create_secret_file(command.file, std::string{key.secret_json().text()} + "\n");
  if (const std::optional<std::string> half = key.public_json()) {
    output.line(*half);
  }
  return done;
}

int make_token(const Output& output, const MakeTokenCommand& command) {
  const TokenKeys keys = TokenKeys::read(command.key_file);
  if (!keys.first().can_sign()) {
    output.error(command.key_file + " holds a public key, which cannot sign");
    return failed;
  }
  if (!may_log_in(command.address)) {
    output.error("an address has 1 to 64 bytes, no control characters, and no '#' in front");
    return usage;
  }
  const WallSeconds now = wall_time();
  TokenClaims claims;
  claims.address = command.address;
  claims.issued = now;
  claims.expires = now + std::chrono::seconds{command.lifetime_s};
  if (!command.audience.empty()) {
    claims.audiences = {command.audience};
  }
  claims.rooms = command.rooms;
  claims.create_rooms = command.create_rooms;
  const std::string token = restante::make_token(to_json(claims), keys.first());
  // A token that a server would refuse is of no use, whatever was wrong with it.
  const auto read = read_token(token, keys, {.audience = command.audience}, now);
  if (const auto* const fault = std::get_if<TokenFault>(&read)) {
    output.error(std::string{"no server would accept this: "} + std::string{to_text(*fault)});
    return usage;
  }
  output.line(token);
  return done;
}

int check_token(const Output& output, const CheckTokenCommand& command) {
  const TokenKeys keys = TokenKeys::read(command.key_file);
  const Secret token = read_secret("Token");
  auto read =
      read_token(token.text(), keys, {.leeway = std::chrono::seconds{0}, .audience = command.audience}, wall_time());
  const auto* const claims = std::get_if<TokenClaims>(&read);
  if (claims != nullptr && !command.address.empty() && claims->address != command.address) {
    read = TokenFault::wrong_address;
  }
  if (const auto* const fault = std::get_if<TokenFault>(&read)) {
    output.error(to_text(*fault));
    return failed;
  }
  output.line(to_json(std::get<TokenClaims>(read)).dump());
  return done;
}

}  // namespace restante::cli
