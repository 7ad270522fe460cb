#include "websocketpp_support.hpp"

namespace restante::test {
namespace {

TEST(WebsocketppHandshake, AnswersTheExampleOfTheRfcAsTheRfcDoes) {
  Server server;
  RawClient client = server.connect();
  client.ask();
  EXPECT_EQ(client.read_response(), "101 Switching Protocols");
  EXPECT_NE(client.header().find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
  EXPECT_NE(client.header().find("Upgrade: websocket\r\n"), std::string::npos);
  EXPECT_EQ(server.listener.log, (std::vector<std::string>{"opened", "turn"}));
  EXPECT_TRUE(server.listener.peers.at(0).starts_with("127.0.0.1:"));
}

TEST(WebsocketppHandshake, TakesARequestThatComesByteByByte) {
  Server server;
  RawClient client = server.connect();
  const std::string request =
      "GET / HTTP/1.1\r\nhost: x\r\nUPGRADE: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  for (const char byte : request) {
    client.send({&byte, 1});
    server.context.poll();
  }
  EXPECT_EQ(client.read_response(), "101 Switching Protocols");
}

TEST(WebsocketppHandshake, RefusesOldDraftsAndOtherVersionsAndSaysWhichItSpeaks) {
  for (const std::string version : {"", "Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 0\r\n",
                                    "Sec-WebSocket-Version: x\r\n", "Sec-WebSocket-Version: 14\r\n"}) {
    Server server;
    RawClient client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + version +
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_EQ(client.read_response(), "426 Upgrade Required") << version;
    EXPECT_NE(client.header().find("Sec-WebSocket-Version: 13\r\n"), std::string::npos);
    client.read_all();
    EXPECT_TRUE(server.listener.log.empty());
  }
}

TEST(WebsocketppHandshake, RefusesWhatIsNotARequestForAWebSocket) {
  const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"GET / HTTP/1.1\r\nHost: x\r\n" + upgrade + "\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost: x\r\n" + upgrade + "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n", "400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: x\r\n" + upgrade + key + "\r\n", "400 Bad Request"},
      {"GET / HTTP/1.0\r\nHost: x\r\n" + upgrade + key + "\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\n" + upgrade + key + "\r\n", "400 Bad Request"},
      {"nonsense\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\nno separator\r\n\r\n", "400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "413 Request Entity Too Large"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "413 Request Entity Too Large"},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", "431 Request Header Fields Too Large"},
      {std::string(20'000, 'x'), "431 Request Header Fields Too Large"},
  };
  for (const auto& [request, status] : cases) {
    Server server;
    RawClient client = server.connect();
    client.send(request);
    EXPECT_EQ(client.read_response(), status) << request.substr(0, 200);
    client.read_all();
    EXPECT_TRUE(server.listener.log.empty());
  }
}

TEST(WebsocketppHandshake, LetsInProgramsAndPagesFromLoopbackAddresses) {
  for (const std::string origin : {"", "Origin: http://127.0.0.1:8000\r\n", "Origin: http://localhost\r\n",
                                   "Origin: https://LOCALHOST:1\r\n", "Origin: http://[::1]:80\r\n"}) {
    Server server;
    RawClient client = server.connect();
    EXPECT_TRUE(client.upgrade(origin)) << origin;
  }
}

TEST(WebsocketppHandshake, RefusesPagesFromOtherOriginsAndTellsTheOperator) {
  for (const std::string origin :
       {"http://example.org", "null", "file://", "http://127.0.0.1.example.org", "http://localhost.example.org",
        "http://127.0.0.1@example.org", "http://example.org:127", "chrome-extension://localhost", "http://", "x"}) {
    std::string warning;
    Server server{{.on_warning = [&](std::string_view text) { warning = text; }}};
    RawClient client = server.connect();
    client.ask("Origin: " + origin + "\r\n");
    EXPECT_EQ(client.read_response(), "403 Forbidden") << origin;
    EXPECT_NE(warning.find("\"" + origin + "\""), std::string::npos) << warning;
    EXPECT_TRUE(server.listener.log.empty());
  }
}

TEST(WebsocketppHandshake, DoesNotTakeANameThatLeadsToLoopbackForItsOwn) {
  Server server;
  RawClient client = server.connect();
  client.send(
      "GET / HTTP/1.1\r\nHost: rebound.example\r\nOrigin: http://rebound.example\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_EQ(client.read_response(), "403 Forbidden");
}

TEST(WebsocketppHandshake, LetsInPagesOfItsOwnWhenItIsOpenToAll) {
  Server server{{.host = "0.0.0.0"}};
  const std::string request =
      "GET / HTTP/1.1\r\nHost: mail.example:80\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  RawClient own = server.connect();
  own.send(request + "Origin: https://Mail.example:80\r\n\r\n");
  EXPECT_EQ(own.read_response(), "101 Switching Protocols");
  RawClient foreign = server.connect();
  foreign.send(request + "Origin: https://other.example:80\r\n\r\n");
  EXPECT_EQ(foreign.read_response(), "403 Forbidden");
}

TEST(WebsocketppHandshake, LetsInTheOriginsThatItIsToldOf) {
  Server server{{.allowed_origins = {"https://example.org", "null"}}};
  EXPECT_TRUE(server.connect().upgrade("Origin: https://example.org\r\n"));
  EXPECT_TRUE(server.connect().upgrade("Origin: null\r\n"));
  EXPECT_FALSE(server.connect().upgrade("Origin: http://example.org\r\n"));
  Server open{{.allowed_origins = {"*"}}};
  EXPECT_TRUE(open.connect().upgrade("Origin: http://anything.example\r\n"));
}

TEST(WebsocketppHandshake, KeepsControlCharactersOfAPeerOutOfTheLog) {
  std::string warning;
  Server server{{.on_warning = [&](std::string_view text) { warning = text; }}};
  RawClient client = server.connect();
  client.ask("Origin: \x1b[31m\r\n");
  EXPECT_EQ(client.read_response(), "403 Forbidden");
  EXPECT_EQ(warning.find('\x1b'), std::string::npos);
}

TEST(WebsocketppHandshake, ChoosesTheFirstSubprotocolOfferedThatItSpeaks) {
  Server server{{.subprotocols = {"one", "two"}}};
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade("Sec-WebSocket-Protocol: zero, two, one\r\n"));
  EXPECT_NE(client.header().find("Sec-WebSocket-Protocol: two\r\n"), std::string::npos);
  RawClient stranger = server.connect();
  ASSERT_TRUE(stranger.upgrade("Sec-WebSocket-Protocol: three\r\n"));
  EXPECT_EQ(stranger.header().find("Sec-WebSocket-Protocol"), std::string::npos);
  EXPECT_EQ(server.listener.protocols, (std::vector<std::string>{"two", ""}));
}

TEST(WebsocketppHandshake, LeavesCompressionOff) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
  EXPECT_EQ(client.header().find("Sec-WebSocket-Extensions"), std::string::npos);
}

TEST(WebsocketppHandshake, TakesFramesThatComeTogetherWithTheRequest) {
  Server server;
  server.echo();
  RawClient client = server.connect();
  client.send(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
      binary("early"));
  EXPECT_EQ(client.read_response(), "101 Switching Protocols");
  EXPECT_EQ(client.read(), "binary early");
}

TEST(WebsocketppHttp, SaysThatThereAreNoPagesWhereThereAreNone) {
  Server server;
  RawClient client = server.connect();
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read_response(), "426 Upgrade Required");
  EXPECT_EQ(client.read_all(), "This is a WebSocket server, and has no pages.\n");
}

