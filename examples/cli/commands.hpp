// The commands of the command line. Each gives an exit code.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <restante/classic/packet.hpp>

#include "output.hpp"
#include "session.hpp"

namespace restante::cli {

/// Claims an id, and with `hold` keeps it until interrupted.
int associate(SessionOptions options, const Output& output, classic::ClientId id, bool hold);

/// Pushes messages one after another, and stops at the first that is refused.
int push(SessionOptions options, const Output& output, classic::ClientId sender, classic::ClientId receiver,
         std::vector<std::string> messages);

struct GetOptions {
  classic::ClientId id = 0;
  /// Until the mailbox is empty.
  bool all = false;
  /// Until interrupted: asks again each time the interval has passed since the mailbox was found empty.
  bool follow = false;
  std::chrono::milliseconds interval{1000};
};

/// Takes messages out of a mailbox and prints them.
int get(SessionOptions options, const Output& output, GetOptions what);

struct ChatOptions {
  classic::ClientId id = 0;
  classic::ClientId to = 0;
  std::chrono::milliseconds interval{1000};
};

/// Sends each line of standard input and prints what comes, until the input ends.
int chat(SessionOptions options, const Output& output, ChatOptions what);

/// What became of a push, in words.
std::string describe(classic::PushResult result, classic::ClientId sender, classic::ClientId receiver);

}  // namespace restante::cli
