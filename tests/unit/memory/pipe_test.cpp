#include <restante/memory/pipe.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "recording.hpp"

namespace restante::memory {
namespace {

using namespace std::chrono_literals;
using restante::testing::Lines;
using restante::testing::numbers;

constexpr SteadyTime at(Duration duration) {
  return SteadyTime{duration};
}

Frame message(std::string_view text) {
  return Frame::message(MessageType::binary, as_bytes(text));
}

/// A pipe with a receiver that takes everything as soon as it arrives and remembers when that was.
struct Watched {
  explicit Watched(const LinkOptions& options, std::uint64_t seed = 1) : pipe{options, Random{seed}} {}

  std::uint64_t send(std::string_view text) { return pipe.send(now, message(text)); }

  void take_all() {
    while (pipe.front() != nullptr) {
      const Frame frame = pipe.take(now, true);
      texts.emplace_back(as_text(frame.bytes));
      times.push_back(now.time_since_epoch());
    }
  }

  /// Runs until nothing will happen by itself any more.
  void run() {
    while (pipe.next_event() != never && !pipe.has_ended(now)) {
      now = std::max(now, pipe.next_event());
      pipe.arrive(now);
      take_all();
    }
  }

  SteadyTime now{};
  Pipe pipe;
  Lines texts;
  std::vector<Duration> times;
};

TEST(Stream, TakesAsLongAsItsLatency) {
  Watched watched{{.latency = 7ms}};
  EXPECT_EQ(watched.send("a"), 0u);
  EXPECT_EQ(watched.pipe.next_event(), at(7ms));
  watched.pipe.arrive(at(7ms - 1ns));
  EXPECT_EQ(watched.pipe.front(), nullptr);
  watched.run();
  EXPECT_EQ(watched.times, (std::vector<Duration>{7ms}));
}

TEST(Stream, TakesANanosecondAtLeast) {
  Watched watched{{.latency = 0ns}};
  watched.send("a");
  EXPECT_EQ(watched.pipe.next_event(), at(1ns));
}

TEST(Stream, KeepsTheOrderUnderJitter) {
  Watched watched{{.latency = 1ms, .jitter = 50ms}};
  for (const std::string& number : numbers(0, 200)) {
    watched.send(number);
    watched.now += 1ms;
  }
  watched.now = {};
  watched.run();
  EXPECT_EQ(watched.texts, numbers(0, 200));
  EXPECT_TRUE(std::is_sorted(watched.times.begin(), watched.times.end()));
  EXPECT_NE(watched.times[0], 1ms);
}

TEST(Stream, JitterStaysWithinItsBounds) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Watched watched{{.latency = 10ms, .jitter = 3ns}, seed};
    watched.send("a");
    EXPECT_GE(watched.pipe.next_event(), at(10ms));
    EXPECT_LE(watched.pipe.next_event(), at(10ms + 3ns));
  }
}

TEST(Stream, NeitherLosesNorDoublesWhateverTheRates) {
  Watched watched{{.loss_per_million = 1'000'000, .duplication_per_million = 1'000'000}};
  watched.send("a");
  watched.run();
  EXPECT_EQ(watched.texts, Lines{"a"});
}

TEST(Bandwidth, MessagesLeaveOneAfterTheOtherAtExactTimes) {
  Watched watched{{.latency = 10ms, .bytes_per_second = 1000}};
  EXPECT_EQ(watched.send(std::string(100, 'a')), 0u);
  EXPECT_EQ(watched.send(std::string(50, 'b')), 0u);
  watched.run();
  EXPECT_EQ(watched.times, (std::vector<Duration>{110ms, 160ms}));
}

TEST(Bandwidth, AWireThatWasIdleStartsAnew) {
  Watched watched{{.latency = 0ns, .bytes_per_second = 1000}};
  watched.send(std::string(100, 'a'));
  watched.run();
  watched.now = at(5s);
  watched.send(std::string(100, 'b'));
  watched.run();
  EXPECT_EQ(watched.times, (std::vector<Duration>{100ms, 5s + 100ms}));
}

