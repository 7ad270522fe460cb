// expected: the transport lacks start(TransportListener&) or stop()
#include <restante/messenger.hpp>

struct Mute : restante::TransportArchetype {
  void start(restante::TransportListener&) = delete;
};

int main() {
  Mute transport;
  restante::Messenger messenger{transport};
}
