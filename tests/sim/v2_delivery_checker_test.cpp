#include <restante/sim/v2_delivery_checker.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace restante::sim {
namespace {

class V2DeliveryCheckerTest : public ::testing::Test {
 protected:
  V2DeliveryCheckerTest() {
    checker_.judge(ada, {.address = "ada", .keeps_order = true});
    checker_.judge(bob, {.address = "bob", .keeps_offsets = true});
    checker_.judge(cy, {.address = "cy"});
  }

  // A letter from ada that the server accepted.
  LetterNumber accepted(std::string to = "bob") {
    auto [number, payload] = letters_.write({.sender = ada, .from = "ada", .to = std::move(to)}, 10);
    payloads_.push_back(std::move(payload));
    letters_[number].promised = true;
    letters_[number].fate = Letter::Fate::held;
    letters_[number].position = ++positions_;
    return number;
  }

  void hand(LetterNumber number, Offset offset, ClientIndex to = bob) {
    checker_.handed({}, to, {.epoch = 7, .offset = offset, .sender = "ada", .payload = payloads_[number]});
  }

  std::string finding() const {
    return !findings_.violations().empty()          ? findings_.violations().front().sentence
           : !findings_.liveness_failures().empty() ? findings_.liveness_failures().front().sentence
                                                    : "";
  }

  static constexpr ClientIndex ada = 0;
  static constexpr ClientIndex bob = 1;
  static constexpr ClientIndex cy = 2;

  Findings findings_;
  Letters letters_;
  Places places_{letters_};
  std::vector<std::vector<std::uint8_t>> payloads_;
  std::uint64_t positions_ = 0;
  V2DeliveryChecker checker_{findings_, letters_, false};
};

TEST_F(V2DeliveryCheckerTest, FindsNothingWhereEverythingIsRight) {
  const LetterNumber one = accepted();
  const LetterNumber two = accepted();
  checker_.told({}, one, {});
  checker_.told({}, two, {});
  hand(one, 0);
  hand(two, 1);
  letters_[one].fate = letters_[two].fate = Letter::Fate::acknowledged;
  checker_.check_quiet({}, places_);
  EXPECT_EQ(finding(), "");
}

TEST_F(V2DeliveryCheckerTest, FindsAMessageThatIsHandedOverAgain) {
  const LetterNumber one = accepted();
  hand(one, 0);
  hand(one, 0);
  EXPECT_EQ(finding(), "a program was handed a message again, or too late");
}

TEST_F(V2DeliveryCheckerTest, LetsAProgramThatEndedBeHandedAgainWhatItDidNotKeep) {
  const LetterNumber one = accepted("cy");
  hand(one, 0, cy);
  checker_.ended(cy);
  hand(one, 0, cy);
  EXPECT_EQ(finding(), "");
  const LetterNumber two = accepted("bob");
  hand(two, 0);
  checker_.ended(bob);
  hand(two, 0);
  EXPECT_EQ(finding(), "a program was handed a message again, or too late");
}

TEST_F(V2DeliveryCheckerTest, FindsAnotherOrderThanThatOfAcceptance) {
  const LetterNumber one = accepted();
  const LetterNumber two = accepted();
  hand(two, 0);
  hand(one, 1);
  EXPECT_EQ(finding(), "messages were handed over in another order than accepted");
}

TEST_F(V2DeliveryCheckerTest, FindsAnotherOrderThanThatOfPushing) {
  const LetterNumber one = accepted();
  const LetterNumber two = accepted();
  std::swap(letters_[one].position, letters_[two].position);
  hand(two, 0);
  hand(one, 1);
  EXPECT_EQ(finding(), "messages of one sender were handed over in another order than pushed");
}

TEST_F(V2DeliveryCheckerTest, FindsAMessageForSomebodyElse) {
  hand(accepted("cy"), 0);
  EXPECT_EQ(finding(), "a program was handed a message that is for somebody else");
}

TEST_F(V2DeliveryCheckerTest, FindsAPushThatEndsTwiceOrNever) {
  const LetterNumber one = accepted();
  checker_.told({}, one, {});
  checker_.told({}, one, {});
  EXPECT_EQ(finding(), "a program was told twice what became of a push");
  letters_[accepted("cy")].fate = Letter::Fate::expired;
  checker_.check_quiet({}, places_);
  EXPECT_EQ(findings_.liveness_failures().back().sentence, "a push to cy was never told what became of it");
}

TEST_F(V2DeliveryCheckerTest, FindsAPushThatIsSaidToBeAcceptedAndIsNot) {
  const LetterNumber one = accepted();
  letters_[one].promised = false;
  checker_.told({}, one, {});
  EXPECT_EQ(finding(), "a program was told that a push was accepted, and it was not");
}

TEST_F(V2DeliveryCheckerTest, FindsAPushThatIsUnknownAlthoughNothingWasLost) {
  checker_.opened({}, ada, 1, false);
  checker_.told({}, accepted(), Error::outcome_unknown);
  EXPECT_EQ(finding(), "a program was told that nothing is known of a push, and the server lost nothing");
}

TEST_F(V2DeliveryCheckerTest, FindsAProgramThatIsNotToldOfALoss) {
  checker_.opened({}, ada, 1, false);
  checker_.opened({}, ada, 2, true);
  checker_.told({}, accepted(), Error::outcome_unknown);
  EXPECT_EQ(finding(), "");
  checker_.opened({}, ada, 3, false);
  EXPECT_EQ(finding(), "a program was not told that everything was lost");
}

TEST_F(V2DeliveryCheckerTest, FindsWhatWasAcceptedAndNotHandedOver) {
  const LetterNumber one = accepted();
  checker_.told({}, one, {});
  checker_.check_quiet({}, places_);
  EXPECT_EQ(finding(), "a message for bob was not handed over");
  letters_[one].fate = Letter::Fate::acknowledged;
  checker_.check_quiet({}, places_);
  EXPECT_EQ(finding(), "a message was acknowledged that nobody was handed");
}

TEST_F(V2DeliveryCheckerTest, FindsAMemberThatLacksWhatItsRoomHolds) {
  const LetterNumber one = accepted("#tea");
  checker_.told({}, one, {});
  Place& room = places_.at("#tea");
  room.kept.push_back({.letter = one});
  room.members["bob"] = {};
  checker_.check_quiet({}, places_);
  EXPECT_EQ(finding(), "a message in #tea was not handed to bob");
}

// Bob and cy are in a room, from offset 4 on.
class V2DeliveryCheckerInRoomTest : public V2DeliveryCheckerTest {
 protected:
  V2DeliveryCheckerInRoomTest() {
    join(bob, 4);
    join(cy, 4);
    places_.at("#tea").members["bob"] = {};
  }

