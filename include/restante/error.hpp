// What can go wrong for a program that uses the library, as std::error_code.
//
// Faults of a peer are not errors: they are replies, and events.
#pragma once

#include <string>
#include <system_error>

namespace restante {

/// Why something asked of the library did not happen.
enum class Error {
  /// The connection broke, or was closed, before the reply came: whether the request took effect is not known.
  disconnected = 1,
  /// There is no connection yet, or no more: the request was not sent.
  not_connected,
  /// A payload longer than the protocol can carry (254 bytes in the classic protocol): the request was not sent.
  payload_too_large,
  /// More requests wait for their reply than ClientOptions::requests_max allows: the request was not sent.
  too_many_requests,
  /// What the peer sent cannot be a reply to what was asked.
  protocol_violation,
  /// The store cannot keep or give back messages at present.
  storage_unavailable,
  /// The outbox holds as much as v2::ClientOptions allow: the message was not taken.
  outbox_full,
  /// Whether a message was accepted can not be known any more: what the server knew of this address was lost, or
  /// somebody else used the address meanwhile.
  outcome_unknown,
};

namespace detail {

class ErrorCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "restante"; }
  std::string message(int value) const override {
    switch (static_cast<Error>(value)) {
      case Error::disconnected:
        return "the connection ended before the reply came";
      case Error::not_connected:
        return "there is no connection";
      case Error::payload_too_large:
        return "the payload is longer than the protocol can carry";
      case Error::too_many_requests:
        return "too many requests wait for their reply";
      case Error::protocol_violation:
        return "the peer broke the protocol";
      case Error::storage_unavailable:
        return "the store is unavailable";
      case Error::outbox_full:
        return "the outbox is full";
      case Error::outcome_unknown:
        return "whether the message was accepted can not be known any more";
    }
    return "unknown error";
  }
};

}  // namespace detail

/// The category of the codes made from Error; its name is "restante".
inline const std::error_category& error_category() noexcept {
  static const detail::ErrorCategory category;
  return category;
}

/// Found by std::error_code when it is made from an Error.
inline std::error_code make_error_code(Error error) noexcept {
  return {static_cast<int>(error), error_category()};
}

}  // namespace restante

template <>
struct std::is_error_code_enum<restante::Error> : std::true_type {};
