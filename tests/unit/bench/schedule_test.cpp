#include "schedule.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace restante::bench {
namespace {

using namespace std::chrono_literals;

TEST(Schedule, BeginsEachRequestAtItsTime) {
  Schedule schedule{3, 1, Mix::echo};
  const Schedule::Clock::time_point start{1h};
  schedule.start(start);
  EXPECT_EQ(schedule.time_of(0), start);
  EXPECT_EQ(schedule.time_of(1), start + 333'333'333ns);
  EXPECT_EQ(schedule.time_of(3), start + 1s);
}

TEST(Schedule, DoesNotDriftOrOverflowInLongRuns) {
  Schedule schedule{999'999'937, 1, Mix::echo};
  const Schedule::Clock::time_point start{1h};
  schedule.start(start);
  EXPECT_EQ(schedule.time_of(std::uint64_t{999'999'937} * 86'400), start + 24h);
}

// number_of() is connection_of() the other way round: each request belongs to one connection, and has one number there.
TEST(Schedule, NumbersTheRequestsOfAConnectionInTheirOrder) {
  for (const Mix mix : {Mix::echo, Mix::hot, Mix::fan_in}) {
    for (const std::size_t connections : {2U, 3U, 50U}) {
      for (const std::uint64_t requests_to_get : {1U, 2U}) {
        const Schedule schedule{1000, connections, mix, requests_to_get};
        std::vector<std::uint64_t> requests(connections);
        for (std::uint64_t number = 0; number < 1000; ++number) {
          const std::size_t connection = schedule.connection_of(number);
          ASSERT_LT(connection, connections);
          EXPECT_EQ(schedule.number_of(connection, requests[connection]++), number);
        }
      }
    }
  }
}

TEST(Schedule, LetsTheReaderOfAFanInGetWhatTheOthersPush) {
  for (const int requests_to_get : {1, 2}) {
    const Schedule schedule{1000, 10, Mix::fan_in, static_cast<std::uint64_t>(requests_to_get)};
    int of_the_reader = 0;
    for (std::uint64_t number = 0; number < 900; ++number) {
      of_the_reader += schedule.connection_of(number) == 0 ? 1 : 0;
    }
    EXPECT_EQ(of_the_reader, 900 * requests_to_get / (requests_to_get + 1));
  }
}

}  // namespace
}  // namespace restante::bench
