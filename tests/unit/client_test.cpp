#include <restante/client.hpp>

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "support/assertion_throws.hpp"
#include "support/packets.hpp"
#include "support/recording_transport.hpp"

namespace restante {

// It asks its transport for no more than the concept says.
template class Client<TransportArchetype>;

namespace {

using namespace test;
using namespace std::chrono_literals;

using classic::AssociateResult;
using classic::GetResult;
using classic::PushResult;
using Messages = std::vector<Bytes>;
using Told = std::vector<std::string>;

static_assert(!std::is_copy_constructible_v<Client<RecordingTransport>>);

struct DescribeEvent {
  std::string operator()(const client_event::Connected& told) const { return "connected " + std::string{told.peer}; }
  std::string operator()(const client_event::Disconnected& told) const {
    return "disconnected " + std::to_string(told.code) + (told.reconnects ? " and reconnects" : "");
  }
  std::string operator()(const client_event::IdRestored& told) const { return "restored " + std::to_string(told.id); }
  std::string operator()(const client_event::IdNotRestored& told) const {
    return "not restored " + std::to_string(told.id) + " " + std::to_string(static_cast<int>(told.result));
  }
};

class ClientTest : public ::testing::Test {
 protected:
  using ClientType = Client<RecordingTransport>;
  using State = ClientType::State;

  static ClientOptions telling(Told& events, ClientOptions options = {}) {
    options.on_event = [&events](const ClientEvent& told) { events.push_back(std::visit(DescribeEvent{}, told)); };
    return options;
  }

  // Connects, and gives the connection.
  Connection connect(ClientType& client) {
    client.connect();
    return finish_opening();
  }

  Connection finish_opening() {
    const Connection connection = transport_.opening();
    transport_.finish_opening();
    return connection;
  }

  // Lets time pass until the client makes a connection again.
  Connection wait_for_reconnect() {
    EXPECT_NE(transport_.wake_time(), never);
    transport_.advance(transport_.wake_time() - transport_.now());
    return finish_opening();
  }

  classic::AssociateCallback tell_associate(std::string name = "associate") {
    return [this, name](std::error_code error, AssociateResult result) {
      told_.push_back(name + (error ? ": " + error.message() : " " + std::to_string(static_cast<int>(result))));
    };
  }
  classic::PushCallback tell_push(std::string name = "push") {
    return [this, name](std::error_code error, PushResult result) {
      told_.push_back(name + (error ? ": " + error.message() : " " + std::to_string(static_cast<int>(result))));
    };
  }
  classic::GetCallback tell_get(std::string name = "get") {
    return [this, name](std::error_code error, const GetResult& result) {
      told_.push_back(name + (error ? ": " + error.message()
                                    : " " + std::to_string(static_cast<int>(result.kind)) + " " +
                                          std::to_string(result.sender) + " " + std::string{as_text(result.payload)}));
    };
  }

  static std::string failed(std::string_view name, Error error) {
    return std::string{name} + ": " + make_error_code(error).message();
  }

