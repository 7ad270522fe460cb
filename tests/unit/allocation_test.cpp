// What the library asks of the heap: nothing on the hot path, and never more than memory_bytes_max(). A program of its
// own, because it replaces operator new for everything in it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <restante/messenger.hpp>

#include "support/packets.hpp"

namespace {

// What was asked for, and what of it was not given back; a size stands in front of each piece.
struct Heap {
  std::uint64_t allocations = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_max = 0;
};
Heap heap;
constexpr std::size_t header_bytes = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
static_assert(header_bytes >= sizeof(std::size_t));

}  // namespace

// Where g++ inlines one of these and not the other, it sees free() called for what new gave, and takes it for a
// mistake.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(std::size_t size) {
  void* const piece = std::malloc(size + header_bytes);
  if (piece == nullptr) {
    throw std::bad_alloc{};
  }
  *static_cast<std::size_t*>(piece) = size;
  ++heap.allocations;
  heap.bytes += size;
  heap.bytes_max = std::max(heap.bytes_max, heap.bytes);
  return static_cast<char*>(piece) + header_bytes;
}

void operator delete(void* pointer) noexcept {
  if (pointer != nullptr) {
    char* const piece = static_cast<char*>(pointer) - header_bytes;
    heap.bytes -= *reinterpret_cast<std::size_t*>(piece);
    std::free(piece);
  }
}

void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete[](void* pointer) noexcept {
  operator delete(pointer);
}
void operator delete(void* pointer, std::size_t) noexcept {
  operator delete(pointer);
}
void operator delete[](void* pointer, std::size_t) noexcept {
  operator delete(pointer);
}

namespace restante {
namespace {

using namespace test;

// Hands messages to its listener and throws replies away, without touching the heap.
class NullTransport {
 public:
  void start(TransportListener& listener) { listener_ = &listener; }
  void stop() {}
  std::size_t send(Connection, BytesView message) {
    ++sent_;
    last_code_ = message[0];
    last_kind_ = message[1];
    last_bytes_ = std::min(message.size(), last_.size());
    std::copy_n(message.begin(), last_bytes_, last_.begin());
    return 0;
  }
  void close(Connection, CloseCode, std::string_view) {}
  void pause(Connection connection) { paused_ = connection; }
  void resume(Connection) { paused_ = {}; }
  SteadyTime now() const { return {}; }
  void wake_at(SteadyTime) {}
  void wake() {}

  void open(Connection connection, std::string_view protocol = "") { listener_->opened(connection, {"", protocol}); }
  void bring(Connection connection, BytesView message) {
    listener_->received(connection, MessageType::binary, message);
  }
  void receive(Connection connection, BytesView message) {
    bring(connection, message);
    listener_->turn_ended();
  }
  void close_by_peer(Connection connection) { listener_->closed(connection, {}); }

  std::uint64_t sent() const { return sent_; }
  std::uint8_t last_kind() const { return last_kind_; }
  std::uint8_t last_code() const { return last_code_; }
  /// The beginning of what was sent last.
  BytesView last() const { return BytesView{last_}.first(last_bytes_); }
  bool is_paused(Connection connection) const { return paused_ == connection; }

