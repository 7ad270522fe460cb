#include <restante/sim/tap.hpp>

#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <restante/memory.hpp>

namespace restante::sim {
namespace {

using namespace std::chrono_literals;

// Names of what was told, and of what a listener heard.
class Notes final : public Recorder, public TransportListener {
 public:
  void record(Entry entry) override { told.emplace_back(name(entry.kind)); }

  std::span<const Protocol> protocols() const override { return spoken; }

  void opened(Connection connection, const Opened& opened) override {
    heard.push_back("opened" + (opened.protocol.empty() ? "" : " speaking " + std::string{opened.protocol}));
    latest = connection;
  }
  void received(Connection, MessageType type, BytesView message) override {
    heard.push_back((type == MessageType::binary ? "received " : "received text ") + std::string{as_text(message)});
  }
  void turn_ended() override { heard.emplace_back("turn_ended"); }
  void drained(Connection) override { heard.emplace_back("drained"); }
  void closed(Connection, const Closed& closed) override { heard.push_back("closed " + std::to_string(closed.code)); }
  void woken() override { heard.emplace_back("woken"); }

  std::vector<Protocol> spoken;
  std::vector<std::string> told;
  std::vector<std::string> heard;
  Connection latest;
};

class TapTest : public ::testing::Test {
 protected:
  TapTest() {
    server_tap.start(server_notes);
    client_tap.start(client_notes);
    client_tap.open();
    network.run_for(1s);
  }

  void send(std::string_view text) {
    client_tap.send(client_notes.latest, as_bytes(text));
    network.run_for(1s);
  }

  MemoryNetwork network;
  MemoryServer server{network};
  MemoryClient client{network, server};
  Notes server_notes;
  Notes client_notes;
  Tap<MemoryServer> server_tap{server, server_notes, Side::server};
  Tap<MemoryClient> client_tap{client, client_notes, Side::client, 0};
};

TEST_F(TapTest, TellsWhatGoesOverTheWireAndPassesItOn) {
  send("hello");
  server_tap.send(server_notes.latest, as_bytes("you"));
  client_tap.send_text(client_notes.latest, "text");
  network.run_for(1s);
  client_tap.close(client_notes.latest, close_code::normal, "bye");
  network.run_for(1s);
  EXPECT_EQ(client_notes.told, (std::vector<std::string>{"opening", "opened_at_client", "sent_by_client",
                                                         "sent_by_client", "received_by_client", "closed_at_client"}));
  EXPECT_EQ(server_notes.told, (std::vector<std::string>{"opened_at_server", "received_by_server", "sent_by_server",
                                                         "received_by_server", "closed_at_server"}));
  EXPECT_EQ(server_notes.heard,
            (std::vector<std::string>{"opened", "received hello", "turn_ended", "received text text", "turn_ended",
                                      "closed 1000", "turn_ended"}));
}

TEST(Tap, PassesOnWhatItsListenerSpeaksAndWhatWasNegotiatedAlsoWhenItThaws) {
  MemoryNetwork network;
  MemoryServer server{network};
  MemoryClient client{network, server};
  Notes server_notes;
  Notes client_notes;
  server_notes.spoken = {{"one", 10}, {"two", 10}};
  client_notes.spoken = {{"zero", 10}, {"two", 10}};
  Tap<MemoryServer> server_tap{server, server_notes, Side::server};
  Tap<MemoryClient> client_tap{client, client_notes, Side::client, 0};
  server_tap.start(server_notes);
  client_tap.start(client_notes);
  server_tap.set_frozen(true);
  client_tap.open();
  network.run_for(1s);
  EXPECT_EQ(client_notes.heard, (std::vector<std::string>{"opened speaking two"}));
  EXPECT_TRUE(server_notes.heard.empty());
  server_tap.set_frozen(false);
  EXPECT_EQ(server_notes.heard, (std::vector<std::string>{"opened speaking two"}));
}

TEST_F(TapTest, HearsEverythingAtOnceWhenItIsThawed) {
  server_tap.set_frozen(true);
  server_notes.heard.clear();
  send("one");
  send("two");
  server_tap.wake();
  client_tap.close(client_notes.latest, close_code::normal, "");
  network.run_for(1s);
  EXPECT_TRUE(server_notes.heard.empty());
  server_tap.set_frozen(false);
  EXPECT_EQ(server_notes.heard, (std::vector<std::string>{"received one", "turn_ended", "received two", "turn_ended",
                                                          "closed 1000", "turn_ended", "woken"}));
}

TEST_F(TapTest, ForgetsWhatAProgramThatEndedDidNotHear) {
  server_tap.set_frozen(true);
  server_notes.heard.clear();
  send("one");
  server_tap.forget();
  EXPECT_TRUE(server_notes.heard.empty());
  send("two");
  EXPECT_EQ(server_notes.heard, (std::vector<std::string>{"received two", "turn_ended"}));
}

}  // namespace
}  // namespace restante::sim
