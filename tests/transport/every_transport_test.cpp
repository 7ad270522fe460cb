// What restante/transport.hpp promises of every transport, tried on each of them.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <restante/beast.hpp>
#include <restante/client.hpp>
#include <restante/memory.hpp>
#include <restante/messenger.hpp>
#include <restante/websocketpp.hpp>

#include "recording_listener.hpp"
#include "websocket_support.hpp"

namespace restante::test {
namespace {

/// The in-memory network: virtual time, one thread.
class OverMemory {
 public:
  using Server = MemoryServer;
  using Client = MemoryClient;

  Server& server() noexcept { return server_; }

  Client& add_client() {
    clients_.push_back(std::make_unique<Client>(network_, server_));
    return *clients_.back();
  }

  template <class Condition>
  bool until(Condition condition) {
    const SteadyTime end = after(network_.now(), 10s);
    while (!condition() && network_.timeline().next() <= end && network_.step()) {
    }
    return condition();
  }

 private:
  MemoryNetwork network_;
  MemoryServer server_{network_};
  std::vector<std::unique_ptr<Client>> clients_;
};

/// Real sockets on the loopback interface, server and clients in one loop.
template <class WebSocketServer, class WebSocketClient>
class OverWebSockets {
 public:
  using Server = WebSocketServer;
  using Client = WebSocketClient;

  Server& server() noexcept { return server_; }

  Client& add_client() {
    clients_.push_back(std::make_unique<Client>(context_, WebSocketClientOptions{.port = port_}));
    return *clients_.back();
  }

  template <class Condition>
  bool until(Condition condition) {
    return run_until(context_, condition);
  }

 private:
  boost::asio::io_context context_{1};
  Server server_{context_, WebSocketServerOptions{.port = 0}};
  std::uint16_t port_ = server_.port();
  std::vector<std::unique_ptr<Client>> clients_;
};

template <class World>
class EveryTransport : public testing::Test {
 protected:
  EveryTransport() { world_.server().start(at_server_); }
  ~EveryTransport() override {
    world_.server().stop();
    client_.stop();
  }

  /// Starts the client and opens a connection, which both ends then know.
  void connect() {
    if (!started_) {
      client_.start(at_client_);
      started_ = true;
    }
    const std::size_t known = at_client_.connections.size();
    const Connection name = client_.open();
    ASSERT_TRUE(
        world_.until([&] { return at_client_.connections.size() > known && at_server_.connections.size() > known; }));
    EXPECT_EQ(at_client_.connections.back(), name);
  }

  Connection client_side() const { return at_client_.connections.back(); }
  Connection server_side() const { return at_server_.connections.back(); }

