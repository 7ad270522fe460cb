// Stories of several clients, in virtual time: each tells what one rule is worth to those who rely on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <restante/client.hpp>
#include <restante/memory.hpp>
#include <restante/messenger.hpp>

#include "packets.hpp"
#include "raw_peer.hpp"
#include "slow_store.hpp"

namespace restante::test {
namespace {

using namespace std::chrono_literals;
using classic::AssociateResult;
using classic::ClientId;
using classic::GetResult;
using classic::PushResult;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

constexpr Duration latency = 10ms;
constexpr Duration round_trip = 2 * latency;

constexpr LinkOptions link_with(Duration one_way, std::uint64_t window_bytes = 64 * 1024) {
  LinkOptions link;
  link.latency = one_way;
  link.window_bytes = window_bytes;
  return link;
}

/// A person at a Client: writes down what became of everything, in words.
class Person {
 public:
  Person(MemoryNetwork& network, const MemoryServer& server, ClientId id, Duration reply_timeout = 5s)
      : id_{id},
        transport_{network, server, {.name = "person " + std::to_string(id), .link = link_with(latency)}},
        client_{transport_, options(reply_timeout)} {}

  /// Connects and claims the id as soon as the connection stands.
  void arrive() {
    claims_ = true;
    client_.connect();
  }
  void leave() { client_.close(); }

  void push(ClientId receiver, std::string_view text) {
    client_.push(id_, receiver, as_bytes(text), [this](std::error_code error, PushResult result) {
      pushes_.push_back(error                                ? error.message()
                        : result == PushResult::accepted     ? "accepted"
                        : result == PushResult::mailbox_full ? "full"
                                                             : "refused");
    });
  }

  void get() {
    client_.get(id_, [this](std::error_code error, const GetResult& result) {
      gets_.push_back(error                                     ? error.message()
                      : result.kind == GetResult::Kind::message ? std::string{as_text(result.payload)}
                      : result.kind == GetResult::Kind::empty   ? "empty"
                                                                : "refused");
    });
  }

  std::vector<std::string> pushes() { return std::exchange(pushes_, {}); }
  std::vector<std::string> gets() { return std::exchange(gets_, {}); }
  std::vector<std::string> news() { return std::exchange(news_, {}); }
  /// How long it waited, or waits, for each try to come back.
  std::vector<Duration> delays() { return std::exchange(delays_, {}); }
  bool is_connected() const { return client_.state() == Client<MemoryClient>::State::connected; }
  Connection connection() const { return transport_.connection(); }
  MemoryClient& transport() { return transport_; }

 private:
  ClientOptions options(Duration reply_timeout) {
    return {.reply_timeout = reply_timeout,
            .reconnect_after = 100ms,
            .reconnect_after_max = 1s,
            .restore_retry_after = 500ms,
            .seed = id_,
            .on_event = [this](const ClientEvent& event) {
              std::visit([this](const auto& happened) { this->hear(happened); }, event);
            }};
  }

  void hear(const client_event::Connected&) {
    news_.push_back("connected");
    if (std::exchange(claims_, false)) {
      client_.associate(id_, [this](std::error_code error, AssociateResult result) {
        news_.push_back(error                                   ? error.message()
                        : result == AssociateResult::associated ? "holds its id"
                                                                : "id is taken");
      });
    }
  }
  void hear(const client_event::Disconnected& event) {
    delays_.push_back(event.reconnects_after);
    news_.push_back("disconnected " + std::to_string(event.code));
  }
  void hear(const client_event::IdRestored&) { news_.push_back("holds its id again"); }
  void hear(const client_event::IdNotRestored&) { news_.push_back("id is still taken"); }

  ClientId id_;
  bool claims_ = false;
  std::vector<std::string> pushes_;
  std::vector<std::string> gets_;
  std::vector<std::string> news_;
  std::vector<Duration> delays_;
  MemoryClient transport_;
  Client<MemoryClient> client_;
};

/// A post office with Ada, who has id 1, and Bob, who has id 2.
class PostOffice : public ::testing::Test {
 protected:
  void open(MessengerOptions options = {}) { messenger_.emplace(server_, std::move(options)); }

  void both_arrive() {
    ada_.arrive();
    bob_.arrive();
    network_.run_for(1s);
    ASSERT_THAT(ada_.news(), ElementsAre("connected", "holds its id"));
    ASSERT_THAT(bob_.news(), ElementsAre("connected", "holds its id"));
  }

