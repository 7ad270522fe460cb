// The commands that speak restante.v2. Each gives an exit code, or protocol_missing.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "mail_session.hpp"
#include "output.hpp"

namespace restante::cli {

/// Opens the address, and with `hold` keeps it until interrupted.
int open_address(MailOptions options, const Output& output, bool hold);

struct MailPush {
  /// A mailbox, or a room.
  std::string to;
  std::vector<std::string> messages;
  std::chrono::seconds time_to_live{0};
  /// Waits until each message has come to its end, and prints what became of it.
  bool receipts = false;
};

/// Pushes messages one after another, and stops at the first that is refused.
int push_mail(const MailOptions& options, const Output& output, MailPush what);

struct MailGet {
  /// Joined before, and read as well.
  std::vector<std::string> rooms;
  /// Until nothing is left.
  bool all = false;
  /// Until interrupted.
  bool follow = false;
};

/// Prints messages, and acknowledges each once it is printed.
int get_mail(MailOptions options, const Output& output, const MailGet& what);

/// Sends each line of standard input to a mailbox or a room, and prints what comes, until the input ends.
int chat_by_mail(MailOptions options, const Output& output, std::string to);

/// Prints who is in a room, and with `follow` again each time that this changes.
int members(const MailOptions& options, const Output& output, const std::string& room, bool follow);

int join(const MailOptions& options, const Output& output, const std::string& room);
int leave(const MailOptions& options, const Output& output, const std::string& room);

}  // namespace restante::cli