  World world_;
  RecordingListener at_server_;
  RecordingListener at_client_;
  typename World::Client& client_ = world_.add_client();
  bool started_ = false;
};

using Worlds = testing::Types<OverMemory, OverWebSockets<WebsocketppServer, WebsocketppClient>,
                              OverWebSockets<BeastServer, BeastClient>>;
TYPED_TEST_SUITE(EveryTransport, Worlds);

TYPED_TEST(EveryTransport, ReportsOpenedThenMessagesThenClosedAndEndsItsTurns) {
  this->connect();
  this->client_.send(this->client_side(), as_bytes("one"));
  this->client_.send(this->client_side(), as_bytes("two"));
  ASSERT_TRUE(this->world_.until([&] { return this->at_server_.messages.size() == 2; }));
  this->client_.close(this->client_side(), close_code::normal, "bye");
  ASSERT_TRUE(this->world_.until([&] { return !this->at_server_.ends.empty() && !this->at_client_.ends.empty(); }));
  ASSERT_TRUE(this->world_.until([&] { return this->at_server_.log.back() == "turn"; }));
  std::vector<std::string> without_turns;
  for (const std::string& entry : this->at_server_.log) {
    if (entry != "turn") {
      without_turns.push_back(entry);
    }
  }
  EXPECT_EQ(without_turns, (std::vector<std::string>{"opened", "binary one", "binary two", "closed 1000"}));
  EXPECT_EQ(this->at_server_.ends.front().reason, "bye");
  EXPECT_EQ(this->at_client_.ends.front().code, close_code::normal);
}

TYPED_TEST(EveryTransport, CarriesMessagesBothWaysInOrderAndWhole) {
  this->connect();
  this->at_server_.on_received = [&](Connection connection, BytesView message) {
    this->world_.server().send(connection, message);
  };
  std::vector<std::string> sent{"",
                                std::string(1, '\0'),
                                "a",
                                std::string(125, 'b'),
                                std::string(126, 'c'),
                                std::string(65535, 'd'),
                                std::string(65536, 'e')};
  for (const std::string& message : sent) {
    this->client_.send(this->client_side(), as_bytes(message));
  }
  ASSERT_TRUE(this->world_.until([&] { return this->at_client_.messages.size() == sent.size(); }));
  EXPECT_EQ(this->at_client_.messages, sent);
}

TYPED_TEST(EveryTransport, ClosesWithCodeAndReasonAfterWhatWasSentBefore) {
  this->connect();
  this->world_.server().send(this->server_side(), as_bytes("last words"));
  this->world_.server().close(this->server_side(), 4321, "that is all");
  this->world_.server().send(this->server_side(), as_bytes("too late"));
  ASSERT_TRUE(this->world_.until([&] { return !this->at_server_.ends.empty() && !this->at_client_.ends.empty(); }));
  EXPECT_EQ(this->at_client_.messages, (std::vector<std::string>{"last words"}));
  EXPECT_EQ(this->at_client_.ends.front().code, 4321);
  EXPECT_EQ(this->at_client_.ends.front().reason, "that is all");
  EXPECT_EQ(this->at_server_.ends.size(), 1U);
}

TYPED_TEST(EveryTransport, SaysNothingOfAConnectionThatItWasToldToClose) {
  this->connect();
  this->at_server_.on_received = [&](Connection connection, BytesView) {
    this->world_.server().close(connection, close_code::policy_violation, "enough");
  };
  for (int i = 0; i < 3; ++i) {
    this->client_.send(this->client_side(), as_bytes("message"));
  }
  ASSERT_TRUE(this->world_.until([&] { return !this->at_server_.ends.empty() && !this->at_client_.ends.empty(); }));
  EXPECT_EQ(this->at_server_.messages.size(), 1U);
}

TYPED_TEST(EveryTransport, SwallowsWhatIsSaidToAConnectionThatIsGone) {
  this->connect();
  const Connection gone = this->server_side();
  this->client_.close(this->client_side(), close_code::normal, "");
  ASSERT_TRUE(this->world_.until([&] { return !this->at_server_.ends.empty() && !this->at_client_.ends.empty(); }));
  EXPECT_EQ(this->world_.server().send(gone, as_bytes("hello")), 0U);
  this->world_.server().pause(gone);
  this->world_.server().resume(gone);
  this->world_.server().close(gone, close_code::normal, "");
  this->connect();
  EXPECT_NE(this->server_side(), gone);
  EXPECT_EQ(this->at_client_.messages.size(), 0U);
}

TYPED_TEST(EveryTransport, NeverUsesANameTwice) {
  std::set<Connection> names;
  for (int i = 0; i < 20; ++i) {
    this->connect();
    EXPECT_TRUE(names.insert(this->server_side()).second);
    const std::size_t ended = this->at_client_.ends.size();
    this->client_.close(this->client_side(), close_code::normal, "");
    ASSERT_TRUE(this->world_.until(
        [&] { return this->at_client_.ends.size() > ended && this->at_server_.ends.size() > ended; }));
  }
}

TYPED_TEST(EveryTransport, KeepsMessagesOfAPausedConnectionAndGivesThemInOrderLater) {
  this->connect();
  this->at_server_.on_received = [&](Connection connection, BytesView message) {
    if (as_text(message) == "2") {
      this->world_.server().pause(connection);
    }
  };
  for (const char* message : {"1", "2", "3", "4"}) {
    this->client_.send(this->client_side(), as_bytes(message));
  }
  ASSERT_TRUE(this->world_.until([&] { return this->at_server_.messages.size() == 2; }));
  // Time goes on, and nothing comes.
  bool later = false;
  this->at_server_.on_woken = [&] { later = true; };
  this->world_.server().wake_at(after(this->world_.server().now(), 20ms));
  ASSERT_TRUE(this->world_.until([&] { return later; }));
  EXPECT_EQ(this->at_server_.messages.size(), 2U);
  this->world_.server().resume(this->server_side());
  EXPECT_EQ(this->at_server_.messages.size(), 2U) << "a transport reports from its own loop only";
  ASSERT_TRUE(this->world_.until([&] { return this->at_server_.messages.size() == 4; }));
  EXPECT_EQ(this->at_server_.messages, (std::vector<std::string>{"1", "2", "3", "4"}));
}

TYPED_TEST(EveryTransport, SaysHowMuchWaitsAndWhenAPausedConnectionHasDrained) {
  this->connect();
  // The client does not read, so that what it is sent has to wait somewhere.
  this->client_.pause(this->client_side());
  const std::string block(64 * 1024, 'x');
  std::size_t sent = 0;
  std::size_t waiting = 0;
  bool turned = false;
  this->at_server_.on_woken = [&] {
    for (int i = 0; i < 16; ++i) {
      waiting = this->world_.server().send(this->server_side(), as_bytes(block));
      ++sent;
    }
    turned = true;
  };
  // Until even the kernel has had enough: what waits after a turn is what nobody took.
  do {
    turned = false;
    this->world_.server().wake();
    ASSERT_TRUE(this->world_.until([&] { return turned; }));
  } while (waiting <= 16 * (block.size() + 16) && sent < 1000);
  ASSERT_GT(waiting, block.size());
  this->world_.server().pause(this->server_side());
  EXPECT_EQ(this->at_server_.count("drained"), 0);
  this->client_.resume(this->client_side());
  ASSERT_TRUE(this->world_.until([&] { return this->at_server_.count("drained") > 0; }));
  ASSERT_TRUE(this->world_.until([&] { return this->at_client_.messages.size() == sent; }));
  EXPECT_EQ(this->at_server_.count("drained"), 1);
}

TYPED_TEST(EveryTransport, ClosesWhoSendsMoreThanAMessageMayHave) {
  this->connect();
  this->client_.send(this->client_side(), as_bytes(std::string(64 * 1024 + 1, 'x')));
  ASSERT_TRUE(this->world_.until([&] { return !this->at_server_.ends.empty() && !this->at_client_.ends.empty(); }));
  EXPECT_EQ(this->at_client_.ends.front().code, close_code::message_too_big);
  EXPECT_TRUE(this->at_server_.messages.empty());
}

TYPED_TEST(EveryTransport, WakesOnceAtTheLatestTimeThatItWasToldAndNotBefore) {
  auto& server = this->world_.server();
  const SteadyTime start = server.now();
  SteadyTime woken_at{};
  this->at_server_.on_woken = [&] { woken_at = server.now(); };
  server.wake_at(after(start, 1h));
  server.wake_at(never);
  server.wake_at(after(start, 30ms));
  ASSERT_TRUE(this->world_.until([&] { return this->at_server_.count("woken") > 0; }));
  EXPECT_GE(woken_at, after(start, 30ms));
  server.wake();
  ASSERT_TRUE(this->world_.until([&] { return this->at_server_.count("woken") > 1; }));
  EXPECT_EQ(this->at_server_.count("woken"), 2);
}

TYPED_TEST(EveryTransport, ClosesWhatIsLeftWhenItIsStoppedAndReportsNothingMore) {
  this->connect();
  this->client_.send(this->client_side(), as_bytes("never seen"));
  const std::size_t heard = this->at_server_.log.size();
  this->world_.server().stop();
  ASSERT_TRUE(this->world_.until([&] { return !this->at_client_.ends.empty(); }));
  EXPECT_EQ(this->at_client_.ends.front().code, close_code::going_away);
  EXPECT_EQ(this->at_server_.log.size(), heard);
}

TYPED_TEST(EveryTransport, TellsAClientWhoseServerIsNotThereAndLetsItTryAgain) {
  this->world_.server().stop();
  this->client_.start(this->at_client_);
  for (std::size_t attempt = 1; attempt <= 2; ++attempt) {
    const Connection name = this->client_.open();
    EXPECT_NE(name, Connection{});
    ASSERT_TRUE(this->world_.until([&] { return this->at_client_.ends.size() == attempt; }));
    EXPECT_EQ(this->at_client_.ends.back().code, close_code::abnormal);
  }
  EXPECT_EQ(this->at_client_.count("opened"), 0);
}

TYPED_TEST(EveryTransport, LetsAClientGiveUpWhileItConnects) {
  this->client_.start(this->at_client_);
  const Connection name = this->client_.open();
  this->client_.close(name, close_code::normal, "");
  ASSERT_TRUE(this->world_.until([&] { return !this->at_client_.ends.empty(); }));
  EXPECT_EQ(this->at_client_.count("opened"), 0);
}

// What two listeners agree on.

/// A server and a client of its own, whose listeners speak what the test says.
template <class World>
struct Negotiation {
  Negotiation(std::vector<Protocol> server_speaks, std::vector<Protocol> client_speaks) {
    at_server.spoken = std::move(server_speaks);
    at_client.spoken = std::move(client_speaks);
    world.server().start(at_server);
    client.start(at_client);
    client.open();
    EXPECT_TRUE(world.until([&] { return !at_server.negotiated.empty() && !at_client.negotiated.empty(); }));
  }
  Negotiation(const Negotiation&) = delete;
  Negotiation& operator=(const Negotiation&) = delete;
  ~Negotiation() {
    world.server().stop();
    client.stop();
  }

