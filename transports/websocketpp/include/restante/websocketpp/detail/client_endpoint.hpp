// The client's connection: makes it, and brings it through the handshake.
#pragma once

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <restante/assert.hpp>
#include <restante/websocketpp/detail/endpoint.hpp>
#include <restante/websocketpp/detail/tls_context.hpp>
#include <restante/websocketpp/options.hpp>

namespace restante::websocketpp_detail {

class ClientEndpoint final : public Endpoint {
  using tcp = boost::asio::ip::tcp;
  using Resolver = boost::asio::ip::basic_resolver<tcp, boost::asio::io_context::executor_type>;

 public:
  ClientEndpoint(boost::asio::io_context& context, WebsocketppClientOptions options)
      : Endpoint{context, Role::client, EndpointOptions{options}},
        client_options_{std::move(options)},
        resolver_{context.get_executor()} {
    if (client_options_.tls) {
      tls_.emplace(make_tls_context(*client_options_.tls));
    }
  }

  Connection open() {
    RESTANTE_ASSERT(listener_ != nullptr, "open() must come after start() and before stop()");
    RESTANTE_ASSERT(sessions_.find(current_, Phase::connecting, Phase::closing) == nullptr,
                    "open() must be called for one connection at a time");
    Session& session = claim();
    current_ = session.name;
    ErrorCode error;
    const boost::asio::ip::address address = boost::asio::ip::make_address(client_options_.host, error);
    if (!error) {
      session.socket.async_connect({address, client_options_.port},
                                   [self = self(), &session, name = current_](const ErrorCode& failure) {
                                     self->connected(session, name, failure);
                                   });
    } else {
      resolver_.async_resolve(client_options_.host, std::to_string(client_options_.port),
                              [self = self(), &session, name = current_](const ErrorCode& failure, const auto& found) {
                                self->resolved(session, name, failure, found);
                              });
    }
    schedule();
    return current_;
  }

 private:
  void stop_accepting() override { resolver_.cancel(); }

  std::shared_ptr<ClientEndpoint> self() { return std::static_pointer_cast<ClientEndpoint>(shared_from_this()); }

  void resolved(Session& session, Connection name, const ErrorCode& error, const Resolver::results_type& found) {
    if (error) {
      connected(session, name, error);
    } else if (session.name == name) {
      boost::asio::async_connect(session.socket, found,
                                 [self = self(), &session, name](const ErrorCode& failure, const tcp::endpoint&) {
                                   self->connected(session, name, failure);
                                 });
    }
  }

  void connected(Session& session, Connection name, const ErrorCode& error) {
    if (session.name != name) {
      return;
    }
    turn([&] {
      if (error) {
        fail(session, error.message());
      } else {
        start_handshake(session);
      }
    });
  }

  void fail(Session& session, std::string reason) {
    end(session, {close_code::abnormal, std::move(reason), false, false, true});
  }

  void start_handshake(Session& session) {
    ErrorCode error;
    session.socket.non_blocking(true, error);
    session.socket.set_option(tcp::no_delay{true}, error);
    if (!tls_) {
      request(session);
      return;
    }
    try {
      const std::string& name = client_options_.tls->server_name;
      session.tls = connect_tls(*tls_, session.socket, name.empty() ? client_options_.host : name);
    } catch (const std::runtime_error& failure) {
      fail(session, failure.what());
      return;
    }
    advance_tls(session);
  }

  void secured(Session& session) override { request(session); }

  void not_secured(Session& session, const ErrorCode& error) override {
    fail(session, describe_tls_failure(*session.tls, error));
  }

  void request(Session& session) {
    const bool is_v6_number = client_options_.host.find(':') != std::string::npos;
    const auto uri = std::make_shared<::websocketpp::uri>(
        tls_.has_value(), is_v6_number ? "[" + client_options_.host + "]" : client_options_.host, client_options_.port,
        client_options_.path);
    session.request.emplace();
    session.response.emplace();
    session.engine->client_handshake_request(*session.request, uri, client_options_.subprotocols);
    const std::string bytes = session.request->raw();
    session.output.insert(session.output.end(), bytes.begin(), bytes.end());
    touch(session);
  }

  void handshake(Session& session) override {
    try {
      session.read_begin +=
          session.response->consume(reinterpret_cast<const char*>(session.read_buffer.get() + session.read_begin),
                                    session.read_end - session.read_begin);
    } catch (const ::websocketpp::http::exception& exception) {
      fail(session, exception.what());
      return;
    }
    if (!session.response->headers_ready()) {
      return;
    }
    const HandshakeResponse& response = *session.response;
    if (const std::error_code error =
            session.engine->validate_server_handshake_response(*session.request, *session.response)) {
      fail(session, "the server answered with status " + std::to_string(static_cast<int>(response.get_status_code())) +
                        ": " + error.message());
      return;
    }
    const std::string protocol = response.get_header("Sec-WebSocket-Protocol");
    const auto& offered = client_options_.subprotocols;
    if (!protocol.empty() && std::find(offered.begin(), offered.end(), protocol) == offered.end()) {
      fail(session, "the server chose a subprotocol that was not offered");
      return;
    }
    if (!response.get_header("Sec-WebSocket-Extensions").empty()) {
      fail(session, "the server chose an extension that was not offered");
      return;
    }
    session.request.reset();
    session.response.reset();
    ErrorCode error;
    Endpoint::open(session, to_text(session.socket.remote_endpoint(error)), protocol);
  }

  WebsocketppClientOptions client_options_;
  std::optional<TlsContext> tls_;
  Resolver resolver_;
  Connection current_;
};

}  // namespace restante::websocketpp_detail
