// Listens, and takes connections as they come.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <restante/asio/detail/socket.hpp>
#include <restante/asio/detail/timing.hpp>

namespace restante::asio_detail {

class Acceptor {
  using tcp = boost::asio::ip::tcp;
  using Executor = boost::asio::io_context::executor_type;

 public:
  /// Listens at once. Throws std::system_error when it cannot.
  Acceptor(boost::asio::io_context& context, const std::string& host, std::uint16_t port)
      : acceptor_{context.get_executor()}, accept_again_{context.get_executor()} {
    ErrorCode error;
    boost::asio::ip::basic_resolver<tcp, Executor> resolver{context.get_executor()};
    const auto found = resolver.resolve(host, std::to_string(port), boost::asio::ip::resolver_base::passive, error);
    if (!error) {
      local_ = found.begin()->endpoint();
      acceptor_.open(local_.protocol(), error);
    }
    if (!error) {
      acceptor_.set_option(boost::asio::socket_base::reuse_address{true}, error);
    }
    if (!error) {
      acceptor_.bind(local_, error);
    }
    if (!error) {
      acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
    }
    if (!error) {
      local_ = acceptor_.local_endpoint(error);
    }
    if (error) {
      throw std::system_error{static_cast<std::error_code>(error),
                              "cannot listen on " + host + ":" + std::to_string(port)};
    }
  }

  std::uint16_t port() const { return local_.port(); }

  /// Gives each connection that comes to `owner->accepted(Socket)`, and says with `owner->short_of_resources(sentence)`
  /// when there is no room for one, once until there is again. Keeps the owner, which keeps this, until stop().
  template <class Owner>
  void accept(std::shared_ptr<Owner> owner) {
    acceptor_.async_accept([this, owner](const ErrorCode& error, Incoming incoming) {
      if (!acceptor_.is_open()) {
        return;
      }
      if (!error) {
        short_of_resources_ = false;
        ErrorCode failed;
        const int descriptor = incoming.release(failed);
        if (!failed) {
          owner->accepted(Socket{descriptor});
        }
      } else if (is_lack(error)) {
        accept_later(owner, error);
        return;
      }
      // Any other error is of the one connection that was to be accepted, and went away again.
      accept(owner);
    });
  }

  void stop() {
    ErrorCode ignored;
    acceptor_.close(ignored);
    accept_again_.cancel();
  }

 private:
  using Incoming = boost::asio::basic_stream_socket<tcp, Executor>;

  static bool is_lack(const ErrorCode& error) {
    return error == boost::system::errc::too_many_files_open ||
           error == boost::system::errc::too_many_files_open_in_system ||
           error == boost::system::errc::no_buffer_space || error == boost::system::errc::not_enough_memory;
  }

  // The connection stays in the kernel's queue until there is room.
  template <class Owner>
  void accept_later(std::shared_ptr<Owner> owner, const ErrorCode& error) {
    if (!std::exchange(short_of_resources_, true)) {
      owner->short_of_resources("Cannot accept connections for now: " + error.message());
    }
    constexpr std::chrono::milliseconds pause_length{50};
    accept_again_.expires_after(pause_length);
    accept_again_.async_wait([this, owner](const ErrorCode& cancelled) {
      if (!cancelled && acceptor_.is_open()) {
        accept(owner);
      }
    });
  }

  boost::asio::basic_socket_acceptor<tcp, Executor> acceptor_;
  Timer accept_again_;
  tcp::endpoint local_;
  bool short_of_resources_ = false;
};

}  // namespace restante::asio_detail