  void send_to_server(std::size_t bytes) { client.send(at_client.connections.at(0), text_of(bytes)); }
  void send_to_client(std::size_t bytes) { world.server().send(at_server.connections.at(0), text_of(bytes)); }

  /// Runs until both sides know that the connection ended.
  bool until_closed() {
    return world.until([&] { return !at_server.ends.empty() && !at_client.ends.empty(); });
  }

  BytesView text_of(std::size_t bytes) {
    text.assign(bytes, 'x');
    return as_bytes(text);
  }

  World world;
  RecordingListener at_server;
  RecordingListener at_client;
  typename World::Client& client = world.add_client();
  std::string text;
};

template <class World>
class EveryNegotiation : public testing::Test {};
TYPED_TEST_SUITE(EveryNegotiation, Worlds);

std::vector<Protocol> speaking(const std::vector<std::string_view>& names) {
  std::vector<Protocol> protocols;
  for (const std::string_view name : names) {
    protocols.push_back({name, 1000});
  }
  return protocols;
}

TYPED_TEST(EveryNegotiation, ChoosesTheFirstThatTheClientOffersAndTheServerSpeaks) {
  using Names = std::vector<std::string_view>;
  struct Case {
    Names server;
    Names client;
    std::string chosen;
  };
  for (const auto& [server, client, chosen] : std::vector<Case>{{{}, {}, ""},
                                                                {{}, {"one"}, ""},
                                                                {{}, {"two", "one"}, ""},
                                                                {{"one"}, {}, ""},
                                                                {{"one"}, {"one"}, "one"},
                                                                {{"one"}, {"two"}, ""},
                                                                {{"one"}, {"ONE", "on", "one.", "zone"}, ""},
                                                                {{"one"}, {"three", "two", "one"}, "one"},
                                                                {{"one", "two"}, {}, ""},
                                                                {{"one", "two"}, {"one", "two"}, "one"},
                                                                {{"one", "two"}, {"two", "one"}, "two"},
                                                                {{"one", "two"}, {"three", "two"}, "two"},
                                                                {{"one", "two"}, {"three", "four"}, ""}}) {
    const Negotiation<TypeParam> both{speaking(server), speaking(client)};
    EXPECT_EQ(both.at_server.negotiated, std::vector<std::string>{chosen});
    EXPECT_EQ(both.at_client.negotiated, std::vector<std::string>{chosen});
  }
}

TYPED_TEST(EveryNegotiation, AsksEachListenerOnce) {
  Negotiation<TypeParam> both{speaking({"one"}), speaking({"one"})};
  both.client.close(both.at_client.connections.at(0), close_code::normal, "");
  ASSERT_TRUE(both.until_closed());
  both.client.open();
  ASSERT_TRUE(both.world.until([&] { return both.at_client.negotiated.size() == 2; }));
  EXPECT_EQ(both.at_client.negotiated, (std::vector<std::string>{"one", "one"}));
  EXPECT_EQ(both.at_server.times_asked, 1);
  EXPECT_EQ(both.at_client.times_asked, 1);
}

TYPED_TEST(EveryNegotiation, TheServerTakesMessagesAsLongAsTheProtocolThatWasChosenSays) {
  for (const std::size_t bytes_max : {std::size_t{1}, std::size_t{10}, std::size_t{1000}, std::size_t{200'000}}) {
    Negotiation<TypeParam> both{{{"other", 20}, {"one", bytes_max}}, {{"one", 500}}};
    both.send_to_server(bytes_max);
    both.send_to_server(bytes_max + 1);
    ASSERT_TRUE(both.until_closed());
    EXPECT_EQ(both.at_server.messages, std::vector<std::string>{std::string(bytes_max, 'x')});
    EXPECT_EQ(both.at_client.ends.front().code, close_code::message_too_big);
  }
}

TYPED_TEST(EveryNegotiation, TheClientTakesMessagesAsLongAsTheProtocolThatWasChosenSays) {
  for (const std::size_t bytes_max : {std::size_t{1}, std::size_t{10}, std::size_t{1000}, std::size_t{300'000}}) {
    Negotiation<TypeParam> both{{{"one", 500}}, {{"other", 20}, {"one", bytes_max}}};
    both.send_to_client(bytes_max);
    both.send_to_client(bytes_max + 1);
    ASSERT_TRUE(both.until_closed());
    EXPECT_EQ(both.at_client.messages, std::vector<std::string>{std::string(bytes_max, 'x')});
    EXPECT_EQ(both.at_server.ends.front().code, close_code::message_too_big);
  }
}

TYPED_TEST(EveryNegotiation, ConnectionsWithoutASubprotocolHaveTheLimitThatTheyHadBefore) {
  Negotiation<TypeParam> both{{{"one", 10}, {"two", 200'000}}, {{"three", 10}}};
  both.send_to_client(100);
  both.send_to_server(65'536);
  both.send_to_server(65'537);
  ASSERT_TRUE(both.until_closed());
  EXPECT_EQ(both.at_client.messages, std::vector<std::string>{std::string(100, 'x')});
  EXPECT_EQ(both.at_server.messages, std::vector<std::string>{std::string(65'536, 'x')});
  EXPECT_EQ(both.at_client.ends.front().code, close_code::message_too_big);
}

TYPED_TEST(EveryNegotiation, ConnectionsOfOneServerHaveALimitEach) {
  Negotiation<TypeParam> both{{{"one", 10}}, {{"one", 10}}};
  RecordingListener at_other;
  auto& other = both.world.add_client();
  other.start(at_other);
  other.open();
  ASSERT_TRUE(both.world.until([&] { return at_other.connections.size() == 1; }));
  other.send(at_other.connections.at(0), both.text_of(65'536));
  ASSERT_TRUE(both.world.until([&] { return both.at_server.messages.size() == 1; }));
  both.send_to_server(11);
  ASSERT_TRUE(both.until_closed());
  EXPECT_EQ(both.at_client.ends.front().code, close_code::message_too_big);
  EXPECT_TRUE(at_other.ends.empty());
  other.stop();
}

// The whole library on each transport.
template <class World>
class EveryMessenger : public testing::Test {};
TYPED_TEST_SUITE(EveryMessenger, Worlds);

TYPED_TEST(EveryMessenger, CarriesAMessageFromOneClientToAnother) {
  TypeParam world;
  Messenger messenger{world.server()};
  auto& ada_transport = world.add_client();
  auto& bob_transport = world.add_client();
  using ClientType = Client<typename TypeParam::Client>;
  std::string got;
  {
    ClientType ada{ada_transport};
    ClientType bob{bob_transport};
    ada.connect();
    bob.connect();
    ASSERT_TRUE(world.until(
        [&] { return ada.state() == ClientType::State::connected && bob.state() == ClientType::State::connected; }));
    ada.associate(1);
    bob.associate(2);
    ada.push(1, 2, as_bytes("hello"), [&](std::error_code, classic::PushResult) {
      bob.get(2, [&](std::error_code, const classic::GetResult& result) { got = as_text(result.payload); });
    });
    ASSERT_TRUE(world.until([&] { return !got.empty(); }));
  }
  EXPECT_EQ(got, "hello");
  EXPECT_TRUE(world.until([&] { return messenger.counters().connections_open == 0; }));
  EXPECT_EQ(messenger.counters().addresses_held, 0U);
}

}  // namespace
}  // namespace restante::test
