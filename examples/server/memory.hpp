// Memory that many connections needed goes back to the system when they have left.
#pragma once

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <cstddef>

namespace restante_server {

/// Knows when it is worth the time to have the C library give back what it keeps for later.
class MemoryWatch {
 public:
  void opened() {
    ++connections_;
    most_ = std::max(most_, connections_);
  }

  /// Whether half of so many connections have left that it is worth it.
  bool closed() {
    --connections_;
    constexpr std::size_t worth_it = 1024;
    if (most_ < worth_it || connections_ > most_ / 2) {
      return false;
    }
    most_ = connections_;
    return true;
  }

  /// Takes milliseconds where there is much.
  static void give_back() {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
  }

 private:
  std::size_t connections_ = 0;
  std::size_t most_ = 0;
};

}  // namespace restante_server
