#include "explore.hpp"

#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "guarded_run.hpp"
#include "run_command.hpp"
#include "scenario_file.hpp"
#include "states.hpp"
#include "text.hpp"

namespace restante_sim {
namespace {

using restante::sim::Outcome;
using restante::sim::RunResult;
using restante::sim::Scenario;
using restante::sim::Sometimes;

// Threads take seeds in order and finish them in any; what came of them is put together in order, so that nobody can
// see how many threads there were.
class Explorer {
 public:
  Explorer(const Scenario& scenario, const ExploreOptions& options) : scenario_{scenario}, options_{options} {}

  Exploration run(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    const std::uint64_t jobs = std::clamp<std::uint64_t>(options_.jobs, 1, std::max<std::uint64_t>(options_.seeds, 1));
    std::unique_lock lock{mutex_};
    for (std::uint64_t i = 0; i < jobs; ++i) {
      threads_.emplace_back([this] { work(); });
      ++working_;
    }
    while (working_ > 0) {
      changed_.wait_for(lock, std::chrono::milliseconds{100});
      if (progress) {
        progress(done_, failed_so_far_);
      }
    }
    lock.unlock();
    for (std::thread& thread : threads_) {
      thread.join();
    }
    if (broken_) {
      std::rethrow_exception(broken_);
    }
    return std::move(exploration_);
  }

 private:
  void work() {
    std::unique_lock lock{mutex_};
    try {
      while (next_ < options_.seeds && next_ < end_) {
        const std::uint64_t number = next_++;
        lock.unlock();
        RunResult result = guarded_run(scenario_, options_.from + number);
        lock.lock();
        ++done_;
        if (result.outcome != Outcome::held) {
          ++failed_so_far_;
          if (!options_.keep_going) {
            // Those before it are under way or done; those after it do not matter any more.
            end_ = std::min(end_, number);
          }
        }
        finished_.emplace(number, std::move(result));
        put_together();
      }
    } catch (...) {
      if (!lock.owns_lock()) {
        lock.lock();
      }
      broken_ = std::current_exception();
      end_ = 0;
    }
    --working_;
    changed_.notify_one();
  }

  void put_together() {
    while (!finished_.empty() && finished_.begin()->first == exploration_.seeds &&
           (options_.keep_going || exploration_.failures == 0)) {
      add(options_.from + exploration_.seeds, finished_.begin()->second);
      finished_.erase(finished_.begin());
    }
  }

  void add(std::uint64_t seed, const RunResult& result) {
    ++exploration_.seeds;
    exploration_.requests += result.totals.requests_received;
    exploration_.accepted += result.totals.pushes_accepted;
    exploration_.delivered += result.totals.messages_delivered;
    exploration_.lost_with_connection += result.totals.messages_lost_with_connection;
    exploration_.sometimes += result.sometimes;
    if (result.outcome == Outcome::held) {
      return;
    }
    ++exploration_.failures;
    exploration_.worst = std::max(exploration_.worst, result.outcome);
    if (exploration_.failed.size() < Exploration::failed_kept_max) {
      exploration_.failed.push_back({seed, result.outcome, findings(result, "    ")});
    }
  }

  const Scenario& scenario_;
  const ExploreOptions& options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
  std::uint64_t working_ = 0;
  /// Seeds are counted from options.from here.
  std::uint64_t next_ = 0;
  std::uint64_t end_ = UINT64_MAX;
  std::uint64_t done_ = 0;
  std::uint64_t failed_so_far_ = 0;
  std::map<std::uint64_t, RunResult> finished_;
  std::exception_ptr broken_;
  Exploration exploration_;
};

// One line on a terminal that is written again and again.
class ProgressBar {
 public:
  explicit ProgressBar(std::uint64_t seeds) : seeds_{std::max<std::uint64_t>(seeds, 1)} {}

  void show(std::uint64_t done, std::uint64_t failures) const {
    constexpr std::uint64_t width = 30;
    const std::uint64_t filled = std::min(done, seeds_) * width / seeds_;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    const auto rate = seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(done) / seconds) : 0;
    const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
    std::fprintf(stderr, "\r[%s] %s of %s seeds, %s a second, %s failed \x1b[K", bar.c_str(), with_commas(done).c_str(),
                 with_commas(seeds_).c_str(), with_commas(rate).c_str(), with_commas(failures).c_str());
    std::fflush(stderr);
  }

  static void clear() { std::fputs("\r\x1b[K", stderr); }

 private:
  std::uint64_t seeds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void print_failed(const ExploreCommand& command, const Exploration& exploration) {
  constexpr std::size_t shown_max = 20;
  for (std::size_t i = 0; i < exploration.failed.size() && i < shown_max; ++i) {
    const FailedSeed& failed = exploration.failed[i];
    const std::string again = replay_command(command.program, command.file, failed.seed);
    std::cout << "  seed " << failed.seed << ": " << verdict(failed.outcome) << "\n"
              << failed.findings << "    again: " << again << "\n";
  }
  if (exploration.failures > shown_max) {
    std::cout << "  and " << with_commas(exploration.failures - shown_max) << " more\n";
  }
}

void print_states(const Scenario& scenario, const Exploration& exploration) {
  std::cout << "  reached:\n";
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    const auto state = static_cast<Sometimes>(i);
    if (exploration.sometimes[state] > 0) {
      std::string line = "    " + std::string{name(state)};
      line.resize(std::max<std::size_t>(line.size() + 1, 42), ' ');
      std::cout << line << with_commas(exploration.sometimes[state]) << "\n";
    }
  }
  const std::string never = joined(never_reached(scenario, exploration.sometimes));
  if (!never.empty()) {
    std::cout << "  never reached, though this scenario could: " << never << "\n";
  }
}

}  // namespace

Exploration explore(const Scenario& scenario, const ExploreOptions& options,
                    const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  return Explorer{scenario, options}.run(progress);
}

ExitCode explore_command(const ExploreCommand& command) {
  const Scenario scenario = load_scenario(command.file);
  const ProgressBar bar{command.options.seeds};
  const bool on_terminal = isatty(STDERR_FILENO) == 1;
  std::function<void(std::uint64_t, std::uint64_t)> progress;
  if (on_terminal) {
    progress = [&bar](std::uint64_t done, std::uint64_t failures) { bar.show(done, failures); };
  }
  const Exploration exploration = explore(scenario, command.options, progress);
  if (on_terminal) {
    ProgressBar::clear();
  }
  const std::string failures = exploration.failures == 0 ? "all held" : with_commas(exploration.failures) + " failed";
  std::cout << scenario.name << ", " << counted(exploration.seeds, "seed") << " from " << command.options.from << ": "
            << failures << "\n";
  print_failed(command, exploration);
  std::cout << "  " << with_commas(exploration.requests) << " requests, " << with_commas(exploration.accepted)
            << " messages accepted, " << with_commas(exploration.delivered) << " delivered, "
            << with_commas(exploration.lost_with_connection) << " lost on their way, which is allowed\n";
  print_states(scenario, exploration);
  return exit_code(exploration.worst);
}

}  // namespace restante_sim
