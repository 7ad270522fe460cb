#include <restante/memory/timeline.hpp>

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "recording.hpp"

namespace restante {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime at(Duration duration) {
  return SteadyTime{duration};
}

struct Diary {
  Callback<void()> write(char letter) {
    return [this, letter] { text += letter; };
  }
  std::string text;
};

TEST(Timeline, BeginsAtZeroWithNothingToDo) {
  Timeline timeline;
  EXPECT_EQ(timeline.now(), SteadyTime{});
  EXPECT_EQ(timeline.next(), never);
  EXPECT_TRUE(timeline.quiet());
  EXPECT_FALSE(timeline.step());
}

TEST(Timeline, EventsHappenInTheOrderOfTimeWhateverTheOrderOfScheduling) {
  Timeline timeline;
  Diary diary;
  timeline.at(at(3s), diary.write('c'));
  timeline.at(at(1s), diary.write('a'));
  timeline.at(at(2s), diary.write('b'));
  timeline.run_until(at(3s));
  EXPECT_EQ(diary.text, "abc");
}

TEST(Timeline, EventsOfTheSameTimeHappenInTheOrderOfScheduling) {
  Timeline timeline;
  Diary diary;
  for (const char letter : std::string{"sequence"}) {
    timeline.at(at(1s), diary.write(letter));
  }
  timeline.run_until(at(1s));
  EXPECT_EQ(diary.text, "sequence");
}

TEST(Timeline, AnEventSeesItsOwnTime) {
  Timeline timeline;
  SteadyTime seen{};
  timeline.at(at(5s), [&] { seen = timeline.now(); });
  EXPECT_EQ(timeline.next(), at(5s));
  EXPECT_TRUE(timeline.step());
  EXPECT_EQ(seen, at(5s));
  EXPECT_EQ(timeline.now(), at(5s));
}

TEST(Timeline, RunsUpToATimeThatTimeIncluded) {
  Timeline timeline;
  Diary diary;
  timeline.at(at(1s), diary.write('a'));
  timeline.at(at(1s + 1ns), diary.write('b'));
  timeline.run_until(at(1s));
  EXPECT_EQ(diary.text, "a");
  EXPECT_EQ(timeline.now(), at(1s));
}

TEST(Timeline, GoesOnInTimeAlsoWhenNothingHappens) {
  Timeline timeline;
  timeline.run_until(at(1h));
  EXPECT_EQ(timeline.now(), at(1h));
}

TEST(Timeline, NeverGoesBack) {
  Timeline timeline;
  Diary diary;
  timeline.run_until(at(2s));
  timeline.run_until(at(1s));
  EXPECT_EQ(timeline.now(), at(2s));
  timeline.at(at(1s), diary.write('a'));
  timeline.step();
  EXPECT_EQ(timeline.now(), at(2s));
  EXPECT_EQ(diary.text, "a");
}

TEST(Timeline, AnEventMayScheduleOthersForTheSameTime) {
  Timeline timeline;
  Diary diary;
  timeline.at(at(1s), [&] { timeline.at(timeline.now(), diary.write('c')); });
  timeline.at(at(1s), diary.write('b'));
  timeline.run_until(at(1s));
  EXPECT_EQ(diary.text, "bc");
}

TEST(Timeline, ACancelledEventDoesNotHappen) {
  Timeline timeline;
  Diary diary;
  const Timeline::EventId id = timeline.at(at(1s), diary.write('a'));
  EXPECT_TRUE(timeline.cancel(id));
  EXPECT_FALSE(timeline.cancel(id));
  timeline.run_until(at(2s));
  EXPECT_EQ(diary.text, "");
}

TEST(Timeline, AnEventThatHappenedCannotBeCancelled) {
  Timeline timeline;
  Diary diary;
  const Timeline::EventId id = timeline.at(at(1s), diary.write('a'));
  timeline.run_until(at(2s));
  EXPECT_FALSE(timeline.cancel(id));
  EXPECT_FALSE(timeline.cancel({}));
}

TEST(Timeline, NothingIsScheduledForNever) {
  Timeline timeline;
  EXPECT_EQ(timeline.at(never, [] {}), Timeline::EventId{});
  EXPECT_EQ(timeline.next(), never);
}

TEST(Timeline, IsQuietWhenOnlyDeadlinesWait) {
  Timeline timeline;
  const Timeline::EventId work = timeline.at(at(1s), [] {});
  const Timeline::EventId deadline = timeline.at(
      at(1s), [] {}, EventWeight::deadline);
  EXPECT_FALSE(timeline.quiet());
  timeline.cancel(work);
  EXPECT_TRUE(timeline.quiet());
  timeline.cancel(deadline);
  EXPECT_TRUE(timeline.quiet());
  timeline.at(at(1s), [] {});
  timeline.step();
  EXPECT_TRUE(timeline.quiet());
}

TEST(Timeline, AnEventMustNotRunTheTimeline) {
  const testing::ThrowingAssertions throwing;
  Timeline timeline;
  timeline.at(at(1s), [&] { timeline.step(); });
  EXPECT_THROW(timeline.step(), std::logic_error);
}

TEST(Timeline, GoesOnAfterAnEventThrew) {
  Timeline timeline;
  Diary diary;
  timeline.at(at(1s), [] { throw std::runtime_error{"an event"}; });
  timeline.at(at(2s), diary.write('b'));
  EXPECT_THROW(timeline.run_until(at(3s)), std::runtime_error);
  timeline.run_until(at(3s));
  EXPECT_EQ(diary.text, "b");
}

TEST(Timeline, AnEndlessLoopAtOneTimeIsFoundOut) {
  const testing::ThrowingAssertions throwing;
  Timeline timeline;
  struct Loop {
    void operator()() const { timeline->at(timeline->now(), Loop{timeline}); }
    Timeline* timeline;
  };
  timeline.at(at(1s), Loop{&timeline});
  EXPECT_THROW(timeline.run_until(at(2s)), std::logic_error);
}

}  // namespace
}  // namespace restante
