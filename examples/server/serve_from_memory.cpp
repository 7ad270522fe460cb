#include "server.hpp"

namespace restante_server {

void serve_from_memory(const Options& options) {
  serve<restante::MemoryStore>(options);
}

}  // namespace restante_server
