// How a part that works in the background makes itself heard.
#pragma once

namespace restante {

/// Makes Messenger look soon at what it was given to: its store, or its authenticator. Cheap to copy, may be called
/// from any thread, as often as wished, until stop() of that part has returned.
class Waker {
 public:
  Waker() = default;
  /// Calls `function(context)`.
  Waker(void* context, void (*function)(void*)) noexcept : context_{context}, function_{function} {}

  void operator()() const {
    if (function_ != nullptr) {
      function_(context_);
    }
  }

 private:
  void* context_ = nullptr;
  void (*function_)(void*) = nullptr;
};

}  // namespace restante
