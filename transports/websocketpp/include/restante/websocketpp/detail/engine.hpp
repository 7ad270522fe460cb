// The protocol engine of websocketpp, without its connections, its endpoints and its memory: bytes go in, messages and
// frames come out. See docs/adr/0002.
#pragma once

#include <websocketpp/extensions/permessage_deflate/disabled.hpp>
#include <websocketpp/frame.hpp>
#include <websocketpp/http/request.hpp>
#include <websocketpp/http/response.hpp>
#include <websocketpp/processors/hybi13.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/transport.hpp>

namespace restante::websocketpp_detail {

namespace opcode = ::websocketpp::frame::opcode;

/// Gives the keys that a client masks its frames with, and the key of its handshake.
class MaskSource {
 public:
  std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }

 private:
  static std::mt19937 seeded() {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937{seed};
  }

  std::mt19937 engine_ = seeded();
};

/// A message or control frame that is being received. Names as websocketpp asks for them.
class IncomingMessage {
 public:
  /// Names a message that belongs to the engine. websocketpp expects a counting pointer here; nothing needs counting.
  class ptr {
   public:
    ptr() = default;
    explicit ptr(IncomingMessage* message) noexcept : message_{message} {}
    explicit operator bool() const noexcept { return message_ != nullptr; }
    IncomingMessage* operator->() const noexcept { return message_; }
    void reset() noexcept { message_ = nullptr; }

   private:
    IncomingMessage* message_ = nullptr;
  };

  void start(opcode::value code) {
    opcode_ = code;
    payload_.clear();
  }

  opcode::value get_opcode() const noexcept { return opcode_; }
  std::string& get_raw_payload() noexcept { return payload_; }
  const std::string& payload() const noexcept { return payload_; }
  bool get_compressed() const noexcept { return false; }
  void set_compressed(bool) noexcept {}

  // The engine can also make frames in messages; ours are made by append_frame(), without a copy.
  bool get_fin() const noexcept { return true; }
  void set_header(const std::string&) noexcept {}
  void set_prepared(bool) noexcept {}
  void set_opcode(opcode::value code) noexcept { opcode_ = code; }

 private:
  std::string payload_;
  opcode::value opcode_ = opcode::continuation;
};

/// The two messages that can be under way at once: a control frame may come between the fragments of a message.
class IncomingMessages {
 public:
  using ptr = IncomingMessages*;

  /// Asked by websocketpp for a place to put a message. The length that the peer announced is not believed: memory is
  /// taken as bytes come.
  IncomingMessage::ptr get_message(opcode::value code, std::size_t /*announced_bytes*/) {
    IncomingMessage& message = opcode::is_control(code) ? control_ : data_;
    message.start(code);
    return IncomingMessage::ptr{&message};
  }

  /// Gives memory back that an unusually long message took. None may be under way.
  void release_memory(std::size_t keep_bytes) {
    if (data_.get_raw_payload().capacity() > keep_bytes) {
      std::string{}.swap(data_.get_raw_payload());
    }
  }

 private:
  IncomingMessage data_;
  IncomingMessage control_;
};

/// What websocketpp's processor is told about its surroundings.
struct EngineConfig {
  using request_type = ::websocketpp::http::parser::request;
  using response_type = ::websocketpp::http::parser::response;
  using message_type = IncomingMessage;
  using con_msg_manager_type = IncomingMessages;
  using rng_type = MaskSource;
  struct permessage_deflate_config {
    using request_type = ::websocketpp::http::parser::request;
  };
  using permessage_deflate_type = ::websocketpp::extensions::permessage_deflate::disabled<permessage_deflate_config>;
  static constexpr bool enable_extensions = false;
  static constexpr std::size_t max_message_size = std::size_t{64} * 1024;
};

using HandshakeRequest = EngineConfig::request_type;
using HandshakeResponse = EngineConfig::response_type;

enum class Role : std::uint8_t { server, client };

/// One connection's state of RFC 6455. Older drafts are not spoken.
class Engine : private IncomingMessages, private ::websocketpp::processor::hybi13<EngineConfig> {
  using Processor = ::websocketpp::processor::hybi13<EngineConfig>;

 public:
  Engine(Role role, std::size_t message_bytes_max, MaskSource& masks)
      : Processor{false, role == Role::server, static_cast<IncomingMessages*>(this), masks} {
    set_max_message_size(message_bytes_max);
  }

