// How fast the simulator is: with all checkers and without a trace, on one core, in the time of the processor.
//
//     restante-bench-simulator [--quick]    --quick: a tenth of everything, to see that it works

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string_view>

#include <restante/sim/run.hpp>

namespace {

using namespace std::chrono_literals;
using restante::Duration;
using restante::sim::RunResult;
using restante::sim::Scenario;

struct Measured {
  std::uint64_t requests = 0;
  double seconds = 0;

  double nanoseconds_per_request() const { return seconds * 1e9 / static_cast<double>(requests); }
};

Measured measure(const char* name, const Scenario& scenario) {
  const std::clock_t start = std::clock();
  const RunResult result = restante::sim::run(scenario, 1);
  const double took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  if (result.outcome != restante::sim::Outcome::held) {
    std::fprintf(stderr, "%s: the run did not hold\n", name);
    std::exit(1);
  }
  const Measured measured{result.totals.requests_received, took};
  std::printf("%-48s %10.0f requests/s %8.0f ns/request %9llu requests %7.3f s\n", name,
              static_cast<double>(measured.requests) / measured.seconds, measured.nanoseconds_per_request(),
              static_cast<unsigned long long>(measured.requests), measured.seconds);
  return measured;
}

// Pushes to each other and fetch, as fast as `period` says.
Scenario busy(std::uint32_t clients, Duration period, Duration duration, bool contending) {
  Scenario scenario;
  scenario.duration = duration;
  // With more clients than ids, most never get what they want.
  scenario.heals_within = contending ? Duration::zero() : Duration{30s};
  scenario.groups = {{.name = "clients",
                      .count = clients,
                      .id = 0,
                      .push_every = period,
                      .payload_bytes_min = 16,
                      .payload_bytes_max = 16,
                      .get_every = period,
                      .drain = false}};
  return scenario;
}

// Waits for messages by asking once a second, as existing clients do, and sends one a minute.
Scenario polling(Duration duration) {
  Scenario scenario;
  scenario.duration = duration;
  scenario.groups = {{.name = "pollers", .count = 100, .id = 0, .push_every = 60s, .get_every = 1s, .drain = true}};
  return scenario;
}

int run(bool quick) {
  const int part = quick ? 10 : 1;
  const Measured ten = measure("10 clients", busy(10, 1ms, Duration{50s} / part, false));
  const Measured thousand =
      measure("1,000 clients that contend for 256 ids", busy(1000, 100ms, Duration{50s} / part, true));
  std::printf("%-48s %10.2f\n", "cost of a request with 1,000 to that with 10",
              thousand.nanoseconds_per_request() / ten.nanoseconds_per_request());
  measure("an hour of 100 clients that poll each second", polling(Duration{1h} / part));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count > 1 && std::string_view{arguments[1]} == "--quick");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
