// Which web pages may connect: a browser says where a page comes from, and lets it connect anywhere.
#pragma once

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace restante::websocketpp_detail {

inline char to_lower(char character) noexcept {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

inline bool equal_but_for_case(std::string_view left, std::string_view right) noexcept {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return to_lower(a) == to_lower(b); });
}

/// "[::1]:80" → "::1", "localhost:80" → "localhost".
inline std::string_view host_of(std::string_view authority) noexcept {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view{} : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

/// Whether a host can only be the one that the browser itself runs on.
inline bool is_loopback(std::string_view host) {
  boost::system::error_code error;
  const boost::asio::ip::address address = boost::asio::ip::make_address(std::string{host}, error);
  return equal_but_for_case(host, "localhost") || (!error && address.is_loopback());
}

/// Decides about an origin (RFC 6454, section 7) that a handshake for `host_header` brought.
inline bool origin_is_allowed(std::string_view origin, std::string_view host_header,
                              const std::vector<std::string>& allowed, bool listens_on_loopback) {
  const bool listed = std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) {
    return entry == "*" || equal_but_for_case(entry, origin);
  });
  if (listed) {
    return true;
  }
  const std::size_t scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) {
    return false;
  }
  const std::string_view scheme = origin.substr(0, scheme_end);
  const std::string_view authority = origin.substr(scheme_end + 3);
  if (!equal_but_for_case(scheme, "http") && !equal_but_for_case(scheme, "https")) {
    return false;
  }
  if (is_loopback(host_of(authority))) {
    return true;
  }
  // Any name can be made to lead to a loopback address, so that an attacker's page is "same origin" with it.
  return !listens_on_loopback && equal_but_for_case(authority, host_header);
}

}  // namespace restante::websocketpp_detail
