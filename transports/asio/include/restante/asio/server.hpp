// A WebSocket server.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <restante/asio/detail/context_holder.hpp>
#include <restante/asio/detail/server_endpoint.hpp>
#include <restante/asio/options.hpp>
#include <restante/bytes.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante {

/// Serves WebSocket connections, and plain HTTP requests on the same port if wished. One thread owns it, the one that
/// runs it; wake() and stop_running() alone may be called from others.
///
///     restante::WebSocketServer transport{{.host = "127.0.0.1", .port = 12345}};
///     restante::Messenger messenger{transport};
///     transport.run();
template <asio_detail::Engine E>
class WebSocketServer : public asio_detail::ContextHolder {
 public:
  /// Listens at once, and accepts connections from start() on. Throws std::system_error when it cannot listen:
  /// std::errc::address_in_use when another program has the port. Throws std::runtime_error with a sentence that names
  /// the file when it cannot use the files for TLS.
  explicit WebSocketServer(WebSocketServerOptions options = {})
      : endpoint_{std::make_shared<asio_detail::ServerEndpoint<E>>(context(), std::move(options))} {}

  /// The same in a loop of the program's own, which must live longer and be run by one thread.
  explicit WebSocketServer(boost::asio::io_context& context, WebSocketServerOptions options = {})
      : ContextHolder{context},
        endpoint_{std::make_shared<asio_detail::ServerEndpoint<E>>(context, std::move(options))} {}

  ~WebSocketServer() { endpoint_->stop(); }

  /// The port that it listens on.
  std::uint16_t port() const { return endpoint_->port(); }

  /// Reads the files for TLS again, for the connections to come; those that there are go on as they are. Gives a
  /// sentence that says what is wrong with a file, and then everything stays as it was; an empty one where all went
  /// well. The options must have asked for TLS.
  [[nodiscard]] std::string reload_tls() { return endpoint_->reload_tls(); }

  /// Accepts no connection any more and closes those there are with 1001. When the last is gone, at the latest after
  /// twice the close timeout, run() returns.
  void shut_down() {
    endpoint_->shut_down([this] { finish(); });
  }

  // The concept Transport; see restante/transport.hpp.

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
  std::shared_ptr<asio_detail::ServerEndpoint<E>> endpoint_;
};

}  // namespace restante
