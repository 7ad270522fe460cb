// What bench/count_instructions runs under callgrind, which counts only while the two functions below run.
//
// Usage: restante-count-instructions [connections held rounds]
// Prints the requests of each kind that were measured, and how often those of either kind allocated memory. Without
// arguments, the compiler that made it and the sizes to be measured.

#include <cstdio>
#include <cstdlib>

#include "allocations.hpp"
#include "workload.hpp"

// The names that callgrind is told. Not inlined, so that there is something of that name.
extern "C" {
[[gnu::noinline]] void restante_measured_push(bench::Workload& workload) {
  workload.push_round();
}
[[gnu::noinline]] void restante_measured_get(bench::Workload& workload) {
  workload.get_round();
}
}

int main(int count, char** arguments) {
  if (count == 1) {
    std::printf("compiler %s\n", __VERSION__);
    for (const bench::Size size : bench::sizes) {
      std::printf("size %u %u\n", size.connections, size.held);
    }
    return EXIT_SUCCESS;
  }
  if (count != 4) {
    std::fputs("Usage: restante-count-instructions [connections held rounds]\n", stderr);
    return EXIT_FAILURE;
  }
  const auto number = [&](int index) {
    return static_cast<std::uint32_t>(std::strtoul(arguments[index], nullptr, 10));
  };
  const bench::Size size{number(1), number(2)};
  const std::uint32_t rounds = number(3);
  if (size.connections < 1 || size.connections > bench::Workload::round_requests || size.held > 99 || rounds < 1) {
    std::fputs("restante-count-instructions: 1-256 connections, 0-99 messages held, at least 1 round\n", stderr);
    return EXIT_FAILURE;
  }

  bench::Workload workload{size};
  std::uint64_t push_allocations = 0;
  std::uint64_t get_allocations = 0;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const std::uint64_t before = bench::allocations();
    restante_measured_push(workload);
    const std::uint64_t between = bench::allocations();
    restante_measured_get(workload);
    push_allocations += between - before;
    get_allocations += bench::allocations() - between;
  }
  workload.check(std::uint64_t{bench::Workload::round_requests} * size.held);
  std::printf("requests %u\npush_allocations %llu\nget_allocations %llu\n", bench::Workload::round_requests * rounds,
              static_cast<unsigned long long>(push_allocations), static_cast<unsigned long long>(get_allocations));
  return EXIT_SUCCESS;
}