  using Processor::client_handshake_request;
  using Processor::extract_subprotocols;
  using Processor::get_version;
  using Processor::process_handshake;
  using Processor::validate_handshake;
  using Processor::validate_server_handshake_response;

  /// Takes bytes, up to the end of the next message, and gives how many it took. They are changed in place. After an
  /// error the connection cannot go on.
  std::size_t take_bytes(std::span<std::uint8_t> bytes, std::error_code& error) {
    const std::size_t consumed = Processor::consume(bytes.data(), bytes.size(), error);
    if (!error && m_state == APPLICATION && m_bytes_needed > get_max_message_size()) {
      // websocketpp adds up the fragments of a message, and a length near 2^64 gets past it by overflow.
      error = ::websocketpp::processor::error::make_error_code(::websocketpp::processor::error::message_too_big);
    }
    if (!error && ready() && m_current_msg == &m_data_msg && m_data_msg.msg_ptr->get_opcode() == opcode::text &&
        !m_data_msg.validator.complete()) {
      // websocketpp looks for this only in messages of one frame.
      error = ::websocketpp::processor::error::make_error_code(::websocketpp::processor::error::invalid_utf8);
    }
    return consumed;
  }

  /// The message that take_bytes() completed, valid until its next call, or nullptr.
  const IncomingMessage* take_message() {
    IncomingMessage::ptr message = get_message();
    return message ? message.operator->() : nullptr;
  }

  using IncomingMessages::release_memory;

  /// The number to close with after an error of take_bytes().
  static CloseCode close_code_of(const std::error_code& error) {
    using namespace ::websocketpp::processor;
    const auto value = static_cast<error::processor_errors>(error.value());
    // What RFC 6455, section 5.2, forbids, and websocketpp takes for its own limit.
    const bool peer_fault = value == error::non_minimal_encoding || value == error::requires_64bit;
    return peer_fault ? close_code::protocol_error : error::to_ws(error);
  }

 private:
  using Processor::get_message;
};

/// Appends a whole frame to `output`. A client masks what it sends, with a key from `masks`; for a server it is
/// nullptr.
inline void append_frame(std::vector<std::uint8_t>& output, opcode::value code, BytesView payload, MaskSource* masks) {
  namespace frame = ::websocketpp::frame;
  const bool masked = masks != nullptr;
  frame::masking_key_type key;
  key.i = masked ? (*masks)() : 0;
  const frame::basic_header basic{code, payload.size(), true, masked};
  const frame::extended_header extended =
      masked ? frame::extended_header{payload.size(), key.i} : frame::extended_header{payload.size()};
  // At most 14 characters, which std::string holds without asking for memory.
  const std::string header = frame::prepare_header(basic, extended);
  output.insert(output.end(), header.begin(), header.end());
  const std::size_t start = output.size();
  output.insert(output.end(), payload.begin(), payload.end());
  if (masked) {
    frame::byte_mask(output.begin() + static_cast<std::ptrdiff_t>(start), output.end(), key);
  }
}

/// Appends a close frame. Code 1005 is one without a code (RFC 6455, section 7.1.5).
inline void append_close_frame(std::vector<std::uint8_t>& output, CloseCode code, std::string_view reason,
                               MaskSource* masks) {
  std::uint8_t payload[125];
  std::size_t length = 0;
  if (code != ::websocketpp::close::status::no_status) {
    payload[0] = static_cast<std::uint8_t>(code >> 8);
    payload[1] = static_cast<std::uint8_t>(code & 0xff);
    length = 2 + reason.copy(reinterpret_cast<char*>(payload + 2), sizeof payload - 2);
  }
  append_frame(output, opcode::close, BytesView{payload, length}, masks);
}

/// What a peer's close frame says.
struct PeerClose {
  CloseCode code = ::websocketpp::close::status::no_status;
  std::string reason;
  /// Not 0 when the frame breaks the protocol: the code to close with instead.
  CloseCode fault = 0;
};

inline PeerClose read_close_frame(const IncomingMessage& message) {
  namespace close = ::websocketpp::close;
  PeerClose result;
  std::error_code error;
  result.code = close::extract_code(message.payload(), error);
  if (error) {
    result.fault = close_code::protocol_error;
    return result;
  }
  result.reason = close::extract_reason(message.payload(), error);
  if (error) {
    result.fault = close::status::invalid_payload;
    result.reason.clear();
  }
  return result;
}

}  // namespace restante::websocketpp_detail
