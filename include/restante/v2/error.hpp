// Why a server refused something, as std::error_code.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>

#include <restante/core/refusal.hpp>

namespace restante {

namespace detail {

class RefusalCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "restante.refusal"; }
  std::string message(int value) const override {
    switch (static_cast<Refusal>(value)) {
      case Refusal::malformed:
        return "the server does not understand the request";
      case Refusal::unknown_operation:
        return "the server does not know this kind of request";
      case Refusal::not_open:
        return "no address is open";
      case Refusal::already_open:
        return "an address is open already";
      case Refusal::unauthorised:
        return "the credential is missing or wrong, or this is not allowed with it";
      case Refusal::address_taken:
        return "somebody else holds the address";
      case Refusal::bad_address:
        return "this can not be an address here";
      case Refusal::no_such_address:
        return "nobody can receive at this address";
      case Refusal::no_such_room:
        return "there is no such room, and it may not be made";
      case Refusal::not_a_member:
        return "this address is not a member of the room";
      case Refusal::wrong_epoch:
        return "what is spoken of was lost";
      case Refusal::stale_sequence:
        return "the number of the message is too old to know whether it was accepted";
      case Refusal::sequence_ahead:
        return "the number of the message is too far ahead";
      case Refusal::mailbox_full:
        return "the mailbox is full";
      case Refusal::quota_exceeded:
        return "the mailbox holds as much from one sender as it may";
      case Refusal::payload_too_large:
        return "the message is longer than the server takes";
      case Refusal::classic_limit:
        return "a client of the classic protocol could not be shown this message";
      case Refusal::rate_limited:
        return "too many requests in a second";
      case Refusal::limit_reached:
        return "the server has reached a limit";
      case Refusal::storage_unavailable:
        return "the server can not store anything at present";
      case Refusal::going_away:
        return "the server is shutting down";
    }
    return "unknown refusal";
  }
};

}  // namespace detail

/// The category of the codes made from Refusal; its name is "restante.refusal".
inline const std::error_category& refusal_category() noexcept {
  static const detail::RefusalCategory category;
  return category;
}

/// Found by std::error_code when it is made from a Refusal. A reason that only a newer server has counts as
/// limit_reached (docs/protocol.md, restante.v2, rule 11).
inline std::error_code make_error_code(Refusal refusal) noexcept {
  const bool is_known = refusal >= Refusal::malformed && refusal <= Refusal::going_away;
  return {static_cast<int>(is_known ? refusal : Refusal::limit_reached), refusal_category()};
}

/// Whether what was refused may be asked for again a little later, and a client does so by itself.
constexpr bool passes(Refusal refusal) noexcept {
  return refusal == Refusal::rate_limited || refusal == Refusal::storage_unavailable || refusal == Refusal::going_away;
}

}  // namespace restante

template <>
struct std::is_error_code_enum<restante::Refusal> : std::true_type {};
