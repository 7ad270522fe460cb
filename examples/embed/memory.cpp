// Mailboxes inside one program: a Messenger and two clients on the in-memory network. Time is virtual, and nothing here
// starts a thread or opens a socket.
#include <chrono>
#include <cstdio>
#include <string>
#include <system_error>

#include <restante/client.hpp>
#include <restante/memory.hpp>
#include <restante/messenger.hpp>

using namespace std::chrono_literals;

int main() {
  restante::MemoryNetwork network;
  restante::MemoryServer server{network};
  restante::Messenger messenger{server};
  restante::MemoryClient ada_transport{network, server};
  restante::MemoryClient bob_transport{network, server};
  restante::Client ada{ada_transport};
  restante::Client bob{bob_transport};

  ada.connect();
  bob.connect();
  network.run_for(1s);

  ada.associate(1);
  ada.push(1, 2, restante::as_bytes("hello"));  // Bob's mailbox takes it before he is there.
  network.run_for(1h);

  bob.associate(2);
  bob.get(2, [](std::error_code error, const restante::classic::GetResult& result) {
    if (!error && result.kind == restante::classic::GetResult::Kind::message) {
      const std::string text{restante::as_text(result.payload)};
      std::printf("%u wrote: %s\n", unsigned{result.sender}, text.c_str());
    }
  });
  network.run_for(1s);
}
