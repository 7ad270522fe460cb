// WebSocket connections (RFC 6455) over TCP, as a server and as a client: Boost.Beast speaks the protocol, Boost.Asio
// waits for the kernel.
#pragma once

#include <restante/asio/options.hpp>
#include <restante/asio/tls.hpp>
#include <restante/beast/client.hpp>
#include <restante/beast/server.hpp>