TEST(Bandwidth, PartsOfANanosecondAreRoundedUp) {
  Watched watched{{.latency = 0ns, .bytes_per_second = 3'000'000'000}};
  watched.send(std::string(4, 'a'));  // 1 1/3 ns
  EXPECT_EQ(watched.pipe.next_event(), at(2ns));
}

TEST(Bandwidth, LongTimesAreExactToo) {
  Watched watched{{.latency = 0ns, .bytes_per_second = 7}};
  watched.send(std::string(70'001, 'a'));  // 10,000 1/7 s
  EXPECT_EQ(watched.pipe.next_event(), at(10'000s + 142'857'143ns));
}

TEST(Bandwidth, TheFastestWireTakesNoTime) {
  Watched watched{{.latency = 5ns, .bytes_per_second = UINT64_MAX}};
  watched.send("");
  EXPECT_EQ(watched.pipe.next_event(), at(5ns));
}

TEST(Window, WhatDoesNotFitWaitsWithItsSender) {
  Watched watched{{.latency = 1ms, .window_bytes = 10}};
  EXPECT_EQ(watched.send("12345"), 0u);
  EXPECT_EQ(watched.send("67890"), 0u);
  EXPECT_EQ(watched.send("abc"), 3u);
  EXPECT_EQ(watched.send("d"), 4u);
  EXPECT_FALSE(watched.pipe.take_drained());
  watched.run();
  EXPECT_EQ(watched.texts, (Lines{"12345", "67890", "abc", "d"}));
  EXPECT_EQ(watched.pipe.waiting_bytes(), 0u);
  EXPECT_EQ(watched.times, (std::vector<Duration>{1ms, 1ms, 2ms, 2ms}));
  EXPECT_TRUE(watched.pipe.take_drained());
  EXPECT_FALSE(watched.pipe.take_drained());
}

TEST(Window, IsFullUntilTheReceiverTakes) {
  Watched watched{{.latency = 1ms, .window_bytes = 10}};
  watched.send("1234567890");
  watched.send("a");
  watched.pipe.arrive(at(1h));
  EXPECT_EQ(watched.pipe.waiting_bytes(), 1u);
  watched.now = at(1h);
  EXPECT_EQ(watched.pipe.take(watched.now, true).bytes.size(), 10u);
  EXPECT_EQ(watched.pipe.waiting_bytes(), 0u);
}

TEST(Window, AMessageLongerThanTheWindowGoesAlone) {
  Watched watched{{.latency = 1ms, .window_bytes = 2}};
  EXPECT_EQ(watched.send("long"), 0u);
  EXPECT_EQ(watched.send("longer"), 6u);
  EXPECT_EQ(watched.send(""), 6u);
  watched.run();
  EXPECT_EQ(watched.texts, (Lines{"long", "longer", ""}));
}

TEST(Window, ThatIsMadeWiderLetsInWhatWaited) {
  Watched watched{{.window_bytes = 1}};
  watched.send("a");
  EXPECT_EQ(watched.send("b"), 1u);
  watched.pipe.set_options(watched.now, {.window_bytes = 2});
  EXPECT_EQ(watched.pipe.waiting_bytes(), 0u);
  EXPECT_TRUE(watched.pipe.take_drained());
}

TEST(Stall, LosesNothingAndDeliversAtOnceWhatIsOverdue) {
  Watched watched{{.latency = 1ms, .window_bytes = 3}};
  watched.pipe.set_stalled(true);
  for (const std::string& number : numbers(0, 6)) {
    watched.send(number);
  }
  EXPECT_EQ(watched.pipe.next_event(), never);
  EXPECT_EQ(watched.pipe.waiting_bytes(), 3u);
  watched.now = at(1min);
  watched.pipe.arrive(watched.now);
  EXPECT_EQ(watched.pipe.front(), nullptr);
  watched.pipe.set_stalled(false);
  watched.run();
  EXPECT_EQ(watched.texts, numbers(0, 6));
  EXPECT_EQ(watched.times, (std::vector<Duration>{1min, 1min, 1min, 1min + 1ms, 1min + 1ms, 1min + 1ms}));
}

TEST(BreakOff, DeliversThePrefixThatItWasToldTo) {
  for (std::uint64_t kept = 0; kept <= 12; ++kept) {
    Watched watched{{.latency = 1ms, .jitter = 5ms}};
    for (const std::string& number : numbers(0, 10)) {
      watched.send(number);
    }
    watched.pipe.break_off(watched.now, kept);
    watched.send("late");
    watched.run();
    EXPECT_TRUE(watched.pipe.has_ended(watched.now));
    EXPECT_EQ(watched.texts, numbers(0, std::min<std::uint64_t>(kept, 10)));
  }
}

TEST(BreakOff, LetsTheSeedDrawAnyPrefix) {
  std::vector<int> drawn(11);
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Watched watched{{}, seed};
    for (const std::string& number : numbers(0, 10)) {
      watched.send(number);
    }
    watched.pipe.break_off(watched.now, std::nullopt);
    watched.run();
    ASSERT_EQ(watched.texts, numbers(0, watched.texts.size()));
    ++drawn.at(watched.texts.size());
  }
  EXPECT_EQ(std::count(drawn.begin(), drawn.end(), 0), 0);
}

TEST(BreakOff, LosesWhatWaitsWithTheSender) {
  Watched watched{{.window_bytes = 2}};
  for (const std::string& number : numbers(0, 5)) {
    watched.send(number);
  }
  watched.pipe.break_off(watched.now, 5);
  watched.run();
  EXPECT_EQ(watched.texts, numbers(0, 2));
  EXPECT_EQ(watched.pipe.waiting_bytes(), 0u);
  EXPECT_EQ(watched.pipe.counters().lost, 3u);
}

TEST(BreakOff, IsFoundOutWithTheLastMessageOrLater) {
  Watched watched{{.latency = 10ms}};
  watched.send("a");
  watched.pipe.break_off(at(3ms), 1);
  watched.pipe.arrive(at(3ms));
  EXPECT_FALSE(watched.pipe.has_ended(at(3ms)));
  EXPECT_TRUE(watched.pipe.has_ended(at(10ms)));

  Watched late{{.latency = 10ms}};
  late.send("a");
  late.pipe.break_off(at(1h), 1);
  late.pipe.arrive(at(10ms));
  late.pipe.take(at(10ms), true);
  EXPECT_FALSE(late.pipe.has_ended(at(1h - 1ns)));
  EXPECT_EQ(late.pipe.next_event(), at(1h));
}

TEST(BreakOff, ASenderThatDoesNotKnowFillsTheWindowAndThenWaits) {
  Watched watched{{.window_bytes = 10}};
  watched.pipe.break_off(never, 0);
  EXPECT_EQ(watched.send("123456"), 0u);
  EXPECT_EQ(watched.send("1234"), 0u);
  EXPECT_EQ(watched.send("123456"), 6u);
  EXPECT_EQ(watched.pipe.next_event(), never);
}

TEST(Datagram, IsNeverLostNorDoubledAtRatesOfZero) {
  Watched watched{{.kind = LinkKind::datagram}};
  for (const std::string& number : numbers(0, 1000)) {
    watched.send(number);
  }
  watched.run();
  EXPECT_EQ(watched.texts, numbers(0, 1000));
}

TEST(Datagram, IsAlwaysLostAtARateOfAMillion) {
  Watched watched{{.kind = LinkKind::datagram, .loss_per_million = 1'000'000}};
  for (const std::string& number : numbers(0, 1000)) {
    EXPECT_EQ(watched.send(number), 0u);
  }
  EXPECT_EQ(watched.pipe.next_event(), never);
  EXPECT_EQ(watched.pipe.counters().lost, 1000u);
}

TEST(Datagram, AlwaysComesTwiceAtARateOfAMillion) {
  Watched watched{{.kind = LinkKind::datagram, .duplication_per_million = 1'000'000}};
  watched.send("a");
  watched.send("b");
  watched.run();
  EXPECT_EQ(watched.texts, (Lines{"a", "a", "b", "b"}));
  EXPECT_EQ(watched.pipe.counters().duplicated, 2u);
  EXPECT_EQ(watched.pipe.counters().delivered, 4u);
}

TEST(Datagram, OvertakesOthersUnderJitter) {
  Watched watched{{.kind = LinkKind::datagram, .jitter = 10ms}};
  for (const std::string& number : numbers(0, 100)) {
    watched.send(number);
  }
  watched.run();
  Lines sorted = watched.texts;
  EXPECT_NE(sorted, numbers(0, 100));
  Lines expected = numbers(0, 100);
  std::sort(sorted.begin(), sorted.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(sorted, expected);
}

TEST(Datagram, ThatDoesNotFitIntoTheWindowIsLost) {
  Watched watched{{.kind = LinkKind::datagram, .window_bytes = 2}};
  EXPECT_EQ(watched.send("a"), 0u);
  EXPECT_EQ(watched.send("b"), 0u);
  EXPECT_EQ(watched.send("c"), 0u);
  watched.run();
  EXPECT_EQ(watched.texts, (Lines{"a", "b"}));
  EXPECT_EQ(watched.pipe.counters().lost, 1u);
  watched.send("d");
  watched.run();
  EXPECT_EQ(watched.texts, (Lines{"a", "b", "d"}));
}

TEST(Datagram, NeitherOvertakesTheOpeningNorIsOvertakenByTheClosing) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Watched watched{{.kind = LinkKind::datagram, .latency = 1ms, .jitter = 20ms}, seed};
    watched.pipe.send(watched.now, Frame::control(FrameKind::open));
    for (const std::string& number : numbers(0, 20)) {
      watched.send(number);
    }
    watched.pipe.send(watched.now, Frame::close(1000, "end"));
    watched.pipe.arrive(at(1s));
    std::vector<FrameKind> kinds;
    while (watched.pipe.front() != nullptr) {
      kinds.push_back(watched.pipe.take(at(1s), true).kind);
    }
    ASSERT_EQ(kinds.size(), 22u);
    EXPECT_EQ(kinds.front(), FrameKind::open);
    EXPECT_EQ(kinds.back(), FrameKind::close);
  }
}

TEST(DatagramGolden, ASeededMixOfFaultsIsTheSameWithEveryCompiler) {
  Watched watched{{.kind = LinkKind::datagram,
                   .latency = 1ms,
                   .jitter = 3ms,
                   .bytes_per_second = 10'000,
                   .loss_per_million = 200'000,
                   .duplication_per_million = 200'000},
                  7};
  for (const std::string& number : numbers(0, 12)) {
    watched.send(number);
  }
  watched.run();
  Lines seen;
  for (std::size_t index = 0; index < watched.texts.size(); ++index) {
    seen.push_back(watched.texts[index] + "@" + std::to_string(watched.times[index].count()));
  }
  EXPECT_EQ(seen, (Lines{"7@1856364", "11@2767982", "0@2825073", "3@2870486", "4@3734899", "5@3782584", "8@4427448",
                         "5@4473223", "6@4500306", "11@4773749", "9@4846675", "10@4942567"}));
}

TEST(Partition, AStreamWaitsForItsEnd) {
  Watched watched{{.latency = 1ms}};
  watched.send("a");
  watched.pipe.set_partitioned(true);
  watched.send("b");
  EXPECT_EQ(watched.pipe.next_event(), never);
  watched.now = at(1min);
  watched.pipe.set_partitioned(false);
  watched.run();
  EXPECT_EQ(watched.texts, (Lines{"a", "b"}));
  EXPECT_EQ(watched.times, (std::vector<Duration>{1min, 1min}));
}

TEST(Partition, DatagramsThatWouldArriveAreLostAndTheirRoomIsFree) {
  Watched watched{{.kind = LinkKind::datagram, .latency = 1ms, .window_bytes = 1}};
  watched.pipe.set_partitioned(true);
  watched.send("a");
  watched.run();
  EXPECT_EQ(watched.pipe.counters().lost, 1u);
  watched.pipe.set_partitioned(false);
  watched.send("b");
  watched.run();
  EXPECT_EQ(watched.texts, Lines{"b"});
}

TEST(Partition, DatagramsThatArrivedBeforeAreKept) {
  Watched watched{{.kind = LinkKind::datagram, .latency = 1ms}};
  watched.send("a");
  watched.pipe.arrive(at(1ms));
  watched.pipe.set_partitioned(true);
  watched.pipe.arrive(at(1s));
  ASSERT_NE(watched.pipe.front(), nullptr);
}

TEST(Partition, TheClosingOfADatagramLinkWaitsForItsEnd) {
  Watched watched{{.kind = LinkKind::datagram, .latency = 1ms, .loss_per_million = 1'000'000}};
  watched.pipe.set_partitioned(true);
  watched.pipe.send(watched.now, Frame::close(1000, ""));
  EXPECT_EQ(watched.pipe.next_event(), never);
  watched.pipe.set_partitioned(false);
  EXPECT_EQ(watched.pipe.next_event(), at(1ms));
}

TEST(Options, DoNotTurnAStreamIntoADatagramLink) {
  Watched watched{{.latency = 1ms}};
  watched.pipe.set_options(watched.now, {.kind = LinkKind::datagram, .latency = 2ms, .loss_per_million = 1'000'000});
  watched.send("a");
  EXPECT_EQ(watched.pipe.next_event(), at(2ms));
}

TEST(Counters, SentAndDuplicatedAreDeliveredLostOrOnTheirWay) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Watched watched{{.kind = seed % 2 == 0 ? LinkKind::stream : LinkKind::datagram,
                     .jitter = 10ms,
                     .window_bytes = 100,
                     .loss_per_million = 100'000,
                     .duplication_per_million = 100'000},
                    seed};
    for (const std::string& number : numbers(0, 100)) {
      watched.send(number);
    }
    watched.pipe.arrive(at(5ms));
    watched.now = at(5ms);
    watched.take_all();
    watched.pipe.break_off(watched.now, 3);
    watched.run();
    watched.send("late");
    watched.pipe.drop_all();
    const LinkCounters& counters = watched.pipe.counters();
    EXPECT_EQ(counters.sent, 101u);
    EXPECT_EQ(counters.sent + counters.duplicated, counters.delivered + counters.lost);
    EXPECT_EQ(counters.delivered, watched.texts.size());
  }
}

}  // namespace
}  // namespace restante::memory
