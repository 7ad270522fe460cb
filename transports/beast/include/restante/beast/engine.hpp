// The protocol by Boost.Beast, without its sockets, its time and its writing: bytes go in, messages and frames come
// out. See docs/adr/0007.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/beast/websocket/stream_base.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/asio/engine.hpp>
#include <restante/beast/detail/head_reader.hpp>
#include <restante/beast/detail/memory_stream.hpp>
#include <restante/beast/detail/server_handshake.hpp>
#include <restante/bytes.hpp>
#include <restante/transport.hpp>

namespace restante::beast_detail {

namespace websocket = boost::beast::websocket;
using asio_detail::Frame;
using asio_detail::HandshakeTarget;
using asio_detail::MaskSource;
using asio_detail::Role;
using boost::beast::error_code;

/// What the connections of a loop have in common.
struct Shared {
  asio_detail::MaskSource masks;
  /// Where Beast's streams have their services. Is never run.
  boost::asio::io_context context{1};
  /// Where Beast puts what it has read of a message. What is not a whole message is moved on at once, so that one is
  /// enough for all.
  std::vector<std::uint8_t> landing = std::vector<std::uint8_t>(std::size_t{16} * 1024);
  /// Empty, and lent to a connection whose message comes in several parts.
  std::string payload;
  std::array<std::uint8_t, 125> ping = {};
};

/// Whether a text, valid but for its end, ends within a character.
inline bool ends_within_a_character(std::string_view text) noexcept {
  for (std::size_t bytes = 1; bytes <= 3 && bytes <= text.size(); ++bytes) {
    const auto byte = static_cast<unsigned char>(text[text.size() - bytes]);
    if (byte >= 0xc0) {
      return bytes < (byte >= 0xf0 ? 4U : byte >= 0xe0 ? 3U : 2U);
    }
    if (byte < 0x80) {
      break;
    }
  }
  return false;
}

/// One connection's state of RFC 6455.
class Engine {
 public:
  using Shared = beast_detail::Shared;
  using ServerHandshake = beast_detail::ServerHandshake;

  Engine(Role, std::size_t message_bytes_max, Shared& shared)
      : shared_{shared}, message_bytes_max_{message_bytes_max} {}

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  std::string fault_of(const ServerHandshake& handshake) {
    std::string answer;
    const error_code error = answer_to(handshake.parsed(), {}, answer);
    return error ? error.message() : std::string{};
  }

  std::string accept(const ServerHandshake& handshake, const std::string& subprotocol) {
    std::string answer;
    answer_to(handshake.parsed(), subprotocol, answer);
    return answer;
  }

  void set_message_bytes_max(std::size_t message_bytes_max) { stream_->read_message_max(message_bytes_max); }

  bool next(std::span<std::uint8_t>& bytes, Frame& frame) {
    give_back();
    layer().give(bytes);
    while (found_ == Found::nothing) {
      if (!reading_ && !ended_) {
        read();
      } else if (!layer().run()) {
        break;
      }
    }
    bytes = bytes.last(layer().take_back().size());
    switch (std::exchange(found_, Found::nothing)) {
      case Found::nothing:
        // Nobody reads what comes after the end.
        bytes = {};
        return false;
      case Found::message:
        tell_message(frame);
        break;
      case Found::ping:
        frame = {.kind = Frame::Kind::ping, .payload = BytesView{shared_.ping}.first(ping_bytes_)};
        break;
      case Found::end:
        tell_end(frame);
        break;
    }
    return true;
  }

  std::string request(const HandshakeTarget& target) {
    client_ = std::make_unique<ClientHandshake>();
    for (const std::string_view subprotocol : target.subprotocols) {
      client_->offered.append(client_->offered.empty() ? "" : ", ").append(subprotocol);
    }
    open_stream([this](websocket::request_type& request) {
      // As RFC 6455 spells it.
      request.set(http::field::connection, "Upgrade");
      if (!client_->offered.empty()) {
        request.set(http::field::sec_websocket_protocol, client_->offered);
      }
    });
    std::string bytes;
    layer().write_to(&bytes);
    stream_->async_handshake(host_of(target), boost::beast::string_view{target.path}, [this](const error_code& error) {
      client_->error = error;
      client_->complete = true;
    });
    while (layer().run()) {
    }
    layer().write_to(nullptr);
    return bytes;
  }

  std::size_t take_answer(BytesView view) {
    HeadReader<false>& answer = client_->answer;
    const std::size_t taken = answer.take_bytes(view);
    if (answer.error() || (answer.complete() && !agrees(answer))) {
      // Beast would wait for the end of a page that nobody reads.
      client_->error = answer.error();
      client_->complete = true;
    } else if (answer.complete()) {
      layer().give(as_bytes(answer.text()));
      while (!client_->complete && layer().run()) {
      }
    }
    return taken;
  }

  bool answer_complete() const { return client_->complete; }

  std::string answer_fault() const {
    const HeadReader<false>& answer = client_->answer;
    if (client_->error) {
      return client_->error.message();
    }
    if (!agrees(answer)) {
      return "the server answered with status " + std::to_string(answer.head().result_int());
    }
    if (answer.head().count(http::field::sec_websocket_extensions) > 0) {
      return "the server chose an extension that was not offered";
    }
    return {};
  }

  /// Ends the handshake.
  std::string answer_subprotocol() {
    std::string chosen;
    const auto [begin, end] = client_->answer.head().equal_range(http::field::sec_websocket_protocol);
    for (auto field = begin; field != end; ++field) {
      chosen.append(chosen.empty() ? "" : ", ").append(as_view(field->value()));
    }
    client_.reset();
    return chosen;
  }

 private:
  // Without compression, whose state alone would take more memory than all the rest.
  using Stream = websocket::stream<MemoryStream, false>;

