#include <restante/sim/queue.hpp>

#include <deque>
#include <string>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

TEST(Queue, GivesBackWhatItTookInTheSameOrder) {
  Queue<std::string> queue;
  std::deque<std::string> model;
  for (int i = 0; i < 1000; ++i) {
    queue.push_back(std::to_string(i));
    model.push_back(std::to_string(i));
    if (i % 3 != 0) {
      EXPECT_EQ(queue.front(), model.front());
      queue.pop_front();
      model.pop_front();
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_EQ(queue.back(), model.back());
  }
  for (std::size_t i = 0; i < model.size(); ++i) {
    EXPECT_EQ(queue[i], model[i]);
  }
  EXPECT_TRUE(std::equal(queue.begin(), queue.end(), model.begin(), model.end()));
}

TEST(Queue, ComparesWhatIsInItAndNotWhatWas) {
  Queue<int> left;
  Queue<int> right;
  left.push_back(1);
  left.push_back(2);
  left.pop_front();
  right.push_back(2);
  EXPECT_EQ(left, right);
  right.clear();
  EXPECT_NE(left, right);
  EXPECT_TRUE(right.empty());
}

}  // namespace
}  // namespace restante::sim
