// A WebSocket server in which websocketpp speaks the protocol.
#pragma once

#include <restante/asio/server.hpp>
#include <restante/transport.hpp>
#include <restante/websocketpp/engine.hpp>

namespace restante {

/// See WebSocketServer.
///
///     restante::WebsocketppServer transport{{.host = "127.0.0.1", .port = 12345}};
///     restante::Messenger messenger{transport};
///     transport.run();
using WebsocketppServer = WebSocketServer<websocketpp_detail::Engine>;

static_assert(Transport<WebsocketppServer>);

}  // namespace restante
