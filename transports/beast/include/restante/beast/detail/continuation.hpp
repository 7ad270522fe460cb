// What goes on later.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <restante/assert.hpp>

namespace restante::beast_detail {

/// Holds one function that is called once, or none. Keeps its memory, so that the next one costs no allocation.
class Continuation {
 public:
  Continuation() = default;
  Continuation(const Continuation&) = delete;
  Continuation& operator=(const Continuation&) = delete;
  ~Continuation() {
    if (kind_ != nullptr) {
      kind_->destroy(block_.get());
    }
  }

  explicit operator bool() const noexcept { return kind_ != nullptr; }

  /// There must be none.
  template <class Function>
  void set(Function&& function) {
    using Held = std::remove_cvref_t<Function>;
    static_assert(alignof(Held) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    RESTANTE_ASSERT(kind_ == nullptr, "a stream in memory does one thing at a time");
    if (block_bytes_ < sizeof(Held)) {
      block_ = std::make_unique_for_overwrite<std::byte[]>(sizeof(Held));
      block_bytes_ = sizeof(Held);
    }
    ::new (static_cast<void*>(block_.get())) Held(std::forward<Function>(function));
    kind_ = &kind_of<Held>;
  }

  /// Calls the function, which may set the next one. There must be one.
  void run() { std::exchange(kind_, nullptr)->run(block_.get()); }

 private:
  struct Kind {
    void (*run)(void* block);
    void (*destroy)(void* block);
  };

  template <class Held>
  static constexpr Kind kind_of{[](void* block) {
                                  Held* const held = static_cast<Held*>(block);
                                  Held function{std::move(*held)};
                                  held->~Held();
                                  function();
                                },
                                [](void* block) { static_cast<Held*>(block)->~Held(); }};

  const Kind* kind_ = nullptr;
  std::unique_ptr<std::byte[]> block_;
  std::size_t block_bytes_ = 0;
};

}  // namespace restante::beast_detail
