// Lets in whoever brings a token that somebody trusted has signed. The server knows no list of addresses.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <restante/authentication.hpp>
#include <restante/authentication/token.hpp>

namespace restante {

struct TokenAuthenticationOptions {
  /// A JSON Web Key, or a set of them.
  std::filesystem::path file;
  TokenPolicy policy = {};
  /// Addresses of which is remembered what their token allows. With one more, what was said longest ago is forgotten,
  /// and the address joins no more rooms until it logs in again. A token has at most 8 KiB, and that bounds each of
  /// them.
  std::size_t addresses_max = 16384;
  /// What the time is. The default asks the system.
  std::function<WallSeconds()> now = [] {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  };
};

/// An Authenticator to whom a credential is a token (token.hpp) whose "sub" is the address. A check takes microseconds
/// and is done inside of check(). What an address may do with rooms is what its latest accepted token says, until that
/// expires; a token that says nothing of rooms allows none.
///
/// All functions may be called from any thread.
class TokenAuthentication {
 public:
  /// Reads the keys. Throws AuthenticationError.
  explicit TokenAuthentication(TokenAuthenticationOptions options)
      : options_{std::move(options)}, keys_{TokenKeys::read(options_.file)} {
    RESTANTE_ASSERT(options_.addresses_max > 0, "what at least one token allows must be remembered");
  }

  /// Reads the keys again. A file that cannot be used changes nothing: the text says why. Empty when all went well.
  /// What tokens of the old keys allow stays allowed.
  std::string reload() {
    try {
      TokenKeys keys = TokenKeys::read(options_.file);
      const std::lock_guard lock{mutex_};
      keys_ = std::move(keys);
      return {};
    } catch (const AuthenticationError& error) {
      return error.what();
    }
  }

  bool asks_for_credentials() const noexcept { return true; }

  void start(Waker waker) {
    const std::lock_guard lock{mutex_};
    waker_ = waker;
  }

  void stop() {
    const std::lock_guard lock{mutex_};
    waker_ = {};
    ended_.clear();
  }

  void check(std::uint64_t check, std::string_view address, BytesView credential) {
    Waker waker;
    {
      const std::lock_guard lock{mutex_};
      auto read = read_token(as_text(credential), keys_, options_.policy, options_.now());
      auto* const claims = std::get_if<TokenClaims>(&read);
      const bool accepted = claims != nullptr && claims->address == address;
      if (accepted) {
        remember(std::move(*claims));
      }
      ended_.push_back({check, accepted ? Verdict::accepted : Verdict::rejected});
      waker = waker_;
    }
    waker();
  }

  std::optional<CredentialChecked> completed() {
    const std::lock_guard lock{mutex_};
    if (ended_.empty()) {
      return std::nullopt;
    }
    const CredentialChecked checked = ended_.front();
    ended_.pop_front();
    return checked;
  }

  /// Nobody knows which addresses there will be tokens for: those that have shown one.
  bool provisioned(std::string_view address) const {
    const std::lock_guard lock{mutex_};
    return remembered_.find(address) != remembered_.end();
  }

  bool may_create(std::string_view address, std::string_view room) const {
    return allows(address, [&](const TokenClaims& claims) { return claims.create_rooms && claims.allows_room(room); });
  }

  bool may_join(std::string_view address, std::string_view room) const {
    return allows(address, [&](const TokenClaims& claims) { return claims.allows_room(room); });
  }

 private:
  struct Remembered {
    TokenClaims claims;
    std::list<std::string>::iterator place;
  };

  void remember(TokenClaims claims) {
    const auto known = remembered_.find(claims.address);
    if (known != remembered_.end()) {
      order_.splice(order_.end(), order_, known->second.place);
      known->second.claims = std::move(claims);
      return;
    }
    if (remembered_.size() >= options_.addresses_max) {
      remembered_.erase(order_.front());
      order_.pop_front();
    }
    const auto place = order_.insert(order_.end(), claims.address);
    remembered_.emplace(*place, Remembered{std::move(claims), place});
  }

  template <class Allows>
  bool allows(std::string_view address, Allows&& says) const {
    const std::lock_guard lock{mutex_};
    const auto found = remembered_.find(address);
    if (found == remembered_.end()) {
      return false;
    }
    const TokenClaims& claims = found->second.claims;
    return !detail::fault_of_claims(claims, options_.policy, options_.now()) && says(claims);
  }

  const TokenAuthenticationOptions options_;
  mutable std::mutex mutex_;
  TokenKeys keys_;
  Waker waker_;
  std::deque<CredentialChecked> ended_;
  std::map<std::string, Remembered, std::less<>> remembered_;
  // The addresses that are remembered, in the order in which their tokens were accepted.
  std::list<std::string> order_;
};

static_assert(Authenticator<TokenAuthentication>);

}  // namespace restante
