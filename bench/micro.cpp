// How long the parts of a request take, and how often they allocate memory.

#include <array>
#include <chrono>
#include <cstdint>

#include <benchmark/benchmark.h>

#include <restante/classic/codec.hpp>

#include "allocations.hpp"
#include "workload.hpp"

namespace {

void decode(benchmark::State& state, restante::BytesView packet) {
  // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores)
  for (auto _ : state) {
    benchmark::DoNotOptimize(packet);
    restante::classic::ClientPacket decoded = restante::classic::decode_client_packet(packet);
    benchmark::DoNotOptimize(decoded);
  }
}

void decode_push(benchmark::State& state) {
  const std::array<std::uint8_t, bench::Workload::payload_bytes> payload{};
  std::array<std::uint8_t, restante::classic::packet_bytes_max> buffer;
  decode(state, restante::classic::encode(restante::classic::make_push(1, 2, payload), buffer));
}

void decode_get(benchmark::State& state) {
  std::array<std::uint8_t, restante::classic::packet_bytes_max> buffer;
  decode(state, restante::classic::encode(restante::classic::Get{1}, buffer));
}

// An iteration is a round of `measured`. The round that restores the mailboxes is not timed: with PauseTiming(), asking
// for the time would take a tenth of what is measured.
template <class Before, class Measured, class After>
void through_messenger(benchmark::State& state, Before before, Measured measured, After after) {
  const bench::Size size{static_cast<std::uint32_t>(state.range(0)), static_cast<std::uint32_t>(state.range(1))};
  bench::Workload workload{size};
  std::uint64_t allocations = 0;
  // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores)
  for (auto _ : state) {
    before(workload);
    const std::uint64_t allocations_before = bench::allocations();
    const auto start = std::chrono::steady_clock::now();
    measured(workload);
    const auto end = std::chrono::steady_clock::now();
    allocations += bench::allocations() - allocations_before;
    after(workload);
    state.SetIterationTime(std::chrono::duration<double>(end - start).count());
  }
  workload.check(std::uint64_t{bench::Workload::round_requests} * size.held);
  const auto requests = static_cast<std::int64_t>(bench::Workload::round_requests) * state.iterations();
  state.SetItemsProcessed(requests);
  state.counters["allocations"] = static_cast<double>(allocations) / static_cast<double>(requests);
}

void nothing(bench::Workload&) {}
void push_round(bench::Workload& workload) {
  workload.push_round();
}
void get_round(bench::Workload& workload) {
  workload.get_round();
}

void push_and_ack_x256(benchmark::State& state) {
  through_messenger(state, nothing, push_round, get_round);
}
void get_and_response_x256(benchmark::State& state) {
  through_messenger(state, push_round, get_round, nothing);
}

void all_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->UseManualTime()->ArgNames({"connections", "held"});
  for (const bench::Size size : bench::sizes) {
    benchmark->Args({size.connections, size.held});
  }
}

BENCHMARK(decode_push);
BENCHMARK(decode_get);
BENCHMARK(push_and_ack_x256)->Apply(all_sizes);
BENCHMARK(get_and_response_x256)->Apply(all_sizes);

}  // namespace

BENCHMARK_MAIN();
