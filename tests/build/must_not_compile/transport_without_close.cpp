// expected: the transport lacks close(Connection, CloseCode, std::string_view)
#include <restante/messenger.hpp>

struct Endless : restante::TransportArchetype {
  void close(restante::Connection) {}
};

int main() {
  Endless transport;
  restante::Messenger messenger{transport};
}