  RecordingTransport transport_;
  Told told_;
};

TEST_F(ClientTest, ConnectsWhenItIsToldTo) {
  ClientType client{transport_};
  EXPECT_TRUE(transport_.is_started());
  EXPECT_EQ(client.state(), State::idle);
  EXPECT_EQ(transport_.opens(), 0);
  client.connect();
  EXPECT_EQ(client.state(), State::connecting);
  client.connect();
  transport_.finish_opening();
  EXPECT_EQ(client.state(), State::connected);
  client.connect();
  EXPECT_EQ(transport_.opens(), 1);
}

TEST_F(ClientTest, StopsItsTransportAndCallsNothingAtItsEnd) {
  {
    ClientType client{transport_};
    connect(client);
    client.get(1, tell_get());
  }
  EXPECT_EQ(transport_.stops(), 1);
  EXPECT_TRUE(told_.empty());
}

TEST_F(ClientTest, SendsRequestsAtOnceAndCallsBackInTheirOrder) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.associate(1, tell_associate());
  client.push(1, 2, as_bytes("hi"), tell_push());
  client.get(1, tell_get());
  EXPECT_EQ(transport_.replies(server), (Messages{associate(1), push(1, 2, "hi"), get(1)}));
  EXPECT_EQ(client.requests(), 3U);
  EXPECT_TRUE(told_.empty());
  transport_.receive(server, association_success(1));
  transport_.receive(server, positive_ack(1));
  transport_.receive(server, get_response(1, 9, "hello"));
  EXPECT_EQ(told_, (Told{"associate 0", "push 0", "get 0 9 hello"}));
  EXPECT_EQ(client.requests(), 0U);
}

TEST_F(ClientTest, NeedsNoCallbackForAnAssociateOrAPush) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.associate(1);
  client.push(1, 2, as_bytes("hi"));
  transport_.receive(server, association_success(1));
  transport_.receive(server, positive_ack(1));
  EXPECT_EQ(client.requests(), 0U);
}

TEST_F(ClientTest, SendsPayloadsUpTo254BytesAndRejectsLongerOnes) {
  ClientType client{transport_};
  const Connection server = connect(client);
  const std::string longest(254, 'x');
  const std::string too_long(255, 'x');
  client.push(1, 2, as_bytes(longest));
  client.push(1, 2, as_bytes(too_long), tell_push());
  EXPECT_EQ(transport_.replies(server), Messages{push(1, 2, longest)});
  EXPECT_TRUE(told_.empty()) << "no callback comes from inside the call that made the request";
  transport_.deliver_wake();
  EXPECT_EQ(told_, Told{failed("push", Error::payload_too_large)});
  EXPECT_EQ(client.requests(), 1U);
}

TEST_F(ClientTest, RejectsRequestsWithoutAConnection) {
  ClientType client{transport_};
  client.associate(1, tell_associate());
  client.connect();
  client.push(1, 2, as_bytes("hi"), tell_push());
  client.get(1, tell_get());
  EXPECT_TRUE(told_.empty());
  transport_.deliver_wake();
  EXPECT_EQ(told_, (Told{failed("associate", Error::not_connected), failed("push", Error::not_connected),
                         failed("get", Error::not_connected)}));
}

TEST_F(ClientTest, RejectsMoreRequestsThanMayWait) {
  ClientType client{transport_, ClientOptions{.requests_max = 2}};
  const Connection server = connect(client);
  client.get(1, tell_get("first"));
  client.get(1, tell_get("second"));
  client.get(1, tell_get("third"));
  transport_.deliver_wake();
  EXPECT_EQ(told_, Told{failed("third", Error::too_many_requests)});
  transport_.receive(server, buffer_empty(1));
  client.get(1, tell_get("fourth"));
  EXPECT_EQ(transport_.replies(server).size(), 3U);
}

TEST_F(ClientTest, LetsCallbacksMakeRequests) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.associate(1, [&](std::error_code, AssociateResult) { client.get(1, tell_get()); });
  transport_.receive(server, association_success(1));
  EXPECT_EQ(transport_.replies(server), (Messages{associate(1), get(1)}));
  transport_.receive(server, buffer_empty(1));
  EXPECT_EQ(told_, Told{"get 1 0 "});
}

TEST_F(ClientTest, ARejectedRequestThatIsMadeAgainByItsCallbackIsRejectedInItsOwnTurn) {
  ClientType client{transport_};
  int rejections = 0;
  const auto try_again = [&](const auto& self) -> void {
    client.push(1, 2, as_bytes("hi"), [&, self](std::error_code error, PushResult) {
      EXPECT_EQ(error, Error::not_connected);
      ++rejections;
      self(self);
    });
  };
  try_again(try_again);
  transport_.deliver_wake();
  EXPECT_EQ(rejections, 1);
  transport_.deliver_wake();
  EXPECT_EQ(rejections, 2);
}

// Ends of connections.

