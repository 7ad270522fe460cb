// Who may open which address: what Messenger asks before it says anything about an address. The default lets everybody
// do everything.
//
// A check may take its time, as one of passwords does on purpose: it is begun, and its verdict is fetched later, so
// that nobody else waits for it. Implementations that check passwords and tokens are in restante::authentication;
// AuthenticatorArchetype below is the smallest, to copy from.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/waker.hpp>

namespace restante {

/// What came of checking a credential.
enum class Verdict : std::uint8_t {
  /// It proves that its bearer is who the address belongs to.
  accepted,
  /// It does not. Why is nobody's business but the operator's: a peer is not told whether the address is known.
  rejected,
  /// It could not be checked now; the same credential may be accepted later.
  unavailable,
};

/// How a check ended.
struct CredentialChecked {
  /// The number that was given to check().
  std::uint64_t check = 0;
  Verdict verdict = Verdict::rejected;
};

/// Checks credentials, and knows what addresses may do. Messenger calls one function at a time, though not always on
/// the same thread, and none of them may wait or throw.
///
/// asks_for_credentials() is the same for as long as the authenticator lives; when it is false, check() is never
/// called.
///
/// start() is called once, before anything else, and stop() before Messenger is gone: from then on the waker must not
/// be called, and checks under way are abandoned.
///
/// check() begins to check whether `credential` belongs to `address`. The numbers are the caller's, each used once. The
/// views are valid for the length of the call: what is needed later is copied. When a check ends, the waker is called,
/// which may happen inside of check(); completed() then tells of it, each check once and in any order, until it has no
/// more to tell. Every check ends.
///
/// provisioned() says whether an address may receive messages though nobody has opened it yet. may_create() and
/// may_join() say what an address that is open may do with a room.
template <class A>
concept Authenticator = requires(A& authenticator, const A& constant, Waker waker, std::uint64_t check,
                                 std::string_view address, std::string_view room, BytesView credential) {
  { constant.asks_for_credentials() } -> std::same_as<bool>;
  authenticator.start(waker);
  authenticator.stop();
  authenticator.check(check, address, credential);
  { authenticator.completed() } -> std::same_as<std::optional<CredentialChecked>>;
  { constant.provisioned(address) } -> std::same_as<bool>;
  { constant.may_create(address, room) } -> std::same_as<bool>;
  { constant.may_join(address, room) } -> std::same_as<bool>;
};

/// Asks for no credentials: everybody may do everything. The default of Messenger; the compiler leaves nothing of it.
class NoAuthentication {
 public:
  static constexpr bool asks_for_credentials() noexcept { return false; }
  void start(Waker) noexcept {}
  void stop() noexcept {}
  void check(std::uint64_t, std::string_view, BytesView) {
    RESTANTE_ASSERT(asks_for_credentials(), "a credential was given to NoAuthentication, which asks for none");
  }
  std::optional<CredentialChecked> completed() noexcept { return std::nullopt; }
  bool provisioned(std::string_view) const noexcept { return true; }
  bool may_create(std::string_view, std::string_view) const noexcept { return true; }
  bool may_join(std::string_view, std::string_view) const noexcept { return true; }
};

namespace detail {

// It holds nothing, so that all messengers of a program can share it.
inline NoAuthentication no_authentication;

}  // namespace detail

/// The smallest type that asks for credentials. It accepts none and ends each check at once.
class AuthenticatorArchetype {
 public:
  bool asks_for_credentials() const { return true; }
  void start(Waker waker) { waker_ = waker; }
  void stop() { waker_ = {}; }
  void check(std::uint64_t check, std::string_view, BytesView) {
    ended_.push_back({check, Verdict::rejected});
    waker_();
  }
  std::optional<CredentialChecked> completed() {
    if (ended_.empty()) {
      return std::nullopt;
    }
    const CredentialChecked checked = ended_.back();
    ended_.pop_back();
    return checked;
  }
  bool provisioned(std::string_view) const { return false; }
  bool may_create(std::string_view, std::string_view) const { return false; }
  bool may_join(std::string_view, std::string_view) const { return false; }

 private:
  Waker waker_;
  std::vector<CredentialChecked> ended_;
};

static_assert(Authenticator<NoAuthentication> && Authenticator<AuthenticatorArchetype>);

}  // namespace restante
