// restante-server, whatever it keeps mailboxes in.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include <restante/beast.hpp>
#include <restante/mailbox_operator.hpp>
#include <restante/messenger.hpp>
#include <restante/sqlite.hpp>
#include <restante/websocketpp.hpp>

#include "authentication.hpp"
#include "log.hpp"
#include "memory.hpp"
#include "metrics.hpp"
#include "operate_answer.hpp"
#include "operate_socket.hpp"
#include "options.hpp"
#include "packet_text.hpp"
#include "page.hpp"
#include "serve.hpp"

namespace restante_server {

inline std::string to_text(restante::Connection connection) {
  return std::to_string(connection.slot) + "." + std::to_string(connection.generation);
}

// One function for each event. What messages say is logged only where that was asked for.
struct EventLog {
  const Log& log;
  bool packets;

  void operator()(const restante::event::ConnectionOpened& event) const {
    log.info(to_text(event.connection) + " connected from " + std::string{event.peer});
  }
  void operator()(const restante::event::ConnectionClosed& event) const {
    log.info(to_text(event.connection) + " closed with " + std::to_string(event.code) + " " +
             std::string{event.reason});
  }
  void operator()(const restante::event::PacketReceived& event) const {
    if (packets) {
      log.always(to_text(event.connection) + " sent " + describe_client_packet(event.packet, event.protocol));
    } else if (log.writes(LogLevel::debug)) {
      log.debug(to_text(event.connection) + " sent " + std::to_string(event.packet.size()) + " bytes");
    }
  }
  void operator()(const restante::event::PacketSent& event) const {
    if (packets) {
      log.always(to_text(event.connection) + " is sent " + describe_server_packet(event.packet, event.protocol));
    } else if (log.writes(LogLevel::debug)) {
      log.debug(to_text(event.connection) + " is sent " + std::to_string(event.packet.size()) + " bytes");
    }
  }
  void operator()(const restante::event::ConnectionPaused& event) const {
    log.info(to_text(event.connection) + " is paused, with " + std::to_string(event.waiting_bytes) +
             " bytes of replies waiting");
  }
  void operator()(const restante::event::ConnectionResumed& event) const {
    log.info(to_text(event.connection) + " caught up and goes on");
  }
  void operator()(const restante::event::ConnectionRefused& event) const {
    const bool is_news = event.code != restante::close_code::going_away;
    const std::string text =
        to_text(event.connection) + " is closed with " + std::to_string(event.code) + ": " + std::string{event.reason};
    is_news ? log.warn(text) : log.info(text);
  }
  void operator()(const restante::event::CredentialRejected& event) const {
    log.warn(to_text(event.connection) + " gave a wrong credential for " +
             std::string{restante::as_text(event.address)});
  }
  void operator()(const restante::event::StoreFailed& event) const {
    log.error("The store failed: " + event.error.message());
  }
  void operator()(const restante::event::StoreRecovered& event) const {
    log.info("The store was loaded, with " + std::to_string(event.messages) + " messages");
  }
};

// What an operator can do about a warning of the transport.
inline std::string advice(restante::WebSocketWarning::Kind kind) {
  switch (kind) {
    case restante::WebSocketWarning::Kind::origin_refused:
      return ": --allow-origin lets it in";
    case restante::WebSocketWarning::Kind::host_refused:
      return ": --allow-host answers it";
    case restante::WebSocketWarning::Kind::too_many_connections:
      return ": --max-connections lets in more";
    case restante::WebSocketWarning::Kind::short_of_resources:
    case restante::WebSocketWarning::Kind::tls_failed:
      break;
  }
  return "";
}

/// The server: a store, a transport, a messenger, and what is said about them over HTTP and in the log.
template <class Transport, class Store>
class Server {
 public:
  explicit Server(const Options& options)
      : options_{options},
        log_{options.log_level},
        page_{options.web.empty() ? Page{} : Page{options.web}},
        authentication_{make_authentication(options)},
        store_{make_store(options)},
        transport_{transport_options()},
        messenger_{transport_, store_, authentication_, messenger_options()} {
    // Trying again is of no use, and nobody is to be told that there is no mail.
    if (restante::is_unusable(store_error_)) {
      throw std::system_error{store_error_, options.store_file.string()};
    }
  }

