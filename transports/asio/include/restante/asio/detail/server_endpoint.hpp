// The connections of one loop of a server: brings them through the handshake.
#pragma once

#include <atomic>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <restante/asio/detail/endpoint.hpp>
#include <restante/asio/detail/server_decision.hpp>
#include <restante/asio/detail/tls_context.hpp>
#include <restante/asio/options.hpp>

namespace restante::asio_detail {

/// What the loops of a server have in common.
struct ServerShared {
  explicit ServerShared(WebSocketServerOptions server_options) : options{std::move(server_options)} {}

  /// Counts one more, unless there are as many as may be.
  bool enter() noexcept {
    if (established.fetch_add(1, std::memory_order_relaxed) < options.connections_max) {
      return true;
    }
    leave();
    return false;
  }

  void leave() noexcept { established.fetch_sub(1, std::memory_order_relaxed); }

  WebSocketServerOptions options;
  /// What the listener speaks, from the start on.
  std::span<const Protocol> protocols;
  /// Connections that are open or closing.
  std::atomic<std::size_t> established = 0;
};

template <Engine E>
class ServerEndpoint final : public Endpoint<E> {
  using Base = Endpoint<E>;
  using tcp = boost::asio::ip::tcp;

 public:
  ServerEndpoint(boost::asio::io_context& context, std::shared_ptr<ServerShared> shared, LoopPlace place)
      : Base{context, Role::server, EndpointOptions{shared->options}, place}, shared_{std::move(shared)} {
    if (shared_->options.on_turn) {
      this->on_turn_ = &shared_->options.on_turn;
    }
  }

  /// Between these two nothing of another loop is reported.
  void share_listener(Callback<void()> before_report, Callback<void()> after_report) {
    this->before_report_ = std::move(before_report);
    this->after_report_ = std::move(after_report);
  }

  /// For the connections to come.
  void use_tls(std::shared_ptr<TlsContext> context) { tls_ = std::move(context); }

  void accepted(Socket socket) {
    this->turn([&] { admit(std::move(socket)); });
  }

  /// Has a turn, in which the listener can say what it has to say.
  void take_turn() {
    if (!this->stopped_) {
      this->turn([&] { this->begin_report(); });
    }
  }

  void short_of_resources(const std::string& sentence) {
    this->turn([&] { warn(WebSocketWarning::Kind::short_of_resources, sentence); });
  }

 private:
  using Base::established_;
  using Base::sessions_;
  using Base::timing_;
  using typename Base::Session;

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
    const std::size_t loops = this->place_.count;
    const std::size_t pending_max = (shared_->options.pending_handshakes_max + loops - 1) / loops;
    while (sessions_.used() - established_ >= pending_max) {
      WithDeadline* const oldest =
          timing_.handshakes.first() != nullptr ? timing_.handshakes.first() : timing_.finishings.first();
      if (oldest == nullptr) {
        return;
      }
      this->release(static_cast<Session&>(*oldest));
    }
  }

  void left() noexcept override { shared_->leave(); }

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
    } else if (session.handshake_bytes > shared_->options.header_bytes_max) {
      answer(session, http_refusal(431, "The header of the request is too large."));
    } else if (request.complete()) {
      decide_about(session, request);
    }
  }

  void decide_about(Session& session, const typename E::ServerHandshake& request) {
    const bool entered = shared_->enter();
    const Verdict verdict = decide(session.engine, request, {shared_->options, shared_->protocols, !entered});
    session.handshake.reset();
    if (!verdict.warning.empty()) {
      warn(verdict.kind, verdict.warning);
    }
    answer(session, verdict.answer, verdict.upgraded);
    if (verdict.upgraded) {
      this->open(session, peer_of(session), verdict.protocol);
    } else if (entered) {
      shared_->leave();
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
    if (shared_->options.on_warning) {
      this->begin_report();
      shared_->options.on_warning({kind, sentence});
    }
  }

  std::shared_ptr<ServerShared> shared_;
  std::shared_ptr<TlsContext> tls_;
};

}  // namespace restante::asio_detail
