#include <restante/v2/detail/incoming.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace restante::v2::detail {
namespace {

class Inbox {
 public:
  std::optional<Offset> handled_up_to(std::string_view, Epoch) { return before; }
  std::error_code handled(std::string_view source, Epoch, Offset offset) {
    kept.push_back(std::string{source} + std::to_string(offset));
    return {};
  }
  std::optional<Offset> before;
  std::vector<std::string> kept;
};

class IncomingTest : public ::testing::Test {
 protected:
  std::string acknowledge() {
    EXPECT_FALSE(incoming_.keep());
    const std::optional<Acknowledge> packet = incoming_.acknowledge();
    return packet ? std::string{as_text(packet->source)} + std::to_string(packet->offset) : "nothing";
  }

  Inbox inbox_;
  Incoming<Inbox> incoming_{inbox_};
};

TEST_F(IncomingTest, KnowsTheEpochOfASourceOnlyWhileItIsThere) {
  EXPECT_EQ(incoming_.epoch_of("#tea"), std::nullopt);
  incoming_.start("#tea", 7, 0);
  EXPECT_EQ(incoming_.epoch_of("#tea"), 7U);
  incoming_.closed();
  EXPECT_EQ(incoming_.epoch_of("#tea"), std::nullopt);
  incoming_.start("#tea", 7, 0);
  incoming_.forget("#tea");
  EXPECT_EQ(incoming_.epoch_of("#tea"), std::nullopt);
}

TEST_F(IncomingTest, AcknowledgesOneAtATimeAndThenWhatIsNewSince) {
  incoming_.start("", 7, 0);
  for (Offset offset = 0; offset < 3; ++offset) {
    EXPECT_TRUE(incoming_.accept("", offset));
    incoming_.done("", 7, offset);
    EXPECT_EQ(acknowledge(), offset == 0 ? "0" : "nothing");
  }
  incoming_.acknowledged("", true);
  EXPECT_EQ(acknowledge(), "2");
  incoming_.acknowledged("", false);
  EXPECT_EQ(acknowledge(), "2") << "what was refused is tried again";
  incoming_.acknowledged("", true);
  EXPECT_EQ(acknowledge(), "nothing");
  EXPECT_EQ(inbox_.kept, (std::vector<std::string>{"0", "1", "2"}));
}

TEST_F(IncomingTest, AcknowledgesNoMoreThanWasDeliveredOnThisConnection) {
  inbox_.before = 9;
  incoming_.start("", 7, 5);
  EXPECT_EQ(acknowledge(), "nothing");
  EXPECT_FALSE(incoming_.accept("", 6));
  EXPECT_EQ(acknowledge(), "6");
  EXPECT_TRUE(inbox_.kept.empty()) << "it knows";
}

TEST_F(IncomingTest, CountsWhatIsInHandOfAllSources) {
  incoming_.start("", 7, 0);
  incoming_.start("#tea", 8, 0);
  incoming_.accept("", 1);
  incoming_.accept("#tea", 1);
  incoming_.accept("#tea", 2);
  EXPECT_EQ(incoming_.in_hand(), 3U);
  incoming_.done("#tea", 8, 2);
  incoming_.done("#tea", 8, 2);
  EXPECT_EQ(incoming_.in_hand(), 2U);
  EXPECT_EQ(acknowledge(), "nothing");
  EXPECT_TRUE(incoming_.start("#tea", 9, 0)) << "the epoch is another one";
  EXPECT_EQ(incoming_.in_hand(), 1U);
  incoming_.done("#tea", 8, 1);
  EXPECT_EQ(incoming_.in_hand(), 1U);
}

}  // namespace
}  // namespace restante::v2::detail
