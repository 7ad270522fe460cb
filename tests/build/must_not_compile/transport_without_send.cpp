// expected: the transport lacks send(Connection, BytesView)
#include <restante/messenger.hpp>

// The number of waiting bytes is what lets a slow reader be noticed: a transport that keeps it to itself is none.
struct Silent : restante::TransportArchetype {
  void send(restante::Connection, restante::BytesView) {}
};

int main() {
  Silent transport;
  restante::Messenger messenger{transport};
}