  /// Serves until a signal ends it.
  void run() {
    make_room_for_connections();
    log_.info("WebSockets are spoken by " + options_.transport);
    tell_of_store();
    wait_for_signal();
    wait_for_hang_up();
    listen_for_operator();
    warn_of_openness();
    warn_of_authentication();
    std::printf("Listening on %s://%s:%u\n", speaks_tls() ? "https" : "http", shown_host().c_str(), transport_.port());
    std::fflush(stdout);
    transport_.run();
  }

 private:
  static constexpr bool is_durable = std::is_same_v<Store, restante::SqliteStore>;

  static Store make_store(const Options& options) {
    if constexpr (is_durable) {
      return Store{{.path = options.store_file}};
    } else {
      return Store{};
    }
  }

  void tell_of_store() const {
    if constexpr (is_durable) {
      log_.info("Mailboxes are kept in " + options_.store_file.string() + ", which " +
                (messenger_.store_available()
                     ? "has " + std::to_string(messenger_.counters().books.loaded) + " messages"
                     : "cannot be used yet"));
    }
  }

  bool speaks_tls() const { return !options_.tls_certificate.empty(); }

  // A name in brackets where it is an IPv6 address.
  std::string shown_host() const {
    return options_.host.find(':') == std::string::npos ? options_.host : "[" + options_.host + "]";
  }

  restante::WebSocketServerOptions transport_options() {
    restante::WebSocketServerOptions options{.host = options_.host, .port = options_.port};
    options.allowed_origins = options_.allowed_origins;
    options.allowed_hosts = options_.allowed_hosts;
    if (speaks_tls()) {
      options.tls = restante::TlsServerOptions{.certificate_chain_file = options_.tls_certificate.string(),
                                               .private_key_file = options_.tls_key.string()};
    }
    options.connections_max = options_.connections_max;
    options.ping_interval = options_.ping_interval;
    options.threads = options_.threads;
    // Closing takes at most twice as long, and an operator waits no longer than 5 s.
    options.close_timeout = std::chrono::seconds{2};
    options.on_http_request = [this](const restante::HttpRequest& request) { return answer(request); };
    options.on_warning = [this](const restante::WebSocketWarning& warning) {
      ++handshakes_refused_;
      log_.warn(std::string{warning.text} + advice(warning.kind));
    };
    options.on_turn = [this](std::size_t messages, restante::Duration took) { latency_.add(took, messages); };
    return options;
  }

  restante::MessengerOptions messenger_options() {
    restante::MessengerOptions options;
    options.mailbox_messages_max = options_.capacity;
    options.waiting_bytes_max = options_.waiting_bytes_max;
    options.stuck_after = options_.stuck_after;
    options.limits = options_.limits;
    options.on_event = [this](const restante::Event& event) {
      watch_memory(event);
      if (const auto* const failed = std::get_if<restante::event::StoreFailed>(&event)) {
        store_error_ = failed->error;
      }
      std::visit(EventLog{log_, options_.log_packets}, event);
    };
    options.packet_events = options_.log_packets || log_.writes(LogLevel::debug);
    return options;
  }

  void watch_memory(const restante::Event& event) {
    if (std::holds_alternative<restante::event::ConnectionOpened>(event)) {
      memory_.opened();
    } else if (std::holds_alternative<restante::event::ConnectionClosed>(event) && memory_.closed()) {
      // When the turn is over that this is a part of.
      boost::asio::post(transport_.context(), &MemoryWatch::give_back);
    }
  }

  restante::HttpResponse answer(const restante::HttpRequest& request) {
    if (request.method != "GET" && request.method != "HEAD") {
      restante::HttpResponse refusal = plain_answer(405, "Only GET and HEAD are understood.");
      refusal.headers.emplace_back("Allow", "GET, HEAD");
      return refusal;
    }
    if (request.target == "/healthz") {
      return messenger_.store_available() ? plain_answer(200, "ok") : plain_answer(503, "the store is unavailable");
    }
    if (request.target == "/metrics") {
      return metrics();
    }
    return page_.answer(request);
  }

  restante::HttpResponse metrics() const {
    std::uint64_t mailboxes_in_use = 0;
    for (std::uint32_t id = 0; id < restante::Address::classic_count; ++id) {
      mailboxes_in_use += messenger_.depth(restante::Address{static_cast<std::uint8_t>(id)}) > 0 ? 1 : 0;
    }
    restante::HttpResponse response = plain_answer(200, "");
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics_text({messenger_.counters(), handshakes_refused_, mailboxes_in_use, latency_,
                                  options_.threads, transport_.lock_times(), store_counters()});
    return response;
  }