  MemoryNetwork network_{{.seed = 11, .link = link_with(latency)}};
  MemoryServer server_{network_};
  std::optional<Messenger<MemoryServer>> messenger_;
  Person ada_{network_, server_, 1};
  Person bob_{network_, server_, 2};
};

const std::string lost = make_error_code(Error::disconnected).message();

TEST_F(PostOffice, AMessageWaitsForAnAbsentReceiver) {
  open();
  ada_.arrive();
  network_.run_for(1s);
  ada_.push(2, "one");
  ada_.push(2, "two");
  network_.run_for(24h);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted", "accepted"));
  bob_.arrive();
  network_.run_for(1s);
  bob_.get();
  bob_.get();
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("one", "two", "empty"));
}

TEST_F(PostOffice, AMessageWaitsThroughTheAbsenceOfBothUntilTheReceiverComesBack) {
  open();
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(round_trip);
  ada_.leave();
  bob_.leave();
  network_.run_for(1h);
  EXPECT_EQ(messenger_->counters().addresses_held, 0U);
  EXPECT_EQ(messenger_->depth(Address{2}), 1U);
  bob_.arrive();
  network_.run_for(1s);
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("one"));
}

// Documented: classic GET is at most once. The message is lost, and only that one.
TEST_F(PostOffice, AConnectionThatBreaksBetweenGetAndItsResponseLosesExactlyThatMessage) {
  open();
  both_arrive();
  ada_.push(2, "one");
  ada_.push(2, "two");
  ada_.push(2, "three");
  network_.run_for(round_trip);
  bob_.get();
  network_.run_for(latency + 1ms);
  network_.break_connection(bob_.connection(), {.arrive_at_server = 0, .arrive_at_client = 0});
  network_.run_for(5s);
  EXPECT_THAT(bob_.gets(), ElementsAre(lost));
  EXPECT_THAT(bob_.news(), ElementsAre("disconnected 1006", "connected", "holds its id again"));
  bob_.get();
  bob_.get();
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("two", "three", "empty"));
}

TEST_F(PostOffice, AGetThatNeverArrivesLosesNothing) {
  open();
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(round_trip);
  bob_.get();
  network_.break_connection(bob_.connection(), {.arrive_at_server = 0, .arrive_at_client = 0});
  network_.run_for(5s);
  EXPECT_THAT(bob_.gets(), ElementsAre(lost));
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("one"));
}

TEST_F(PostOffice, APushWhoseAckIsLostIsStoredAllTheSame) {
  open();
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(latency);
  network_.break_connection(ada_.connection(), {.arrive_at_server = 0, .arrive_at_client = 0});
  network_.run_for(5s);
  EXPECT_THAT(ada_.pushes(), ElementsAre(lost));
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("one"));
}

TEST_F(PostOffice, AFullMailboxTellsTheSenderAndTakesMailAgainAfterOneWasFetched) {
  open({.mailbox_messages_max = 2});
  both_arrive();
  ada_.push(2, "one");
  ada_.push(2, "two");
  ada_.push(2, "three");
  network_.run_for(round_trip);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted", "accepted", "full"));
  bob_.get();
  network_.run_for(round_trip);
  ada_.push(2, "four");
  network_.run_for(round_trip);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
  bob_.get();
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("one", "two", "four"));
}

TEST_F(PostOffice, AnIdWhoseConnectionTheServerStillBelievesInIsGivenBackOnceTheServerKnows) {
  open();
  both_arrive();
  network_.break_connection(bob_.connection(),
                            {.arrive_at_server = 0, .arrive_at_client = 0, .server_learns_after = 2s});
  network_.run_for(400ms);
  EXPECT_THAT(bob_.news(), ElementsAre("disconnected 1006", "connected", "id is still taken"));
  ada_.push(2, "one");
  network_.run_for(5s);
  const std::vector<std::string> news = bob_.news();
  ASSERT_FALSE(news.empty());
  EXPECT_EQ(news.back(), "holds its id again");
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("one"));
}

TEST_F(PostOffice, AServerThatCrashesForgetsMemoryMailboxesAndClientsGetTheirIdsBack) {
  open();
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(round_trip);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
  server_.crash();
  messenger_.reset();
  network_.run_for(10s);
  EXPECT_FALSE(ada_.is_connected());
  ada_.push(2, "two");
  network_.run_for(1ms);
  EXPECT_THAT(ada_.pushes(), ElementsAre(make_error_code(Error::not_connected).message()));
  open();
  network_.run_for(10s);
  EXPECT_EQ(ada_.news().back(), "holds its id again");
  EXPECT_EQ(bob_.news().back(), "holds its id again");
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("empty"));
  ada_.push(2, "three");
  network_.run_for(round_trip);
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("three"));
}

