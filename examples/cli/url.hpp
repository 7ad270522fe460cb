// Where a server is, as people write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace restante::cli {

struct Url {
  std::string host = "127.0.0.1";
  std::uint16_t port = 12345;
  std::string path = "/";
  bool tls = false;
};

/// "ws://host:port/path", or "wss:" for TLS. The scheme, the port and the path may be left out: then it is ws, 12345,
/// or 443 with wss, and "/". An IPv6 address stands in brackets. Throws std::invalid_argument with a sentence that says
/// what is wrong.
Url parse_url(std::string_view text);

}  // namespace restante::cli
