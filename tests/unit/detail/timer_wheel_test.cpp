#include <restante/detail/timer_wheel.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "support/assertion_throws.hpp"

namespace restante::detail {
namespace {

using Numbers = std::vector<std::uint32_t>;

Numbers due(TimerWheel& wheel, std::uint64_t now) {
  Numbers numbers;
  while (const auto number = wheel.pop(now)) {
    numbers.push_back(*number);
  }
  return numbers;
}

TEST(TimerWheel, BeginsEmpty) {
  TimerWheel wheel;
  EXPECT_TRUE(wheel.empty());
  EXPECT_EQ(wheel.next(), std::nullopt);
  EXPECT_EQ(due(wheel, 1000), Numbers{});
  EXPECT_EQ(wheel.now(), 1000U);
}

TEST(TimerWheel, GivesWhatIsDueInTheOrderOfTimesAndThenOfAdding) {
  TimerWheel wheel;
  wheel.add(70, 1);
  wheel.add(5, 2);
  wheel.add(70, 3);
  wheel.add(4096, 4);
  wheel.add(71, 5);
  EXPECT_EQ(due(wheel, 4), Numbers{});
  EXPECT_EQ(due(wheel, 70), (Numbers{2, 1, 3}));
  EXPECT_EQ(due(wheel, 4095), (Numbers{5}));
  EXPECT_EQ(due(wheel, 4096), (Numbers{4}));
  EXPECT_TRUE(wheel.empty());
}

TEST(TimerWheel, GivesWhatIsLateWithTheNextPop) {
  TimerWheel wheel;
  due(wheel, 500);
  wheel.add(3, 1);
  EXPECT_EQ(wheel.next(), 500U);
  EXPECT_EQ(due(wheel, 500), (Numbers{1}));
}

TEST(TimerWheel, KeepsWhatIsDueAtTheEndOfTimeAndBehindIt) {
  TimerWheel wheel;
  wheel.add(UINT64_MAX, 1);
  wheel.add(TimerWheel::time_max, 2);
  wheel.add(TimerWheel::time_max - 1, 3);
  EXPECT_EQ(due(wheel, TimerWheel::time_max - 1), (Numbers{3}));
  EXPECT_EQ(due(wheel, UINT64_MAX), (Numbers{1, 2}));
}

TEST(TimerWheel, ForgetsWhatIsRemovedAndUsesItsPlaceAgain) {
  TimerWheel wheel;
  const TimerWheel::Id first = wheel.add(10, 1);
  const TimerWheel::Id second = wheel.add(10, 2);
  wheel.add(10, 3);
  wheel.remove(second);
  EXPECT_EQ(wheel.add(1000000, 4), second);
  EXPECT_EQ(due(wheel, 10), (Numbers{1, 3}));
  wheel.remove(second);
  EXPECT_TRUE(wheel.empty());
  EXPECT_EQ(wheel.next(), std::nullopt);
  EXPECT_NE(first, second);
}

TEST(TimerWheel, AssertsThatTimeDoesNotGoBack) {
  TimerWheel wheel;
  due(wheel, 10);
  EXPECT_ASSERTION(wheel.pop(9), "does not go back");
}

/// Against std::multimap: what is added, removed and due, whatever the times.
class WheelAndMap {
 public:
  explicit WheelAndMap(std::uint32_t seed) : random_{seed} {}

  void step() {
    const std::uint32_t choice = random_() % 16;
    if (choice < 7) {
      add();
    } else if (choice < 10) {
      remove();
    } else if (choice < 15) {
      const std::uint64_t now = choice < 12 ? wheel_.now() + distance() : std::max(wheel_.now(), next_of_map());
      pop(std::min(now, TimerWheel::time_max));
    } else {
      restart();
    }
    check_next();
  }

 private:
  struct Entry {
    TimerWheel::Id id = 0;
    std::uint32_t number = 0;
  };
  using Entries = std::multimap<std::uint64_t, Entry>;

  // Of every size, so that every level of the wheel is used.
  std::uint64_t distance() { return (std::uint64_t{random_()} << 28U | random_() >> 4U) >> (random_() % 61); }

  std::uint64_t next_of_map() const { return entries_.empty() ? wheel_.now() : entries_.begin()->first; }

  void add() {
    const std::uint64_t shift = random_() % 8 == 0 ? 0 : wheel_.now();
    const std::uint64_t when = std::min(shift + distance(), TimerWheel::time_max);
    // A time that has passed counts as now: it is due with what is due now, in the order of adding.
    entries_.insert({std::max(when, wheel_.now()), {wheel_.add(when, ++number_), number_}});
    times_[number_] = when;
  }

  void remove() {
    if (!entries_.empty()) {
      const auto entry = std::next(entries_.begin(), static_cast<std::ptrdiff_t>(random_() % entries_.size()));
      wheel_.remove(entry->second.id);
      entries_.erase(entry);
    }
  }

  void pop(std::uint64_t now) {
    Numbers expected;
    while (!entries_.empty() && entries_.begin()->first <= now) {
      expected.push_back(entries_.begin()->second.number);
      entries_.erase(entries_.begin());
    }
    ASSERT_EQ(due(wheel_, now), expected);
    ASSERT_EQ(wheel_.now(), now);
    ASSERT_EQ(wheel_.empty(), entries_.empty());
  }

  // Of what is due at the same time, only the numbers are compared afterwards: which comes first is not said.
  void restart() {
    const std::uint64_t now = random_() % 2 == 0 ? wheel_.now() + distance() : wheel_.now() - wheel_.now() / 3;
    wheel_.restart(now);
    Entries moved;
    std::multimap<std::uint64_t, std::uint32_t> expected;
    for (const auto& [when, entry] : entries_) {
      expected.insert({std::max(times_[entry.number], wheel_.now()), entry.number});
    }
    Numbers numbers;
    Numbers in_map;
    for (const auto& [when, number] : expected) {
      in_map.push_back(number);
    }
    TimerWheel copy = wheel_;
    std::uint64_t before = 0;
    while (const auto next = copy.next()) {
      for (const std::uint32_t number : due(copy, *next)) {
        const std::uint64_t when = std::max(times_[number], wheel_.now());
        ASSERT_EQ(when, *next);
        ASSERT_LE(before, when);
        before = when;
        numbers.push_back(number);
      }
    }
    std::sort(numbers.begin(), numbers.end());
    std::sort(in_map.begin(), in_map.end());
    ASSERT_EQ(numbers, in_map);
    due(wheel_, TimerWheel::time_max);
    wheel_.restart(now);
    entries_.clear();
  }

  void check_next() {
    ASSERT_EQ(wheel_.next().has_value(), !entries_.empty());
    if (!entries_.empty()) {
      ASSERT_GE(*wheel_.next(), wheel_.now());
      ASSERT_LE(*wheel_.next(), entries_.begin()->first);
    }
  }

  std::mt19937 random_;
  TimerWheel wheel_;
  Entries entries_;
  std::map<std::uint32_t, std::uint64_t> times_;
  std::uint32_t number_ = 0;
};

TEST(TimerWheel, GivesWhatAMultimapGives) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    WheelAndMap both{seed};
    for (int step = 0; step < 300; ++step) {
      both.step();
      ASSERT_FALSE(HasFatalFailure()) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace restante::detail
