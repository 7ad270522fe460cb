#include <restante/classic/pipeline.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <restante/error.hpp>

#include "support/packets.hpp"

namespace restante::classic {
namespace {

using test::Bytes;

class PipelineTest : public ::testing::Test {
 protected:
  void expect_associate(ClientId id) {
    pipeline_.push_back(AssociateRequest{id, [this](std::error_code error, AssociateResult result) {
                                           told_.push_back(error ? "associate: " + error.message()
                                                                 : "associate: " + std::to_string(int(result)));
                                         }});
  }
  void expect_push(ClientId sender) {
    pipeline_.push_back(PushRequest{sender, [this](std::error_code error, PushResult result) {
                                      told_.push_back(error ? "push: " + error.message()
                                                            : "push: " + std::to_string(int(result)));
                                    }});
  }
  void expect_get(ClientId id) {
    pipeline_.push_back(GetRequest{id, [this](std::error_code error, const GetResult& result) {
                                     told_.push_back(error ? "get: " + error.message()
                                                           : "get: " + std::to_string(int(result.kind)) + " " +
                                                                 std::to_string(result.sender) + " " +
                                                                 std::string{as_text(result.payload)});
                                   }});
  }

  static std::string associated(AssociateResult result) { return "associate: " + std::to_string(int(result)); }
  static std::string pushed(PushResult result) { return "push: " + std::to_string(int(result)); }
  static std::string got(GetResult::Kind kind) { return "get: " + std::to_string(int(kind)) + " 0 "; }

  using Told = std::vector<std::string>;

