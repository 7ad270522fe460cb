// A connection of the command line to a server, from connecting to the exit code.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <restante/client.hpp>
#include <restante/websocketpp/client.hpp>

#include "output.hpp"
#include "url.hpp"

namespace restante::cli {

struct SessionOptions {
  Url server;
  /// A file of certificates of authorities that are trusted, with TLS; empty for those that the system trusts.
  std::string ca_file = {};
  /// How long connecting, and then each reply, may take.
  std::chrono::seconds timeout{10};
  /// Whether a connection that breaks is made again, for commands that go on until they are told to stop.
  bool reconnect = false;
};

/// Runs the loop of a command. Not thread safe.
class Session {
 public:
  Session(SessionOptions options, const Output& output);

  /// Connects, claims `id`, calls `work` once it is held, and runs until finish(). Gives the exit code. An interrupt
  /// (SIGINT, SIGTERM) finishes with `done`.
  int run(classic::ClientId id, std::function<void()> work);

  /// Ends run() with an exit code, after the connection was closed properly.
  void finish(ExitCode code);

  /// Ends run() and says why.
  void fail(std::string_view sentence, ExitCode code = failed);

  /// Calls `work` after a time, unless the session has finished.
  void after(std::chrono::steady_clock::duration time, std::function<void()> work);

  Client<WebsocketppClient>& client() noexcept { return client_; }
  boost::asio::io_context& context() noexcept { return context_; }
  const Output& output() const noexcept { return output_; }
  bool finished() const noexcept { return exit_code_.has_value(); }

 private:
  ClientOptions client_options();
  void told(const ClientEvent& event);
  void connected();

  SessionOptions options_;
  const Output& output_;
  boost::asio::io_context context_{1};
  WebsocketppClient transport_;
  Client<WebsocketppClient> client_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer timer_;
  classic::ClientId id_ = 0;
  std::function<void()> work_;
  bool associated_ = false;
  std::optional<ExitCode> exit_code_;
};

}  // namespace restante::cli
