// What a Messenger asks the system for unless its options say otherwise: the only place in the library that knows a
// clock or chance. Simulations and tests give their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace restante {

/// 64 random bits from the system, for secrets. Throws what std::random_device throws where the system has none.
inline std::uint64_t system_entropy() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

/// Milliseconds since 1970-01-01 00:00 UTC, as the system's clock has it.
inline std::uint64_t system_wall_clock_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

}  // namespace restante
