// What no peer of a Messenger can bring about: an operator empties a mailbox or a room, and time begins at 0.
#include <restante/core/core.hpp>

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include <restante/v2/packet.hpp>

namespace restante {
namespace {

class CoreCorrespondenceTest : public ::testing::Test {
 protected:
  CoreCorrespondenceTest() {
    core_.execute(1, v2::Open{.tag = 1, .address = as_bytes("ada")}, false, replies_);
    core_.execute(1, v2::Join{.tag = 2, .room = as_bytes("#lobby")}, replies_);
    replies_.all.clear();
  }

  void push(std::string_view receiver, std::uint64_t sequence) {
    core_.execute(1, v2::Push{.tag = 3, .receiver = as_bytes(receiver), .sequence = sequence}, replies_);
  }

  std::uint32_t purge(std::string_view name) { return core_.purge(core_.addresses().find(as_bytes(name))); }

  MessageState state(std::uint64_t sequence) {
    core_.execute(1, v2::Receipt{.tag = 4, .sequence = sequence, .known_state = 255}, replies_);
    return std::get<v2::State>(replies_.all.back()).state;
  }

  struct Replies {
    std::vector<v2::Reply> all;
    void operator()(Session, const auto& packet) { all.push_back(packet); }
  };

  MemoryStore store_;
  std::uint64_t draws_ = 0;
  Core<MemoryStore> core_{store_,
                          {.entropy = {&draws_, [](void* draws) { return ++*static_cast<std::uint64_t*>(draws); }}}};
  Replies replies_;
};

TEST_F(CoreCorrespondenceTest, EmptiesAMailboxAndSaysHowManyWereThere) {
  push("ada", 1);
  push("ada", 2);
  EXPECT_EQ(purge("ada"), 2U);
  EXPECT_EQ(purge("ada"), 0U);
  EXPECT_EQ(state(1), MessageState::purged);
  EXPECT_EQ(core_.books(), (Books{.stored = 2, .purged = 2}));
  push("ada", 3);
  EXPECT_EQ(state(3), MessageState::waiting);
}

TEST_F(CoreCorrespondenceTest, EmptiesARoomWhoseMembersMissWhatWasThere) {
  push("#lobby", 1);
  push("#lobby", 2);
  EXPECT_EQ(purge("#lobby"), 2U);
  EXPECT_EQ(core_.books(), (Books{.stored = 2, .purged = 2}));
  replies_.all.clear();
  const Epoch epoch = core_.addresses()[core_.addresses().find(as_bytes("#lobby"))].epoch;
  core_.execute(1, v2::Fetch{.tag = 5, .source = as_bytes("#lobby"), .epoch = epoch, .messages_max = 1}, replies_);
  ASSERT_EQ(replies_.all.size(), 2U);
  EXPECT_EQ(std::get<v2::Missed>(replies_.all[0]).count, 2U);
  EXPECT_EQ(std::get<v2::Fetched>(replies_.all[1]).delivered, 0U);
}

TEST_F(CoreCorrespondenceTest, EmptiesWhatCameByTheClassicProtocolToo) {
  core_.execute(2, Associate{Address{7}});
  core_.execute(2, Push{Address{7}, Address{8}, as_bytes("hi")});
  EXPECT_EQ(purge("8"), 1U);
  EXPECT_EQ(core_.depth(Address{8}), 0U);
}

TEST_F(CoreCorrespondenceTest, TellsWhoWaitsForAReceipt) {
  push("ada", 1);
  core_.execute(1, v2::Receipt{.tag = 6, .sequence = 1, .known_state = 1, .wait_ms = 1'000}, replies_);
  replies_.all.clear();
  purge("ada");
  core_.serve(replies_, 10);
  ASSERT_EQ(replies_.all.size(), 1U);
  EXPECT_EQ(std::get<v2::State>(replies_.all[0]).state, MessageState::purged);
}

TEST(CoreCorrespondence, LimitsRequestsInTheFirstMillisecondToo) {
  MemoryStore store;
  std::uint64_t draws = 0;
  Core<MemoryStore> core{store,
                         {.limits = {.requests_per_second_max = 1},
                          .entropy = {&draws, [](void* context) { return ++*static_cast<std::uint64_t*>(context); }}}};
  std::vector<v2::Reply> replies;
  const auto take = [&](Session, const auto& packet) { replies.push_back(packet); };
  core.execute(1, v2::Open{.tag = 1, .address = as_bytes("ada")}, false, take);
  for (int i = 0; i < 3; ++i) {
    core.execute(1, v2::Receipt{.tag = 2, .sequence = 1, .known_state = 255}, take);
  }
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_TRUE(std::holds_alternative<v2::State>(replies[1]));
  EXPECT_EQ(std::get<v2::Refused>(replies[2]).reason, Refusal::rate_limited);
  EXPECT_EQ(std::get<v2::Refused>(replies[3]).reason, Refusal::rate_limited);
}

}  // namespace
}  // namespace restante
