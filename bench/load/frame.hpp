// Frames as RFC 6455, section 5.2, has them, from the client's side.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <restante/bytes.hpp>

namespace restante::bench {

/// The first byte of a frame that is a whole message, or a control frame.
namespace frame_type {
inline constexpr std::uint8_t binary = 0x82;
inline constexpr std::uint8_t close = 0x88;
inline constexpr std::uint8_t ping = 0x89;
inline constexpr std::uint8_t pong = 0x8a;
}  // namespace frame_type

/// What the byte of a payload at this place is masked with. The mask is always the same, so that frames can be made
/// beforehand: it protects proxies from scripts in browsers, and there are none here.
constexpr std::uint8_t mask_of(std::size_t place) noexcept {
  constexpr std::array<std::uint8_t, 4> mask{0x37, 0xfa, 0x21, 0x3d};
  return mask[place % mask.size()];
}

/// The longest header of a frame with a payload of at most 65,535 bytes.
inline constexpr std::size_t frame_header_bytes_max = 8;

/// Makes a frame of a payload where it lies, which is at most 65,535 bytes long and begins frame_header_bytes_max
/// behind the beginning of `place`. Gives the frame, which ends where the payload does.
inline BytesView mask_in_place(std::span<std::uint8_t> place, std::size_t payload_bytes,
                               std::uint8_t type = frame_type::binary) {
  constexpr std::uint8_t masked = 0x80;
  const bool is_short = payload_bytes < 126;
  const std::span<std::uint8_t> frame =
      place.subspan(is_short ? 2 : 0, (is_short ? frame_header_bytes_max - 2 : frame_header_bytes_max) + payload_bytes);
  frame[0] = type;
  if (is_short) {
    frame[1] = static_cast<std::uint8_t>(masked | payload_bytes);
  } else {
    frame[1] = static_cast<std::uint8_t>(masked | 126U);
    frame[2] = static_cast<std::uint8_t>(payload_bytes >> 8U);
    frame[3] = static_cast<std::uint8_t>(payload_bytes);
  }
  std::array<std::uint8_t, 8> mask;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    mask[i] = mask_of(i);
  }
  std::copy_n(mask.begin(), 4, place.begin() + 4);
  const std::span<std::uint8_t> payload = place.subspan(frame_header_bytes_max, payload_bytes);
  std::size_t done = 0;
  // Eight bytes are one operation, which compilers see where their number is known.
  for (; done + mask.size() <= payload.size(); done += mask.size()) {
    std::array<std::uint8_t, 8> eight;
    std::copy_n(payload.begin() + static_cast<std::ptrdiff_t>(done), eight.size(), eight.begin());
    for (std::size_t i = 0; i < eight.size(); ++i) {
      eight[i] ^= mask[i];
    }
    std::copy_n(eight.begin(), eight.size(), payload.begin() + static_cast<std::ptrdiff_t>(done));
  }
  for (; done < payload.size(); ++done) {
    payload[done] ^= mask_of(done);
  }
  return frame;
}

/// A frame with a payload of at most 65,535 bytes.
inline std::vector<std::uint8_t> masked_frame(BytesView payload, std::uint8_t type = frame_type::binary) {
  std::vector<std::uint8_t> place(frame_header_bytes_max);
  place.insert(place.end(), payload.begin(), payload.end());
  const BytesView frame = mask_in_place(place, payload.size(), type);
  return {frame.begin(), frame.end()};
}

/// The first bytes of a packet, for people.
inline std::string hexadecimal(BytesView bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size() && i < 16; ++i) {
    std::array<char, 4> digits{};
    std::snprintf(digits.data(), digits.size(), " %02x", bytes[i]);
    text += digits.data();
  }
  return text + (bytes.size() > 16 ? " …" : "");
}

/// A frame of a server.
struct Frame {
  std::uint8_t type = 0;
  BytesView payload;
  /// The bytes of all of it, the header included; 0 where it is not whole yet.
  std::size_t bytes = 0;
};

/// The frame that `input` begins with. Throws std::runtime_error for one that no reply to the load tool can be.
inline Frame read_frame(BytesView input) {
  if (input.size() < 2) {
    return {};
  }
  std::size_t header = 2;
  std::size_t length = input[1];
  if (length == 126) {
    if (input.size() < 4) {
      return {};
    }
    header = 4;
    length = static_cast<std::size_t>(input[2]) << 8U | input[3];
  } else if (length > 126) {
    throw std::runtime_error("the server sent a frame that is masked, or longer than any reply");
  }
  if (input.size() < header + length) {
    return {};
  }
  return {input[0], input.subspan(header, length), header + length};
}

}  // namespace restante::bench
