// What a fuzzer says when something does not hold.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace restante::fuzz {

/// Ends the program, so that the fuzzer keeps the input. `sentence` says what should be true.
inline void expect(bool condition, const char* sentence) {
  if (!condition) {
    std::fprintf(stderr, "This does not hold: %s.\n", sentence);
    std::abort();
  }
}

}  // namespace restante::fuzz
