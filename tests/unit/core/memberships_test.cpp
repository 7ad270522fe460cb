#include <restante/core/memberships.hpp>

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace restante {
namespace {

class MembershipsTest : public ::testing::Test {
 protected:
  Address add(std::string_view name) { return addresses_.add(as_bytes(name)); }

  Memberships::Index join(Address member, Offset cursor = 0) {
    return memberships_.add(addresses_, lobby_, member, cursor);
  }

  Memberships::Index find(Address member) { return memberships_.find(addresses_[member], lobby_); }

  std::vector<std::string_view> members() {
    std::vector<std::string_view> names;
    for (const auto& [name, index] : addresses_[lobby_].room->members) {
      names.push_back(name);
    }
    return names;
  }

  // The offset of the next message for a member, or -1.
  long next_of(const Membership& membership) {
    const MessagePool::Index index = Memberships::find_next(pool_, log_, membership);
    return index == MessagePool::none ? -1 : static_cast<long>(pool_.at(index).offset);
  }

  MessagePool::Index append() {
    const MessagePool::Index index = log_.append(pool_, ada_, as_bytes("hi"));
    pool_.at(index).receiver = lobby_;
    return index;
  }

  Addresses addresses_;
  Memberships memberships_;
  MessagePool pool_;
  Mailbox log_;
  Address lobby_ = add("#lobby");
  Address bob_ = add("bob");
  Address ada_ = add("ada");
};

TEST_F(MembershipsTest, AreFoundAndListedByName) {
  EXPECT_EQ(find(ada_), Memberships::none);
  const Memberships::Index bob = join(bob_, 4);
  const Memberships::Index ada = join(ada_);
  EXPECT_EQ(find(bob_), bob);
  EXPECT_EQ(find(ada_), ada);
  EXPECT_EQ(memberships_.find(addresses_[ada_], add("#other")), Memberships::none);
  EXPECT_EQ(members(), (std::vector<std::string_view>{"ada", "bob"}));
  EXPECT_EQ(memberships_[bob].cursor, 4U);
  EXPECT_EQ(memberships_[bob].next, 4U);
  EXPECT_EQ(memberships_[bob].delivered_end, 4U);
}

TEST_F(MembershipsTest, EndAndLeaveTheirNumberToOthers) {
  const Memberships::Index bob = join(bob_);
  memberships_.remove(addresses_, bob);
  EXPECT_EQ(find(bob_), Memberships::none);
  EXPECT_TRUE(members().empty());
  EXPECT_EQ(join(ada_, 7), bob);
  EXPECT_EQ(memberships_[bob].member, ada_);
}

TEST_F(MembershipsTest, StandInAListOnceAndInTheirOrder) {
  Watchers::List list;
  const Memberships::Index bob = join(bob_);
  const Memberships::Index ada = join(ada_);
  const Memberships::Index eve = join(add("eve"));
  for (const Memberships::Index index : {bob, ada, bob, eve}) {
    memberships_.link(list, index, &Membership::of_messages);
  }
  memberships_.remove(addresses_, ada);
  EXPECT_EQ(memberships_.pop_front(list, &Membership::of_messages), bob);
  EXPECT_EQ(memberships_.pop_front(list, &Membership::of_messages), eve);
  EXPECT_EQ(list.first, Memberships::none);
  EXPECT_EQ(list.last, Memberships::none);
  memberships_.link(list, bob, &Membership::of_messages);
  EXPECT_EQ(list.first, bob);
}

TEST_F(MembershipsTest, FindTheNextMessageWithAndWithoutAHint) {
  Membership membership{.room = lobby_, .member = bob_};
  EXPECT_EQ(next_of(membership), -1);
  std::vector<MessagePool::Index> places;
  for (int i = 0; i < 5; ++i) {
    places.push_back(append());
  }
  EXPECT_EQ(next_of(membership), 0);
  membership.next = 3;
  EXPECT_EQ(next_of(membership), 3);
  membership.hint = places[3];
  EXPECT_EQ(next_of(membership), 3);
  membership.hint = places[1];
  EXPECT_EQ(next_of(membership), 3) << "a hint that is wrong is not believed";
  membership.next = 5;
  EXPECT_EQ(next_of(membership), -1);
}

TEST_F(MembershipsTest, FindWhatFollowsAGap) {
  Membership membership{.room = lobby_, .member = bob_};
  std::vector<MessagePool::Index> places;
  for (int i = 0; i < 5; ++i) {
    places.push_back(append());
  }
  log_.remove(pool_, places[2]);
  membership.next = 2;
  EXPECT_EQ(next_of(membership), 3);
  log_.remove_oldest(pool_);
  log_.remove_oldest(pool_);
  membership.next = 0;
  EXPECT_EQ(next_of(membership), 3);
  log_.remove(pool_, places[4]);
  membership.next = 4;
  EXPECT_EQ(next_of(membership), -1) << "there was one, and it is gone";
}

}  // namespace
}  // namespace restante
