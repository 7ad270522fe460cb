#include <restante/transport.hpp>

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <vector>

#include "support/recording_transport.hpp"

namespace restante {
namespace {

// Each of these is a transport but for one thing, so that each part of the concept is known to ask for it.
struct WithoutStart : TransportArchetype {
  void start(TransportListener&) = delete;
};
struct WithoutStop : TransportArchetype {
  void stop() = delete;
};
struct WithoutSend : TransportArchetype {
  std::size_t send(Connection, BytesView) = delete;
};
struct SendGivesNothing : TransportArchetype {
  void send(Connection, BytesView) {}
};
struct WithoutClose : TransportArchetype {
  void close(Connection, CloseCode, std::string_view) = delete;
};
struct CloseWithoutReason : TransportArchetype {
  void close(Connection, CloseCode) {}
};
struct WithoutPause : TransportArchetype {
  void pause(Connection) = delete;
};
struct WithoutResume : TransportArchetype {
  void resume(Connection) = delete;
};
struct WithoutNow : TransportArchetype {
  SteadyTime now() const = delete;
};
struct NowChangesTheTransport : TransportArchetype {
  SteadyTime now() { return {}; }
};
struct NowOfAnotherClock : TransportArchetype {
  std::chrono::steady_clock::time_point now() const { return {}; }
};
struct WithoutWakeAt : TransportArchetype {
  void wake_at(SteadyTime) = delete;
};
struct WithoutWake : TransportArchetype {
  void wake() = delete;
};
struct WithoutOpen : TransportArchetype {
  Connection open() = delete;
};

static_assert(!ReportsEvents<WithoutStart> && !Transport<WithoutStart>);
static_assert(!ReportsEvents<WithoutStop> && !Transport<WithoutStop>);
static_assert(!SendsMessages<WithoutSend> && !Transport<WithoutSend>);
static_assert(!SendsMessages<SendGivesNothing> && !Transport<SendGivesNothing>);
static_assert(!ClosesConnections<WithoutClose> && !Transport<WithoutClose>);
static_assert(!ClosesConnections<CloseWithoutReason> && !Transport<CloseWithoutReason>);
static_assert(!PausesReceiving<WithoutPause> && !Transport<WithoutPause>);
static_assert(!PausesReceiving<WithoutResume> && !Transport<WithoutResume>);
static_assert(!KeepsTime<WithoutNow> && !Transport<WithoutNow>);
static_assert(!KeepsTime<NowChangesTheTransport> && !Transport<NowChangesTheTransport>);
static_assert(!KeepsTime<NowOfAnotherClock> && !Transport<NowOfAnotherClock>);
static_assert(!KeepsTime<WithoutWakeAt> && !Transport<WithoutWakeAt>);
static_assert(!KeepsTime<WithoutWake> && !Transport<WithoutWake>);
static_assert(Transport<WithoutOpen> && !OpensConnections<WithoutOpen> && !ClientTransport<WithoutOpen>);
static_assert(Transport<TransportArchetype> && ClientTransport<TransportArchetype>);
static_assert(!Transport<int>);

static_assert(std::is_trivially_copyable_v<Connection> && sizeof(Connection) <= 2 * sizeof(void*),
              "the name of a connection is cheap to copy");

TEST(Connection, WithoutAGenerationIsTheDefaultAndNamesNone) {
  EXPECT_EQ(Connection{}, (Connection{0, 0}));
  EXPECT_EQ(Connection{}.generation, 0U);
}

TEST(Connection, OfOneSlotAreToldApartByTheirGeneration) {
  EXPECT_NE((Connection{3, 1}), (Connection{3, 2}));
  EXPECT_LT((Connection{3, 1}), (Connection{3, 2}));
  EXPECT_LT((Connection{2, 9}), (Connection{3, 1}));
}

TEST(CloseCode, NumbersAreThoseOfTheWebSocketProtocol) {
  EXPECT_EQ(close_code::normal, 1000);
  EXPECT_EQ(close_code::going_away, 1001);
  EXPECT_EQ(close_code::protocol_error, 1002);
  EXPECT_EQ(close_code::unsupported_data, 1003);
  EXPECT_EQ(close_code::abnormal, 1006);
  EXPECT_EQ(close_code::policy_violation, 1008);
  EXPECT_EQ(close_code::message_too_big, 1009);
  EXPECT_EQ(close_code::try_again_later, 1013);
}

TEST(Protocol, HasANameThatIsAToken) {
  for (const std::string_view name : {"restante.v2", "a", "!#$%&'*+-.^_`|~09azAZ"}) {
    EXPECT_TRUE(is_protocol_name(name)) << name;
  }
  for (const std::string_view name :
       {"",    "a b", " a",  "a,b", "a\t", "a\r\nX: y", "a;b", "a=b", "\"a\"", "(a)",
        "<a>", "a@b", "a:b", "a/b", "[a]", "a?",        "{a}", "a\\", "\x7f",  "\xc3\xa4"}) {
    EXPECT_FALSE(is_protocol_name(name)) << name;
  }
  EXPECT_FALSE(is_protocol_name(std::string_view{"a\0", 2}));
}

TEST(Protocol, IsFoundByItsWholeName) {
  static constexpr std::array<Protocol, 2> protocols{{{"one", 1}, {"two", 2}}};
  static_assert(find_protocol(protocols, "two") == &protocols[1]);
  static_assert(find_protocol(protocols, "tw") == nullptr && find_protocol(protocols, "Two") == nullptr);
  static_assert(find_protocol(protocols, "") == nullptr && find_protocol({}, "one") == nullptr);
  EXPECT_EQ(names_of(protocols), (std::vector<std::string_view>{"one", "two"}));
  EXPECT_EQ(name_of(protocols.data()), "one");
  EXPECT_EQ(name_of(nullptr), "");
}

TEST(Protocol, IsChosenInTheOrderOfTheOffers) {
  static constexpr std::array<Protocol, 2> spoken{{{"one", 1}, {"two", 2}}};
  using Names = std::vector<std::string_view>;
  EXPECT_EQ(choose_protocol(Names{"zero", "two", "one"}, spoken), &spoken[1]);
  EXPECT_EQ(choose_protocol(Names{"one", "two"}, spoken), &spoken[0]);
  EXPECT_EQ(choose_protocol(Names{"zero"}, spoken), nullptr);
  EXPECT_EQ(choose_protocol(Names{}, spoken), nullptr);
  EXPECT_EQ(choose_protocol(Names{"one"}, {}), nullptr);
}

// A listener that speaks what the test says, and hears nothing; another says nothing about it.
struct SilentListener : TransportListener {
  void opened(Connection, const Opened&) override {}
  void received(Connection, MessageType, BytesView) override {}
  void turn_ended() override {}
  void drained(Connection) override {}
  void closed(Connection, const Closed&) override {}
  void woken() override {}
};
struct SpeakingListener : SilentListener {
  explicit SpeakingListener(Protocol protocol) : spoken{protocol} {}
  std::span<const Protocol> protocols() const override { return {&spoken, 1}; }
  Protocol spoken;
};

TEST(Protocol, IsNoneForAListenerThatDoesNotSay) {
  EXPECT_TRUE(protocols_of(SilentListener{}).empty());
}

TEST(Protocol, IsCheckedWhenATransportAsks) {
  const SpeakingListener good{{"one", 1}};
  EXPECT_EQ(protocols_of(good).data(), &good.spoken);
  const AssertionHandler before = set_assertion_handler(
      [](const char*, const char* explanation, const char*, unsigned) { throw std::logic_error{explanation}; });
  EXPECT_THROW(protocols_of(SpeakingListener{{"no token", 1}}), std::logic_error);
  EXPECT_THROW(protocols_of(SpeakingListener{{"", 1}}), std::logic_error);
  EXPECT_THROW(protocols_of(SpeakingListener{{"one", 0}}), std::logic_error);
  set_assertion_handler(before);
}

TEST(Closed, IsAbnormalWhereNothingWasSaid) {
  EXPECT_EQ(Closed{}.code, close_code::abnormal);
  EXPECT_TRUE(Closed{}.reason.empty());
}

}  // namespace
}  // namespace restante
