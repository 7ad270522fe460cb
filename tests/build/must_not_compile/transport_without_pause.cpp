// expected: the transport lacks pause(Connection) or resume(Connection)
#include <restante/messenger.hpp>

struct Breathless : restante::TransportArchetype {
  void pause(restante::Connection) = delete;
};

int main() {
  Breathless transport;
  restante::Messenger messenger{transport};
}
