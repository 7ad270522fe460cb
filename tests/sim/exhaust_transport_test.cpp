#include <restante/sim/exhaust_transport.hpp>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace restante::sim {
namespace {

// Says what it speaks, and writes down what was negotiated.
class Speaker final : public TransportListener {
 public:
  explicit Speaker(std::vector<Protocol> protocols) : spoken_{std::move(protocols)} {}

  std::span<const Protocol> protocols() const override { return spoken_; }
  void opened(Connection, const Opened& opened) override { negotiated.emplace_back(opened.protocol); }
  void received(Connection, MessageType, BytesView) override {}
  void turn_ended() override {}
  void drained(Connection) override {}
  void closed(Connection, const Closed&) override {}
  void woken() override {}

  std::vector<std::string> negotiated;

 private:
  std::vector<Protocol> spoken_;
};

class Deaf final : public Recorder {
 public:
  void record(Entry) override {}
};

TEST(StepTransport, NegotiatesBetweenItsListenersAndNothingWithAClientWithoutOne) {
  Deaf recorder;
  StepTransport network{recorder, false};
  Speaker server{{{"one", 10}, {"two", 10}}};
  Speaker client{{{"zero", 10}, {"two", 10}, {"one", 10}}};
  Speaker stranger{{{"three", 10}}};
  network.start(server);
  StepClientTransport client_transport{network, 0};
  StepClientTransport stranger_transport{network, 1};
  client_transport.start(client);
  stranger_transport.start(stranger);
  for (const Connection connection : {client_transport.open(), stranger_transport.open(), network.open(2)}) {
    network.finish_opening(connection.slot);
  }
  EXPECT_EQ(server.negotiated, (std::vector<std::string>{"two", "", ""}));
  EXPECT_EQ(client.negotiated, (std::vector<std::string>{"two"}));
  EXPECT_EQ(stranger.negotiated, (std::vector<std::string>{""}));
}

}  // namespace
}  // namespace restante::sim
