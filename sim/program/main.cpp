// restante-sim: runs scenarios, explores seeds, makes failing runs shorter, and exhausts small worlds.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

#include <restante/version.hpp>

#include "exhaust.hpp"
#include "explore.hpp"
#include "guarded_run.hpp"
#include "run_command.hpp"
#include "scenario_file.hpp"
#include "shrink.hpp"
#include "summary.hpp"

namespace {

using namespace restante_sim;

constexpr const char* exit_codes =
    "Exit codes: 0 held, 1 an invariant broke or a number was not as expected, 2 wrong usage or no proper scenario, 3 "
    "liveness failed.";

struct CommandLine {
  RunCommand run;
  ExploreCommand explore;
  ShrinkCommand shrink;
  ExhaustCommand exhaust;
};

void describe_run(CLI::App& app, RunCommand& run) {
  CLI::App& command = *app.add_subcommand("run", "Run a scenario with one seed, and say what came of it");
  command.add_option("file", run.file, "the scenario, a file of TOML")->required();
  command.add_option("--seed", run.seed, "what all chance comes from")->capture_default_str();
  command.add_option("--trace", run.trace, "write all that happens to this file, an object of JSON in each line");
  command.add_option("--report", run.report, "write a page of HTML that shows the run");
  command.add_flag("--json", run.json, "print the summary as an object of JSON");
  command.footer(exit_codes);
}

void describe_explore(CLI::App& app, ExploreOptions& options, std::string& file) {
  CLI::App& command = *app.add_subcommand("explore", "Run a scenario with many seeds, until one fails");
  command.add_option("file", file, "the scenario, a file of TOML")->required();
  command.add_option("--seeds", options.seeds, "how many")->check(CLI::Range(1U, UINT32_MAX))->capture_default_str();
  command.add_option("--from", options.from, "the first")->capture_default_str();
  options.jobs = std::max(1U, std::thread::hardware_concurrency());
  command.add_option("--jobs", options.jobs, "how many at once")->check(CLI::Range(1U, 1024U))->capture_default_str();
  command.add_flag("--keep-going", options.keep_going, "collect failures instead of stopping at the first");
  command.footer(exit_codes);
}

void describe_shrink(CLI::App& app, ShrinkCommand& shrink) {
  CLI::App& command = *app.add_subcommand("shrink", "Make a failing run shorter, and write it down as a scenario");
  command.add_option("file", shrink.file, "the scenario, a file of TOML")->required();
  command.add_option("--seed", shrink.seed, "the one that fails")->capture_default_str();
  command.add_option("-o,--output", shrink.output, "where the shorter scenario goes; otherwise, to standard output");
  command.add_option("--runs", shrink.runs_max, "try this many times at most")
      ->check(CLI::Range(1U, UINT32_MAX))
      ->capture_default_str();
  command.footer(
      "Exit codes: 0 a scenario was written, 2 wrong usage, no proper scenario, or a run that does not fail.");
}

void describe_exhaust(CLI::App& app, ExhaustCommand& exhaust) {
  CLI::App& command =
      *app.add_subcommand("exhaust", "Try every order of events in small worlds of at most three clients");
  command.add_option("--world", exhaust.world, "this world only; one that there is not gets a list of all");
  command.add_option("--more-steps", exhaust.more_steps, "follow each world for so many steps more, or fewer")
      ->check(CLI::Range(-100, 100))
      ->capture_default_str();
  command.footer("Exit codes: 0 all held, 1 something was found or a rule was never reached, 2 wrong usage.");
}

ExitCode execute(const CLI::App& app, const CommandLine& line) {
  if (app.got_subcommand("run")) {
    return run_command(line.run);
  }
  if (app.got_subcommand("explore")) {
    return explore_command(line.explore);
  }
  if (app.got_subcommand("exhaust")) {
    return exhaust_command(line.exhaust);
  }
  return shrink_command(line.shrink);
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app{
      "A server of mailboxes, its clients and their network, simulated in virtual time: the same seed gives "
      "the same run, always."};
  app.set_version_flag("--version", std::string{"restante-sim "} + restante::version);
  app.require_subcommand(1);
  app.footer(exit_codes);
  const std::string program = argc > 0 ? argv[0] : "restante-sim";
  line.run.program = line.explore.program = line.shrink.program = program;
  describe_run(app, line.run);
  describe_explore(app, line.explore.options, line.explore.file);
  describe_shrink(app, line.shrink);
  describe_exhaust(app, line.exhaust);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  try {
    guard_assertions();
    const ExitCode code = execute(app, line);
    std::cout.flush();
    if (!std::cout) {
      throw std::runtime_error{"standard output cannot be written"};
    }
    return static_cast<int>(code);
  } catch (const std::exception& error) {
    std::cerr << "restante-sim: " << error.what() << "\n";
    return static_cast<int>(ExitCode::usage);
  }
}
