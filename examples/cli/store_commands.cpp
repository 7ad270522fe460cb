#include "store_commands.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <vector>

#include <restante/sqlite.hpp>

#include "confirmation.hpp"
#include "store_lines.hpp"

namespace restante::cli {
namespace {

using nlohmann::json;

std::uint64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

void print(const Output& output, bool is_json, const json& object, const std::string& text) {
  output.line(is_json ? object.dump(-1, ' ', false, json::error_handler_t::replace) : text);
}

std::string counted(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// While it lives, SIGINT and SIGTERM do not end the program, and calls that wait for input end.
class Interruption {
 public:
  Interruption() {
    struct ::sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(SIGINT, &action, &interrupt_);
    ::sigaction(SIGTERM, &action, &terminate_);
  }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGTERM, &terminate_, nullptr);
  }

  bool came() const noexcept { return interrupted != 0; }

 private:
  static inline volatile std::sig_atomic_t interrupted = 0;
  struct ::sigaction interrupt_ {};
  struct ::sigaction terminate_ {};
};

int check(const Output& output, const StoreCommand& command, bool is_json) {
  SqliteFile file{{.path = command.file}};
  const std::vector<std::string> faults = file.check();
  if (is_json) {
    print(output, true, {{"file", command.file}, {"sound", faults.empty()}, {"faults", faults}}, "");
  } else {
    for (const std::string& fault : faults) {
      output.line(printable(fault, false));
    }
  }
  if (!faults.empty()) {
    Output{false}.error(
        command.file +
        ": something is wrong; copy it as it is, with the files beside it, before anything else is tried; "
        "an earlier backup is likely to be better");
    return failed;
  }
  if (!is_json) {
    output.line(command.file + " is sound: " + counted(file.statistics().messages, "message"));
  }
  return done;
}

int statistics(const Output& output, const StoreCommand& command, bool is_json) {
  const SqliteStatistics statistics = SqliteFile{{.path = command.file}}.statistics();
  json object{{"file", command.file},
              {"mailboxes", statistics.mailboxes},
              {"rooms", statistics.rooms},
              {"members", statistics.members},
              {"messages", statistics.messages},
              {"bytes", statistics.payload_bytes},
              {"file_bytes", statistics.file_bytes},
              {"log_bytes", statistics.log_bytes},
              {"version", statistics.version},
              {"loads", statistics.loads}};
  std::string oldest;
  if (statistics.messages != 0) {
    const std::uint64_t now = wall_ms();
    // The clock may have been set back.
    const std::uint64_t age_ms = now < statistics.oldest_ms ? 0 : now - statistics.oldest_ms;
    object["oldest_ms"] = statistics.oldest_ms;
    object["oldest_age_ms"] = age_ms;
    oldest = ", the oldest since " + std::to_string(age_ms / 1'000) + " s";
  }
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  print(output, is_json, object,
        "mailboxes: " + number(statistics.mailboxes) + "\nrooms: " + number(statistics.rooms) + " with " +
            counted(statistics.members, "member") + "\nmessages: " + number(statistics.messages) + " of " +
            counted(statistics.payload_bytes, "byte") + oldest + "\nfile: " + number(statistics.file_bytes) +
            " bytes, and " + number(statistics.log_bytes) + " of its log\nversion: " +
            std::to_string(statistics.version) + ", loaded " + counted(statistics.loads, "time"));
  return done;
}

int back_up(const Output& output, const StoreCommand& command, bool is_json) {
  SqliteFile file{{.path = command.file}};
  const bool shows_progress = ::isatty(STDERR_FILENO) != 0;
  const Interruption interruption;
  bool is_whole = false;
  try {
    is_whole = file.back_up(command.copy, command.replaces, [&](int pages, int of_pages) {
      if (shows_progress) {
        std::fprintf(stderr, "\r%d of %d pages", pages, of_pages);
      }
      return !interruption.came();
    });
  } catch (const std::system_error& error) {
    if (is_unusable(error.code())) {
      throw;
    }
    const bool is_there = error.code() == std::errc::file_exists;
    throw std::runtime_error(command.copy + ": " + error.what() +
                             (!is_there ? ""
                              : !command.replaces
                                  ? "; --force replaces a copy"
                                  : "; a store that has a log beside it, or is the same file, is not replaced"));
  }
  if (shows_progress) {
    std::fputs("\r\x1b[K", stderr);
  }
  if (!is_whole) {
    output.error("interrupted: nothing was copied");
    return failed;
  }
  const std::uint64_t messages = file.statistics().messages;
  print(output, is_json, {{"copy", command.copy}, {"messages", messages}},
        "copied to " + command.copy + ": " + counted(messages, "message"));
  return done;
}

int export_lines(const StoreCommand& command) {
  SqliteFile file{{.path = command.file}};
  StoreLinesWriter writer{stdout};
  file.read(writer);
  writer.finish();
  return done;
}

int import_lines(const Output& output, const StoreCommand& command, bool is_json) {
  const Interruption interruption;
  std::vector<std::string> faults;
  {
    SqliteImport import{{.path = command.file}};
    read_store_lines(std::cin, import, [&] { return interruption.came(); });
    faults = import.commit();
  }
  for (const std::string& fault : faults) {
    output.error(printable(fault, false));
  }
  if (!faults.empty()) {
    output.error(command.file + ": nothing was put there, since the lines do not fit together");
    return failed;
  }
  const std::uint64_t messages = SqliteFile{{.path = command.file}}.statistics().messages;
  print(output, is_json, {{"imported", command.file}, {"messages", messages}},
        "imported into " + command.file + ": " + counted(messages, "message"));
  return done;
}

int purge(const Output& output, const StoreCommand& command, bool is_json) {
  const SqliteMessages which{.name = command.name, .expired_by_ms = command.expired ? wall_ms() : 0};
  const std::string what = std::string{command.expired ? " that have expired" : ""} +
                           (command.name.empty() ? "" : " of " + printable(command.name, false));
  const std::string nobody = command.file + " has no mailbox and no room " + printable(command.name, false);
  if (!command.yes) {
    const std::optional<std::uint64_t> count = SqliteFile{{.path = command.file}}.count(which);
    if (!count) {
      throw std::runtime_error(nobody);
    }
    if (!is_meant("Remove the " + counted(*count, "message") + what + " from " + command.file + "?")) {
      output.error("nothing was done");
      return failed;
    }
  }
  const std::optional<std::uint64_t> count = SqliteEditor{{.path = command.file}}.purge(which);
  if (!count) {
    throw std::runtime_error(nobody);
  }
  json object{{"file", command.file}, {"messages", *count}, {"expired", command.expired}};
  if (!command.name.empty()) {
    object["purged"] = command.name;
  }
  print(output, is_json, object, "purged " + counted(*count, "message") + what);
  return done;
}

int renew(const Output& output, const StoreCommand& command, bool is_json) {
  if (!command.yes && !is_meant("Give every address of " + command.file + " a new epoch?")) {
    output.error("nothing was done");
    return failed;
  }
  const std::uint64_t count = SqliteEditor{{.path = command.file}}.renew_epochs();
  print(output, is_json, {{"file", command.file}, {"renewed", count}},
        "renewed the epochs of " + std::to_string(count) + (count == 1 ? " address" : " addresses"));
  return done;
}

int run(const Output& output, const StoreCommand& command, bool is_json) {
  const std::string_view action = command.action;
  return action == "check"    ? check(output, command, is_json)
         : action == "stats"  ? statistics(output, command, is_json)
         : action == "backup" ? back_up(output, command, is_json)
         : action == "export" ? export_lines(command)
         : action == "import" ? import_lines(output, command, is_json)
         : action == "purge"  ? purge(output, command, is_json)
                              : renew(output, command, is_json);
}

// What to do where a server has the file.
std::string advice_for(const StoreCommand& command) {
  return command.action == "purge" && command.expired ? "it removes by itself what has expired"
         : command.action == "purge" ? "ask it with 'restante mailbox --operate SOCKET purge NAME', or stop it first"
                                     : "stop it first";
}

}  // namespace

int look_after_store(const Output& output, const StoreCommand& command, bool json) {
  const bool asks = (command.action == "purge" || command.action == "renew") && !command.yes;
  if (asks && !can_ask(output)) {
    return usage;
  }
  // A limit on the size of files is an error like others.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run(output, command, json);
  } catch (const std::system_error& error) {
    output.error(command.file + ": " + error.what() +
                 (error.code() == SqliteError::in_use ? ": " + advice_for(command) : ""));
  } catch (const std::runtime_error& error) {
    output.error(error.what());
  }
  return failed;
}

}  // namespace restante::cli
