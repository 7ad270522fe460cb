// An authenticator that is chosen when a program starts, and not when it is compiled.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <restante/authentication.hpp>
#include <restante/authentication/passwords.hpp>
#include <restante/authentication/tokens.hpp>

namespace restante {

/// None, passwords or tokens behind one type. May be called as what it holds may be.
class AnyAuthentication {
  // Those that have a mutex stay where they are.
  struct Unwrap {
    template <class Held>
    static Held& from(Held& held) {
      return held;
    }
    template <class Held>
    static Held& from(const std::unique_ptr<Held>& held) {
      return *held;
    }
  };

  template <class Function>
  decltype(auto) visit(Function&& function) {
    return std::visit([&](auto& held) -> decltype(auto) { return function(Unwrap::from(held)); }, held_);
  }
  template <class Function>
  decltype(auto) visit(Function&& function) const {
    return std::visit([&](const auto& held) -> decltype(auto) { return function(std::as_const(Unwrap::from(held))); },
                      held_);
  }

 public:
  /// None: everybody may do everything.
  AnyAuthentication() = default;
  /// Reads the file. Throws AuthenticationError.
  explicit AnyAuthentication(PasswordAuthenticationOptions options)
      : held_{std::make_unique<PasswordAuthentication>(std::move(options))} {}
  /// Reads the file. Throws AuthenticationError.
  explicit AnyAuthentication(TokenAuthenticationOptions options)
      : held_{std::make_unique<TokenAuthentication>(std::move(options))} {}

  /// Reads the file again. A file that cannot be used changes nothing: the text says why. Empty when all went well.
  std::string reload() {
    return visit([](auto& held) {
      if constexpr (requires { held.reload(); }) {
        return held.reload();
      } else {
        return std::string{};
      }
    });
  }

  /// What an operator should hear about the file that was read last; empty where there is nothing.
  std::string warning() const {
    return visit([](const auto& held) {
      if constexpr (requires { held.warning(); }) {
        return held.warning();
      } else {
        return std::string{};
      }
    });
  }

  bool asks_for_credentials() const {
    return visit([](const auto& held) { return held.asks_for_credentials(); });
  }
  void start(Waker waker) {
    visit([&](auto& held) { held.start(waker); });
  }
  void stop() {
    visit([](auto& held) { held.stop(); });
  }
  void check(std::uint64_t check, std::string_view address, BytesView credential) {
    visit([&](auto& held) { held.check(check, address, credential); });
  }
  std::optional<CredentialChecked> completed() {
    return visit([](auto& held) { return held.completed(); });
  }
  bool provisioned(std::string_view address) const {
    return visit([&](const auto& held) { return held.provisioned(address); });
  }
  bool may_create(std::string_view address, std::string_view room) const {
    return visit([&](const auto& held) { return held.may_create(address, room); });
  }
  bool may_join(std::string_view address, std::string_view room) const {
    return visit([&](const auto& held) { return held.may_join(address, room); });
  }

 private:
  std::variant<NoAuthentication, std::unique_ptr<PasswordAuthentication>, std::unique_ptr<TokenAuthentication>> held_;
};

static_assert(Authenticator<AnyAuthentication>);

}  // namespace restante
