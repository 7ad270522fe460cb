// What came of a run, for people and for programs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>
#include <restante/sim/trace.hpp>

namespace restante_sim {

/// What the program ends with.
enum class ExitCode : int { held = 0, broken = 1, usage = 2, not_live = 3 };

ExitCode exit_code(restante::sim::Outcome outcome) noexcept;

/// One word or two: "held", "an invariant broke", …
std::string_view verdict(restante::sim::Outcome outcome) noexcept;

/// What a run failed for, worst first: what checkers saw and expectations that were not met, one in a line.
std::string findings(const restante::sim::RunResult& result, std::string_view indentation);

/// Counts what happened to the network, to machines and to the server, by what it was.
class FaultCounter final : public restante::sim::Observer {
 public:
  void observe(const restante::sim::Entry& entry) override;
  const std::map<std::string, std::uint64_t, std::less<>>& counts() const noexcept { return counts_; }

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

/// Which checkers judged a run of this scenario, and what of.
struct AppliedChecker {
  std::string_view name;
  std::string_view what;
};
std::vector<AppliedChecker> applied_checkers(const restante::sim::Scenario& scenario);

/// A run that is over.
struct FinishedRun {
  const restante::sim::Scenario& scenario;
  std::uint64_t seed = 0;
  const restante::sim::RunResult& result;
  const FaultCounter& faults;
  /// What gives the same run again.
  std::string replay;
};

std::string summary(const FinishedRun& run);

/// The same as one object of JSON in a line.
std::string json_summary(const FinishedRun& run);

}  // namespace restante_sim
