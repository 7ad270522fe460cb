#include <restante/waker.hpp>

#include <gtest/gtest.h>

namespace restante {
namespace {

TEST(Waker, WithoutAFunctionDoesNothing) {
  const Waker waker;
  waker();
}

TEST(Waker, AndItsCopiesCallTheFunctionWithTheContext) {
  int calls = 0;
  const Waker waker{&calls, [](void* context) { ++*static_cast<int*>(context); }};
  const Waker copy = waker;
  waker();
  copy();
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace restante
