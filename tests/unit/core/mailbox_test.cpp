#include <restante/core/mailbox.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/assertion_throws.hpp"

namespace restante {
namespace {

class MailboxTest : public ::testing::Test {
 protected:
  void append(Mailbox& mailbox, std::string_view payload) { mailbox.append(pool_, Address{1}, as_bytes(payload)); }

  std::string take(Mailbox& mailbox) {
    std::string payload{as_text(mailbox.oldest(pool_).payload())};
    mailbox.remove_oldest(pool_);
    return payload;
  }

  MessagePool pool_;
  Mailbox mailbox_;
};

TEST_F(MailboxTest, BeginsEmptyWithOffsetZero) {
  EXPECT_EQ(mailbox_.size(), 0U);
  EXPECT_EQ(mailbox_.next_offset(), 0U);
}

TEST_F(MailboxTest, GivesMessagesInTheOrderInWhichTheyCame) {
  for (const std::string_view payload : {"one", "two", "three"}) {
    append(mailbox_, payload);
  }
  EXPECT_EQ(mailbox_.size(), 3U);
  EXPECT_EQ(take(mailbox_), "one");
  EXPECT_EQ(take(mailbox_), "two");
  EXPECT_EQ(take(mailbox_), "three");
  EXPECT_EQ(mailbox_.size(), 0U);
}

TEST_F(MailboxTest, GoesOnAfterItWasEmptied) {
  append(mailbox_, "one");
  EXPECT_EQ(take(mailbox_), "one");
  append(mailbox_, "two");
  append(mailbox_, "three");
  EXPECT_EQ(take(mailbox_), "two");
  EXPECT_EQ(take(mailbox_), "three");
}

TEST_F(MailboxTest, NumbersMessagesWithoutUsingANumberTwice) {
  append(mailbox_, "one");
  EXPECT_EQ(mailbox_.oldest(pool_).offset, 0U);
  take(mailbox_);
  append(mailbox_, "two");
  EXPECT_EQ(mailbox_.oldest(pool_).offset, 1U);
  EXPECT_EQ(mailbox_.next_offset(), 2U);
}

TEST_F(MailboxTest, SharesAPoolWithOthersWithoutMixingMessagesUp) {
  Mailbox other;
  for (int round = 0; round < 200; ++round) {
    append(mailbox_, "mine " + std::to_string(round));
    append(other, "other " + std::to_string(round));
    if (round % 3 == 2) {
      EXPECT_EQ(take(other), "other " + std::to_string(round / 3));
    }
  }
  for (int round = 0; round < 200; ++round) {
    EXPECT_EQ(take(mailbox_), "mine " + std::to_string(round));
  }
}

TEST_F(MailboxTest, GivesWhichMessageIsTheOldestOnceTheOldestIsRemoved) {
  append(mailbox_, "one");
  append(mailbox_, "two");
  const MessagePool::Message* const next = mailbox_.remove_oldest(pool_, pool_.at(mailbox_.oldest_index()));
  ASSERT_EQ(next, &mailbox_.oldest(pool_));
  EXPECT_EQ(as_text(next->payload()), "two");
  EXPECT_EQ(mailbox_.remove_oldest(pool_, pool_.at(mailbox_.oldest_index())), nullptr);
  EXPECT_EQ(mailbox_.size(), 0U);
}

TEST_F(MailboxTest, SkipsOffsetsForwards) {
  mailbox_.skip_to(41);
  append(mailbox_, "one");
  EXPECT_EQ(mailbox_.oldest(pool_).offset, 41U);
  mailbox_.skip_to(42);
  EXPECT_EQ(mailbox_.next_offset(), 42U);
}

TEST_F(MailboxTest, RefusesToUseAnOffsetTwice) {
  append(mailbox_, "one");
  EXPECT_ASSERTION(mailbox_.skip_to(0), "an offset of a mailbox would be used twice");
}

TEST_F(MailboxTest, HasNoOldestMessageWhenItIsEmpty) {
  EXPECT_ASSERTION(mailbox_.oldest(pool_), "an empty mailbox has no oldest message");
  EXPECT_ASSERTION(mailbox_.remove_oldest(pool_), "an empty mailbox has no oldest message");
}

}  // namespace
}  // namespace restante
