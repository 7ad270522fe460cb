// What can be said about TLS to WebSocketServer and WebSocketClient.
#pragma once

#include <string>

namespace restante {

/// Makes a server speak TLS, 1.2 and later, on its port, and nothing else there: "wss://" and "https://".
struct TlsServerOptions {
  /// A file in PEM: the certificate of the server first, then those that lead from it to an authority.
  std::string certificate_chain_file;
  /// A file in PEM: the private key that belongs to the certificate. One that a password protects is not accepted.
  std::string private_key_file;
};

/// Makes a client speak TLS, 1.2 and later.
struct TlsClientOptions {
  /// A file in PEM: the certificates of the authorities that are trusted. Empty: those that the system trusts.
  std::string ca_file = {};
  /// The name or IP address that the certificate must be for; a name is also told to the server. Empty: the host that
  /// is connected to.
  std::string server_name = {};
  /// Whether the server has to prove who it is. Without, anybody on the way can pose as the server: for tests.
  bool verify = true;
};

}  // namespace restante
