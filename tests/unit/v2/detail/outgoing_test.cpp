#include <restante/v2/detail/outgoing.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace restante::v2::detail {
namespace {

class OutgoingTest : public ::testing::Test {
 protected:
  using Tested = Outgoing<MemoryOutbox>;

  void add(std::string_view receiver) {
    PushCallback none;
    EXPECT_FALSE(outgoing_.add({.id = outgoing_.next_id(), .receiver = receiver}, none));
  }

  void open(std::uint64_t highest_sequence, std::uint64_t window = 256) {
    outgoing_.opened({.epoch = 7, .highest_sequence = highest_sequence, .window = window, .payload_bytes_max = 100},
                     false);
  }

  // Everything that may be sent now, as "number receiver".
  std::vector<std::string> sent() {
    std::vector<std::string> sent;
    while (true) {
      const auto [id, error] = outgoing_.take();
      EXPECT_FALSE(error);
      if (id == 0) {
        return sent;
      }
      const Push packet = outgoing_.packet(id);
      sent.push_back(std::to_string(packet.sequence) + " " + std::string{as_text(packet.receiver)});
    }
  }

  using Sent = std::vector<std::string>;

  MemoryOutbox outbox_;
  Tested outgoing_{outbox_, {1000, 1000, 1}};
};

TEST_F(OutgoingTest, SendsNothingBeforeTheAddressIsOpen) {
  add("bob");
  EXPECT_EQ(sent(), Sent{});
  open(0);
  EXPECT_EQ(sent(), Sent{"1 bob"});
  outgoing_.closed();
  EXPECT_EQ(sent(), Sent{});
}

TEST_F(OutgoingTest, LetsOneReceiverNotHinderTheOthers) {
  open(0);
  for (const auto* receiver : {"bob", "bob", "eve", "bob", "eve"}) {
    add(receiver);
  }
  EXPECT_EQ(sent(), (Sent{"1 bob", "2 eve"}));
  outgoing_.accepted(3);
  EXPECT_EQ(sent(), Sent{"3 eve"});
  outgoing_.accepted(1);
  EXPECT_EQ(sent(), Sent{"4 bob"});
}

TEST_F(OutgoingTest, PutsBackWhatWasRefusedForNowBeforeWhatIsNew) {
  open(0);
  add("bob");
  add("bob");
  EXPECT_EQ(sent(), Sent{"1 bob"});
  outgoing_.put_back(1);
  add("ada");
  EXPECT_EQ(sent(), (Sent{"1 bob", "2 ada"}));
}

TEST_F(OutgoingTest, HoldsAReceiverBackUntilItIsLetGo) {
  open(0);
  outgoing_.hold("#tea", true);
  add("#tea");
  add("bob");
  EXPECT_EQ(sent(), Sent{"1 bob"});
  outgoing_.hold("#tea", false);
  EXPECT_EQ(sent(), Sent{"2 #tea"});
}

TEST_F(OutgoingTest, GivesANumberThatWasRefusedToTheNextWhenNoneIsUnderWay) {
  open(10);
  add("bob");
  EXPECT_EQ(sent(), Sent{"11 bob"});
  outgoing_.refused(1, Refusal::mailbox_full);
  add("bob");
  EXPECT_EQ(sent(), Sent{"11 bob"});
}

TEST_F(OutgoingTest, KeepsBothBoundsOfTheWindow) {
  open(10, 2);
  for (const auto* receiver : {"a", "b", "c", "d"}) {
    add(receiver);
  }
  EXPECT_EQ(sent(), (Sent{"11 a", "12 b"}));
  outgoing_.refused(1, Refusal::mailbox_full);
  EXPECT_EQ(sent(), Sent{}) << "13 is above 10 + 2, and 10 is still the highest accepted";
  outgoing_.accepted(2);
  EXPECT_EQ(sent(), (Sent{"13 c", "14 d"}));
}

TEST_F(OutgoingTest, ReportsWhatWasSentWhenAnotherPushedFromItsAddress) {
  open(0);
  add("bob");
  EXPECT_EQ(sent(), Sent{"1 bob"});
  outgoing_.closed();
  const auto ended =
      outgoing_.opened({.epoch = 7, .highest_sequence = 2, .window = 256, .payload_bytes_max = 100}, false);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].error, Error::outcome_unknown);
  EXPECT_EQ(ended[0].sequence, 1U);
  add("bob");
  EXPECT_EQ(sent(), Sent{"3 bob"});
}

TEST_F(OutgoingTest, CountsBytesForAsLongAsAMessageIsThere) {
  const std::vector<std::uint8_t> payload(600);
  PushCallback none;
  EXPECT_FALSE(outgoing_.add({.id = outgoing_.next_id(), .receiver = "a", .payload = payload}, none));
  EXPECT_EQ(outgoing_.add({.id = outgoing_.next_id(), .receiver = "a", .payload = payload}, none), Error::outbox_full);
  EXPECT_EQ(outgoing_.bytes(), 600U);
  outgoing_.opened({.epoch = 7, .window = 256, .payload_bytes_max = 1000}, false);
  EXPECT_EQ(sent(), Sent{"1 a"});
  outgoing_.accepted(1);
  EXPECT_EQ(outgoing_.bytes(), 0U);
  EXPECT_EQ(outgoing_.size(), 0U);
}

}  // namespace
}  // namespace restante::v2::detail
