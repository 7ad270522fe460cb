// A WebSocket client.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include <restante/asio/detail/client_endpoint.hpp>
#include <restante/asio/detail/context_holder.hpp>
#include <restante/asio/options.hpp>
#include <restante/bytes.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante {

/// Connects to one WebSocket server, as often as wished, one connection at a time. One thread owns it, the one that
/// runs it; wake() and stop_running() alone may be called from others.
template <asio_detail::Engine E>
class WebSocketClient : public asio_detail::ContextHolder {
 public:
  /// Throws std::runtime_error with a sentence that names the file when it cannot use the one for TLS.
  explicit WebSocketClient(WebSocketClientOptions options = {})
      : endpoint_{std::make_shared<asio_detail::ClientEndpoint<E>>(context(), std::move(options))} {}

  /// The same in a loop of the program's own, which must live longer and be run by one thread. Several clients can
  /// share one.
  explicit WebSocketClient(boost::asio::io_context& context, WebSocketClientOptions options = {})
      : ContextHolder{context},
        endpoint_{std::make_shared<asio_detail::ClientEndpoint<E>>(context, std::move(options))} {}

  ~WebSocketClient() { endpoint_->stop(); }

  // The concept ClientTransport; see restante/transport.hpp.

  Connection open() { return endpoint_->open(); }
  void start(TransportListener& listener) { endpoint_->start(listener); }
  void stop() { endpoint_->stop(); }
  std::size_t send(Connection connection, BytesView message) { return endpoint_->send(connection, message); }
  void close(Connection connection, CloseCode code, std::string_view reason) {
    endpoint_->close(connection, code, reason);
  }
  void pause(Connection connection) { endpoint_->pause(connection); }
  void resume(Connection connection) { endpoint_->resume(connection); }
  SteadyTime now() const { return endpoint_->now(); }
  void wake_at(SteadyTime time) { endpoint_->wake_at(time); }
  void wake() { endpoint_->wake(); }

 private:
  std::shared_ptr<asio_detail::ClientEndpoint<E>> endpoint_;
};

}  // namespace restante
