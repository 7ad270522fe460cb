#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>

#include "websocket_support.hpp"

namespace restante::test {
namespace {

using Log = std::vector<std::string>;

// A client with a recording listener.
struct Client {
  Client(boost::asio::io_context& context, WebSocketClientOptions options, std::vector<Protocol> spoken = {})
      : transport{context, std::move(options)} {
    listener.spoken = std::move(spoken);
    transport.start(listener);
  }
  ~Client() { transport.stop(); }

  RecordingListener listener;
  TestedClient transport;
};

// A server that sends what the test says.
class ScriptedServer {
  using tcp = boost::asio::ip::tcp;

 public:
  explicit ScriptedServer(boost::asio::io_context& context)
      : context_{context},
        acceptor_{context, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0}},
        peer_{context} {}

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  /// Accepts a connection, and reads the request.
  void accept() {
    bool read = false;
    acceptor_.async_accept(peer_, [&](const auto& error) {
      EXPECT_FALSE(error);
      boost::asio::async_read_until(peer_, boost::asio::dynamic_buffer(request_), "\r\n\r\n",
                                    [&](const auto&, std::size_t) { read = true; });
    });
    ASSERT_TRUE(run_until(context_, [&] { return read; }));
  }

  const std::string& request() const { return request_; }

  void send(std::string_view bytes) { boost::asio::write(peer_, boost::asio::buffer(bytes)); }

  /// Accepts a connection and completes the handshake. `more` are header lines, each with its line break; `behind` are
  /// bytes that come together with the answer.
  void upgrade(std::string_view more = {}, std::string_view behind = {}) {
    accept();
    TestedEngine::ServerHandshake handshake;
    handshake.take_bytes(as_bytes(request_));
    TestedEngine::Shared shared;
    std::string answer = TestedEngine{asio_detail::Role::server, 1, shared}.accept(handshake, "");
    answer.insert(answer.size() - 2, more);
    send(answer.append(behind));
  }

  void disconnect() { peer_.close(); }

