// Takes any bytes for a packet, from a client and from a server: what is read must be what stands there, written again
// it must be the same bytes, and what is no packet must be called so.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <variant>
#include <vector>

#include <restante/classic/codec.hpp>
#include <restante/classic/packet.hpp>

#include "expect.hpp"

namespace restante::fuzz {
namespace {

using namespace restante::classic;

bool same(BytesView first, BytesView second) {
  return std::equal(first.begin(), first.end(), second.begin(), second.end());
}

bool begins_with(BytesView bytes, std::uint8_t type, std::uint8_t code) {
  return bytes.size() >= 2 && bytes[0] == type && bytes[1] == code;
}

// From the table of docs/protocol.md.
bool is_from_client(BytesView bytes) {
  return (begins_with(bytes, 0, 0) && bytes.size() >= 3) || (begins_with(bytes, 1, 0) && bytes.size() == 3) ||
         (begins_with(bytes, 2, 1) && bytes.size() >= 5);
}

bool is_from_server(BytesView bytes) {
  if (begins_with(bytes, 2, 0)) {
    return bytes.size() >= 5 && bytes[4] != 255 && bytes.size() - 5 == bytes[4];
  }
  return bytes.size() == 3 && bytes[0] <= 1 && bytes[1] >= 1 && bytes[1] <= 3;
}

void check_malformed(const Malformed& packet, BytesView bytes) {
  expect(packet.third_byte == (bytes.size() >= 3 ? bytes[2] : 0),
         "a malformed packet is known by its third byte, or 0");
}

template <class Packets>
void check_round_trip(const Packets& decoded, BytesView bytes, bool is_packet) {
  expect(!std::holds_alternative<Malformed>(decoded) == is_packet, "exactly what the table lists is a packet");
  std::vector<std::uint8_t> room(bytes.size() + packet_bytes_max);
  std::visit(
      [&](const auto& packet) {
        if constexpr (std::is_same_v<decltype(packet), const Malformed&>) {
          check_malformed(packet, bytes);
        } else {
          expect(same(encode(packet, room), bytes), "a packet that is written again is the same bytes");
        }
      },
      decoded);
}

void check_length(BytesView bytes) {
  const ClientPacket decoded = decode_client_packet(bytes);
  if (const auto* push = std::get_if<Push>(&decoded)) {
    expect(push->length_is_valid() == (bytes[4] != 255 && bytes.size() - 5 == bytes[4]),
           "a length is valid when it is at most 254 and tells how many bytes there are");
  }
}

// What a program makes of fields is read back as these fields.
void check_fields(std::uint8_t first, std::uint8_t second, BytesView payload) {
  std::vector<std::uint8_t> room(packet_bytes_max);
  const ClientPacket push = decode_client_packet(encode(make_push(first, second, payload), room));
  const auto* pushed = std::get_if<Push>(&push);
  expect(pushed != nullptr && pushed->sender == first && pushed->receiver == second && pushed->length_is_valid() &&
             same(pushed->payload, payload),
         "a PUSH is read as it was written");
  const ServerPacket response = decode_server_packet(encode(GetResponse{first, second, payload}, room));
  const auto* got = std::get_if<GetResponse>(&response);
  expect(got != nullptr && got->id == first && got->sender == second && same(got->payload, payload),
         "a GETRESPONSE is read as it was written");
}

}  // namespace
}  // namespace restante::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace restante::fuzz;
  const restante::BytesView bytes{data, size};
  check_round_trip(restante::classic::decode_client_packet(bytes), bytes, is_from_client(bytes));
  check_round_trip(restante::classic::decode_server_packet(bytes), bytes, is_from_server(bytes));
  check_length(bytes);
  if (size >= 2) {
    check_fields(bytes[0], bytes[1], bytes.subspan(2, std::min(size - 2, restante::classic::payload_bytes_max)));
  }
  return 0;
}
