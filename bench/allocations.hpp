// How often memory was asked for from the heap.
#pragma once

#include <cstdint>

namespace bench {

/// Calls of the global operator new, in all its forms, since the program began. A program that links allocations.cpp
/// has them replaced by forms that count. These programs have one thread.
std::uint64_t allocations() noexcept;

}  // namespace bench
