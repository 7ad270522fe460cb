#include <restante/core/message_pool.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "support/assertion_throws.hpp"
#include "support/packets.hpp"

namespace restante {
namespace {

using test::Bytes;
using test::text_bytes;

TEST(MessagePool, GivesBackWhatWasStored) {
  MessagePool pool;
  const MessagePool::Index index = pool.store(12, MessagePool::none, Address{7}, as_bytes("hello"));
  const MessagePool::Message& message = pool.at(index);
  EXPECT_EQ(message.offset, 12U);
  EXPECT_EQ(message.sender, Address{7});
  EXPECT_EQ(Bytes{message.payload()}, text_bytes("hello"));
  EXPECT_EQ(message.next, MessagePool::none);
}

TEST(MessagePool, TakesPayloadsOfNothingAndOfTheLongestThatLiesInAPlace) {
  MessagePool pool;
  const std::string longest(MessagePool::place_bytes, '\xff');
  const MessagePool::Index empty = pool.store(0, MessagePool::none, Address{1}, {});
  const MessagePool::Index full = pool.store(1, MessagePool::none, Address{1}, as_bytes(longest));
  EXPECT_TRUE(pool.at(empty).payload().empty());
  EXPECT_EQ(Bytes{pool.at(full).payload()}, text_bytes(longest));
}

TEST(MessagePool, KeepsALongerPayloadBesideItsPlace) {
  MessagePool pool;
  const std::string longer(MessagePool::place_bytes + 1, 'x');
  const MessagePool::Index first = pool.store(0, MessagePool::none, Address{1}, as_bytes(longer));
  EXPECT_EQ(Bytes{pool.at(first).payload()}, text_bytes(longer));
  EXPECT_EQ(MessagePool::cost_bytes(255), sizeof(MessagePool::Message) + 255);
  EXPECT_EQ(MessagePool::cost_bytes(254), sizeof(MessagePool::Message));
  pool.release(first);
  const MessagePool::Index again = pool.store(1, MessagePool::none, Address{1}, as_bytes("short"));
  EXPECT_EQ(again, first);
  EXPECT_EQ(Bytes{pool.at(again).payload()}, text_bytes("short"));
}

TEST(MessagePool, CanBeReadAfterTheReleaseUntilTheNextStore) {
  MessagePool pool;
  const MessagePool::Index index = pool.store(0, MessagePool::none, Address{1}, as_bytes("still here"));
  const BytesView payload = pool.at(index).payload();
  pool.release(index);
  EXPECT_EQ(Bytes{payload}, text_bytes("still here"));
}

TEST(MessagePool, UsesReleasedPlacesAgainBeforeOthers) {
  MessagePool pool;
  const MessagePool::Index first = pool.store(0, MessagePool::none, Address{1}, as_bytes("a"));
  pool.store(1, MessagePool::none, Address{1}, as_bytes("b"));
  pool.release(first);
  EXPECT_EQ(pool.store(2, MessagePool::none, Address{1}, as_bytes("c")), first);
}

TEST(MessagePool, KeepsEveryMessageInItsPlaceWhileItGrows) {
  MessagePool pool;
  constexpr std::uint32_t count = 3 * MessagePool::chunk_messages + 1;
  std::vector<MessagePool::Index> indices;
  std::set<MessagePool::Index> distinct;
  const MessagePool::Message* first = nullptr;
  for (std::uint32_t number = 0; number < count; ++number) {
    indices.push_back(pool.store(number, MessagePool::none, Address{static_cast<std::uint8_t>(number % 256)},
                                 as_bytes(std::to_string(number))));
    distinct.insert(indices.back());
    first = first == nullptr ? &pool.at(indices.front()) : first;
  }
  EXPECT_EQ(distinct.size(), count);
  EXPECT_EQ(&pool.at(indices.front()), first);
  for (std::uint32_t number = 0; number < count; ++number) {
    EXPECT_EQ(pool.at(indices[number]).offset, number);
    EXPECT_EQ(as_text(pool.at(indices[number]).payload()), std::to_string(number));
  }
}

TEST(MessagePool, BoundsItsMemoryByWholeChunks) {
  EXPECT_EQ(MessagePool::memory_bytes_max(0), 0U);
  EXPECT_EQ(MessagePool::memory_bytes_max(1), MessagePool::memory_bytes_max(MessagePool::chunk_messages));
  EXPECT_EQ(MessagePool::memory_bytes_max(MessagePool::chunk_messages + 1),
            2 * MessagePool::memory_bytes_max(MessagePool::chunk_messages));
  EXPECT_GE(MessagePool::memory_bytes_max(1), MessagePool::chunk_messages * sizeof(MessagePool::Message));
}

}  // namespace
}  // namespace restante
