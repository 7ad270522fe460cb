// sim/program/report.hpp, sim/program/sequence.hpp, sim/program/recorded_trace.hpp
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <restante/sim/run.hpp>

#include "recorded_trace.hpp"
#include "report.hpp"
#include "sequence.hpp"

namespace {

using namespace restante_sim;
using namespace std::chrono_literals;

using restante::Connection;
using restante::Direction;
using restante::SteadyTime;
using restante::sim::ClientIndex;
using restante::sim::EntryKind;
using restante::sim::no_client;
using testing::HasSubstr;
using testing::Not;

using Bytes = std::vector<std::uint8_t>;

constexpr Connection wire{1, 1};

/// A trace as a person would tell it: each thing happens a millisecond after the one before.
class Story {
 public:
  explicit Story(std::size_t entries_max = RecordedTrace::entries_max_usual) : trace{entries_max} {}

  Story& tell(EntryKind kind, const Bytes& bytes = {}, std::string_view text = {}, ClientIndex client = 0) {
    now_ += 1ms;
    trace.observe({.time = SteadyTime{} + now_,
                   .kind = kind,
                   .client = client,
                   .connection = client == no_client ? Connection{} : wire,
                   .bytes = bytes,
                   .text = text});
    return *this;
  }

  Story& opens() {
    return tell(EntryKind::opening).tell(EntryKind::opened_at_server).tell(EntryKind::opened_at_client);
  }

  Story& asks(const Bytes& request) {
    return tell(EntryKind::sent_by_client, request).tell(EntryKind::received_by_server, request);
  }

  Story& answers(const Bytes& reply) {
    return tell(EntryKind::sent_by_server, reply).tell(EntryKind::received_by_client, reply);
  }

  Sequence sequence(const SequenceRules& rules = {}) const { return make_sequence(trace, rules); }

  RecordedTrace trace;

