// expected: the store lacks record(const MessageStored&) or record(const MessageTaken&)
#include <restante/messenger.hpp>

// Told of what is stored and not of what is taken, it would give everything back again.
struct Hoarder {
  static constexpr bool durable_at_once = true;
  void record(const restante::MessageStored&) {}
  std::error_code load(restante::MessageLoader&) { return {}; }
};

int main() {
  restante::TransportArchetype transport;
  Hoarder store;
  restante::Messenger messenger{transport, store};
}
