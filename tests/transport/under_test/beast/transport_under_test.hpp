// The transport over WebSockets that a program of tests is about: all of them have to pass the same tests, each in a
// program of its own.
#pragma once

#include <restante/beast.hpp>

namespace restante::test {

using TestedServer = BeastServer;
using TestedClient = BeastClient;
using TestedEngine = beast_detail::Engine;

}  // namespace restante::test
