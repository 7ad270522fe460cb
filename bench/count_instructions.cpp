// What bench/count_instructions runs under callgrind, which counts only while one of the functions below runs.
//
// Usage: restante-count-instructions [kind connections held rounds]
// Prints how many requests of this kind were measured, and how often they allocated memory. Without arguments, the
// compiler that made it, and each kind with the sizes to be measured.

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "allocations.hpp"
#include "v2_crowds.hpp"
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
[[gnu::noinline]] void restante_measured_v2_wake(bench::V2Waiters& waiters) {
  waiters.wake_round();
}
[[gnu::noinline]] void restante_measured_v2_wait(bench::V2Waiters& waiters) {
  waiters.wait_round();
}
[[gnu::noinline]] void restante_measured_v2_room_push(bench::V2Room& room) {
  room.push_round();
}
[[gnu::noinline]] void restante_measured_v2_room_wake(bench::V2Room& room) {
  room.serve_round();
}
}

namespace {

struct Measured {
  std::uint64_t requests = 0;
  std::uint64_t allocations = 0;
};

// Rounds of one kind after `before` and ahead of `after`, which are not measured.
template <class Before, class Round, class After>
Measured measure(std::uint32_t rounds, std::uint32_t round_requests, Before before, Round round, After after) {
  Measured measured;
  for (std::uint32_t i = 0; i < rounds; ++i) {
    before();
    const std::uint64_t allocations = bench::allocations();
    round();
    measured.allocations += bench::allocations() - allocations;
    after();
  }
  measured.requests = std::uint64_t{rounds} * round_requests;
  return measured;
}

Measured measure_classic(bool pushes, bench::Size size, std::uint32_t rounds) {
  bench::Workload workload{size};
  const auto push = [&] { restante_measured_push(workload); };
  const auto get = [&] { restante_measured_get(workload); };
  const auto nothing = [] {};
  const Measured measured = pushes ? measure(rounds, bench::Workload::round_requests, nothing, push, get)
                                   : measure(rounds, bench::Workload::round_requests, push, get, nothing);
  workload.check(std::uint64_t{bench::Workload::round_requests} * size.held);
  return measured;
}

Measured measure_v2(bool pushes, bench::Size size, std::uint32_t rounds) {
  bench::V2Workload workload{size};
  const auto prepare = [&] { workload.prepare(); };
  const auto push = [&] { restante_measured_v2_push(workload); };
  const auto fetch = [&] { restante_measured_v2_fetch(workload); };
  const auto prepare_and_push = [&] {
    prepare();
    push();
  };
  const Measured measured = pushes ? measure(rounds, bench::V2Workload::round_requests, prepare, push, fetch)
                                   : measure(rounds, bench::V2Workload::round_requests, prepare_and_push, fetch, [] {});
  workload.check();
  return measured;
}

Measured measure_waiters(bool wakes, bench::Size size, std::uint32_t rounds) {
  bench::V2Waiters waiters{size.connections};
  const auto prepare = [&] { waiters.prepare(); };
  const auto wake = [&] { restante_measured_v2_wake(waiters); };
  const auto wait = [&] { restante_measured_v2_wait(waiters); };
  const auto prepare_and_wake = [&] {
    prepare();
    wake();
  };
  const Measured measured = wakes ? measure(rounds, bench::V2Waiters::round_requests, prepare, wake, wait)
                                  : measure(rounds, bench::V2Waiters::round_requests, prepare_and_wake, wait, [] {});
  waiters.check();
  return measured;
}

Measured measure_room(bool pushes, bench::Size size, std::uint32_t rounds) {
  bench::V2Room room{size.connections};
  const auto nothing = [] {};
  const Measured measured = pushes ? measure(
                                         rounds, bench::V2Room::round_requests, [&] { room.prepare_pushes(); },
                                         [&] { restante_measured_v2_room_push(room); }, nothing)
                                   : measure(
                                         rounds, size.connections, [&] { room.prepare_waiting(); },
                                         [&] { restante_measured_v2_room_wake(room); }, nothing);
  room.check();
  return measured;
}

// Throws std::invalid_argument for a kind that there is not.
Measured measure(std::string_view kind, bench::Size size, std::uint32_t rounds) {
  if (kind == "push" || kind == "get") {
    return measure_classic(kind == "push", size, rounds);
  }
  if (kind == "v2_push" || kind == "v2_fetch") {
    return measure_v2(kind == "v2_push", size, rounds);
  }
  if (kind == "v2_wake" || kind == "v2_wait") {
    return measure_waiters(kind == "v2_wake", size, rounds);
  }
  if (kind == "v2_room_push" || kind == "v2_room_wake") {
    return measure_room(kind == "v2_room_push", size, rounds);
  }
  throw std::invalid_argument("there is no such kind");
}

void list() {
  std::printf("compiler %s\n", __VERSION__);
  for (const char* kind : {"push", "get", "v2_push", "v2_fetch"}) {
    for (const bench::Size size : bench::sizes) {
      std::printf("measure %s %u %u\n", kind, size.connections, size.held);
    }
  }
  for (const char* kind : {"v2_wake", "v2_wait", "v2_room_push", "v2_room_wake"}) {
    for (const std::uint32_t connections : bench::crowds) {
      std::printf("measure %s %u 0\n", kind, connections);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 1) {
    list();
    return EXIT_SUCCESS;
  }
  if (count != 5) {
    std::fputs("Usage: restante-count-instructions [kind connections held rounds]\n", stderr);
    return EXIT_FAILURE;
  }
  const auto number = [&](int index) {
    return static_cast<std::uint32_t>(std::strtoul(arguments[index], nullptr, 10));
  };
  const bench::Size size{number(2), number(3)};
  const std::uint32_t rounds = number(4);
  if (size.connections < 1 || size.held > 99 || rounds < 1) {
    std::fputs("restante-count-instructions: 1 connection or more, 0-99 messages held, 1 round or more\n", stderr);
    return EXIT_FAILURE;
  }
  try {
    const Measured measured = measure(arguments[1], size, rounds);
    std::printf("requests %llu\nallocations %llu\n", static_cast<unsigned long long>(measured.requests),
                static_cast<unsigned long long>(measured.allocations));
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "restante-count-instructions: %s\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
