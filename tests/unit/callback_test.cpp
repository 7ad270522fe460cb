#include <restante/callback.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "support/assertion_throws.hpp"

namespace restante {
namespace {

static_assert(!std::is_copy_constructible_v<Callback<void()>>);
static_assert(!std::is_copy_assignable_v<Callback<void()>>);
static_assert(std::is_nothrow_move_constructible_v<Callback<void()>>);
static_assert(std::is_nothrow_move_assignable_v<Callback<void()>>);
static_assert(!std::is_constructible_v<Callback<void()>, int>, "an int cannot be called");
static_assert(!std::is_constructible_v<Callback<void(int)>, void (*)(std::string)>, "the arguments do not fit");
static_assert(!std::is_constructible_v<Callback<int()>, void (*)()>, "the result does not fit");
static_assert(std::is_constructible_v<Callback<void()>, int (*)()>, "a result that nobody wants is left");

TEST(Callback, IsEmptyUntilItIsGivenAFunction) {
  Callback<void()> callback;
  EXPECT_FALSE(callback);
  callback = [] {};
  EXPECT_TRUE(callback);
  callback = nullptr;
  EXPECT_FALSE(callback);
}

TEST(Callback, GivesArgumentsToTheFunctionAndItsResultBack) {
  Callback<int(int, int)> callback = [](int left, int right) { return left - right; };
  EXPECT_EQ(callback(5, 3), 2);
}

TEST(Callback, MayOwnWhatCannotBeCopied) {
  Callback<int()> callback = [number = std::make_unique<int>(7)] { return *number; };
  EXPECT_EQ(callback(), 7);
}

TEST(Callback, PassesReferencesAndMovesValues) {
  int number = 1;
  Callback<void(int&)> increment = [](int& value) { ++value; };
  increment(number);
  EXPECT_EQ(number, 2);

  Callback<int(std::unique_ptr<int>)> consume = [](std::unique_ptr<int> value) { return *value; };
  EXPECT_EQ(consume(std::make_unique<int>(3)), 3);
}

TEST(Callback, KeepsItsStateFromCallToCall) {
  Callback<int()> count = [calls = 0]() mutable { return ++calls; };
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(count(), 2);
}

TEST(Callback, IsEmptyAfterItWasMovedFrom) {
  Callback<int()> source = [] { return 1; };
  Callback<int()> target = std::move(source);
  EXPECT_EQ(target(), 1);
  // NOLINTNEXTLINE(bugprone-use-after-move): that it is empty then is what is tested.
  EXPECT_FALSE(source);
}

TEST(Callback, DestroysWhatItHolds) {
  const auto held = std::make_shared<int>(0);
  {
    Callback<void()> callback = [held] {};
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Callback, MustNotBeCalledWhenItIsEmpty) {
  Callback<void()> callback;
  EXPECT_ASSERTION(callback(), "an empty callback was called");
}

}  // namespace
}  // namespace restante
