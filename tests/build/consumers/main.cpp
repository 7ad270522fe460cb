// What every consumer compiles: a use of each target that it was given.
#include <cstdio>

#include <restante/messenger.hpp>
#include <restante/version.hpp>
#ifdef CONSUMER_HAS_MEMORY
#include <restante/memory.hpp>
#endif
#ifdef CONSUMER_HAS_SIM
#include <restante/sim/simulation.hpp>
#endif
#ifdef CONSUMER_HAS_WEBSOCKETPP
#include <restante/websocketpp.hpp>
#endif
#ifdef CONSUMER_HAS_BEAST
#include <restante/beast.hpp>
#endif
#ifdef CONSUMER_HAS_AUTHENTICATION
#include <restante/authentication/any.hpp>
#endif
#ifdef CONSUMER_HAS_SQLITE
#include <unistd.h>

#include <filesystem>
#include <string>

#include <restante/sqlite.hpp>
#endif

int main() {
#ifdef CONSUMER_HAS_SIM
  restante::sim::Simulation simulation{{.seed = 1}};
  simulation.client(1).push(1, "hello");
  if (simulation.client(1).get_all().size() != 1 || !simulation.held()) {
    return 1;
  }
#endif
  restante::TransportArchetype transport;
  restante::Messenger messenger{transport};
#ifdef CONSUMER_HAS_WEBSOCKETPP
  restante::WebsocketppServer server{{.host = "127.0.0.1", .port = 0}};
  restante::Messenger served{server};
#endif
#ifdef CONSUMER_HAS_BEAST
  restante::BeastServer beast_server{{.host = "127.0.0.1", .port = 0}};
  restante::Messenger served_by_beast{beast_server};
#endif
#ifdef CONSUMER_HAS_AUTHENTICATION
  if (restante::AnyAuthentication{}.asks_for_credentials() ||
      restante::TokenKey::generate(restante::TokenAlgorithm::eddsa).public_json() == std::nullopt) {
    return 1;
  }
#endif
#ifdef CONSUMER_HAS_SQLITE
  const auto folder = std::filesystem::temp_directory_path() / ("restante-consumer-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  {
    restante::SqliteStore store{{.path = folder / "mail.sqlite"}};
    restante::TransportArchetype other;
    if (!restante::Messenger{other, store}.store_available()) {
      return 1;
    }
  }
  std::filesystem::remove_all(folder);
#endif
  std::printf("restante %s, %u connections\n", restante::version, unsigned{messenger.counters().connections_open});
}
