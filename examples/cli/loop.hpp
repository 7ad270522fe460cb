// The loop of a command, from its start to the exit code.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <restante/transport.hpp>
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

/// What a session does whichever protocol it speaks. Not thread safe.
class Loop {
 public:
  Loop(SessionOptions options, const Output& output);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Ends the loop with an exit code, after the connection was closed properly.
  void finish(int code);

  /// Ends the loop and says why.
  void fail(std::string_view sentence, ExitCode code = failed);

  /// Calls `work` after a time, unless the loop has finished.
  void after(std::chrono::steady_clock::duration time, std::function<void()> work);

  boost::asio::io_context& context() noexcept { return context_; }
  const Output& output() const noexcept { return output_; }
  bool finished() const noexcept { return exit_code_.has_value(); }

 protected:
  virtual ~Loop() = default;

  /// Closes the connection, where there is one. Gives whether there is: then its end is reported to ended().
  virtual bool close_connection() = 0;

  /// Runs until finish(). Gives the exit code. An interrupt (SIGINT, SIGTERM) finishes with `done`.
  int run_loop();

  /// The connection ended, or could not be made.
  void ended(CloseCode code, std::string_view reason, bool was_of_use, bool reconnects);

  SessionOptions options_;
  const Output& output_;
  boost::asio::io_context context_{1};
  WebsocketppClient transport_;

 private:
  boost::asio::signal_set signals_;
  boost::asio::steady_timer timer_;
  std::optional<int> exit_code_;
};

}  // namespace restante::cli
