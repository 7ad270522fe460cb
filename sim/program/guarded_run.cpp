#include "guarded_run.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <restante/assert.hpp>

#include "summary.hpp"

namespace restante_sim {
namespace {

/// A failed assertion on its way out of a run.
class AssertionFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What this thread runs, and what failed in it: for the case that the program ends on the spot.
thread_local std::optional<std::uint64_t> seed_under_way;
thread_local std::array<char, 512> failed_assertion{};

void assertion_failed(const char* condition, const char* explanation, const char* file, unsigned line) {
  // Where on the machine the file lies does not matter.
  const std::string_view path{file};
  const std::size_t start = path.rfind("restante/");
  std::snprintf(failed_assertion.data(), failed_assertion.size(), "%s:%u: %s (%s)",
                start == std::string_view::npos ? file : file + start, line, explanation, condition);
  throw AssertionFailed{failed_assertion.data()};
}

restante::sim::RunResult ended_by(const char* what, const char* sentence) {
  restante::sim::RunResult result;
  result.outcome = restante::sim::Outcome::violated;
  result.violations.push_back({what, {}, sentence});
  return result;
}

[[noreturn]] void terminated() {
  const char* const reason = failed_assertion[0] == '\0' ? "an exception" : failed_assertion.data();
  if (seed_under_way) {
    std::fprintf(stderr, "Seed %llu ended the program: %s\n", static_cast<unsigned long long>(*seed_under_way), reason);
  } else {
    std::fprintf(stderr, "This ended the program: %s\n", reason);
  }
  std::_Exit(static_cast<int>(ExitCode::broken));
}

}  // namespace

void guard_assertions() {
  restante::set_assertion_handler(assertion_failed);
  std::set_terminate(terminated);
}

restante::sim::RunResult guarded_run(const restante::sim::Scenario& scenario, const restante::sim::Plan& plan,
                                     std::uint64_t seed, const restante::sim::RunOptions& options) {
  seed_under_way = seed;
  failed_assertion[0] = '\0';
  try {
    return restante::sim::run(scenario, plan, seed, options);
  } catch (const AssertionFailed& failed) {
    return ended_by("assertion", failed.what());
  } catch (const std::bad_alloc&) {
    // The scenario is too large for this machine, which says nothing of what it tests.
    throw;
  } catch (const std::exception& thrown) {
    return ended_by("exception", thrown.what());
  }
}

restante::sim::RunResult guarded_run(const restante::sim::Scenario& scenario, std::uint64_t seed,
                                     const restante::sim::RunOptions& options) {
  return guarded_run(scenario, restante::sim::make_plan(scenario, seed), seed, options);
}

}  // namespace restante_sim
