// Which web pages may connect: a browser says where a page comes from, and lets it connect anywhere.
#pragma once

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace restante::asio_detail {

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

inline bool is_listed(std::string_view name, const std::vector<std::string>& list) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& entry) { return entry == "*" || equal_but_for_case(entry, name); });
}

/// Decides about the Host of a request. A number cannot be made to lead elsewhere, and browsers do not ask anybody
/// where localhost is. Browsers always send a Host.
inline bool host_is_allowed(std::string_view host_header, const std::vector<std::string>& allowed) {
  const std::string_view host = host_of(host_header);
  boost::system::error_code no_number;
  boost::asio::ip::make_address(std::string{host}, no_number);
  return host_header.empty() || !no_number || equal_but_for_case(host, "localhost") || is_listed(host, allowed) ||
         is_listed(host_header, allowed);
}

/// Decides about an origin (RFC 6454, section 7) that a handshake for `host_header`, which is allowed, brought.
inline bool origin_is_allowed(std::string_view origin, std::string_view host_header,
                              const std::vector<std::string>& allowed) {
  const std::size_t scheme_end = origin.find("://");
  const std::string_view scheme = origin.substr(0, scheme_end);
  const bool is_page = scheme_end != std::string_view::npos &&
                       (equal_but_for_case(scheme, "http") || equal_but_for_case(scheme, "https"));
  return is_listed(origin, allowed) ||
         (is_page && !host_header.empty() && equal_but_for_case(origin.substr(scheme_end + 3), host_header));
}

}  // namespace restante::asio_detail
