// Packets of the classic protocol as tests write them. The bytes are written out here, and not by the codec of the
// library, so that a test that uses both compares two independent readings of docs/protocol.md.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <restante/bytes.hpp>

namespace restante::test {

/// Bytes that compare by value and that a failing expectation prints readably.
class Bytes : public std::vector<std::uint8_t> {
 public:
  using std::vector<std::uint8_t>::vector;
  Bytes(BytesView bytes) : std::vector<std::uint8_t>(bytes.begin(), bytes.end()) {}

  Bytes& operator+=(BytesView more) {
    insert(end(), more.begin(), more.end());
    return *this;
  }
};

/// "00 01 07", and "-" for no bytes. What is longer than 300 bytes is cut.
inline std::string to_hex(BytesView bytes) {
  constexpr std::size_t shown_max = 300;
  constexpr std::string_view digits = "0123456789abcdef";
  if (bytes.empty()) {
    return "-";
  }
  std::string text;
  for (const std::uint8_t byte : bytes.first(bytes.size() < shown_max ? bytes.size() : shown_max)) {
    text += text.empty() ? "" : " ";
    text += digits[byte / 16U];
    text += digits[byte % 16U];
  }
  if (bytes.size() > shown_max) {
    text += " … (" + std::to_string(bytes.size()) + " bytes)";
  }
  return text;
}

/// The name that docs/protocol.md gives to packets of this type and message code, or "no packet".
inline std::string_view packet_name(BytesView bytes) {
  constexpr std::string_view names[3][4] = {{"ASSOCIATE", "ASSOCIATIONSUCCESS", "ASSOCIATIONFAILED", "UNKNOWNERROR"},
                                            {"GET", "BUFFEREMPTY", "POSITIVEACK", "BUFFERFULL"},
                                            {"GETRESPONSE", "PUSH", "no packet", "no packet"}};
  return bytes.size() >= 3 && bytes[0] < 3 && bytes[1] < 4 ? names[bytes[0]][bytes[1]] : "no packet";
}

// How GoogleTest prints them; it asks for this name.
inline void PrintTo(const Bytes& bytes, std::ostream* stream) {
  *stream << to_hex(bytes) << " (" << packet_name(bytes) << ")";
}

inline Bytes text_bytes(std::string_view text) {
  return Bytes{as_bytes(text)};
}

inline Bytes associate(std::uint8_t id) {
  return {0, 0, id};
}
inline Bytes association_success(std::uint8_t id) {
  return {0, 1, id};
}
inline Bytes association_failed(std::uint8_t id) {
  return {0, 2, id};
}
inline Bytes unknown_error(std::uint8_t third_byte) {
  return {0, 3, third_byte};
}
inline Bytes get(std::uint8_t id) {
  return {1, 0, id};
}
inline Bytes buffer_empty(std::uint8_t id) {
  return {1, 1, id};
}
inline Bytes positive_ack(std::uint8_t sender) {
  return {1, 2, sender};
}
inline Bytes buffer_full(std::uint8_t sender) {
  return {1, 3, sender};
}

inline Bytes get_response(std::uint8_t id, std::uint8_t sender, std::string_view payload) {
  Bytes bytes{2, 0, id, sender, static_cast<std::uint8_t>(payload.size())};
  return bytes += as_bytes(payload);
}

/// A PUSH with a length byte of one's choice.
inline Bytes push_with_length(std::uint8_t sender, std::uint8_t receiver, std::uint8_t length,
                              std::string_view payload) {
  Bytes bytes{2, 1, sender, receiver, length};
  return bytes += as_bytes(payload);
}

/// A PUSH whose length byte is the payload's size, modulo 256 where it is longer.
inline Bytes push(std::uint8_t sender, std::uint8_t receiver, std::string_view payload) {
  return push_with_length(sender, receiver, static_cast<std::uint8_t>(payload.size()), payload);
}

}  // namespace restante::test