  void join(ClientIndex client, Offset cursor, Epoch epoch = 7) {
    std::array<std::uint8_t, 100> buffer{};
    checker_.observe({.kind = EntryKind::sent_by_client,
                      .client = client,
                      .bytes = v2::encode(v2::Join{.tag = 9, .room = as_bytes("#tea")}, buffer)});
    checker_.observe({.kind = EntryKind::received_by_client,
                      .client = client,
                      .bytes = v2::encode(v2::Joined{.tag = 9, .epoch = epoch, .cursor = cursor}, buffer)});
  }

  void hand_room(Offset offset, ClientIndex to = bob) {
    const LetterNumber number = accepted("#tea");
    letters_[number].stored_epoch = 7;
    letters_[number].stored_offset = offset;
    checker_.handed({}, to,
                    {.source = "#tea", .epoch = 7, .offset = offset, .sender = "ada", .payload = payloads_[number]});
  }

  void miss(std::uint64_t count, Offset offset, ClientIndex who = bob) {
    checker_.missed({}, who, {.room = "#tea", .count = count, .epoch = 7, .offset = offset});
  }

  void fall_quiet(Offset next) {
    places_.at("#tea").next_offset = next;
    checker_.check_quiet({}, places_);
  }
};

TEST_F(V2DeliveryCheckerInRoomTest, FindsNothingWhereEachOffsetIsHandedOverOrToldOf) {
  miss(2, 5);
  hand_room(6);
  checker_.ended(bob);
  join(bob, 5);
  miss(1, 7);
  miss(2, 9);
  fall_quiet(10);
  EXPECT_EQ(findings_.violations().size(), 0U) << finding();
  EXPECT_EQ(findings_.liveness_failures().size(), 1U) << "ada was not told of her push, and nothing else";
}

TEST_F(V2DeliveryCheckerInRoomTest, FindsAProgramThatIsToldTooLittleBeforeAMessage) {
  miss(1, 4);
  hand_room(6);
  EXPECT_EQ(finding(), "messages of a room were passed over, and nobody was told");
}

TEST_F(V2DeliveryCheckerInRoomTest, FindsAProgramThatIsToldTooMuch) {
  miss(3, 6);
  hand_room(6);
  EXPECT_EQ(finding(), "a program was handed a message that it was told it missed");
}

TEST_F(V2DeliveryCheckerInRoomTest, FindsAProgramThatIsToldTooLittleBehindTheLastMessage) {
  hand_room(4);
  letters_[0].told = Letter::Told::accepted;
  fall_quiet(6);
  EXPECT_EQ(finding(), "bob was not told of all that it missed of #tea");
}

TEST_F(V2DeliveryCheckerInRoomTest, FindsAProgramThatIsToldThatItMissedWhatItsRoomHas) {
  letters_[accepted("#tea")] = {.to = "#tea", .fate = Letter::Fate::held, .stored_epoch = 7, .stored_offset = 5};
  miss(1, 4);
  EXPECT_EQ(finding(), "");
  miss(1, 5);
  EXPECT_EQ(finding(), "a program was told that it missed a message that its room has");
}

TEST_F(V2DeliveryCheckerInRoomTest, FindsAnotherPlaceThanThatBehindWhatWasMissed) {
  miss(2, 6);
  EXPECT_EQ(finding(), "a program was told of another place than that behind what it missed");
}

TEST_F(V2DeliveryCheckerInRoomTest, FindsAProgramThatIsToldOfARoomWhereItIsNot) {
  miss(1, 0, ada);
  EXPECT_EQ(finding(), "a program was told that it missed messages of a room where it is not");
}

TEST_F(V2DeliveryCheckerInRoomTest, BeginsAnewWithAnotherEpochAndWithAProgramThatKeptNothing) {
  hand_room(4, cy);
  hand_room(5, cy);
  checker_.ended(cy);
  join(cy, 5);
  hand_room(5, cy);
  join(cy, 2, 8);
  EXPECT_EQ(finding(), "");
  join(cy, 3, 8);
  EXPECT_EQ(finding(), "a room takes for acknowledged what a program does not know of");
}

}  // namespace
}  // namespace restante::sim
