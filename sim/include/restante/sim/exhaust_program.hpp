// What the programs of a small world have in common.
#pragma once

#include <cstddef>
#include <vector>

#include <restante/sim/exhaust_transport.hpp>
#include <restante/sim/exhaust_world.hpp>
#include <restante/sim/trace.hpp>

namespace restante::sim {

/// A program with a client of this library, which does what its script says when it is told to.
class StepProgram {
 public:
  /// Both must outlive it.
  StepProgram(StepTransport& network, ClientIndex index, const SmallClient& script)
      : script_{script}, transport_{network, index} {}
  StepProgram(const StepProgram&) = delete;
  StepProgram& operator=(const StepProgram&) = delete;
  virtual ~StepProgram() = default;

  StepClientTransport& transport() noexcept { return transport_; }

  void connect() { perform({.kind = Operation::Kind::connect}); }

  /// The next operation, if there is one.
  bool can_act() const noexcept { return next_ < script_.operations.size(); }
  std::size_t next() const noexcept { return next_; }

  void act() {
    const std::size_t first = next_++;
    while (can_act() && script_.operations[next_].in_callback) {
      ++next_;
    }
    perform(script_.operations, first);
  }

  /// One of SmallClient::before.
  void act_before(std::size_t number) { perform(script_.before[number]); }

  /// After each step: what follows from it without a choice.
  virtual void settle() = 0;
  /// At the end: asks the server for something, to see whether both still understand each other.
  virtual void ask() = 0;
  /// Whether, on a connection that stands, it goes on only when a time comes.
  virtual bool has_to_wake() = 0;
  /// What happens to its connections.
  virtual void observe(const Entry& entry) = 0;
  /// When nothing is on its way any more.
  virtual void check_quiet() = 0;

 protected:
  void perform(const Operation& operation) { perform(std::vector<Operation>{operation}, 0); }
  /// This operation, and those after it that are done in its callback.
  virtual void perform(const std::vector<Operation>& operations, std::size_t number) = 0;

  const SmallClient& script_;
  StepClientTransport transport_;

 private:
  std::size_t next_ = 0;
};

}  // namespace restante::sim
