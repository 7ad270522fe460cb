// What a server may cost at most, said before it starts and kept by it.
#include <chrono>
#include <cstdio>
#include <utility>

#include <restante/memory.hpp>
#include <restante/messenger.hpp>

using namespace std::chrono_literals;

int main() {
  restante::MessengerOptions options;
  options.mailbox_messages_max = 20;
  options.payload_bytes_max = 100;
  options.waiting_bytes_max = 16 * 1024;
  options.stuck_after = 10s;

  using Messenger = restante::Messenger<restante::MemoryServer>;
  const auto bytes = Messenger::memory_bytes_max(options, 1000);
  const unsigned long long kibibytes = bytes / 1024 + 1;
  std::printf("%u mailboxes of %u messages, and 1000 connections: less than %llu KiB\n",
              restante::Address::classic_count, options.mailbox_messages_max, kibibytes);

  restante::MemoryNetwork network;
  restante::MemoryServer server{network};
  Messenger messenger{server, std::move(options)};
}
