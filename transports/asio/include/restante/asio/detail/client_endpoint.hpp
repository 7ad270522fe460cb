// The client's connection: makes it, and brings it through the handshake.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <restante/asio/detail/endpoint.hpp>
#include <restante/asio/detail/tls_context.hpp>
#include <restante/asio/options.hpp>
#include <restante/assert.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

template <Engine E>
class ClientEndpoint final : public Endpoint<E> {
  using Base = Endpoint<E>;
  using tcp = boost::asio::ip::tcp;
  using Executor = boost::asio::io_context::executor_type;
  using Resolver = boost::asio::ip::basic_resolver<tcp, Executor>;

 public:
  ClientEndpoint(boost::asio::io_context& context, WebSocketClientOptions options)
      : Base{context, Role::client, EndpointOptions{options}},
        client_options_{std::move(options)},
        resolver_{context.get_executor()},
        outgoing_{context.get_executor()} {
    if (client_options_.tls) {
      tls_.emplace(make_tls_context(*client_options_.tls));
    }
  }

  Connection open() {
    RESTANTE_ASSERT(this->listener_ != nullptr, "open() must come after start() and before stop()");
    RESTANTE_ASSERT(sessions_.find(current_, Phase::connecting, Phase::closing) == nullptr,
                    "open() must be called for one connection at a time");
    current_ = this->claim().name;
    // What an attempt before it left behind.
    ErrorCode error;
    outgoing_.close(error);
    const boost::asio::ip::address address = boost::asio::ip::make_address(client_options_.host, error);
    if (!error) {
      outgoing_.async_connect(
          {address, client_options_.port},
          [self = self(), name = current_](const ErrorCode& failure) { self->connected(name, failure); });
    } else {
      resolver_.async_resolve(client_options_.host, std::to_string(client_options_.port),
                              [self = self(), name = current_](const ErrorCode& failure, const auto& found) {
                                self->resolved(name, failure, found);
                              });
    }
    this->schedule();
    return current_;
  }

 private:
  using Base::sessions_;
  using typename Base::Session;

  void started() override { protocols_ = protocols_of(*this->listener_); }

  void stop_accepting() override {
    resolver_.cancel();
    ErrorCode ignored;
    outgoing_.close(ignored);
  }

  std::shared_ptr<ClientEndpoint> self() { return std::static_pointer_cast<ClientEndpoint>(this->shared_from_this()); }

  void resolved(Connection name, const ErrorCode& error, const typename Resolver::results_type& found) {
    if (error) {
      connected(name, error);
    } else if (find_connecting(name) != nullptr) {
      boost::asio::async_connect(
          outgoing_, found,
          [self = self(), name](const ErrorCode& failure, const tcp::endpoint&) { self->connected(name, failure); });
    }
  }

  Session* find_connecting(Connection name) const { return sessions_.find(name, Phase::connecting, Phase::connecting); }

  void connected(Connection name, ErrorCode error) {
    Session* const session = find_connecting(name);
    if (session == nullptr) {
      if (name == current_) {
        // Nobody waits for it any more.
        ErrorCode ignored;
        outgoing_.close(ignored);
      }
      return;
    }
    this->turn([&] {
      const int descriptor = error ? -1 : outgoing_.release(error);
      if (error) {
        fail(*session, error.message());
      } else {
        start_handshake(*session, Socket{descriptor});
      }
    });
  }

  void fail(Session& session, std::string reason) {
    this->end(session, {close_code::abnormal, std::move(reason), false, false, true});
  }

  void start_handshake(Session& session, Socket socket) {
    socket.set_no_delay();
    this->attach(session, std::move(socket));
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
    this->read(session);
  }

  void secured(Session& session) override { request(session); }

  void not_secured(Session& session, const ErrorCode& error) override {
    fail(session, describe_tls_failure(*session.tls, error));
  }

  void request(Session& session) {
    const std::string bytes = session.engine.request(
        {tls_.has_value(), client_options_.host, client_options_.port, client_options_.path, names_of(protocols_)});
    auto& output = this->output_of(session);
    output.insert(output.end(), bytes.begin(), bytes.end());
    this->touch(session);
  }

  void handshake(Session& session, std::span<std::uint8_t>& bytes) override {
    bytes = bytes.subspan(session.engine.take_answer(bytes));
    if (!session.engine.answer_complete()) {
      return;
    }
    if (std::string fault = session.engine.answer_fault(); !fault.empty()) {
      fail(session, std::move(fault));
      return;
    }
    const std::string chosen = session.engine.answer_subprotocol();
    const Protocol* const protocol = find_protocol(protocols_, chosen);
    if (!chosen.empty() && protocol == nullptr) {
      fail(session, "the server chose a subprotocol that was not offered");
      return;
    }
    ErrorCode error;
    this->Base::open(session, to_text(session.socket.remote_endpoint(error)), protocol);
  }

  WebSocketClientOptions client_options_;
  /// What the listener speaks.
  std::span<const Protocol> protocols_;
  std::optional<TlsContext> tls_;
  Resolver resolver_;
  /// While it is being connected.
  boost::asio::basic_stream_socket<tcp, Executor> outgoing_;
  Connection current_;
};

}  // namespace restante::asio_detail
