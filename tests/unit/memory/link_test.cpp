#include <restante/memory/link.hpp>

#include <gtest/gtest.h>

#include "recording.hpp"

namespace restante {
namespace {

using namespace std::chrono_literals;

TEST(LinkOptions, AreAFaultlessStreamWhenNothingIsSaid) {
  const LinkOptions options;
  EXPECT_EQ(options.kind, LinkKind::stream);
  EXPECT_EQ(options.jitter, 0ns);
  EXPECT_EQ(options.bytes_per_second, 0u);
  EXPECT_EQ(options.loss_per_million, 0u);
  EXPECT_EQ(options.duplication_per_million, 0u);
  memory::check(options);
}

TEST(LinkOptions, ThatMakeNoSenseAreRefused) {
  const testing::ThrowingAssertions throwing;
  EXPECT_THROW(memory::check({.latency = -1ns}), std::logic_error);
  EXPECT_THROW(memory::check({.jitter = -1ns}), std::logic_error);
  EXPECT_THROW(memory::check({.loss_per_million = 1'000'001}), std::logic_error);
  EXPECT_THROW(memory::check({.duplication_per_million = 1'000'001}), std::logic_error);
  EXPECT_THROW(memory::check({.open_timeout = 0ns}), std::logic_error);
  EXPECT_THROW(memory::check({.close_timeout = 0ns}), std::logic_error);
}

TEST(LinkOptions, AreCheckedWhereverTheyAreGiven) {
  const testing::ThrowingAssertions throwing;
  const LinkOptions wrong{.latency = -1ns};
  EXPECT_THROW(MemoryNetwork({.link = wrong}), std::logic_error);
  testing::World world;
  EXPECT_THROW(world.network.set_link(wrong), std::logic_error);
  EXPECT_THROW(world.client.set_link(wrong), std::logic_error);
  EXPECT_THROW(MemoryClient(world.network, world.server, {.link = wrong}), std::logic_error);
}

TEST(LinkCounters, AddUp) {
  LinkCounters sum{.sent = 1, .sent_bytes = 2, .delivered = 3, .delivered_bytes = 4, .lost = 5, .duplicated = 6};
  sum += sum;
  EXPECT_EQ(sum, (LinkCounters{
                     .sent = 2, .sent_bytes = 4, .delivered = 6, .delivered_bytes = 8, .lost = 10, .duplicated = 12}));
}

TEST(Direction, ThePipeOfASideIsTheOneItSendsInto) {
  EXPECT_EQ(memory::index(Direction::to_server), 0u);
  EXPECT_EQ(memory::index(Direction::to_client), 1u);
}

}  // namespace
}  // namespace restante
