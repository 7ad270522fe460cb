// expected: the store has neither durable_at_once nor start, stop, commit and completed
#include <restante/messenger.hpp>

struct Vague {
  void record(const restante::MessageStored&) {}
  void record(const restante::MessageTaken&) {}
  std::error_code load(restante::MessageLoader&) { return {}; }
};

int main() {
  restante::TransportArchetype transport;
  Vague store;
  restante::Messenger messenger{transport, store};
}
