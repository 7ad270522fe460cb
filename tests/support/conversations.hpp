// Reads tests/vectors/classic_conversations.txt, whose format tests/vectors/README.md describes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "packets.hpp"
#include "vectors.hpp"

namespace restante::test {

enum class StepKind : std::uint8_t {
  opens,
  sends,
  receives,
  sends_text,
  closes,
  breaks,
  is_closed,
  retries,
  shut_down
};

/// One step of a conversation, repetitions written out.
struct Step {
  StepKind kind = StepKind::opens;
  /// The name of the connection; 0 for what the server does.
  char connection = 0;
  /// What is sent or received.
  Bytes bytes;
  /// The reply that ends StepKind::retries.
  Bytes until;
  std::string text;
  std::uint16_t close_code = 0;
  /// Where the step stands in the file, from 1.
  std::size_t line = 0;
};

struct Conversation {
  std::string name;
  std::vector<Step> steps;
};

// How GoogleTest prints one; it asks for this name.
inline void PrintTo(const Conversation& conversation, std::ostream* stream) {
  *stream << conversation.name;
}

/// Reads conversations; throws std::runtime_error, with the line, at what it does not understand.
class ConversationReader {
 public:
  explicit ConversationReader(std::istream& in) : in_{in} {}

  std::vector<Conversation> read() {
    std::string line;
    while (std::getline(in_, line)) {
      ++line_;
      const std::size_t begin = line.find_first_not_of(' ');
      if (begin != std::string::npos && line[begin] != '#') {
        read_line(line.substr(begin));
      }
    }
    check(repeat_count_ == 0, "a repetition does not end");
    return std::move(conversations_);
  }

 private:
  void check(bool condition, const char* explanation) const {
    if (!condition) {
      throw std::runtime_error{"line " + std::to_string(line_) + ": " + explanation};
    }
  }

  static std::vector<std::string> words_of(const std::string& line) {
    std::istringstream in{line};
    std::vector<std::string> words;
    for (std::string word; in >> word;) {
      words.push_back(word);
    }
    return words;
  }

  void read_line(const std::string& line) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() == 2 && words[0] == "conversation") {
      check(repeat_count_ == 0, "a repetition does not end");
      conversations_.push_back({words[1], {}});
      return;
    }
    check(!conversations_.empty(), "a step stands before the first conversation");
    if (words.size() == 2 && words[0] == "repeat") {
      check(repeat_count_ == 0, "a repetition stands in another");
      repeat_count_ = std::stoul(words[1]);
      check(repeat_count_ > 0, "nothing can be repeated 0 times");
    } else if (words.size() == 1 && words[0] == "end") {
      check(repeat_count_ != 0, "an end without its repeat");
      write_repetitions_out();
    } else if (repeat_count_ != 0) {
      repeated_.push_back({line, line_});
    } else {
      conversations_.back().steps.push_back(step_of(line, line_, 0));
    }
  }

  void write_repetitions_out() {
    for (std::size_t number = 0; number < repeat_count_; ++number) {
      for (const auto& [text, line] : repeated_) {
        conversations_.back().steps.push_back(step_of(text, line, number));
      }
    }
    repeat_count_ = 0;
    repeated_.clear();
  }

  static Step new_step(StepKind kind, char connection, std::size_t line) {
    Step step;
    step.kind = kind;
    step.connection = connection;
    step.line = line;
    return step;
  }

  Step step_of(const std::string& line, std::size_t line_number, std::size_t repetition) const {
    if (line == "server shuts down") {
      return new_step(StepKind::shut_down, 0, line_number);
    }
    const std::vector<std::string> words = words_of(line);
    check(words.size() >= 2 && words[0].size() == 1 && words[0][0] >= 'a' && words[0][0] <= 'z', "an unknown step");
    Step step = new_step(StepKind::opens, words[0][0], line_number);
    const std::string& verb = words[1];
    if (verb == ">" || verb == "<") {
      step.kind = verb == ">" ? StepKind::sends : StepKind::receives;
      step.bytes = bytes_of(words, 2, words.size(), repetition);
    } else if (verb == "retries") {
      step.kind = StepKind::retries;
      std::size_t until = 2;
      while (until < words.size() && words[until] != "until") {
        ++until;
      }
      step.bytes = bytes_of(words, 2, until, repetition);
      step.until = bytes_of(words, until + 1, words.size(), repetition);
    } else if (verb == "text") {
      step.kind = StepKind::sends_text;
      const std::size_t first = line.find('"');
      const std::size_t last = line.rfind('"');
      check(first != std::string::npos && first != last, "a text stands between quotation marks");
      step.text = line.substr(first + 1, last - first - 1);
    } else if (verb == "closed" && words.size() == 3) {
      step.kind = StepKind::is_closed;
      step.close_code = static_cast<std::uint16_t>(std::stoul(words[2]));
    } else {
      check(words.size() == 2 && (verb == "opens" || verb == "closes" || verb == "breaks"), "an unknown step");
      step.kind = verb == "opens" ? StepKind::opens : verb == "closes" ? StepKind::closes : StepKind::breaks;
    }
    return step;
  }

  /// Writes the number of the repetition out, and leaves the rest to parse_bytes().
  Bytes bytes_of(const std::vector<std::string>& words, std::size_t begin, std::size_t end,
                 std::size_t repetition) const {
    check(begin < end, "bytes are missing");
    const Bytes number{static_cast<std::uint8_t>(repetition)};
    std::string text;
    for (std::size_t index = begin; index < end; ++index) {
      check(words[index] != "@" || repeat_count_ != 0, "@ stands inside repetitions only");
      text += index == begin ? "" : " ";
      text += words[index] == "@" ? to_hex(number) : words[index];
    }
    return parse_bytes(text);
  }

  struct Repeated {
    std::string text;
    std::size_t line = 0;
  };

  std::istream& in_;
  std::size_t line_ = 0;
  std::size_t repeat_count_ = 0;
  std::vector<Repeated> repeated_;
  std::vector<Conversation> conversations_;
};

/// Every conversation of a file. Throws std::runtime_error when it cannot be read.
inline std::vector<Conversation> read_conversations(const std::string& path) {
  std::ifstream file{path};
  if (!file) {
    throw std::runtime_error{"cannot open " + path};
  }
  return ConversationReader{file}.read();
}

}  // namespace restante::test
