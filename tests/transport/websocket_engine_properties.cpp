// What comes out of an engine depends on the bytes of a peer and not on how the kernel cut them. The shortcuts that an
// engine takes when a whole frame is at hand are compared with the long way in this way: bytes that come one by one
// never are a whole frame.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>

#include "transport_under_test.hpp"
#include "websocket_frames.hpp"

namespace restante::test {

void showValue(const Frame& frame, std::ostream& stream) {
  stream << (frame.final ? "" : "unfinished ") << (frame.masked ? "" : "unmasked ") << "opcode " << frame.opcode
         << ", reserved " << frame.reserved << ", " << frame.payload.size() << " bytes, the length in "
         << frame.length_bytes.value_or(-1) << ", payload " << frame.payload.substr(0, 8) << "…"
         << (frame.payload.ends_with('\xc3') ? " with a broken end" : "");
}

namespace {

using Kind = asio_detail::Frame::Kind;

/// What an engine said, kept.
struct Told {
  Kind kind = Kind::binary;
  std::string payload;
  CloseCode code = 0;
  friend bool operator==(const Told&, const Told&) = default;
};

std::ostream& operator<<(std::ostream& stream, const Told& told) {
  return stream << "kind " << static_cast<int>(told.kind) << ", code " << told.code << ", " << told.payload.size()
                << " bytes";
}

constexpr std::size_t message_bytes_max = 400;

/// What an engine makes of bytes that come in pieces of these sizes, again and again; up to the end of the connection.
std::vector<Told> listen_to(std::string bytes, const std::vector<std::size_t>& pieces) {
  TestedEngine::Shared shared;
  TestedEngine engine{asio_detail::Role::server, message_bytes_max, shared};
  TestedEngine::ServerHandshake handshake;
  const std::string request =
      "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n";
  handshake.take_bytes(as_bytes(request));
  RC_ASSERT(handshake.complete());
  engine.accept(handshake, "");
  std::vector<Told> result;
  std::size_t begin = 0;
  for (std::size_t piece = 0; begin < bytes.size(); ++piece) {
    const std::size_t size = std::min(bytes.size() - begin, pieces[piece % pieces.size()]);
    std::span<std::uint8_t> rest{reinterpret_cast<std::uint8_t*>(bytes.data()) + begin, size};
    begin += size;
    asio_detail::Frame frame;
    while (engine.next(rest, frame)) {
      const bool carries = frame.kind != Kind::close && frame.kind != Kind::fault;
      result.push_back({frame.kind, carries ? std::string{frame.payload.begin(), frame.payload.end()} : std::string{},
                        carries ? CloseCode{0} : frame.code});
      if (!carries) {
        return result;
      }
    }
    RC_ASSERT(rest.empty());
  }
  return result;
}

/// Mostly messages as clients send them, now and then any other frame, and frames that break a rule.
rc::Gen<Frame> any_frame() {
  return rc::gen::exec([] {
    Frame frame;
    frame.opcode = *rc::gen::weightedElement<unsigned>({{60, 2}, {2, 0}, {2, 1}, {6, 9}, {3, 10}, {1, 8}, {1, 3}});
    const auto size = *rc::gen::weightedOneOf<std::size_t>({{4, rc::gen::inRange<std::size_t>(0, 80)},
                                                            {4, rc::gen::inRange<std::size_t>(0, 4)},
                                                            {2, rc::gen::inRange<std::size_t>(120, 132)},
                                                            {1, rc::gen::inRange<std::size_t>(390, 410)}});
    frame.payload = *rc::gen::container<std::string>(size, rc::gen::inRange<char>(' ', '~'));
    if (!frame.payload.empty()) {
      // Where a text ends in what is no UTF-8.
      frame.payload.back() = *rc::gen::weightedElement<char>({{4, 'x'}, {1, '\xc3'}});
    }
    frame.final = *rc::gen::weightedElement<bool>({{40, true}, {1, false}});
    frame.masked = *rc::gen::weightedElement<bool>({{120, true}, {1, false}});
    frame.reserved = *rc::gen::weightedElement<unsigned>({{120, 0}, {1, 4}});
    if (frame.payload.size() <= 0xffff) {
      frame.length_bytes = *rc::gen::weightedElement<std::optional<int>>(
          {{60, std::nullopt}, {1, 8}, {1, frame.payload.size() > 125 ? std::optional<int>{} : 2}});
    }
    // Keys that look like headers.
    for (unsigned char& byte : frame.key) {
      byte = *rc::gen::element<unsigned char>(0x12, 0x82, 0x80, 0xfe);
    }
    return frame;
  });
}

RC_GTEST_PROP(EveryEngine, SaysTheSameHoweverTheBytesAreCut, ()) {
  const auto frames = *rc::gen::container<std::vector<Frame>>(any_frame()).as("frames");
  std::string bytes;
  for (const Frame& frame : frames) {
    bytes += encode(frame);
  }
  const auto pieces =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 300)))
           .as("sizes of pieces");
  const std::vector<Told> one_by_one = listen_to(bytes, {1});
  RC_ASSERT(listen_to(bytes, {std::max<std::size_t>(bytes.size(), 1)}) == one_by_one);
  RC_ASSERT(listen_to(bytes, pieces) == one_by_one);
  RC_CLASSIFY(!one_by_one.empty() && one_by_one.back().kind == Kind::fault, "broke a rule");
  RC_CLASSIFY(one_by_one.size() > 3, "more than three");
}

}  // namespace
}  // namespace restante::test
