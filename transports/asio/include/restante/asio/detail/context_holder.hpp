// The loop that a transport runs in: its own, or somebody else's.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <optional>

#include <restante/time.hpp>

namespace restante::asio_detail {

/// What WebSocketServer and WebSocketClient have in common besides the concept. Only stop_running() may be called
/// from another thread than the one that runs the loop.
class ContextHolder {
 public:
  ContextHolder(const ContextHolder&) = delete;
  ContextHolder& operator=(const ContextHolder&) = delete;

  /// Serves until stop_running(), or to the end of a shut-down. A loop of somebody else's is run with all that it has.
  void run() {
    if (finished_) {
      return;
    }
    running_ = true;
    context_.run();
    running_ = false;
    // So that it can be run again.
    context_.restart();
  }

  /// Does what can be done without waiting. Gives how many things that were.
  std::size_t poll() { return context_.poll(); }

  /// Waits until there is something to do, for at most `duration`, and does it. Gives how many things that were, 0
  /// or 1.
  std::size_t run_one_for(Duration duration) { return context_.run_one_for(duration); }

  /// Makes run() return soon. May be called from any thread; a signal handler in the sense of POSIX is none, but
  /// boost::asio::signal_set with context() can be used.
  void stop_running() { context_.stop(); }

  /// The loop, for timers, signals and sockets of the program's own.
  boost::asio::io_context& context() noexcept { return context_; }

 protected:
  // One thread runs the loop; others may still post to it.
  ContextHolder() : own_{std::in_place, 1}, context_{*own_}, keeps_running_{own_->get_executor()} {}
  explicit ContextHolder(boost::asio::io_context& context) : context_{context} {}
  ~ContextHolder() = default;

  /// A shut-down has come to its end: run() returns, now and later.
  void finish() {
    finished_ = true;
    if (running_) {
      context_.stop();
    }
  }

 private:
  std::optional<boost::asio::io_context> own_;
  boost::asio::io_context& context_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> keeps_running_;
  bool running_ = false;
  bool finished_ = false;
};

}  // namespace restante::asio_detail
