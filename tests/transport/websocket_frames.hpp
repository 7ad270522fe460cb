// Frames byte by byte, those that break a rule as well.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace restante::test {

/// A frame as RFC 6455, section 5.2, draws it.
struct Frame {
  unsigned opcode = 2;
  std::string payload = {};
  bool final = true;
  bool masked = true;
  /// The three reserved bits.
  unsigned reserved = 0;
  /// Says another length than that of the payload.
  std::optional<std::uint64_t> length = {};
  /// Says the length in so many bytes more, 0, 2 or 8, in place of as few as are enough.
  std::optional<int> length_bytes = {};
  std::array<unsigned char, 4> key = {0x12, 0x34, 0x56, 0x78};
};

inline std::string encode(const Frame& frame) {
  std::string bytes;
  bytes += static_cast<char>((frame.final ? 0x80U : 0U) | frame.reserved << 4U | frame.opcode);
  const std::uint64_t length = frame.length.value_or(frame.payload.size());
  const unsigned mask_bit = frame.masked ? 0x80U : 0U;
  const int length_bytes = frame.length_bytes.value_or(length <= 125 ? 0 : length <= 0xffff ? 2 : 8);
  bytes += static_cast<char>(mask_bit | (length_bytes == 0 ? length : length_bytes == 2 ? 126U : 127U));
  for (int shift = 8 * (length_bytes - 1); shift >= 0; shift -= 8) {
    bytes += static_cast<char>(length >> static_cast<unsigned>(shift) & 0xff);
  }
  if (frame.masked) {
    bytes.append(frame.key.begin(), frame.key.end());
  }
  for (std::size_t index = 0; index < frame.payload.size(); ++index) {
    const auto byte = static_cast<unsigned char>(frame.payload[index]);
    bytes += static_cast<char>(frame.masked ? byte ^ frame.key[index % 4] : byte);
  }
  return bytes;
}

}  // namespace restante::test