TEST_F(PostOffice, AServerThatShutsDownAnswersWhatItTookAndSaysThatItIsGoing) {
  open();
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(latency);
  messenger_->shut_down();
  network_.run_for(latency);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
  EXPECT_THAT(ada_.news(), ElementsAre("disconnected 1001"));
  EXPECT_THAT(bob_.news(), ElementsAre("disconnected 1001"));
}

TEST_F(PostOffice, ASilentServerIsGivenUpAfterTheReplyTimeoutAndNoSooner) {
  open();
  both_arrive();
  network_.set_stalled(ada_.connection(), Direction::to_client, true);
  ada_.push(2, "one");
  network_.run_for(5s - 1ms);
  EXPECT_THAT(ada_.pushes(), IsEmpty());
  network_.run_for(1ms);
  EXPECT_THAT(ada_.pushes(), ElementsAre(lost));
  network_.run_for(1min);
  EXPECT_TRUE(ada_.is_connected());
  EXPECT_EQ(ada_.news().back(), "holds its id again");
  bob_.get();
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("one", "empty"));
}

TEST_F(PostOffice, AServerThatAnswersIsNotGivenUpHoweverLongSomethingWaits) {
  open();
  both_arrive();
  // More often than a round trip takes, so that at every time a request is under way, for longer than the timeout.
  for (Duration time{}; time < 12s; time += round_trip / 4) {
    ada_.get();
    network_.run_for(round_trip / 4);
  }
  network_.run_for(round_trip);
  EXPECT_THAT(ada_.news(), IsEmpty());
  EXPECT_THAT(ada_.gets(), AllOf(SizeIs(2400), Each("empty")));
}

// It once asked to be woken at a time that had come, again and again, until the connection had ended.
TEST_F(PostOffice, AClientThatGivesUpWhileAnIdIsToBeClaimedAgainWaitsForTheEndInPeace) {
  open();
  Person eve{network_, server_, 3, 200ms};
  eve.arrive();
  network_.run_for(1s);
  network_.break_connection(eve.connection(),
                            {.arrive_at_server = 0, .arrive_at_client = 0, .server_learns_after = 3s});
  network_.run_for(150ms);
  EXPECT_THAT(eve.news(),
              ElementsAre("connected", "holds its id", "disconnected 1006", "connected", "id is still taken"));
  eve.get();
  network_.set_stalled(eve.connection(), true);
  network_.run_for(1min);
  EXPECT_THAT(eve.gets(), ElementsAre(lost));
  EXPECT_TRUE(eve.is_connected());
  EXPECT_EQ(eve.news().back(), "holds its id again");
}

TEST_F(PostOffice, AClientWithoutAServerTriesLessAndLessOftenButNeverStops) {
  open();
  both_arrive();
  messenger_.reset();
  network_.run_for(1min);
  const std::vector<Duration> delays = ada_.delays();
  ASSERT_GT(delays.size(), 60U) << "a second between two tries, and the tries take time";
  Duration bound = 100ms;
  for (const Duration delay : delays) {
    EXPECT_LE(delay, bound);
    bound = std::min<Duration>(2 * bound, 1s);
  }
  EXPECT_THAT(delays, Contains(Gt(900ms)));
  EXPECT_NE(delays, bob_.delays()) << "or all would come back at the same time";
}

TEST_F(PostOffice, AClientThatWasAnsweredComesBackFastEachTime) {
  open();
  both_arrive();
  for (int time = 0; time < 20; ++time) {
    network_.break_connection(ada_.connection());
    network_.run_for(1s);
    ASSERT_TRUE(ada_.is_connected());
  }
  EXPECT_THAT(ada_.delays(), AllOf(SizeIs(20), Each(Le(100ms))));
}

TEST_F(PostOffice, APartitionDelaysStreamsAndLosesNothing) {
  open();
  both_arrive();
  ada_.push(2, "one");
  ada_.transport().set_partitioned(true);
  network_.run_for(3s);
  EXPECT_THAT(ada_.pushes(), IsEmpty());
  ada_.transport().set_partitioned(false);
  network_.run_for(round_trip);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("one"));
}

