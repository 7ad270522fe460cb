// A WebSocket client in which Boost.Beast speaks the protocol.
#pragma once

#include <restante/asio/client.hpp>
#include <restante/beast/engine.hpp>
#include <restante/transport.hpp>

namespace restante {

/// See WebSocketClient.
using BeastClient = WebSocketClient<beast_detail::Engine>;

static_assert(ClientTransport<BeastClient>);

}  // namespace restante
