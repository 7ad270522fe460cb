// Takes any bytes for a packet of restante.v2, from a client and from a server: what is read must be what stands there,
// written again it must be the same bytes, and what is no packet must be answered by its tag where it has one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include <restante/core/address_name.hpp>
#include <restante/v2/codec.hpp>
#include <restante/v2/packet.hpp>

#include "expect.hpp"

namespace restante::fuzz {
namespace {

using namespace restante::v2;

bool same(BytesView first, BytesView second) {
  return std::equal(first.begin(), first.end(), second.begin(), second.end());
}

// The number at the beginning by RFC 9000, section 16, and how many bytes it takes; nothing where there is none, or one
// that could be shorter.
std::optional<std::uint64_t> number_at(BytesView bytes, std::size_t& size) {
  if (bytes.empty()) {
    return std::nullopt;
  }
  constexpr std::uint64_t least[] = {0, 64, 16384, 1073741824};
  const unsigned form = bytes[0] / 64U;
  size = std::size_t{1} << form;
  if (bytes.size() < size) {
    return std::nullopt;
  }
  std::uint64_t number = bytes[0] % 64U;
  for (std::size_t i = 1; i < size; ++i) {
    number = number * 256 + bytes[i];
  }
  return number >= least[form] ? std::optional{number} : std::nullopt;
}

// The tag behind the code, and where it ends; 0 where there is none.
Tag tag_of(BytesView bytes, std::size_t& end) {
  std::size_t size = 0;
  const std::optional<std::uint64_t> number = bytes.empty() ? std::nullopt : number_at(bytes.subspan(1), size);
  end = 1 + size;
  return number && *number <= tag_max ? static_cast<Tag>(*number) : 0;
}

// Everything that can be written is written to exactly the room that it came from.
template <class Packets>
void check_same_again(const Packets& packets, BytesView bytes) {
  std::vector<std::uint8_t> room(bytes.size());
  std::visit(
      [&](const auto& packet) {
        if constexpr (requires { encode(packet, room); }) {
          expect(same(encode(packet, room), bytes), "what was read is written again as the same bytes");
        }
      },
      packets);
}

void check_request(BytesView bytes) {
  const Request request = decode_request(bytes);
  std::size_t tag_end = 0;
  const Tag tag = tag_of(bytes, tag_end);
  if (const auto* unreadable = std::get_if<Unreadable>(&request)) {
    const bool is_unknown = !bytes.empty() && bytes[0] >= 9 && bytes[0] <= 0x7f && tag != 0;
    expect(unreadable->tag == tag, "what is no request is answered with its tag, or 0");
    expect(unreadable->reason == (is_unknown ? Refusal::unknown_operation : Refusal::malformed),
           "an unknown request is called so where it has a tag, and everything else malformed");
    return;
  }
  expect(bytes[0] == request.index() && tag != 0, "a request is what its code says, and has a tag");
  check_same_again(request, bytes);
}

void check_reply(BytesView bytes) {
  const Reply reply = decode_reply(bytes);
  if (std::holds_alternative<UnreadableReply>(reply)) {
    return;
  }
  std::size_t tag_end = 0;
  const Tag tag = tag_of(bytes, tag_end);
  const bool is_refused = bytes[0] == 0xff;
  expect(is_refused ? std::holds_alternative<Refused>(reply) : bytes[0] == 0x80 + reply.index(),
         "a reply is what its code says");
  expect(is_refused || tag != 0, "only what was refused can be without a tag");
  // What a newer server may add is read and never written.
  std::vector<std::uint8_t> known{bytes.begin(), bytes.end()};
  if (is_refused) {
    known.resize(tag_end + 1);
  } else if (std::holds_alternative<Opened>(reply) || std::holds_alternative<Accepted>(reply)) {
    known[tag_end] &= 1U;
  }
  check_same_again(reply, known);
}

// A name is of one kind, whatever it is a part of.
void check_name(BytesView bytes) {
  const NameKind kind = kind_of_name(bytes);
  expect((kind == NameKind::classic) == (classic_id_of(bytes) >= 0), "a classic id is a name of this kind");
  expect(kind != NameKind::room || bytes[0] == '#', "a room begins with #");
  expect(kind == NameKind::bad || (!bytes.empty() && bytes.size() <= name_bytes_max), "a name has 1 to 64 bytes");
}

}  // namespace
}  // namespace restante::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const restante::BytesView bytes{data, size};
  restante::fuzz::check_request(bytes);
  restante::fuzz::check_reply(bytes);
  restante::fuzz::check_name(bytes);
  return 0;
}
