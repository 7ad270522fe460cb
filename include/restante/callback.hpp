// A function that is kept and called later. Move-only, so that it may own what it needs, and without the compile cost
// of <functional>.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <restante/assert.hpp>

namespace restante {

template <class Signature>
class Callback;

/// Holds anything that can be called with `Arguments` and gives a `Result`, or nothing. Not thread safe.
template <class Result, class... Arguments>
class Callback<Result(Arguments...)> {
 public:
  Callback() = default;

  // What can be called becomes a callback unasked, and so does nullptr: that is what they are given for.
  // NOLINTBEGIN(google-explicit-constructor)
  Callback(std::nullptr_t) noexcept {}

  template <class Function>
  requires(!std::is_same_v<std::remove_cvref_t<Function>, Callback>) &&
      std::is_invocable_r_v<Result, std::decay_t<Function>&, Arguments...> Callback(Function&& function)
      : held_{std::make_unique<Held<std::decay_t<Function>>>(std::forward<Function>(function))} {}
  // NOLINTEND(google-explicit-constructor)

  /// Whether there is something to call.
  explicit operator bool() const noexcept { return held_ != nullptr; }

  /// Calls what is held. An empty callback must not be called.
  Result operator()(Arguments... arguments) {
    RESTANTE_ASSERT(held_ != nullptr, "an empty callback was called");
    return held_->call(std::forward<Arguments>(arguments)...);
  }

 private:
  struct Interface {
    Interface() = default;
    Interface(const Interface&) = delete;
    Interface& operator=(const Interface&) = delete;
    virtual ~Interface() = default;
    virtual Result call(Arguments... arguments) = 0;
  };

  template <class Function>
  struct Held final : Interface {
    template <class Argument>
    explicit Held(Argument&& argument) : function(std::forward<Argument>(argument)) {}
    Result call(Arguments... arguments) override {
      if constexpr (std::is_void_v<Result>) {
        static_cast<void>(function(std::forward<Arguments>(arguments)...));
      } else {
        return function(std::forward<Arguments>(arguments)...);
      }
    }
    Function function;
  };

  std::unique_ptr<Interface> held_;
};

}  // namespace restante
