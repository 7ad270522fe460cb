// Runs the swarm scenario of a protocol with one seed after the other until something is found.
//
//     restante-swarm PROTOCOL FIRST COUNT    says what was found, and with which seed; the exit code is 1 then, and 0
//                                            when all seeds held
//     restante-swarm PROTOCOL SEED           says everything that happens with this seed
//
// PROTOCOL is classic or restante.v2.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <string_view>

#include <restante/assert.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/run.hpp>

#include "swarm.hpp"
#include "v2_swarm.hpp"

namespace {

using restante::sim::Outcome;
using restante::sim::RunResult;
using restante::sim::Scenario;
using restante::sim::Sometimes;
using restante::sim::SometimesCounts;

std::uint64_t current_seed = 0;

// The program ends after this.
void tell_of_assertion(const char*, const char* explanation, const char* file, unsigned line) {
  std::cout << "seed " << current_seed << ": assertion: " << explanation << " (" << file << ":" << line << ")"
            << std::endl;
}

// One line for each thing that happens.
class Teller final : public restante::sim::Observer {
 public:
  void observe(const restante::sim::Entry& entry) override {
    std::cout << std::chrono::duration_cast<std::chrono::microseconds>(entry.time.time_since_epoch()).count() << " us "
              << name(entry.kind) << " client " << static_cast<std::int32_t>(entry.client) << " connection "
              << entry.connection.slot << "/" << entry.connection.generation;
    for (std::size_t i = 0; i < entry.bytes.size() && i < 8; ++i) {
      std::cout << " " << static_cast<unsigned>(entry.bytes[i]);
    }
    std::cout << " " << entry.code << " " << entry.text << "\n";
  }
};

bool tell(std::uint64_t seed, const RunResult& result) {
  if (result.outcome == Outcome::held) {
    return false;
  }
  const auto& findings = result.violations.empty() ? result.liveness_failures : result.violations;
  std::cout << "seed " << seed << ": " << findings.front().checker << ": " << findings.front().sentence << "\n";
  return true;
}

Scenario scenario_of(bool is_v2, std::uint64_t seed) {
  return is_v2 ? restante::sim::v2_swarm_scenario(seed) : restante::sim::swarm_scenario(seed);
}

int trace(bool is_v2, std::uint64_t seed) {
  current_seed = seed;
  Teller teller;
  return tell(seed, restante::sim::run(scenario_of(is_v2, seed), seed, {.observers = {&teller}})) ? 1 : 0;
}

// What a swarm of this protocol reaches.
bool is_possible(bool is_v2, Sometimes state) {
  switch (state) {
    case Sometimes::mailbox_full:
    case Sometimes::connection_broke_with_data_in_flight:
    case Sometimes::connection_paused:
    case Sometimes::server_crashed_with_messages_held:
    case Sometimes::storage_unavailable_answered:
    case Sometimes::store_failed:
    case Sometimes::turns_committed_as_one:
    case Sometimes::durable_told_with_failure:
    case Sometimes::failed_commit_kept:
    case Sometimes::failed_commit_lost:
      return true;
    default:
      return is_v2 == restante::sim::is_of_v2(state);
  }
}

int explore(bool is_v2, std::uint64_t first, std::uint64_t count) {
  SometimesCounts reached;
  std::uint64_t requests = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    current_seed = seed;
    RunResult result;
    try {
      result = restante::sim::run(scenario_of(is_v2, seed), seed);
    } catch (const std::exception& thrown) {
      std::cout << "seed " << seed << ": exception: " << thrown.what() << "\n";
      return 1;
    }
    if (tell(seed, result)) {
      return 1;
    }
    reached += result.sometimes;
    requests += result.totals.requests_received;
  }
  std::cout << count << " seeds held, with " << requests << " requests\n";
  int never = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    const auto state = static_cast<Sometimes>(i);
    std::cout << "  " << name(state) << ": " << reached[state] << "\n";
    never += is_possible(is_v2, state) && reached[state] == 0 ? 1 : 0;
  }
  if (never > 0 && count >= 200) {
    std::cout << "some of these were never reached: these seeds prove little\n";
    return 1;
  }
  return 0;
}

}  // namespace

int main(int count, char** values) {
  const std::span arguments{values, static_cast<std::size_t>(count)};
  const std::string_view protocol = arguments.size() > 1 ? arguments[1] : "";
  const bool is_v2 = protocol == restante::v2::protocol_name;
  if ((arguments.size() != 3 && arguments.size() != 4) || (!is_v2 && protocol != "classic")) {
    std::cerr << "usage: restante-swarm classic|restante.v2 FIRST COUNT, or the protocol and a SEED\n";
    return 2;
  }
  restante::set_assertion_handler(tell_of_assertion);
  try {
    const std::uint64_t seed = std::strtoull(arguments[2], nullptr, 10);
    return arguments.size() == 3 ? trace(is_v2, seed) : explore(is_v2, seed, std::strtoull(arguments[3], nullptr, 10));
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
