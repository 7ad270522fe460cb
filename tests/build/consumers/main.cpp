// What every consumer compiles: a use of each target that it was given.
#include <cstdio>

#include <restante/messenger.hpp>
#include <restante/version.hpp>
#ifdef CONSUMER_HAS_MEMORY
#include <restante/memory.hpp>
#endif
#ifdef CONSUMER_HAS_WEBSOCKETPP
#include <restante/websocketpp.hpp>
#endif

int main() {
  restante::TransportArchetype transport;
  restante::Messenger messenger{transport};
#ifdef CONSUMER_HAS_WEBSOCKETPP
  restante::WebsocketppServer server{{.host = "127.0.0.1", .port = 0}};
  restante::Messenger served{server};
#endif
  std::printf("restante %s, %u connections\n", restante::version, unsigned{messenger.counters().connections_open});
}
