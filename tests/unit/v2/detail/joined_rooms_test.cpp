#include <restante/v2/detail/joined_rooms.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace restante::v2::detail {
namespace {

TEST(JoinedRooms, AreToBeJoinedOnEachConnection) {
  JoinedRooms rooms;
  rooms.asked(rooms.want("#tea"));
  EXPECT_TRUE(rooms.busy());
  EXPECT_TRUE(rooms.to_join().empty());
  JoinedRooms::Room* const tea = rooms.answered("#tea");
  ASSERT_NE(tea, nullptr);
  tea->joined = true;
  EXPECT_FALSE(rooms.busy());
  EXPECT_TRUE(rooms.to_join().empty());
  EXPECT_EQ(rooms.closed(), std::vector<std::string>{"#tea"});
}

TEST(JoinedRooms, AreForgottenWhileTheirJoinIsUnderWay) {
  JoinedRooms rooms;
  rooms.asked(rooms.want("#tea"));
  rooms.forget("#tea");
  EXPECT_EQ(rooms.answered("#tea"), nullptr);
  EXPECT_FALSE(rooms.busy());
}

TEST(JoinedRooms, TellOnceOfMailFromEachOther) {
  JoinedRooms rooms;
  EXPECT_TRUE(rooms.other("#tea"));
  EXPECT_FALSE(rooms.other("#tea"));
  EXPECT_TRUE(rooms.take_other("#tea"));
  EXPECT_FALSE(rooms.take_other("#tea"));
  EXPECT_TRUE(rooms.other("#tea"));
  rooms.closed();
  EXPECT_FALSE(rooms.take_other("#tea"));
}

TEST(JoinedRooms, RememberNoMoreOthersThanAServerThatMeansWellHas) {
  JoinedRooms rooms;
  for (std::size_t i = 0; i < JoinedRooms::others_max; ++i) {
    ASSERT_TRUE(rooms.other("#" + std::to_string(i)));
  }
  EXPECT_FALSE(rooms.other("#one-more")) << "nothing is said of it";
  EXPECT_TRUE(rooms.take_other("#one-more")) << "but it may have sent something";
}

}  // namespace
}  // namespace restante::v2::detail
