// Frames that leave (RFC 6455, section 5).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include <restante/asio/engine.hpp>
#include <restante/bytes.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

enum class Opcode : std::uint8_t { binary = 0x2, close = 0x8, ping = 0x9, pong = 0xa };

inline constexpr std::size_t frame_header_bytes_max = 14;
/// The longest reason of a close frame: a control frame has 125 bytes at most, and two of them are the code.
inline constexpr std::size_t close_reason_bytes_max = 123;

/// Codes that stand in frames (RFC 6455, section 7.4).
constexpr bool may_be_sent(CloseCode code) noexcept {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != no_status && code != close_code::abnormal) ||
         (code >= 3000 && code <= 4999);
}

/// Masks a payload, or takes the mask off again (RFC 6455, section 5.3).
inline void apply_mask(std::span<std::uint8_t> payload, std::span<const std::uint8_t, 4> key) noexcept {
  // Eight bytes at a time, of which each half meets the whole key.
  std::array<std::uint8_t, 8> twice;  // NOLINT(*-member-init): written in the next lines
  std::memcpy(twice.data(), key.data(), 4);
  std::memcpy(twice.data() + 4, key.data(), 4);
  std::uint64_t keys = 0;
  std::memcpy(&keys, twice.data(), sizeof keys);
  std::size_t done = 0;
  for (; done + sizeof keys <= payload.size(); done += sizeof keys) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload.data() + done, sizeof word);
    word ^= keys;
    std::memcpy(payload.data() + done, &word, sizeof word);
  }
  for (std::size_t i = 0; done < payload.size(); ++done, ++i) {
    payload[done] ^= twice[i];
  }
}

/// Appends a whole frame to `output`. A client masks what it sends, with a key from `masks`; for a server it is
/// nullptr.
inline void append_frame(std::vector<std::uint8_t>& output, Opcode opcode, BytesView payload, MaskSource* masks) {
  std::array<std::uint8_t, frame_header_bytes_max> header;  // NOLINT(*-member-init): written as far as it is used
  const std::uint8_t masked = masks != nullptr ? 0x80 : 0;
  std::size_t length = 2;
  header[0] = static_cast<std::uint8_t>(0x80U | static_cast<std::uint8_t>(opcode));
  if (payload.size() < 126) {
    header[1] = static_cast<std::uint8_t>(masked | payload.size());
  } else {
    // In 2 bytes where they are enough, in 8 otherwise, the most significant first.
    const std::size_t size_bytes = payload.size() <= 0xffff ? 2 : 8;
    header[1] = static_cast<std::uint8_t>(masked | (size_bytes == 2 ? 126U : 127U));
    for (std::size_t i = 0; i < size_bytes; ++i) {
      header[2 + i] = static_cast<std::uint8_t>(std::uint64_t{payload.size()} >> (8 * (size_bytes - 1 - i)));
    }
    length += size_bytes;
  }
  std::array<std::uint8_t, 4> key{};
  if (masks != nullptr) {
    const std::uint32_t drawn = (*masks)();
    std::memcpy(key.data(), &drawn, key.size());
    std::copy(key.begin(), key.end(), header.begin() + static_cast<std::ptrdiff_t>(length));
    length += key.size();
  }
  const std::size_t start = output.size();
  output.resize(start + length + payload.size());
  std::uint8_t* const place = output.data() + start;
  std::memcpy(place, header.data(), length);
  if (!payload.empty()) {
    std::memcpy(place + length, payload.data(), payload.size());
  }
  if (masks != nullptr) {
    apply_mask({place + length, payload.size()}, key);
  }
}

/// Appends a close frame. Code 1005 is one without a code (RFC 6455, section 7.1.5).
inline void append_close_frame(std::vector<std::uint8_t>& output, CloseCode code, std::string_view reason,
                               MaskSource* masks) {
  std::array<std::uint8_t, 2 + close_reason_bytes_max> payload;  // NOLINT(*-member-init): written as far as it is used
  std::size_t length = 0;
  if (code != no_status) {
    payload[0] = static_cast<std::uint8_t>(code >> 8U);
    payload[1] = static_cast<std::uint8_t>(code & 0xffU);
    length = 2 + reason.copy(reinterpret_cast<char*>(payload.data() + 2), close_reason_bytes_max);
  }
  append_frame(output, Opcode::close, BytesView{payload}.first(length), masks);
}

}  // namespace restante::asio_detail
