#include "url.hpp"

#include <charconv>
#include <stdexcept>

namespace restante::cli {
namespace {

std::uint16_t parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) {
    throw std::invalid_argument("'" + std::string{text} + "' is no port: it must be a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace

Url parse_url(std::string_view text) {
  Url url;
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    url.tls = text.substr(0, scheme) == "wss";
    if (!url.tls && text.substr(0, scheme) != "ws") {
      throw std::invalid_argument("'" + std::string{text.substr(0, scheme)} +
                                  "' is no scheme that is known: use ws or wss");
    }
    if (url.tls) {
      url.port = 443;
    }
    text.remove_prefix(scheme + 3);
  }
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    url.path = text.substr(slash);
    text = text.substr(0, slash);
  }
  std::string_view after_host;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) {
      throw std::invalid_argument("an IPv6 address must stand in brackets, and the closing one is missing");
    }
    url.host = text.substr(1, end - 1);
    after_host = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    after_host = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (url.host.empty()) {
    throw std::invalid_argument("the address of the server names no host");
  }
  if (!after_host.empty()) {
    if (!after_host.starts_with(':')) {
      throw std::invalid_argument("after the host there must be a colon and a port");
    }
    url.port = parse_port(after_host.substr(1));
  }
  return url;
}

}  // namespace restante::cli
