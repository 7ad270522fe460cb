#include <restante/sim/v2_protocol_checker.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace restante::sim {
namespace {

constexpr Epoch ada_epoch = 11;
constexpr Epoch bob_epoch = 12;
constexpr Epoch room_epoch = 13;

// A server as the checker sees it: what it is asked, what it answers, and what leaves it.
class V2ProtocolCheckerTest : public ::testing::Test {
 protected:
  static Limits small() {
    Limits limits;
    limits.mailbox_messages_max = 3;
    limits.sender_messages_max = 2;
    limits.room_messages_max = 2;
    return limits;
  }

  void tell(EntryKind kind, Connection connection = {}, BytesView bytes = {}) {
    checker_.observe({.time = now_, .kind = kind, .client = 0, .connection = connection, .bytes = bytes});
  }

  template <class Request>
  void asks(Connection connection, const Request& request) {
    tell(EntryKind::received_by_server, connection, v2::encode(request, buffer_));
  }

  template <class Reply>
  void makes(Connection connection, const Reply& reply) {
    const BytesView bytes = v2::encode(reply, buffer_);
    const bool has_token = bytes[0] == v2::code::opened;
    checker_.made(now_, connection, bytes.first(bytes.size() - (has_token ? sizeof(ResumeToken) : 0)));
  }

  template <class Reply>
  void replies(Connection connection, const Reply& reply) {
    makes(connection, reply);
    tell(EntryKind::sent_by_server, connection, v2::encode(reply, buffer_));
  }

  void opens(Connection connection, std::string_view address, Epoch epoch, v2::Opened says = {}) {
    tell(EntryKind::opened_at_server, connection);
    asks(connection, v2::Open{.tag = 1, .address = as_bytes(address)});
    says.tag = 1;
    says.epoch = epoch;
    says.window = 256;
    replies(connection, says);
  }

  // Gives the payload.
  std::vector<std::uint8_t> pushes(std::string_view to, std::uint64_t sequence, std::uint64_t time_to_live_ms = 0) {
    auto [number, payload] =
        letters_.write({.sender = 0, .from = "ada", .to = std::string{to}, .time_to_live_ms = time_to_live_ms}, 10);
    asks(ada_, v2::Push{.tag = 2,
                        .receiver = as_bytes(to),
                        .sequence = sequence,
                        .time_to_live_ms = time_to_live_ms,
                        .payload = payload});
    return payload;
  }

  std::vector<std::uint8_t> accepts(std::string_view to, std::uint64_t sequence, std::uint64_t time_to_live_ms = 0) {
    std::vector<std::uint8_t> payload = pushes(to, sequence, time_to_live_ms);
    replies(ada_, v2::Accepted{.tag = 2});
    return payload;
  }

  void fetches(std::string_view source, std::uint64_t messages, std::uint64_t bytes = 1'000) {
    asks(bob_, v2::Fetch{.tag = 3, .source = as_bytes(source), .messages_max = messages, .bytes_max = bytes});
  }

  void delivers(Offset offset, const std::vector<std::uint8_t>& payload, std::string_view source = "") {
    replies(bob_, v2::Message{.tag = 3,
                              .source = as_bytes(source),
                              .offset = offset,
                              .time_ms = wall_clock_ms(SteadyTime{}),
                              .sender = as_bytes("ada"),
                              .payload = payload});
  }

  void joins(Connection connection, Offset first = 0, Offset next = 0) {
    asks(connection, v2::Join{.tag = 4, .room = as_bytes("#tea")});
    replies(connection,
            v2::Joined{.tag = 4, .epoch = room_epoch, .first_kept = first, .cursor = first, .next_offset = next});
  }

  std::string finding() const {
    return !findings_.violations().empty()          ? findings_.violations().front().sentence
           : !findings_.liveness_failures().empty() ? findings_.liveness_failures().front().sentence
                                                    : "";
  }

  const Connection ada_{1, 1};
  const Connection bob_{2, 1};
  SteadyTime now_{};
  Findings findings_;
  Letters letters_;
  Limits limits_ = small();
  DiskContents disk_;
  V2ProtocolChecker checker_{findings_, letters_, limits_, nullptr};
  std::array<std::uint8_t, 1'000> buffer_{};
};

TEST_F(V2ProtocolCheckerTest, FindsNothingWhereEverythingIsRight) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  fetches("", 2);
  const auto one = accepts("bob", 1);
  delivers(0, one);
  replies(bob_, v2::Fetched{.tag = 3, .delivered = 1, .remaining = 0});
  asks(ada_, v2::Push{.tag = 5, .receiver = as_bytes("bob"), .sequence = 1, .payload = one});
  replies(ada_, v2::Accepted{.tag = 5, .duplicate = true});
  EXPECT_FALSE(checker_.is_caught_up("bob"));
  asks(bob_, v2::Acknowledge{.tag = 4, .offset = 0});
  replies(bob_, v2::Acknowledged{4});
  EXPECT_TRUE(checker_.is_caught_up("bob"));
  asks(ada_, v2::Receipt{.tag = 6, .sequence = 1});
  replies(ada_, v2::State{6, MessageState::acknowledged});
  checker_.check_quiet(now_);
  EXPECT_EQ(finding(), "");
  EXPECT_EQ(checker_.places().books().acknowledged, 1U);
}

