#include <restante/core/counters.hpp>

#include <gtest/gtest.h>

namespace restante {
namespace {

TEST(Books, BeginEmptyAndCompareByEveryNumber) {
  EXPECT_EQ(Books{}, (Books{.loaded = 0, .stored = 0, .taken = 0, .held = 0}));
  EXPECT_NE(Books{}, (Books{.loaded = 1}));
  EXPECT_NE(Books{}, (Books{.stored = 1}));
  EXPECT_NE(Books{}, (Books{.taken = 1}));
  EXPECT_NE(Books{}, (Books{.held = 1}));
}

TEST(Answers, BeginAtZeroAndCompareByNumber) {
  EXPECT_EQ(Answers{}, Answers{});
  EXPECT_NE(Answers{}, (Answers{.associated = 1}));
  EXPECT_NE(Answers{}, (Answers{.storage_unavailable = 1}));
}

}  // namespace
}  // namespace restante
