// The server's connections: brings them through the handshake.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <restante/asio/detail/acceptor.hpp>
#include <restante/asio/detail/endpoint.hpp>
#include <restante/asio/detail/server_decision.hpp>
#include <restante/asio/detail/tls_context.hpp>
#include <restante/asio/options.hpp>
#include <restante/assert.hpp>

namespace restante::asio_detail {

template <Engine E>
class ServerEndpoint final : public Endpoint<E> {
  using Base = Endpoint<E>;
  using tcp = boost::asio::ip::tcp;

 public:
  ServerEndpoint(boost::asio::io_context& context, WebSocketServerOptions options)
      : Base{context, Role::server, EndpointOptions{options}},
        server_options_{std::move(options)},
        acceptor_{context, server_options_.host, server_options_.port} {
    RESTANTE_ASSERT(server_options_.connections_max >= 1, "connections_max must be at least 1");
    RESTANTE_ASSERT(server_options_.pending_handshakes_max >= 1, "pending_handshakes_max must be at least 1");
    RESTANTE_ASSERT(server_options_.header_bytes_max >= 1 && server_options_.header_bytes_max <= 15'000,
                    "header_bytes_max must be 1 to 15,000");
    this->on_turn_ = std::move(server_options_.on_turn);
    if (server_options_.tls) {
      tls_.emplace(make_tls_context(*server_options_.tls));
    }
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

  std::uint16_t port() const { return acceptor_.port(); }

  // For the acceptor.

  void accepted(Socket socket) {
    this->turn([&] { admit(std::move(socket)); });
  }

  void short_of_resources(const std::string& sentence) { warn(WebSocketWarning::Kind::short_of_resources, sentence); }

 private:
  using Base::established_;
  using Base::sessions_;
  using Base::timing_;
  using typename Base::Session;

  void started() override { acceptor_.accept(std::static_pointer_cast<ServerEndpoint>(this->shared_from_this())); }
  void stop_accepting() override { acceptor_.stop(); }

  void admit(Socket socket) {
    socket.set_no_delay();
    make_room();
    Session& session = this->claim();
    session.handshake = std::make_unique<typename E::ServerHandshake>();
    this->attach(session, std::move(socket));
    if (tls_) {
      session.tls = accept_tls(*tls_, session.socket);
    }
  }

  // Silent peers must not be able to keep others out.
  void make_room() {
    while (sessions_.used() - established_ >= server_options_.pending_handshakes_max) {
      WithDeadline* const oldest =
          timing_.handshakes.first() != nullptr ? timing_.handshakes.first() : timing_.finishings.first();
      if (oldest == nullptr) {
        return;
      }
      this->release(static_cast<Session&>(*oldest));
    }
  }

  void secured(Session&) override {}

  void not_secured(Session& session, const ErrorCode& error) override {
    if (is_plain_http(error)) {
      warn(WebSocketWarning::Kind::tls_failed,
           peer_of(session) + " sent a request without TLS: on this port it has to be wss:// or https://");
      session.tls.reset();
      answer(session, http_refusal(400, "This port speaks TLS: use wss:// or https://."));
    } else {
      // That a peer went away is nothing to tell.
      if (error.category() == boost::asio::error::get_ssl_category()) {
        warn(WebSocketWarning::Kind::tls_failed,
             "The TLS handshake with " + peer_of(session) + " failed: " + error.message());
      }
      this->finish(session);
    }
  }

  std::string peer_of(const Session& session) const {
    ErrorCode error;
    const tcp::endpoint peer = session.socket.remote_endpoint(error);
    return error ? "a peer that has gone" : to_text(peer);
  }

  void handshake(Session& session, std::span<std::uint8_t>& bytes) override {
    constexpr std::uint8_t tls_handshake = 22;  // RFC 8446, section 5.1: no request can begin with it
    if (session.handshake_bytes == 0 && bytes.front() == tls_handshake) {
      warn(WebSocketWarning::Kind::tls_failed,
           peer_of(session) + " speaks TLS: on this port it has to be ws:// or http://");
      answer(session, http_refusal(400, "This port does not speak TLS: use ws:// or http://."));
      return;
    }
    typename E::ServerHandshake& request = *session.handshake;
    const std::size_t consumed = request.take_bytes(bytes);
    bytes = bytes.subspan(consumed);
    session.handshake_bytes += consumed;
    if (request.fault_status() != 0) {
      answer(session, http_refusal(request.fault_status(), request.fault()));
    } else if (session.handshake_bytes > server_options_.header_bytes_max) {
      answer(session, http_refusal(431, "The header of the request is too large."));
    } else if (request.complete()) {
      decided(session,
              decide(session.engine, request, {server_options_, established_ >= server_options_.connections_max}));
    }
  }

  void decided(Session& session, const Verdict& verdict) {
    session.handshake.reset();
    if (!verdict.warning.empty()) {
      warn(verdict.kind, verdict.warning);
    }
    answer(session, verdict.answer, verdict.upgraded);
    if (verdict.upgraded) {
      this->open(session, peer_of(session), verdict.protocol);
    }
  }

  void answer(Session& session, std::string_view bytes, bool goes_on = false) {
    auto& output = this->output_of(session);
    output.insert(output.end(), bytes.begin(), bytes.end());
    this->touch(session);
    if (!goes_on) {
      this->finish(session);
    }
  }

  void warn(WebSocketWarning::Kind kind, const std::string& sentence) {
    if (server_options_.on_warning) {
      server_options_.on_warning({kind, sentence});
    }
  }

  WebSocketServerOptions server_options_;
  /// For the connections to come.
  std::optional<TlsContext> tls_;
  Acceptor acceptor_;
};

}  // namespace restante::asio_detail
