// A server of mailboxes over WebSockets: the library, a command line, a log and a page.
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <restante/messenger.hpp>
#include <restante/websocketpp.hpp>

#include "command_line.hpp"
#include "log.hpp"
#include "page.hpp"

namespace restante_server {
namespace {

std::string to_text(restante::Connection connection) {
  return std::to_string(connection.slot) + "." + std::to_string(connection.generation);
}

// One function for each event; what a message says is not logged.
struct EventLog {
  const Log& log;

  void operator()(const restante::event::ConnectionOpened& event) const {
    log.info(to_text(event.connection) + " connected from " + std::string{event.peer});
  }
  void operator()(const restante::event::ConnectionClosed& event) const {
    log.info(to_text(event.connection) + " closed with " + std::to_string(event.code) + " " +
             std::string{event.reason});
  }
  void operator()(const restante::event::PacketReceived& event) const {
    if (log.writes(LogLevel::debug)) {
      log.debug(to_text(event.connection) + " sent " + std::to_string(event.packet.size()) + " bytes");
    }
  }
  void operator()(const restante::event::PacketSent& event) const {
    if (log.writes(LogLevel::debug)) {
      log.debug(to_text(event.connection) + " is sent " + std::to_string(event.packet.size()) + " bytes");
    }
  }
  void operator()(const restante::event::ConnectionPaused& event) const {
    log.info(to_text(event.connection) + " does not read its replies: paused");
  }
  void operator()(const restante::event::ConnectionResumed& event) const {
    log.info(to_text(event.connection) + " caught up: resumed");
  }
  void operator()(const restante::event::ConnectionRefused& event) const {
    log.warn(to_text(event.connection) + " is refused with " + std::to_string(event.code) + " " +
             std::string{event.reason});
  }
  void operator()(const restante::event::StoreFailed& event) const {
    log.error("The store failed: " + event.error.message());
  }
  void operator()(const restante::event::StoreRecovered& event) const {
    log.info("The store was loaded, with " + std::to_string(event.messages) + " messages");
  }
};

restante::WebsocketppServerOptions transport_options(const CommandLine& command_line, const Log& log) {
  restante::WebsocketppServerOptions options{.host = command_line.host, .port = command_line.port};
  options.allowed_origins = command_line.allowed_origins;
  options.on_warning = [&log](std::string_view text) { log.warn(text); };
  const auto directory = command_line.web.empty() ? find_web_directory() : command_line.web;
  if (directory) {
    options.on_http_request = [page = Page{*directory}](const restante::HttpRequest& request) {
      return page.answer(request);
    };
  } else {
    log.warn("The page was not found; --web says where it is");
  }
  return options;
}

restante::MessengerOptions messenger_options(const CommandLine& command_line, const Log& log) {
  restante::MessengerOptions options{.mailbox_messages_max = command_line.capacity};
  if (log.writes(LogLevel::warn)) {
    options.on_event = [&log](const restante::Event& event) { std::visit(EventLog{log}, event); };
  }
  return options;
}

void serve(const CommandLine& command_line) {
  const Log log{command_line.log_level};
  restante::WebsocketppServer transport{transport_options(command_line, log)};
  restante::Messenger messenger{transport, messenger_options(command_line, log)};

  boost::asio::signal_set signals{transport.context(), SIGINT, SIGTERM};
  signals.async_wait([&](const boost::system::error_code& cancelled, int) {
    if (cancelled) {
      return;
    }
    log.info("Shutting down; once more to stop at once");
    messenger.shut_down();
    transport.shut_down();
    signals.async_wait([&](const boost::system::error_code& again_cancelled, int) {
      if (!again_cancelled) {
        transport.stop_running();
      }
    });
  });

  const bool is_v6_number = command_line.host.find(':') != std::string::npos;
  std::printf("Listening on http://%s:%u\n", (is_v6_number ? "[" + command_line.host + "]" : command_line.host).c_str(),
              transport.port());
  std::fflush(stdout);
  transport.run();
}

int run(int count, char** arguments) {
  const Parsed parsed = parse_command_line(count, arguments);
  if (!parsed.command_line) {
    return parsed.exit_code;
  }
  try {
    serve(*parsed.command_line);
    return 0;
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::address_in_use) {
      std::fprintf(stderr,
                   "restante-server: port %u of %s is in use by another program: stop that one, or choose another port "
                   "with --port\n",
                   parsed.command_line->port, parsed.command_line->host.c_str());
    } else {
      std::fprintf(stderr, "restante-server: %s\n", error.what());
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante-server: %s\n", error.what());
  }
  return 1;
}

}  // namespace
}  // namespace restante_server

int main(int count, char** arguments) {
  return restante_server::run(count, arguments);
}
