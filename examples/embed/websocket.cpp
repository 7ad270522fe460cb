// A server for WebSocket clients: ws://127.0.0.1:12345. It runs until it is interrupted.
#include <restante/messenger.hpp>
#include <restante/websocketpp.hpp>

int main() {
  restante::WebsocketppServer transport{{.host = "127.0.0.1", .port = 12345}};
  restante::Messenger messenger{transport};
  transport.run();
}