  enum class Found : std::uint8_t { nothing, message, ping, end };

  static constexpr std::size_t kept_bytes = std::size_t{64} * 1024;
  static constexpr std::uint32_t answer_bytes_max = 16 * 1024;

  struct ClientHandshake {
    HeadReader<false> answer{answer_bytes_max};
    /// Subprotocols, with commas between them.
    std::string offered;
    error_code error;
    bool complete = false;
  };

  struct OnRead {
    void operator()(const error_code& error, std::size_t bytes) const { engine->read_ended(error, bytes); }
    Engine* engine;
  };

  MemoryStream& layer() { return stream_->next_layer(); }

  // Asks Beast to answer a request, and appends its answer.
  error_code answer_to(const Request& request, const std::string& subprotocol, std::string& answer) {
    open_stream([&](websocket::response_type& response) {
      // Beast would say which version of it this is.
      response.set(http::field::server, "Restante");
      if (!subprotocol.empty()) {
        response.set(http::field::sec_websocket_protocol, subprotocol);
      }
    });
    error_code result;
    layer().write_to(&answer);
    stream_->async_accept(request, [&](const error_code& error) { result = error; });
    while (layer().run()) {
    }
    layer().write_to(nullptr);
    return result;
  }

  // A decorator changes a request or an answer before it is sent.
  template <class Decorator>
  void open_stream(Decorator&& decorator) {
    stream_.emplace(shared_.context);
    stream_->read_message_max(message_bytes_max_);
    stream_->set_option(websocket::stream_base::decorator{std::forward<Decorator>(decorator)});
    stream_->control_callback([this](websocket::frame_type kind, boost::beast::string_view payload) {
      if (kind == websocket::frame_type::ping) {
        ping_bytes_ = std::min(payload.size(), shared_.ping.size());
        std::copy_n(payload.begin(), ping_bytes_, shared_.ping.begin());
        found_ = Found::ping;
      }
    });
  }

  void read() {
    reading_ = true;
    stream_->async_read_some(boost::asio::buffer(shared_.landing), OnRead{this});
  }

  void read_ended(const error_code& error, std::size_t bytes) {
    reading_ = false;
    if (error) {
      ended_ = true;
      end_ = error;
      found_ = Found::end;
      return;
    }
    landed_ = bytes;
    if (!stream_->is_message_done()) {
      keep_landed();
    } else {
      found_ = Found::message;
    }
  }

  // More of the message is to come, and others need the place.
  void keep_landed() {
    if (payload_.empty()) {
      payload_.swap(shared_.payload);
    }
    payload_ += as_text(landed());
  }

  BytesView landed() const { return BytesView{shared_.landing}.first(landed_); }

  void tell_message(Frame& frame) {
    frame.kind = stream_->got_text() ? Frame::Kind::text : Frame::Kind::binary;
    frame.payload = landed();
    if (!payload_.empty()) {
      if (landed_ == 0 && frame.kind == Frame::Kind::text && ends_within_a_character(payload_)) {
        // Beast does not look at the end of a text whose last fragment is empty.
        fail(frame, websocket::error::bad_frame_payload);
        return;
      }
      payload_ += as_text(landed());
      frame.payload = as_bytes(payload_);
      told_ = true;
    }
  }

  void tell_end(Frame& frame) {
    if (end_ != websocket::error::closed) {
      fail(frame, end_);
      return;
    }
    const websocket::close_reason& reason = stream_->reason();
    const bool has_code = reason.code != websocket::close_code::none;
    frame = {.kind = Frame::Kind::close,
             .code = has_code ? reason.code : asio_detail::no_status,
             .reason = {reason.reason.data(), reason.reason.size()}};
  }

  void fail(Frame& frame, const error_code& error) {
    CloseCode code = close_code::protocol_error;
    if (error == websocket::error::message_too_big) {
      code = close_code::message_too_big;
    } else if (error == websocket::error::bad_frame_payload || error == websocket::error::bad_close_payload) {
      code = websocket::close_code::bad_payload;
    }
    sentence_ = error.message();
    frame = {.kind = Frame::Kind::fault, .code = code, .reason = sentence_};
  }

  // Takes back the memory of a message that has been told.
  void give_back() {
    if (std::exchange(told_, false)) {
      payload_.clear();
      // The larger one is kept, in one place.
      if (payload_.capacity() > shared_.payload.capacity() && payload_.capacity() <= kept_bytes) {
        payload_.swap(shared_.payload);
      }
      std::string{}.swap(payload_);
    }
  }

  static std::string host_of(const HandshakeTarget& target) {
    const bool is_v6_number = target.host.find(':') != std::string_view::npos;
    std::string host{target.host};
    if (is_v6_number) {
      host = "[" + host + "]";
    }
    const std::uint16_t usual_port = target.secure ? 443 : 80;
    return target.port == usual_port ? host : host + ":" + std::to_string(target.port);
  }

  static bool agrees(const HeadReader<false>& answer) {
    return answer.head().result() == http::status::switching_protocols;
  }

  Shared& shared_;
  const std::size_t message_bytes_max_;
  Found found_ = Found::nothing;
  /// Beast is reading.
  bool reading_ = false;
  /// Beast has read the last frame that there can be.
  bool ended_ = false;
  /// The payload was told, and is given back with the next call.
  bool told_ = false;
  std::size_t landed_ = 0;
  std::size_t ping_bytes_ = 0;
  /// Of a message that comes in several parts.
  std::string payload_;
  error_code end_;
  std::string sentence_;
  std::unique_ptr<ClientHandshake> client_;
  std::optional<Stream> stream_;
};

static_assert(asio_detail::Engine<Engine>);

}  // namespace restante::beast_detail