 private:
  restante::Duration now_{};
};

SteadyTime at(restante::Duration time) {
  return SteadyTime{} + time;
}

const Bytes push_a{2, 1, 1, 2, 1, 'a'};
const Bytes accepted{1, 2, 1};

TEST(RecordedTrace, KeepsNoMoreThanItMay) {
  Story story{3};
  story.opens().opens();
  EXPECT_EQ(story.trace.entries().size(), 3U);
  EXPECT_EQ(story.trace.left_out(), 3U);
}

TEST(Sequence, ArrowsGoFromWhoSentToWhoReceived) {
  const Sequence sequence = Story{}.opens().asks(push_a).answers(accepted).sequence();
  ASSERT_EQ(sequence.arrows.size(), 4U);
  const Arrow& request = sequence.arrows[2];
  EXPECT_EQ(request.direction, Direction::to_server);
  EXPECT_EQ(request.sent, at(4ms));
  EXPECT_EQ(request.received, at(5ms));
  const Arrow& reply = sequence.arrows[3];
  EXPECT_EQ(reply.direction, Direction::to_client);
  EXPECT_EQ(reply.received, at(7ms));
  EXPECT_EQ(reply.answers, 2U);
}

TEST(Sequence, WhatNobodyReceivedHasNoEnd) {
  const Sequence sequence = Story{}
                                .opens()
                                .tell(EntryKind::sent_by_client, push_a)
                                .tell(EntryKind::closed_at_server)
                                .tell(EntryKind::closed_at_client)
                                .sequence();
  EXPECT_EQ(sequence.arrows.back().received, std::nullopt);
  ASSERT_EQ(sequence.connections.size(), 1U);
  EXPECT_EQ(sequence.connections.front().begin, at(3ms));
  EXPECT_EQ(sequence.connections.front().end, at(6ms));
  EXPECT_EQ(sequence.closings.size(), 2U);
}

TEST(Sequence, ACopyThatALinkMadeIsAnArrowOfItsOwn) {
  const Sequence sequence = Story{}.opens().asks(push_a).tell(EntryKind::received_by_server, push_a).sequence();
  ASSERT_EQ(sequence.arrows.size(), 4U);
  EXPECT_FALSE(sequence.arrows[2].doubled);
  EXPECT_TRUE(sequence.arrows[3].doubled);
  EXPECT_EQ(sequence.arrows[3].sent, sequence.arrows[2].sent);
  EXPECT_EQ(sequence.arrows[3].received, at(6ms));
}

TEST(Sequence, PacketsThatOvertakeEachOtherAreToldApart) {
  const Bytes get{1, 0, 1};
  const Sequence sequence = Story{}
                                .opens()
                                .tell(EntryKind::sent_by_client, push_a)
                                .tell(EntryKind::sent_by_client, get)
                                .tell(EntryKind::received_by_server, get)
                                .tell(EntryKind::received_by_server, push_a)
                                .sequence();
  EXPECT_EQ(sequence.arrows[2].received, at(7ms));
  EXPECT_EQ(sequence.arrows[3].received, at(6ms));
}

TEST(Sequence, MailboxesAreAsFullAsTheRepliesSay) {
  const Sequence sequence = Story{}
                                .opens()
                                .asks(push_a)
                                .answers(accepted)
                                .asks(push_a)
                                .answers({1, 3, 1})
                                .asks({1, 0, 2})
                                .answers({2, 0, 2, 1, 1, 'a'})
                                .asks({1, 0, 2})
                                .answers({1, 1, 2})
                                .sequence({.mailbox_messages_max = 7});
  std::vector<std::uint32_t> depths;
  for (const Depth& depth : sequence.depths) {
    EXPECT_EQ(depth.mailbox, 2);
    depths.push_back(depth.messages);
  }
  EXPECT_EQ(depths, (std::vector<std::uint32_t>{1, 7, 6, 0}));
}

TEST(Sequence, ACrashEmptiesMailboxesOnlyWithoutADisk) {
  Story story;
  story.opens().asks(push_a).answers(accepted).tell(EntryKind::server_crashed, {}, {}, no_client);
  EXPECT_EQ(story.sequence().depths.back().messages, 0U);
  EXPECT_EQ(story.sequence({.keeps_messages_in_a_crash = true}).depths.back().messages, 1U);
}

TEST(Sequence, AFaultLastsUntilItIsHealed) {
  const Sequence sequence = Story{}
                                .tell(EntryKind::fault, {}, "stall to server")
                                .tell(EntryKind::fault, {}, "break")
                                .tell(EntryKind::healed, {}, "stall to server")
                                .tell(EntryKind::healed, {}, "partition to server")
                                .tell(EntryKind::server_crashed, {}, {}, no_client)
                                .tell(EntryKind::server_started, {}, {}, no_client)
                                .sequence();
  ASSERT_EQ(sequence.faults.size(), 3U);
  EXPECT_EQ(sequence.faults[0].end, at(3ms));
  EXPECT_EQ(sequence.faults[1].end, std::nullopt);
  EXPECT_EQ(sequence.faults[2].text, "the server crashed");
  EXPECT_EQ(sequence.faults[2].end, at(6ms));
}

// ---- The page

restante::sim::Scenario two_friends() {
  restante::sim::Scenario scenario;
  scenario.name = "two friends";
  scenario.duration = 3s;
  scenario.groups.push_back({.name = "ada", .id = 1, .push_every = 200ms, .push_to = {2}});
  scenario.groups.push_back({.name = "bob", .id = 2, .get_every = 500ms});
  scenario.faults.breaks = 40;
  return scenario;
}

std::string report_of(const restante::sim::Scenario& scenario, std::uint64_t seed) {
  RecordedTrace trace;
  const restante::sim::RunResult result = run(scenario, seed, {.hash = true, .observers = {&trace}});
  return html_report(scenario, seed, result, trace);
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

TEST(Report, IsTheSameForTheSameRun) {
  EXPECT_EQ(report_of(two_friends(), 5), report_of(two_friends(), 5));
  EXPECT_NE(report_of(two_friends(), 5), report_of(two_friends(), 6));
}

TEST(Report, NeedsNothingElse) {
  const std::string page = report_of(two_friends(), 1);
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const std::string_view outside : {"<link", "src=", "href=", "url(", "@import", "import(", "fetch("}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
  // The name of SVG, which nothing is loaded from.
  EXPECT_EQ(count(page, "://"), count(page, "http://www.w3.org/2000/svg"));
}

TEST(Report, SaysWhatRanAndHowToRunItAgain) {
  const std::string page = report_of(two_friends(), 77);
  EXPECT_THAT(page, HasSubstr("<title>two friends · seed 77 · Restante</title>"));
  EXPECT_THAT(page, HasSubstr("restante-sim run &#39;two friends.toml&#39; --seed 77"));
  EXPECT_THAT(page, HasSubstr("requests received"));
  EXPECT_THAT(page, HasSubstr("\"ASSOCIATE\",\"1\",\"000001\",3,"));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
  RecordedTrace trace;
  EXPECT_THAT(html_report(two_friends(), 1, {}, trace, "./sim run a.toml --seed 1"), HasSubstr("./sim run a.toml"));
}

TEST(Report, TellsTheVerdictOfEachChecker) {
  restante::sim::RunResult result;
  result.outcome = restante::sim::Outcome::violated;
  result.violations.push_back({"protocol", at(5ms), "two replies to one request"});
  result.violations.push_back({"assertion", {}, "slot < size"});
  result.unmet.push_back("mailbox_full is 0, expected 1 or more");
  restante::sim::Scenario scenario = two_friends();
  scenario.expectations["mailbox_full"] = {.min = 1};
  const std::string page = html_report(scenario, 1, result, RecordedTrace{});
  EXPECT_THAT(page, HasSubstr("An invariant broke"));
  EXPECT_THAT(page, HasSubstr("two replies to one request"));
  EXPECT_THAT(page, HasSubstr("slot &lt; size"));
  EXPECT_THAT(page, HasSubstr("mailbox_full is 0, expected 1 or more"));
  // Of protocol, assertion and the expectations.
  EXPECT_EQ(count(page, "<em>1 failure</em>"), 3U);
  EXPECT_EQ(count(page, "<em>held</em>"), 5U);
}

TEST(Report, EscapesWhatPeopleSay) {
  const std::string hostile = "</script><img src=x onerror=alert(1)>\"'&{{data}}\xFF\xC0\xAF\xED\xA0\x80";
  restante::sim::Scenario scenario = two_friends();
  scenario.name = hostile;
  scenario.description = hostile;
  scenario.groups.front().name = hostile;
  Bytes packet{2, 1, 1, 2, static_cast<std::uint8_t>(hostile.size())};
  packet.insert(packet.end(), hostile.begin(), hostile.end());
  Story story;
  story.opens().asks(packet).tell(EntryKind::fault, {}, hostile).tell(EntryKind::closed_at_client, {}, hostile);
  restante::sim::RunResult result;
  result.violations.push_back({hostile, at(1ms), hostile});
  result.unmet.push_back(hostile);
  const std::string page = html_report(scenario, 1, result, story.trace, hostile);
  EXPECT_EQ(count(page, "</script>"), 2U);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  for (const char byte : {'\xFF', '\xC0', '\xED'}) {
    EXPECT_EQ(page.find(byte), std::string::npos);
  }
  EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;{{data}}\uFFFD"));
}

TEST(Report, SaysWhenTheTraceIsCut) {
  RecordedTrace trace{10};
  const restante::sim::RunResult result = run(two_friends(), 1, {.observers = {&trace}});
  EXPECT_THAT(html_report(two_friends(), 1, result, trace), HasSubstr("the first 10 entries of the trace"));
  EXPECT_THAT(report_of(two_friends(), 1), Not(HasSubstr("entries of the trace")));
}

TEST(Report, ShowsOnlyTheBeginningOfLongMessages) {
  Story story;
  story.opens().asks(Bytes(60'000, 9));
  const std::string page = html_report(two_friends(), 1, {}, story.trace);
  EXPECT_THAT(page, HasSubstr(",60000,"));
  EXPECT_EQ(count(page, "09090909"), 512U / 4);
}

}  // namespace
