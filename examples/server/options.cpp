#include "options.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <toml++/toml.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <utility>

#include <restante/version.hpp>

namespace restante_server {
namespace {

const std::map<std::string, LogLevel> levels{{"off", LogLevel::off},
                                             {"error", LogLevel::error},
                                             {"warn", LogLevel::warn},
                                             {"info", LogLevel::info},
                                             {"debug", LogLevel::debug}};

// What is read as text or a number before it gets its type.
struct Raw {
  std::string config;
  std::string level = "info";
  std::string store = "memory";
  std::uint32_t stuck_after_s = 30;
  std::uint32_t ping_interval_s = 20;
  std::string authentication;
  std::uint32_t token_leeway_s = 10;
  std::uint32_t wait_s = 3'600;
  std::uint32_t unopened_time_to_live_s = 86'400;
};

// RESTANTE_ and the name of the option: --allow-origin is RESTANTE_ALLOW_ORIGIN.
std::string variable_of(const std::string& option) {
  std::string name = "RESTANTE_";
  for (const char character : option.substr(2)) {
    name +=
        character == '-' ? '_' : static_cast<char>(character >= 'a' && character <= 'z' ? character - 32 : character);
  }
  return name;
}

template <class Value>
CLI::Option* add(CLI::App& app, const std::string& name, Value& value, const std::string& text) {
  return app.add_option(name, value, text)->envname(variable_of(name));
}

void describe_place(CLI::App& app, Options& options) {
  const std::string group = "Where";
  add(app, "--host", options.host, "The address to listen on; 0.0.0.0 is all of this host's")
      ->capture_default_str()
      ->group(group);
  add(app, "--port", options.port, "The port to listen on; 0 is any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str()
      ->group(group);
  add(app, "--web", options.web, "A folder to serve the page from, in place of the one that is built in")
      ->check(CLI::ExistingDirectory)
      ->group(group);
  CLI::Option* const certificate =
      add(app, "--tls-cert", options.tls_certificate, "The certificate chain (PEM) to speak TLS with: wss and https")
          ->check(CLI::ExistingFile)
          ->group(group);
  CLI::Option* const key = add(app, "--tls-key", options.tls_key, "Its private key (PEM); SIGHUP has both read again")
                               ->check(CLI::ExistingFile)
                               ->group(group);
  certificate->needs(key);
  key->needs(certificate);
  add(app, "--operate", options.operate,
      "A place in the file system for a socket at which 'restante mailbox' lists, shows, purges and retires mailboxes; "
      "only the user that the server runs as can open it")
      ->group(group);
  add(app, "--transport", options.transport, "The library that speaks WebSocket: websocketpp or beast")
      ->check(CLI::IsMember({"websocketpp", "beast"}))
      ->capture_default_str()
      ->group(group);
}

void describe_store(CLI::App& app, Raw& raw) {
  add(app, "--store", raw.store,
      "What mailboxes are kept in: memory, or sqlite:FILE, which is made if there is none, and has everything that was "
      "acknowledged whatever ends the server")
      ->capture_default_str()
      ->group("Where");
}

void describe_guests(CLI::App& app, Options& options) {
  const std::string group = "Who may connect";
  // One value for each, so that what follows it is not taken for another.
  add(app, "--allow-origin", options.allowed_origins,
      "Let web pages from this origin connect, besides the server's own: https://example.org, null for a page that was "
      "opened from a file, * for all; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->delimiter(',')
      ->group(group);
  add(app, "--allow-host", options.allowed_hosts,
      "Answer requests for this host name, besides localhost and numeric addresses: the name that people type, or that "
      "a proxy passes on; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->delimiter(',')
      ->group(group);
}

void describe_authentication(CLI::App& app, Options& options, Raw& raw) {
  const std::string group = "What clients have to prove";
  add(app, "--auth", raw.authentication,
      "none: whoever comes may take any address that is free; passwords:FILE, as 'restante passwd' makes it; "
      "tokens:FILE, "
      "signed with a key of FILE, as 'restante token key' makes it. Must be said where --host is not the loopback "
      "address. SIGHUP has the file read again")
      ->group(group);
  app.add_flag("--behind-tls-proxy", options.behind_tls_proxy,
               "Passwords and tokens come through a proxy that speaks TLS with clients: this server need not")
      ->envname(variable_of("--behind-tls-proxy"))
      ->group(group);
  add(app, "--password-threads", options.password_threads,
      "Threads that check passwords; each takes 64 MiB or what the hash asks for")
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->group(group);
  add(app, "--token-audience", options.token_audience,
      "Accept only tokens for this audience (aud); without it, only those for nobody in particular")
      ->group(group);
  add(app, "--token-leeway", raw.token_leeway_s,
      "Seconds by which clocks may differ from those of whoever makes tokens")
      ->check(CLI::Range(0, 30))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--allow-tokens-without-expiry", options.tokens_without_expiry,
               "Accept tokens that do not say when they expire (exp)")
      ->envname(variable_of("--allow-tokens-without-expiry"))
      ->group(group);
}

void describe_limits(CLI::App& app, Options& options, Raw& raw) {
  const std::string group = "Limits";
  add(app, "--capacity", options.capacity, "Messages that the mailbox of a classic id holds")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group(group);
  add(app, "--max-connections", options.connections_max, "Connections open at a time; the next is answered with 503")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group(group);
  add(app, "--max-waiting-bytes", options.waiting_bytes_max,
      "Bytes of replies that may wait on a connection before nothing more is read from it")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str()
      ->group(group);
  add(app, "--stuck-after", raw.stuck_after_s, "Seconds after which a peer that does not read its replies is closed")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str()
      ->group(group);
  add(app, "--ping-interval", raw.ping_interval_s, "Seconds of silence after which a peer is asked whether it is there")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str()
      ->group(group);
}

// The smallest is what a core accepts; the largest, what a machine could have the memory for.
template <class Value>
void add_limit(CLI::App& app, const std::string& name, Value& value, Value smallest, Value largest,
               const std::string& text) {
  add(app, name, value, text)
      ->check(CLI::Range(smallest, largest))
      ->capture_default_str()
      ->group("Limits of restante.v2");
}

void describe_mailboxes(CLI::App& app, restante::Limits& limits) {
  constexpr std::uint32_t messages_max = 1'000'000;
  constexpr std::uint64_t bytes_max = std::uint64_t{1} << 40U;
  add_limit(app, "--max-payload-bytes", limits.payload_bytes_max, 1U, 1024U * 1024U, "Bytes of a message");
  add_limit(app, "--max-mailbox-messages", limits.mailbox_messages_max, 1U, messages_max,
            "Messages that the mailbox of a name holds");
  add_limit(app, "--max-mailbox-bytes", limits.mailbox_bytes_max, std::uint64_t{1}, bytes_max,
            "Bytes of messages that it holds");
  add_limit(app, "--max-sender-messages", limits.sender_messages_max, 1U, messages_max,
            "How many of them may be of one sender");
  add_limit(app, "--max-sender-bytes", limits.sender_bytes_max, std::uint64_t{1}, bytes_max,
            "How many of the bytes may be of one sender");
  add_limit(app, "--max-room-messages", limits.room_messages_max, 1U, messages_max,
            "Messages that a room keeps; the oldest go");
  add_limit(app, "--max-room-bytes", limits.room_bytes_max, std::uint64_t{1}, bytes_max,
            "Bytes of messages that a room keeps");
  add_limit(app, "--max-memory-bytes", limits.memory_bytes_max, std::uint64_t{1}, bytes_max,
            "Bytes of memory for all messages, but those in mailboxes of classic ids");
}

void describe_addresses(CLI::App& app, restante::Limits& limits, Raw& raw) {
  constexpr std::uint32_t addresses_max = 10'000'000;
  add_limit(app, "--max-addresses", limits.addresses_max, 1U, addresses_max, "Names, rooms included");
  add_limit(app, "--max-rooms", limits.rooms_max, 1U, addresses_max, "Rooms");
  add_limit(app, "--max-room-members", limits.room_members_max, 1U, addresses_max, "Members of a room");
  add_limit(app, "--max-memberships", limits.memberships_max, 1U, 10'000U, "Rooms that an address is a member of");
  add_limit(app, "--max-unopened-messages", limits.unopened_messages_max, 1U, 1'000'000U,
            "Messages in all mailboxes together that nobody ever opened");
  add_limit(app, "--unopened-time-to-live", raw.unopened_time_to_live_s, 1U, 366U * 86'400U,
            "Seconds for which they are kept");
}

void describe_requests(CLI::App& app, restante::Limits& limits, Raw& raw) {
  add_limit(app, "--max-requests-per-second", limits.requests_per_second_max, 0U, 1'000'000U,
            "Requests of an address in a second; 0 is any number");
  add_limit(app, "--max-connection-waits", limits.connection_waits_max, 1U, 10'000U,
            "Requests of a connection that wait at a time");
  add_limit(app, "--max-waits", limits.waits_max, 1U, 10'000'000U, "Requests of all connections that wait at a time");
  add_limit(app, "--max-wait", raw.wait_s, 1U, 86'400U, "Seconds for which a request may wait");
}

void describe_speed(CLI::App& app, Options& options) {
  add(app, "--threads", options.threads,
      "Threads that read and write; the mailboxes stay one, so that more than a few help only with many connections")
      ->check(CLI::Range(1, 256))
      ->capture_default_str()
      ->group("Speed");
}

void describe_log(CLI::App& app, Options& options, Raw& raw) {
  const std::string group = "Log, on standard error";
  add(app, "--log-level", raw.level, "How much to say: off, error, warn, info or debug")
      ->check(CLI::IsMember(levels))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--log-packets", options.log_packets,
               "Show each packet, decoded and in hexadecimal, messages included: for learning")
      ->envname(variable_of("--log-packets"))
      ->group(group);
}

// A value of the file as the command line would have it; nothing for one that has no such form.
std::vector<std::string> texts_of(const toml::node& node) {
  if (const auto* array = node.as_array()) {
    std::vector<std::string> texts;
    for (const toml::node& element : *array) {
      const std::vector<std::string> more = texts_of(element);
      texts.insert(texts.end(), more.begin(), more.end());
    }
    return texts;
  }
  if (const auto* text = node.as_string()) {
    return {text->get()};
  }
  if (const auto* number = node.as_integer()) {
    return {std::to_string(number->get())};
  }
  if (const auto* flag = node.as_boolean()) {
    return {flag->get() ? "true" : "false"};
  }
  return {};
}

std::string place(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line) + ":" + std::to_string(region.begin.column) + ": ";
}

// Takes from the file what neither the command line nor a variable said.
void read_file(CLI::App& app, const std::string& file) {
  toml::table table;
  try {
    table = toml::parse_file(file);
  } catch (const toml::parse_error& error) {
    throw std::runtime_error(place(file, error.source()) + std::string{error.description()});
  }
  for (const auto& [key, value] : table) {
    const std::string name = "--" + std::string{key.str()};
    CLI::Option* const option = app.get_option_no_throw(name);
    if (option == nullptr || name == "--config" || name == "--help" || name == "--version") {
      throw std::runtime_error(place(file, value.source()) + "there is no option '" + std::string{key.str()} +
                               "'; the names are those of the command line, without the dashes in front");
    }
    const std::vector<std::string> texts = texts_of(value);
    if (texts.empty() && !value.is_array()) {
      throw std::runtime_error(place(file, value.source()) + "'" + std::string{key.str()} +
                               "' must be a text, a number, true or false, or a list of texts");
    }
    if (option->count() > 0 || texts.empty()) {
      continue;
    }
    try {
      option->add_result(texts);
      option->run_callback();
    } catch (const CLI::ParseError& error) {
      throw std::runtime_error(place(file, value.source()) + error.what());
    }
  }
}

// "kind:FILE".
void read_authentication(const std::string& text, Options& options) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string kind = text.substr(0, colon);
  const std::string file = text.substr(std::min(colon + 1, text.size()));
  if (text.empty() || text == "none") {
    return;
  }
  if ((kind != "passwords" && kind != "tokens") || file.empty()) {
    throw std::runtime_error("auth must be none, passwords:FILE or tokens:FILE, and not '" + text + "'");
  }
  options.authentication = kind == "passwords" ? AuthenticationKind::passwords : AuthenticationKind::tokens;
  options.authentication_file = file;
}

// "memory" or "sqlite:FILE".
void read_store(const std::string& text, Options& options) {
  constexpr std::string_view sqlite = "sqlite:";
  if (text.starts_with(sqlite) && text.size() > sqlite.size()) {
    options.store_file = text.substr(sqlite.size());
  } else if (text != "memory") {
    throw std::runtime_error("store must be memory or sqlite:FILE, and not '" + text + "'");
  }
}

// A place that is too small for one message would be of no use.
void check_room_for_one(const restante::Limits& limits) {
  const std::pair<const char*, std::uint64_t> places[] = {{"max-mailbox-bytes", limits.mailbox_bytes_max},
                                                          {"max-sender-bytes", limits.sender_bytes_max},
                                                          {"max-room-bytes", limits.room_bytes_max}};
  for (const auto& [name, bytes] : places) {
    if (bytes < limits.payload_bytes_max) {
      throw std::runtime_error(std::string{name} + " is " + std::to_string(bytes) + ", too few for one message of " +
                               std::to_string(limits.payload_bytes_max) +
                               " bytes: raise it, or lower max-payload-bytes");
    }
  }
}

// What makes sense only together.
void check_together(const Options& options, const Raw& raw) {
  check_room_for_one(options.limits);
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    throw std::runtime_error("tls-cert and tls-key belong together");
  }
  if (is_loopback(options.host)) {
    return;
  }
  if (raw.authentication.empty()) {
    throw std::runtime_error("listening on " + options.host +
                             " lets others in than those on this machine: say with --auth what they have to prove, "
                             "passwords:FILE, tokens:FILE or none");
  }
  if (options.authentication != AuthenticationKind::none && options.tls_certificate.empty() &&
      !options.behind_tls_proxy) {
    throw std::runtime_error(
        "passwords and tokens must not cross a network in the clear: give --tls-cert and --tls-key, or say "
        "--behind-tls-proxy where a proxy speaks TLS with the clients");
  }
}

}  // namespace

bool is_loopback(const std::string& host) {
  in_addr four{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) {
    return ntohl(four.s_addr) >> 24U == 127;
  }
  in6_addr six{};
  return host == "localhost" || (::inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six));
}

