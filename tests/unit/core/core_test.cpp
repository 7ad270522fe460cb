#include <restante/core/core.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/assertion_throws.hpp"
#include "support/packets.hpp"
#include "support/slow_store.hpp"

namespace restante {
namespace {

using test::Bytes;
using test::SlowStore;
using test::text_bytes;

constexpr Address ada{1};
constexpr Address bob{2};

struct RecordedStored {
  Address receiver;
  Offset offset = 0;
  Address sender;
  Bytes payload;
  friend bool operator==(const RecordedStored&, const RecordedStored&) = default;
};

// Remembers the changes that it was told.
struct Recorder {
  void record(const MessageStored& change) {
    stored.push_back({change.receiver, change.offset, change.sender, Bytes{change.payload}});
  }
  void record(const MessageTaken& change) { taken.push_back(change); }

  std::vector<RecordedStored> stored;
  std::vector<MessageTaken> taken;
};

class CoreTest : public ::testing::Test {
 protected:
  using CoreType = Core<Recorder>;

  PushReply push(Session session, Address sender, Address receiver, std::string_view payload) {
    return core_.execute(session, Push{sender, receiver, as_bytes(payload)});
  }

  GetReply get(Session session, Address address) { return core_.execute(session, Get{address}); }

  // The payload of a message, or what came instead.
  std::string take(Session session, Address address) {
    const GetReply reply = get(session, address);
    switch (reply.result) {
      case GetReply::Result::message:
        return std::string{as_text(reply.payload)};
      case GetReply::Result::empty:
        return "(empty)";
      case GetReply::Result::not_associated:
        return "(not associated)";
      case GetReply::Result::storage_unavailable:
        return "(storage unavailable)";
    }
    return "(no reply)";
  }

  void associate(Session session, Address address) {
    ASSERT_EQ(core_.execute(session, Associate{address}), AssociateReply::associated);
  }

  void expect_books_balance() {
    const Books& books = core_.books();
    EXPECT_EQ(books.loaded + books.stored, books.taken + books.held);
  }

