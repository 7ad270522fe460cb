// What a Messenger does with the default store: replies, ends of connections, events, counters, options, misuse.
// messenger_flow_control_test.cpp and messenger_commit_test.cpp are the rest.
#include <restante/messenger.hpp>

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "support/assertion_throws.hpp"
#include "support/packets.hpp"
#include "support/recording_transport.hpp"
#include "support/slow_store.hpp"

namespace restante {
namespace {

using namespace test;
using namespace std::chrono_literals;

static_assert(std::is_same_v<decltype(Messenger{std::declval<RecordingTransport&>()}),
                             Messenger<RecordingTransport, MemoryStore>>);
static_assert(std::is_same_v<decltype(Messenger{std::declval<RecordingTransport&>(), MessengerOptions{}}),
                             Messenger<RecordingTransport, MemoryStore>>);
static_assert(std::is_same_v<decltype(Messenger{std::declval<RecordingTransport&>(), std::declval<SlowStore&>()}),
                             Messenger<RecordingTransport, SlowStore>>);
static_assert(!std::is_copy_constructible_v<Messenger<RecordingTransport>> &&
              !std::is_move_constructible_v<Messenger<RecordingTransport>>);

using Replies = std::vector<Bytes>;

TEST(Messenger, AsksItsTransportAndItsStoreForNoMoreThanTheConceptsSay) {
  TransportArchetype transport;
  StoreArchetype store;
  Messenger in_memory{transport};
  Messenger stored{transport, store};
  in_memory.shut_down();
  stored.shut_down();
  EXPECT_EQ(in_memory.counters().connections_open, 0U);
  EXPECT_EQ(stored.counters().connections_open, 0U);
}

TEST(Messenger, StartsItsTransportAndStopsItAtItsEnd) {
  RecordingTransport transport;
  {
    const Messenger messenger{transport};
    EXPECT_TRUE(transport.is_started());
  }
  EXPECT_FALSE(transport.is_started());
  EXPECT_EQ(transport.stops(), 1);
}

TEST(Messenger, StartsAStoreThatTakesTimeAndStopsItBeforeTheTransport) {
  struct Transport : RecordingTransport {
    void stop() {
      EXPECT_EQ(store->stops(), 1) << "the store could still wake the transport";
      RecordingTransport::stop();
    }
    SlowStore* store = nullptr;
  } transport;
  SlowStore store;
  transport.store = &store;
  {
    const Messenger messenger{transport, store};
    EXPECT_TRUE(store.is_started());
    EXPECT_EQ(store.loads(), 1);
  }
  EXPECT_EQ(store.stops(), 1);
  EXPECT_EQ(transport.stops(), 1);
}

TEST(Messenger, AnswersEachRequestOnceInOrderAndAtOnce) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  transport.bring(ada, associate(1));
  transport.bring(ada, push(1, 1, "hi"));
  transport.bring(ada, Bytes{9, 9, 9});
  transport.bring(ada, get(1));
  transport.bring(ada, get(1));
  EXPECT_EQ(transport.replies(ada), (Replies{association_success(1), positive_ack(1), unknown_error(9),
                                             get_response(1, 1, "hi"), buffer_empty(1)}));
  transport.end_turn();
  EXPECT_TRUE(transport.replies(ada).empty());
}

TEST(Messenger, CarriesMessagesFromOneConnectionToAnother) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  const Connection bob = transport.connect();
  EXPECT_EQ(transport.ask(ada, associate(1)), Replies{association_success(1)});
  EXPECT_EQ(transport.ask(bob, associate(2)), Replies{association_success(2)});
  EXPECT_EQ(transport.ask(ada, push(1, 2, "hi")), Replies{positive_ack(1)});
  EXPECT_TRUE(transport.replies(bob).empty()) << "nothing is sent that was not asked for";
  EXPECT_EQ(transport.ask(bob, get(2)), Replies{get_response(2, 1, "hi")});
  EXPECT_EQ(messenger.depth(Address{2}), 0U);
}

