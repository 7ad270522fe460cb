// All of websocketpp compiles as C++20 with the headers that restante::websocketpp brings, also those parts that
// Restante does not use.
#include <websocketpp/config/core.hpp>
#include <websocketpp/config/core_client.hpp>

#include <restante/websocketpp.hpp>
#include <sstream>
#include <websocketpp/client.hpp>
#include <websocketpp/server.hpp>

#include <gtest/gtest.h>

namespace {

TEST(WebsocketppRepairedHeaders, LetItsEndpointsBeUsedNextToRestante) {
  ::websocketpp::server<::websocketpp::config::core> server;
  ::websocketpp::client<::websocketpp::config::core_client> client;
  std::ostringstream output;
  server.register_ostream(&output);
  server.clear_access_channels(::websocketpp::log::alevel::all);
  auto connection = server.get_connection();
  connection->start();
  const std::string request = "GET / HTTP/1.1\r\n\r\n";
  connection->read_some(request.data(), request.size());
  EXPECT_TRUE(output.str().starts_with("HTTP/1.1 400"));
}

}  // namespace
