// What rapidcheck prints of an example can be run with restante-sim.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <sstream>
#include <string>

#include <restante/sim/rapidcheck.hpp>
#include <restante/sim/run.hpp>

#include "scenario_file.hpp"

namespace {

using restante::sim::Example;

RC_GTEST_PROP(Rapidcheck, PrintsAnExampleAsAScenarioThatDoesTheSame, (const Example& example)) {
  std::ostringstream printed;
  showValue(example, printed);
  const restante::sim::Scenario read = restante_sim::parse_scenario(printed.str(), "printed.toml");
  RC_ASSERT(run(read, example.seed, {.hash = true}).trace_hash ==
            run(example.scenario, example.seed, {.hash = true}).trace_hash);
  RC_ASSERT(printed.str().find("--seed " + std::to_string(example.seed) + " ") != std::string::npos);
}

}  // namespace
