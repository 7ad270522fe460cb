// Serving, by what mailboxes are kept in: each takes long to compile.
#pragma once

#include "options.hpp"

namespace restante_server {

/// Serve until a signal ends it. Throw where a place, a port or a file cannot be used.
void serve_from_memory(const Options& options);
void serve_from_sqlite(const Options& options);

}  // namespace restante_server