  Recorder recorder_;
  CoreType core_{recorder_};
};

TEST_F(CoreTest, GivesAFreeAddressToWhoAsksForIt) {
  EXPECT_FALSE(core_.holds(0, ada));
  EXPECT_EQ(core_.execute(0, Associate{ada}), AssociateReply::associated);
  EXPECT_TRUE(core_.holds(0, ada));
  EXPECT_FALSE(core_.holds(1, ada));
  EXPECT_EQ(core_.addresses_held(), 1U);
}

TEST_F(CoreTest, LeavesAHeldAddressToItsHolder) {
  associate(0, ada);
  EXPECT_EQ(core_.execute(1, Associate{ada}), AssociateReply::address_taken);
  EXPECT_EQ(core_.execute(0, Associate{ada}), AssociateReply::address_taken);
  EXPECT_TRUE(core_.holds(0, ada));
  EXPECT_EQ(core_.addresses_held(), 1U);
}

TEST_F(CoreTest, GivesASessionEveryAddressThatIsFree) {
  for (unsigned id = 0; id < Address::classic_count; ++id) {
    associate(3, Address{static_cast<std::uint8_t>(id)});
  }
  EXPECT_EQ(core_.addresses_held(), Address::classic_count);
  core_.end(3);
  EXPECT_EQ(core_.addresses_held(), 0U);
  for (unsigned id = 0; id < Address::classic_count; ++id) {
    EXPECT_FALSE(core_.holds(3, Address{static_cast<std::uint8_t>(id)}));
  }
}

TEST_F(CoreTest, FreesTheAddressesOfASessionThatEndsAndOfNoOther) {
  associate(0, ada);
  associate(1, bob);
  associate(0, Address{3});
  core_.end(0);
  EXPECT_FALSE(core_.holds(0, ada));
  EXPECT_FALSE(core_.holds(0, Address{3}));
  EXPECT_TRUE(core_.holds(1, bob));
  associate(1, ada);
}

TEST_F(CoreTest, ASessionThatWasRefusedAnAddressDoesNotFreeItWhenItEnds) {
  associate(0, ada);
  EXPECT_EQ(core_.execute(1, Associate{ada}), AssociateReply::address_taken);
  core_.end(1);
  EXPECT_TRUE(core_.holds(0, ada));
}

TEST_F(CoreTest, EndsSessionsThatHeldNothingOrEndedBefore) {
  core_.end(0);
  core_.end(1000);
  associate(0, ada);
  core_.end(0);
  core_.end(0);
  EXPECT_EQ(core_.addresses_held(), 0U);
}

TEST_F(CoreTest, ASessionNumberThatIsUsedAgainHoldsNothing) {
  associate(0, ada);
  core_.end(0);
  EXPECT_FALSE(core_.holds(0, ada));
  associate(0, bob);
  EXPECT_FALSE(core_.holds(0, ada));
  EXPECT_TRUE(core_.holds(0, bob));
}

TEST_F(CoreTest, StoresAMessageAndGivesItOnce) {
  associate(0, ada);
  associate(1, bob);
  EXPECT_EQ(push(0, ada, bob, "hi"), PushReply::stored);
  EXPECT_EQ(core_.depth(bob), 1U);
  const GetReply reply = get(1, bob);
  EXPECT_EQ(reply.result, GetReply::Result::message);
  EXPECT_EQ(reply.sender, ada);
  EXPECT_EQ(Bytes{reply.payload}, text_bytes("hi"));
  EXPECT_EQ(take(1, bob), "(empty)");
  EXPECT_EQ(core_.depth(bob), 0U);
}

TEST_F(CoreTest, StoresForAReceiverThatNobodyHolds) {
  associate(0, ada);
  EXPECT_EQ(push(0, ada, bob, "hi"), PushReply::stored);
  associate(1, bob);
  EXPECT_EQ(take(1, bob), "hi");
}

TEST_F(CoreTest, StoresForTheSenderItself) {
  associate(0, ada);
  EXPECT_EQ(push(0, ada, ada, "note"), PushReply::stored);
  EXPECT_EQ(take(0, ada), "note");
}

TEST_F(CoreTest, KeepsMailboxesWhenTheirHolderEnds) {
  associate(0, ada);
  push(0, ada, ada, "kept");
  core_.end(0);
  associate(1, ada);
  EXPECT_EQ(take(1, ada), "kept");
}

TEST_F(CoreTest, RefusesWhoDoesNotHoldTheSender) {
  associate(0, ada);
  EXPECT_EQ(push(0, bob, ada, "forged"), PushReply::not_associated);
  EXPECT_EQ(push(1, ada, ada, "forged"), PushReply::not_associated);
  EXPECT_EQ(core_.depth(ada), 0U);
  EXPECT_TRUE(recorder_.stored.empty());
}

TEST_F(CoreTest, RefusesAGetOfAnAddressThatTheSessionDoesNotHold) {
  associate(0, ada);
  push(0, ada, bob, "for bob");
  EXPECT_EQ(take(0, bob), "(not associated)");
  EXPECT_EQ(core_.depth(bob), 1U);
  EXPECT_TRUE(recorder_.taken.empty());
}

TEST_F(CoreTest, JudgesTheSenderBeforeTheLengthAndTheLengthBeforeTheMailbox) {
  CoreType core{recorder_, {.mailbox_messages_max = 1, .payload_bytes_max = 3}};
  core.execute(0, Associate{ada});
  const std::string too_long = "long";
  EXPECT_EQ(core.execute(0, Push{bob, ada, as_bytes(too_long)}), PushReply::not_associated);
  EXPECT_EQ(core.execute(0, Push{ada, bob, as_bytes("hi")}), PushReply::stored);
  EXPECT_EQ(core.execute(0, Push{ada, bob, as_bytes(too_long)}), PushReply::payload_too_large);
  EXPECT_EQ(core.execute(0, Push{ada, bob, as_bytes("hi")}), PushReply::mailbox_full);
}

TEST_F(CoreTest, RefusesAMessageForAFullMailboxAndTakesTheNextAfterAGet) {
  associate(0, ada);
  for (std::uint32_t number = 0; number < core_.options().mailbox_messages_max; ++number) {
    ASSERT_EQ(push(0, ada, ada, std::to_string(number)), PushReply::stored);
  }
  EXPECT_EQ(push(0, ada, ada, "too many"), PushReply::mailbox_full);
  EXPECT_EQ(core_.depth(ada), 100U);
  EXPECT_EQ(push(0, ada, bob, "elsewhere"), PushReply::stored);
  EXPECT_EQ(take(0, ada), "0");
  EXPECT_EQ(push(0, ada, ada, "last"), PushReply::stored);
  for (std::uint32_t number = 1; number < 100; ++number) {
    EXPECT_EQ(take(0, ada), std::to_string(number));
  }
  EXPECT_EQ(take(0, ada), "last");
}

TEST_F(CoreTest, TakesPayloadsUpToTheLimitAndEmptyOnes) {
  associate(0, ada);
  const std::string longest(254, 'x');
  EXPECT_EQ(push(0, ada, ada, longest), PushReply::stored);
  EXPECT_EQ(push(0, ada, ada, ""), PushReply::stored);
  EXPECT_EQ(push(0, ada, ada, std::string(255, 'x')), PushReply::payload_too_large);
  EXPECT_EQ(take(0, ada), longest);
  EXPECT_EQ(take(0, ada), "");
  EXPECT_EQ(take(0, ada), "(empty)");
}

TEST_F(CoreTest, TellsOfEveryChangeAndOfNothingElse) {
  associate(0, ada);
  push(0, ada, bob, "one");
  push(0, ada, bob, "two");
  push(0, ada, ada, "three");
  push(0, bob, ada, "forged");
  take(0, ada);
  take(0, ada);
  EXPECT_EQ(recorder_.stored, (std::vector<RecordedStored>{{bob, 0, ada, text_bytes("one")},
                                                           {bob, 1, ada, text_bytes("two")},
                                                           {ada, 0, ada, text_bytes("three")}}));
  EXPECT_EQ(recorder_.taken, (std::vector<MessageTaken>{{ada, 0}}));
}

TEST_F(CoreTest, DoesNotUseAnOffsetTwice) {
  associate(0, ada);
  for (int round = 0; round < 3; ++round) {
    push(0, ada, ada, "x");
    take(0, ada);
  }
  EXPECT_EQ(recorder_.taken, (std::vector<MessageTaken>{{ada, 0}, {ada, 1}, {ada, 2}}));
}

TEST_F(CoreTest, KeepsBooksThatBalance) {
  associate(0, ada);
  expect_books_balance();
  push(0, ada, ada, "one");
  expect_books_balance();
  push(0, ada, ada, "two");
  take(0, ada);
  expect_books_balance();
  take(0, ada);
  take(0, ada);
  expect_books_balance();
  EXPECT_EQ(core_.books(), (Books{.loaded = 0, .stored = 2, .taken = 2, .held = 0}));
}

TEST_F(CoreTest, CountsItsAnswersByKind) {
  CoreType core{recorder_, {.mailbox_messages_max = 1, .payload_bytes_max = 3}};
  core.execute(0, Associate{ada});
  core.execute(1, Associate{ada});
  core.execute(0, Push{ada, ada, as_bytes("hi")});
  core.execute(0, Push{ada, ada, as_bytes("hi")});
  core.execute(0, Push{ada, ada, as_bytes("long")});
  core.execute(0, Push{bob, ada, as_bytes("hi")});
  core.execute(0, Get{ada});
  core.execute(0, Get{ada});
  core.execute(0, Get{bob});
  core.refuse_changes();
  core.execute(0, Get{ada});
  EXPECT_EQ(core.answers(), (Answers{.associated = 1,
                                     .address_taken = 1,
                                     .push_stored = 1,
                                     .push_not_associated = 1,
                                     .push_payload_too_large = 1,
                                     .push_mailbox_full = 1,
                                     .get_message = 1,
                                     .get_empty = 1,
                                     .get_not_associated = 1,
                                     .storage_unavailable = 1}));
}

TEST_F(CoreTest, RefusesChangesWhenToldTo) {
  associate(0, ada);
  push(0, ada, ada, "one");
  core_.refuse_changes();
  EXPECT_FALSE(core_.accepts_changes());
  EXPECT_EQ(push(0, ada, ada, "two"), PushReply::storage_unavailable);
  EXPECT_EQ(take(0, ada), "(storage unavailable)");
  EXPECT_EQ(core_.depth(ada), 1U);
  EXPECT_EQ(recorder_.stored.size(), 1U);
  EXPECT_TRUE(recorder_.taken.empty());
}

TEST_F(CoreTest, AssociatesWhileChangesAreRefused) {
  core_.refuse_changes();
  EXPECT_EQ(core_.execute(0, Associate{ada}), AssociateReply::associated);
  EXPECT_EQ(push(1, ada, ada, "forged"), PushReply::not_associated);
  EXPECT_EQ(take(1, ada), "(not associated)");
}

TEST_F(CoreTest, LoadsWhatTheStoreKeptInOrder) {
  SlowStore store;
  store.keep(1, 2, "one");
  store.keep(1, 3, "two");
  store.keep(9, 1, "three");
  EXPECT_FALSE(core_.load(store));
  EXPECT_EQ(core_.books(), (Books{.loaded = 3, .stored = 0, .taken = 0, .held = 3}));
  associate(0, ada);
  associate(0, Address{9});
  const GetReply first = get(0, ada);
  EXPECT_EQ(first.sender, bob);
  EXPECT_EQ(Bytes{first.payload}, text_bytes("one"));
  EXPECT_EQ(take(0, ada), "two");
  EXPECT_EQ(take(0, Address{9}), "three");
  expect_books_balance();
}

TEST_F(CoreTest, GoesOnWithTheOffsetsOfTheStore) {
  struct Kept {
    std::error_code load(MessageLoader& loader) {
      loader.message({ada, 7, bob, as_bytes("kept")});
      loader.next_offset(ada, 20);
      loader.next_offset(bob, 5);
      return {};
    }
  } kept;
  EXPECT_FALSE(core_.load(kept));
  associate(0, ada);
  push(0, ada, ada, "new");
  push(0, ada, bob, "new");
  take(0, ada);
  take(0, ada);
  EXPECT_EQ(recorder_.stored.at(0).offset, 20U);
  EXPECT_EQ(recorder_.stored.at(1).offset, 5U);
  EXPECT_EQ(recorder_.taken, (std::vector<MessageTaken>{{ada, 7}, {ada, 20}}));
}

TEST_F(CoreTest, KeepsSessionsAndForgetsMessagesWhenItLoadsAgain) {
  associate(0, ada);
  push(0, ada, ada, "forgotten");
  SlowStore store;
  store.keep(1, 2, "kept");
  EXPECT_FALSE(core_.load(store));
  EXPECT_TRUE(core_.holds(0, ada));
  EXPECT_EQ(take(0, ada), "kept");
  EXPECT_EQ(take(0, ada), "(empty)");
  expect_books_balance();
}

TEST_F(CoreTest, RefusesChangesAfterALoadThatFailedUntilOneSucceeds) {
  associate(0, ada);
  push(0, ada, ada, "forgotten");
  SlowStore store;
  store.keep(1, 2, "kept");
  store.set_load_error(Error::storage_unavailable);
  EXPECT_EQ(core_.load(store), Error::storage_unavailable);
  EXPECT_FALSE(core_.accepts_changes());
  EXPECT_EQ(core_.depth(ada), 0U);
  EXPECT_EQ(core_.books(), Books{});
  EXPECT_EQ(push(0, ada, ada, "refused"), PushReply::storage_unavailable);
  store.set_load_error({});
  EXPECT_FALSE(core_.load(store));
  EXPECT_TRUE(core_.accepts_changes());
  EXPECT_EQ(take(0, ada), "kept");
}

TEST_F(CoreTest, ForgetsWhatAStoreGaveBeforeItFailed) {
  struct FailsHalfWay {
    std::error_code load(MessageLoader& loader) {
      loader.message({ada, 0, bob, as_bytes("half")});
      return Error::storage_unavailable;
    }
  } store;
  EXPECT_TRUE(core_.load(store));
  EXPECT_EQ(core_.depth(ada), 0U);
  EXPECT_EQ(core_.books().held, 0U);
}

TEST_F(CoreTest, LoadsMoreThanAMailboxMayHoldNowAndLosesNothing) {
  CoreType core{recorder_, {.mailbox_messages_max = 1}};
  SlowStore store;
  store.keep(1, 2, "one");
  store.keep(1, 2, "two");
  EXPECT_FALSE(core.load(store));
  core.execute(0, Associate{ada});
  EXPECT_EQ(core.depth(ada), 2U);
  EXPECT_EQ(core.execute(0, Push{ada, ada, {}}), PushReply::mailbox_full);
  EXPECT_EQ(as_text(core.execute(0, Get{ada}).payload), "one");
  EXPECT_EQ(core.execute(0, Push{ada, ada, {}}), PushReply::mailbox_full);
  EXPECT_EQ(as_text(core.execute(0, Get{ada}).payload), "two");
  EXPECT_EQ(core.execute(0, Push{ada, ada, {}}), PushReply::stored);
}

TEST_F(CoreTest, RefusesAStoreThatGivesAnOffsetTwice) {
  struct Confused {
    std::error_code load(MessageLoader& loader) {
      loader.message({ada, 3, bob, {}});
      loader.message({ada, 3, bob, {}});
      return {};
    }
  } store;
  EXPECT_ASSERTION(core_.load(store), "an offset of a mailbox would be used twice");
}

TEST_F(CoreTest, RefusesOptionsOutOfRange) {
  EXPECT_ASSERTION((CoreType{recorder_, {.mailbox_messages_max = 0}}), "mailbox_messages_max");
  EXPECT_ASSERTION((CoreType{recorder_, {.mailbox_messages_max = 1'000'001}}), "mailbox_messages_max");
  EXPECT_ASSERTION((CoreType{recorder_, {.payload_bytes_max = 255}}), "payload_bytes_max");
  EXPECT_NO_THROW((CoreType{recorder_, {.mailbox_messages_max = 1'000'000, .payload_bytes_max = 0}}));
}

TEST_F(CoreTest, BoundsItsMemoryByItsOptions) {
  EXPECT_GE(CoreType::memory_bytes_max({.mailbox_messages_max = 100}, 0), 256U * 100 * sizeof(MessagePool::Message));
  EXPECT_LT(CoreType::memory_bytes_max({.mailbox_messages_max = 100}, 0),
            CoreType::memory_bytes_max({.mailbox_messages_max = 101}, 0));
}

TEST_F(CoreTest, GivesTheSameRepliesForTheSameRequests) {
  const auto run = [] {
    Recorder recorder;
    CoreType core{recorder, {.mailbox_messages_max = 3}};
    std::string trace;
    for (std::uint32_t step = 0; step < 2000; ++step) {
      const Session session = step * 7 % 5;
      const Address address{static_cast<std::uint8_t>(step * 13 % 6)};
      switch (step * 31 % 11 % 4) {
        case 0:
          trace += static_cast<char>('a' + static_cast<int>(core.execute(session, Associate{address})));
          break;
        case 1:
          trace += static_cast<char>(
              'e' + static_cast<int>(core.execute(session, Push{address, Address{static_cast<std::uint8_t>(step % 6)},
                                                                as_bytes(std::to_string(step))})));
          break;
        case 2:
          trace += as_text(core.execute(session, Get{address}).payload);
          break;
        default:
          if (step % 50 == 0) {
            core.end(session);
          }
      }
    }
    return trace;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace restante
