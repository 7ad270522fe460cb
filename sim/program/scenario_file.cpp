#include "scenario_file.hpp"

#include <toml++/toml.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <restante/sim/plan.hpp>
#include <restante/sim/run.hpp>
#include <restante/sim/scenario.hpp>
#include <restante/sim/scenario_fields.hpp>

#include "text.hpp"

namespace restante_sim {
namespace {

using namespace restante::sim::detail;

using restante::Duration;
using restante::LinkKind;
using restante::LinkOptions;
using restante::sim::Action;
using restante::sim::ActionKind;
using restante::sim::ClientGroup;
using restante::sim::Expectation;
using restante::sim::RunResult;
using restante::sim::Scenario;
using restante::sim::Sometimes;

constexpr std::string_view duration_example = "a duration such as \"250ms\", \"5s\" or \"2m\"";
constexpr std::string_view share_example = "a percentage such as \"2%\" or \"0.5%\"";

std::string quoted(std::string_view text) {
  return "\"" + std::string{text} + "\"";
}

// What stands in a file, for messages.
std::string shown(const toml::node& node) {
  std::ostringstream stream;
  if (const auto* const text = node.as_string()) {
    return quoted(text->get());
  }
  if (node.is_table()) {
    return "a table";
  }
  if (node.is_array()) {
    return "a list";
  }
  stream << toml::node_view{node};
  return stream.str();
}

// Says where it was that something was wrong, and knows what one part of a file has to know of another. All readers of
// a file share one.
class Source {
 public:
  explicit Source(std::string_view path) : path_{path} {}

  [[noreturn]] void fail(const toml::source_region& where, std::string_view what) const {
    throw ScenarioError{std::string{path_} + ":" + std::to_string(where.begin.line) + ":" +
                        std::to_string(where.begin.column) + ": " + std::string{what}};
  }

  [[noreturn]] void expected(const toml::node& node, std::string_view key, std::string_view what) const {
    fail(node.source(), std::string{key} + " is " + shown(node) + "; expected is " + std::string{what});
  }

  void name_clients(const std::vector<ClientGroup>& groups) {
    Scenario who;
    who.groups = groups;
    who.only_actions = true;
    clients = restante::sim::make_plan(who, 0).clients;
    for (std::uint32_t index = 0; index < clients.size(); ++index) {
      const auto [place, is_new] = names.try_emplace(clients[index].name, index);
      if (!is_new) {
        place->second = std::nullopt;
      }
    }
  }

  std::string known_names() const {
    constexpr std::size_t shown_max = 8;
    std::string text = "the number or the name of a client";
    std::size_t count = 0;
    for (const auto& [name, index] : names) {
      if (count++ == shown_max) {
        return text + ", …";
      }
      text += (count == 1 ? ": " : ", ") + quoted(name);
    }
    return text;
  }

  std::vector<restante::sim::PlannedClient> clients;
  /// Which client has a name; nothing for a name that several have.
  std::map<std::string, std::optional<std::uint32_t>, std::less<>> names;
  /// Where each group and each action stands.
  std::vector<toml::source_region> group_places;
  std::vector<toml::source_region> action_places;

 private:
  std::string_view path_;
};

// What must be true of several keys together, for each kind of table.
template <class T>
class Reader;
template <class T>
void check(const Reader<T>&) {}
void check(const Reader<LinkOptions>& link);
void check(const Reader<ClientGroup>& group);
void check(const Reader<Action>& action);
void check_groups(const Reader<Scenario>& scenario);

std::vector<std::string> names_of_numbers();

// Reads one table into one object; see scenario_fields.hpp. finish() refuses what no function asked for.
template <class T>
class Reader {
 public:
  Reader(Source& source, const toml::table& table, std::string place, T& object)
      : source_{source}, table_{table}, place_{std::move(place)}, object_{object} {}

  void text(std::string_view key, std::string T::*member) {
    if (const toml::node* const node = find(key)) {
      const auto* const text = node->as_string();
      text == nullptr ? source_.expected(*node, key, "text in quotes")
                      : static_cast<void>(object_.*member = text->get());
    }
  }

