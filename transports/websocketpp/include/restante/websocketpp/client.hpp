// A WebSocket client in which websocketpp speaks the protocol.
#pragma once

#include <restante/asio/client.hpp>
#include <restante/transport.hpp>
#include <restante/websocketpp/engine.hpp>

namespace restante {

/// See WebSocketClient.
using WebsocketppClient = WebSocketClient<websocketpp_detail::Engine>;

static_assert(ClientTransport<WebsocketppClient>);

}  // namespace restante
