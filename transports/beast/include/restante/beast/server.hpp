// A WebSocket server in which Boost.Beast speaks the protocol.
#pragma once

#include <restante/asio/server.hpp>
#include <restante/beast/engine.hpp>
#include <restante/transport.hpp>

namespace restante {

/// See WebSocketServer.
///
///     restante::BeastServer transport{{.host = "127.0.0.1", .port = 12345}};
///     restante::Messenger messenger{transport};
///     transport.run();
using BeastServer = WebSocketServer<beast_detail::Engine>;

static_assert(Transport<BeastServer>);

}  // namespace restante