  void flag(std::string_view key, bool T::*member) {
    if (const toml::node* const node = find(key)) {
      const auto* const flag = node->as_boolean();
      flag == nullptr ? source_.expected(*node, key, "true or false")
                      : static_cast<void>(object_.*member = flag->get());
    }
  }

  template <class Number>
  void number(std::string_view key, Number T::*member, std::uint64_t least, std::uint64_t most) {
    if (const toml::node* const node = find(key)) {
      object_.*member = static_cast<Number>(whole(*node, key, least, most));
    }
  }

  void duration(std::string_view key, Duration T::*member, Duration least = {}) {
    if (const toml::node* const node = find(key)) {
      const auto* const text = node->as_string();
      const std::optional<Duration> duration = text == nullptr ? std::nullopt : duration_from(text->get());
      if (!duration) {
        source_.expected(*node, key, duration_example);
      }
      if (*duration < least || *duration > duration_max) {
        source_.expected(*node, key, "a duration from " + to_text(least) + " to " + to_text(duration_max));
      }
      object_.*member = *duration;
    }
  }

  void required_duration(std::string_view key, Duration T::*member) {
    require(key);
    duration(key, member);
  }

  /// As a percentage with this key, or of a million with "_per_million" after it.
  void share(std::string_view key, std::uint32_t T::*member) {
    const std::string of_million = std::string{key} + "_per_million";
    number(of_million, member, 0, 1'000'000);
    if (const toml::node* const node = find(key)) {
      if (table_.contains(of_million)) {
        source_.fail(node->source(), std::string{key} + " is said twice: as a percentage, and as " + of_million);
      }
      const auto* const text = node->as_string();
      const std::optional<std::uint32_t> share = text == nullptr ? std::nullopt : share_from(text->get());
      if (!share) {
        source_.expected(*node, key, share_example);
      }
      object_.*member = *share;
    }
  }

  template <class Choice, std::size_t count>
  void choice(std::string_view key, Choice T::*member, const std::string_view (&names)[count]) {
    if (const toml::node* const node = find(key)) {
      const auto* const text = node->as_string();
      for (std::size_t i = 0; i < count; ++i) {
        if (text != nullptr && text->get() == names[i]) {
          object_.*member = static_cast<Choice>(i);
          return;
        }
      }
      source_.expected(*node, key, "one of " + joined(names));
    }
  }

  void ids(std::string_view key, std::vector<restante::classic::ClientId> T::*member) {
    if (const toml::node* const node = find(key)) {
      (object_.*member).clear();
      if (node->is_integer()) {
        (object_.*member).push_back(static_cast<restante::classic::ClientId>(whole(*node, key, 0, 255)));
        return;
      }
      const auto* const list = node->as_array();
      if (list == nullptr) {
        source_.expected(*node, key, "an id from 0 to 255, or a list of them");
      }
      for (const toml::node& id : *list) {
        (object_.*member).push_back(static_cast<restante::classic::ClientId>(whole(id, key, 0, 255)));
      }
    }
  }

  void names(std::string_view key, std::vector<std::string> T::*member) {
    if (const toml::node* const node = find(key)) {
      const auto* const list = node->as_array();
      (object_.*member).clear();
      for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
        if (const auto* const text = list->get(i)->as_string()) {
          (object_.*member).push_back(text->get());
        }
      }
      if (list == nullptr || (object_.*member).size() != list->size()) {
        source_.expected(*node, key, "a list of names in quotes");
      }
    }
  }

  template <class U, class Visit>
  void table(std::string_view key, U T::*member, Visit visit) {
    if (const toml::table* const inner = find_table(key)) {
      read(*inner, place_of(key), object_.*member, visit);
    }
  }

  template <class U, class Visit>
  void optional_table(std::string_view key, std::optional<U> T::*member, Visit visit) {
    if (const toml::table* const inner = find_table(key)) {
      read(*inner, place_of(key), (object_.*member).emplace(), visit);
    }
  }

