#include <restante/sim/exhaust.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <restante/assert.hpp>
#include <restante/sim/exhaust_worlds.hpp>

namespace restante::sim {
namespace {

std::string tell(const ExhaustResult& result) {
  std::string text;
  for (const ExhaustFailure& failure : result.failures) {
    text += failure.world + ": " + failure.sentence + "\n";
    for (const std::string& step : failure.steps) {
      text += "  " + step + "\n";
    }
  }
  return text;
}

SmallWorld world_by_name(std::string_view name) {
  for (const SmallWorld& world : small_worlds()) {
    if (world.name == name) {
      return world;
    }
  }
  ADD_FAILURE() << "there is no world " << name;
  return {};
}

// Two or three programs with a Client of the classic protocol; connections that break, and one crash.
bool has_everything(const SmallWorld& world) {
  return !world.is_v2() && world.clients.size() >= 2 && world.breaks_max > 0 && world.crashes_max == 1 &&
         std::none_of(world.clients.begin(), world.clients.end(), [](const SmallClient& one) { return one.is_raw(); });
}

TEST(Exhaust, AMillionInterleavingsHoldAndReachEveryRule) {
  ExhaustResult all;
  std::uint64_t with_everything = 0;
  for (const SmallWorld& world : small_worlds()) {
    if (!world.is_v2()) {
      const ExhaustResult result = exhaust(world);
      all += result;
      with_everything += has_everything(world) ? result.interleavings : 0;
    }
  }
  EXPECT_EQ(tell(all), "");
  EXPECT_GE(with_everything, 1'000'000U);
  EXPECT_GT(all.interleavings, with_everything);
  for (std::size_t i = 0; i < static_cast<std::size_t>(Rule::count); ++i) {
    EXPECT_GT(all.rules[static_cast<Rule>(i)], 0U) << name(static_cast<Rule>(i));
  }
}

TEST(Exhaust, HalfAMillionInterleavingsOfV2HoldAndReachEveryState) {
  ExhaustResult all;
  for (const SmallWorld& world : small_worlds()) {
    if (world.is_v2()) {
      all += exhaust(world);
    }
  }
  EXPECT_EQ(tell(all), "");
  EXPECT_GE(all.interleavings, 500'000U);
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    if (is_of_v2(static_cast<Sometimes>(i))) {
      EXPECT_GT(all.sometimes[static_cast<Sometimes>(i)], 0U) << name(static_cast<Sometimes>(i));
    }
  }
}

TEST(Exhaust, CountsEverySequenceOnce) {
  // Each of two clients sends one message, which arrives and is answered, and the answer arrives: three steps each, in
  // any order that keeps those of one client in order, 6!/(3!·3!) in all.
  SmallWorld world{.name = "two",
                   .clients = {{.operations = {detail::associate(1)}}, {.operations = {detail::associate(2)}}},
                   .depth = 100};
  EXPECT_EQ(exhaust(world).interleavings, 20U);
  world.clients[1] = {.packets = {{{0, 0, 2}}}};
  EXPECT_EQ(exhaust(world).interleavings, 20U);
  world.clients.push_back({.operations = {detail::associate(3)}});
  EXPECT_EQ(exhaust(world).interleavings, 1680U);
}

TEST(Exhaust, CountsEachWayInWhichAConnectionCanBreak) {
  // An idle connection breaks, and three more steps are followed. Where the client knows first, it waits, begins to
  // connect and is connected, and the server learns of the end before, between or after those two, or after what the
  // client sends then has arrived. Where the server knows first, the client learns of it, waits, and is connected.
  const SmallWorld world{.name = "one", .clients = {{.before = {detail::associate(1)}}}, .breaks_max = 1, .depth = 4};
  EXPECT_EQ(exhaust(world).interleavings, 4U + 1U);
  // A crash is learnt of in the same way.
  const SmallWorld crash{.name = "one", .clients = {{.before = {detail::associate(1)}}}, .crashes_max = 1, .depth = 4};
  EXPECT_EQ(exhaust(crash).interleavings, 1U);
}

TEST(Exhaust, EndsWhereItIsTold) {
  EXPECT_EQ(exhaust(small_worlds().front(), 17).interleavings, 17U);
}

TEST(Exhaust, DoesTheSameAgain) {
  for (const std::string_view name :
       {"two friends", "a broken connection", "a disk and a crash", "a room, a disk and a crash"}) {
    SmallWorld world = world_by_name(name);
    world.depth = 6;
    const ExhaustResult first = exhaust(world);
    const ExhaustResult second = exhaust(world);
    EXPECT_EQ(first.interleavings, second.interleavings);
    EXPECT_EQ(first.steps, second.steps);
    EXPECT_EQ(first.rules, second.rules);
  }
}

TEST(Exhaust, SaysWhichStepsLedToWhatItFinds) {
  // The only thing that is wrong with it is that its end takes longer than is thought to be enough for a small world.
  SmallWorld world{.name = "endless", .clients = {{}}, .depth = 600};
  world.clients.front().packets.assign(600, {{1, 0, 1}});
  const ExhaustResult result = exhaust(world, 1);
  ASSERT_EQ(result.failures.size(), 1U);
  EXPECT_EQ(result.failures.front().world, "endless");
  EXPECT_EQ(result.failures.front().sentence, "exhaust: the world does not fall quiet");
  EXPECT_EQ(result.failures.front().steps.size(), 600U);
  EXPECT_EQ(result.failures.front().steps.front(), "client 0 sends 01 00 01");
}

TEST(Exhaust, TakesAnAssertionThatThrowsForAFinding) {
  const AssertionHandler before = set_assertion_handler(
      [](const char*, const char* explanation, const char*, unsigned) { throw std::runtime_error{explanation}; });
  // No server has a mailbox for less than one message.
  const SmallWorld world{.name = "none", .clients = {{.packets = {{{0, 0, 1}}}}}, .mailbox_messages_max = 0};
  const ExhaustResult result = exhaust(world);
  set_assertion_handler(before);
  EXPECT_EQ(tell(result), "none: exception: mailbox_messages_max must be 1 to 1,000,000\n");
}

TEST(Exhaust, EveryRuleAndWorldHasANameOfItsOwn) {
  std::set<std::string_view> rules;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Rule::count); ++i) {
    rules.insert(name(static_cast<Rule>(i)));
  }
  EXPECT_EQ(rules.size(), static_cast<std::size_t>(Rule::count));
  std::set<std::string> worlds;
  for (const SmallWorld& world : small_worlds()) {
    worlds.insert(world.name);
  }
  EXPECT_EQ(worlds.size(), small_worlds().size());
}

