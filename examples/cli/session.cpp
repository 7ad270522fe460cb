#include "session.hpp"

#include <csignal>
#include <random>
#include <utility>
#include <variant>

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

std::string describe(const client_event::Disconnected& event) {
  std::string sentence = "the server ended the connection";
  if (event.code != close_code::abnormal) {
    sentence += " with code " + std::to_string(event.code);
  }
  if (!event.reason.empty()) {
    sentence += ": " + printable(event.reason, false);
  }
  return sentence;
}

}  // namespace

Session::Session(SessionOptions options, const Output& output)
    : options_{std::move(options)},
      output_{output},
      transport_{context_, transport_options(options_)},
      client_{transport_, client_options()},
      signals_{context_, SIGINT, SIGTERM},
      timer_{context_} {}

ClientOptions Session::client_options() {
  ClientOptions options;
  options.reply_timeout = options_.timeout;
  options.reconnect = options_.reconnect;
  std::random_device random;
  options.seed = std::uint64_t{random()} << 32U | random();
  options.on_event = [this](const ClientEvent& event) { told(event); };
  return options;
}

int Session::run(classic::ClientId id, std::function<void()> work) {
  id_ = id;
  work_ = std::move(work);
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) {
      finish(done);
    }
  });
  client_.connect();
  context_.run();
  return exit_code_.value_or(failed);
}

void Session::finish(ExitCode code) {
  if (exit_code_) {
    return;
  }
  exit_code_ = code;
  signals_.cancel();
  timer_.cancel();
  if (client_.state() == Client<WebsocketppClient>::State::idle ||
      client_.state() == Client<WebsocketppClient>::State::waiting) {
    client_.close();
    context_.stop();
  } else {
    client_.close();
  }
}

void Session::fail(std::string_view sentence, ExitCode code) {
  if (!exit_code_) {
    output_.error(sentence);
    finish(code);
  }
}

void Session::after(std::chrono::steady_clock::duration time, std::function<void()> work) {
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

void Session::told(const ClientEvent& event) {
  if (std::holds_alternative<client_event::Connected>(event)) {
    connected();
  } else if (const auto* ended = std::get_if<client_event::Disconnected>(&event)) {
    if (exit_code_) {
      context_.stop();
    } else if (!ended->reconnects) {
      fail(associated_ ? describe(*ended)
                       : "cannot connect to " + options_.server.host + ":" + std::to_string(options_.server.port) +
                             (ended->reason.empty() ? "" : ": " + printable(ended->reason, false)));
    } else {
      output_.note(describe(*ended) + "; trying again");
    }
  } else if (const auto* restored = std::get_if<client_event::IdRestored>(&event)) {
    output_.note("connected again as " + std::to_string(restored->id));
  } else if (const auto* taken = std::get_if<client_event::IdNotRestored>(&event)) {
    output_.note("connected again, but " + std::to_string(taken->id) + " is taken; trying again");
  }
}

void Session::connected() {
  if (associated_) {
    return;
  }
  client_.associate(id_, [this](std::error_code error, classic::AssociateResult result) {
    if (error) {
      // A connection that broke is told as an event, which says more.
      if (error != Error::disconnected) {
        fail(error.message());
      }
    } else if (result == classic::AssociateResult::taken) {
      fail("id " + std::to_string(id_) + " is held by somebody else", id_taken);
    } else if (result == classic::AssociateResult::unauthorised) {
      fail("the server asks for a credential for id " + std::to_string(id_));
    } else {
      associated_ = true;
      work_();
    }
  });
}

}  // namespace restante::cli
