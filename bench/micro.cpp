// How long the parts of a request take, and how often they allocate memory.

#include <array>
#include <cstdint>
#include <string>

#include <benchmark/benchmark.h>

#include <restante/classic/codec.hpp>

#include "allocations.hpp"
#include "workload.hpp"

namespace {

void decode(benchmark::State& state, restante::BytesView packet) {
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

enum class Kind { push, get };

// An iteration is a round of requests. The other kind of round, which restores the mailboxes, is not timed.
void through_messenger(benchmark::State& state, Kind kind, bench::Size size) {
  bench::Workload workload{size};
  std::uint64_t allocations = 0;
  for (auto _ : state) {
    if (kind == Kind::get) {
      state.PauseTiming();
      workload.push_round();
      state.ResumeTiming();
    }
    const std::uint64_t before = bench::allocations();
    if (kind == Kind::push) {
      workload.push_round();
    } else {
      workload.get_round();
    }
    allocations += bench::allocations() - before;
    if (kind == Kind::push) {
      state.PauseTiming();
      workload.get_round();
      state.ResumeTiming();
    }
  }
  workload.check(std::uint64_t{bench::Workload::round_requests} * size.held);
  const auto requests = static_cast<std::int64_t>(bench::Workload::round_requests) * state.iterations();
  state.SetItemsProcessed(requests);
  state.counters["allocations"] = static_cast<double>(allocations) / static_cast<double>(requests);
}

void register_through_messenger(const char* name, Kind kind) {
  for (const bench::Size size : bench::sizes) {
    const std::string full_name =
        std::string{name} + "/connections:" + std::to_string(size.connections) + "/held:" + std::to_string(size.held);
    benchmark::RegisterBenchmark(full_name.c_str(), through_messenger, kind, size);
  }
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::RegisterBenchmark("decode_push", decode_push);
  benchmark::RegisterBenchmark("decode_get", decode_get);
  register_through_messenger("push_and_ack_x256", Kind::push);
  register_through_messenger("get_and_response_x256", Kind::get);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) {
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
