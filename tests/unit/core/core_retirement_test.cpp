// What an operator alone brings about: an address is forgotten with everything about it.
#include <restante/core/core.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <restante/v2/codec.hpp>
#include <restante/v2/packet.hpp>

namespace restante {
namespace {

// Writes changes down as text: "removed 256 0".
class WritingRecorder {
 public:
  void record(const MessageStored& stored) { write("stored", stored.receiver, stored.offset); }
  void record(const MessageTaken& taken) { write("taken", taken.receiver, taken.offset); }
  void record(const AddressAdded& added) {
    changes.push_back("added " + std::to_string(added.address.index()) + " " + std::string{as_text(added.name)});
    epochs.push_back(added.epoch);
  }
  void record(const AddressOpened& opened) { changes.push_back("opened " + std::to_string(opened.address.index())); }
  void record(const AddressForgotten& forgotten) {
    changes.push_back("forgotten " + std::to_string(forgotten.address.index()));
  }
  void record(const MessagesDelivered& delivered) { write("delivered", delivered.receiver, delivered.up_to); }
  void record(const MessagesAcknowledged& acknowledged) {
    write("acknowledged", acknowledged.receiver, acknowledged.up_to);
  }
  void record(const MessageRemoved& removed) {
    EXPECT_EQ(removed.state, MessageState::purged);
    write("removed", removed.receiver, removed.offset);
  }
  void record(const MemberJoined& joined) { write("joined", joined.room, joined.member.index()); }
  void record(const MemberLeft& left) { write("left", left.room, left.member.index()); }
  void record(const MemberDelivered& delivered) { write("delivered", delivered.room, delivered.up_to); }
  void record(const MemberAcknowledged& acknowledged) { write("acknowledged", acknowledged.room, acknowledged.up_to); }

  std::vector<std::string> changes;
  std::vector<Epoch> epochs;

 private:
  void write(const char* what, Address address, std::uint64_t number) {
    changes.push_back(std::string{what} + " " + std::to_string(address.index()) + " " + std::to_string(number));
  }
};

class CoreRetirementTest : public ::testing::Test {
 protected:
  static constexpr Session ada = 1;
  static constexpr Session bob = 2;