  Pipeline pipeline_;
  Told told_;
};

TEST_F(PipelineTest, BeginsEmptyAndTakesNoReply) {
  EXPECT_TRUE(pipeline_.empty());
  EXPECT_FALSE(pipeline_.accept(test::positive_ack(1)));
}

TEST_F(PipelineTest, KnowsEveryReplyToAnAssociate) {
  for (int count = 0; count < 3; ++count) {
    expect_associate(7);
  }
  EXPECT_TRUE(pipeline_.accept(test::association_success(7)));
  EXPECT_TRUE(pipeline_.accept(test::unknown_error(7)));
  EXPECT_TRUE(pipeline_.accept(test::association_failed(7)));
  EXPECT_EQ(told_, (Told{associated(AssociateResult::associated), associated(AssociateResult::taken),
                         associated(AssociateResult::unauthorised)}));
  EXPECT_TRUE(pipeline_.empty());
}

TEST_F(PipelineTest, KnowsEveryReplyToAPush) {
  for (int count = 0; count < 4; ++count) {
    expect_push(7);
  }
  EXPECT_TRUE(pipeline_.accept(test::positive_ack(7)));
  EXPECT_TRUE(pipeline_.accept(test::buffer_full(7)));
  EXPECT_TRUE(pipeline_.accept(test::association_failed(7)));
  EXPECT_TRUE(pipeline_.accept(test::unknown_error(7)));
  EXPECT_EQ(told_, (Told{pushed(PushResult::accepted), pushed(PushResult::mailbox_full),
                         pushed(PushResult::not_associated), pushed(PushResult::refused)}));
}

TEST_F(PipelineTest, KnowsEveryReplyToAGet) {
  for (int count = 0; count < 4; ++count) {
    expect_get(7);
  }
  EXPECT_TRUE(pipeline_.accept(test::get_response(7, 9, "hi")));
  EXPECT_TRUE(pipeline_.accept(test::buffer_empty(7)));
  EXPECT_TRUE(pipeline_.accept(test::association_failed(7)));
  EXPECT_TRUE(pipeline_.accept(test::unknown_error(7)));
  EXPECT_EQ(told_, (Told{"get: 0 9 hi", got(GetResult::Kind::empty), got(GetResult::Kind::not_associated),
                         got(GetResult::Kind::refused)}));
}

TEST_F(PipelineTest, MatchesRepliesToTheOldestRequest) {
  expect_get(1);
  expect_push(2);
  expect_associate(3);
  EXPECT_EQ(pipeline_.size(), 3U);
  EXPECT_TRUE(pipeline_.accept(test::buffer_empty(1)));
  EXPECT_TRUE(pipeline_.accept(test::positive_ack(2)));
  EXPECT_TRUE(pipeline_.accept(test::association_success(3)));
  EXPECT_EQ(told_,
            (Told{got(GetResult::Kind::empty), pushed(PushResult::accepted), associated(AssociateResult::associated)}));
}

TEST_F(PipelineTest, RefusesAReplyOfAnotherKindAndChangesNothing) {
  expect_push(7);
  for (const Bytes& wrong : {test::association_success(7), test::buffer_empty(7), test::get_response(7, 1, "x")}) {
    EXPECT_FALSE(pipeline_.accept(wrong)) << test::to_hex(wrong);
  }
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(pipeline_.size(), 1U);
  EXPECT_TRUE(pipeline_.accept(test::positive_ack(7)));
}

TEST_F(PipelineTest, RefusesAReplyThatNamesAnotherId) {
  expect_push(7);
  for (const Bytes& wrong :
       {test::positive_ack(8), test::buffer_full(8), test::association_failed(8), test::unknown_error(8)}) {
    EXPECT_FALSE(pipeline_.accept(wrong)) << test::to_hex(wrong);
  }
  expect_get(7);
  EXPECT_TRUE(pipeline_.accept(test::positive_ack(7)));
  for (const Bytes& wrong : {test::get_response(8, 7, "x"), test::buffer_empty(8), test::association_failed(8),
                             test::unknown_error(8), test::positive_ack(7)}) {
    EXPECT_FALSE(pipeline_.accept(wrong)) << test::to_hex(wrong);
  }
  EXPECT_TRUE(pipeline_.accept(test::buffer_empty(7)));
  expect_associate(7);
  for (const Bytes& wrong : {test::association_success(8), test::association_failed(8), test::unknown_error(8),
                             test::positive_ack(7), test::buffer_empty(7)}) {
    EXPECT_FALSE(pipeline_.accept(wrong)) << test::to_hex(wrong);
  }
  EXPECT_EQ(pipeline_.size(), 1U);
}

TEST_F(PipelineTest, RefusesWhatIsNoPacket) {
  expect_push(7);
  for (const Bytes& wrong : {Bytes{}, Bytes{1, 2}, Bytes{1, 2, 7, 0}, Bytes{9, 9, 7}, test::push(7, 7, "hi")}) {
    EXPECT_FALSE(pipeline_.accept(wrong)) << test::to_hex(wrong);
  }
  EXPECT_EQ(pipeline_.size(), 1U);
}

TEST_F(PipelineTest, TakesRequestsThatACallbackAdds) {
  pipeline_.push_back(PushRequest{1, [this](std::error_code, PushResult) { expect_push(2); }});
  EXPECT_TRUE(pipeline_.accept(test::positive_ack(1)));
  EXPECT_EQ(pipeline_.size(), 1U);
  EXPECT_TRUE(pipeline_.accept(test::positive_ack(2)));
  EXPECT_EQ(told_, (Told{pushed(PushResult::accepted)}));
}

TEST_F(PipelineTest, NeedsNoCallback) {
  pipeline_.push_back(AssociateRequest{.id = 7});
  pipeline_.push_back(PushRequest{.sender = 7});
  pipeline_.push_back(GetRequest{.id = 7});
  EXPECT_TRUE(pipeline_.accept(test::association_success(7)));
  EXPECT_TRUE(pipeline_.accept(test::positive_ack(7)));
  fail(pipeline_.pop_front(), Error::disconnected);
  EXPECT_TRUE(pipeline_.empty());
}

TEST_F(PipelineTest, GivesRequestsBackToBeFailedOldestFirst) {
  expect_get(1);
  expect_push(2);
  expect_associate(3);
  while (!pipeline_.empty()) {
    fail(pipeline_.pop_front(), Error::disconnected);
  }
  const std::string message = make_error_code(Error::disconnected).message();
  EXPECT_EQ(told_, (Told{"get: " + message, "push: " + message, "associate: " + message}));
}

}  // namespace
}  // namespace restante::classic
