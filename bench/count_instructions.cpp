// What bench/count_instructions runs under callgrind, which counts only while the two functions below run.
//
// Usage: restante-count-instructions [connections held rounds]
// Prints the requests of each kind that were measured, and how often those of either kind allocated memory. Without
// arguments, the compiler that made it and the sizes to be measured.

#include <cstdio>
#include <cstdlib>

#include "allocations.hpp"
#include "v2_workload.hpp"
#include "workload.hpp"

// The names that callgrind is told. Not inlined, so that there is something of that name.
extern "C" {
[[gnu::noinline]] void restante_measured_push(bench::Workload& workload) {
  workload.push_round();
}
[[gnu::noinline]] void restante_measured_get(bench::Workload& workload) {
  workload.get_round();
}
[[gnu::noinline]] void restante_measured_v2_push(bench::V2Workload& workload) {
  workload.push_round();
}
[[gnu::noinline]] void restante_measured_v2_fetch(bench::V2Workload& workload) {
  workload.fetch_round();
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

  bench::V2Workload v2_workload{size};
  std::uint64_t v2_push_allocations = 0;
  std::uint64_t v2_fetch_allocations = 0;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    v2_workload.prepare();
    const std::uint64_t before = bench::allocations();
    restante_measured_v2_push(v2_workload);
    const std::uint64_t between = bench::allocations();
    restante_measured_v2_fetch(v2_workload);
    v2_push_allocations += between - before;
    v2_fetch_allocations += bench::allocations() - between;
  }
  v2_workload.check();
  const auto print = [](const char* kind, std::uint64_t allocations) {
    std::printf("%s_allocations %llu\n", kind, static_cast<unsigned long long>(allocations));
  };
  std::printf("requests %u\n", bench::Workload::round_requests * rounds);
  print("push", push_allocations);
  print("get", get_allocations);
  print("v2_push", v2_push_allocations);
  print("v2_fetch", v2_fetch_allocations);
  return EXIT_SUCCESS;
}