TEST(Exhaust, EveryStepHasWordsOfItsOwn) {
  const SmallWorld world{.name = "one",
                         .clients = {{.operations = {detail::associate(1), detail::then(detail::push(1, 2, 3))}},
                                     {.packets = {{{'h', 'i'}, MessageType::text}}},
                                     {.operations = {detail::push_to("ada"), detail::finish(), detail::restart(),
                                                     detail::fail_storage()}}}};
  EXPECT_EQ(describe(world, {Step::Kind::client_acts, 2, 0}), "client 2 pushes to ada");
  EXPECT_EQ(describe(world, {Step::Kind::client_acts, 2, 1}), "client 2 is done with a message");
  EXPECT_EQ(describe(world, {Step::Kind::client_acts, 2, 2}), "client 2 ends and starts again");
  EXPECT_EQ(describe(world, {Step::Kind::client_acts, 2, 3}), "client 2 will not be able to keep the next");
  EXPECT_EQ(describe(world, {Step::Kind::client_acts, 0, 0}), "client 0 associates 1, then pushes 3 from 1 to 2");
  EXPECT_EQ(describe(world, {Step::Kind::client_acts, 1, 0}), "client 1 sends a text: 68 69");
  std::set<std::string> words;
  std::size_t steps = 0;
  for (auto kind = Step::Kind::client_acts; kind <= Step::Kind::server_shuts_down;
       kind = static_cast<Step::Kind>(static_cast<std::uint8_t>(kind) + 1)) {
    words.insert(describe(world, {kind, 0, 0}));
    ++steps;
  }
  EXPECT_EQ(words.size(), steps);
  EXPECT_FALSE(words.contains("unknown"));
}

}  // namespace
}  // namespace restante::sim