TEST(Messenger, FreesTheIdsOfAConnectionThatClosesAndKeepsItsMailboxes) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  transport.receive(ada, associate(1));
  transport.receive(ada, push(1, 1, "kept"));
  transport.disconnect(ada, close_code::abnormal);
  EXPECT_EQ(messenger.depth(Address{1}), 1U);
  const Connection bob = transport.connect();
  EXPECT_EQ(transport.ask(bob, get(1)), Replies{association_failed(1)}) << "a slot that is used again holds nothing";
  EXPECT_EQ(transport.ask(bob, associate(1)), Replies{association_success(1)});
  EXPECT_EQ(transport.ask(bob, get(1)), Replies{get_response(1, 1, "kept")});
}

// What the original server did otherwise (docs/protocol.md).

TEST(Messenger, DoesNotLetAConnectionActAsAnIdThatAnotherHolds) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  const Connection eve = transport.connect();
  transport.receive(ada, associate(1));
  transport.receive(ada, push(1, 1, "private"));
  EXPECT_EQ(transport.ask(eve, get(1)), Replies{association_failed(1)});
  EXPECT_EQ(transport.ask(eve, push(1, 1, "forged")), Replies{association_failed(1)});
  EXPECT_EQ(messenger.depth(Address{1}), 1U);
}

TEST(Messenger, KeepsAnIdWithItsHolderWhenARefusedDuplicateDisconnects) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  const Connection duplicate = transport.connect();
  EXPECT_EQ(transport.ask(ada, associate(1)), Replies{association_success(1)});
  EXPECT_EQ(transport.ask(duplicate, associate(1)), Replies{unknown_error(1)});
  EXPECT_FALSE(transport.close_of(duplicate));
  transport.disconnect(duplicate);
  EXPECT_EQ(transport.ask(ada, get(1)), Replies{buffer_empty(1)});
  EXPECT_EQ(transport.ask(transport.connect(), associate(1)), Replies{unknown_error(1)});
}

TEST(Messenger, AnswersAPushFromASenderThatNobodyAssociated) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  EXPECT_EQ(transport.ask(transport.connect(), push(1, 2, "hi")), Replies{association_failed(1)});
}

TEST(Messenger, AnswersUnknownTypesAndPacketsThatAreTooShortAndKeepsTheConnection) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  EXPECT_EQ(transport.ask(ada, Bytes{9, 9, 9, 9}), Replies{unknown_error(9)});
  EXPECT_EQ(transport.ask(ada, Bytes{0}), Replies{unknown_error(0)});
  EXPECT_EQ(transport.ask(ada, Bytes{}), Replies{unknown_error(0)});
  EXPECT_EQ(transport.ask(ada, Bytes{2, 1, 7}), Replies{unknown_error(7)});
  EXPECT_FALSE(transport.close_of(ada));
  EXPECT_EQ(transport.ask(ada, associate(1)), Replies{association_success(1)});
}

TEST(Messenger, ClosesAConnectionThatSendsTextWith1003AndAReason) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  const Connection bob = transport.connect();
  transport.receive(ada, associate(1));
  transport.bring_text(ada, "hello");
  EXPECT_EQ(transport.close_code_of(ada), 1003);
  EXPECT_NE(transport.close_of(ada)->reason.find("binary"), std::string::npos);
  EXPECT_EQ(transport.replies(ada), Replies{association_success(1)});
  EXPECT_FALSE(transport.close_of(bob));
  EXPECT_EQ(messenger.counters().text_messages_refused, 1U);
  EXPECT_EQ(messenger.counters().packets_received, 1U);
  EXPECT_EQ(transport.ask(bob, associate(1)), Replies{unknown_error(1)}) << "held until the connection is gone";
  transport.disconnect(ada, close_code::unsupported_data);
  EXPECT_EQ(transport.ask(bob, associate(1)), Replies{association_success(1)});
}

TEST(Messenger, AnswersAMessageOf64KiBOfNonsense) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  EXPECT_EQ(transport.ask(transport.connect(), Bytes(65536, 0x2a)), Replies{unknown_error(0x2a)});
}

