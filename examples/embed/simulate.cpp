// A test of one's own program on the in-memory network: its connection breaks at the worst moment, and what it makes of
// that is checked. A minute of virtual time takes no time, and every run is the same.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include <restante/client.hpp>
#include <restante/error.hpp>
#include <restante/memory.hpp>
#include <restante/messenger.hpp>

using namespace std::chrono_literals;

namespace {

void expect(bool condition, const char* sentence) {
  std::printf("%s: %s\n", condition ? "yes" : "NO", sentence);
  if (!condition) {
    std::exit(EXIT_FAILURE);
  }
}

}  // namespace

int main() {
  restante::MemoryNetwork network{{.seed = 7, .link = {.latency = 20ms, .jitter = 30ms}}};
  restante::MemoryServer server{network};
  restante::Messenger messenger{server};
  restante::MemoryClient transport{network, server};
  restante::Client client{transport};

  client.connect();
  network.run_for(1s);
  client.associate(7);
  network.run_for(1s);

  // The push still arrives, and its acknowledgement does not.
  std::error_code outcome;
  client.push(7, 7, restante::as_bytes("hello"),
              [&](std::error_code error, restante::classic::PushResult) { outcome = error; });
  network.break_connection(transport.connection(), {.arrive_at_server = 1});
  network.run_for(1min);

  expect(outcome == restante::Error::disconnected, "the client was told that it cannot know");
  expect(messenger.depth(restante::Address{7}) == 1, "the message is in the mailbox");
  expect(client.state() == restante::Client<restante::MemoryClient>::State::connected, "the client is back");
  expect(messenger.counters().addresses_held == 1, "it holds its id again");
}
