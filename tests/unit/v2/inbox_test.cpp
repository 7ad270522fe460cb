#include <restante/v2/inbox.hpp>

#include <gtest/gtest.h>

namespace restante::v2 {
namespace {

class ForgetsWhereItWas : public MemoryInbox {
 public:
  Offset handled_up_to(std::string_view, Epoch) { return 0; }
};
static_assert(!KeepsInbox<ForgetsWhereItWas>, "0 is an offset, and no way to say that nothing was handled");

TEST(MemoryInbox, KeepsNothing) {
  MemoryInbox inbox;
  EXPECT_FALSE(inbox.handled("", 7, 5));
  EXPECT_EQ(inbox.handled_up_to("", 7), std::nullopt);
}

}  // namespace
}  // namespace restante::v2