  /// A table whose keys belong to the same object.
  template <class Visit>
  void same_table(std::string_view key, Visit visit) {
    if (const toml::table* const inner = find_table(key)) {
      read(*inner, place_of(key), object_, visit);
    }
  }

  template <class U, class Visit>
  void tables(std::string_view key, std::vector<U> T::*member, Visit visit) {
    const toml::node* const node = find(key);
    if (node == nullptr) {
      return;
    }
    const auto* const list = node->as_array();
    if (list == nullptr) {
      source_.expected(*node, key, "a list of tables: [[" + std::string{key} + "]]");
    }
    for (const toml::node& row : *list) {
      const auto* const inner = row.as_table();
      if (inner == nullptr) {
        source_.expected(row, key, "a list of tables: [[" + std::string{key} + "]]");
      }
      read(*inner, "[[" + std::string{key} + "]]", (object_.*member).emplace_back(), visit);
    }
  }

  template <class U, class Visit>
  void rows(std::string_view key, std::vector<U> T::*member, Visit visit) {
    check_groups(*this);
    source_.name_clients(object_.groups);
    tables(key, member, visit);
  }

  void action_kind(std::string_view key, ActionKind T::*member) {
    const toml::node& node = require(key);
    const auto* const text = node.as_string();
    std::string all;
    for (std::size_t i = 0; i < static_cast<std::size_t>(ActionKind::count); ++i) {
      const auto kind = static_cast<ActionKind>(i);
      if (text != nullptr && text->get() == name(kind)) {
        object_.*member = kind;
        return;
      }
      all += (i == 0 ? "" : ", ") + std::string{name(kind)};
    }
    source_.expected(node, key, "one of " + all);
  }

  void client(std::string_view key, std::uint32_t T::*member) {
    const toml::node* const node = find(key);
    if (node == nullptr) {
      return;
    }
    if (const auto* const text = node->as_string()) {
      const auto found = source_.names.find(text->get());
      if (found == source_.names.end()) {
        source_.expected(*node, key, source_.known_names());
      }
      if (!found->second) {
        source_.fail(node->source(), "several clients are called " + quoted(text->get()) +
                                         "; expected is a name that one has, or its number from 0");
      }
      object_.*member = *found->second;
      return;
    }
    object_.*member = static_cast<std::uint32_t>(whole(*node, key, 0, source_.clients.size() - 1));
  }

  void expectations(std::string_view key, std::map<std::string, Expectation> T::*member) {
    const toml::table* const inner = find_table(key);
    if (inner == nullptr) {
      return;
    }
    for (const auto& [name, node] : *inner) {
      if (!value_of(RunResult{}, name.str())) {
        source_.fail(name.source(), "a run has no number " + quoted(name.str()) + "; expected is one of " +
                                        joined(names_of_numbers()));
      }
      (object_.*member)[std::string{name.str()}] = expectation(name.str(), node);
    }
  }

  void finish() const {
    for (const auto& [key, node] : table_) {
      bool known = false;
      for (const std::string& other : known_) {
        known = known || other == key.str();
      }
      if (!known) {
        source_.fail(key.source(), "there is no key " + quoted(key.str()) + " in " + place_ + "; expected is one of " +
                                       joined(known_));
      }
    }
  }

  const toml::source_region& where(std::string_view key) const {
    const toml::node* const node = table_.get(key);
    return node == nullptr ? table_.source() : node->source();
  }
  const toml::source_region& place() const { return table_.source(); }
  bool says(std::string_view key) const { return table_.contains(key); }
  Source& source() const { return source_; }
  const T& object() const { return object_; }

  template <class U, class Visit>
  void read(const toml::table& inner, std::string place, U& object, Visit visit) {
    Reader<U> reader{source_, inner, std::move(place), object};
    visit(reader);
    reader.finish();
    check(reader);
  }

 private:
  const toml::node* find(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
  }

  const toml::node& require(std::string_view key) {
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
      source_.fail(table_.source(), place_ + " lacks " + quoted(key));
    }
    find(key);
    return *node;
  }

  const toml::table* find_table(std::string_view key) {
    const toml::node* const node = find(key);
    if (node == nullptr) {
      return nullptr;
    }
    if (!node->is_table()) {
      source_.expected(*node, key, "a table: " + place_of(key));
    }
    return node->as_table();
  }

