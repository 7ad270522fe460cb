// Who is let in: a Messenger's side of an Authenticator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <restante/authentication.hpp>
#include <restante/bytes.hpp>
#include <restante/core/authoriser.hpp>
#include <restante/detail/open_checks.hpp>
#include <restante/time.hpp>

namespace restante::detail {

/// Keeps the credentials that are being checked, and holds back the answers to wrong ones. Answers the core's questions
/// of who may be where.
template <class A>
class Doorkeeper final : public Authoriser {
 public:
  explicit Doorkeeper(A& authenticator) : authenticator_{authenticator} {}

  bool asks() const { return authenticator_.asks_for_credentials(); }
  void start(Waker waker) { authenticator_.start(waker); }
  void stop() { authenticator_.stop(); }

  /// Begins to check a credential.
  void check(OpenCheck open, BytesView credential) {
    const std::string address = open.address;
    authenticator_.check(checks_.add(std::move(open)), address, credential);
  }

  /// Takes what was found out. `rejected(check)` is called at once for a wrong credential, and `judge(check, verdict)`
  /// when it is to be answered: for a wrong one `delay` later, so that guessing takes long.
  template <class Rejected, class Judge>
  void take_verdicts(SteadyTime now, Duration delay, Rejected rejected, Judge judge) {
    while (const std::optional<CredentialChecked> checked = authenticator_.completed()) {
      std::optional<OpenCheck> open = checks_.take(checked->check);
      if (!open) {
        continue;
      }
      if (checked->verdict == Verdict::rejected) {
        rejected(*open);
        checks_.refuse_at(after(now, delay), std::move(*open));
      } else {
        judge(*open, checked->verdict);
      }
    }
    while (const std::optional<OpenCheck> open = checks_.take_refused(now)) {
      judge(*open, Verdict::rejected);
    }
  }

  /// When take_verdicts() is to be called at the latest.
  SteadyTime next_deadline() const { return asks() ? checks_.next_deadline() : never; }

  bool provisioned(BytesView address) const override { return authenticator_.provisioned(as_text(address)); }
  bool may_create(BytesView address, BytesView room) const override {
    return authenticator_.may_create(as_text(address), as_text(room));
  }
  bool may_join(BytesView address, BytesView room) const override {
    return authenticator_.may_join(as_text(address), as_text(room));
  }

 private:
  A& authenticator_;
  OpenChecks checks_;
};

}  // namespace restante::detail
