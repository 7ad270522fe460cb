// A request that a server is reading, by Beast's parser.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <restante/asio/options.hpp>
#include <restante/bytes.hpp>

namespace restante::beast_detail {

namespace http = boost::beast::http;

using Request = http::request<http::empty_body>;

inline std::string_view as_view(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// A request that a server is reading.
class ServerHandshake {
 public:
  ServerHandshake() {
    // How large a header may be is for the loop to say.
    parser_.header_limit(std::numeric_limits<std::uint32_t>::max());
  }

  std::size_t take_bytes(BytesView bytes) {
    const std::size_t before = unparsed_.size();
    unparsed_ += as_text(bytes);
    boost::beast::error_code error;
    const std::size_t parsed = parser_.put(boost::asio::buffer(unparsed_), error);
    if (error == http::error::need_more) {
      unparsed_.erase(0, parsed);
      return bytes.size();
    }
    if (!error && (parser_.chunked() || parser_.content_length().value_or(0) > 0)) {
      error = http::error::unexpected_body;
    }
    if (error) {
      refuse(error);
      return bytes.size();
    }
    unparsed_.clear();
    return parsed - before;
  }

  bool complete() const { return parser_.is_header_done(); }
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

  const Request& parsed() const noexcept { return parser_.get(); }

 private:
  void refuse(const boost::beast::error_code& error) {
    const bool body = error == http::error::unexpected_body || error == http::error::body_limit ||
                      error == http::error::bad_content_length;
    fault_status_ = body ? 413 : 400;
    fault_ = error.message();
  }

  http::request_parser<http::empty_body> parser_;
  /// The beginning of something that has not come whole.
  std::string unparsed_;
  mutable std::vector<HttpHeader> headers_;
  unsigned fault_status_ = 0;
  std::string fault_;
};

}  // namespace restante::beast_detail