TEST(WebsocketppHttp, GivesOutWhatTheHandlerSays) {
  std::string seen;
  Server server{{.on_http_request = [&](const HttpRequest& request) {
    seen = std::string{request.method} + " " + std::string{request.target};
    for (const HttpHeader& header : request.headers) {
      seen += " " + std::string{header.name} + "=" + std::string{header.value};
    }
    return HttpResponse{.status = 200,
                        .content_type = "text/html; charset=utf-8",
                        .body = std::string(300'000, 'x'),
                        .headers = {{"X-Test", "1"}}};
  }}};
  RawClient client = server.connect();
  client.send("GET /a?b HTTP/1.1\r\nHost: x\r\nAccept: y\r\n\r\n");
  EXPECT_EQ(client.read_response(), "200 OK");
  EXPECT_EQ(client.read_all(), std::string(300'000, 'x'));
  EXPECT_NE(client.header().find("Content-Type: text/html; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(client.header().find("Content-Length: 300000\r\n"), std::string::npos);
  EXPECT_NE(client.header().find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(client.header().find("X-Test: 1\r\n"), std::string::npos);
  EXPECT_EQ(seen, "GET /a?b Accept=y Host=x");

  RawClient head = server.connect();
  head.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(head.read_response(), "200 OK");
  EXPECT_EQ(head.read_all(), "");
  EXPECT_NE(head.header().find("Content-Length: 300000\r\n"), std::string::npos);
  EXPECT_TRUE(server.listener.log.empty());
}

}  // namespace
}  // namespace restante::test
