#include "v2_requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>
#include <string>
#include <vector>

namespace restante::bench {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Bytes = std::vector<std::uint8_t>;

constexpr Epoch epoch = 0x0102030405060708;

template <class Packet>
Bytes bytes_of(const Packet& packet) {
  Bytes bytes(1024);
  bytes.resize(v2::encode(packet, bytes).size());
  return bytes;
}

// What is in a client's frame.
Bytes unmasked(BytesView frame) {
  const std::size_t header = frame[1] == 0xfe ? 8 : 6;
  Bytes payload(frame.begin() + static_cast<std::ptrdiff_t>(header), frame.end());
  for (std::size_t place = 0; place < payload.size(); ++place) {
    payload[place] ^= mask_of(place);
  }
  return payload;
}

// The requests of a connection, with a server that does as it is told. The first message, at the offset 0, is the one
// that prepare() lets pass.
struct Talk {
  explicit Talk(Mix mix, std::size_t index = 7, std::size_t payload_bytes = 64, std::size_t in_flight = 1,
                std::uint64_t highest_sequence = 0)
      : requests{mix, index, 50, payload_bytes, 0, in_flight} {
    bool has_message = false;
    requests.prepare([&](BytesView packet, auto&& check) {
      const v2::Request request = v2::decode_request(packet);
      if (const auto* open = std::get_if<v2::Open>(&request)) {
        check(bytes_of(v2::Opened{.tag = open->tag,
                                  .epoch = epoch,
                                  .highest_sequence = highest_sequence,
                                  .window = 256,
                                  .payload_bytes_max = 65'536}));
      } else if (const auto* push = std::get_if<v2::Push>(&request)) {
        has_message = true;
        check(bytes_of(v2::Accepted{push->tag}));
      } else if (const auto* fetch = std::get_if<v2::Fetch>(&request)) {
        if (has_message) {
          EXPECT_FALSE(check(bytes_of(v2::Message{.tag = fetch->tag})));
        }
        EXPECT_TRUE(check(bytes_of(v2::Fetched{.tag = fetch->tag, .delivered = has_message ? 1U : 0U})));
      } else {
        has_message = false;
        check(bytes_of(v2::Acknowledged{std::get<v2::Acknowledge>(request).tag}));
      }
    });
  }

  // The next request, which must be of this kind.
  template <class Packet>
  Packet next() {
    bytes = unmasked(requests.next());
    const v2::Request request = v2::decode_request(bytes);
    EXPECT_TRUE(std::holds_alternative<Packet>(request)) << request.index();
    return std::holds_alternative<Packet>(request) ? std::get<Packet>(request) : Packet{};
  }

  template <class Packet>
  std::string check(const Packet& packet) {
    return std::string{requests.check(bytes_of(packet))};
  }

  // A message as the server would give it.
  static v2::Message message_of(v2::Tag tag, Offset offset, BytesView payload) {
    return {.tag = tag, .offset = offset, .time_ms = 1, .sender = as_bytes("bench007"), .payload = payload};
  }

  V2Requests requests;
  Bytes bytes;
};

TEST(BenchV2Requests, OfAnEchoPushFetchAndAcknowledgeInTurn) {
  Talk talk{Mix::echo};
  EXPECT_EQ(talk.requests.name(), "address bench007");
  for (Offset offset = 1; offset < 200; ++offset) {
    const auto push = talk.next<v2::Push>();
    EXPECT_EQ(as_text(push.receiver), "bench007");
    EXPECT_EQ(push.sequence, offset + 1);
    const Bytes payload{push.payload.begin(), push.payload.end()};
    ASSERT_THAT(talk.check(v2::Accepted{push.tag}), IsEmpty());
    const auto fetch = talk.next<v2::Fetch>();
    EXPECT_EQ(fetch.epoch, epoch);
    EXPECT_EQ(fetch.messages_max, 1U);
    EXPECT_EQ(fetch.wait_ms, 0U);
    ASSERT_THAT(talk.check(Talk::message_of(fetch.tag, offset, payload)), IsEmpty());
    EXPECT_EQ(talk.requests.in_flight(), 1U) << "a FETCH is not answered by its MESSAGE alone";
    ASSERT_THAT(talk.check(v2::Fetched{fetch.tag, 1, 0}), IsEmpty());
    const auto acknowledge = talk.next<v2::Acknowledge>();
    EXPECT_EQ(acknowledge.offset, offset);
    EXPECT_EQ(acknowledge.epoch, epoch);
    ASSERT_THAT(talk.check(v2::Acknowledged{acknowledge.tag}), IsEmpty());
    EXPECT_EQ(talk.requests.answered(), 3 * offset);
    EXPECT_EQ(talk.requests.messages(), offset);
  }
}

TEST(BenchV2Requests, HaveTagsOfTheSameLengthThatDifferWhileTheyAreUnderWay) {
  for (const std::size_t in_flight : {1U, 63U, 64U, 256U, 20'000U}) {
    Talk talk{Mix::get, 0, 0, in_flight};
    std::vector<v2::Tag> tags;
    for (std::size_t i = 0; i < in_flight; ++i) {
      tags.push_back(talk.next<v2::Fetch>().tag);
      EXPECT_EQ(talk.bytes.size(), tags.front() < 64 ? 15U : tags.front() < 16'384 ? 16U : 18U);
    }
    std::sort(tags.begin(), tags.end());
    EXPECT_EQ(std::adjacent_find(tags.begin(), tags.end()), tags.end());
  }
}

TEST(BenchV2Requests, GoOnBehindTheHighestNumberThatTheServerKnows) {
  Talk talk{Mix::push, 7, 0, 1, 1000};
  EXPECT_EQ(talk.next<v2::Push>().sequence, 1002U);
}

TEST(BenchV2Requests, OfTheOtherMixesAreWhatTheirNamesSay) {
  Talk ring{Mix::ring, 49};
  EXPECT_EQ(as_text(ring.next<v2::Push>().receiver), "bench000");
  for (const Mix mix : {Mix::fan_in, Mix::hot}) {
    Talk first{mix, 0};
    first.next<v2::Fetch>();
    first.next<v2::Acknowledge>();
    first.next<v2::Fetch>();
    Talk other{mix, 3};
    EXPECT_EQ(as_text(other.next<v2::Push>().receiver), "bench000");
    other.next<v2::Push>();
  }
  Talk get{Mix::get};
  get.next<v2::Fetch>();
  get.next<v2::Fetch>();
}

TEST(BenchV2Requests, AreNotAnsweredBeforeTheyAreMade) {
  Talk talk{Mix::echo};
  EXPECT_THAT(talk.check(v2::Accepted{1}), HasSubstr("nothing had asked"));
}

TEST(BenchV2Requests, NoticeEveryByteOfAMessageThatIsChanged) {
  // Code, tag, source and offset stand before the time, which only the server knows.
  constexpr std::size_t time_place = 4;
  Talk original{Mix::echo};
  const auto sent = original.next<v2::Push>();
  const std::size_t bytes = bytes_of(Talk::message_of(2, 1, sent.payload)).size();
  for (std::size_t place = 0; place < bytes; ++place) {
    Talk talk{Mix::echo};
    const auto push = talk.next<v2::Push>();
    const Bytes payload{push.payload.begin(), push.payload.end()};
    ASSERT_THAT(talk.check(v2::Accepted{push.tag}), IsEmpty());
    Bytes message = bytes_of(Talk::message_of(talk.next<v2::Fetch>().tag, 1, payload));
    message[place] ^= 1U;
    EXPECT_EQ(talk.requests.check(message).empty(), place == time_place) << place;
  }
}

TEST(BenchV2Requests, MayFindAMailboxFullOrEmptyWhereOthersUseItToo) {
  Talk talk{Mix::ring};
  const auto refused = talk.next<v2::Push>();
  EXPECT_THAT(talk.check(v2::Refused{refused.tag, Refusal::mailbox_full}), IsEmpty());
  EXPECT_THAT(talk.check(v2::Fetched{talk.next<v2::Fetch>().tag, 0, 0}), IsEmpty());
  // There is nothing new to be acknowledged.
  EXPECT_EQ(talk.next<v2::Acknowledge>().offset, 0U);
  EXPECT_EQ(talk.requests.full(), 1U);
  EXPECT_EQ(talk.requests.empty(), 1U);
  Talk echo{Mix::echo};
  EXPECT_THAT(echo.check(v2::Refused{echo.next<v2::Push>().tag, Refusal::mailbox_full}), HasSubstr("refused"));
  Talk limited{Mix::ring};
  EXPECT_THAT(limited.check(v2::Refused{limited.next<v2::Push>().tag, Refusal::rate_limited}), HasSubstr("refused"));
}

// What a server knows of a sender's numbers: rule 3, for who asks in order.
class Window {
 public:
  // Whether this number may be judged by the mailbox at all.
  bool takes(std::uint64_t number) const {
    return number > highest_ || (number + 256 > highest_ && !accepted_.contains(number));
  }
  bool is_ahead(std::uint64_t number) const { return number > highest_ + 256; }
  void accept(std::uint64_t number) {
    accepted_.insert(number);
    highest_ = std::max(highest_, number);
  }

 private:
  std::uint64_t highest_ = 0;
  std::set<std::uint64_t> accepted_;
};

TEST(BenchSequenceNumbers, AreNeitherAheadNorStaleNorDoubledHoweverManyAreRefused) {
  for (const std::size_t in_flight : {1U, 2U, 100U, 255U, 256U}) {
    for (const std::uint64_t one_in : {1U, 2U, 50U, 1000U}) {
      SequenceNumbers numbers{0, 256};
      Window window;
      std::deque<std::uint64_t> under_way;
      for (std::uint64_t i = 0; i < 20'000; ++i) {
        while (under_way.size() < in_flight) {
          under_way.push_back(numbers.next());
        }
        const std::uint64_t number = under_way.front();
        under_way.pop_front();
        ASSERT_TRUE(window.takes(number) && !window.is_ahead(number)) << number;
        // Now these are accepted and now those.
        if (i * 2'654'435'761U % 4'294'967'296U / 7 % one_in == 0) {
          window.accept(number);
          numbers.accepted(number);
        } else {
          numbers.refused(number);
        }
      }
    }
  }
}

}  // namespace
}  // namespace restante::bench
