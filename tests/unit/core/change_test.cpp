#include <restante/core/change.hpp>

#include <gtest/gtest.h>

#include <type_traits>

namespace restante {
namespace {

static_assert(std::is_trivially_copyable_v<MessageStored> && std::is_trivially_copyable_v<MessageTaken>,
              "changes are plain values");
static_assert(sizeof(Offset) == 8, "an offset has the same width on every machine");

TEST(Change, OfAMessageTakenComparesByMailboxAndOffset) {
  EXPECT_EQ((MessageTaken{Address{1}, 5}), (MessageTaken{Address{1}, 5}));
  EXPECT_NE((MessageTaken{Address{1}, 5}), (MessageTaken{Address{1}, 6}));
  EXPECT_NE((MessageTaken{Address{1}, 5}), (MessageTaken{Address{2}, 5}));
}

}  // namespace
}  // namespace restante
