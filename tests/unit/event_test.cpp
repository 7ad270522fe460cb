#include <restante/event.hpp>

#include <gtest/gtest.h>

#include <type_traits>
#include <variant>

namespace restante {
namespace {

static_assert(std::is_trivially_copyable_v<event::PacketReceived>, "an event owns nothing");
static_assert(std::variant_size_v<Event> == 10);

TEST(Event, HoldsOneOfTheKinds) {
  const Event told = event::ConnectionPaused{.connection = {1, 2}, .waiting_bytes = 70000};
  ASSERT_TRUE(std::holds_alternative<event::ConnectionPaused>(told));
  EXPECT_EQ(std::get<event::ConnectionPaused>(told).waiting_bytes, 70000U);
}

TEST(Event, ThatAConnectionClosedIsAbnormalUnlessSaidOtherwise) {
  EXPECT_EQ(event::ConnectionClosed{}.code, close_code::abnormal);
}

}  // namespace
}  // namespace restante
