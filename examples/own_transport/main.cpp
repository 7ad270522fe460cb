// A messenger to talk to by hand: type a packet of docs/protocol.md in hexadecimal digits, and read the reply.
//
//   $ printf '00 00 07\n02 01 07 07 02 68 69\n01 00 07\n' | restante-own-transport
//   00 01 07
//   01 02 07
//   02 00 07 07 02 68 69
//   closed 1001 the server is shutting down

#include <restante/messenger.hpp>

#include "line_transport.hpp"

int main() {
  LineTransport transport;
  restante::Messenger messenger{transport};
  transport.run_until_input_ends();
  messenger.shut_down();
  transport.run_until_closed();
}
