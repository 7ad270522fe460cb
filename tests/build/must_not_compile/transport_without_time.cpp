// expected: the transport lacks now(), wake_at(SteadyTime) or wake()
#include <restante/messenger.hpp>

struct Timeless : restante::TransportArchetype {
  int now() const { return 0; }
};

int main() {
  Timeless transport;
  restante::Messenger messenger{transport};
}
