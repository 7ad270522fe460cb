// Where a Messenger gets its random numbers unless it is told otherwise.
#pragma once

#include <cstdint>
#include <random>

namespace restante {

/// 64 random bits from the system, for secrets. Throws what std::random_device throws where the system has none.
inline std::uint64_t system_entropy() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

}  // namespace restante