TEST(Messenger, HoldsAHundredMessagesForAnAbsentReceiver) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  transport.receive(ada, associate(1));
  transport.replies(ada);
  for (int number = 0; number < 100; ++number) {
    ASSERT_EQ(transport.ask(ada, push(1, 2, std::to_string(number))), Replies{positive_ack(1)});
  }
  EXPECT_EQ(transport.ask(ada, push(1, 2, "too many")), Replies{buffer_full(1)});
  const Connection bob = transport.connect();
  transport.receive(bob, associate(2));
  transport.replies(bob);
  for (int number = 0; number < 100; ++number) {
    ASSERT_EQ(transport.ask(bob, get(2)), Replies{get_response(2, 1, std::to_string(number))});
  }
  EXPECT_EQ(transport.ask(bob, get(2)), Replies{buffer_empty(2)});
}

TEST(Messenger, HoldsAsManyAndAsLongMessagesAsItsOptionsSay) {
  RecordingTransport transport;
  const Messenger messenger{transport, MessengerOptions{.mailbox_messages_max = 2, .payload_bytes_max = 3}};
  const Connection ada = transport.connect();
  transport.receive(ada, associate(1));
  transport.replies(ada);
  EXPECT_EQ(transport.ask(ada, push(1, 1, "long")), Replies{unknown_error(1)});
  EXPECT_EQ(transport.ask(ada, push(1, 1, "one")), Replies{positive_ack(1)});
  EXPECT_EQ(transport.ask(ada, push(1, 1, "two")), Replies{positive_ack(1)});
  EXPECT_EQ(transport.ask(ada, push(1, 1, "3rd")), Replies{buffer_full(1)});
}

// Is durable at once, and had kept a message.
struct KeepsAtOnce {
  static constexpr bool durable_at_once = true;
  void record(const MessageStored&) { ++records; }
  void record(const MessageTaken&) { ++records; }
  std::error_code load(MessageLoader& loader) {
    loader.message({Address{1}, 4, Address{2}, as_bytes("kept")});
    return {};
  }
  int records = 0;
};

TEST(Messenger, LoadsAStoreThatIsDurableAtOnceAndRepliesAtOnce) {
  KeepsAtOnce store;
  RecordingTransport transport;
  const Messenger messenger{transport, store};
  const Connection ada = transport.connect();
  transport.bring(ada, associate(1));
  transport.bring(ada, get(1));
  EXPECT_EQ(transport.replies(ada), (Replies{association_success(1), get_response(1, 2, "kept")}));
  EXPECT_EQ(store.records, 1);
}

// Shutting down.

TEST(Messenger, ClosesAllConnectionsWith1001WhenItShutsDown) {
  RecordingTransport transport;
  Messenger messenger{transport};
  const Connection ada = transport.connect();
  const Connection bob = transport.connect();
  messenger.shut_down();
  EXPECT_EQ(transport.close_code_of(ada), 1001);
  EXPECT_EQ(transport.close_code_of(bob), 1001);
  EXPECT_FALSE(transport.close_of(ada)->reason.empty());
  messenger.shut_down();
  EXPECT_EQ(transport.closed_in_order().size(), 2U);
}

TEST(Messenger, ClosesNewConnectionsAtOnceWhileItShutsDown) {
  RecordingTransport transport;
  Messenger messenger{transport};
  messenger.shut_down();
  EXPECT_EQ(transport.close_code_of(transport.connect()), 1001);
}

TEST(Messenger, LeavesAConnectionThatIsClosingAlreadyToItsCodeWhenItShutsDown) {
  RecordingTransport transport;
  Messenger messenger{transport};
  const Connection ada = transport.connect();
  transport.bring_text(ada, "hello");
  messenger.shut_down();
  EXPECT_EQ(transport.close_code_of(ada), 1003);
}

// Events and counters.

