// Small worlds, exhausted: every order in which things can happen to a few clients, up to a number of steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/sim/exhaust_rules.hpp>
#include <restante/sim/exhaust_run.hpp>
#include <restante/sim/exhaust_store.hpp>
#include <restante/sim/exhaust_world.hpp>
#include <restante/sim/report.hpp>
#include <restante/store.hpp>

namespace restante::sim {

/// An interleaving in which something was found.
struct ExhaustFailure {
  std::string world;
  std::string sentence;
  /// What happened, one step after the other.
  std::vector<std::string> steps;
};

struct ExhaustResult {
  /// Sequences of steps, no two of a world the same, each followed as long as SmallWorld::depth says or until nothing
  /// more could happen.
  std::uint64_t interleavings = 0;
  std::uint64_t steps = 0;
  RuleCounts rules;
  /// What each interleaving reached, those of restante.v2 included, which has no rules here.
  SometimesCounts sometimes;
  /// Of each world the first alone.
  std::vector<ExhaustFailure> failures;

  ExhaustResult& operator+=(const ExhaustResult& other) {
    interleavings += other.interleavings;
    steps += other.steps;
    rules += other.rules;
    sometimes += other.sometimes;
    failures.insert(failures.end(), other.failures.begin(), other.failures.end());
    return *this;
  }
};

namespace detail {

// Follows one sequence of choices after the other, like the digits of a number that is counted up. Every sequence is
// carried out from the beginning, because a world cannot be turned back.
template <class S>
class Exhaustion {
 public:
  Exhaustion(const SmallWorld& world, std::uint64_t interleavings_max)
      : world_{world}, interleavings_max_{interleavings_max} {}

  ExhaustResult run() {
    do {
      follow();
    } while (result_.failures.empty() && result_.interleavings < interleavings_max_ && advance());
    return std::move(result_);
  }

 private:
  // What could happen next, and what did.
  struct Digit {
    std::vector<Step> steps;
    std::size_t chosen = 0;
    const Step& step() const { return steps[chosen]; }
  };

  // Where the handler of failed assertions throws, they are findings too.
  void follow() {
    try {
      WorldRun<S> run{world_, result_.rules};
      live(run);
      result_.steps += digits_.size();
      ++result_.interleavings;
      run.finish();
      result_.sometimes += run.findings().sometimes;
      judge(run.findings());
    } catch (const std::exception& failed) {
      tell(std::string{"exception: "} + failed.what());
    }
  }

  void live(WorldRun<S>& run) {
    for (std::size_t depth = 0; depth < world_.depth; ++depth) {
      if (depth == digits_.size()) {
        const std::vector<Step>& steps = run.steps();
        if (steps.empty()) {
          break;
        }
        digits_.push_back({steps, 0});
      } else if (depth + 1 == digits_.size()) {
        // To look at every step again would take a tenth of all the time.
        RESTANTE_ASSERT(run.steps() == digits_.back().steps, "a world did not do the same again");
      }
      run.take(digits_[depth].step());
    }
  }

  void judge(const Findings& findings) {
    for (const std::vector<Violation>* some : {&findings.violations(), &findings.liveness_failures()}) {
      if (!some->empty()) {
        tell(some->front().checker + ": " + some->front().sentence);
        return;
      }
    }
  }

  void tell(std::string sentence) {
    ExhaustFailure failure{world_.name, std::move(sentence), {}};
    for (const Digit& digit : digits_) {
      failure.steps.push_back(describe(world_, digit.step()));
    }
    result_.failures.push_back(std::move(failure));
  }

  bool advance() {
    while (!digits_.empty() && digits_.back().chosen + 1 == digits_.back().steps.size()) {
      digits_.pop_back();
    }
    if (digits_.empty()) {
      return false;
    }
    ++digits_.back().chosen;
    return true;
  }

  const SmallWorld& world_;
  std::uint64_t interleavings_max_;
  ExhaustResult result_;
  std::vector<Digit> digits_;
};

}  // namespace detail

/// Tries all interleavings of a world, or the first so many of them, and stops at the first in which something is
/// found; an exception that comes out of one is such a thing. Every interleaving is brought to a quiet end, in which
/// nobody may wait for anything, each Client is connected that wants to be, and holds the ids that it was given.
inline ExhaustResult exhaust(const SmallWorld& world, std::uint64_t interleavings_max = UINT64_MAX) {
  return world.disk ? detail::Exhaustion<StepStore>{world, interleavings_max}.run()
                    : detail::Exhaustion<MemoryStore>{world, interleavings_max}.run();
}

}  // namespace restante::sim
