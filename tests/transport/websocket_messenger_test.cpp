// Messenger and Client as their users run them: over real sockets.
#include <restante/client.hpp>
#include <restante/messenger.hpp>

#include "websocket_support.hpp"

namespace restante::test {
namespace {

// A messenger on a port of its own, and clients in the same loop.
struct Office {
  explicit Office(MessengerOptions options = {}) : messenger{transport, std::move(options)} {}

  boost::asio::io_context context{1};
  TestedServer transport{context, {.port = 0}};
  Messenger<TestedServer> messenger;
};

struct Person {
  explicit Person(Office& office) : transport{office.context, {.port = office.transport.port()}}, client{transport} {
    client.connect();
  }

  TestedClient transport;
  restante::Client<TestedClient> client;
};

std::string packet(std::initializer_list<int> bytes, std::string_view payload = {}) {
  std::string result;
  for (const int byte : bytes) {
    result += static_cast<char>(byte);
  }
  return result + std::string{payload};
}

TEST(MessengerOverWebSocket, CarriesMessagesBetweenClients) {
  Office office;
  Person ada{office};
  Person bob{office};
  int associated = 0;
  const auto count = [&](std::error_code error, classic::AssociateResult) { associated += error ? 0 : 1; };
  // A request is for a connection that stands.
  const auto connected = [](const Person& person) {
    return person.client.state() == restante::Client<TestedClient>::State::connected;
  };
  ASSERT_TRUE(run_until(office.context, [&] { return connected(ada) && connected(bob); }));
  ada.client.associate(1, count);
  bob.client.associate(2, count);
  ASSERT_TRUE(run_until(office.context, [&] { return associated == 2; }));

  ada.client.push(1, 2, as_bytes("one"));
  ada.client.push(1, 2, as_bytes("two"));
  std::vector<std::string> received;
  const auto keep = [&](std::error_code error, const classic::GetResult& result) {
    received.push_back(error                                            ? "failed"
                       : result.kind == classic::GetResult::Kind::empty ? "empty"
                                                                        : std::string{as_text(result.payload)});
  };
  ASSERT_TRUE(run_until(office.context, [&] { return office.messenger.counters().books.stored == 2; }));
  for (int gets = 0; gets < 3; ++gets) {
    bob.client.get(2, keep);
  }
  ASSERT_TRUE(run_until(office.context, [&] { return received.size() == 3; }));
  EXPECT_EQ(received, (std::vector<std::string>{"one", "two", "empty"}));
}

TEST(MessengerOverWebSocket, ClosesOnText) {
  Office office;
  RawClient peer{office.context, office.transport.port()};
  ASSERT_TRUE(peer.upgrade());
  peer.send(binary(packet({0, 0, 7})) + encode({.opcode = 1, .payload = "hello"}));
  EXPECT_EQ(peer.read(), "binary " + packet({0, 1, 7}));
  EXPECT_EQ(peer.read(), "close 1003");
}

TEST(MessengerOverWebSocket, AnswersEverythingThatAPeerAskedBeforeItClosed) {
  Office office;
  RawClient peer{office.context, office.transport.port()};
  ASSERT_TRUE(peer.upgrade());
  std::string requests = binary(packet({0, 0, 7}));
  for (int pushes = 0; pushes < 50; ++pushes) {
    requests += binary(packet({2, 1, 7, 7, 1}, "x"));
  }
  peer.send(requests + close_frame(1000));
  EXPECT_EQ(peer.read(), "binary " + packet({0, 1, 7}));
  for (int pushes = 0; pushes < 50; ++pushes) {
    EXPECT_EQ(peer.read(), "binary " + packet({1, 2, 7}));
  }
  EXPECT_EQ(peer.read(), "close 1000");
  EXPECT_EQ(peer.read(), "ended");
  EXPECT_EQ(office.messenger.counters().addresses_held, 0U);
}

TEST(MessengerOverWebSocket, LosesNothingForAPeerThatReadsLate) {
  Office office{{.waiting_bytes_max = 4096}};
  RawClient peer{office.context};
  peer.read_slowly();
  peer.connect(office.transport.port());
  ASSERT_TRUE(peer.upgrade());
  peer.send(binary(packet({0, 0, 7})));
  EXPECT_EQ(peer.read(), "binary " + packet({0, 1, 7}));
  // Every round fills the mailbox and empties it, with replies of 260 bytes.
  constexpr int rounds = 10;
  constexpr int messages = 100;
  for (int round = 0; round < rounds; ++round) {
    std::string requests;
    for (int count = 0; count < messages; ++count) {
      requests += binary(packet({2, 1, 7, 7, 254}, std::string(254, static_cast<char>('a' + round))));
    }
    for (int count = 0; count < messages; ++count) {
      requests += binary(packet({1, 0, 7}));
    }
    peer.send(requests);
    office.context.poll();
  }
  for (int round = 0; round < rounds; ++round) {
    for (int count = 0; count < messages; ++count) {
      ASSERT_EQ(peer.read(), "binary " + packet({1, 2, 7}));
    }
    for (int count = 0; count < messages; ++count) {
      ASSERT_EQ(peer.read(), "binary " + packet({2, 0, 7, 7, 254}, std::string(254, static_cast<char>('a' + round))));
    }
  }
  EXPECT_GT(office.messenger.counters().connections_paused, 0U);
}

TEST(MessengerOverWebSocket, ClosesAPeerThatDoesNotReadAtAll) {
  Office office{{.waiting_bytes_max = 4096, .stuck_after = 50ms}};
  RawClient peer{office.context};
  peer.read_slowly();
  peer.connect(office.transport.port());
  ASSERT_TRUE(peer.upgrade());
  const std::string many = [] {
    std::string requests;
    for (int count = 0; count < 1000; ++count) {
      requests += binary(packet({1, 0, 7}));
    }
    return requests;
  }();
  // Until the kernel's buffers are full in both directions, and the messenger has enough of it.
  std::string_view rest;
  ASSERT_TRUE(run_until(office.context, [&] {
    rest = peer.send_some(rest.empty() ? std::string_view{many} : rest);
    return office.messenger.counters().connections_stuck > 0;
  }));
  EXPECT_EQ(office.messenger.counters().connections_stuck, 1U);
}

TEST(MessengerOverWebSocket, ClosesEveryoneWhenItShutsDown) {
  Office office;
  RawClient peer{office.context, office.transport.port()};
  ASSERT_TRUE(peer.upgrade());
  office.messenger.shut_down();
  EXPECT_EQ(peer.read(), "close 1001");
}

}  // namespace
}  // namespace restante::test