struct DescribeEvent {
  std::string operator()(const event::ConnectionOpened& told) const {
    return "opened " + std::string{told.peer} + " " + std::string{told.protocol};
  }
  std::string operator()(const event::ConnectionClosed& told) const {
    return "closed " + std::to_string(told.code) + " " + std::string{told.reason};
  }
  std::string operator()(const event::PacketReceived& told) const { return "received " + to_hex(told.packet); }
  std::string operator()(const event::PacketSent& told) const { return "sent " + to_hex(told.packet); }
  std::string operator()(const event::ConnectionPaused& told) const {
    return "paused " + std::to_string(told.waiting_bytes);
  }
  std::string operator()(const event::ConnectionResumed&) const { return "resumed"; }
  std::string operator()(const event::ConnectionRefused& told) const {
    return "refused " + std::to_string(told.code) + " " + std::string{told.reason};
  }
  std::string operator()(const event::CredentialRejected& event) const {
    return "rejected " + std::string{as_text(event.address)};
  }
  std::string operator()(const event::StoreFailed& told) const { return "store failed: " + told.error.message(); }
  std::string operator()(const event::StoreRecovered& told) const {
    return "store recovered: " + std::to_string(told.messages);
  }
};

MessengerOptions telling(std::vector<std::string>& events) {
  return {.on_event = [&events](const Event& told) { events.push_back(std::visit(DescribeEvent{}, told)); }};
}

using Events = std::vector<std::string>;

TEST(Messenger, TellsOfEverythingThatHappensToAConnectionInOrder) {
  Events events;
  RecordingTransport transport;
  const Messenger messenger{transport, telling(events)};
  const Connection ada = transport.connect("127.0.0.1:4711", "chat");
  transport.receive(ada, associate(7));
  transport.set_waiting_bytes(ada, 70000);
  transport.receive(ada, get(7));
  transport.drain(ada);
  transport.bring_text(ada, "hello");
  transport.disconnect(ada, close_code::unsupported_data, "bye");
  EXPECT_EQ(events, (Events{"opened 127.0.0.1:4711 chat", "received 00 00 07", "sent 00 01 07", "received 01 00 07",
                            "sent 01 01 07", "paused 70000", "resumed",
                            "refused 1003 this server takes binary messages only", "closed 1003 bye"}));
}

TEST(Messenger, TellsOfPacketsOnlyWhereThatIsWanted) {
  Events events;
  RecordingTransport transport;
  MessengerOptions options = telling(events);
  options.packet_events = false;
  const Messenger messenger{transport, std::move(options)};
  const Connection ada = transport.connect("ada");
  transport.receive(ada, associate(7));
  transport.disconnect(ada, close_code::normal, "bye");
  EXPECT_EQ(events, (Events{"opened ada ", "closed 1000 bye"}));
  EXPECT_EQ(messenger.counters().packets_received, 1U);
}

TEST(Messenger, TellsThatItClosesConnectionsWhenItShutsDown) {
  Events events;
  RecordingTransport transport;
  Messenger messenger{transport, telling(events)};
  transport.connect("ada");
  messenger.shut_down();
  transport.connect("bob");
  EXPECT_EQ(events, (Events{"opened ada ", "refused 1001 the server is shutting down", "opened bob ",
                            "refused 1001 the server is shutting down"}));
}

TEST(Messenger, TellsThatAStoreFailedAndThatItRecovered) {
  Events events;
  RecordingTransport transport;
  SlowStore store;
  store.keep(1, 2, "kept");
  store.set_load_error(Error::storage_unavailable);
  const Messenger messenger{transport, store, telling(events)};
  transport.advance(1s);
  transport.advance(1s);
  store.set_load_error(std::make_error_code(std::errc::io_error));
  transport.advance(1s);
  transport.advance(1s);
  store.set_load_error({});
  transport.advance(1s);
  EXPECT_EQ(events, (Events{"store failed: the store is unavailable", "store failed: Input/output error",
                            "store recovered: 1"}));
  EXPECT_EQ(messenger.counters().store_failures, 1U);
}

