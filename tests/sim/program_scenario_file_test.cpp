// sim/program/scenario_file.hpp
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include <restante/sim/plan.hpp>
#include <restante/sim/scenario.hpp>

#include "scenario_file.hpp"

namespace {

using namespace restante_sim;
using namespace std::chrono_literals;
using restante::LinkKind;
using restante::sim::ActionKind;
using restante::sim::Scenario;

constexpr std::string_view smallest = "[[clients]]\n";

Scenario parse(std::string_view text) {
  return parse_scenario(text, "file.toml");
}

// What is said about a file that is no scenario.
std::string complaint(std::string_view text) {
  try {
    parse(text);
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "none";
}

// One that says something unusual with every key.
constexpr std::string_view everything = R"(
name = "all \"of\" it"
description = "every key"
duration = "1m30s"
heals_within = "45s"

[server]
mailbox_messages_max = 7
payload_bytes_max = 100
waiting_bytes_max = 4096
stuck_after = "12s"

[disk]
sync = "3ms"
sync_jitter = "500us"
transactions = true

[link]
latency = "20ms"
jitter = "5ms"
bytes_per_second = 9000
window_bytes = 1000
open_timeout = "7s"
close_timeout = "8s"

[[clients]]
name = "ada"
id = 250
starts_at = "1s"
leaves_at = "80s"
push_every = "2s"
push_to = [1, 2]
push_burst = 3
push_count = 30
payload_bytes_min = 1
payload_bytes_max = 99
get_every = "3s"
drain = false
stops_reading_every = "9s"
stops_reading_for = "4s"
leaves_every = "20s"
leaves_for = "6s"

[[clients]]
name = "noise"
count = 3
same_id = true
raw = true
starts_apart = "10ms"
garbage_every = "100ms"
[clients.link]
kind = "datagram"
loss = "2.5%"
duplication_per_million = 7

[faults]
breaks = 1
half_open = 2
stalls = 3
partitions = 4
client_crashes = 5
server_crashes = 6
server_sleeps = 7
store_failures = 8
store_outages = 9
store_slowdowns = 10
lasts_max = "11s"
swarm = true

[expect]
pushes_accepted = 5
messages_held = { min = 1, max = 3 }
mailbox_full = { min = 2 }

[[actions]]
at = "10s"
do = "push"
client = "ada"
to = 0
bytes = 12

[[actions]]
at = "11s"
do = "break_half_open"
client = 2
duration = "3s"

[[actions]]
at = "12s"
do = "garbage"
client = "noise 0"
bytes = 77

[[actions]]
at = "13s"
do = "store_slow"
duration = "250ms"

[[actions]]
at = "14s"
do = "crash_server"
)";

TEST(ScenarioFile, ReadsEveryKey) {
  const Scenario scenario = parse(everything);
  EXPECT_EQ(scenario.name, "all \"of\" it");
  EXPECT_EQ(scenario.duration, 90s);
  EXPECT_EQ(scenario.heals_within, 45s);
  EXPECT_EQ(scenario.mailbox_messages_max, 7U);
  EXPECT_EQ(scenario.stuck_after, 12s);
  ASSERT_TRUE(scenario.disk.has_value());
  EXPECT_EQ(scenario.disk->sync_jitter, 500us);
  EXPECT_TRUE(scenario.disk->transactions);
  EXPECT_EQ(scenario.link.window_bytes, 1000U);
  EXPECT_EQ(scenario.link.close_timeout, 8s);
  ASSERT_EQ(scenario.groups.size(), 2U);
  EXPECT_EQ(scenario.groups[0].id, 250);
  EXPECT_EQ(scenario.groups[0].push_to, (std::vector<restante::classic::ClientId>{1, 2}));
  EXPECT_EQ(scenario.groups[0].leaves_for, 6s);
  EXPECT_FALSE(scenario.groups[0].link.has_value());
  EXPECT_TRUE(scenario.groups[1].same_id);
  ASSERT_TRUE(scenario.groups[1].link.has_value());
  EXPECT_EQ(scenario.groups[1].link->kind, LinkKind::datagram);
  EXPECT_EQ(scenario.groups[1].link->loss_per_million, 25'000U);
  EXPECT_EQ(scenario.groups[1].link->duplication_per_million, 7U);
  EXPECT_EQ(scenario.faults.store_slowdowns, 10U);
  EXPECT_TRUE(scenario.faults.swarm);
  EXPECT_EQ(scenario.expectations.at("pushes_accepted").max, 5U);
  EXPECT_EQ(scenario.expectations.at("mailbox_full").max, UINT64_MAX);
  ASSERT_EQ(scenario.actions.size(), 5U);
  EXPECT_EQ(scenario.actions[0], (restante::sim::Action{10s, ActionKind::push, 0, 0, {}, 12, {}}));
  EXPECT_EQ(scenario.actions[1], (restante::sim::Action{11s, ActionKind::break_half_open, 2, 0, {}, 0, 3s}));
  EXPECT_EQ(scenario.actions[2].client, 1U);
}

// Writes keys with their values: what of an object a file can say.
TEST(ScenarioFile, IsTheSameAfterWritingAndReading) {
  const std::string written = to_toml(parse(everything), "a comment\nof two lines");
  EXPECT_TRUE(written.starts_with("# a comment\n# of two lines\n"));
  const Scenario again = parse(written);
  EXPECT_EQ(to_toml(again), to_toml(parse(everything)));
  EXPECT_EQ(again.actions, parse(everything).actions);
  const restante::sim::Plan plan = make_plan(parse(everything), 7);
  EXPECT_EQ(make_plan(again, 7).actions, plan.actions);
}

TEST(ScenarioFile, WritesNothingThatIsAsUsual) {
  EXPECT_EQ(to_toml(parse(smallest)), "\n[[clients]]\n");
}

TEST(ScenarioFile, NamesClientsWhoseNamesOthersHaveByTheirNumber) {
  const Scenario scenario = parse(R"(
actions = [{ at = "1s", do = "connect", client = 1 }]
[[clients]]
name = "x"
[[clients]]
name = "x"
)");
  EXPECT_EQ(scenario.actions.at(0).client, 1U);
  EXPECT_NE(to_toml(scenario).find("client = 1"), std::string::npos);
  EXPECT_EQ(parse(to_toml(scenario)).actions, scenario.actions);
}

struct Mistake {
  std::string_view name;
  std::string_view text;
  std::string_view complaint;
};

class ScenarioFileMistake : public testing::TestWithParam<Mistake> {};

TEST_P(ScenarioFileMistake, IsToldWithItsPlaceAndWhatWasExpected) {
  const std::string said = complaint(GetParam().text);
  EXPECT_TRUE(said.starts_with(GetParam().complaint)) << said;
}

constexpr Mistake mistakes[] = {
    {"NoToml", "name = ", "file.toml:1:8: this is no TOML: "},
    {"UnknownKey", "nam = 1\n[[clients]]\n",
     "file.toml:1:1: there is no key \"nam\" in a scenario; expected is one of name, description, duration, "},
    {"UnknownKeyOfGroup", "[[clients]]\n  puhs_every = \"1s\"\n",
     "file.toml:2:3: there is no key \"puhs_every\" in [[clients]]; expected is one of name, count, id, "},
    {"UnknownTable", "[clients.link]\n",
     "file.toml:1:1: clients is a table; expected is a list of tables: [[clients]]"},
    {"NumberForText", "name = 5\n", "file.toml:1:8: name is 5; expected is text in quotes"},
    {"NumberForDuration", "duration = 5\n",
     "file.toml:1:12: duration is 5; expected is a duration such as \"250ms\", \"5s\" or \"2m\""},
    {"DurationWithoutUnit", "duration = \"5\"\n", "file.toml:1:12: duration is \"5\"; expected is a duration such as "},
    {"DurationTooLong", "duration = \"2000h\"\n",
     "file.toml:1:12: duration is \"2000h\"; expected is a duration from 1ns to 1000h"},
    {"NoDuration", "duration = \"0s\"\n", "file.toml:1:12: duration is \"0s\"; expected is a duration from 1ns "},
    {"NumberTooLarge", "[[clients]]\nid = 256\n", "file.toml:2:6: id is 256; expected is a whole number from 0 to 255"},
    {"NegativeNumber", "[[clients]]\ncount = -1\n",
     "file.toml:2:9: count is -1; expected is a whole number from 1 to 10000"},
    {"FractionForNumber", "[[clients]]\ncount = 1.5\n", "file.toml:2:9: count is 1.5; expected is a whole number"},
    {"WordForFlag", "[[clients]]\nraw = \"yes\"\n", "file.toml:2:7: raw is \"yes\"; expected is true or false"},
    {"IdInListTooLarge", "[[clients]]\npush_to = [1, 300]\n",
     "file.toml:2:15: push_to is 300; expected is a whole number from 0 to 255"},
    {"UnknownLinkKind", "[link]\nkind = \"carrier pigeon\"\n",
     "file.toml:2:8: kind is \"carrier pigeon\"; expected is one of stream, datagram"},
    {"LossOnStream", "[link]\nloss = \"1%\"\n", "file.toml:2:8: loss is for kind = \"datagram\" only"},
    {"LossWithoutPercent", "[link]\nkind = \"datagram\"\nloss = 0.5\n",
     "file.toml:3:8: loss is 0.5; expected is a percentage such as \"2%\" or \"0.5%\""},
    {"LossOfMoreThanAll", "[link]\nkind = \"datagram\"\nloss = \"101%\"\n",
     "file.toml:3:8: loss is \"101%\"; expected is a percentage"},
    {"LossTwice", "[link]\nkind = \"datagram\"\nloss = \"1%\"\nloss_per_million = 1\n",
     "file.toml:3:8: loss is said twice"},
    {"NoClients", "name = \"x\"\n", "file.toml:1:1: there are no clients; expected is at least one [[clients]]"},
    {"TooManyClients", "[[clients]]\ncount = 9000\n[[clients]]\ncount = 9000\n",
     "file.toml:3:1: with these there are 18000 clients; expected are at most 10000"},
    {"TooMuchToDo", "duration = \"10h\"\n[[clients]]\npush_every = \"1us\"\n",
     "file.toml:2:1: with these clients, more than 20000000 things would happen"},
    {"DatagramsWithoutRaw", "[link]\nkind = \"datagram\"\n[[clients]]\n",
     "file.toml:3:1: \"clients\" has a datagram link, "},
    {"GarbageWithoutRaw", "[[clients]]\ngarbage_every = \"1s\"\n",
     "file.toml:2:17: garbage_every is for clients with raw = true only"},
    {"PayloadsTheWrongWayRound", "[[clients]]\npayload_bytes_min = 65\n",
     "file.toml:2:21: payload_bytes_min is above payload_bytes_max, which is 64"},
    {"HalfAPair", "[[clients]]\nleaves_every = \"1s\"\n",
     "file.toml:2:16: leaves_every and leaves_for belong together: one is missing"},
    {"StoreFaultsWithoutDisk", "[faults]\nstore_failures = 1\n[[clients]]\n",
     "file.toml:1:1: faults of a store need one; expected is a table [disk]"},
    {"StoreActionWithoutDisk", "[[clients]]\n[[actions]]\nat = \"1s\"\ndo = \"store_fails\"\n",
     "file.toml:2:1: store_fails needs a store; expected is a table [disk]"},
    {"TooManyFaults", "[faults]\nbreaks = 60001\n",
     "file.toml:2:10: breaks is 60001; expected is a whole number from 0 to 60000"},
    {"ActionWithoutTime", "[[clients]]\n[[actions]]\ndo = \"crash_server\"\n",
     "file.toml:2:1: [[actions]] lacks \"at\""},
    {"ActionWithoutKind", "[[clients]]\n[[actions]]\nat = \"1s\"\n", "file.toml:2:1: [[actions]] lacks \"do\""},
    {"UnknownAction", "[[clients]]\n[[actions]]\nat = \"1s\"\ndo = \"dance\"\n",
     "file.toml:4:6: do is \"dance\"; expected is one of connect, disconnect, crash_client, "},
    {"ActionWithoutClient", "[[clients]]\n[[actions]]\nat = \"1s\"\ndo = \"get\"\n",
     "file.toml:2:1: get lacks \"client\""},
    {"PushToNobody", "[[clients]]\n[[actions]]\nat = \"1s\"\ndo = \"push\"\nclient = 0\n",
     "file.toml:2:1: push lacks \"to\""},
    {"DetailThatAnActionHasNot", "[[clients]]\n[[actions]]\nat = \"1s\"\ndo = \"get\"\nclient = 0\nbytes = 1\n",
     "file.toml:6:9: get has no bytes"},
    {"PayloadTooLong", "[[clients]]\n[[actions]]\nat = \"1s\"\ndo = \"push\"\nclient = 0\nto = 1\nbytes = 255\n",
     "file.toml:7:9: a payload has at most 254 bytes"},
    {"ClientThatIsNot", "[[clients]]\nname = \"ada\"\n[[actions]]\nat = \"1s\"\ndo = \"get\"\nclient = \"bob\"\n",
     "file.toml:6:10: client is \"bob\"; expected is the number or the name of a client: \"ada\""},
    {"NumberOfAClientThatIsNot", "[[clients]]\n[[actions]]\nat = \"1s\"\ndo = \"get\"\nclient = 1\n",
     "file.toml:5:10: client is 1; expected is a whole number from 0 to 0"},
    {"NameThatTwoHave", "[[clients]]\n[[clients]]\n[[actions]]\nat = \"1s\"\ndo = \"get\"\nclient = \"clients\"\n",
     "file.toml:6:10: several clients are called \"clients\"; expected is "},
    {"GarbageFromAPoliteClient", "[[clients]]\n[[actions]]\nat = \"1s\"\ndo = \"garbage\"\nclient = 0\n",
     "file.toml:2:1: garbage is for clients with raw = true only"},
    {"UnknownNumberExpected", "[expect]\npushes = 1\n[[clients]]\n",
     "file.toml:2:1: a run has no number \"pushes\"; expected is one of requests_received, "},
    {"ExpectationOfAWord", "[expect]\nmailbox_full = \"often\"\n[[clients]]\n",
     "file.toml:2:16: mailbox_full is \"often\"; expected is a whole number, or { min = "},
    {"ExpectationTheWrongWayRound", "[expect]\nmailbox_full = { min = 2, max = 1 }\n[[clients]]\n",
     "file.toml:2:16: mailbox_full has a min above its max"},
    {"ExpectationWithAnotherKey", "[expect]\nmailbox_full = { least = 2 }\n[[clients]]\n",
     "file.toml:2:18: there is no key \"least\" here; expected is min or max"},
};

INSTANTIATE_TEST_SUITE_P(All, ScenarioFileMistake, testing::ValuesIn(mistakes),
                         [](const auto& tested) { return std::string{tested.param.name}; });

TEST(ScenarioFile, ThatIsNotThereIsNamed) {
  EXPECT_THROW(load_scenario("there/is/no/such.toml"), ScenarioError);
  try {
    load_scenario("there/is/no/such.toml");
  } catch (const ScenarioError& error) {
    EXPECT_TRUE(std::string{error.what()}.starts_with("there/is/no/such.toml: cannot be read: "));
  }
}

}  // namespace
