#include <restante/core/quotas.hpp>

#include <gtest/gtest.h>

namespace restante {
namespace {

constexpr Address ada = Address::at(300);
constexpr Address bob = Address::at(301);

TEST(Quotas, CountEachPairByItself) {
  Quotas quotas;
  EXPECT_EQ(quotas.find(ada, bob), Quotas::none);
  const Quotas::Index both = quotas.add(Quotas::none, ada, bob, 10);
  EXPECT_EQ(quotas.add(quotas.find(ada, bob), ada, bob, 5), both);
  quotas.add(quotas.find(bob, ada), bob, ada, 1);
  EXPECT_EQ(quotas.at(quotas.find(ada, bob)).messages, 2U);
  EXPECT_EQ(quotas.at(quotas.find(ada, bob)).bytes, 15U);
  EXPECT_EQ(quotas.at(quotas.find(bob, ada)).messages, 1U);
  EXPECT_EQ(quotas.find(ada, ada), Quotas::none);
}

TEST(Quotas, UseThePlaceOfAPairAgainWhoseMessagesAreGone) {
  Quotas quotas;
  const Quotas::Index index = quotas.add(Quotas::none, ada, bob, 10);
  quotas.add(index, ada, bob, 5);
  quotas.subtract(index, 10);
  EXPECT_EQ(quotas.at(index).messages, 1U);
  EXPECT_EQ(quotas.at(index).bytes, 5U);
  quotas.subtract(index, 5);
  EXPECT_EQ(quotas.at(index).messages, 0U);
  EXPECT_EQ(quotas.at(index).bytes, 0U);
  EXPECT_EQ(quotas.add(Quotas::none, bob, bob, 3), index);
  EXPECT_EQ(quotas.at(index).messages, 1U);
  EXPECT_EQ(quotas.at(index).bytes, 3U);
  EXPECT_EQ(quotas.find(bob, bob), index);
  EXPECT_EQ(quotas.find(ada, bob), Quotas::none);
}

TEST(Quotas, KeepThePlaceOfAPairThatCameAgain) {
  Quotas quotas;
  const Quotas::Index index = quotas.add(Quotas::none, ada, bob, 10);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    quotas.subtract(index, quotas.at(index).bytes);
    EXPECT_EQ(quotas.add(quotas.find(ada, bob), ada, bob, round), index);
  }
  const Quotas::Index other = quotas.add(quotas.find(bob, ada), bob, ada, 7);
  EXPECT_NE(other, index) << "something of the first one is there";
  EXPECT_EQ(quotas.at(quotas.find(ada, bob)).bytes, 3U);
  quotas.subtract(index, 3);
  EXPECT_EQ(quotas.add(Quotas::none, bob, bob, 1), index) << "it is known again that nothing is there any more";
  EXPECT_EQ(quotas.find(bob, ada), other);
  EXPECT_EQ(quotas.find(ada, bob), Quotas::none);
}

TEST(Quotas, FindAPairUnderTheNumberThatItPerhapsHas) {
  Quotas quotas;
  const Quotas::Index first = quotas.add(Quotas::none, ada, bob, 10);
  const Quotas::Index second = quotas.add(Quotas::none, bob, ada, 10);
  EXPECT_EQ(quotas.find(ada, bob, first), first);
  EXPECT_EQ(quotas.find(ada, bob, second), first) << "another pair has that number";
  EXPECT_EQ(quotas.find(ada, bob, Quotas::none), first);
  EXPECT_EQ(quotas.find(ada, ada, first), Quotas::none);
  quotas.subtract(first, 10);
  quotas.add(Quotas::none, ada, ada, 1);
  EXPECT_EQ(quotas.find(ada, bob, first), Quotas::none) << "its place was needed";
}

TEST(Quotas, KeepManyPairsApart) {
  Quotas quotas;
  for (std::uint32_t receiver = 0; receiver < 40; ++receiver) {
    for (std::uint32_t sender = 0; sender < 40; ++sender) {
      quotas.add(Quotas::none, Address::at(receiver), Address::at(sender), receiver * 100 + sender);
    }
  }
  for (std::uint32_t receiver = 0; receiver < 40; ++receiver) {
    for (std::uint32_t sender = 0; sender < 40; ++sender) {
      ASSERT_EQ(quotas.at(quotas.find(Address::at(receiver), Address::at(sender))).bytes, receiver * 100 + sender);
    }
  }
}

}  // namespace
}  // namespace restante
