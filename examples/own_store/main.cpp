// The messenger of own_transport with messages that outlive it:
//
//   $ printf '00 00 07\n02 01 07 07 02 68 69\n' | restante-own-store mail.log
//   00 01 07
//   01 02 07
//   closed 1001 the server is shutting down
//   $ printf '00 00 07\n01 00 07\n' | restante-own-store mail.log
//   00 01 07
//   02 00 07 07 02 68 69
//   closed 1001 the server is shutting down

#include <cstdio>
#include <system_error>

#include <restante/messenger.hpp>

#include "../own_transport/line_transport.hpp"
#include "log_store.hpp"

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("Usage: restante-own-store <file>\n", stderr);
    return 2;
  }
  try {
    LineTransport transport;
    LogStore store{arguments[1]};
    restante::Messenger messenger{transport, store};
    transport.run_until_input_ends();
    messenger.shut_down();
    transport.run_until_closed();
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "restante-own-store: %s\n", error.what());
    return 1;
  }
}
