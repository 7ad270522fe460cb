#include <restante/v2/outbox.hpp>

#include <gtest/gtest.h>

namespace restante::v2 {
namespace {

class NumbersUnkept : public MemoryOutbox {
 public:
  void numbered(PushId, Epoch, std::uint64_t) {}
};
static_assert(!KeepsOutbox<NumbersUnkept>, "an outbox has to say whether it kept a number");

class Loader final : public OutboxLoader {
 public:
  void message(const OutgoingMessage&) override { ++messages; }
  int messages = 0;
};

TEST(MemoryOutbox, KeepsNothing) {
  MemoryOutbox outbox;
  EXPECT_FALSE(outbox.added({.id = 1, .receiver = "bob"}));
  EXPECT_FALSE(outbox.numbered(1, 7, 1));
  Loader loader;
  EXPECT_FALSE(outbox.load(loader));
  EXPECT_EQ(loader.messages, 0);
}

}  // namespace
}  // namespace restante::v2
