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
#include <restante/asio/detail/server_loops.hpp>
#include <restante/asio/options.hpp>
#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante {

/// Serves WebSocket connections, and plain HTTP requests on the same port if wished. One thread owns it, the one that
/// runs it; wake() and stop_running() alone may be called from others. With `threads` in the options, run() starts more
/// of them, and what calls the listener or the concept's functions from elsewhere does so in exclusively().
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
      : loops_{std::make_shared<asio_detail::ServerLoops<E>>(context(), std::move(options))} {}

  /// The same in a loop of the program's own, which must live longer and be run by one thread. The options must ask for
  /// no other.
  explicit WebSocketServer(boost::asio::io_context& context, WebSocketServerOptions options = {})
      : ContextHolder{context}, loops_{std::make_shared<asio_detail::ServerLoops<E>>(context, std::move(options))} {
    RESTANTE_ASSERT(loops_->alone(), "a server in a loop of the program's own has one thread");
  }

  ~WebSocketServer() { loops_->stop(); }

  /// Serves until stop_running(), or to the end of a shut-down, with as many threads as the options say; when it
  /// returns, all but the one that called it have ended.
  void run() {
    loops_->run_others();
    ContextHolder::run();
    loops_->stop_others();
  }

  /// Does what can be done without waiting. Gives how many things that were. Only for a server with one thread.
  std::size_t poll() {
    RESTANTE_ASSERT(loops_->alone(), "a server with several threads must be run with run()");
    return ContextHolder::poll();
  }

  /// Waits until there is something to do, for at most `duration`, and does it. Gives how many things that were, 0
  /// or 1. Only for a server with one thread.
  std::size_t run_one_for(Duration duration) {
    RESTANTE_ASSERT(loops_->alone(), "a server with several threads must be run with run()");
    return ContextHolder::run_one_for(duration);
  }

  /// Calls `work` while no thread calls the listener. Must not be called by the listener, which has no need of it.
  template <class Work>
  void exclusively(Work&& work) {
    loops_->exclusively(std::forward<Work>(work));
  }

  /// How long threads held each other up; all zeros with one thread. May be called from any thread.
  LockTimes lock_times() const noexcept { return loops_->lock_times(); }

  /// The port that it listens on.
  std::uint16_t port() const { return loops_->port(); }

  /// Reads the files for TLS again, for the connections to come; those that there are go on as they are. Gives a
  /// sentence that says what is wrong with a file, and then everything stays as it was; an empty one where all went
  /// well. The options must have asked for TLS.
  [[nodiscard]] std::string reload_tls() { return loops_->reload_tls(); }

  /// Accepts no connection any more and closes those there are with 1001. When the last is gone, at the latest after
  /// twice the close timeout, run() returns.
  void shut_down() {
    loops_->shut_down([this] { finish(); });
  }

  // The concept Transport; see restante/transport.hpp.

  void start(TransportListener& listener) { loops_->start(listener); }
  void stop() { loops_->stop(); }
  std::size_t send(Connection connection, BytesView message) { return loops_->send(connection, message); }
  void close(Connection connection, CloseCode code, std::string_view reason) {
    loops_->close(connection, code, reason);
  }
  void pause(Connection connection) { loops_->pause(connection); }
  void resume(Connection connection) { loops_->resume(connection); }
  SteadyTime now() const { return loops_->now(); }
  void wake_at(SteadyTime time) { loops_->wake_at(time); }
  void wake() { loops_->wake(); }

 private:
  std::shared_ptr<asio_detail::ServerLoops<E>> loops_;
};

}  // namespace restante
