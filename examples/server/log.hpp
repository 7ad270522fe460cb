// Lines for the operator, on standard error.
#pragma once

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

namespace restante_server {

enum class LogLevel : std::uint8_t { off, error, warn, info, debug };

/// Writes lines like "2026-01-31T12:00:00Z info Shutting down".
class Log {
 public:
  explicit Log(LogLevel level) noexcept : level_{level} {}

  /// Whether a line of this level is written: asked before one is made at some cost.
  bool writes(LogLevel level) const noexcept { return level <= level_; }

  void error(std::string_view text) const { write(LogLevel::error, "error", text); }
  void warn(std::string_view text) const { write(LogLevel::warn, "warn", text); }
  void info(std::string_view text) const { write(LogLevel::info, "info", text); }
  void debug(std::string_view text) const { write(LogLevel::debug, "debug", text); }
  /// Whatever the level is: for what was asked for by an option of its own.
  void always(std::string_view text) const { put("packet", text); }

 private:
  void write(LogLevel level, const char* name, std::string_view text) const {
    if (writes(level)) {
      put(name, text);
    }
  }

  static void put(const char* name, std::string_view text) {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char time[32];
    std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts);
    // A peer's reason for closing may hold anything: it must not be able to write lines of its own.
    std::string line;
    for (const char character : text) {
      line += (character >= '\0' && character < ' ') || character == '\x7f' ? '?' : character;
    }
    std::fprintf(stderr, "%s %s %s\n", time, name, line.c_str());
  }

  LogLevel level_;
};

}  // namespace restante_server
