// An authenticator whose checks end when and how the test says.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <restante/authentication.hpp>

namespace restante::test {

/// An Authenticator in the hands of a test. "known" and 7 may receive before it was opened; "ada" may make rooms;
/// everybody may join "#public".
class SlowAuthenticator {
 public:
  struct Asked {
    std::uint64_t check = 0;
    std::string address;
    std::string credential;
  };

  // What a Messenger asks.

  bool asks_for_credentials() const { return true; }
  void start(Waker waker) { waker_ = waker; }
  void stop() { waker_ = {}; }
  void check(std::uint64_t check, std::string_view address, BytesView credential) {
    asked.push_back({check, std::string{address}, std::string{as_text(credential)}});
  }
  std::optional<CredentialChecked> completed() {
    if (ended_.empty()) {
      return std::nullopt;
    }
    const CredentialChecked ended = ended_.front();
    ended_.pop_front();
    return ended;
  }
  bool provisioned(std::string_view address) const { return address == "known" || address == "7"; }
  bool may_create(std::string_view address, std::string_view) const { return address == "ada"; }
  bool may_join(std::string_view, std::string_view room) const { return room == "#public"; }

  // What a test does.

  /// The check that was asked for as number `index` ends.
  void end(std::size_t index, Verdict verdict) {
    ended_.push_back({asked.at(index).check, verdict});
    waker_();
  }

  /// Every check that was asked for.
  std::vector<Asked> asked;

 private:
  Waker waker_;
  std::deque<CredentialChecked> ended_;
};

static_assert(Authenticator<SlowAuthenticator>);

}  // namespace restante::test
