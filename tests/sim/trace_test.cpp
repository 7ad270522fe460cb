#include <restante/sim/trace.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

std::uint64_t hash_of(const Entry& entry) {
  TraceHash hash;
  hash.observe(entry);
  return hash.value();
}

TEST(TraceHash, DiffersWhereAnyPartOfAnEntryDiffers) {
  const std::array<std::uint8_t, 3> bytes{1, 0, 7};
  const std::array<std::uint8_t, 3> others{1, 0, 8};
  const Entry entry{.bytes = bytes, .text = "stall"};
  std::set<std::uint64_t> hashes{hash_of(entry)};
  Entry other = entry;
  other.time += std::chrono::nanoseconds{1};
  hashes.insert(hash_of(other));
  other = entry;
  other.kind = EntryKind::healed;
  hashes.insert(hash_of(other));
  other = entry;
  other.client = 0;
  hashes.insert(hash_of(other));
  other = entry;
  other.connection = {1, 0};
  hashes.insert(hash_of(other));
  other = entry;
  other.connection = {0, 1};
  hashes.insert(hash_of(other));
  other = entry;
  other.type = MessageType::text;
  hashes.insert(hash_of(other));
  other = entry;
  other.code = 1000;
  hashes.insert(hash_of(other));
  other = entry;
  other.bytes = others;
  hashes.insert(hash_of(other));
  other = entry;
  other.text = "stalls";
  hashes.insert(hash_of(other));
  EXPECT_EQ(hashes.size(), 10U);
}

TEST(TraceHash, DependsOnTheOrder) {
  TraceHash forwards;
  TraceHash backwards;
  const Entry first{.client = 1};
  const Entry second{.client = 2};
  forwards.observe(first);
  forwards.observe(second);
  backwards.observe(second);
  backwards.observe(first);
  EXPECT_NE(forwards.value(), backwards.value());
}

TEST(Trace, EveryKindOfEntryHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int kind = 0; kind <= static_cast<int>(EntryKind::store_recovered); ++kind) {
    names.insert(name(static_cast<EntryKind>(kind)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(EntryKind::store_recovered) + 1);
  EXPECT_EQ(names.count("unknown"), 0U);
}

}  // namespace
}  // namespace restante::sim