TEST_F(PostOffice, TwoClaimOneIdAndTheFirstKeepsItUntilItLeaves) {
  open();
  Person second_bob{network_, server_, 2};
  both_arrive();
  second_bob.arrive();
  network_.run_for(1s);
  EXPECT_THAT(second_bob.news(), ElementsAre("connected", "id is taken"));
  ada_.push(2, "one");
  network_.run_for(round_trip);
  second_bob.get();
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(second_bob.gets(), ElementsAre("refused"));
  EXPECT_THAT(bob_.gets(), ElementsAre("one"));
  second_bob.leave();
  network_.run_for(1s);
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("empty"));
}

/// Pushes to itself and gets without reading, so that replies pile up at the server.
class Glutton {
 public:
  Glutton(MemoryNetwork& network, const MemoryServer& server)
      : network_{network}, peer_{network, server, "glutton", link_with(latency, 1000)} {
    peer_.open();
    network_.run_for(round_trip);
    peer_.send(associate(9));
    network_.run_for(round_trip);
  }

  void get(std::size_t times) {
    for (std::size_t time = 0; time < times; ++time) {
      peer_.send(test::get(9));
    }
  }
  void stop_reading() { peer_.pause(); }
  void read_again() { peer_.resume(); }

  void ask(std::size_t times) {
    for (std::size_t time = 0; time < times; ++time) {
      peer_.send(push(9, 9, std::string(254, 'a')));
      get(1);
    }
  }

  const Line& line() const { return peer_.line(); }

 private:
  MemoryNetwork& network_;
  RawPeer peer_;
};

TEST_F(PostOffice, ASlowReaderIsPausedHarmsNobodyAndGetsEverythingOnceItReads) {
  open({.waiting_bytes_max = 2000, .stuck_after = 30s});
  both_arrive();
  Glutton glutton{network_, server_};
  glutton.stop_reading();
  glutton.ask(100);
  network_.run_for(29s);
  EXPECT_EQ(messenger_->counters().connections_paused, 1U);
  EXPECT_LT(messenger_->counters().packets_received, 60U) << "a paused connection is not read from";
  ada_.push(2, "one");
  network_.run_for(round_trip);
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("one"));
  glutton.read_again();
  network_.run_for(1min);
  EXPECT_EQ(glutton.line().received.size(), glutton.line().sent.size());
  EXPECT_FALSE(glutton.line().close_code.has_value());
  EXPECT_EQ(messenger_->counters().connections_stuck, 0U);
}

TEST_F(PostOffice, AReaderThatStaysStuckIsClosedInTimeAndItsIdIsFree) {
  open({.waiting_bytes_max = 2000, .stuck_after = 30s});
  both_arrive();
  Glutton glutton{network_, server_};
  glutton.stop_reading();
  glutton.ask(100);
  network_.run_for(latency + 29s);
  EXPECT_EQ(messenger_->counters().connections_stuck, 0U);
  network_.run_for(2s);
  EXPECT_EQ(messenger_->counters().connections_stuck, 1U);
  network_.run_for(10s);
  EXPECT_EQ(messenger_->counters().addresses_held, 2U);
  EXPECT_EQ(messenger_->counters().connections_open, 2U);
  EXPECT_TRUE(glutton.line().close_code.has_value());
  ada_.push(9, "still here");
  network_.run_for(round_trip);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
}

TEST_F(PostOffice, AReaderThatCaughtUpHasTheWholeTimeWhenItGetsStuckAgain) {
  open({.waiting_bytes_max = 2000, .stuck_after = 30s});
  Glutton glutton{network_, server_};
  glutton.stop_reading();
  glutton.ask(20);
  network_.run_for(20s);
  glutton.read_again();
  network_.run_for(5s);
  glutton.stop_reading();
  glutton.ask(20);
  network_.run_for(29s);
  EXPECT_EQ(messenger_->counters().connections_stuck, 0U);
  network_.run_for(2s);
  EXPECT_EQ(messenger_->counters().connections_stuck, 1U);
}

/// One client on a link that loses and doubles what it is told to.
class PostOfficeOverDatagrams : public ::testing::Test {
 protected:
  PostOfficeOverDatagrams() {
    peer_.open();
    network_.run_for(round_trip);
    peer_.send(associate(1));
    network_.run_for(round_trip);
  }

