// The rules of docs/protocol.md, "Classic", each by its number.
#include <restante/classic/service.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <restante/core/core.hpp>
#include <restante/store.hpp>

#include "support/packets.hpp"
#include "support/vectors.hpp"

namespace restante::classic {
namespace {

using test::associate;
using test::association_failed;
using test::association_success;
using test::buffer_empty;
using test::buffer_full;
using test::Bytes;
using test::get;
using test::get_response;
using test::positive_ack;
using test::push;
using test::push_with_length;
using test::unknown_error;

class ServiceTest : public ::testing::Test {
 protected:
  static constexpr Session ada = 0;
  static constexpr Session bob = 1;

  Bytes ask(Session session, BytesView request) {
    ReplyBuffer buffer;
    return Bytes{Service{core_, session, buffer}.answer(request)};
  }

  MemoryStore store_;
  Core<MemoryStore> core_{store_};
};

// Rule 1.

TEST_F(ServiceTest, AssociateOfAFreeIdSucceeds) {
  EXPECT_EQ(ask(ada, associate(7)), association_success(7));
}

TEST_F(ServiceTest, AssociateOfAnIdThatAnotherHoldsIsAnUnknownErrorAndDoesNotDisturbTheHolder) {
  ask(ada, associate(7));
  EXPECT_EQ(ask(bob, associate(7)), unknown_error(7));
  EXPECT_EQ(ask(ada, get(7)), buffer_empty(7));
  EXPECT_EQ(ask(bob, get(7)), association_failed(7));
}

TEST_F(ServiceTest, AssociateOfAnIdThatTheConnectionHoldsItselfIsAnUnknownErrorAsWell) {
  ask(ada, associate(7));
  EXPECT_EQ(ask(ada, associate(7)), unknown_error(7));
  EXPECT_EQ(ask(ada, get(7)), buffer_empty(7));
}

TEST_F(ServiceTest, EveryIdCanBeAssociated) {
  for (unsigned id = 0; id <= 255; ++id) {
    const auto byte = static_cast<std::uint8_t>(id);
    EXPECT_EQ(ask(ada, associate(byte)), association_success(byte));
  }
}

// Rule 2.

TEST_F(ServiceTest, AConnectionMayHoldSeveralIdsAndLosesAllWhenItEnds) {
  ask(ada, associate(7));
  ask(ada, associate(8));
  EXPECT_EQ(ask(ada, push(7, 8, "hi")), positive_ack(7));
  EXPECT_EQ(ask(ada, get(8)), get_response(8, 7, "hi"));
  core_.end(ada);
  EXPECT_EQ(ask(bob, associate(7)), association_success(7));
  EXPECT_EQ(ask(bob, associate(8)), association_success(8));
}

TEST_F(ServiceTest, MailboxesStayWithWhatIsInThemWhenAConnectionEnds) {
  ask(ada, associate(7));
  ask(ada, push(7, 7, "kept"));
  core_.end(ada);
  ask(bob, associate(7));
  EXPECT_EQ(ask(bob, get(7)), get_response(7, 7, "kept"));
}

// Rule 3.

TEST_F(ServiceTest, GetOfAnIdThatTheConnectionDoesNotHoldFails) {
  EXPECT_EQ(ask(ada, get(7)), association_failed(7));
  ask(bob, associate(7));
  EXPECT_EQ(ask(ada, get(7)), association_failed(7));
}

TEST_F(ServiceTest, GetOfAnEmptyMailboxSaysSo) {
  ask(ada, associate(7));
  EXPECT_EQ(ask(ada, get(7)), buffer_empty(7));
}

TEST_F(ServiceTest, GetTakesTheOldestMessageOut) {
  ask(ada, associate(7));
  ask(ada, push(7, 7, "one"));
  ask(ada, push(7, 7, "two"));
  EXPECT_EQ(ask(ada, get(7)), get_response(7, 7, "one"));
  EXPECT_EQ(ask(ada, get(7)), get_response(7, 7, "two"));
  EXPECT_EQ(ask(ada, get(7)), buffer_empty(7));
}

// Rule 4.

TEST_F(ServiceTest, PushFromAnIdThatTheConnectionDoesNotHoldFailsAndStoresNothing) {
  ask(bob, associate(7));
  EXPECT_EQ(ask(ada, push(7, 7, "forged")), association_failed(7));
  EXPECT_EQ(ask(ada, push(9, 7, "forged")), association_failed(9));
  EXPECT_EQ(ask(bob, get(7)), buffer_empty(7));
}

TEST_F(ServiceTest, PushWithAWrongLengthIsJudgedAfterItsSender) {
  EXPECT_EQ(ask(ada, push_with_length(7, 8, 3, "hi")), association_failed(7));
  EXPECT_EQ(ask(ada, push_with_length(7, 8, 255, std::string(255, 'x'))), association_failed(7));
  ask(ada, associate(7));
  EXPECT_EQ(ask(ada, push_with_length(7, 8, 3, "hi")), unknown_error(7));
  EXPECT_EQ(ask(ada, push_with_length(7, 8, 1, "hi")), unknown_error(7));
  EXPECT_EQ(ask(ada, push_with_length(7, 8, 255, std::string(255, 'x'))), unknown_error(7));
  EXPECT_EQ(core_.depth(Address{8}), 0U);
}

TEST_F(ServiceTest, PushWithAWrongLengthIsJudgedBeforeTheMailbox) {
  ask(ada, associate(7));
  for (int count = 0; count < 100; ++count) {
    ask(ada, push(7, 8, "x"));
  }
  EXPECT_EQ(ask(ada, push_with_length(7, 8, 3, "hi")), unknown_error(7));
  EXPECT_EQ(ask(ada, push(7, 8, "hi")), buffer_full(7));
}

TEST_F(ServiceTest, PushOfAnOverLongPayloadWithItsLengthModulo256IsAnUnknownError) {
  ask(ada, associate(7));
  for (const std::size_t length : {255U, 256U, 257U, 300U, 510U, 511U, 512U, 65531U}) {
    EXPECT_EQ(ask(ada, push(7, 8, std::string(length, 'x'))), unknown_error(7)) << length;
  }
  EXPECT_EQ(core_.depth(Address{8}), 0U);
}

TEST_F(ServiceTest, PushToAFullMailboxSaysSoAndStoresNothing) {
  ask(ada, associate(7));
  for (int count = 0; count < 100; ++count) {
    ASSERT_EQ(ask(ada, push(7, 7, std::to_string(count))), positive_ack(7));
  }
  EXPECT_EQ(ask(ada, push(7, 7, "too many")), buffer_full(7));
  for (int count = 0; count < 100; ++count) {
    ASSERT_EQ(ask(ada, get(7)), get_response(7, 7, std::to_string(count)));
  }
  EXPECT_EQ(ask(ada, get(7)), buffer_empty(7));
}

TEST_F(ServiceTest, PushToAReceiverThatNobodyHoldsIsStored) {
  ask(ada, associate(7));
  EXPECT_EQ(ask(ada, push(7, 8, "hi")), positive_ack(7));
  ask(bob, associate(8));
  EXPECT_EQ(ask(bob, get(8)), get_response(8, 7, "hi"));
}

TEST_F(ServiceTest, PushToOneselfIsStored) {
  ask(ada, associate(7));
  EXPECT_EQ(ask(ada, push(7, 7, "note")), positive_ack(7));
  EXPECT_EQ(ask(ada, get(7)), get_response(7, 7, "note"));
}

TEST_F(ServiceTest, PayloadsAreOpaqueAndMayBeEmpty) {
  ask(ada, associate(7));
  for (const std::string_view payload :
       {std::string_view{}, std::string_view{"\0\xff\xfe\x80", 4}, std::string_view{"\xf0\x9f", 2},
        std::string_view{"\x02\x01\x07\x07\x00", 5}}) {
    EXPECT_EQ(ask(ada, push(7, 7, payload)), positive_ack(7));
    EXPECT_EQ(ask(ada, get(7)), get_response(7, 7, payload));
  }
  const std::string longest(254, 'x');
  EXPECT_EQ(ask(ada, push(7, 7, longest)), positive_ack(7));
  EXPECT_EQ(ask(ada, get(7)), get_response(7, 7, longest));
}

// Rules 5, 6 and 8, and all of rule 4 again.

TEST_F(ServiceTest, AnswersTheGoldenVectorsOfMalformedPacketsToAStrangerAndToTheHolder) {
  for (const auto& vector : test::read_packet_vectors(RESTANTE_CLASSIC_PACKETS)) {
    if (vector.kind == "malformed" || vector.kind == "mismatched" || vector.kind == "credential") {
      SCOPED_TRACE("line " + std::to_string(vector.line) + ": " + vector.name);
      core_.end(ada);
      EXPECT_EQ(ask(ada, vector.bytes), vector.reply);
      ask(ada, associate(7));
      EXPECT_EQ(ask(ada, vector.bytes), vector.kind == "mismatched" ? vector.reply_to_holder : vector.reply);
    }
  }
  EXPECT_EQ(core_.books(), Books{});
}

TEST_F(ServiceTest, BytesAfterAnAssociateAreRefusedBecauseNoCredentialIsAskedFor) {
  EXPECT_EQ(ask(ada, Bytes{0, 0, 7, 1}), unknown_error(7));
  EXPECT_EQ(ask(ada, get(7)), association_failed(7));
}

// A store that takes no changes.

TEST_F(ServiceTest, WhatWouldChangeSomethingIsAnUnknownErrorWhileTheStoreIsUnavailable) {
  ask(ada, associate(7));
  ask(ada, push(7, 7, "kept"));
  core_.refuse_changes();
  EXPECT_EQ(ask(ada, push(7, 8, "hi")), unknown_error(7));
  EXPECT_EQ(ask(ada, get(7)), unknown_error(7));
  EXPECT_EQ(ask(ada, get(8)), association_failed(8));
  EXPECT_EQ(ask(ada, push(8, 7, "forged")), association_failed(8));
  EXPECT_EQ(ask(bob, associate(8)), association_success(8));
}

TEST_F(ServiceTest, APayloadOverAConfiguredLimitIsAnUnknownError) {
  Core<MemoryStore> core{store_, {.payload_bytes_max = 3}};
  ReplyBuffer buffer;
  Service service{core, ada, buffer};
  service.answer(associate(7));
  EXPECT_EQ(Bytes{service.answer(push(7, 7, "long"))}, unknown_error(7));
  EXPECT_EQ(Bytes{service.answer(push(7, 7, "hey"))}, positive_ack(7));
}

}  // namespace
}  // namespace restante::classic
