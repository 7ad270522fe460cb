#include "run_command.hpp"

#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>

#include "guarded_run.hpp"
#include "recorded_trace.hpp"
#include "report.hpp"
#include "scenario_file.hpp"
#include "text.hpp"
#include "trace_file.hpp"

namespace restante_sim {
namespace {

std::ofstream open_to_write(const std::string& path) {
  std::ofstream stream{path, std::ios::binary};
  if (!stream) {
    throw std::runtime_error{path + " cannot be written"};
  }
  return stream;
}

void finish(std::ofstream& stream, const std::string& path) {
  stream.close();
  if (!stream) {
    throw std::runtime_error{path + " could not be written to its end"};
  }
}

}  // namespace

std::string replay_command(const std::string& program, const std::string& file, std::uint64_t seed) {
  return shell_text(program) + " run " + shell_text(file) + " --seed " + std::to_string(seed);
}

ExitCode run_command(const RunCommand& command) {
  const restante::sim::Scenario scenario = load_scenario(command.file);
  FaultCounter faults;
  restante::sim::RunOptions options{.hash = true, .observers = {&faults}};
  std::optional<std::ofstream> trace_stream;
  std::optional<TraceFile> trace;
  if (!command.trace.empty()) {
    trace_stream = open_to_write(command.trace);
    options.observers.push_back(&trace.emplace(*trace_stream));
  }
  std::optional<std::ofstream> report_stream;
  std::optional<RecordedTrace> recorded;
  if (!command.report.empty()) {
    report_stream = open_to_write(command.report);
    options.observers.push_back(&recorded.emplace());
  }
  const restante::sim::RunResult result = guarded_run(scenario, command.seed, options);
  if (trace_stream) {
    finish(*trace_stream, command.trace);
  }
  if (report_stream) {
    *report_stream << html_report(scenario, command.seed, result, *recorded,
                                  replay_command(command.program, command.file, command.seed));
    finish(*report_stream, command.report);
  }
  const FinishedRun finished{scenario, command.seed, result, faults,
                             replay_command(command.program, command.file, command.seed)};
  std::cout << (command.json ? json_summary(finished) : summary(finished));
  return exit_code(result.outcome);
}

}  // namespace restante_sim
