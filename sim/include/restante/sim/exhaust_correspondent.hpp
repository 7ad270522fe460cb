// A program with the real client of restante.v2, whose every step is a choice.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/sim/correspondent.hpp>
#include <restante/sim/exhaust_program.hpp>
#include <restante/sim/exhaust_world.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/trace.hpp>
#include <restante/sim/v2_delivery_checker.hpp>
#include <restante/time.hpp>

namespace restante::sim {

/// A Correspondent that does what its script says.
class StepCorrespondent final : public StepProgram {
 public:
  /// All of these must outlive it.
  StepCorrespondent(StepTransport& network, Letters& letters, V2DeliveryChecker& checker, ClientIndex index,
                    const SmallClient& script)
      : StepProgram{network, index, script},
        index_{index},
        correspondent_{letters, checker, index, *script.correspondent,
                       [this](Duration, std::function<void()> action) { in_hand_.push_back(std::move(action)); }} {
    start();
  }

  void settle() override {
    while (is_ending_ && !in_hand_.empty()) {
      finish();
    }
    transport_.wake_if_asked();
  }

  /// It asks for mail all the time. From now on it is done with each message at once.
  void ask() override { is_ending_ = true; }

  /// To open its address again, or to push again what was refused for now.
  bool has_to_wake() override { return !correspondent_.is_open() || correspondent_.outbox_messages() > 0; }

  void observe(const Entry&) override {}
  void check_quiet() override {}

 private:
  void perform(const std::vector<Operation>& operations, std::size_t number) override {
    const Operation& operation = operations[number];
    switch (operation.kind) {
      case Operation::Kind::push_to_name:
        correspondent_.push(operation.to, Letters::payload_bytes_min);
        break;
      case Operation::Kind::finish:
        if (!in_hand_.empty()) {
          finish();
        }
        break;
      case Operation::Kind::fail_storage:
        correspondent_.fail_storage();
        break;
      case Operation::Kind::restart:
        restart();
        break;
      case Operation::Kind::close:
        correspondent_.close();
        break;
      case Operation::Kind::connect:
        correspondent_.connect();
        break;
      default:
        RESTANTE_ASSERT(false, "restante.v2 has no such operation");
        break;
    }
  }

  void start() { correspondent_.start(transport_, std::uint64_t{index_} + 1); }

  // Its connection ends with the program, and the server learns of that later.
  void restart() {
    correspondent_.crash();
    transport_.abandon();
    in_hand_.clear();
    start();
    correspondent_.connect();
  }

  void finish() {
    const std::function<void()> action = std::move(in_hand_.front());
    in_hand_.pop_front();
    action();
  }

  ClientIndex index_;
  Queue<std::function<void()>> in_hand_;
  bool is_ending_ = false;
  Correspondent<StepClientTransport> correspondent_;
};

}  // namespace restante::sim
