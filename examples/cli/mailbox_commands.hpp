// The commands of an operator, about mailboxes of a server on the same machine. Each gives an exit code.
#pragma once

#include <cstdint>
#include <string>

#include "output.hpp"

namespace restante::cli {

struct MailboxCommand {
  /// What restante-server --operate was told.
  std::string place;
  /// "list", "show", "purge" or "retire".
  std::string action;
  /// A mailbox or a room; not with "list".
  std::string name;
  /// How many messages "show" shows, the oldest first.
  std::uint32_t messages = 20;
  /// Nobody is asked whether it is meant.
  bool yes = false;
};

/// Has the server do it, and prints its answer: with `json` as it is, a list as one object in a line for each mailbox.
/// An answer may take `timeout_s` seconds. `failed` where there is no such mailbox, or no server, or the person who was
/// asked did not mean it.
int mailboxes(const Output& output, const MailboxCommand& command, bool json, unsigned timeout_s);

}  // namespace restante::cli
