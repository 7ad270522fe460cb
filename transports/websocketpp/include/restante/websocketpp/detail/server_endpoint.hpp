// The server's connections: accepts them, and brings them through the handshake.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <restante/assert.hpp>
#include <restante/websocketpp/detail/endpoint.hpp>
#include <restante/websocketpp/detail/server_handshake.hpp>
#include <restante/websocketpp/detail/tls_context.hpp>
#include <restante/websocketpp/options.hpp>

namespace restante::websocketpp_detail {

class ServerEndpoint final : public Endpoint {
  using tcp = boost::asio::ip::tcp;

 public:
  ServerEndpoint(boost::asio::io_context& context, WebsocketppServerOptions options)
      : Endpoint{context, Role::server, EndpointOptions{options}},
        server_options_{std::move(options)},
        acceptor_{context.get_executor()},
        accept_again_{context.get_executor()} {
    RESTANTE_ASSERT(server_options_.connections_max >= 1, "connections_max must be at least 1");
    RESTANTE_ASSERT(server_options_.pending_handshakes_max >= 1, "pending_handshakes_max must be at least 1");
    RESTANTE_ASSERT(server_options_.header_bytes_max >= 1 && server_options_.header_bytes_max <= 15'000,
                    "header_bytes_max must be 1 to 15,000");
    on_turn_ = std::move(server_options_.on_turn);
    if (server_options_.tls) {
      tls_.emplace(make_tls_context(*server_options_.tls));
    }
    listen();
  }