Parsed parse_options(int count, char** arguments) {
  Options options;
  Raw raw;
  CLI::App app{
      "A server of mailboxes over WebSockets, and of the page that uses them. Open the address that it prints in two "
      "browser tabs, and send a message from one to the other.",
      "restante-server"};
  app.footer(
      "Each option can also be a variable, RESTANTE_PORT for --port, or a line of the file, port = 12345. The command "
      "line wins over variables, and they over the file.\n"
      "The server's own page may connect, and programs that are no browsers. Unless --auth says otherwise, whoever can "
      "reach the port can take any id that is free, which is why it listens on this machine only unless told "
      "otherwise.");
  app.set_version_flag("--version", std::string{"restante-server "} + restante::version, "Show the version");
  add(app, "--config", raw.config, "A file (TOML) with options")->check(CLI::ExistingFile);
  describe_place(app, options);
  describe_store(app, raw);
  describe_guests(app, options);
  describe_authentication(app, options, raw);
  describe_limits(app, options, raw);
  describe_mailboxes(app, options.limits);
  describe_addresses(app, options.limits, raw);
  describe_requests(app, options.limits, raw);
  describe_speed(app, options);
  describe_log(app, options, raw);
  try {
    app.parse(count, arguments);
    if (!raw.config.empty()) {
      read_file(app, raw.config);
    }
    read_authentication(raw.authentication, options);
    read_store(raw.store, options);
    check_together(options, raw);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return {{}, app.exit(error)};
    }
    std::fprintf(stderr, "restante-server: %s (--help shows what it understands)\n", error.what());
    return {{}, 2};
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante-server: %s\n", error.what());
    return {{}, 2};
  }
  options.log_level = levels.at(raw.level);
  options.stuck_after = std::chrono::seconds{raw.stuck_after_s};
  options.ping_interval = std::chrono::seconds{raw.ping_interval_s};
  options.token_leeway = std::chrono::seconds{raw.token_leeway_s};
  options.limits.wait_ms_max = std::uint64_t{raw.wait_s} * 1'000;
  options.limits.unopened_time_to_live_ms = std::uint64_t{raw.unopened_time_to_live_s} * 1'000;
  return {options, 0};
}

}  // namespace restante_server
