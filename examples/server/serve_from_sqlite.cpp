#include "server.hpp"

namespace restante_server {

void serve_from_sqlite(const Options& options) {
  serve<restante::SqliteStore>(options);
}

}  // namespace restante_server