 private:
  boost::asio::io_context& context_;
  tcp::acceptor acceptor_;
  tcp::socket peer_;
  std::string request_;
};

TEST(WebSocketClient, ConnectsAndExchangesMessages) {
  Server server;
  server.echo();
  Client client{server.context, {.port = server.transport.port()}};
  const Connection name = client.transport.open();
  ASSERT_TRUE(server.until([&] { return !client.listener.connections.empty(); }));
  EXPECT_EQ(client.listener.connections[0], name);
  EXPECT_EQ(client.listener.peers[0], "127.0.0.1:" + std::to_string(server.transport.port()));
  client.transport.send(name, as_bytes("one"));
  client.transport.send(name, as_bytes(std::string(60'000, 'x')));
  ASSERT_TRUE(server.until([&] { return client.listener.messages.size() == 2; }));
  EXPECT_EQ(client.listener.messages, (Log{"one", std::string(60'000, 'x')}));
  client.transport.close(name, 1000, "done");
  ASSERT_TRUE(server.until([&] { return !client.listener.ends.empty() && !server.listener.ends.empty(); }));
  EXPECT_EQ(client.listener.ends[0].code, 1000);
  EXPECT_EQ(server.listener.ends[0].reason, "done");
}

TEST(WebSocketClient, ReportsAConnectionThatCouldNotBeMadeAsClosedOnly) {
  std::uint16_t port = 0;
  {
    const TestedServer gone{{.port = 0}};
    port = gone.port();
  }
  boost::asio::io_context context;
  Client client{context, {.port = port}};
  client.transport.open();
  EXPECT_TRUE(client.listener.log.empty()) << "nothing is reported from inside open()";
  ASSERT_TRUE(run_until(context, [&] { return !client.listener.ends.empty(); }));
  EXPECT_EQ(client.listener.log.at(0), "closed 1006");
  EXPECT_EQ(client.listener.ends[0].reason, "Connection refused");
}

TEST(WebSocketClient, FindsAServerByItsName) {
  Server server;
  Client client{server.context, {.host = "localhost", .port = server.transport.port()}};
  client.transport.open();
  EXPECT_TRUE(server.until([&] { return !client.listener.connections.empty(); }));
}

TEST(WebSocketClient, ReportsANameThatIsNotFound) {
  boost::asio::io_context context;
  Client client{context, {.host = "not a host"}};
  client.transport.open();
  ASSERT_TRUE(run_until(context, [&] { return !client.listener.ends.empty(); }));
  EXPECT_EQ(client.listener.ends[0].code, 1006);
  EXPECT_FALSE(client.listener.ends[0].reason.empty());
}

TEST(WebSocketClient, OffersSubprotocolsAndSaysWhichWasChosen) {
  Server server{{}, {{"two", 10}}};
  Client client{server.context, {.port = server.transport.port()}, {{"one", 10}, {"two", 10}}};
  client.transport.open();
  ASSERT_TRUE(server.until([&] { return !client.listener.connections.empty(); }));
  EXPECT_EQ(client.listener.negotiated, (Log{"two"}));
  EXPECT_EQ(server.listener.negotiated, (Log{"two"}));
}

TEST(WebSocketClient, SaysWithWhichStatusItWasRefused) {
  Server server{{.connections_max = 1}};
  RawClient first = server.connect();
  ASSERT_TRUE(first.upgrade());
  Client client{server.context, {.port = server.transport.port()}};
  client.transport.open();
  ASSERT_TRUE(server.until([&] { return !client.listener.ends.empty(); }));
  EXPECT_NE(client.listener.ends[0].reason.find("status 503"), std::string::npos) << client.listener.ends[0].reason;
  EXPECT_TRUE(client.listener.connections.empty());
}

TEST(WebSocketClient, CanConnectAgainFromInsideTheReportThatItClosed) {
  Server server;
  server.listener.on_opened = [&](Connection connection) { server.transport.close(connection, 4000, "go away"); };
  Client client{server.context, {.port = server.transport.port()}};
  client.listener.on_closed = [&](Connection) {
    if (client.listener.ends.size() < 3) {
      client.transport.open();
    }
  };
  client.transport.open();
  ASSERT_TRUE(server.until([&] { return client.listener.ends.size() == 3; }));
  for (const auto& end : client.listener.ends) {
    EXPECT_EQ(end.code, 4000);
  }
  EXPECT_NE(client.listener.connections.at(0), client.listener.connections.at(1));
  EXPECT_NE(client.listener.connections.at(1), client.listener.connections.at(2));
}

TEST(WebSocketClient, CanBeClosedBeforeItIsConnected) {
  boost::asio::io_context context;
  ScriptedServer server{context};
  Client client{context, {.port = server.port()}};
  const Connection name = client.transport.open();
  EXPECT_EQ(client.transport.send(name, as_bytes("too early")), 0U);
  client.transport.close(name, 1000, "never mind");
  ASSERT_TRUE(run_until(context, [&] { return !client.listener.ends.empty(); }));
  EXPECT_EQ(client.listener.log, (Log{"closed 1000", "turn"}));
}

TEST(WebSocketClient, EndsAHandshakeThatTakesTooLong) {
  boost::asio::io_context context;
  ScriptedServer server{context};
  Client client{context, {.port = server.port(), .handshake_timeout = 30ms}};
  client.transport.open();
  ASSERT_TRUE(run_until(context, [&] { return !client.listener.ends.empty(); }));
  EXPECT_EQ(client.listener.ends[0].reason, "the handshake took too long");
}

TEST(WebSocketClient, AsksAsTheRfcSays) {
  boost::asio::io_context context;
  ScriptedServer server{context};
  Client client{context, {.port = server.port(), .path = "/mail?x"}, {{"a", 1}, {"b", 1}}};
  client.transport.open();
  server.accept();
  EXPECT_TRUE(server.request().starts_with("GET /mail?x HTTP/1.1\r\n"));
  for (const std::string& line : {"Host: 127.0.0.1:" + std::to_string(server.port()), std::string{"Upgrade: websocket"},
                                  std::string{"Connection: Upgrade"}, std::string{"Sec-WebSocket-Version: 13"},
                                  std::string{"Sec-WebSocket-Protocol: a, b"}}) {
    EXPECT_NE(server.request().find("\r\n" + line + "\r\n"), std::string::npos) << line;
  }
}

TEST(WebSocketClient, RefusesAnswersThatAreNotToItsRequest) {
  const std::string upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  for (const std::string& answer :
       {std::string{"SSH-2.0-OpenSSH_9.2\r\n\r\n"}, std::string{"HTTP/1.1 200 OK\r\n\r\n"},
        std::string{"HTTP/1.1 404 Not Found\r\nContent-Length: 1000000\r\n\r\n<html>"}, upgrade + "\r\n",
        upgrade + "Sec-WebSocket-Accept: dGhlIHNhbXBsZQ==\r\n\r\n", std::string(20'000, 'x')}) {
    boost::asio::io_context context;
    ScriptedServer server{context};
    // What has no length ends with the connection, which is not waited for.
    Client client{context, {.port = server.port(), .handshake_timeout = 1h}};
    client.transport.open();
    server.accept();
    server.send(answer);
    ASSERT_TRUE(run_until(context, [&] { return !client.listener.ends.empty(); }));
    EXPECT_EQ(client.listener.log, (Log{"closed 1006", "turn"})) << answer;
  }
}

TEST(WebSocketClient, RefusesWhatItDidNotOffer) {
  const std::string header = "Sec-WebSocket-Protocol: ";
  const std::vector<Protocol> mine{{"mine", 10}, {"also.mine", 10}};
  const std::vector<std::pair<std::vector<Protocol>, std::string>> cases{
      {mine, header + "other\r\n"},
      {mine, header + "Mine\r\n"},
      {mine, header + "min\r\n"},
      // One is chosen, not several (RFC 6455, section 11.3.4).
      {mine, header + "mine, also.mine\r\n"},
      {mine, header + "mine\r\n" + header + "also.mine\r\n"},
      {mine, header + "mine\r\n" + header + "other\r\n"},
      {{}, header + "mine\r\n"},
      {mine, "Sec-WebSocket-Extensions: permessage-deflate\r\n"},
  };
  for (const auto& [spoken, lines] : cases) {
    boost::asio::io_context context;
    ScriptedServer server{context};
    Client client{context, {.port = server.port()}, spoken};
    client.transport.open();
    server.upgrade(lines);
    ASSERT_TRUE(
        run_until(context, [&] { return !client.listener.ends.empty() || !client.listener.connections.empty(); }));
    ASSERT_EQ(client.listener.log, (Log{"closed 1006", "turn"})) << lines;
    EXPECT_NE(client.listener.ends[0].reason.find("not offered"), std::string::npos) << lines;
  }
}

TEST(WebSocketClient, TakesTheSubprotocolThatTheServerChoseOrNone) {
  for (const auto& [lines, chosen] :
       std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                        {"Sec-WebSocket-Protocol: mine\r\n", "mine"},
                                                        {"sec-websocket-protocol:\t also.mine \r\n", "also.mine"}}) {
    boost::asio::io_context context;
    ScriptedServer server{context};
    Client client{context, {.port = server.port()}, {{"mine", 10}, {"also.mine", 10}}};
    client.transport.open();
    server.upgrade(lines);
    ASSERT_TRUE(run_until(context, [&] { return !client.listener.connections.empty(); })) << lines;
    EXPECT_EQ(client.listener.negotiated, (Log{chosen})) << lines;
  }
}

TEST(WebSocketClient, HoldsAMessageThatComesWithTheAnswerToTheLimitOfTheSubprotocol) {
  boost::asio::io_context context;
  ScriptedServer server{context};
  Client client{context, {.port = server.port()}, {{"mine", 10}}};
  client.transport.open();
  server.upgrade("Sec-WebSocket-Protocol: mine\r\n", encode({.payload = "ten bytes.", .masked = false}) +
                                                         encode({.payload = "more than it", .masked = false}));
  ASSERT_TRUE(run_until(context, [&] { return !client.listener.ends.empty(); }));
  EXPECT_EQ(client.listener.messages, (Log{"ten bytes."}));
  EXPECT_EQ(client.listener.ends[0].code, 1009);
}

TEST(WebSocketClient, OffersNothingWhereItsListenerSpeaksNoSubprotocol) {
  boost::asio::io_context context;
  ScriptedServer server{context};
  Client client{context, {.port = server.port()}};
  client.transport.open();
  server.accept();
  EXPECT_EQ(server.request().find("Protocol"), std::string::npos);
}

TEST(WebSocketClient, TakesMessagesThatComeWithTheAnswerAndRefusesMaskedOnes) {
  boost::asio::io_context context;
  ScriptedServer server{context};
  Client client{context, {.port = server.port()}};
  client.transport.open();
  server.upgrade();
  server.send(encode({.payload = "early", .masked = false}) + encode({.payload = "masked", .masked = true}));
  ASSERT_TRUE(run_until(context, [&] { return !client.listener.ends.empty(); }));
  EXPECT_EQ(client.listener.messages, (Log{"early"}));
  EXPECT_EQ(client.listener.ends[0].code, 1002);
}

TEST(WebSocketClient, ReportsAServerThatBreaksOff) {
  boost::asio::io_context context;
  ScriptedServer server{context};
  Client client{context, {.port = server.port()}};
  client.transport.open();
  server.upgrade();
  ASSERT_TRUE(run_until(context, [&] { return !client.listener.connections.empty(); }));
  server.disconnect();
  ASSERT_TRUE(run_until(context, [&] { return !client.listener.ends.empty(); }));
  EXPECT_EQ(client.listener.ends[0].code, 1006);
}

TEST(WebSocketClient, PingsASilentServer) {
  boost::asio::io_context context;
  ScriptedServer server{context};
  Client client{context, {.port = server.port(), .ping_interval = 20ms, .pong_timeout = 20ms}};
  client.transport.open();
  server.upgrade();
  ASSERT_TRUE(run_until(context, [&] { return !client.listener.ends.empty(); }));
  EXPECT_EQ(client.listener.ends[0].reason, "the peer does not answer");
}

}  // namespace
}  // namespace restante::test
