#include <restante/detail/index_table.hpp>

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace restante::detail {
namespace {

/// Names at their indices, found by hashes of a few bits, so that many have to share a place.
class Names {
 public:
  explicit Names(std::uint32_t hash_mask) : hash_mask_{hash_mask} {}

  std::uint32_t find(const std::string& name) const {
    return table_.find(hash_of(name), [&](std::uint32_t index) { return names_[index] == name; });
  }
  void insert(const std::string& name) {
    names_.push_back(name);
    table_.insert(hash_of(name), static_cast<std::uint32_t>(names_.size() - 1));
  }
  void erase(const std::string& name) { table_.erase(hash_of(name), find(name)); }
  std::size_t size() const { return table_.size(); }

 private:
  std::uint32_t hash_of(const std::string& name) const {
    // At the end of the table as well, so that searches go round.
    return static_cast<std::uint32_t>(std::hash<std::string>{}(name)) | ~hash_mask_;
  }

  std::uint32_t hash_mask_;
  std::vector<std::string> names_;
  IndexTable table_;
};

TEST(IndexTable, BeginsEmpty) {
  const IndexTable table;
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.find(7, [](std::uint32_t) { return true; }), IndexTable::none);
}

TEST(IndexTable, AsksOnlyAboutWhatHasTheHash) {
  IndexTable table;
  table.insert(1, 10);
  table.insert(17, 20);
  std::vector<std::uint32_t> asked;
  const auto ask = [&asked](std::uint32_t index) {
    asked.push_back(index);
    return false;
  };
  EXPECT_EQ(table.find(17, ask), IndexTable::none);
  EXPECT_EQ(asked, (std::vector<std::uint32_t>{20}));
}

TEST(IndexTable, FindsWhatStandsBehindSomethingThatWasErased) {
  IndexTable table;
  for (std::uint32_t index = 0; index < 6; ++index) {
    table.insert(15, index);
  }
  for (const std::uint32_t erased : {0U, 3U, 5U}) {
    table.erase(15, erased);
    EXPECT_EQ(table.find(15, [erased](std::uint32_t index) { return index == erased; }), IndexTable::none);
  }
  for (const std::uint32_t left : {1U, 2U, 4U}) {
    EXPECT_EQ(table.find(15, [left](std::uint32_t index) { return index == left; }), left);
  }
  EXPECT_EQ(table.size(), 3U);
}

// Against std::map, whatever comes and goes, with hashes that collide much, a little and hardly.
TEST(IndexTable, HoldsWhatAMapHolds) {
  for (const std::uint32_t hash_mask : {0U, 3U, 31U, UINT32_MAX}) {
    std::mt19937 random{hash_mask};
    Names names{hash_mask};
    std::map<std::string, bool> held;
    for (int step = 0; step < 4000; ++step) {
      const std::string name = std::to_string(random() % (step < 2000 ? 300 : 40));
      ASSERT_EQ(names.find(name) != IndexTable::none, held.contains(name)) << step << " " << hash_mask;
      if (!held.contains(name)) {
        names.insert(name);
        held[name] = true;
      } else {
        names.erase(name);
        held.erase(name);
      }
      ASSERT_EQ(names.size(), held.size());
    }
    for (int number = 0; number < 300; ++number) {
      EXPECT_EQ(names.find(std::to_string(number)) != IndexTable::none, held.contains(std::to_string(number)));
    }
  }
}

}  // namespace
}  // namespace restante::detail