 private:
  TransportListener* listener_ = nullptr;
  std::uint64_t sent_ = 0;
  std::uint8_t last_kind_ = 0;
  std::uint8_t last_code_ = 0;
  std::array<std::uint8_t, 128> last_{};
  std::size_t last_bytes_ = 0;
  Connection paused_;
};

static_assert(Transport<NullTransport>);

TEST(Allocation, APushAndItsAcknowledgementTakeNothingFromTheHeapAfterWarmUp) {
  NullTransport transport;
  const Messenger messenger{transport};
  const Connection ada{0, 1};
  transport.open(ada);
  transport.receive(ada, associate(1));
  const Bytes request = push(1, 1, std::string(254, 'x'));
  const Bytes take = get(1);
  for (int count = 0; count < 100; ++count) {
    transport.receive(ada, request);
  }
  for (int count = 0; count < 100; ++count) {
    transport.receive(ada, take);
  }
  const std::uint64_t before = heap.allocations;
  for (int count = 0; count < 100; ++count) {
    transport.receive(ada, request);
    ASSERT_EQ(transport.last_kind(), 2) << "POSITIVEACK";
  }
  EXPECT_EQ(heap.allocations - before, 0U);
}

TEST(Allocation, AGetAndItsMessageTakeNothingFromTheHeapAfterWarmUp) {
  NullTransport transport;
  const Messenger messenger{transport};
  const Connection ada{0, 1};
  transport.open(ada);
  transport.receive(ada, associate(1));
  const Bytes request = push(1, 1, std::string(254, 'x'));
  const Bytes take = get(1);
  transport.receive(ada, request);
  transport.receive(ada, take);
  const std::uint64_t before = heap.allocations;
  for (int count = 0; count < 1000; ++count) {
    transport.receive(ada, request);
    transport.receive(ada, take);
    ASSERT_EQ(transport.last_kind(), 0) << "GETRESPONSE";
  }
  EXPECT_EQ(heap.allocations - before, 0U);
  EXPECT_EQ(messenger.counters().books.taken, 1001U);
}

TEST(Allocation, WhatIsRefusedTakesNothingFromTheHeapEither) {
  NullTransport transport;
  const Messenger messenger{transport};
  const Connection ada{0, 1};
  transport.open(ada);
  const Bytes requests[] = {get(1), push(1, 2, "hi"), Bytes(65536, 0x2a), Bytes{9}};
  const std::uint64_t before = heap.allocations;
  for (const Bytes& request : requests) {
    transport.receive(ada, request);
  }
  EXPECT_EQ(heap.allocations - before, 0U);
  EXPECT_EQ(transport.sent(), 4U);
}

TEST(Allocation, PushFetchAndAcknowledgementTakeNothingFromTheHeapAfterWarmUp) {
  NullTransport transport;
  Messenger messenger{transport, {.wall_clock = [] { return std::uint64_t{1'700'000'000'000}; }}};
  const Connection ada{0, 1};
  std::array<std::uint8_t, 256> buffer{};
  const auto say = [&](const auto& packet) { transport.receive(ada, v2::encode(packet, buffer)); };
  transport.open(ada, v2::protocol_name);
  say(v2::Open{.tag = 1, .address = as_bytes("ada")});
  ASSERT_EQ(transport.last_code(), v2::code::opened);
  const Epoch epoch = std::get<v2::Opened>(v2::decode_reply(transport.last())).epoch;
  const std::string payload(64, 'x');
  std::uint64_t count = 0;
  const auto round = [&](std::uint64_t time_to_live_ms) {
    ++count;
    say(v2::Push{.tag = 2,
                 .receiver = as_bytes("ada"),
                 .sequence = count,
                 .time_to_live_ms = time_to_live_ms,
                 .payload = as_bytes(payload)});
    ASSERT_EQ(transport.last_code(), v2::code::accepted);
    say(v2::Fetch{.tag = 3, .epoch = epoch, .messages_max = 10, .bytes_max = 1'000});
    ASSERT_EQ(transport.last_code(), v2::code::fetched);
    say(v2::Acknowledge{.tag = 4, .epoch = epoch, .offset = count - 1});
    ASSERT_EQ(transport.last_code(), v2::code::acknowledged);
    say(v2::Receipt{.tag = 5, .sequence = count});
    ASSERT_EQ(transport.last_code(), v2::code::state);
  };
  round(0);
  round(60'000);
  const std::uint64_t before = heap.allocations;
  for (int i = 0; i < 1'000; ++i) {
    round(i % 2 == 0 ? 0 : 60'000);
  }
  EXPECT_EQ(heap.allocations - before, 0U);
  EXPECT_EQ(messenger.counters().books.acknowledged, 1'002U);
}

TEST(Allocation, AFetchThatWaitsTakesNothingFromTheHeapAfterWarmUp) {
  NullTransport transport;
  const Messenger messenger{transport, {.wall_clock = [] { return std::uint64_t{1'700'000'000'000}; }}};
  const Connection ada{0, 1};
  std::array<std::uint8_t, 256> buffer{};
  const auto say = [&](const auto& packet) { transport.receive(ada, v2::encode(packet, buffer)); };
  transport.open(ada, v2::protocol_name);
  say(v2::Open{.tag = 1, .address = as_bytes("ada")});
  const Epoch epoch = std::get<v2::Opened>(v2::decode_reply(transport.last())).epoch;
  std::uint64_t offset = 0;
  const auto round = [&] {
    say(v2::Fetch{.tag = 3, .epoch = epoch, .messages_max = 1, .bytes_max = 1'000, .wait_ms = 1'000});
    say(v2::Push{.tag = 2, .receiver = as_bytes("ada"), .payload = as_bytes("hi")});
    ASSERT_EQ(transport.last_code(), v2::code::fetched);
    say(v2::Acknowledge{.tag = 4, .epoch = epoch, .offset = offset++});
    ASSERT_EQ(transport.last_code(), v2::code::acknowledged);
  };
  round();
  const std::uint64_t before = heap.allocations;
  for (int i = 0; i < 1'000; ++i) {
    round();
  }
  EXPECT_EQ(heap.allocations - before, 0U);
}

TEST(Allocation, AConnectionInASlotThatWasUsedTakesNothingFromTheHeap) {
  NullTransport transport;
  const Messenger messenger{transport};
  const Bytes claim = associate(1);
  const auto visit = [&](std::uint32_t generation) {
    transport.open({3, generation});
    transport.receive({3, generation}, claim);
    transport.close_by_peer({3, generation});
  };
  visit(1);
  const std::uint64_t before = heap.allocations;
  visit(2);
  EXPECT_EQ(heap.allocations - before, 0U);
}

// What a test asks the heap for between its making and its end.
class HeapUse {
 public:
  HeapUse() : before_{heap.bytes} { heap.bytes_max = heap.bytes; }
  std::uint64_t bytes_max() const { return heap.bytes_max - before_; }

 private:
  std::uint64_t before_;
};

// Fills every mailbox, from connections that hold an id each, and from others that hold none.
void fill_mailboxes(NullTransport& transport, std::uint32_t connections, std::uint32_t messages) {
  Bytes claim = associate(0);
  Bytes request = push(0, 0, std::string(254, 'x'));
  for (std::uint32_t slot = 0; slot < connections; ++slot) {
    transport.open({slot, 1});
    if (slot < Address::classic_count) {
      claim[2] = request[2] = request[3] = static_cast<std::uint8_t>(slot);
      transport.receive({slot, 1}, claim);
      for (std::uint32_t count = 0; count <= messages; ++count) {
        transport.receive({slot, 1}, request);
      }
    }
  }
}

TEST(Memory, OfAMessengerWithFullMailboxesIsAtMostWhatWasSaid) {
  // Sizes around those at which lists grow.
  for (const std::uint32_t connections : {256U, 257U, 512U, 513U, 1000U}) {
    for (const std::uint32_t messages : {1U, 16U, 17U, 32U, 33U}) {
      NullTransport transport;
      MessengerOptions options{.mailbox_messages_max = messages};
      const std::uint64_t bound = Messenger<NullTransport>::memory_bytes_max(options, connections);
      const HeapUse use;
      const Messenger messenger{transport, std::move(options)};
      fill_mailboxes(transport, connections, messages);
      ASSERT_EQ(messenger.counters().books.held, 256U * messages);
      EXPECT_LE(use.bytes_max() + sizeof(messenger), bound) << connections << " connections, " << messages;
    }
  }
}

// Fills what restante.v2 has limits for: addresses, rooms and their members, waits, windows and messages that expire.
void fill_named_mailboxes(NullTransport& transport, std::uint32_t connections, std::uint32_t rooms) {
  std::vector<std::uint8_t> buffer(1024);
  const std::string payload(300, 'x');
  const auto name_of = [](std::uint32_t slot) { return "somebody-" + std::to_string(slot); };
  const auto room_of = [](std::uint32_t room) { return "#a-room-of-some-length-" + std::to_string(room); };
  std::vector<Epoch> epochs;
  for (std::uint32_t slot = 0; slot < connections; ++slot) {
    transport.open({slot, 1}, v2::protocol_name);
    transport.receive({slot, 1}, v2::encode(v2::Open{.tag = 1, .address = as_bytes(name_of(slot))}, buffer));
    epochs.push_back(std::get<v2::Opened>(v2::decode_reply(transport.last())).epoch);
    for (std::uint32_t room = 0; room < rooms; ++room) {
      transport.receive({slot, 1}, v2::encode(v2::Join{.tag = 2, .room = as_bytes(room_of(room))}, buffer));
      ASSERT_EQ(transport.last_code(), v2::code::joined);
    }
  }
  std::uint64_t sequence = 0;
  for (bool has_room = true; has_room;) {
    ++sequence;
    for (std::uint32_t slot = 0; slot < connections && has_room; ++slot) {
      const std::string receiver =
          slot % 7 == 0 && rooms != 0 ? room_of(slot % rooms) : name_of((slot + 1) % connections);
      transport.receive({slot, 1}, v2::encode(v2::Push{.tag = 3,
                                                       .receiver = as_bytes(receiver),
                                                       .sequence = sequence,
                                                       .time_to_live_ms = 60'000 + slot,
                                                       .payload = as_bytes(payload)},
                                              buffer));
      has_room = transport.last_code() == v2::code::accepted;
    }
  }
  // What is there is delivered, and then they wait.
  for (std::uint32_t slot = 0; slot < connections; ++slot) {
    v2::Fetch fetch{
        .tag = 4, .source = as_bytes("*"), .epoch = epochs[slot], .messages_max = 100, .bytes_max = 1'000'000};
    do {
      transport.receive({slot, 1}, v2::encode(fetch, buffer));
    } while (std::get<v2::Fetched>(v2::decode_reply(transport.last())).delivered != 0);
    fetch.wait_ms = 60'000;
    for (fetch.tag = 10; fetch.tag < 13; ++fetch.tag) {
      transport.receive({slot, 1}, v2::encode(fetch, buffer));
    }
  }
}

TEST(Memory, OfAMessengerWithFullNamedMailboxesIsAtMostWhatWasSaid) {
  for (const std::uint32_t connections : {16U, 17U, 256U, 257U}) {
    for (const std::uint32_t rooms : {0U, 5U}) {
      NullTransport transport;
      MessengerOptions options;
      options.limits = {.addresses_max = connections + rooms,
                        .rooms_max = rooms,
                        .room_members_max = connections,
                        .waits_max = 3 * connections,
                        .memory_bytes_max = std::uint64_t{2} * 1024 * 1024};
      options.wall_clock = [] { return std::uint64_t{1'700'000'000'000}; };
      const std::uint64_t bound = Messenger<NullTransport>::memory_bytes_max(options, connections);
      const HeapUse use;
      const Messenger messenger{transport, std::move(options)};
      fill_named_mailboxes(transport, connections, rooms);
      EXPECT_LE(use.bytes_max() + sizeof(messenger), bound) << connections << " connections, " << rooms << " rooms";
      ASSERT_GT(messenger.counters().books.held, std::uint64_t{2} * 1024 * 1024 / (MessagePool::cost_bytes(300) + 300));
      ASSERT_EQ(messenger.counters().waits, 3 * connections);
    }
  }
}

TEST(Memory, IsNotBoundedByMuchMoreThanIsNeeded) {
  NullTransport transport;
  MessengerOptions options;
  // What nobody may ask for costs nothing.
  options.limits.addresses_max = options.limits.rooms_max = options.limits.waits_max = 0;
  options.limits.memory_bytes_max = 0;
  const std::uint64_t bound = Messenger<NullTransport>::memory_bytes_max(options, 256);
  const HeapUse use;
  const Messenger messenger{transport, std::move(options)};
  fill_mailboxes(transport, 256, 100);
  EXPECT_GE(use.bytes_max() + sizeof(messenger), bound * 9 / 10);
}

// Never completes a commit.
class EndlessStore : public StoreArchetype {};

TEST(Memory, OfAMessengerThatHoldsRepliesBackIsAtMostWhatWasSaid) {
  constexpr std::uint32_t connections = 300;
  NullTransport transport;
  EndlessStore store;
  MessengerOptions options{.mailbox_messages_max = 3, .held_bytes_max = 100'000};
  const std::uint64_t bound = Messenger<NullTransport, EndlessStore>::memory_bytes_max(options, connections);
  const Bytes nothing{9};
  const HeapUse use;
  const Messenger messenger{transport, store, std::move(options)};
  Bytes claim = associate(0);
  Bytes request = push(0, 0, std::string(254, 'x'));
  // The ids are claimed before the first change, so that only what follows is held back.
  for (std::uint32_t slot = 0; slot < connections; ++slot) {
    transport.open({slot, 1});
    if (slot < Address::classic_count) {
      claim[2] = static_cast<std::uint8_t>(slot);
      transport.receive({slot, 1}, claim);
    }
  }
  for (std::uint32_t slot = 0; slot < connections; ++slot) {
    request[2] = request[3] = static_cast<std::uint8_t>(slot % Address::classic_count);
    for (int count = 0; count < 3 && !transport.is_paused({slot, 1}); ++count) {
      transport.receive({slot, 1}, request);
    }
    // Small requests with small replies: the most pieces for the bytes that count.
    for (int count = 0; count < 100'000 && !transport.is_paused({slot, 1}); ++count) {
      transport.receive({slot, 1}, nothing);
    }
    ASSERT_TRUE(transport.is_paused({slot, 1}));
  }
  EXPECT_LE(use.bytes_max() + sizeof(messenger), bound);
}

}  // namespace
}  // namespace restante
