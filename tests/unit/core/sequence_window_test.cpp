#include <restante/core/sequence_window.hpp>

#include <gtest/gtest.h>

namespace restante {
namespace {

using Verdict = SequenceWindow::Verdict;

TEST(SequenceWindow, BeginsWithNothingAccepted) {
  const SequenceWindow window;
  EXPECT_EQ(window.highest(), 0U);
  EXPECT_EQ(window.judge(1), Verdict::unseen);
  EXPECT_EQ(window.judge(256), Verdict::unseen);
  EXPECT_EQ(window.judge(257), Verdict::ahead);
  EXPECT_EQ(window.state(1), MessageState::unknown);
}

TEST(SequenceWindow, KnowsWhatItAcceptedAndWhatItDidNot) {
  SequenceWindow window;
  window.accept(3);
  EXPECT_EQ(window.highest(), 3U);
  EXPECT_EQ(window.judge(3), Verdict::duplicate);
  EXPECT_EQ(window.judge(1), Verdict::unseen);
  window.accept(1);
  EXPECT_EQ(window.highest(), 3U);
  EXPECT_EQ(window.judge(1), Verdict::duplicate);
  EXPECT_EQ(window.judge(2), Verdict::unseen);
}

TEST(SequenceWindow, EndsBelowAndAboveTheHighest) {
  SequenceWindow window;
  window.accept(256);
  window.accept(300);
  EXPECT_EQ(window.judge(44), Verdict::stale) << "H - W";
  EXPECT_EQ(window.judge(45), Verdict::unseen);
  EXPECT_EQ(window.judge(556), Verdict::unseen) << "H + W";
  EXPECT_EQ(window.judge(557), Verdict::ahead);
}

TEST(SequenceWindow, DoesNotTakeANumberForTheOneAWidthBelow) {
  SequenceWindow window;
  window.accept(5);
  window.accept(256);
  window.accept(300);
  EXPECT_EQ(window.judge(261), Verdict::unseen) << "in the place of 5";
  EXPECT_EQ(window.state(261), MessageState::unknown);
  EXPECT_EQ(window.state(5), MessageState::unknown) << "too old";
}

TEST(SequenceWindow, KeepsTheLatestStateOfEachMessage) {
  SequenceWindow window;
  window.accept(7);
  EXPECT_EQ(window.state(7), MessageState::waiting);
  EXPECT_TRUE(window.note(7, MessageState::fetched));
  EXPECT_EQ(window.state(7), MessageState::fetched);
  EXPECT_EQ(window.judge(7), Verdict::duplicate);
  EXPECT_FALSE(window.note(6, MessageState::fetched)) << "was not accepted";
  EXPECT_FALSE(window.note(8, MessageState::fetched));
  EXPECT_FALSE(window.note(0, MessageState::fetched));
  EXPECT_EQ(window.state(6), MessageState::unknown);
  window.accept(263);
  EXPECT_FALSE(window.note(7, MessageState::acknowledged)) << "nobody can ask for it any more";
  EXPECT_EQ(window.state(263), MessageState::waiting) << "which is in its place";
}

TEST(SequenceWindow, IsRestoredFromWhatAStoreKeptHoweverHighTheNumbersAre) {
  constexpr std::uint64_t high = std::uint64_t{1} << 60U;
  SequenceWindow window;
  window.restore(high, MessageState::acknowledged);
  window.restore(high + 5, MessageState::fetched);
  EXPECT_EQ(window.highest(), high + 5);
  EXPECT_EQ(window.state(high), MessageState::acknowledged);
  EXPECT_EQ(window.state(high + 5), MessageState::fetched);
  for (const std::uint64_t unseen : {high - 250, high - 1, high + 1, high + 4, high + 6}) {
    EXPECT_EQ(window.judge(unseen), Verdict::unseen) << unseen;
  }
  EXPECT_EQ(window.judge(high - 251), Verdict::stale);
  window.restore(high + 5 + 256, MessageState::waiting);
  EXPECT_EQ(window.judge(high + 6), Verdict::unseen);
  EXPECT_EQ(window.state(high + 5), MessageState::unknown) << "another one has its place";
}

TEST(SequenceWindow, GoesUpToTheHighestNumber) {
  SequenceWindow window;
  for (std::uint64_t sequence = 200; sequence < 2'000; sequence += 200) {
    window.accept(sequence);
  }
  for (std::uint64_t sequence = 1; sequence < 2'200; ++sequence) {
    const Verdict expected = sequence <= 1'800 - 256                    ? Verdict::stale
                             : sequence > 1'800 + 256                   ? Verdict::ahead
                             : sequence <= 1'800 && sequence % 200 == 0 ? Verdict::duplicate
                                                                        : Verdict::unseen;
    ASSERT_EQ(window.judge(sequence), expected) << sequence;
  }
}

}  // namespace
}  // namespace restante