TEST_F(V2ProtocolCheckerTest, FindsMoreMessagesThanThereIsCreditFor) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  const auto one = accepts("bob", 1);
  const auto two = accepts("bob", 2);
  fetches("", 1);
  delivers(0, one);
  EXPECT_EQ(finding(), "");
  delivers(1, two);
  EXPECT_EQ(finding(), "more messages were delivered than there is credit for");
}

TEST_F(V2ProtocolCheckerTest, FindsMoreBytesThanThereIsCreditFor) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  const auto one = accepts("bob", 1);
  const auto two = accepts("bob", 2);
  fetches("", 2, 19);
  delivers(0, one);
  EXPECT_EQ(finding(), "");
  delivers(1, two);
  EXPECT_EQ(finding(), "more bytes were delivered than there is credit for");
}

TEST_F(V2ProtocolCheckerTest, FindsAPushThatIsStoredAgain) {
  opens(ada_, "ada", ada_epoch);
  const auto one = accepts("bob", 1);
  asks(ada_, v2::Push{.tag = 5, .receiver = as_bytes("bob"), .sequence = 1, .payload = one});
  replies(ada_, v2::Accepted{.tag = 5, .duplicate = false});
  EXPECT_EQ(finding(), "a push that was accepted is stored again");
}

TEST_F(V2ProtocolCheckerTest, FindsAMessageThatIsLeftOut) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  accepts("bob", 1);
  const auto two = accepts("bob", 2);
  fetches("", 2);
  delivers(1, two);
  EXPECT_EQ(finding(), "a message was delivered that is not the next one of its mailbox: 1");
}

TEST_F(V2ProtocolCheckerTest, FindsAnOffsetThatIsUsedAgain) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  fetches("", 2);
  delivers(0, accepts("bob", 1));
  replies(bob_, v2::Fetched{.tag = 3, .delivered = 1});
  asks(bob_, v2::Acknowledge{.tag = 4, .offset = 0});
  replies(bob_, v2::Acknowledged{4});
  fetches("", 2);
  delivers(0, accepts("bob", 2));
  EXPECT_EQ(finding(), "a message was delivered that is not the next one of its mailbox: 0");
}

TEST_F(V2ProtocolCheckerTest, FindsAMessageThatIsDeliveredAfterItExpired) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  const auto one = accepts("bob", 1, 50);
  now_ += std::chrono::milliseconds{50};
  fetches("", 2);
  delivers(0, one);
  EXPECT_EQ(finding(), "a message was delivered that is not the next one of its mailbox: 0");
}

TEST_F(V2ProtocolCheckerTest, FindsAnEpochThatIsKeptAfterALossOrChangesWithoutOne) {
  opens(ada_, "ada", ada_epoch);
  tell(EntryKind::server_crashed);
  tell(EntryKind::server_started);
  opens(ada_, "ada", ada_epoch);
  EXPECT_EQ(finding(), "an epoch is used again after everything was lost");
  opens(bob_, "bob", bob_epoch);
  tell(EntryKind::closed_at_server, bob_);
  opens(bob_, "bob", bob_epoch + 100);
  EXPECT_EQ(findings_.violations().back().sentence, "an address has another epoch although nothing was lost");
}

TEST_F(V2ProtocolCheckerTest, FindsDeliveryThatDoesNotBeginAgain) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  fetches("", 1);
  delivers(0, accepts("bob", 1));
  replies(bob_, v2::Fetched{.tag = 3, .delivered = 1});
  tell(EntryKind::closed_at_server, bob_);
  opens(bob_, "bob", bob_epoch, {.depth = 1});
  fetches("", 1);
  EXPECT_EQ(finding(), "");
  checker_.check_quiet(now_);
  EXPECT_EQ(finding(), "a fetch waits although there is something for it, at bob");
}

