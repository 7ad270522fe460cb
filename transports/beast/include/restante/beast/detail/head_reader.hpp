// The head of an HTTP message, by Beast's parser.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <restante/bytes.hpp>

namespace restante::beast_detail {

namespace http = boost::beast::http;

inline std::string_view as_view(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// Reads a request or an answer up to the empty line.
template <bool is_request>
class HeadReader {
 public:
  explicit HeadReader(std::uint32_t bytes_max) { parser_.header_limit(bytes_max); }

  /// Takes bytes up to the end of the head, and gives how many it took.
  std::size_t take_bytes(BytesView bytes) {
    const std::size_t before = text_.size();
    text_ += as_text(bytes);
    parsed_ += parser_.put(boost::asio::buffer(text_.data() + parsed_, text_.size() - parsed_), error_);
    if (error_ == http::error::need_more) {
      error_ = {};
      return bytes.size();
    }
    if (error_) {
      return bytes.size();
    }
    text_.resize(parsed_);
    return parsed_ - before;
  }

  bool complete() const { return parser_.is_header_done(); }
  /// What is wrong with what was taken. Nothing comes after that.
  const boost::beast::error_code& error() const noexcept { return error_; }
  /// What was taken.
  const std::string& text() const noexcept { return text_; }
  bool announces_body() const { return parser_.chunked() || parser_.content_length().value_or(0) > 0; }
  const http::message<is_request, http::empty_body>& head() const noexcept { return parser_.get(); }

 private:
  http::parser<is_request, http::empty_body> parser_;
  std::string text_;
  std::size_t parsed_ = 0;
  boost::beast::error_code error_;
};

}  // namespace restante::beast_detail