TEST_F(ClientTest, EndsEveryRequestUnderWayWhenTheConnectionBreaks) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.associate(1, tell_associate());
  client.push(1, 2, as_bytes("hi"), tell_push());
  client.get(1, tell_get());
  transport_.receive(server, association_success(1));
  transport_.disconnect(server, close_code::abnormal);
  EXPECT_EQ(told_, (Told{"associate 0", failed("push", Error::disconnected), failed("get", Error::disconnected)}));
  EXPECT_EQ(client.requests(), 0U);
  EXPECT_EQ(client.state(), State::waiting);
}

TEST_F(ClientTest, ClosesWith1000AndMakesNoOtherConnection) {
  Told events;
  ClientType client{transport_, telling(events)};
  const Connection server = connect(client);
  client.get(1, tell_get());
  client.close();
  EXPECT_EQ(client.state(), State::closing);
  EXPECT_EQ(transport_.close_code_of(server), 1000);
  transport_.disconnect(server, close_code::normal);
  EXPECT_EQ(client.state(), State::idle);
  EXPECT_EQ(told_, Told{failed("get", Error::disconnected)});
  EXPECT_EQ(events, (Told{"connected server", "disconnected 1000"}));
  EXPECT_EQ(transport_.wake_time(), never);
  client.close();
  EXPECT_EQ(client.state(), State::idle);
}

TEST_F(ClientTest, ClosesWhileItConnects) {
  ClientType client{transport_};
  client.connect();
  const Connection opening = transport_.opening();
  client.close();
  EXPECT_EQ(transport_.close_code_of(opening), 1000);
  transport_.fail_opening(close_code::normal);
  EXPECT_EQ(client.state(), State::idle);
  EXPECT_EQ(transport_.wake_time(), never);
}

TEST_F(ClientTest, IgnoresThatAConnectionOpensWhichItHasGivenUp) {
  Told events;
  ClientType client{transport_, telling(events)};
  client.connect();
  client.close();
  const Connection server = finish_opening();
  EXPECT_EQ(client.state(), State::closing);
  transport_.disconnect(server, close_code::normal);
  EXPECT_EQ(events, Told{"disconnected 1000"});
}

TEST_F(ClientTest, ConnectsAgainOnceTheOldConnectionHasEnded) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.close();
  client.connect();
  EXPECT_EQ(transport_.opens(), 1);
  transport_.disconnect(server, close_code::normal);
  EXPECT_EQ(transport_.wake_time(), transport_.now()) << "whoever asked for it need not wait";
  wait_for_reconnect();
  EXPECT_EQ(client.state(), State::connected);
}

TEST_F(ClientTest, ClosesWhileItWaitsToReconnect) {
  ClientType client{transport_};
  transport_.disconnect(connect(client), close_code::abnormal);
  EXPECT_EQ(client.state(), State::waiting);
  client.close();
  EXPECT_EQ(client.state(), State::idle);
  EXPECT_EQ(transport_.wake_time(), never);
  transport_.advance(1h);
  EXPECT_EQ(transport_.opens(), 1);
}

// Coming back.

TEST_F(ClientTest, ReconnectsAfterADelayThatGrowsUntilARequestIsAnswered) {
  ClientType client{transport_, ClientOptions{.reconnect_after = 100ms, .reconnect_after_max = 10s, .seed = 3}};
  transport_.disconnect(connect(client), close_code::abnormal);
  Duration bound = 100ms;
  Duration longest = 0ns;
  for (int attempt = 0; attempt < 20; ++attempt) {
    const Duration delay = transport_.wake_time() - transport_.now();
    EXPECT_GE(delay, 0ns);
    EXPECT_LE(delay, bound);
    longest = std::max(longest, delay);
    transport_.advance(delay);
    EXPECT_EQ(client.state(), State::connecting);
    transport_.fail_opening();
    bound = std::min<Duration>(bound * 2, 10s);
  }
  EXPECT_GT(longest, 1s) << "the delays grow";
  const Connection server = wait_for_reconnect();
  client.get(1, tell_get());
  transport_.receive(server, association_failed(1));
  transport_.disconnect(server, close_code::abnormal);
  EXPECT_LE(transport_.wake_time() - transport_.now(), 100ms);
}

