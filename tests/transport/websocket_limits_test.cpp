#include <sys/resource.h>
#include <unistd.h>

#include "websocket_support.hpp"

namespace restante::test {
namespace {

TEST(WebSocketLimits, TakesAMessageOfTheLargestLengthAndClosesOnALargerOne) {
  Server server;
  server.echo();
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(binary(std::string(65'536, 'x')));
  EXPECT_EQ(client.read().size(), 7 + 65'536U);
  client.send(binary("before") + binary(std::string(65'537, 'x')));
  EXPECT_EQ(client.read(), "binary before");
  EXPECT_EQ(client.read(), "close 1009");
  EXPECT_EQ(client.read(), "ended");
  EXPECT_EQ(server.listener.ends.at(0).code, 1009);
}

TEST(WebSocketLimits, LetsThePeerReadTheCloseFrameThoughItIsStillSending) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(encode({.length = 10'000'000}));
  ASSERT_TRUE(server.until_closed());
  for (int chunk = 0; chunk < 20; ++chunk) {
    client.send(std::string(10'000, 'x'));
    server.context.poll();
  }
  EXPECT_EQ(client.read(), "close 1009");
  EXPECT_EQ(client.read(), "ended");
}

TEST(WebSocketLimits, AddsUpTheFragmentsOfAMessage) {
  Server server{{.message_bytes_max = 10}};
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(encode({.payload = "123456", .final = false}) + encode({.opcode = 0, .payload = "78901"}));
  EXPECT_EQ(client.read(), "close 1009");
}

// However a message comes, whole in a frame that an engine may have a shortcut for, in a text or in fragments.
TEST(WebSocketLimits, AreThoseOfTheSubprotocolWhereOneWasChosen) {
  for (const std::size_t bytes_max : {std::size_t{10}, std::size_t{125}, std::size_t{300}, std::size_t{200'000}}) {
    const std::string longest(bytes_max, 'x');
    const std::string half(bytes_max / 2, 'x');
    const std::string rest(bytes_max - half.size(), 'x');
    const auto in_parts = [&](const std::string& last) {
      return encode({.payload = half, .final = false}) + encode({.opcode = 0, .payload = last});
    };
    for (const std::string& too_long :
         {binary(longest + "x"), encode({.opcode = 1, .payload = longest + "x"}), in_parts(rest + "x")}) {
      Server server{{.message_bytes_max = 150}, {{"other", 20}, {"one", bytes_max}}};
      RawClient client = server.connect();
      ASSERT_TRUE(client.upgrade("Sec-WebSocket-Protocol: one\r\n"));
      client.send(binary(longest) + encode({.opcode = 1, .payload = longest}) + in_parts(rest) + too_long);
      EXPECT_EQ(client.read(), "close 1009") << bytes_max;
      EXPECT_EQ(server.listener.messages, (std::vector<std::string>(3, longest)));
    }
  }
}

TEST(WebSocketLimits, OfASubprotocolHoldForAMessageThatComesWithTheRequest) {
  Server server{{}, {{"one", 10}}};
  RawClient client = server.connect();
  client.send(upgrade_request("Sec-WebSocket-Protocol: one\r\n") + binary("ten bytes.") + binary("more than it"));
  EXPECT_EQ(client.read_response(), "101 Switching Protocols");
  EXPECT_EQ(client.read(), "close 1009");
  EXPECT_EQ(server.listener.messages, (std::vector<std::string>{"ten bytes."}));
}

TEST(WebSocketLimits, IsNotFooledByALengthThatOverflows) {
  Server server;
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  client.send(encode({.payload = "123456", .final = false}) + encode({.opcode = 0, .length = ~std::uint64_t{0}}) +
              std::string(200'000, 'x'));
  EXPECT_EQ(client.read(), "close 1009");
  EXPECT_TRUE(server.listener.messages.empty());
}

TEST(WebSocketLimits, RefusesConnectionsAboveTheMostAndAcceptsAgainWhenOneHasGone) {
  Server server{{.connections_max = 2}};
  RawClient first = server.connect();
  RawClient second = server.connect();
  ASSERT_TRUE(first.upgrade());
  ASSERT_TRUE(second.upgrade());
  RawClient third = server.connect();
  third.ask();
  EXPECT_EQ(third.read_response(), "503 Service Unavailable");
  EXPECT_EQ(server.listener.connections.size(), 2U);
  first.send(close_frame(1000));
  EXPECT_EQ(first.read(), "close 1000");
  EXPECT_TRUE(server.connect().upgrade());
}

TEST(WebSocketLimits, LetsSilentPeersNotKeepOthersOut) {
  Server server{{.pending_handshakes_max = 3}};
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int count = 0; count < 10; ++count) {
    silent.push_back(std::make_unique<RawClient>(server.context, server.transport.port()));
  }
  RawClient client = server.connect();
  EXPECT_TRUE(client.upgrade());
  EXPECT_NE(silent.front()->read(), "nothing") << "the oldest gives way";
}

TEST(WebSocketLimits, ClosesAConnectionForWhichTooMuchWaits) {
  Server server{{.send_queue_bytes_max = 1000}};
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  const Connection connection = server.listener.connections.at(0);
  EXPECT_GT(server.transport.send(connection, as_bytes(std::string(600, 'x'))), 600U);
  server.transport.send(connection, as_bytes(std::string(600, 'y')));
  EXPECT_EQ(server.transport.send(connection, as_bytes("z")), 0U);
  EXPECT_EQ(client.read(), "binary " + std::string(600, 'x'));
  EXPECT_EQ(client.read(), "close 1008");
  EXPECT_EQ(server.listener.ends.at(0).code, 1008);
}

TEST(WebSocketLimits, AnswersOnlyTheLatestOfManyPings) {
  Server server;
  server.echo();
  RawClient client = server.connect();
  ASSERT_TRUE(client.upgrade());
  std::string pings;
  for (int count = 0; count < 100; ++count) {
    pings += encode({.opcode = 9, .payload = std::to_string(count)});
  }
  client.send(pings + binary("end"));
  EXPECT_EQ(client.read(), "binary end");
  EXPECT_EQ(client.read(), "pong 99");
}

// Takes all file descriptors of this program away for as long as it lives.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(0);
    close(next);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next);
    setrlimit(RLIMIT_NOFILE, &none);
  }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(WebSocketLimits, SurvivesALackOfFileDescriptors) {
  std::vector<std::string> warnings;
  Server server{{.on_warning = [&](const WebSocketWarning& warning) { warnings.emplace_back(warning.text); }}};
  RawClient client{server.context};
  {
    const NoMoreFiles no_more_files;
    client.connect(server.transport.port());
    ASSERT_TRUE(server.until([&] { return !warnings.empty(); }));
    EXPECT_NE(warnings[0].find("Cannot accept connections for now"), std::string::npos);
  }
  EXPECT_TRUE(client.upgrade());
  EXPECT_EQ(warnings.size(), 1U) << "said once, not with every attempt";
}

}  // namespace
}  // namespace restante::test
