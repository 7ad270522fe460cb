#include <restante/detail/answer_buffer.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <variant>
#include <vector>

#include "support/assertion_throws.hpp"

namespace restante::detail {
namespace {

TEST(AnswerBuffer, HasRoomForWhatHasNoPayload) {
  AnswerBuffer buffer;
  const v2::Reply read = v2::decode_reply(buffer.write(v2::Fetched{7, 3, v2::number_max}));
  EXPECT_EQ(std::get<v2::Fetched>(read).remaining, v2::number_max);
}

TEST(AnswerBuffer, HasRoomForThePayloadsThatItWasFittedTo) {
  AnswerBuffer buffer;
  const std::vector<std::uint8_t> payload(1'000, 'x');
  const v2::Message message{.tag = 7, .offset = 1, .sender = as_bytes("bob"), .payload = payload};
  const auto written = [&] {
    const BytesView read = std::get<v2::Message>(v2::decode_reply(buffer.write(message))).payload;
    return std::vector<std::uint8_t>{read.begin(), read.end()};
  };
  EXPECT_ASSERTION(buffer.write(message), "does not fit");
  buffer.fit(1'000);
  EXPECT_EQ(written(), payload);
  buffer.fit(10);
  EXPECT_EQ(written(), payload) << "it does not shrink";
}

}  // namespace
}  // namespace restante::detail