  CoreRetirementTest() {
    core_.set_time(1'000, 1'000'000);
    open(ada, "ada");
    open(bob, "bob");
  }

  v2::Opened open(Session session, std::string_view name) {
    core_.execute(session, v2::Open{.tag = 1, .address = as_bytes(name)}, false, replies_);
    return std::get<v2::Opened>(replies_.all.back());
  }

  v2::Reply push(Session session, std::string_view receiver, std::uint64_t sequence) {
    core_.execute(session, v2::Push{.tag = 2, .receiver = as_bytes(receiver), .sequence = sequence}, replies_);
    return replies_.all.back();
  }

  Refusal refusal_of(const v2::Reply& reply) { return std::get<v2::Refused>(reply).reason; }

  v2::Joined join(Session session, std::string_view room) {
    core_.execute(session, v2::Join{.tag = 3, .room = as_bytes(room)}, replies_);
    return std::get<v2::Joined>(replies_.all.back());
  }

  MessageState state(Session session, std::uint64_t sequence) {
    core_.execute(session, v2::Receipt{.tag = 4, .sequence = sequence, .known_state = 255}, replies_);
    return std::get<v2::State>(replies_.all.back()).state;
  }

  std::vector<std::string> members(Session session, std::string_view room) {
    core_.execute(session, v2::Status{.tag = 5, .source = as_bytes(room), .members_max = 10}, replies_);
    BytesView left = std::get<v2::Members>(replies_.all.back()).members;
    std::vector<std::string> names;
    while (const auto member = v2::take_member(left)) {
      names.emplace_back(as_text(member->name));
    }
    return names;
  }

  Address find(std::string_view name) { return core_.addresses().find(as_bytes(name)); }

  std::optional<Session> retire(std::string_view name) {
    recorder_.changes.clear();
    replies_.all.clear();
    const std::optional<Session> holder = core_.retire(find(name), replies_);
    expect_balance();
    return holder;
  }

  void expect_balance() {
    const Books& books = core_.books();
    EXPECT_EQ(books.stored,
              books.acknowledged + books.taken + books.expired + books.purged + books.trimmed + books.held);
  }

  struct Replies {
    std::vector<v2::Reply> all;
    void operator()(Session, const auto& packet) { all.push_back(packet); }
  };

  using Changes = std::vector<std::string>;

  WritingRecorder recorder_;
  std::uint64_t draws_ = 0;
  Core<WritingRecorder> core_{
      recorder_,
      {.limits = {.mailbox_messages_max = 4, .sender_messages_max = 2, .addresses_max = 3, .unopened_messages_max = 1},
       .entropy = {&draws_, [](void* draws) { return ++*static_cast<std::uint64_t*>(draws); }}}};
  Replies replies_;
};

TEST_F(CoreRetirementTest, ForgetsAnAddressThatNobodyElseNames) {
  push(bob, "ada", 1);
  push(bob, "ada", 2);
  const Address address = find("ada");
  EXPECT_EQ(retire("ada"), ada);
  EXPECT_EQ(recorder_.changes, (Changes{"removed 256 0", "removed 256 1", "forgotten 256"}));
  EXPECT_EQ(find("ada"), Addresses::none);
  EXPECT_EQ(core_.books(), (Books{.stored = 2, .purged = 2}));
  EXPECT_EQ(core_.addresses_held(), 1U);
  EXPECT_FALSE(core_.opened(ada));
  EXPECT_EQ(open(3, "new").depth, 0U);
  EXPECT_EQ(find("new"), address) << "its number is used again";
}

TEST_F(CoreRetirementTest, TellsSendersThatTheirMessagesWerePurged) {
  push(bob, "ada", 1);
  core_.execute(bob, v2::Receipt{.tag = 9, .sequence = 1, .known_state = 1, .wait_ms = 1'000}, replies_);
  retire("ada");
  core_.serve(replies_, 10);
  ASSERT_EQ(replies_.all.size(), 1U);
  EXPECT_EQ(std::get<v2::State>(replies_.all[0]).state, MessageState::purged);
  EXPECT_EQ(state(bob, 1), MessageState::purged);
}

TEST_F(CoreRetirementTest, EndsTheWaitsOfTheHolderWithoutAnAnswer) {
  const Epoch epoch = open(3, "cy").epoch;
  core_.execute(3, v2::Fetch{.tag = 7, .epoch = epoch, .messages_max = 1, .wait_ms = 1'000}, replies_);
  core_.execute(3, v2::Receipt{.tag = 8, .sequence = 1, .wait_ms = 1'000}, replies_);
  EXPECT_EQ(core_.waits(), 2U);
  EXPECT_EQ(retire("cy"), 3U);
  EXPECT_EQ(core_.waits(), 0U);
  core_.set_time(5'000, 1'005'000);
  core_.serve(replies_, 10);
  EXPECT_TRUE(replies_.all.empty());
}

TEST_F(CoreRetirementTest, GivesTheNextOneAnotherEpochAndNothingOfTheOld) {
  const v2::Opened before = open(3, "cy");
  push(3, "cy", 1);
  EXPECT_EQ(retire("cy"), 3U);
  const v2::Opened after = open(4, "cy");
  EXPECT_NE(after.epoch, before.epoch);
  EXPECT_EQ(after.depth, 0U);
  EXPECT_EQ(after.highest_sequence, 0U);
  EXPECT_EQ(state(4, 1), MessageState::unknown);
  core_.execute(
      5,
      v2::Open{
          .tag = 1, .address = as_bytes("cy"), .proof = Proof::resume_token, .secret = BytesView{before.resume_token}},
      false, replies_);
  EXPECT_EQ(refusal_of(replies_.all.back()), Refusal::address_taken) << "the old token proves nothing";
}

TEST_F(CoreRetirementTest, LeavesWhatItSentToOthersWithItsName) {
  push(ada, "bob", 1);
  const Address address = find("ada");
  const Epoch before = core_.addresses()[address].epoch;
  EXPECT_EQ(retire("ada"), ada);
  EXPECT_EQ(recorder_.changes, (Changes{"forgotten 256", "added 256 ada"}));
  EXPECT_NE(recorder_.epochs.back(), before);
  const Epoch epoch = core_.addresses()[find("bob")].epoch;
  replies_.all.clear();
  core_.execute(bob, v2::Fetch{.tag = 6, .epoch = epoch, .messages_max = 1}, replies_);
  ASSERT_EQ(replies_.all.size(), 2U);
  EXPECT_EQ(as_text(std::get<v2::Message>(replies_.all[0]).sender), "ada");
}

TEST_F(CoreRetirementTest, DoesNotTakeOldMessagesForThoseThatHaveTheSameNumberNow) {
  push(ada, "bob", 1);
  retire("ada");
  open(3, "ada");
  push(3, "ada", 1);
  const Epoch epoch = core_.addresses()[find("bob")].epoch;
  core_.execute(bob, v2::Fetch{.tag = 6, .epoch = epoch, .messages_max = 1}, replies_);
  EXPECT_EQ(state(3, 1), MessageState::waiting) << "bob fetched another one";
  core_.execute(bob, v2::Acknowledge{.tag = 6, .epoch = epoch, .offset = 0}, replies_);
  EXPECT_EQ(state(3, 1), MessageState::waiting);
}

TEST_F(CoreRetirementTest, MakesPlaceForAnotherOnceNothingNamesIt) {
  push(ada, "bob", 1);
  retire("ada");
  open(3, "cy");
  core_.execute(4, v2::Open{.tag = 1, .address = as_bytes("dan")}, false, replies_);
  EXPECT_EQ(refusal_of(replies_.all.back()), Refusal::limit_reached) << "ada has to be kept";
  core_.purge(find("bob"));
  open(4, "dan");
  EXPECT_EQ(find("ada"), Addresses::none);
}

TEST_F(CoreRetirementTest, GivesBackWhatSendersUsedOfTheMailbox) {
  push(bob, "ada", 1);
  push(bob, "ada", 2);
  EXPECT_EQ(refusal_of(push(bob, "ada", 3)), Refusal::quota_exceeded);
  retire("ada");
  open(ada, "ada");
  EXPECT_TRUE(std::holds_alternative<v2::Accepted>(push(bob, "ada", 3)));
  EXPECT_TRUE(std::holds_alternative<v2::Accepted>(push(bob, "ada", 4)));
  EXPECT_EQ(refusal_of(push(bob, "ada", 5)), Refusal::quota_exceeded);
}

TEST_F(CoreRetirementTest, GivesBackThePlaceOfMessagesForNamesThatNobodyOpened) {
  push(bob, "nobody", 1);
  EXPECT_EQ(refusal_of(push(bob, "nobody", 2)), Refusal::limit_reached);
  EXPECT_EQ(retire("nobody"), std::nullopt);
  EXPECT_TRUE(std::holds_alternative<v2::Accepted>(push(bob, "nobody", 2)));
}

TEST_F(CoreRetirementTest, LeavesTheRoomsOfAnAddress) {
  join(ada, "#lobby");
  join(bob, "#lobby");
  core_.execute(bob, v2::Status{.tag = 9, .source = as_bytes("#lobby"), .known_version = 99, .members_max = 10},
                replies_);
  const std::uint64_t version = std::get<v2::Members>(replies_.all.back()).version;
  core_.execute(
      bob,
      v2::Status{.tag = 9, .source = as_bytes("#lobby"), .known_version = version, .members_max = 10, .wait_ms = 9},
      replies_);
  retire("ada");
  EXPECT_EQ(recorder_.changes, (Changes{"left 258 256", "forgotten 256"}));
  core_.serve(replies_, 10);
  ASSERT_EQ(replies_.all.size(), 1U) << "who watches the room sees it";
  EXPECT_EQ(members(bob, "#lobby"), std::vector<std::string>{"bob"});
}

TEST_F(CoreRetirementTest, EndsARoomForItsMembers) {
  const Epoch epoch = join(ada, "#lobby").epoch;
  join(bob, "#lobby");
  push(ada, "#lobby", 1);
  core_.execute(bob, v2::Fetch{.tag = 6, .source = as_bytes("#lobby"), .epoch = epoch, .messages_max = 1}, replies_);
  core_.execute(bob,
                v2::Fetch{.tag = 7, .source = as_bytes("#lobby"), .epoch = epoch, .messages_max = 1, .wait_ms = 1'000},
                replies_);
  core_.end(ada);
  EXPECT_EQ(retire("#lobby"), std::nullopt);
  EXPECT_EQ(recorder_.changes, (Changes{"removed 258 0", "left 258 256", "left 258 257", "forgotten 258"}));
  ASSERT_EQ(replies_.all.size(), 1U);
  EXPECT_EQ(std::get<v2::Refused>(replies_.all[0]).tag, 7U);
  EXPECT_EQ(refusal_of(replies_.all[0]), Refusal::not_a_member);
  EXPECT_EQ(core_.waits(), 0U);
  core_.serve(replies_, 10);
  EXPECT_EQ(replies_.all.size(), 1U);
  EXPECT_EQ(core_.addresses().rooms(), 0U);
  EXPECT_EQ(refusal_of(push(bob, "#lobby", 1)), Refusal::no_such_room);
  EXPECT_NE(join(bob, "#lobby").epoch, epoch);
  EXPECT_EQ(members(bob, "#lobby"), std::vector<std::string>{"bob"});
}

TEST_F(CoreRetirementTest, KeepsAClassicIdWithAnotherEpoch) {
  const v2::Opened before = open(3, "7");
  push(3, "7", 1);
  push(3, "8", 2);
  EXPECT_EQ(retire("7"), 3U);
  EXPECT_EQ(recorder_.changes, (Changes{"removed 7 0", "forgotten 7"}));
  EXPECT_EQ(core_.depth(Address{8}), 1U) << "what it sent stays";
  const v2::Opened after = open(4, "7");
  EXPECT_NE(after.epoch, before.epoch);
  EXPECT_EQ(after.highest_sequence, 0U);
  EXPECT_EQ(after.first_unacknowledged, 1U) << "no offset is used twice";
  push(4, "7", 2);
  core_.execute(5, Associate{Address{8}});
  EXPECT_EQ(core_.execute(5, Get{Address{8}}).sender, Address{7});
  EXPECT_EQ(state(4, 2), MessageState::waiting);
  const v2::Mailbox numbers = core_.numbers_of(Address{7});
  EXPECT_EQ(numbers.stored, numbers.acknowledged + numbers.taken + numbers.expired + numbers.purged + numbers.depth);
}

TEST_F(CoreRetirementTest, TakesAllIdsFromAClassicHolder) {
  for (const std::uint8_t id : std::initializer_list<std::uint8_t>{6, 7, 8}) {
    core_.execute(3, Associate{Address{id}});
  }
  core_.execute(3, Push{Address{6}, Address{7}, as_bytes("hi")});
  EXPECT_EQ(retire("7"), 3U);
  EXPECT_EQ(recorder_.changes, (Changes{"removed 7 0"})) << "there was no epoch to forget";
  EXPECT_EQ(core_.addresses_held(), 2U) << "ada and bob";
  EXPECT_EQ(core_.execute(4, Associate{Address{7}}), AssociateReply::associated);
  core_.end(3);
  EXPECT_TRUE(core_.holds(4, Address{7})) << "who was closed has nothing to release";
}

// Is told of nothing but the classic protocol.
struct ClassicRecorder {
  void record(const MessageStored&) {}
  void record(const MessageTaken& taken) { offsets.push_back(taken.offset); }
  std::vector<Offset> offsets;
};

TEST(CoreRetirement, TellsAStoreWithoutNamesThatMessagesWereTaken) {
  ClassicRecorder recorder;
  Core<ClassicRecorder> core{recorder};
  const auto no_reply = [](Session, const auto&) { ADD_FAILURE() << "nobody speaks restante.v2"; };
  core.execute(1, Associate{Address{7}});
  core.execute(1, Push{Address{7}, Address{7}, as_bytes("one")});
  core.execute(1, Push{Address{7}, Address{7}, as_bytes("two")});
  EXPECT_EQ(core.retire(Address{7}, no_reply), 1U);
  EXPECT_EQ(recorder.offsets, (std::vector<Offset>{0, 1}));
  EXPECT_EQ(core.books(), (Books{.stored = 2, .purged = 2}));
}

}  // namespace
}  // namespace restante
