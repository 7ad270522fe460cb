// expected: the store lacks load(MessageLoader&)
#include <restante/messenger.hpp>

struct Forgetful {
  static constexpr bool durable_at_once = true;
  void record(const restante::MessageStored&) {}
  void record(const restante::MessageTaken&) {}
};

int main() {
  restante::TransportArchetype transport;
  Forgetful store;
  restante::Messenger messenger{transport, store};
}
