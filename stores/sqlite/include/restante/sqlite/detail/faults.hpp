// What is found wrong with a file.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace restante::detail {

/// Sentences, in the order in which they were found. A file can be wrong in so many places that nobody reads of all.
class Faults {
 public:
  static constexpr std::size_t count_max = 100;

  void add(std::string sentence) {
    if (sentences_.size() < count_max) {
      sentences_.push_back(std::move(sentence));
    } else if (sentences_.size() == count_max) {
      sentences_.emplace_back("and more");
    }
  }

  bool empty() const noexcept { return sentences_.empty(); }
  std::vector<std::string> take() { return std::move(sentences_); }

 private:
  std::vector<std::string> sentences_;
};

}  // namespace restante::detail
