// A server of mailboxes over WebSockets: the library, a command line, a log and a page.
#include <cstdio>
#include <exception>
#include <system_error>

#include "options.hpp"
#include "serve.hpp"

namespace restante_server {
namespace {

int run(int count, char** arguments) {
  const Parsed parsed = parse_options(count, arguments);
  if (!parsed.options) {
    return parsed.exit_code;
  }
  try {
    parsed.options->store_file.empty() ? serve_from_memory(*parsed.options) : serve_from_sqlite(*parsed.options);
    return 0;
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::address_in_use) {
      std::fprintf(stderr,
                   "restante-server: port %u of %s is in use by another program: stop that one, or choose another port "
                   "with --port\n",
                   parsed.options->port, parsed.options->host.c_str());
    } else {
      std::fprintf(stderr, "restante-server: %s\n", error.what());
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante-server: %s\n", error.what());
  }
  return 2;
}

}  // namespace
}  // namespace restante_server

int main(int count, char** arguments) {
  return restante_server::run(count, arguments);
}