  static LinkOptions link(std::uint32_t loss_per_million, std::uint32_t duplication_per_million) {
    LinkOptions link = link_with(latency);
    link.kind = LinkKind::datagram;
    link.loss_per_million = loss_per_million;
    link.duplication_per_million = duplication_per_million;
    return link;
  }

  /// Sends over such a link; the reply takes one that is good.
  void send_over(const LinkOptions& link_of_request, BytesView message) {
    peer_.set_link(link_of_request);
    peer_.send(message);
    peer_.set_link(link(0, 0));
    network_.run_for(round_trip);
  }

  MemoryNetwork network_{{.seed = 3, .link = link(0, 0)}};
  MemoryServer server_{network_};
  Messenger<MemoryServer> messenger_{server_};
  RawPeer peer_{network_, server_, "peer"};
};

TEST_F(PostOfficeOverDatagrams, ARequestThatIsLostIsNotAnsweredAndChangesNothing) {
  send_over(link(1'000'000, 0), push(1, 2, "hi"));
  EXPECT_THAT(peer_.line().received, ElementsAre(association_success(1)));
  EXPECT_EQ(messenger_.depth(Address{2}), 0U);
}

TEST_F(PostOfficeOverDatagrams, ARequestThatComesTwiceIsCarriedOutAndAnsweredTwice) {
  send_over(link(0, 1'000'000), push(1, 2, "hi"));
  EXPECT_THAT(peer_.line().received, ElementsAre(association_success(1), positive_ack(1), positive_ack(1)));
  EXPECT_EQ(messenger_.depth(Address{2}), 2U);
}

TEST_F(PostOfficeOverDatagrams, AnAssociateThatComesTwiceIsRefusedTheSecondTime) {
  send_over(link(0, 1'000'000), associate(2));
  EXPECT_THAT(peer_.line().received, ElementsAre(association_success(1), association_success(2), unknown_error(2)));
}

/// With a store that takes its time.
class PostOfficeWithALedger : public ::testing::Test {
 protected:
  PostOfficeWithALedger() { messenger_.emplace(server_, store_); }

  void both_arrive() {
    ada_.arrive();
    bob_.arrive();
    network_.run_for(1s);
  }

  MemoryNetwork network_{{.seed = 12, .link = link_with(latency)}};
  MemoryServer server_{network_};
  SlowStore store_;
  std::optional<Messenger<MemoryServer, SlowStore>> messenger_;
  Person ada_{network_, server_, 1};
  Person bob_{network_, server_, 2};
};

TEST_F(PostOfficeWithALedger, APushIsAcknowledgedWhenItIsWrittenDownAndNotBefore) {
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(4s);
  EXPECT_THAT(ada_.pushes(), IsEmpty());
  store_.complete();
  network_.run_for(latency);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
  EXPECT_THAT(store_.durable_payloads(2), ElementsAre(text_bytes("one")));
}

TEST_F(PostOfficeWithALedger, WhatOneReadsWaitsForWhatAnotherWrote) {
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(latency);
  bob_.get();
  network_.run_for(1s);
  EXPECT_THAT(bob_.gets(), IsEmpty()) << "else Bob would know of a message that may never have been";
  store_.complete();
  network_.run_for(1s);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
  EXPECT_THAT(bob_.gets(), IsEmpty()) << "that it was taken is not written down yet";
  store_.complete();
  network_.run_for(1s);
  EXPECT_THAT(bob_.gets(), ElementsAre("one"));
}

TEST_F(PostOfficeWithALedger, AFailedCommitClosesWhoWaitsForItAndNobodyElse) {
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(latency);
  store_.fail();
  network_.run_for(2s);
  EXPECT_THAT(ada_.pushes(), ElementsAre(lost));
  EXPECT_THAT(ada_.news(),
              ElementsAre("connected", "holds its id", "disconnected 1013", "connected", "holds its id again"));
  EXPECT_THAT(bob_.news(), ElementsAre("connected", "holds its id"));
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(bob_.gets(), ElementsAre("empty"));
}

TEST_F(PostOfficeWithALedger, WhileTheStoreIsGoneChangesAreRefusedAndThenTheyAreNot) {
  both_arrive();
  store_.set_load_error(Error::storage_unavailable);
  ada_.push(2, "one");
  network_.run_for(latency);
  store_.fail();
  network_.run_for(4s);
  ada_.push(2, "two");
  bob_.get();
  network_.run_for(round_trip);
  EXPECT_THAT(ada_.pushes(), ElementsAre(lost, "refused"));
  EXPECT_THAT(bob_.gets(), ElementsAre("refused"));
  store_.set_load_error({});
  network_.run_for(2s);
  ada_.push(2, "three");
  network_.run_for(latency);
  store_.complete();
  network_.run_for(latency);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
}

