// Frames as RFC 6455, section 5.2, has them, from the client's side.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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

/// A frame with a payload of at most 65,535 bytes.
inline std::vector<std::uint8_t> masked_frame(BytesView payload, std::uint8_t type = frame_type::binary) {
  constexpr std::uint8_t masked = 0x80;
  std::vector<std::uint8_t> frame{type};
  if (payload.size() < 126) {
    frame.push_back(static_cast<std::uint8_t>(masked | payload.size()));
  } else {
    frame.push_back(masked | 126U);
    frame.push_back(static_cast<std::uint8_t>(payload.size() >> 8U));
    frame.push_back(static_cast<std::uint8_t>(payload.size()));
  }
  for (std::size_t place = 0; place < 4; ++place) {
    frame.push_back(mask_of(place));
  }
  for (std::size_t place = 0; place < payload.size(); ++place) {
    frame.push_back(payload[place] ^ mask_of(place));
  }
  return frame;
}

/// A frame of a server.
struct Frame {
  std::uint8_t type = 0;
  BytesView payload;
  /// The bytes of all of it, the header included; 0 where it is not whole yet.
  std::size_t bytes = 0;
};

/// The frame that `input` begins with. Throws std::runtime_error for one that no reply of the classic protocol can be.
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
