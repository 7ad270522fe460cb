// A request that a server is reading.
#pragma once

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <restante/asio/options.hpp>
#include <restante/beast/detail/head_reader.hpp>
#include <restante/bytes.hpp>

namespace restante::beast_detail {

using Request = http::request<http::empty_body>;

/// A request that a server is reading.
class ServerHandshake {
 public:
  std::size_t take_bytes(BytesView bytes) {
    const std::size_t taken = reader_.take_bytes(bytes);
    if (reader_.error()) {
      refuse(reader_.error());
    } else if (complete() && reader_.announces_body()) {
      refuse(http::error::unexpected_body);
    }
    return taken;
  }

  bool complete() const { return reader_.complete(); }
  unsigned fault_status() const noexcept { return fault_status_; }
  const std::string& fault() const noexcept { return fault_; }

  HttpRequest http_request() const {
    const Request& request = parsed();
    headers_.clear();
    for (const auto& field : request) {
      headers_.push_back({as_view(field.name_string()), as_view(field.value())});
    }
    return {.method = as_view(request.method_string()), .target = as_view(request.target()), .headers = headers_};
  }

  std::string_view header(std::string_view name) const { return as_view(parsed()[{name.data(), name.size()}]); }

  bool asks_for_websocket() const {
    return http::token_list{parsed()[http::field::connection]}.exists("upgrade") &&
           http::token_list{parsed()[http::field::upgrade]}.exists("websocket");
  }

  bool version_is_spoken() const { return parsed()[http::field::sec_websocket_version] == "13"; }

  const Request& parsed() const noexcept { return reader_.head(); }

 private:
  void refuse(const boost::beast::error_code& error) {
    const bool body = error == http::error::unexpected_body || error == http::error::body_limit ||
                      error == http::error::bad_content_length;
    fault_status_ = body ? 413 : 400;
    fault_ = error.message();
  }

  /// How large a header may be is for the loop to say.
  HeadReader<true> reader_{std::numeric_limits<std::uint32_t>::max()};
  mutable std::vector<HttpHeader> headers_;
  unsigned fault_status_ = 0;
  std::string fault_;
};

}  // namespace restante::beast_detail