TEST(Messenger, CountsWhatItDid) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  const Connection bob = transport.connect();
  transport.receive(ada, associate(1));
  transport.receive(ada, associate(2));
  transport.receive(bob, associate(1));
  transport.receive(ada, push(1, 2, "hi"));
  transport.receive(ada, push(1, 2, "ho"));
  transport.receive(ada, get(2));
  transport.receive(bob, Bytes{});
  transport.disconnect(bob);
  const MessengerCounters counters = messenger.counters();
  EXPECT_EQ(counters.connections_opened, 2U);
  EXPECT_EQ(counters.connections_closed, 1U);
  EXPECT_EQ(counters.connections_open, 1U);
  EXPECT_EQ(counters.packets_received, 7U);
  EXPECT_EQ(counters.packets_sent, 7U);
  EXPECT_EQ(counters.addresses_held, 2U);
  EXPECT_EQ(counters.books, (Books{.loaded = 0, .stored = 2, .taken = 1, .held = 1}));
  EXPECT_EQ(counters.answers.associated, 2U);
  EXPECT_EQ(counters.answers.address_taken, 1U);
  EXPECT_EQ(counters.answers.push_stored, 2U);
  EXPECT_EQ(counters.answers.get_message, 1U);
  EXPECT_EQ(counters.commits, 0U);
  EXPECT_TRUE(counters.store_available);
}

// Misuse.

TEST(Messenger, RefusesOptionsOutOfRange) {
  RecordingTransport transport;
  EXPECT_ASSERTION((Messenger{transport, MessengerOptions{.mailbox_messages_max = 0}}), "mailbox_messages_max");
  EXPECT_ASSERTION((Messenger{transport, MessengerOptions{.mailbox_messages_max = 1'000'001}}), "mailbox_messages_max");
  EXPECT_ASSERTION((Messenger{transport, MessengerOptions{.payload_bytes_max = 255}}), "payload_bytes_max");
  EXPECT_ASSERTION((Messenger{transport, MessengerOptions{.waiting_bytes_max = 0}}), "waiting_bytes_max");
  EXPECT_ASSERTION((Messenger{transport, MessengerOptions{.stuck_after = 0s}}), "stuck_after");
  EXPECT_ASSERTION((Messenger{transport, MessengerOptions{.stuck_after = -1s}}), "stuck_after");
  EXPECT_ASSERTION((Messenger{transport, MessengerOptions{.commits_in_flight_max = 0}}), "commits_in_flight_max");
  EXPECT_ASSERTION((Messenger{transport, MessengerOptions{.held_bytes_max = 0}}), "held_bytes_max");
  EXPECT_ASSERTION((Messenger{transport, MessengerOptions{.store_retry_after = 0s}}), "store_retry_after");
  EXPECT_FALSE(transport.is_started()) << "a Messenger that was refused is not known to the transport";
}

TEST(Messenger, RefusesATransportThatOpensAConnectionTwice) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  EXPECT_ASSERTION(transport.listener().opened(ada, {}), "opened in a slot that is in use");
  EXPECT_ASSERTION(transport.listener().opened({ada.slot, ada.generation + 1}, {}), "opened in a slot that is in use");
}

TEST(Messenger, RefusesReportsAboutConnectionsThatAreNotOpen) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  const Connection unknown{ada.slot + 5, 1};
  const Connection another{ada.slot, ada.generation + 1};
  for (const Connection connection : {unknown, another}) {
    EXPECT_ASSERTION(transport.listener().received(connection, MessageType::binary, get(1)), "not open");
    EXPECT_ASSERTION(transport.listener().drained(connection), "not open");
    EXPECT_ASSERTION(transport.listener().closed(connection, {}), "not open");
  }
  transport.disconnect(ada);
  EXPECT_ASSERTION(transport.listener().received(ada, MessageType::binary, get(1)), "not open");
  EXPECT_ASSERTION(transport.listener().closed(ada, {}), "not open");
}

TEST(Messenger, RefusesMessagesOfAConnectionThatItCloses) {
  RecordingTransport transport;
  const Messenger messenger{transport};
  const Connection ada = transport.connect();
  transport.bring_text(ada, "hello");
  EXPECT_ASSERTION(transport.listener().received(ada, MessageType::binary, get(1)), "being closed");
}

}  // namespace
}  // namespace restante
