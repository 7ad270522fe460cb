// A server of restante.v2 in the hands of a test: it reads what a client asked, request by request, and says what it is
// told to say.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <restante/v2/codec.hpp>

#include "recording_transport.hpp"

namespace restante::test {

/// The far end of a client on a RecordingTransport.
class ScriptedServer {
 public:
  explicit ScriptedServer(RecordingTransport& transport) : transport_{transport} {}

  /// The connection that the client is making now stands.
  void accept(std::string_view protocol = v2::protocol_name) {
    connection_ = transport_.opening();
    read_ = 0;
    transport_.finish_opening("server", protocol);
  }

  /// Lets time pass until the client makes a connection again, which then stands.
  void accept_again() {
    ASSERT_NE(transport_.wake_time(), never);
    transport_.advance(transport_.wake_time() - transport_.now());
    ASSERT_NE(transport_.opening(), Connection{}) << "the client makes no connection";
    accept();
  }

  /// The oldest request that was not taken; the test fails where it is of another kind. Views in it stay valid.
  template <class Packet>
  Packet take() {
    const auto& sent = transport_.record(connection_).sent;
    if (read_ == sent.size()) {
      ADD_FAILURE() << "nothing was asked";
      return {};
    }
    const v2::Request request = v2::decode_request(sent[read_]);
    const auto* const packet = std::get_if<Packet>(&request);
    if (packet == nullptr) {
      ADD_FAILURE() << "another thing was asked: " << to_hex(sent[read_]);
      return {};
    }
    ++read_;
    return *packet;
  }

  /// Whether everything that was asked was taken.
  ::testing::AssertionResult nothing_more() {
    const auto& sent = transport_.record(connection_).sent;
    return read_ == sent.size() ? ::testing::AssertionSuccess()
                                : ::testing::AssertionFailure() << "asked: " << to_hex(sent[read_]);
  }

  /// Says something; the turn goes on until the next reply() or end_turn().
  template <class Packet>
  void say(const Packet& packet) {
    std::vector<std::uint8_t> bytes(70'000);
    transport_.bring(connection_, v2::encode(packet, bytes));
  }

  /// Says something, and the turn ends.
  template <class Packet>
  void reply(const Packet& packet) {
    say(packet);
    transport_.end_turn();
  }

  void refuse(v2::Tag tag, Refusal reason) { reply(v2::Refused{tag, reason}); }

  /// Takes an OPEN and answers it. `opened` needs no tag.
  v2::Open open(v2::Opened opened = usual()) {
    const auto request = take<v2::Open>();
    opened.tag = request.tag;
    reply(opened);
    return request;
  }

  /// Takes a PUSH and accepts it: its number, its receiver and its payload.
  std::string accept_push(bool duplicate = false) {
    const auto push = take<v2::Push>();
    reply(v2::Accepted{push.tag, duplicate});
    return describe(push);
  }

  static std::string describe(const v2::Push& push) {
    return std::to_string(push.sequence) + " " + std::string{as_text(push.receiver)} + " " +
           std::string{as_text(push.payload)};
  }

  static v2::Opened usual() {
    return {.epoch = 7,
            .window = 256,
            .payload_bytes_max = 65'536,
            .mailbox_messages_max = 1000,
            .mailbox_bytes_max = 1'000'000,
            .waits_max = 16,
            .resume_token = {1, 2, 3}};
  }

  Connection connection() const { return connection_; }

  /// The connection ends.
  void leave(CloseCode code = close_code::abnormal) { transport_.disconnect(connection_, code); }

 private:
  RecordingTransport& transport_;
  Connection connection_;
  std::size_t read_ = 0;
};

}  // namespace restante::test
