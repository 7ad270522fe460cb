// The kernel's socket.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

namespace restante::websocketpp_detail {

/// A socket that knows its executor's type, which is faster than one that does not.
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

using ErrorCode = boost::system::error_code;

/// Whether an operation only has to wait.
inline bool would_block(const ErrorCode& error) {
  return error == boost::asio::error::would_block || error == boost::asio::error::try_again;
}

}  // namespace restante::websocketpp_detail
