#include <csignal>

#include "server.hpp"

namespace restante_server {

void serve_from_sqlite(const Options& options) {
  // A file that has reached the size that the system allows fails as one on a full disk does: otherwise it would end
  // the program.
  std::signal(SIGXFSZ, SIG_IGN);
  serve<restante::SqliteStore>(options);
}

}  // namespace restante_server