TEST_F(ClientTest, ReconnectsAtOnceWhenItIsToldToWhileItWaits) {
  ClientType client{transport_};
  transport_.disconnect(connect(client), close_code::abnormal);
  client.connect();
  EXPECT_EQ(client.state(), State::connecting);
  transport_.advance(1h);
  EXPECT_EQ(transport_.opens(), 2);
}

TEST_F(ClientTest, DoesNotReconnectWhenItsOptionsSaySo) {
  Told events;
  ClientType client{transport_, telling(events, {.reconnect = false})};
  transport_.disconnect(connect(client), close_code::going_away);
  EXPECT_EQ(client.state(), State::idle);
  EXPECT_EQ(transport_.wake_time(), never);
  EXPECT_EQ(events, (Told{"connected server", "disconnected 1001"}));
}

TEST_F(ClientTest, AssociatesItsIdsAgainBeforeAnythingElse) {
  Told events;
  ClientType client{transport_, telling(events)};
  const Connection server = connect(client);
  client.associate(9);
  client.associate(1);
  client.associate(5);
  transport_.receive(server, association_success(9));
  transport_.receive(server, association_success(1));
  transport_.receive(server, unknown_error(5));
  transport_.disconnect(server, close_code::abnormal);
  const Connection again = wait_for_reconnect();
  client.get(1, tell_get());
  EXPECT_EQ(transport_.replies(again), (Messages{associate(1), associate(9), get(1)}))
      << "the id that was not associated is not claimed";
  transport_.receive(again, association_success(1));
  transport_.receive(again, association_success(9));
  transport_.receive(again, buffer_empty(1));
  EXPECT_EQ(events, (Told{"connected server", "disconnected 1006 and reconnects", "connected server", "restored 1",
                          "restored 9"}));
  EXPECT_EQ(told_, Told{"get 1 0 "});
}

TEST_F(ClientTest, TriesAgainForAnIdThatTheBrokenConnectionStillHolds) {
  Told events;
  ClientType client{transport_, telling(events, {.restore_retry_after = 2s})};
  const Connection server = connect(client);
  client.associate(1);
  transport_.receive(server, association_success(1));
  transport_.disconnect(server, close_code::abnormal);
  const Connection again = wait_for_reconnect();
  transport_.receive(again, unknown_error(1));
  EXPECT_EQ(transport_.replies(again), Messages{associate(1)});
  transport_.advance(2s - 1ns);
  EXPECT_TRUE(transport_.replies(again).empty());
  transport_.advance(1ns);
  EXPECT_EQ(transport_.replies(again), Messages{associate(1)});
  transport_.receive(again, association_success(1));
  EXPECT_EQ(events.back(), "restored 1");
  transport_.advance(1h);
  EXPECT_TRUE(transport_.replies(again).empty());
}

TEST_F(ClientTest, GivesUpAnIdForWhichTheServerWantsACredential) {
  ClientType client{transport_};
  Connection server = connect(client);
  client.associate(1);
  transport_.receive(server, association_success(1));
  transport_.disconnect(server, close_code::abnormal);
  server = wait_for_reconnect();
  transport_.receive(server, association_failed(1));
  transport_.replies(server);
  transport_.advance(1h);
  EXPECT_TRUE(transport_.replies(server).empty());
  transport_.disconnect(server, close_code::abnormal);
  server = wait_for_reconnect();
  EXPECT_TRUE(transport_.replies(server).empty());
}

TEST_F(ClientTest, ForgetsAnIdWhenItIsToldTo) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.associate(1);
  transport_.receive(server, association_success(1));
  client.forget(1);
  transport_.disconnect(server, close_code::abnormal);
  EXPECT_TRUE(transport_.replies(wait_for_reconnect()).empty());
}

