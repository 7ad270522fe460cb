#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include <restante/version.hpp>

namespace restante_server {

Parsed parse_command_line(int count, char** arguments) {
  CommandLine result;
  CLI::App app{"A server of mailboxes over WebSockets, and of the page that uses them.", "restante-server"};
  app.set_version_flag("--version", std::string{"restante-server "} + restante::version, "Show the version");
  app.add_option("--host", result.host, "The address to listen on; 0.0.0.0 is all of this host's")
      ->capture_default_str();
  app.add_option("--port", result.port, "The port to listen on; 0 is any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--web", result.web, "The folder of the page (the one that comes with the server)")
      ->check(CLI::ExistingDirectory);
  app.add_option("--capacity", result.capacity, "Messages that a mailbox holds")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option(
      "--allow-origin", result.allowed_origins,
      "Let pages from this origin connect: https://example.org, null for pages from a file, * for all; may be "
      "repeated");
  const std::map<std::string, LogLevel> levels{{"off", LogLevel::off},
                                               {"error", LogLevel::error},
                                               {"warn", LogLevel::warn},
                                               {"info", LogLevel::info},
                                               {"debug", LogLevel::debug}};
  std::string level = "info";
  app.add_option("--log-level", level, "How much to say on standard error: off, error, warn, info or debug")
      ->check(CLI::IsMember({"off", "error", "warn", "info", "debug"}))
      ->capture_default_str();
  // One value for each --allow-origin, so that what follows it is not taken for another.
  app.get_option("--allow-origin")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);

  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return {{}, app.exit(error)};
    }
    std::fprintf(stderr, "restante-server: %s (--help shows what it understands)\n", error.what());
    return {{}, 2};
  }
  result.log_level = levels.at(level);
  return {result, 0};
}

}  // namespace restante_server
