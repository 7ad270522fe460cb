// What restante-server is told when it is started.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "log.hpp"

namespace restante_server {

struct CommandLine {
  std::string host = "127.0.0.1";
  std::uint16_t port = 12345;
  /// The folder of the page; empty for the one that comes with the server.
  std::filesystem::path web;
  std::uint32_t capacity = 100;
  std::vector<std::string> allowed_origins;
  LogLevel log_level = LogLevel::info;
};

/// Either what was asked for, or the code to exit with: --help and --version were answered, or a mistake was named.
struct Parsed {
  std::optional<CommandLine> command_line;
  int exit_code = 0;
};

Parsed parse_command_line(int count, char** arguments);

}  // namespace restante_server
