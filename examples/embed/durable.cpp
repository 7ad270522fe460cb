// Mail that outlives the program: a server with a store in a file, which is begun anew between the push and the get,
// and a copy that is made of the file while the server runs. A client comes along, so that it can be tried by itself.
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <unistd.h>
#include <boost/asio/io_context.hpp>

#include <restante/client.hpp>
#include <restante/messenger.hpp>
#include <restante/sqlite.hpp>
#include <restante/websocketpp.hpp>

using Client = restante::Client<restante::WebsocketppClient>;

// Serves until the client, which is connected to the server, has closed its connection.
void serve(const std::filesystem::path& file, const std::function<void(Client&)>& converse) {
  boost::asio::io_context loop;
  restante::WebsocketppServer server{loop, {.port = 0}};
  restante::SqliteStore store{{.path = file}};
  restante::Messenger messenger{server, store};

  restante::WebsocketppClient transport{loop, {.host = "127.0.0.1", .port = server.port()}};
  std::optional<Client> client;
  restante::ClientOptions options;
  options.on_event = [&](const restante::ClientEvent& event) {
    if (std::holds_alternative<restante::client_event::Connected>(event)) {
      converse(*client);
    } else if (std::holds_alternative<restante::client_event::Disconnected>(event)) {
      loop.stop();
    }
  };
  client.emplace(transport, std::move(options));
  client->connect();
  loop.run();
}

int main() {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("restante-durable-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::filesystem::path file = folder / "mail.sqlite";
  const std::filesystem::path copy = folder / "copy.sqlite";

  serve(file, [&](Client& client) {
    client.associate(7, [](std::error_code, restante::classic::AssociateResult) {});
    client.push(7, 7, restante::as_bytes("hello"), [&](std::error_code error, restante::classic::PushResult result) {
      std::printf("push: %s\n", !error && result == restante::classic::PushResult::accepted ? "accepted" : "failed");
      // What was accepted is in the file, and so in every copy that is begun now.
      restante::SqliteFile{{.path = file}}.back_up(copy, false, [](int, int) { return true; });
      client.close();
    });
  });

  for (const std::filesystem::path& mail : {file, copy}) {
    serve(mail, [](Client& client) {
      client.associate(7, [](std::error_code, restante::classic::AssociateResult) {});
      client.get(7, [&client](std::error_code error, const restante::classic::GetResult& result) {
        if (!error && result.kind == restante::classic::GetResult::Kind::message) {
          std::printf("7 wrote: %s\n", std::string{restante::as_text(result.payload)}.c_str());
        }
        client.close();
      });
    });
    std::printf("%zu faults\n", restante::SqliteFile{{.path = mail}}.check().size());
  }
  std::filesystem::remove_all(folder);
}
