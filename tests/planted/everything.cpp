// Instantiates what faults are planted in, so that "run --check" compiles all of it.
#include <restante/classic/codec.hpp>
#include <restante/classic/service.hpp>
#include <restante/client.hpp>
#include <restante/mailbox_operator.hpp>
#include <restante/memory.hpp>
#include <restante/messenger.hpp>
#include <restante/sqlite.hpp>

namespace restante {

template class Core<MemoryStore>;
template class classic::Service<Core<MemoryStore>>;
template class Client<TransportArchetype>;
template class Messenger<TransportArchetype, StoreArchetype>;
template class Messenger<TransportArchetype, SqliteStore>;
template class MessengerOperator<Messenger<TransportArchetype, StoreArchetype>>;

}  // namespace restante

int main() {
  restante::TransportArchetype transport;
  const restante::Messenger messenger{transport};
}
