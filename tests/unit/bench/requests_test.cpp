#include "requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace restante::bench {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Bytes = std::vector<std::uint8_t>;

// What is in a client's frame.
Bytes unmasked(BytesView frame) {
  const std::size_t header = frame[1] == 0xfe ? 8 : 6;
  Bytes payload(frame.begin() + static_cast<std::ptrdiff_t>(header), frame.end());
  for (std::size_t place = 0; place < payload.size(); ++place) {
    payload[place] ^= mask_of(place);
  }
  return payload;
}

Bytes next(Requests& requests) {
  return unmasked(requests.next());
}

std::string check(Requests& requests, const Bytes& reply) {
  return std::string{requests.check(reply)};
}

// The reply to a GET that gives back what was pushed.
Bytes response_to(const Bytes& push) {
  Bytes response{2, 0, push[3], push[2]};
  response.insert(response.end(), push.begin() + 4, push.end());
  return response;
}

// Makes a request, has it answered so, and gives what was wrong.
std::string pushed(Requests& requests, const Bytes& reply) {
  EXPECT_EQ(next(requests)[0], 2) << "not a PUSH";
  return check(requests, reply);
}
std::string fetched(Requests& requests, const Bytes& reply) {
  EXPECT_EQ(next(requests)[0], 1) << "not a GET";
  return check(requests, reply);
}

TEST(BenchRequests, OfAnEchoPushToThemselvesAndGetThat) {
  Requests requests{Mix::echo, 7, 50, 4};
  EXPECT_EQ(requests.id(), 7);
  EXPECT_EQ(next(requests), (Bytes{2, 1, 7, 7, 4, 0, 0, 0, 0}));
  EXPECT_EQ(next(requests), (Bytes{1, 0, 7}));
  EXPECT_EQ(next(requests), (Bytes{2, 1, 7, 7, 4, 1, 0, 0, 0}));
  EXPECT_EQ(requests.asked(), 3U);
  EXPECT_EQ(requests.in_flight(), 3U);
  EXPECT_THAT(check(requests, {1, 2, 7}), IsEmpty());
  EXPECT_THAT(check(requests, {2, 0, 7, 7, 4, 0, 0, 0, 0}), IsEmpty());
  EXPECT_THAT(check(requests, {1, 2, 7}), IsEmpty());
  EXPECT_EQ(requests.answered(), 3U);
  EXPECT_EQ(requests.messages(), 1U);
  EXPECT_EQ(requests.in_flight(), 0U);
}

TEST(BenchRequests, NumberTheirPushesWithinThePayload) {
  Requests requests{Mix::push, 0, 1, 10};
  for (int i = 0; i < 258; ++i) {
    next(requests);
  }
  EXPECT_EQ(next(requests), (Bytes{2, 1, 0, 0, 10, 2, 1, 0, 0, 0, 0, 0, 0, 'x', 'x'}));
}

TEST(BenchRequests, OfARingPushToTheNextAndTheLastToTheFirst) {
  Requests second{Mix::ring, 1, 3, 0};
  Requests last{Mix::ring, 2, 3, 0};
  EXPECT_EQ(next(second), (Bytes{2, 1, 1, 2, 0}));
  EXPECT_EQ(next(last), (Bytes{2, 1, 2, 0, 0}));
}

TEST(BenchRequests, HoldTheIdsFromTheFirstOneOn) {
  Requests requests{Mix::ring, 1, 2, 0, 100};
  EXPECT_EQ(requests.id(), 101);
  EXPECT_EQ(next(requests), (Bytes{2, 1, 101, 100, 0}));
  EXPECT_EQ(next(requests), (Bytes{1, 0, 101}));
}

TEST(BenchRequests, OfAFanInAreGetsOfTheFirstAndPushesToIt) {
  for (const Mix mix : {Mix::fan_in, Mix::hot}) {
    Requests first{mix, 0, 50, 0};
    Requests other{mix, 3, 50, 0};
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(next(first), (Bytes{1, 0, 0}));
      EXPECT_EQ(next(other), (Bytes{2, 1, 3, 0, 0}));
    }
  }
}

TEST(BenchRequests, AreNotAnsweredBeforeTheyAreMade) {
  Requests requests{Mix::echo, 0, 1, 0};
  EXPECT_THAT(check(requests, {1, 2, 0}), HasSubstr("nothing had asked"));
}

TEST(BenchRequests, OfAPushAreAnsweredWithTheSendersAcknowledgement) {
  for (const Bytes& wrong : {Bytes{1, 2, 6}, Bytes{1, 3, 7}, Bytes{0, 2, 7}, Bytes{0, 3, 7}, Bytes{1, 1, 7}, Bytes{},
                             Bytes{1, 2, 7, 0}, Bytes{2, 0, 7, 7, 0}}) {
    Requests requests{Mix::echo, 7, 50, 0};
    EXPECT_THAT(pushed(requests, wrong), HasSubstr("POSITIVEACK"));
  }
}