TEST_F(ClientTest, ForgetsItsIdsWhenItIsClosed) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.associate(1);
  transport_.receive(server, association_success(1));
  client.close();
  transport_.disconnect(server, close_code::normal);
  EXPECT_TRUE(transport_.replies(connect(client)).empty());
}

// A server that does not keep to the protocol.

TEST_F(ClientTest, GivesUpAConnectionOnWhichAReplyDoesNotFit) {
  const Messages wrong{positive_ack(2), buffer_empty(1), Bytes{}, Bytes{1, 2}, Bytes{1, 2, 1, 0}, push(1, 1, "x")};
  for (const Bytes& reply : wrong) {
    SCOPED_TRACE(to_hex(reply));
    told_.clear();
    RecordingTransport transport;
    ClientType client{transport};
    client.connect();
    const Connection server = transport.opening();
    transport.finish_opening();
    client.push(1, 2, as_bytes("hi"), tell_push());
    transport.receive(server, reply);
    EXPECT_EQ(transport.close_code_of(server), 1002);
    EXPECT_EQ(told_, Told{failed("push", Error::protocol_violation)});
    EXPECT_EQ(client.state(), State::closing);
    transport.disconnect(server, close_code::protocol_error);
    EXPECT_EQ(client.state(), State::waiting) << "it comes back";
  }
}

TEST_F(ClientTest, GivesUpAConnectionThatSendsWhatNobodyAskedForOrText) {
  ClientType client{transport_};
  const Connection server = connect(client);
  transport_.receive(server, positive_ack(1));
  EXPECT_EQ(transport_.close_code_of(server), 1002);
  transport_.disconnect(server, close_code::protocol_error);
  const Connection again = wait_for_reconnect();
  client.get(1, tell_get());
  transport_.bring_text(again, "hello");
  EXPECT_EQ(transport_.close_code_of(again), 1002);
  EXPECT_EQ(told_, Told{failed("get", Error::protocol_violation)});
}

TEST_F(ClientTest, DoesNotComeBackToAServerThatBrokeTheProtocolWhenItsOptionsSaySo) {
  ClientType client{transport_, ClientOptions{.reconnect = false}};
  const Connection server = connect(client);
  transport_.receive(server, positive_ack(1));
  transport_.disconnect(server, close_code::protocol_error);
  EXPECT_EQ(client.state(), State::idle);
  EXPECT_EQ(transport_.wake_time(), never);
}

TEST_F(ClientTest, RejectsRequestsThatACallbackMakesWhenTheConnectionIsGivenUp) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.get(1, [&](std::error_code error, const GetResult&) {
    EXPECT_EQ(error, Error::protocol_violation);
    client.get(1, tell_get());
  });
  transport_.receive(server, positive_ack(1));
  EXPECT_TRUE(told_.empty());
  transport_.deliver_wake();
  EXPECT_EQ(told_, Told{failed("get", Error::not_connected)});
}

// A server that does not reply.

TEST_F(ClientTest, GivesUpAConnectionOnWhichNoReplyComesInTimeAtTheNanosecond) {
  ClientType client{transport_, ClientOptions{.reply_timeout = 5s}};
  const Connection server = connect(client);
  EXPECT_EQ(transport_.wake_time(), never) << "nothing is waited for";
  client.get(1, tell_get());
  transport_.advance(5s - 1ns);
  transport_.wake_needlessly();
  EXPECT_FALSE(transport_.close_of(server));
  transport_.advance(1ns);
  EXPECT_EQ(transport_.close_code_of(server), 1008);
  EXPECT_EQ(told_, Told{failed("get", Error::disconnected)});
  transport_.disconnect(server, close_code::policy_violation);
  EXPECT_EQ(client.state(), State::waiting);
}