  std::string reload_tls() {
    RESTANTE_ASSERT(tls_.has_value(), "reload_tls() needs a server with TLS");
    try {
      *tls_ = make_tls_context(*server_options_.tls);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  }

  std::uint16_t port() const { return local_.port(); }

 private:
  void listen() {
    ErrorCode error;
    boost::asio::ip::basic_resolver<tcp, boost::asio::io_context::executor_type> resolver{context_.get_executor()};
    const auto found = resolver.resolve(server_options_.host, std::to_string(server_options_.port),
                                        boost::asio::ip::resolver_base::passive, error);
    if (!error) {
      local_ = found.begin()->endpoint();
      acceptor_.open(local_.protocol(), error);
    }
    if (!error) {
      acceptor_.set_option(boost::asio::socket_base::reuse_address{true}, error);
    }
    if (!error) {
      acceptor_.bind(local_, error);
    }
    if (!error) {
      acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
    }
    if (!error) {
      local_ = acceptor_.local_endpoint(error);
    }
    if (error) {
      throw std::system_error{static_cast<std::error_code>(error),
                              "cannot listen on " + server_options_.host + ":" + std::to_string(server_options_.port)};
    }
  }

  void started() override { accept(); }

  void stop_accepting() override {
    ErrorCode ignored;
    acceptor_.close(ignored);
    accept_again_.cancel();
  }

  void accept() {
    acceptor_.async_accept(
        [self = std::static_pointer_cast<ServerEndpoint>(shared_from_this())](const ErrorCode& error, Socket socket) {
          if (!self->acceptor_.is_open()) {
            return;
          }
          if (!error) {
            self->short_of_resources_ = false;
            self->turn([&] { self->admit(std::move(socket)); });
          } else if (self->is_lack(error)) {
            self->accept_later(error);
            return;
          }
          // Any other error is of the one connection that was to be accepted, and went away again.
          self->accept();
        });
  }

  static bool is_lack(const ErrorCode& error) {
    return error == boost::system::errc::too_many_files_open ||
           error == boost::system::errc::too_many_files_open_in_system ||
           error == boost::system::errc::no_buffer_space || error == boost::system::errc::not_enough_memory;
  }

  // The connection stays in the kernel's queue until there is room.
  void accept_later(const ErrorCode& error) {
    if (!std::exchange(short_of_resources_, true)) {
      warn(WebsocketppWarning::Kind::short_of_resources, "Cannot accept connections for now: " + error.message());
    }
    constexpr std::chrono::milliseconds pause_length{50};
    accept_again_.expires_after(pause_length);
    accept_again_.async_wait(
        [self = std::static_pointer_cast<ServerEndpoint>(shared_from_this())](const ErrorCode& cancelled) {
          if (!cancelled && self->acceptor_.is_open()) {
            self->accept();
          }
        });
  }

  void admit(Socket socket) {
    ErrorCode error;
    socket.non_blocking(true, error);
    socket.set_option(boost::asio::ip::tcp::no_delay{true}, error);
    if (error) {
      return;
    }
    make_room();
    Session& session = claim();
    session.socket = std::move(socket);
    if (tls_) {
      session.tls = accept_tls(*tls_, session.socket);
    }
    session.request.emplace();
    // Bodies are not taken: nobody has use for one.
    session.request->set_max_body_size(0);
    touch(session);
  }

  // Silent peers must not be able to keep others out.
  void make_room() {
    while (sessions_.used() - established_ >= server_options_.pending_handshakes_max) {
      WithDeadline* const oldest =
          timing_.handshakes.first() != nullptr ? timing_.handshakes.first() : timing_.finishings.first();
      if (oldest == nullptr) {
        return;
      }
      release(static_cast<Session&>(*oldest));
    }
  }

  void secured(Session&) override {}

  void not_secured(Session& session, const ErrorCode& error) override {
    if (is_plain_http(error)) {
      warn(WebsocketppWarning::Kind::tls_failed,
           peer_of(session) + " sent a request without TLS: on this port it has to be wss:// or https://");
      session.tls.reset();
      answer(session, http_refusal(400, "This port speaks TLS: use wss:// or https://."));
    } else {
      // That a peer went away is nothing to tell.
      if (error.category() == boost::asio::error::get_ssl_category()) {
        warn(WebsocketppWarning::Kind::tls_failed,
             "The TLS handshake with " + peer_of(session) + " failed: " + error.message());
      }
      finish(session);
    }
  }

  std::string peer_of(const Session& session) const {
    ErrorCode error;
    const tcp::endpoint peer = session.socket.remote_endpoint(error);
    return error ? "a peer that has gone" : to_text(peer);
  }

  void handshake(Session& session) override {
    const std::size_t available = session.read_end - session.read_begin;
    std::string refusal;
    constexpr std::uint8_t tls_handshake = 22;  // RFC 8446, section 5.1: no request can begin with it
    if (session.handshake_bytes == 0 && session.read_buffer[session.read_begin] == tls_handshake) {
      warn(WebsocketppWarning::Kind::tls_failed,
           peer_of(session) + " speaks TLS: on this port it has to be ws:// or http://");
      answer(session, http_refusal(400, "This port does not speak TLS: use ws:// or http://."));
      return;
    }
    try {
      const std::size_t consumed = session.request->consume(
          reinterpret_cast<const char*>(session.read_buffer.get() + session.read_begin), available);
      session.read_begin += consumed;
      session.handshake_bytes += consumed;
      if (session.handshake_bytes > server_options_.header_bytes_max) {
        refusal = http_refusal(431, "The header of the request is too large.");
      } else if (!session.request->ready()) {
        return;
      }
    } catch (const ::websocketpp::http::exception& exception) {
      refusal = http_refusal(static_cast<unsigned>(exception.m_error_code), exception.what());
    }
    if (!refusal.empty()) {
      answer(session, refusal);
      return;
    }
    const Verdict verdict =
        decide(*session.engine, *session.request, {server_options_, established_ >= server_options_.connections_max});
    session.request.reset();
    if (!verdict.warning.empty()) {
      warn(verdict.kind, verdict.warning);
    }
    answer(session, verdict.answer, verdict.upgraded);
    if (verdict.upgraded) {
      open(session, peer_of(session), verdict.protocol);
    }
  }

  void answer(Session& session, std::string_view bytes, bool goes_on = false) {
    session.output.insert(session.output.end(), bytes.begin(), bytes.end());
    if (!goes_on) {
      finish(session);
    }
  }

  void warn(WebsocketppWarning::Kind kind, const std::string& sentence) {
    if (server_options_.on_warning) {
      server_options_.on_warning({kind, sentence});
    }
  }

  WebsocketppServerOptions server_options_;
  /// For the connections to come.
  std::optional<TlsContext> tls_;
  boost::asio::basic_socket_acceptor<tcp, boost::asio::io_context::executor_type> acceptor_;
  Timer accept_again_;
  tcp::endpoint local_;
  bool short_of_resources_ = false;
};

}  // namespace restante::websocketpp_detail