TEST(BenchRequests, OfAGetInAnEchoAreAnsweredWithTheMessage) {
  for (const Bytes& wrong :
       {Bytes{2, 0, 6, 7, 0}, Bytes{1, 1, 7}, Bytes{0, 2, 7}, Bytes{1, 2, 7}, Bytes{2, 0, 7, 7, 1}, Bytes{}}) {
    Requests requests{Mix::echo, 7, 50, 0};
    ASSERT_THAT(pushed(requests, {1, 2, 7}), IsEmpty());
    EXPECT_THAT(fetched(requests, wrong), HasSubstr("GETRESPONSE"));
  }
}

// One round of an echo, with the message that comes back changed by `change`; what was wrong.
template <class Change>
std::string round(std::size_t payload_bytes, Change&& change) {
  Requests requests{Mix::echo, 7, 50, payload_bytes};
  Bytes response = response_to(next(requests));
  EXPECT_THAT(check(requests, {1, 2, 7}), IsEmpty());
  change(response);
  return fetched(requests, response);
}

TEST(BenchRequests, NoticeEveryByteThatIsChanged) {
  for (const std::size_t payload_bytes : {1U, 7U, 8U, 9U, 64U, 254U}) {
    EXPECT_THAT(round(payload_bytes, [](Bytes&) {}), IsEmpty());
    for (std::size_t place = 3; place < 5 + payload_bytes; ++place) {
      EXPECT_FALSE(round(payload_bytes, [place](Bytes& response) { response[place] ^= 1U; }).empty()) << place;
    }
  }
}

TEST(BenchRequests, NoticeAMessageOfAnotherLength) {
  EXPECT_THAT(round(9,
                    [](Bytes& response) {
                      response.pop_back();
                      response[4] = 8;
                    }),
              HasSubstr("length"));
}

TEST(BenchRequests, NoticeAMessageThatComesTwiceOrIsLeftOut) {
  Requests requests{Mix::echo, 7, 50, 64};
  const Bytes first = response_to(next(requests));
  ASSERT_THAT(check(requests, {1, 2, 7}), IsEmpty());
  ASSERT_THAT(fetched(requests, first), IsEmpty());
  ASSERT_THAT(pushed(requests, {1, 2, 7}), IsEmpty());
  EXPECT_THAT(fetched(requests, first), HasSubstr("order"));

  Requests others{Mix::echo, 7, 50, 64};
  next(others);
  next(others);
  const Bytes second = response_to(next(others));
  ASSERT_THAT(check(others, {1, 2, 7}), IsEmpty());
  EXPECT_THAT(check(others, second), HasSubstr("order"));
}

TEST(BenchRequests, MayFindAMailboxFullOrEmptyWhereOthersUseItToo) {
  Requests requests{Mix::ring, 0, 2, 8};
  EXPECT_THAT(pushed(requests, {1, 3, 0}), IsEmpty());
  EXPECT_THAT(fetched(requests, {1, 1, 0}), IsEmpty());
  EXPECT_EQ(requests.full(), 1U);
  EXPECT_EQ(requests.empty(), 1U);
}

TEST(BenchRequests, KnowTheOrderOfEachSenderWhereSomeWereRefused) {
  Requests requests{Mix::hot, 0, 3, 8};
  const auto message = [](std::uint8_t sender, std::uint8_t number) {
    return Bytes{2, 0, 0, sender, 8, number, 0, 0, 0, 0, 0, 0, 0};
  };
  EXPECT_THAT(fetched(requests, message(1, 0)), IsEmpty());
  EXPECT_THAT(fetched(requests, message(2, 0)), IsEmpty());
  EXPECT_THAT(fetched(requests, message(1, 5)), IsEmpty());
  EXPECT_THAT(fetched(requests, message(2, 1)), IsEmpty());
  EXPECT_THAT(fetched(requests, message(1, 5)), HasSubstr("order"));
}

TEST(BenchRequests, OfShortPayloadsAreNumberedAgainFromZero) {
  Requests requests{Mix::echo, 7, 50, 1};
  for (int i = 0; i < 600; ++i) {
    const Bytes push = next(requests);
    EXPECT_EQ(push[5], i % 256);
    ASSERT_THAT(check(requests, {1, 2, 7}), IsEmpty());
    ASSERT_THAT(fetched(requests, response_to(push)), IsEmpty());
  }
}

}  // namespace
}  // namespace restante::bench