TEST_F(ClientTest, GivesEachRequestItsTimeFromWhenItIsTheOldest) {
  ClientType client{transport_, ClientOptions{.reply_timeout = 5s}};
  const Connection server = connect(client);
  client.get(1, tell_get());
  client.get(1, tell_get());
  transport_.advance(4s);
  transport_.receive(server, buffer_empty(1));
  transport_.advance(5s - 1ns);
  EXPECT_FALSE(transport_.close_of(server));
  transport_.advance(1ns);
  EXPECT_EQ(transport_.close_code_of(server), 1008);
}

TEST_F(ClientTest, GivesTheIdsThatItClaimsAgainTheirTimeToo) {
  ClientType client{transport_, ClientOptions{.reply_timeout = 5s}};
  const Connection server = connect(client);
  client.associate(1);
  transport_.receive(server, association_success(1));
  transport_.disconnect(server, close_code::abnormal);
  const Connection again = wait_for_reconnect();
  EXPECT_EQ(transport_.wake_time(), transport_.now() + 5s);
  transport_.advance(5s);
  EXPECT_EQ(transport_.close_code_of(again), 1008);
}

TEST_F(ClientTest, WaitsForeverWhereNoTimeIsSet) {
  ClientType client{transport_, ClientOptions{.reply_timeout = Duration::max()}};
  const Connection server = connect(client);
  client.get(1, tell_get());
  EXPECT_EQ(transport_.wake_time(), never);
  transport_.advance(24h * 365);
  transport_.wake_needlessly();
  EXPECT_FALSE(transport_.close_of(server));
}

// What a callback may do.

TEST_F(ClientTest, MayBeClosedByACallback) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.get(1, [&](std::error_code, const GetResult&) { client.close(); });
  client.get(1, tell_get());
  transport_.receive(server, buffer_empty(1));
  EXPECT_EQ(transport_.close_code_of(server), 1000);
  transport_.disconnect(server, close_code::normal);
  EXPECT_EQ(told_, Told{failed("get", Error::disconnected)});
  EXPECT_EQ(client.state(), State::idle);
}

TEST_F(ClientTest, MayBeConnectedByACallbackOfABrokenConnection) {
  ClientType client{transport_};
  const Connection server = connect(client);
  client.get(1, [&](std::error_code, const GetResult&) { client.connect(); });
  transport_.disconnect(server, close_code::abnormal);
  EXPECT_EQ(client.state(), State::connecting);
  finish_opening();
  EXPECT_EQ(client.state(), State::connected);
  transport_.advance(1h);
  EXPECT_EQ(transport_.opens(), 2);
}

TEST_F(ClientTest, TellsOfTheEndOfAConnectionBeforeTheCallbacksOfItsRequests) {
  Told events;
  ClientType client{transport_, telling(events)};
  const Connection server = connect(client);
  client.get(1, [&](std::error_code, const GetResult&) {
    events.push_back("get ended");
    client.close();
  });
  transport_.disconnect(server, close_code::abnormal);
  EXPECT_EQ(events, (Told{"connected server", "disconnected 1006 and reconnects", "get ended"}));
  EXPECT_EQ(client.state(), State::idle);
  EXPECT_EQ(transport_.wake_time(), never);
}

TEST_F(ClientTest, RefusesOptionsOutOfRange) {
  EXPECT_ASSERTION((ClientType{transport_, ClientOptions{.requests_max = 0}}), "requests_max");
  EXPECT_ASSERTION((ClientType{transport_, ClientOptions{.reply_timeout = 0s}}), "reply_timeout");
  EXPECT_ASSERTION((ClientType{transport_, ClientOptions{.reconnect_after = 0s}}), "reconnect_after must");
  EXPECT_ASSERTION((ClientType{transport_, ClientOptions{.reconnect_after_max = 0s}}), "reconnect_after_max");
  EXPECT_ASSERTION((ClientType{transport_, ClientOptions{.restore_retry_after = 0s}}), "restore_retry_after");
  EXPECT_FALSE(transport_.is_started());
}

}  // namespace
}  // namespace restante
