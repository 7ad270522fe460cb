// Certificates, and how TLS is spoken: what all connections of an endpoint have in common. See docs/adr/0005.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cerrno>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include <restante/asio/detail/socket.hpp>
#include <restante/asio/detail/tls_channel.hpp>
#include <restante/asio/tls.hpp>

namespace restante::asio_detail {

using TlsContext = boost::asio::ssl::context;

/// What a server and a client have in common.
inline TlsContext make_tls_context(TlsContext::method method) {
  TlsContext context{method};
  SSL_CTX* const handle = context.native_handle();
  SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
  SSL_CTX_set_options(handle, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // A write ends with each record, takes bytes from wherever they are by then, and idle connections keep no buffers.
  SSL_CTX_set_mode(handle,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // As much is read at once as there is room for, and not each record in two steps.
  SSL_CTX_set_read_ahead(handle, 1);
  // Sessions are resumed with tickets, which peers keep; a cache would be memory.
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
  return context;
}

/// Throws std::runtime_error with a sentence when a file cannot be read. OpenSSL would not say why.
inline void check_readable(const std::string& what, const std::string& file) {
  std::ifstream stream{file};
  if (!stream || stream.peek() == std::ifstream::traits_type::eof()) {
    const std::string reason =
        !stream.is_open() ? std::generic_category().message(errno) : "it is empty, or cannot be read";
    throw std::runtime_error{"cannot read " + what + " \"" + file + "\": " + reason};
  }
}

[[noreturn]] inline void refuse_file(const std::string& what, const std::string& file, const ErrorCode& error) {
  throw std::runtime_error{"cannot use " + what + " \"" + file + "\": " + error.message()};
}

/// Reads the files. Throws std::runtime_error with a sentence that names the file and says what is wrong with it.
inline TlsContext make_tls_context(const TlsServerOptions& options) {
  const std::string certificate = "the TLS certificate";
  const std::string key = "the private key of the TLS certificate";
  TlsContext context = make_tls_context(TlsContext::tls_server);
  // Of TLS 1.2, only what keeps today's traffic secret when the key is stolen tomorrow, and authenticates what it
  // hides.
  if (SSL_CTX_set_cipher_list(context.native_handle(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
    throw std::runtime_error{"this OpenSSL has none of the ciphers that are wanted for TLS 1.2"};
  }
  check_readable(certificate, options.certificate_chain_file);
  check_readable(key, options.private_key_file);
  ErrorCode error;
  context.use_certificate_chain_file(options.certificate_chain_file, error);
  if (error) {
    refuse_file(certificate, options.certificate_chain_file, error);
  }
  // Without this, OpenSSL asks on the terminal, and waits.
  const auto asked = std::make_shared<bool>(false);
  context.set_password_callback([asked](std::size_t, TlsContext::password_purpose) {
    *asked = true;
    return std::string{};
  });
  context.use_private_key_file(options.private_key_file, TlsContext::pem, error);
  if (error && *asked) {
    throw std::runtime_error{"cannot use " + key + " \"" + options.private_key_file + "\": a password protects it"};
  }
  if (error) {
    refuse_file(key, options.private_key_file, error);
  }
  return context;
}

/// Reads the file of authorities. Throws std::runtime_error as above.
inline TlsContext make_tls_context(const TlsClientOptions& options) {
  TlsContext context = make_tls_context(TlsContext::tls_client);
  ErrorCode error;
  if (!options.verify) {
    context.set_verify_mode(boost::asio::ssl::verify_none, error);
    return context;
  }
  context.set_verify_mode(boost::asio::ssl::verify_peer, error);
  if (options.ca_file.empty()) {
    context.set_default_verify_paths(error);
    if (error) {
      throw std::runtime_error{"cannot read the certificates that the system trusts: " + error.message()};
    }
    return context;
  }
  const std::string authorities = "the certificates of authorities";
  check_readable(authorities, options.ca_file);
  context.load_verify_file(options.ca_file, error);
  if (error) {
    refuse_file(authorities, options.ca_file, error);
  }
  return context;
}

/// A server's side of a connection.
inline std::unique_ptr<TlsChannel> accept_tls(TlsContext& context, Socket& socket) {
  auto channel = std::make_unique<TlsChannel>(context.native_handle(), socket);
  SSL_set_accept_state(channel->native_handle());
  return channel;
}

/// A client's side of a connection to `name`, a name or an IP address.
inline std::unique_ptr<TlsChannel> connect_tls(TlsContext& context, Socket& socket, const std::string& name) {
  auto channel = std::make_unique<TlsChannel>(context.native_handle(), socket);
  SSL* const ssl = channel->native_handle();
  SSL_set_connect_state(ssl);
  ErrorCode no_address;
  boost::asio::ip::make_address(name, no_address);
  bool set = true;
  if (!no_address) {
    set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  } else {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    set = SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  }
  if (!set) {
    throw std::runtime_error{"\"" + name + "\" cannot be the name of a TLS server"};
  }
  return channel;
}

/// Why a client's handshake failed, for people to read.
inline std::string describe_tls_failure(const TlsChannel& channel, const ErrorCode& error) {
  const long verdict = SSL_get_verify_result(channel.native_handle());
  if (verdict != X509_V_OK && (SSL_get_verify_mode(channel.native_handle()) & SSL_VERIFY_PEER) != 0) {
    return std::string{"the certificate of the server is not accepted: "} + X509_verify_cert_error_string(verdict);
  }
  return "the TLS handshake failed: " + error.message();
}

/// Whether a server's handshake failed because the peer speaks HTTP, and not TLS.
inline bool is_plain_http(const ErrorCode& error) {
  const auto code = static_cast<unsigned long>(static_cast<unsigned>(error.value()));
  return error.category() == boost::asio::error::get_ssl_category() && ERR_GET_LIB(code) == ERR_LIB_SSL &&
         (ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST || ERR_GET_REASON(code) == SSL_R_HTTPS_PROXY_REQUEST);
}

}  // namespace restante::asio_detail