  std::optional<restante::SqliteStoreCounters> store_counters() const {
    if constexpr (is_durable) {
      return store_.counters();
    } else {
      return std::nullopt;
    }
  }

  void listen_for_operator() {
    if (options_.operate.empty()) {
      return;
    }
    operate_.emplace(transport_.context(), options_.operate, [this](std::string_view line) {
      std::string answer;
      transport_.exclusively([&] { answer = answer_operator(operator_, line, log_); });
      return answer;
    });
    log_.info("The operator is heard at " + options_.operate.string());
  }

  // Each connection is a file descriptor, of which a program is given few at first and may take more.
  void make_room_for_connections() const {
    constexpr rlim_t others = 64;
    const rlim_t wanted = options_.connections_max + others;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
      return;
    }
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
      log_.warn("The system allows " + std::to_string(limit.rlim_cur) +
                " file descriptors, which are fewer than --max-connections needs: raise the limit (ulimit -n, or "
                "LimitNOFILE= of systemd)");
    }
  }

  void warn_of_openness() const {
    if (!is_loopback(options_.host) && !authentication_.asks_for_credentials()) {
      log_.warn(
          std::string{"Listening beyond this machine without authentication: whoever reaches the port can take any id, "
                      "read its mailbox, and see /metrics"} +
          (options_.tls_certificate.empty() ? "; and nothing is encrypted" : ""));
    }
  }

  void warn_of_authentication() const {
    if (const std::string warning = authentication_.warning(); !warning.empty()) {
      log_.warn(warning);
    }
  }

  // A certificate that was renewed is taken without a restart, and so are passwords and keys that were changed.
  void wait_for_hang_up() {
    hang_up_.async_wait([this](const boost::system::error_code& cancelled, int) {
      if (cancelled) {
        return;
      }
      if (!speaks_tls() && !authentication_.asks_for_credentials()) {
        log_.info("SIGHUP: there is nothing to read again");
      }
      if (speaks_tls()) {
        tell_of_reload("The certificate", transport_.reload_tls());
      }
      if (authentication_.asks_for_credentials()) {
        tell_of_reload(options_.authentication_file.string(), authentication_.reload());
        warn_of_authentication();
      }
      wait_for_hang_up();
    });
  }

  // `wrong` is empty when all went well.
  void tell_of_reload(const std::string& what, const std::string& wrong) const {
    if (wrong.empty()) {
      log_.info(what + " was read again");
    } else {
      log_.error(what + " stays as it was: " + wrong);
    }
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& cancelled, int) {
      if (!cancelled) {
        log_.info("Shutting down; once more to stop at once");
        transport_.exclusively([this] { messenger_.shut_down(); });
        transport_.shut_down();
        hang_up_.cancel();
        operate_.reset();
        signals_.async_wait([this](const boost::system::error_code& again_cancelled, int) {
          if (!again_cancelled) {
            transport_.stop_running();
          }
        });
      }
    });
  }

  const Options& options_;
  Log log_;
  Page page_;
  // Before what asks it, so that it is there for longer.
  restante::AnyAuthentication authentication_;
  LatencyHistogram latency_;
  MemoryWatch memory_;
  std::uint64_t handshakes_refused_ = 0;
  /// Of its latest failure.
  std::error_code store_error_;
  // Before the port is opened, so that nobody comes to a server that has no store.
  Store store_;
  Transport transport_;
  using MessengerType = restante::Messenger<Transport, Store, restante::AnyAuthentication>;
  MessengerType messenger_;
  restante::MessengerOperator<MessengerType> operator_{messenger_};
  std::optional<OperateSocket> operate_;
  boost::asio::signal_set signals_{transport_.context(), SIGINT, SIGTERM};
  boost::asio::signal_set hang_up_{transport_.context(), SIGHUP};
};

/// Serves with the transport that was asked for.
template <class Store>
void serve(const Options& options) {
  if (options.transport == "beast") {
    Server<restante::BeastServer, Store>{options}.run();
  } else {
    Server<restante::WebsocketppServer, Store>{options}.run();
  }
}

}  // namespace restante_server
