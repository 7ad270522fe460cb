// The transport over WebSockets that a program of tests is about: all of them have to pass the same tests, each in a
// program of its own.
#pragma once

#include <restante/websocketpp.hpp>

namespace restante::test {

using TestedServer = WebsocketppServer;
using TestedClient = WebsocketppClient;
using TestedEngine = websocketpp_detail::Engine;

}  // namespace restante::test
