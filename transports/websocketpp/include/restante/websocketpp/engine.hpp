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
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <restante/asio/detail/frame.hpp>
#include <restante/asio/engine.hpp>
#include <restante/asio/options.hpp>
#include <restante/bytes.hpp>
#include <restante/transport.hpp>

namespace restante::websocketpp_detail {

namespace opcode = ::websocketpp::frame::opcode;
using asio_detail::Frame;
using asio_detail::HandshakeTarget;
using asio_detail::MaskSource;
using asio_detail::Role;

/// What the connections of a loop have in common.
struct Shared {
  MaskSource masks;
  /// Empty, and lent to the connection that is receiving a message.
  std::string payload;
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

  explicit IncomingMessages(Shared& shared) : shared_{shared} {}

  /// Asked by websocketpp for a place to put a message. The length that the peer announced is not believed: memory is
  /// taken as bytes come.
  IncomingMessage::ptr get_message(opcode::value code, std::size_t /*announced_bytes*/) {
    IncomingMessage& message = opcode::is_control(code) ? control_ : data_;
    if (&message == &data_) {
      data_.get_raw_payload().swap(shared_.payload);
    }
    message.start(code);
    return IncomingMessage::ptr{&message};
  }

  /// Gives the memory of a message back, which must be complete. Another connection may have given its own meanwhile:
  /// of two, one is enough.
  void give_back(const IncomingMessage& message) {
    if (&message == &data_) {
      std::string& payload = data_.get_raw_payload();
      payload.clear();
      if (payload.capacity() <= kept_bytes && payload.capacity() > shared_.payload.capacity()) {
        payload.swap(shared_.payload);
      }
      std::string{}.swap(payload);
    }
  }

 private:
  static constexpr std::size_t kept_bytes = std::size_t{64} * 1024;

  Shared& shared_;
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

using Request = EngineConfig::request_type;
using Response = EngineConfig::response_type;

/// A request that a server is reading.
class ServerHandshake {
 public:
  // Bodies are not taken: nobody has use for one.
  ServerHandshake() { request_.set_max_body_size(0); }

  std::size_t take_bytes(BytesView bytes) {
    try {
      return request_.consume(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    } catch (const ::websocketpp::http::exception& exception) {
      fault_status_ = static_cast<unsigned>(exception.m_error_code);
      fault_ = exception.what();
      return bytes.size();
    }
  }

  bool complete() const { return request_.ready(); }
  unsigned fault_status() const noexcept { return fault_status_; }
  const std::string& fault() const noexcept { return fault_; }

  HttpRequest http_request() const {
    headers_.clear();
    for (const auto& [name, value] : request_.get_headers()) {
      headers_.push_back({name, value});
    }
    return {.method = request_.get_method(), .target = request_.get_uri(), .headers = headers_};
  }

  std::string_view header(std::string_view name) const { return request_.get_header(std::string{name}); }
  bool asks_for_websocket() const { return ::websocketpp::processor::is_websocket_handshake(parsed()); }

  bool version_is_spoken() const {
    constexpr int spoken = 13;
    return ::websocketpp::processor::get_websocket_version(parsed()) == spoken;
  }

  const Request& parsed() const noexcept { return request_; }

 private:
  Request request_;
  mutable std::vector<HttpHeader> headers_;
  unsigned fault_status_ = 0;
  std::string fault_;
};

/// One connection's state of RFC 6455. Older drafts are not spoken.
class Engine : private IncomingMessages, private ::websocketpp::processor::hybi13<EngineConfig> {
  using Processor = ::websocketpp::processor::hybi13<EngineConfig>;
  using Base = ::websocketpp::processor::processor<EngineConfig>;

 public:
  using Shared = websocketpp_detail::Shared;
  using ServerHandshake = websocketpp_detail::ServerHandshake;

  Engine(Role role, std::size_t message_bytes_max, Shared& shared)
      : IncomingMessages{shared},
        Processor{false, role == Role::server, static_cast<IncomingMessages*>(this), shared.masks} {
    set_max_message_size(message_bytes_max);
  }

  std::string fault_of(const ServerHandshake& handshake) const {
    const std::error_code error = Processor::validate_handshake(handshake.parsed());
    return error ? error.message() : std::string{};
  }

  std::string accept(const ServerHandshake& handshake, const std::string& subprotocol) {
    Response response;
    response.set_version("HTTP/1.1");
    response.set_status(::websocketpp::http::status_code::switching_protocols);
    Processor::process_handshake(handshake.parsed(), subprotocol, response);
    return response.raw();
  }

  void set_message_bytes_max(std::size_t message_bytes_max) { set_max_message_size(message_bytes_max); }

  bool next(std::span<std::uint8_t>& bytes, Frame& frame) {
    if (latest_ != nullptr) {
      give_back(*std::exchange(latest_, nullptr));
    }
    if (between_frames() && take_whole_message(bytes, frame)) {
      return true;
    }
    while (!bytes.empty()) {
      std::error_code error;
      bytes = bytes.subspan(Processor::consume(bytes.data(), bytes.size(), error));
      if (const CloseCode fault = fault_of(error); fault != 0) {
        return faulty(frame, fault, error.message());
      }
      if (ready()) {
        latest_ = Processor::get_message().operator->();
        describe(*latest_, frame);
        return true;
      }
    }
    return false;
  }

  std::string request(const HandshakeTarget& target) {
    const bool is_v6_number = target.host.find(':') != std::string_view::npos;
    const std::string host{target.host};
    const auto uri = std::make_shared<::websocketpp::uri>(target.secure, is_v6_number ? "[" + host + "]" : host,
                                                          target.port, std::string{target.path});
    client_ = std::make_unique<ClientHandshake>();
    Processor::client_handshake_request(client_->request, uri,
                                        {target.subprotocols.begin(), target.subprotocols.end()});
    return client_->request.raw();
  }

