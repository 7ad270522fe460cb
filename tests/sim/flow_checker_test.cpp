#include <restante/sim/flow_checker.hpp>

#include <chrono>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

using namespace std::chrono_literals;

constexpr Connection connection{2, 5};
constexpr SteadyTime begin{};

std::string finding(const Findings& findings) {
  return findings.violations().empty() ? "" : findings.violations().front().sentence;
}

Event stuck() {
  return event::ConnectionRefused{.connection = connection, .code = close_code::policy_violation};
}

TEST(FlowChecker, FindsNothingWhenAConnectionIsStuckLongEnough) {
  Findings findings;
  FlowChecker checker{findings, 5s};
  checker.observe(begin, event::ConnectionPaused{.connection = connection});
  checker.observe(begin + 5s, stuck());
  EXPECT_EQ(finding(findings), "");
  EXPECT_EQ(findings.sometimes[Sometimes::connection_paused], 1U);
  EXPECT_EQ(findings.sometimes[Sometimes::connection_stuck], 1U);
}

TEST(FlowChecker, FindsAConnectionThatIsStuckTooEarly) {
  Findings findings;
  FlowChecker checker{findings, 5s};
  checker.observe(begin, event::ConnectionPaused{.connection = connection});
  checker.observe(begin + 4s, stuck());
  EXPECT_EQ(finding(findings), "a connection was closed as stuck before its time");
}

TEST(FlowChecker, FindsAConnectionThatIsStuckAfterItWentOn) {
  Findings findings;
  FlowChecker checker{findings, 5s};
  checker.observe(begin, event::ConnectionPaused{.connection = connection});
  checker.observe(begin + 1s, event::ConnectionResumed{.connection = connection});
  checker.observe(begin + 9s, stuck());
  EXPECT_EQ(finding(findings), "a connection was closed as stuck that was not paused");
}

TEST(FlowChecker, KnowsNothingOfConnectionsBeforeACrash) {
  Findings findings;
  FlowChecker checker{findings, 5s};
  checker.observe(begin, event::ConnectionPaused{.connection = connection});
  checker.server_crashed();
  checker.observe(begin + 9s, stuck());
  EXPECT_EQ(finding(findings), "a connection was closed as stuck that was not paused");
}

}  // namespace
}  // namespace restante::sim