TEST_F(PostOfficeWithALedger, AServerThatCrashesKeepsWhatItAcknowledged) {
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(latency);
  store_.complete();
  network_.run_for(latency);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
  ada_.push(2, "two");
  network_.run_for(latency);
  server_.crash();
  messenger_.reset();
  network_.run_for(1s);
  EXPECT_THAT(ada_.pushes(), ElementsAre(lost));
  // The next program finds what the last one made durable.
  SlowStore found;
  for (const Bytes& payload : store_.durable_payloads(2)) {
    found.keep(2, 1, as_text(payload));
  }
  messenger_.emplace(server_, found);
  network_.run_for(5s);
  bob_.get();
  bob_.get();
  network_.run_for(latency);
  found.complete();
  network_.run_for(latency);
  EXPECT_THAT(bob_.gets(), ElementsAre("one", "empty"));
  messenger_.reset();
}

TEST_F(PostOfficeWithALedger, AServerThatShutsDownWaitsForWhatItHasNotWrittenDown) {
  both_arrive();
  ada_.push(2, "one");
  network_.run_for(latency);
  messenger_->shut_down();
  network_.run_for(latency);
  EXPECT_THAT(bob_.news(), ElementsAre("connected", "holds its id", "disconnected 1001"));
  network_.run_for(1s);
  EXPECT_TRUE(ada_.is_connected());
  store_.complete();
  network_.run_for(latency);
  EXPECT_THAT(ada_.pushes(), ElementsAre("accepted"));
  EXPECT_THAT(ada_.news(), ElementsAre("connected", "holds its id", "disconnected 1001"));
}

/// A client who does not read while the store takes its time: its connection is paused for both.
class PostOfficeWithALedgerAndAGlutton : public ::testing::Test {
 protected:
  PostOfficeWithALedgerAndAGlutton() {
    for (int number = 0; number < 50; ++number) {
      store_.keep(9, 9, std::string(254, 'a'));
    }
    messenger_.emplace(server_, store_, MessengerOptions{.waiting_bytes_max = 2000, .stuck_after = 1h});
    glutton_.emplace(network_, server_);
    glutton_->stop_reading();
    // Long replies wait for the glutton, not yet too many.
    ask_and_commit(4);
    ask_and_commit(4);
    // Three are committed, four are not, and with these seven too many are held. The rest is not read.
    ask(3);
    ask(4);
    ask(20);
    EXPECT_EQ(messenger_->counters().connections_paused, 1U);
    EXPECT_EQ(requests(), 15U);
    // The three leave, and are too many for the glutton. The four are still too many to go on.
    store_.complete();
    network_.run_for(1s);
    EXPECT_EQ(requests(), 15U);
  }

  void ask(std::size_t times) {
    glutton_->get(times);
    network_.run_for(1s);
  }
  void ask_and_commit(std::size_t times) {
    ask(times);
    store_.complete();
    network_.run_for(1s);
  }
  /// How many GETs were carried out.
  std::uint64_t requests() const { return messenger_->counters().packets_received - 1; }

  MemoryNetwork network_{{.seed = 13, .link = link_with(latency)}};
  MemoryServer server_{network_};
  SlowStore store_;
  std::optional<Messenger<MemoryServer, SlowStore>> messenger_;
  std::optional<Glutton> glutton_;
};

TEST_F(PostOfficeWithALedgerAndAGlutton, WhoReadsAgainIsStillNotReadFromUntilTheStoreHasCaughtUp) {
  glutton_->read_again();
  network_.run_for(1s);
  EXPECT_EQ(glutton_->line().received.size(), 1U + 11U);
  EXPECT_EQ(requests(), 15U);
  store_.complete();
  network_.run_for(1s);
  EXPECT_GT(requests(), 15U);
}

TEST_F(PostOfficeWithALedgerAndAGlutton, WhoDoesNotReadIsStillNotReadFromWhenTheStoreHasCaughtUp) {
  store_.complete();
  network_.run_for(1s);
  EXPECT_EQ(requests(), 15U);
  glutton_->read_again();
  network_.run_for(1s);
  EXPECT_GT(requests(), 15U);
}

}  // namespace
}  // namespace restante::test
