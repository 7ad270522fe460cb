#include "loop.hpp"

#include <csignal>
#include <utility>

namespace restante::cli {
namespace {

WebSocketClientOptions transport_options(const SessionOptions& options) {
  WebSocketClientOptions transport;
  transport.host = options.server.host;
  transport.port = options.server.port;
  transport.path = options.server.path;
  transport.handshake_timeout = options.timeout;
  if (options.server.tls) {
    transport.tls = TlsClientOptions{.ca_file = options.ca_file};
  }
  return transport;
}

std::string describe(CloseCode code, std::string_view reason) {
  std::string sentence = "the server ended the connection";
  if (code != close_code::abnormal) {
    sentence += " with code " + std::to_string(code);
  }
  if (!reason.empty()) {
    sentence += ": " + printable(reason, false);
  }
  return sentence;
}

}  // namespace

Loop::Loop(SessionOptions options, const Output& output)
    : options_{std::move(options)},
      output_{output},
      transport_{context_, transport_options(options_)},
      signals_{context_, SIGINT, SIGTERM},
      timer_{context_} {}

int Loop::run_loop() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) {
      finish(done);
    }
  });
  context_.run();
  return exit_code_.value_or(failed);
}

void Loop::finish(int code) {
  if (exit_code_) {
    return;
  }
  exit_code_ = code;
  signals_.cancel();
  timer_.cancel();
  if (!close_connection()) {
    context_.stop();
  }
}

void Loop::fail(std::string_view sentence, ExitCode code) {
  if (!exit_code_) {
    output_.error(sentence);
    finish(code);
  }
}

void Loop::after(std::chrono::steady_clock::duration time, std::function<void()> work) {
  if (exit_code_) {
    return;
  }
  timer_.expires_after(time);
  timer_.async_wait([this, work = std::move(work)](const boost::system::error_code& error) {
    if (!error && !exit_code_) {
      work();
    }
  });
}

void Loop::ended(CloseCode code, std::string_view reason, bool was_of_use, bool reconnects) {
  if (exit_code_) {
    context_.stop();
  } else if (reconnects) {
    output_.note(describe(code, reason) + "; trying again");
  } else if (was_of_use) {
    fail(describe(code, reason));
  } else {
    fail("cannot connect to " + options_.server.host + ":" + std::to_string(options_.server.port) +
         (reason.empty() ? "" : ": " + printable(reason, false)));
  }
}

}  // namespace restante::cli
