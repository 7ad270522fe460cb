// A client that claims an id, writes to itself, reads it, and leaves. It brings a server along, on any free port, so
// that it can be tried by itself; both share one loop.
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <boost/asio/io_context.hpp>

#include <restante/client.hpp>
#include <restante/messenger.hpp>
#include <restante/websocketpp.hpp>

using restante::classic::AssociateResult;
using restante::classic::GetResult;
using restante::classic::PushResult;

int main() {
  boost::asio::io_context loop;
  restante::WebsocketppServer server{loop, {.port = 0}};
  restante::Messenger messenger{server};

  restante::WebsocketppClient transport{loop, {.host = "127.0.0.1", .port = server.port()}};
  std::optional<restante::Client<restante::WebsocketppClient>> client;

  // Requests can be sent from the moment on that the connection stands, without waiting for replies in between.
  const auto converse = [&] {
    client->associate(7, [](std::error_code error, AssociateResult result) {
      std::printf("id 7: %s\n", !error && result == AssociateResult::associated ? "mine" : "not mine");
    });
    client->push(7, 7, restante::as_bytes("hello"), [](std::error_code error, PushResult result) {
      std::printf("push: %s\n", !error && result == PushResult::accepted ? "accepted" : "not known to be accepted");
    });
    client->get(7, [&](std::error_code error, const GetResult& result) {
      if (!error && result.kind == GetResult::Kind::message) {
        std::printf("%u wrote: %s\n", unsigned{result.sender}, std::string{restante::as_text(result.payload)}.c_str());
      }
      client->close();
    });
  };

  restante::ClientOptions options;
  options.on_event = [&](const restante::ClientEvent& event) {
    if (std::holds_alternative<restante::client_event::Connected>(event)) {
      converse();
    } else if (std::holds_alternative<restante::client_event::Disconnected>(event)) {
      loop.stop();
    }
  };
  client.emplace(transport, std::move(options));
  client->connect();
  loop.run();
}
