#include <set>

#include <gmock/gmock.h>

#include "websocket_support.hpp"

namespace restante::test {
namespace {

TEST(WebSocketHandshake, AnswersTheExampleOfTheRfcAsTheRfcDoes) {
  Server server;
  RawClient client = server.connect();
  client.ask();
  EXPECT_EQ(client.read_response(), "101 Switching Protocols");
  EXPECT_NE(client.header().find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
  EXPECT_NE(client.header().find("Upgrade: websocket\r\n"), std::string::npos);
  EXPECT_EQ(server.listener.log, (std::vector<std::string>{"opened", "turn"}));
  EXPECT_TRUE(server.listener.peers.at(0).starts_with("127.0.0.1:"));
}

TEST(WebSocketHandshake, TakesARequestThatComesByteByByte) {
  Server server;
  RawClient client = server.connect();
  const std::string request =
      "GET / HTTP/1.1\r\nhost: localhost\r\nUPGRADE: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  for (const char byte : request) {
    client.send({&byte, 1});
    server.context.poll();
  }
  EXPECT_EQ(client.read_response(), "101 Switching Protocols");
}

TEST(WebSocketHandshake, RefusesOldDraftsAndOtherVersionsAndSaysWhichItSpeaks) {
  for (const std::string version : {"", "Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 0\r\n",
                                    "Sec-WebSocket-Version: x\r\n", "Sec-WebSocket-Version: 14\r\n"}) {
    Server server;
    RawClient client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + version +
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_EQ(client.read_response(), "426 Upgrade Required") << version;
    EXPECT_NE(client.header().find("Sec-WebSocket-Version: 13\r\n"), std::string::npos);
    client.read_all();
    EXPECT_TRUE(server.listener.log.empty());
  }
}

TEST(WebSocketHandshake, RefusesWhatIsNotARequestForAWebSocket) {
  const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"GET / HTTP/1.1\r\nHost: localhost\r\n" + upgrade + "\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\n" + upgrade + "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n", "400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\n" + upgrade + key + "\r\n", "400 Bad Request"},
      {"GET / HTTP/1.0\r\nHost: localhost\r\n" + upgrade + key + "\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\n" + upgrade + key + "\r\n", "400 Bad Request"},
      {"nonsense\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/1.1\r\nno separator\r\n\r\n", "400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", "413 Payload Too Large"},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", "413 Payload Too Large"},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(9000, 'x') + "\r\n\r\n",
       "431 Request Header Fields Too Large"},
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

// A handshake for a host, with more header lines.
std::string handshake_for(const std::string& host, const std::string& lines = {}) {
  return "GET / HTTP/1.1\r\nHost: " + host +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         lines + "\r\n";
}

TEST(WebSocketHandshake, LetsInProgramsAndPagesOfItsOwn) {
  for (const std::string host : {"127.0.0.1:12345", "localhost", "LocalHost:1", "[::1]:80", "192.0.2.1"}) {
    for (const std::string& line :
         {std::string{}, "Origin: http://" + host + "\r\n", "Origin: https://" + host + "\r\n"}) {
      Server server;
      RawClient client = server.connect();
      client.send(handshake_for(host, line));
      EXPECT_EQ(client.read_response(), "101 Switching Protocols") << host << " " << line;
    }
  }
}

TEST(WebSocketHandshake, RefusesPagesFromOtherOriginsAndTellsTheOperator) {
  for (const std::string origin :
       {"http://example.org", "null", "file://", "http://127.0.0.1.example.org", "http://localhost.example.org",
        "http://127.0.0.1@example.org", "http://example.org:127", "chrome-extension://localhost", "http://", "x",
        "http://localhost:12346", "ws://localhost:12345", "http://127.0.0.1:12345"}) {
    std::string text;
    WebSocketWarning::Kind kind{};
    Server server{{.on_warning = [&](const WebSocketWarning& warning) {
      text = warning.text;
      kind = warning.kind;
    }}};
    RawClient client = server.connect();
    client.send(handshake_for("localhost:12345", "Origin: " + origin + "\r\n"));
    EXPECT_EQ(client.read_response(), "403 Forbidden") << origin;
    EXPECT_NE(text.find("\"" + origin + "\""), std::string::npos) << text;
    EXPECT_EQ(kind, WebSocketWarning::Kind::origin_refused);
    EXPECT_TRUE(server.listener.log.empty());
  }
}

TEST(WebSocketHandshake, DoesNotAnswerForAHostThatItWasNotToldOf) {
  for (const std::string host :
       {"rebound.example", "localhost.example:80", "127.0.0.1.example", "[::1", "local host"}) {
    std::vector<WebSocketWarning::Kind> warnings;
    Server server{{.on_http_request = [](const HttpRequest&) { return HttpResponse{.body = "page"}; },
                   .on_warning = [&](const WebSocketWarning& warning) { warnings.push_back(warning.kind); }}};
    RawClient page = server.connect();
    page.send(handshake_for(host, "Origin: http://" + host + "\r\n"));
    EXPECT_EQ(page.read_response(), "403 Forbidden") << host;
    RawClient browser = server.connect();
    browser.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    EXPECT_EQ(browser.read_response(), "403 Forbidden") << host;
    EXPECT_EQ(warnings, (std::vector<WebSocketWarning::Kind>(2, WebSocketWarning::Kind::host_refused))) << host;
  }
}

TEST(WebSocketHandshake, AnswersForTheHostsThatItIsToldOf) {
  Server server{{.allowed_hosts = {"mail.example"}}};
  RawClient own = server.connect();
  own.send(handshake_for("Mail.example:8080", "Origin: https://mail.Example:8080\r\n"));
  EXPECT_EQ(own.read_response(), "101 Switching Protocols");
  RawClient foreign = server.connect();
  foreign.send(handshake_for("mail.example:8080", "Origin: https://other.example:8080\r\n"));
  EXPECT_EQ(foreign.read_response(), "403 Forbidden");
  Server open{{.allowed_hosts = {"*"}}};
  RawClient any = open.connect();
  any.send(handshake_for("anything.example"));
  EXPECT_EQ(any.read_response(), "101 Switching Protocols");
}

TEST(WebSocketHandshake, LetsInTheOriginsThatItIsToldOf) {
  Server server{{.allowed_origins = {"https://example.org", "null"}}};
  EXPECT_TRUE(server.connect().upgrade("Origin: https://example.org\r\n"));
  EXPECT_TRUE(server.connect().upgrade("Origin: null\r\n"));
  EXPECT_FALSE(server.connect().upgrade("Origin: http://example.org\r\n"));
  Server open{{.allowed_origins = {"*"}}};
  EXPECT_TRUE(open.connect().upgrade("Origin: http://anything.example\r\n"));
}

TEST(WebSocketHandshake, KeepsControlCharactersOfAPeerOutOfTheLog) {
  std::string warning;
  Server server{{.on_warning = [&](const WebSocketWarning& told) { warning = told.text; }}};
  RawClient client = server.connect();
  client.ask("Origin: \x1b[31m\r\n");
  // Some libraries refuse such a byte themselves.
  EXPECT_THAT(client.read_response(), testing::AnyOf("403 Forbidden", "400 Bad Request"));
  EXPECT_TRUE(server.listener.log.empty());
  EXPECT_EQ(warning.find('\x1b'), std::string::npos);
}

TEST(WebSocketHandshake, ChoosesTheFirstSubprotocolOfferedThatItSpeaks) {
  const std::string header = "Sec-WebSocket-Protocol: ";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", ""},
      {header + "zero, two, one\r\n", "two"},
      {header + "three\r\n", ""},
      // In several lines, and as freely as RFC 9110 lets a list be written.
      {header + "zero\r\n" + header + "two\r\n" + header + "one\r\n", "two"},
      {header + "zero, three\r\nX-Between: one\r\n" + header + "four,one\r\n", "one"},
      {"sec-websocket-protocol:two\r\n", "two"},
      {"SEC-WEBSOCKET-PROTOCOL: \t zero\t ,\ttwo \t\r\n", "two"},
      {header + ",, ,zero,,one,\r\n", "one"},
      {header + "\r\n", ""},
      {header + ",\r\n" + header + "\r\n" + header + "one\r\n", "one"},
      // No name is another's, and what is no name is nobody's.
      {header + "ONE, oneone, on, \"one\", one;x=y, one two, two\r\n", "two"},
      {header + "One\r\n" + header + "tWo\r\n", ""},
      {header + "zero;q=\"one, x\", three\r\n", ""},
      {"X-Sec-WebSocket-Protocol: one\r\n", ""},
  };
  for (const auto& [lines, chosen] : cases) {
    Server server{{}, {{"one", 10}, {"two", 10}}};
    RawClient client = server.connect();
    ASSERT_TRUE(client.upgrade(lines)) << lines;
    const std::size_t found = client.header().find("Sec-WebSocket-Protocol:");
    EXPECT_EQ(found != std::string::npos, !chosen.empty()) << lines;
    EXPECT_TRUE(chosen.empty() || client.header().substr(found).starts_with(header + chosen + "\r\n")) << lines;
    EXPECT_EQ(client.header().find("Sec-WebSocket-Protocol", found + 1), std::string::npos)
        << "chosen twice: " << lines;
    EXPECT_EQ(server.listener.negotiated, std::vector<std::string>{chosen}) << lines;
  }
}

