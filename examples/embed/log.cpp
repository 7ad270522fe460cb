// What happens in a Messenger, as lines of a log, and its numbers at the end.
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <variant>

#include <restante/client.hpp>
#include <restante/memory.hpp>
#include <restante/messenger.hpp>

using namespace std::chrono_literals;

// One function for each event that is worth a line, and one for the others.
struct Log {
  void operator()(const restante::event::ConnectionOpened& event) const {
    std::printf("%u connected from %s\n", event.connection.slot, std::string{event.peer}.c_str());
  }
  void operator()(const restante::event::PacketReceived& event) const {
    std::printf("%u sent %zu bytes\n", event.connection.slot, event.packet.size());
  }
  void operator()(const restante::event::ConnectionClosed& event) const {
    std::printf("%u left with %u\n", event.connection.slot, unsigned{event.code});
  }
  void operator()(const auto&) const {}
};

int main() {
  restante::MemoryNetwork network;
  restante::MemoryServer server{network};
  restante::MessengerOptions options;
  options.on_event = [](const restante::Event& event) { std::visit(Log{}, event); };
  restante::Messenger messenger{server, std::move(options)};

  restante::MemoryClient transport{network, server};
  restante::Client client{transport};
  client.connect();
  network.run_for(1s);
  client.associate(7);
  client.push(7, 7, restante::as_bytes("a note to myself"));
  client.close();
  network.run_for(1s);

  const restante::MessengerCounters counters = messenger.counters();
  std::printf("%llu stored, %llu held\n", static_cast<unsigned long long>(counters.books.stored),
              static_cast<unsigned long long>(counters.books.held));
}
