// Two programs that end at the worst moment and start again, with what they keep in files: every amount that Ada sends
// is added to Bob's account once.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <restante/memory.hpp>
#include <restante/messenger.hpp>
#include <restante/v2/client.hpp>

#include "journal.hpp"

using namespace std::chrono_literals;

using Program = restante::v2::Client<restante::MemoryClient, Journal, Journal>;

int main() {
  const std::string files =
      (std::filesystem::temp_directory_path() / ("restante-exactly-once-" + std::to_string(::getpid()))).string();
  restante::MemoryNetwork network{{.seed = 7, .link = {.latency = 20ms}}};
  restante::MemoryServer server{network};
  restante::Messenger messenger{server};
  restante::MemoryClient ada_transport{network, server};
  restante::MemoryClient bob_transport{network, server};

  // Each run of a program begins with what the file says.
  std::optional<Journal> ada_journal;
  std::optional<Program> ada;
  const auto start_ada = [&] {
    ada.reset();
    ada_journal.reset();
    ada_journal.emplace(files + ".ada");
    std::printf("Ada has %zu messages to push\n", ada_journal->messages());
    ada.emplace(ada_transport, *ada_journal, *ada_journal, restante::v2::ClientOptions{.address = "ada"});
    ada->connect();
  };

  std::optional<Journal> journal;
  std::optional<Program> bob;
  const auto start_bob = [&] {
    bob.reset();
    journal.reset();
    journal.emplace(files + ".bob");
    std::printf("Bob has %ld\n", journal->sum());
    restante::v2::ClientOptions options{.address = "bob"};
    options.on_message = [&](const restante::v2::Delivery& delivery) {
      // The amount and the offset are kept in one. When they cannot be, the program must not go on as if they were.
      if (const auto error = journal->add(delivery, std::stol(std::string{restante::as_text(delivery.payload)}))) {
        std::printf("cannot keep an amount: %s\n", error.message().c_str());
        std::_Exit(1);
      }
      return restante::v2::Handling::done;
    };
    bob.emplace(bob_transport, *journal, *journal, std::move(options));
    bob->connect();
  };

  start_ada();
  start_bob();
  network.run_for(1s);

  // Ada's program ends when the server has the message, and she does not know.
  ada->push("bob", restante::as_bytes("5"));
  network.run_for(30ms);
  start_ada();
  network.run_for(30ms);

  // Bob's ends when he has handled it, and the server does not know.
  start_bob();
  ada->push("bob", restante::as_bytes("7"));
  network.run_for(10s);
  start_ada();
  start_bob();

  ada.reset();
  bob.reset();
  std::filesystem::remove(files + ".ada");
  std::filesystem::remove(files + ".bob");
}
