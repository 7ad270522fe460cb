// Small worlds, exhausted: every order in which things can happen to two or three clients, up to a number of steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <restante/classic/codec.hpp>
#include <restante/sim/exhaust_world.hpp>
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
  /// Of each world the first alone.
  std::vector<ExhaustFailure> failures;

  ExhaustResult& operator+=(const ExhaustResult& other) {
    interleavings += other.interleavings;
    steps += other.steps;
    rules += other.rules;
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
  struct Digit {
    std::size_t chosen = 0;
    std::size_t count = 0;
  };

  void follow() {
    WorldRun<S> run{world_, result_.rules};
    std::vector<Step> taken;
    for (std::size_t depth = 0; depth < world_.depth; ++depth) {
      const std::vector<Step>& steps = run.steps();
      if (steps.empty()) {
        break;
      }
      if (depth == digits_.size()) {
        digits_.push_back({0, steps.size()});
      }
      RESTANTE_ASSERT(digits_[depth].count == steps.size(), "a world did not do the same again");
      taken.push_back(steps[digits_[depth].chosen]);
      run.take(taken.back());
    }
    result_.steps += taken.size();
    ++result_.interleavings;
    run.finish();
    const Findings& findings = run.findings();
    if (findings.violations_count() + findings.liveness_failures_count() > 0) {
      tell(findings, taken);
    }
  }

  void tell(const Findings& findings, const std::vector<Step>& taken) {
    const Violation& violation =
        findings.violations().empty() ? findings.liveness_failures().front() : findings.violations().front();
    ExhaustFailure failure{world_.name, violation.checker + ": " + violation.sentence, {}};
    for (const Step& step : taken) {
      failure.steps.push_back(describe(step));
    }
    result_.failures.push_back(std::move(failure));
  }

  bool advance() {
    while (!digits_.empty() && digits_.back().chosen + 1 == digits_.back().count) {
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
/// found. Every interleaving is then brought to a quiet end, in which nobody may wait for anything.
inline ExhaustResult exhaust(const SmallWorld& world, std::uint64_t interleavings_max = UINT64_MAX) {
  return world.disk ? detail::Exhaustion<StepStore>{world, interleavings_max}.run()
                    : detail::Exhaustion<MemoryStore>{world, interleavings_max}.run();
}

namespace detail {

inline ScriptedMessage associate(std::uint8_t id) {
  return {{0, 0, id}};
}
inline ScriptedMessage get(std::uint8_t id) {
  return {{1, 0, id}};
}
inline ScriptedMessage push(std::uint8_t sender, std::uint8_t receiver, const std::vector<std::uint8_t>& payload = {}) {
  ScriptedMessage message{{2, 1, sender, receiver, static_cast<std::uint8_t>(payload.size())}};
  for (const std::uint8_t byte : payload) {
    message.bytes.push_back(byte);
  }
  return message;
}

// More than a packet holds, with the length modulo 256, as one existing client sends it.
inline ScriptedMessage over_long_push(std::uint8_t sender, std::uint8_t receiver) {
  return push(sender, receiver, std::vector<std::uint8_t>(300, std::uint8_t{7}));
}

inline std::vector<SmallWorld> worlds_in_memory() {
  return {
      {.name = "two friends",
       .scripts = {{associate(1), push(1, 2, {11}), get(1)}, {associate(2), push(2, 1, {22}), get(2)}},
       .depth = 12},
      {.name = "rivals for one id",
       .scripts = {{associate(1), associate(1), push(1, 1, {1})}, {associate(1), get(1)}},
       .breaks_max = 1,
       .reconnects_max = 1,
       .depth = 10},
      {.name = "several ids",
       .scripts = {{associate(1), associate(2), push(2, 1, {9})}, {associate(2), get(2), get(1)}},
       .breaks_max = 1,
       .reconnects_max = 1,
       .depth = 9},
      {.name = "a full mailbox",
       .scripts = {{associate(1), push(1, 2, {1}), push(1, 2, {2}), {{2, 1, 1, 2, 3}}}, {associate(2), get(2)}},
       .mailbox_messages_max = 1,
       .depth = 12},
      {.name = "an imposter",
       .scripts = {{associate(1), push(1, 1)}, {push(1, 1, {6}), {{2, 1, 1, 1, 9}}, get(1)}},
       .depth = 12},
      {.name = "malformed",
       .scripts = {{{{0, 9, 1}}, {{0, 1, 1}}, {{7, 7, 7}}, {{1, 0}}, {{2, 1, 1, 1}}, {{1, 0, 1, 0}}},
                   {associate(1), over_long_push(1, 1), {{2, 1, 1, 1, 255}}, {{1, 0, 1, 1}}}},
       .depth = 10},
      {.name = "text",
       .scripts = {{associate(1), {{'h', 'i'}, MessageType::text}, get(1)}, {associate(1), push(1, 1, {3}), get(1)}},
       .depth = 10},
      {.name = "a crash",
       .scripts = {{associate(1), push(1, 2, {5})}, {associate(2), get(2)}},
       .reconnects_max = 2,
       .crashes_max = 1,
       .depth = 9},
      {.name = "slow readers",
       .scripts = {{associate(1), get(1), get(1), get(1)}, {associate(2), push(2, 1, {4})}},
       .waiting_bytes_max = 5,
       .time_steps_max = 1,
       .depth = 11},
      {.name = "three",
       .scripts = {{associate(1), get(1)}, {associate(2), push(2, 1, {2})}, {associate(3), push(3, 1, {3})}},
       .depth = 8},
  };
}

inline std::vector<SmallWorld> worlds_with_disk() {
  return {
      {.name = "a disk",
       .scripts = {{associate(1), push(1, 2, {1}), push(1, 2, {2})}, {associate(2), get(2), get(2)}},
       .disk = true,
       .failures_max = 1,
       .depth = 9},
      {.name = "a disk and a crash",
       .scripts = {{associate(1), push(1, 1, {1}), get(1)}, {associate(2), get(2)}},
       .disk = true,
       .reconnects_max = 1,
       .crashes_max = 1,
       .depth = 9},
      {.name = "a disk that is away",
       .scripts = {{associate(1), push(1, 1, {1}), get(1), push(1, 1, {2})}},
       .disk = true,
       .reconnects_max = 1,
       .failures_max = 1,
       .time_steps_max = 1,
       .depth = 14},
      {.name = "a disk and reused slots",
       .scripts = {{associate(1), push(1, 2, {1})}, {associate(2)}},
       .disk = true,
       .breaks_max = 1,
       .reconnects_max = 1,
       .depth = 9},
      {.name = "a disk and slow readers",
       .scripts = {{associate(1), push(1, 1, {1}), get(1), get(1)}},
       .disk = true,
       .waiting_bytes_max = 5,
       .failures_max = 1,
       .time_steps_max = 1,
       .depth = 14},
      {.name = "a disk, and the server shuts down",
       .scripts = {{associate(1), push(1, 2, {1})}, {associate(2), get(2)}},
       .disk = true,
       .shuts_down = true,
       .depth = 9},
  };
}

}  // namespace detail

/// Worlds that bring every rule of docs/protocol.md to the test, with steps enough to tell them apart. Messages of more
/// than 64 KiB, which the real transports close with 1009, are not among them.
inline std::vector<SmallWorld> small_worlds() {
  std::vector<SmallWorld> worlds = detail::worlds_in_memory();
  for (SmallWorld& world : detail::worlds_with_disk()) {
    worlds.push_back(std::move(world));
  }
  return worlds;
}

}  // namespace restante::sim
