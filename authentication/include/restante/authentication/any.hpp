// An authenticator that is chosen when a program starts, and not when it is compiled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <restante/authentication.hpp>
#include <restante/authentication/passwords.hpp>
#include <restante/authentication/tokens.hpp>

namespace restante {

/// None, passwords or tokens behind one type. Stays where it was made. May be called as what it holds may be.
class AnyAuthentication {
 public:
  /// None: everybody may do everything.
  AnyAuthentication() = default;
  /// Reads the file. Throws AuthenticationError.
  explicit AnyAuthentication(PasswordAuthenticationOptions options)
      : held_{std::in_place_type<PasswordAuthentication>, std::move(options)} {}
  /// Reads the file. Throws AuthenticationError.
  explicit AnyAuthentication(TokenAuthenticationOptions options)
      : held_{std::in_place_type<TokenAuthentication>, std::move(options)} {}

  /// Reads the file again. A file that cannot be used changes nothing: the text says why. Empty when all went well.
  std::string reload() {
    return std::visit(
        [](auto& held) {
          if constexpr (requires { held.reload(); }) {
            return held.reload();
          } else {
            return std::string{};
          }
        },
        held_);
  }

  /// What an operator should hear about the file that was read last; empty where there is nothing.
  std::string warning() const {
    return std::visit(
        [](const auto& held) {
          if constexpr (requires { held.warning(); }) {
            return held.warning();
          } else {
            return std::string{};
          }
        },
        held_);
  }

  bool asks_for_credentials() const {
    return std::visit([](const auto& held) { return held.asks_for_credentials(); }, held_);
  }
  void start(Waker waker) {
    std::visit([&](auto& held) { held.start(waker); }, held_);
  }
  void stop() {
    std::visit([](auto& held) { held.stop(); }, held_);
  }
  void check(std::uint64_t check, std::string_view address, BytesView credential) {
    std::visit([&](auto& held) { held.check(check, address, credential); }, held_);
  }
  std::optional<CredentialChecked> completed() {
    return std::visit([](auto& held) { return held.completed(); }, held_);
  }
  bool provisioned(std::string_view address) const {
    return std::visit([&](const auto& held) { return held.provisioned(address); }, held_);
  }
  bool may_create(std::string_view address, std::string_view room) const {
    return std::visit([&](const auto& held) { return held.may_create(address, room); }, held_);
  }
  bool may_join(std::string_view address, std::string_view room) const {
    return std::visit([&](const auto& held) { return held.may_join(address, room); }, held_);
  }

 private:
  std::variant<NoAuthentication, PasswordAuthentication, TokenAuthentication> held_;
};

static_assert(Authenticator<AnyAuthentication>);

}  // namespace restante
