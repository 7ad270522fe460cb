// TLS on the socket of one connection. See docs/adr/0005.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include <restante/asio/detail/socket.hpp>
#include <restante/bytes.hpp>

namespace restante::asio_detail {

/// OpenSSL's state of a connection. It reads from the socket and writes to it itself, and never waits: a function that
/// cannot go on says so with an error for which would_block() holds. Any other error is the end, and comes again.
class TlsChannel {
 public:
  /// Takes settings and certificates from `context` as it is now. The socket must live longer and stay where it is.
  TlsChannel(SSL_CTX* context, Socket& socket)
      : bio_method_{shared_bio_method()}, socket_{socket}, ssl_{SSL_new(context)} {
    BIO* const bio = ssl_ ? BIO_new(bio_method_.get()) : nullptr;
    if (bio == nullptr) {
      throw std::bad_alloc{};
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
  }

  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  /// For what is set before the handshake, and asked about after it.
  SSL* native_handle() const noexcept { return ssl_.get(); }

  /// The handshake is complete.
  bool established() const noexcept { return established_; }

  /// Goes on with the handshake. Gives whether it is complete.
  bool shake_hands(ErrorCode& error) {
    established_ = perform(error, [&] {
      read_allowed_ = true;
      return SSL_do_handshake(ssl_.get());
    });
    return established_;
  }

  /// Reads from the socket, once at most, so that a peer who sends without end does not keep others waiting. Gives how
  /// many bytes came; with those there is no error.
  std::size_t read(std::span<std::uint8_t> buffer, ErrorCode& error) {
    std::size_t total = 0;
    read_allowed_ = true;
    holds_more_ = true;
    while (total < buffer.size()) {
      std::size_t bytes = 0;
      if (!perform(error,
                   [&] { return SSL_read_ex(ssl_.get(), buffer.data() + total, buffer.size() - total, &bytes); })) {
        // Any other error than this one is told by the next call.
        holds_more_ = !would_block(error);
        break;
      }
      total += bytes;
    }
    if (total > 0) {
      error = {};
    }
    return total;
  }

  /// Writes to the socket. Gives how many bytes it took, 0 with an error. What it did not take has to be given to it
  /// again, with more behind it or without.
  std::size_t write(BytesView bytes, ErrorCode& error) {
    std::size_t taken = 0;
    const bool wants_to_write = wants_to_write_;
    perform(error, [&] { return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &taken); });
    wants_to_write_ = wants_to_write;
    return taken;
  }

  /// Tells the peer that nothing more comes (close_notify). Gives whether that has left, or cannot be said any more.
  bool say_end(ErrorCode& error) {
    if (!established_ || failure_ || (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0) {
      return true;
    }
    // 0 is success as well: the peer has not said the same.
    return perform(error, [&] { return SSL_shutdown(ssl_.get()) >= 0 ? 1 : -1; });
  }

  /// The latest read() may not have given everything that was read from the socket: it has to be called again without
  /// waiting for the socket.
  bool holds_more() const noexcept { return holds_more_; }

  /// shake_hands() or read() gets further when the socket takes more.
  bool wants_to_write() const noexcept { return wants_to_write_; }

 private:
  struct Freed {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };

  // Calls a function of OpenSSL that gives more than 0 for success.
  template <class Operation>
  bool perform(ErrorCode& error, Operation&& operation) {
    error = failure_;
    if (error) {
      return false;
    }
    ERR_clear_error();
    const int result = operation();
    wants_to_write_ = false;
    if (result > 0) {
      return true;
    }
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_WRITE:
        wants_to_write_ = true;
        [[fallthrough]];
      case SSL_ERROR_WANT_READ:
        error = boost::asio::error::would_block;
        return false;
      case SSL_ERROR_ZERO_RETURN:
        // The peer said that nothing more comes from it. It may still be written to.
        error = boost::asio::error::eof;
        return false;
      default:
        failure_ = socket_error_ ? socket_error_ : ssl_error();
        error = failure_;
        return false;
    }
  }

  static ErrorCode ssl_error() {
    if (const unsigned long code = ERR_get_error(); code != 0) {
      return {static_cast<int>(code), boost::asio::error::get_ssl_category()};
    }
    return boost::asio::error::connection_aborted;
  }

  // How OpenSSL gets at the socket. Its own way would use write(), and a peer that has gone would raise SIGPIPE.

  static std::shared_ptr<BIO_METHOD> shared_bio_method() {
    // Every channel shares in it, because it must outlive a channel of a static object as well.
    static const std::shared_ptr<BIO_METHOD> method = make_bio_method();
    return method;
  }

  static std::shared_ptr<BIO_METHOD> make_bio_method() {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "restante");
    if (method == nullptr) {
      throw std::bad_alloc{};
    }
    BIO_meth_set_read(method, &TlsChannel::read_socket);
    BIO_meth_set_write(method, &TlsChannel::write_socket);
    BIO_meth_set_ctrl(method, [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH ? 1 : 0; });
    return {method, &BIO_meth_free};
  }

  static int read_socket(BIO* bio, char* buffer, int size) {
    auto& self = *static_cast<TlsChannel*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    ErrorCode error = boost::asio::error::would_block;
    std::size_t bytes = 0;
    if (std::exchange(self.read_allowed_, false)) {
      bytes = self.socket_.read_some({reinterpret_cast<std::uint8_t*>(buffer), static_cast<std::size_t>(size)}, error);
    }
    return self.result(error, bytes, [&] { BIO_set_retry_read(bio); });
  }

  static int write_socket(BIO* bio, const char* buffer, int size) {
    auto& self = *static_cast<TlsChannel*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    ErrorCode error;
    const std::size_t bytes =
        self.socket_.write_some({reinterpret_cast<const std::uint8_t*>(buffer), static_cast<std::size_t>(size)}, error);
    return self.result(error, bytes, [&] { BIO_set_retry_write(bio); });
  }

  template <class Retry>
  int result(const ErrorCode& error, std::size_t bytes, Retry&& retry) {
    if (!error) {
      return static_cast<int>(bytes);
    }
    if (would_block(error)) {
      retry();
    } else {
      socket_error_ = error;
    }
    return -1;
  }

  std::shared_ptr<BIO_METHOD> bio_method_;
  Socket& socket_;
  std::unique_ptr<SSL, Freed> ssl_;
  /// Why nothing works any more.
  ErrorCode failure_;
  /// What the socket said.
  ErrorCode socket_error_;
  bool established_ = false;
  bool read_allowed_ = false;
  bool holds_more_ = false;
  bool wants_to_write_ = false;
};

}  // namespace restante::asio_detail
