// Where a Messenger writes replies of restante.v2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/v2/codec.hpp>

namespace restante::detail {

/// Room for one reply at a time, to begin with for those without a payload.
class AnswerBuffer {
 public:
  /// Makes room for replies with so long a payload, or list of members, in bytes. There is never less than there was.
  void fit(std::size_t payload_bytes_max) {
    if (payload_bytes_max > payload_bytes_max_) {
      buffer_.resize(payload_bytes_max + v2::packet_bytes_beyond_payload);
      payload_bytes_max_ = payload_bytes_max;
    }
  }

  /// Writes a reply, which is there until the next one is written. That there is no room for it fails an assertion.
  template <class Packet>
  [[gnu::always_inline]] BytesView write(const Packet& packet) {
    return v2::payload_bytes(packet) <= payload_bytes_max_ ? v2::encode_in_room(packet, buffer_)
                                                           : v2::encode(packet, buffer_);
  }

 private:
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(v2::packet_bytes_beyond_payload);
  std::size_t payload_bytes_max_ = 0;
};

}  // namespace restante::detail