TEST(WebSocketHandshake, ChoosesNoSubprotocolWhereTheListenerSpeaksNone) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade("Sec-WebSocket-Protocol: one, two\r\n"));
  EXPECT_EQ(client.header().find("Sec-WebSocket-Protocol"), std::string::npos);
  EXPECT_EQ(server.listener.negotiated, std::vector<std::string>{""});
}

TEST(WebSocketHandshake, LeavesCompressionOff) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
  EXPECT_EQ(client.header().find("Sec-WebSocket-Extensions"), std::string::npos);
}

TEST(WebSocketHandshake, TakesFramesThatComeTogetherWithTheRequest) {
  Server server;
  server.echo();
  RawClient client = server.connect();
  client.send(
      "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
      binary("early"));
  EXPECT_EQ(client.read_response(), "101 Switching Protocols");
  EXPECT_EQ(client.read(), "binary early");
}

TEST(WebSocketHttp, SaysThatThereAreNoPagesWhereThereAreNone) {
  Server server;
  RawClient client = server.connect();
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.read_response(), "426 Upgrade Required");
  EXPECT_EQ(client.read_all(), "This is a WebSocket server, and has no pages.\n");
}

TEST(WebSocketHttp, GivesOutWhatTheHandlerSays) {
  std::string seen;
  std::set<std::string> headers;
  Server server{{.on_http_request = [&](const HttpRequest& request) {
    seen = std::string{request.method} + " " + std::string{request.target};
    for (const HttpHeader& header : request.headers) {
      headers.insert(std::string{header.name} + "=" + std::string{header.value});
    }
    return HttpResponse{.status = 200,
                        .content_type = "text/html; charset=utf-8",
                        .body = std::string(300'000, 'x'),
                        .headers = {{"X-Test", "1"}}};
  }}};
  RawClient client = server.connect();
  client.send("GET /a?b HTTP/1.1\r\nHost: localhost\r\nAccept: y\r\n\r\n");
  EXPECT_EQ(client.read_response(), "200 OK");
  EXPECT_EQ(client.read_all(), std::string(300'000, 'x'));
  EXPECT_NE(client.header().find("Content-Type: text/html; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(client.header().find("Content-Length: 300000\r\n"), std::string::npos);
  EXPECT_NE(client.header().find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(client.header().find("X-Test: 1\r\n"), std::string::npos);
  EXPECT_EQ(seen, "GET /a?b");
  EXPECT_EQ(headers, (std::set<std::string>{"Accept=y", "Host=localhost"}));

  RawClient head = server.connect();
  head.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(head.read_response(), "200 OK");
  EXPECT_EQ(head.read_all(), "");
  EXPECT_NE(head.header().find("Content-Length: 300000\r\n"), std::string::npos);
  EXPECT_TRUE(server.listener.log.empty());
}

}  // namespace
}  // namespace restante::test
