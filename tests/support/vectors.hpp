// Reads tests/vectors/classic_packets.txt; tests/vectors/README.md describes the format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "packets.hpp"

namespace restante::test {

/// One line of the file.
struct PacketVector {
  /// "client", "server", "credential", "malformed", "mismatched" or "unreadable": says which members mean something.
  std::string kind;
  /// The packet's name, or the case.
  std::string name;
  std::map<std::string, std::uint8_t> fields;
  /// The payload, or the credential.
  Bytes payload;
  Bytes bytes;
  /// The reply, or the reply to a stranger.
  Bytes reply;
  Bytes reply_to_holder;
  std::size_t line = 0;
};

/// Bytes as the vectors write them: "00 0a", "254 * 61", "-". Throws std::runtime_error for anything else.
inline Bytes parse_bytes(std::string_view text) {
  std::istringstream tokens{std::string{text}};
  std::vector<std::string> words;
  for (std::string word; tokens >> word;) {
    words.push_back(word);
  }
  const auto byte = [](const std::string& word) {
    std::size_t used = 0;
    const unsigned long value = word.size() == 2 ? std::stoul(word, &used, 16) : 0;
    if (used != 2) {
      throw std::runtime_error{"'" + word + "' is no byte"};
    }
    return static_cast<std::uint8_t>(value);
  };
  Bytes bytes;
  if (words.size() == 1 && words[0] == "-") {
    return bytes;
  }
  for (std::size_t index = 0; index < words.size(); ++index) {
    if (index + 2 < words.size() && words[index + 1] == "*") {
      bytes.insert(bytes.end(), std::stoul(words[index]), byte(words[index + 2]));
      index += 2;
    } else {
      bytes.push_back(byte(words[index]));
    }
  }
  if (bytes.empty()) {
    throw std::runtime_error{"no bytes where '-' should say so"};
  }
  return bytes;
}

namespace detail {

inline std::vector<std::string> split_columns(const std::string& line) {
  constexpr std::string_view separator = " | ";
  std::vector<std::string> columns;
  std::size_t begin = 0;
  for (std::size_t end = 0; end != std::string::npos; begin = end + separator.size()) {
    end = line.find(separator, begin);
    columns.push_back(line.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return columns;
}

inline std::map<std::string, std::uint8_t> parse_fields(const std::string& text) {
  std::map<std::string, std::uint8_t> fields;
  std::istringstream pairs{text};
  for (std::string pair; pairs >> pair;) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos) {
      throw std::runtime_error{"'" + pair + "' is no field"};
    }
    const unsigned long value = std::stoul(pair.substr(equals + 1));
    if (value > 255) {
      throw std::runtime_error{"'" + pair + "' is no byte"};
    }
    fields[pair.substr(0, equals)] = static_cast<std::uint8_t>(value);
  }
  return fields;
}

inline PacketVector parse_packet_vector(const std::string& line) {
  const std::vector<std::string> columns = split_columns(line);
  const std::string& kind = columns.front();
  const std::map<std::string, std::size_t> widths{{"client", 5},    {"server", 5},     {"credential", 5},
                                                  {"malformed", 4}, {"mismatched", 5}, {"unreadable", 3}};
  if (const auto width = widths.find(kind); width == widths.end() || width->second != columns.size()) {
    throw std::runtime_error{"unknown kind, or a wrong number of columns"};
  }
  PacketVector vector;
  vector.kind = kind;
  if (kind == "client" || kind == "server") {
    vector.name = columns[1];
    vector.fields = parse_fields(columns[2]);
    vector.payload = parse_bytes(columns[3]);
    vector.bytes = parse_bytes(columns[4]);
  } else if (kind == "credential") {
    vector.name = "ASSOCIATE";
    vector.fields = parse_fields(columns[1]);
    vector.payload = parse_bytes(columns[2]);
    vector.bytes = parse_bytes(columns[3]);
    vector.reply = parse_bytes(columns[4]);
  } else {
    vector.name = columns[1];
    vector.bytes = parse_bytes(columns[2]);
    vector.reply = columns.size() > 3 ? parse_bytes(columns[3]) : Bytes{};
    vector.reply_to_holder = columns.size() > 4 ? parse_bytes(columns[4]) : vector.reply;
  }
  return vector;
}

}  // namespace detail

/// All lines of a file like classic_packets.txt. Throws std::runtime_error, with the line, when it cannot be read.
inline std::vector<PacketVector> read_packet_vectors(const std::string& path) {
  std::ifstream file{path};
  if (!file) {
    throw std::runtime_error{"cannot read " + path};
  }
  std::vector<PacketVector> vectors;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line[begin] == '#') {
      continue;
    }
    try {
      vectors.push_back(detail::parse_packet_vector(line));
      vectors.back().line = number;
    } catch (const std::exception& error) {
      throw std::runtime_error{path + ":" + std::to_string(number) + ": " + error.what()};
    }
  }
  return vectors;
}

}  // namespace restante::test