  std::size_t take_answer(BytesView bytes) {
    try {
      return client_->response.consume(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    } catch (const ::websocketpp::http::exception& exception) {
      client_->fault = exception.what();
      return bytes.size();
    }
  }

  bool answer_complete() const { return !client_->fault.empty() || client_->response.headers_ready(); }

  std::string answer_fault() const {
    if (!client_->fault.empty()) {
      return client_->fault;
    }
    Response& response = client_->response;
    if (const std::error_code error = validate_server_handshake_response(client_->request, response)) {
      return "the server answered with status " + std::to_string(static_cast<int>(response.get_status_code())) + ": " +
             error.message();
    }
    if (!response.get_header("Sec-WebSocket-Extensions").empty()) {
      return "the server chose an extension that was not offered";
    }
    return {};
  }

  /// Ends the handshake.
  std::string answer_subprotocol() {
    std::string protocol = client_->response.get_header("Sec-WebSocket-Protocol");
    client_.reset();
    return protocol;
  }

 private:
  struct ClientHandshake {
    Request request;
    Response response;
    std::string fault;
  };

  // The processor has nothing under way.
  bool between_frames() const noexcept {
    return m_state == HEADER_BASIC && m_bytes_needed == ::websocketpp::frame::BASIC_HEADER_LENGTH &&
           !m_data_msg.msg_ptr;
  }

  // Nearly every frame is a short binary message, whole, masked as a client has to, and in the buffer from its first
  // byte to its last. Such a one is unmasked where it stands; the processor would copy it, at five times the
  // instructions. It sees all others, and those that break a rule.
  bool take_whole_message(std::span<std::uint8_t>& bytes, Frame& frame) {
    constexpr std::uint8_t final_binary = 0x82;
    constexpr std::uint8_t masked = 0x80;
    constexpr std::size_t key_bytes = 4;
    if (bytes.size() < 2 + key_bytes || bytes[0] != final_binary || bytes[1] < masked || !Base::m_server) {
      return false;
    }
    std::size_t length = bytes[1] - masked;
    std::size_t header_bytes = 2 + key_bytes;
    if (length > 125) {
      // In two bytes, and not shorter than it would be without them; in eight it is not short.
      header_bytes += 2;
      if (length == 127 || bytes.size() < header_bytes) {
        return false;
      }
      length = std::size_t{bytes[2]} << 8U | bytes[3];
      if (length < 126) {
        return false;
      }
    }
    if (length > get_max_message_size() || bytes.size() - header_bytes < length) {
      return false;
    }
    const std::span<std::uint8_t> payload = bytes.subspan(header_bytes, length);
    asio_detail::apply_mask(payload, bytes.subspan(header_bytes - key_bytes).first<key_bytes>());
    frame = {.kind = Frame::Kind::binary, .payload = payload};
    bytes = bytes.subspan(header_bytes + length);
    return true;
  }

  // The number to close with after consume(), or 0.
  CloseCode fault_of(std::error_code& error) {
    using namespace ::websocketpp::processor;
    if (!error && m_state == APPLICATION && m_bytes_needed > get_max_message_size()) {
      // websocketpp adds up the fragments of a message, and a length near 2^64 gets past it by overflow.
      error = error::make_error_code(error::message_too_big);
    }
    if (!error && ready() && m_current_msg == &m_data_msg && m_data_msg.msg_ptr->get_opcode() == opcode::text &&
        !m_data_msg.validator.complete()) {
      // websocketpp looks for this only in messages of one frame.
      error = error::make_error_code(error::invalid_utf8);
    }
    if (!error) {
      return 0;
    }
    const auto value = static_cast<error::processor_errors>(error.value());
    // What RFC 6455, section 5.2, forbids, and websocketpp takes for its own limit.
    const bool peer_fault = value == error::non_minimal_encoding || value == error::requires_64bit;
    return peer_fault ? close_code::protocol_error : error::to_ws(error);
  }

  bool faulty(Frame& frame, CloseCode code, std::string sentence) {
    reason_ = std::move(sentence);
    frame = {.kind = Frame::Kind::fault, .code = code, .reason = reason_};
    return true;
  }

  void describe(const IncomingMessage& message, Frame& frame) {
    switch (message.get_opcode()) {
      case opcode::close:
        read_close_frame(message, frame);
        return;
      case opcode::ping:
        frame.kind = Frame::Kind::ping;
        break;
      case opcode::pong:
        frame.kind = Frame::Kind::pong;
        break;
      case opcode::text:
        frame.kind = Frame::Kind::text;
        break;
      default:
        frame.kind = Frame::Kind::binary;
        break;
    }
    frame.payload = as_bytes(message.payload());
  }

  void read_close_frame(const IncomingMessage& message, Frame& frame) {
    namespace close = ::websocketpp::close;
    std::error_code error;
    const CloseCode code = close::extract_code(message.payload(), error);
    if (error) {
      faulty(frame, close_code::protocol_error, "a close frame that RFC 6455 does not allow");
      return;
    }
    reason_ = close::extract_reason(message.payload(), error);
    if (error) {
      faulty(frame, close::status::invalid_payload, "a close frame that RFC 6455 does not allow");
      return;
    }
    frame = {.kind = Frame::Kind::close, .code = code, .reason = reason_};
  }

  /// The message that was told last, which keeps its memory until the next call.
  const IncomingMessage* latest_ = nullptr;
  std::string reason_;
  std::unique_ptr<ClientHandshake> client_;
};

static_assert(asio_detail::Engine<Engine>);

}  // namespace restante::websocketpp_detail
