// Checks against wrong use of the library by the program itself. They stay on in release builds: a server that goes
// on after its own invariants broke would break its promises to everybody else.
//
// What a peer sends is never asserted: peers are answered or closed.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace restante {

/// What is called when an assertion fails: the condition as written, why it must hold, and the file and line where it
/// stands. (std::source_location is not there with every compiler that is supported.)
/// When the handler returns, the program is aborted. It may throw; the object that was used wrongly must then only be
/// destroyed.
using AssertionHandler = void (*)(const char* condition, const char* explanation, const char* file, unsigned line);

namespace detail {

inline std::atomic<AssertionHandler> assertion_handler{nullptr};

[[noreturn]] inline void assertion_failed(const char* condition, const char* explanation, const char* file,
                                          unsigned line) {
  if (const AssertionHandler handler = assertion_handler.load(std::memory_order_acquire); handler != nullptr) {
    handler(condition, explanation, file, line);
  } else {
    std::fprintf(stderr, "%s:%u: %s (%s)\n", file, line, explanation, condition);
  }
  std::abort();
}

}  // namespace detail

/// Installs a handler for failed assertions in place of the message on standard error, and returns the one before.
/// nullptr brings the default back. May be called from any thread.
inline AssertionHandler set_assertion_handler(AssertionHandler handler) noexcept {
  return detail::assertion_handler.exchange(handler, std::memory_order_acq_rel);
}

}  // namespace restante

/// Ends the program when `condition` is false. `explanation` is a sentence that says what the caller did wrong.
#define RESTANTE_ASSERT(condition, explanation)        \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::restante::detail::assertion_failed(#condition, explanation, __FILE__, __LINE__))