  std::string place_of(std::string_view key) const {
    return place_.starts_with('[') ? place_ + "." + std::string{key} : "[" + std::string{key} + "]";
  }

  std::uint64_t whole(const toml::node& node, std::string_view key, std::uint64_t least, std::uint64_t most) const {
    const auto* const number = node.as_integer();
    if (number == nullptr || number->get() < 0 || static_cast<std::uint64_t>(number->get()) < least ||
        static_cast<std::uint64_t>(number->get()) > most) {
      source_.expected(node, key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return static_cast<std::uint64_t>(number->get());
  }

  Expectation expectation(std::string_view key, const toml::node& node) const {
    constexpr auto most = static_cast<std::uint64_t>(INT64_MAX);
    Expectation expectation;
    if (node.is_integer()) {
      expectation.min = whole(node, key, 0, most);
      expectation.max = expectation.min;
      return expectation;
    }
    const auto* const limits = node.as_table();
    if (limits == nullptr) {
      source_.expected(node, key, "a whole number, or { min = …, max = … }");
    }
    for (const auto& [limit, value] : *limits) {
      if (limit.str() != "min" && limit.str() != "max") {
        source_.fail(limit.source(), "there is no key " + quoted(limit.str()) + " here; expected is min or max");
      }
      (limit.str() == "min" ? expectation.min : expectation.max) = whole(value, limit.str(), 0, most);
    }
    if (expectation.min > expectation.max) {
      source_.fail(node.source(), std::string{key} + " has a min above its max");
    }
    return expectation;
  }

  Source& source_;
  const toml::table& table_;
  std::string place_;
  T& object_;
  std::vector<std::string> known_;
};

std::vector<std::string> names_of_numbers() {
  std::vector<std::string> names;
  for (const restante::sim::NamedNumber& number : restante::sim::numbers_of({})) {
    names.emplace_back(number.name);
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(Sometimes::count); ++i) {
    names.emplace_back(name(static_cast<Sometimes>(i)));
  }
  return names;
}

void check(const Reader<LinkOptions>& link) {
  if (link.object().kind == LinkKind::datagram) {
    return;
  }
  for (const std::string_view key : {"loss", "loss_per_million", "duplication", "duplication_per_million"}) {
    if (link.says(key)) {
      link.source().fail(link.where(key),
                         std::string{key} + " is for kind = \"datagram\" only: a stream loses nothing");
    }
  }
}

void check(const Reader<ClientGroup>& group) {
  const ClientGroup& read = group.object();
  group.source().group_places.push_back(group.place());
  if (read.payload_bytes_min > read.payload_bytes_max) {
    group.source().fail(group.where("payload_bytes_min"), "payload_bytes_min is above payload_bytes_max, which is " +
                                                              std::to_string(read.payload_bytes_max));
  }
  if (read.garbage_every > Duration::zero() && !read.raw) {
    group.source().fail(group.where("garbage_every"), "garbage_every is for clients with raw = true only");
  }
  constexpr std::pair<std::string_view, std::string_view> pairs[] = {{"stops_reading_for", "stops_reading_every"},
                                                                     {"leaves_for", "leaves_every"}};
  for (const auto& [how_long, how_often] : pairs) {
    if (group.says(how_long) != group.says(how_often)) {
      group.source().fail(
          group.where(group.says(how_long) ? how_long : how_often),
          std::string{how_often} + " and " + std::string{how_long} + " belong together: one is missing");
    }
  }
}

void check(const Reader<Action>& action) {
  const ActionKind kind = action.object().kind;
  const std::string does{name(kind)};
  action.source().action_places.push_back(action.place());
  const std::pair<std::string_view, bool> details[] = {{"client", concerns_client(kind)},
                                                       {"to", has_receiver(kind)},
                                                       {"receiver", has_receiver(kind)},
                                                       {"bytes", has_bytes(kind)},
                                                       {"duration", has_duration(kind)}};
  for (const auto& [key, has] : details) {
    if (action.says(key) && !has) {
      action.source().fail(action.where(key), does + " has no " + std::string{key});
    }
  }
  if (concerns_client(kind) && !action.says("client")) {
    action.source().fail(action.place(), does + " lacks " + quoted("client"));
  }
  if (has_receiver(kind) && !action.says("to") && !action.says("receiver")) {
    action.source().fail(action.place(), does + " lacks " + quoted("to"));
  }
  if (kind == ActionKind::push && action.object().bytes > restante::classic::payload_bytes_max) {
    action.source().fail(action.where("bytes"),
                         "a payload has at most " + std::to_string(restante::classic::payload_bytes_max) + " bytes");
  }
}

/// How many things a scenario plans at most: more are a slip, and would not fit into memory.
constexpr std::uint64_t actions_max = 20'000'000;

void check_groups(const Reader<Scenario>& reader) {
  const Scenario& scenario = reader.object();
  if (scenario.groups.empty()) {
    reader.source().fail(reader.where("clients"), "there are no clients; expected is at least one [[clients]]");
  }
  std::uint64_t clients = 0;
  double actions = 0;
  for (std::size_t i = 0; i < scenario.groups.size(); ++i) {
    const ClientGroup& group = scenario.groups[i];
    const toml::source_region& place = reader.source().group_places[i];
    clients += group.count;
    if (clients > clients_max) {
      reader.source().fail(place, "with these there are " + std::to_string(clients) +
                                      " clients; expected are at most " + std::to_string(clients_max));
    }
    if ((group.link ? *group.link : scenario.link).kind == LinkKind::datagram && !group.raw) {
      reader.source().fail(place, quoted(group.name) +
                                      " has a datagram link, on which the classic protocol cannot match replies to "
                                      "requests; expected is raw = true");
    }
    for (const Duration every : {group.push_every, group.get_every, group.stops_reading_every, group.leaves_every,
                                 group.garbage_every, group.text_every}) {
      if (every > Duration::zero()) {
        actions += group.count * (every == group.push_every ? group.push_burst : 1.0) *
                   (static_cast<double>(scenario.duration.count()) / static_cast<double>(every.count()) + 1);
      }
    }
    if (actions > static_cast<double>(actions_max) && !scenario.only_actions) {
      reader.source().fail(place, "with these clients, more than " + std::to_string(actions_max) +
                                      " things would happen; expected is something shorter or less often");
    }
  }
}

void check_scenario(const Reader<Scenario>& reader) {
  const Scenario& scenario = reader.object();
  const bool store_faults =
      scenario.faults.store_failures + scenario.faults.store_outages + scenario.faults.store_slowdowns > 0;
  if (store_faults && !scenario.disk) {
    reader.source().fail(reader.where("faults"), "faults of a store need one; expected is a table [disk]");
  }
  for (std::size_t i = 0; i < scenario.actions.size(); ++i) {
    const Action& action = scenario.actions[i];
    const toml::source_region& place = reader.source().action_places[i];
    if (action.kind >= ActionKind::store_fails && !scenario.disk) {
      reader.source().fail(place, std::string{name(action.kind)} + " needs a store; expected is a table [disk]");
    }
    if (action.kind == ActionKind::garbage && !scenario.groups[reader.source().clients[action.client].group].raw) {
      reader.source().fail(place, "garbage is for clients with raw = true only");
    }
  }
}

}  // namespace

Scenario parse_scenario(std::string_view text, std::string_view path) {
  Source source{path};
  try {
    const toml::table table = toml::parse(text, path);
    Scenario scenario;
    Reader<Scenario> reader{source, table, "a scenario", scenario};
    visit_scenario(reader);
    reader.finish();
    check_scenario(reader);
    return scenario;
  } catch (const toml::parse_error& error) {
    source.fail(error.source(), "this is no TOML: " + std::string{error.description()});
  }
}

Scenario load_scenario(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file.is_open() || file.bad()) {
    throw ScenarioError{path + ": cannot be read: " + std::strerror(errno)};
  }
  return parse_scenario(text, path);
}

}  // namespace restante_sim