TEST_F(V2ProtocolCheckerTest, FindsAWaitThatIsForgotten) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  fetches("", 1);
  asks(ada_, v2::Receipt{.tag = 9, .sequence = 1, .known_state = 0, .wait_ms = 1'000});
  checker_.check_quiet(now_);
  EXPECT_EQ(finding(), "");
  accepts("bob", 1);
  checker_.check_quiet(now_);
  ASSERT_EQ(findings_.liveness_failures().size(), 2U);
  EXPECT_EQ(findings_.liveness_failures()[0].sentence,
            "a receipt waits for another state although there is one, at ada");
  EXPECT_EQ(findings_.liveness_failures()[1].sentence, "a fetch waits although there is something for it, at bob");
}

TEST_F(V2ProtocolCheckerTest, FindsARoomThatTellsAnotherNumberThanWasMissed) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  joins(ada_);
  joins(bob_);
  for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
    accepts("#tea", sequence);
  }
  fetches("*", 5);
  replies(bob_, v2::Missed{.tag = 3, .room = as_bytes("#tea"), .count = 1});
  EXPECT_EQ(finding(), "a member was told that it missed 1 messages, and it missed 2");
}

TEST_F(V2ProtocolCheckerTest, FindsARoomThatTellsNothingOfWhatWasMissed) {
  opens(ada_, "ada", ada_epoch);
  opens(bob_, "bob", bob_epoch);
  joins(ada_);
  joins(bob_);
  accepts("#tea", 1);
  const auto two = accepts("#tea", 2);
  accepts("#tea", 3);
  fetches("*", 5);
  delivers(1, two, "#tea");
  EXPECT_EQ(finding(), "messages left a room before they were delivered, and nobody was told");
}

TEST_F(V2ProtocolCheckerTest, FindsARefusalWithoutAReason) {
  opens(ada_, "ada", ada_epoch);
  pushes("bob", 1);
  replies(ada_, v2::Refused{.tag = 2, .reason = Refusal::stale_sequence});
  EXPECT_EQ(finding().substr(0, 42), "a request was refused without a reason: th");
}

TEST_F(V2ProtocolCheckerTest, FindsAReplyThatLeftBeforeAnother) {
  opens(ada_, "ada", ada_epoch);
  pushes("bob", 1);
  makes(ada_, v2::Accepted{.tag = 2});
  tell(EntryKind::sent_by_server, ada_, v2::encode(v2::Accepted{.tag = 7}, buffer_));
  EXPECT_EQ(finding(), "another reply left the server than was made next");
}

// With a disk.

class V2DurabilityTest : public V2ProtocolCheckerTest {
 protected:
  V2DurabilityTest() {
    write(AddressAdded{Address::at(256), as_bytes("ada"), ada_epoch});
    write(AddressAdded{Address::at(257), as_bytes("bob"), bob_epoch});
  }

  template <class Change>
  void write(const Change& change) {
    disk_.apply(DiskContents::owned(change));
  }

  void stores(const std::vector<std::uint8_t>& payload, Offset offset, std::uint64_t sequence) {
    write(MessageStored{Address::at(257), offset, Address::at(256), payload, sequence, wall_clock_ms(now_), 0});
  }
};

TEST_F(V2DurabilityTest, FindsWhatWasAcceptedAndIsGone) {
  V2ProtocolChecker checker{findings_, letters_, limits_, &disk_};
  checker.observe({.kind = EntryKind::server_started});
  const auto observe = [&](EntryKind kind, BytesView bytes = {}) {
    checker.observe({.time = now_, .kind = kind, .client = 0, .connection = ada_, .bytes = bytes});
  };
  observe(EntryKind::opened_at_server);
  observe(EntryKind::received_by_server, v2::encode(v2::Open{.tag = 1, .address = as_bytes("ada")}, buffer_));
  const BytesView opened = v2::encode(v2::Opened{.tag = 1, .epoch = ada_epoch, .window = 256}, buffer_);
  checker.made(now_, ada_, opened.first(opened.size() - sizeof(ResumeToken)));
  observe(EntryKind::sent_by_server, opened);
  for (std::uint64_t sequence = 1; sequence <= 2; ++sequence) {
    const auto [number, payload] = letters_.write({.sender = 0, .from = "ada", .to = "bob"}, 10);
    observe(
        EntryKind::received_by_server,
        v2::encode(v2::Push{.tag = 2, .receiver = as_bytes("bob"), .sequence = sequence, .payload = payload}, buffer_));
    const BytesView accepted = v2::encode(v2::Accepted{.tag = 2}, buffer_);
    checker.made(now_, ada_, accepted);
    observe(EntryKind::sent_by_server, accepted);
    if (sequence == 1) {
      stores(payload, 0, 1);
    }
  }
  checker.observe({.time = now_, .kind = EntryKind::server_crashed});
  checker.observe({.time = now_, .kind = EntryKind::server_started});
  std::vector<std::string> sentences;
  for (const Violation& violation : findings_.violations()) {
    sentences.push_back(violation.sentence);
  }
  const std::string after = " after the store was loaded, at ";
  EXPECT_EQ(sentences, (std::vector<std::string>{"a number that was accepted is new" + after + "ada",
                                                 "an offset that was used will be used again" + after + "bob",
                                                 "a message that was accepted is gone" + after + "bob"}));
}

}  // namespace
}  // namespace restante::sim
