#include "exhaust.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iomanip>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <restante/sim/exhaust.hpp>
#include <restante/sim/exhaust_worlds.hpp>

namespace restante_sim {
namespace {

using restante::sim::ExhaustFailure;
using restante::sim::ExhaustResult;
using restante::sim::Rule;
using restante::sim::SmallWorld;
using restante::sim::Sometimes;

std::vector<SmallWorld> chosen_worlds(const ExhaustCommand& command) {
  std::vector<SmallWorld> worlds = restante::sim::small_worlds();
  if (!command.world.empty()) {
    std::string names;
    for (const SmallWorld& world : worlds) {
      names += (names.empty() ? "\"" : ", \"") + world.name + "\"";
    }
    std::erase_if(worlds, [&command](const SmallWorld& world) { return world.name != command.world; });
    if (worlds.empty()) {
      throw std::invalid_argument{"there is no world \"" + command.world + "\"; there are: " + names};
    }
  }
  for (SmallWorld& world : worlds) {
    world.depth = static_cast<std::uint32_t>(std::max<std::int64_t>(1, std::int64_t{world.depth} + command.more_steps));
  }
  return worlds;
}

ExhaustResult exhaust_and_tell(const SmallWorld& world) {
  const auto start = std::chrono::steady_clock::now();
  const ExhaustResult result = restante::sim::exhaust(world);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << std::left << std::setw(48) << world.name << std::right << std::setw(11) << result.interleavings
            << " interleavings of up to " << std::setw(2) << world.depth << " steps " << std::fixed
            << std::setprecision(1) << std::setw(6) << took.count() << " s" << std::endl;
  for (const ExhaustFailure& failure : result.failures) {
    std::cout << "  " << failure.sentence << ", after these steps:\n";
    for (const std::string& step : failure.steps) {
      std::cout << "    " << step << "\n";
    }
  }
  return result;
}

// Gives whether all were reached.
bool tell_of_rules(const ExhaustResult& all) {
  bool reached_all = true;
  std::cout << "\nHow often each rule decided, and each of these things happened:\n";
  for (std::size_t i = 0; i < static_cast<std::size_t>(Rule::count); ++i) {
    const auto rule = static_cast<Rule>(i);
    std::cout << "  " << std::left << std::setw(36) << name(rule) << std::right << std::setw(11) << all.rules[rule]
              << (all.rules[rule] == 0 ? "  never" : "") << "\n";
    reached_all = reached_all && all.rules[rule] > 0;
  }
  return reached_all;
}

// The same for what only restante.v2 has.
bool tell_of_v2(const ExhaustResult& all) {
  bool reached_all = true;
  std::cout << "\nAnd with restante.v2:\n";
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    const auto state = static_cast<Sometimes>(i);
    if (is_of_v2(state)) {
      std::cout << "  " << std::left << std::setw(36) << name(state) << std::right << std::setw(11)
                << all.sometimes[state] << (all.sometimes[state] == 0 ? "  never" : "") << "\n";
      reached_all = reached_all && all.sometimes[state] > 0;
    }
  }
  return reached_all;
}

}  // namespace

ExitCode exhaust_command(const ExhaustCommand& command) {
  const std::vector<SmallWorld> worlds = chosen_worlds(command);
  const auto start = std::chrono::steady_clock::now();
  ExhaustResult all;
  for (const SmallWorld& world : worlds) {
    all += exhaust_and_tell(world);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const bool reached_rules = tell_of_rules(all);
  const bool reached_all = (tell_of_v2(all) && reached_rules) || !command.world.empty();
  std::cout << "\n"
            << all.interleavings << " interleavings, " << all.steps << " steps, " << took.count() << " s: "
            << (!all.failures.empty() ? "something was found"
                : reached_all         ? "all held"
                                      : "all held, and prove too little: something was never reached")
            << "\n";
  return all.failures.empty() && reached_all ? ExitCode::held : ExitCode::broken;
}

}  // namespace restante_sim
