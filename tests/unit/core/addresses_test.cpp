#include <restante/core/addresses.hpp>

#include <gtest/gtest.h>

#include <string>

namespace restante {
namespace {

TEST(Addresses, KnowTheClassicIdsFromTheBeginning) {
  const Addresses addresses;
  EXPECT_EQ(addresses.find(as_bytes("0")), Address{0});
  EXPECT_EQ(addresses.find(as_bytes("255")), Address{255});
  EXPECT_EQ(addresses[Address{7}].name, "7");
  EXPECT_EQ(addresses[Address{7}].kind, NameKind::classic);
  EXPECT_EQ(addresses.named(), 0U);
  EXPECT_EQ(addresses.indices(), 256U);
}

TEST(Addresses, FindWhatWasAddedAndNothingElse) {
  Addresses addresses{detail::SipKey{1, 2}};
  EXPECT_EQ(addresses.find(as_bytes("ada")), Addresses::none);
  const Address ada = addresses.add(as_bytes("ada"));
  const Address lobby = addresses.add(as_bytes("#lobby"));
  EXPECT_EQ(addresses.find(as_bytes("ada")), ada);
  EXPECT_EQ(addresses.find(as_bytes("#lobby")), lobby);
  EXPECT_EQ(addresses.find(as_bytes("Ada")), Addresses::none);
  EXPECT_FALSE(ada.is_classic());
  EXPECT_EQ(addresses[ada].kind, NameKind::mailbox);
  EXPECT_EQ(addresses[ada].room, nullptr);
  EXPECT_EQ(addresses[lobby].kind, NameKind::room);
  EXPECT_NE(addresses[lobby].room, nullptr);
  EXPECT_EQ(addresses.named(), 2U);
  EXPECT_EQ(addresses.rooms(), 1U);
}

TEST(Addresses, ForgetWhatWasRemovedAndGiveItsNumberAgain) {
  Addresses addresses;
  const Address lobby = addresses.add(as_bytes("#lobby"));
  addresses[lobby].epoch = 9;
  addresses.remove(lobby);
  EXPECT_EQ(addresses.find(as_bytes("#lobby")), Addresses::none);
  EXPECT_EQ(addresses[lobby].kind, NameKind::bad);
  EXPECT_EQ(addresses.named(), 0U);
  EXPECT_EQ(addresses.rooms(), 0U);
  const Address ada = addresses.add(as_bytes("ada"));
  EXPECT_EQ(ada, lobby);
  EXPECT_EQ(addresses[ada].epoch, 0U);
  EXPECT_EQ(addresses[ada].room, nullptr);
}

TEST(Addresses, TakeInWhatAStoreGivesBackInAnyOrder) {
  Addresses addresses;
  addresses.add_at(Address::at(260), as_bytes("eve"));
  addresses.add_at(Address::at(257), as_bytes("bob"));
  EXPECT_EQ(addresses.find(as_bytes("eve")), Address::at(260));
  EXPECT_EQ(addresses.find(as_bytes("bob")), Address::at(257));
  EXPECT_EQ(addresses[Address::at(258)].kind, NameKind::bad);
  for (int i = 0; i < 4; ++i) {
    const Address added = addresses.add(as_bytes("new " + std::to_string(i)));
    EXPECT_NE(added, Address::at(257));
    EXPECT_NE(added, Address::at(260));
    EXPECT_LE(added.index(), 261U) << "numbers between are used before new ones";
  }
  EXPECT_EQ(addresses.named(), 6U);
}

TEST(Addresses, KeepThousandsApart) {
  Addresses addresses{detail::SipKey{3, 4}};
  for (int i = 0; i < 3'000; ++i) {
    addresses.add(as_bytes("a" + std::to_string(i)));
  }
  for (int i = 0; i < 3'000; i += 2) {
    addresses.remove(addresses.find(as_bytes("a" + std::to_string(i))));
  }
  for (int i = 0; i < 3'000; ++i) {
    const std::string name = "a" + std::to_string(i);
    const Address found = addresses.find(as_bytes(name));
    ASSERT_EQ(found == Addresses::none, i % 2 == 0) << name;
    if (found != Addresses::none) {
      ASSERT_EQ(addresses[found].name, name);
    }
  }
}

TEST(Addresses, FindAReceiverWhetherItIsTheSameAsBeforeOrNot) {
  Addresses addresses;
  AddressState& ada = addresses[addresses.add(as_bytes("ada"))];
  const Address bob = addresses.add(as_bytes("bob"));
  const Address eve = addresses.add(as_bytes("eve, whose name is longer"));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(addresses.find_receiver(as_bytes("bob"), ada), bob);
    EXPECT_EQ(addresses.find_receiver(as_bytes("bob"), ada), bob);
    EXPECT_EQ(addresses.find_receiver(as_bytes("eve, whose name is longer"), ada), eve);
    EXPECT_EQ(addresses.find_receiver(as_bytes("eve, whose name is langer"), ada), Addresses::none);
    EXPECT_EQ(addresses.find_receiver(as_bytes("7"), ada), Address{7});
  }
  addresses.find_receiver(as_bytes("bob"), ada);
  addresses.remove(bob);
  EXPECT_EQ(addresses.find_receiver(as_bytes("bob"), ada), Addresses::none) << "it is not there any more";
  EXPECT_EQ(addresses.find_receiver({}, ada), Addresses::none) << "nor is it one without a name";
}

TEST(Watchers, AreLookedAtAfterSomethingHappenedAndNotBefore) {
  Watchers watchers;
  watchers.waiting() = {5, 5};
  EXPECT_FALSE(watchers.has_woken());
  watchers.wake();
  ASSERT_TRUE(watchers.has_woken());
  EXPECT_EQ(watchers.woken_list().first, 5U);
  EXPECT_EQ(watchers.waiting().first, UINT32_MAX) << "whoever waits again stands elsewhere";
}

TEST(Watchers, AreLookedAtAgainWhenItHappensMeanwhile) {
  Watchers watchers;
  watchers.waiting() = {5, 5};
  watchers.wake();
  watchers.waiting() = {6, 6};
  watchers.wake();
  EXPECT_EQ(watchers.woken_list().first, 5U) << "one after the other";
  watchers.woken_list() = {};
  ASSERT_TRUE(watchers.has_woken());
  EXPECT_EQ(watchers.woken_list().first, 6U);
  watchers.woken_list() = {};
  EXPECT_FALSE(watchers.has_woken());
}

}  // namespace
}  // namespace restante
