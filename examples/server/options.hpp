// What restante-server is told when it is started: on the command line, in variables of the environment, and in a file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <restante/core/limits.hpp>

#include "log.hpp"

namespace restante_server {

/// What clients have to prove before an address is theirs.
enum class AuthenticationKind : std::uint8_t { none, passwords, tokens };

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 12345;
  /// The folder of the page; empty for the one that is built in.
  std::filesystem::path web;
  std::vector<std::string> allowed_origins;
  std::vector<std::string> allowed_hosts;
  std::filesystem::path tls_certificate;
  std::filesystem::path tls_key;
  AuthenticationKind authentication = AuthenticationKind::none;
  /// Of passwords or keys; empty for none.
  std::filesystem::path authentication_file;
  bool behind_tls_proxy = false;
  std::size_t password_threads = 1;
  /// Whom tokens must be for; empty where they are for nobody in particular.
  std::string token_audience;
  std::chrono::seconds token_leeway{10};
  bool tokens_without_expiry = false;
  /// Where the operator asks; empty for nowhere.
  std::filesystem::path operate;
  /// What mailboxes are kept in; empty for memory.
  std::filesystem::path store_file;
  /// The library that speaks WebSocket: "websocketpp" or "beast".
  std::string transport = "websocketpp";

  std::uint32_t capacity = 100;
  std::size_t connections_max = 1024;
  std::size_t waiting_bytes_max = std::size_t{64} * 1024;
  std::chrono::seconds stuck_after{30};
  std::chrono::seconds ping_interval{20};
  /// For clients of restante.v2.
  restante::Limits limits;
  std::size_t threads = 1;

  LogLevel log_level = LogLevel::info;
  bool log_packets = false;
};

/// Either what was asked for, or the code to exit with: --help and --version were answered, or a mistake was named.
struct Parsed {
  std::optional<Options> options;
  int exit_code = 0;
};

/// Whether a host to listen on can be reached from this machine only.
bool is_loopback(const std::string& host);

/// Reads the command line, the variables RESTANTE_… and the file that --config or RESTANTE_CONFIG names. The command
/// line wins over variables, and they over the file.
Parsed parse_options(int count, char** arguments);

}  // namespace restante_server
