// Scenarios as text: what restante-sim reads, and people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <restante/sim/plan.hpp>
#include <restante/sim/scenario.hpp>
#include <restante/sim/scenario_fields.hpp>
#include <restante/sim/text.hpp>
#include <restante/time.hpp>

namespace restante::sim {

namespace detail {

// What all tables of a file share.
struct Output {
  /// Keys of the scenario itself, which come before all tables.
  std::string head;
  std::string tables;
  /// The name of each client; nothing for one that another has as well.
  std::vector<std::string> clients;
};

// Writes one object as one table, without what is as usual; see scenario_fields.hpp.
template <class T>
class Writer {
 public:
  /// `header` is the whole line, such as "[link]"; without one, the keys belong to the scenario itself.
  Writer(Output& output, const T& object, const T& usual, std::string header, std::string path)
      : output_{output}, object_{object}, usual_{usual}, header_{std::move(header)}, path_{std::move(path)} {}

  void text(std::string_view key, std::string T::*member) { add(key, member, json_text(object_.*member)); }
  void flag(std::string_view key, bool T::*member) { add(key, member, object_.*member ? "true" : "false"); }

  template <class Number>
  void number(std::string_view key, Number T::*member, std::uint64_t, std::uint64_t) {
    add(key, member, std::to_string(object_.*member));
  }

  void duration(std::string_view key, Duration T::*member, Duration = {}) {
    add(key, member, json_text(to_text(object_.*member)));
  }

  void required_duration(std::string_view key, Duration T::*member) { line(key, json_text(to_text(object_.*member))); }

  void share(std::string_view key, std::uint32_t T::*member) {
    add(key, member, json_text(share_text(object_.*member)));
  }

  template <class Choice, std::size_t count>
  void choice(std::string_view key, Choice T::*member, const std::string_view (&names)[count]) {
    add(key, member, json_text(names[static_cast<std::size_t>(object_.*member)]));
  }

  void ids(std::string_view key, std::vector<classic::ClientId> T::*member) {
    std::string numbers;
    for (const classic::ClientId id : object_.*member) {
      numbers += (numbers.empty() ? "" : ", ") + std::to_string(id);
    }
    add(key, member, "[" + numbers + "]");
  }

  void names(std::string_view key, std::vector<std::string> T::*member) {
    std::string all;
    for (const std::string& name : object_.*member) {
      all += (all.empty() ? "" : ", ") + json_text(name);
    }
    add(key, member, "[" + all + "]");
  }

  template <class U, class Visit>
  void table(std::string_view key, U T::*member, Visit visit) {
    write(key, object_.*member, usual_of<U>, "[" + path_of(key) + "]", visit);
  }

  template <class U, class Visit>
  void optional_table(std::string_view key, std::optional<U> T::*member, Visit visit) {
    if (object_.*member) {
      // That it is there says something, even where all is as usual.
      open();
      output_.tables += "\n[" + path_of(key) + "]\n";
      Writer<U> writer{output_, *(object_.*member), usual_of<U>, "", path_of(key)};
      writer.opened_ = true;
      visit(writer);
    }
  }

  template <class Visit>
  void same_table(std::string_view key, Visit visit) {
    write(key, object_, usual_, "[" + path_of(key) + "]", visit);
  }

  template <class U, class Visit>
  void tables(std::string_view key, std::vector<U> T::*member, Visit visit) {
    for (const U& element : object_.*member) {
      Writer<U> writer{output_, element, usual_of<U>, "[[" + path_of(key) + "]]", path_of(key)};
      writer.open();
      visit(writer);
    }
  }

  void expectations(std::string_view key, std::map<std::string, Expectation> T::*member) {
    if ((object_.*member).empty()) {
      return;
    }
    output_.tables += "\n[" + path_of(key) + "]\n";
    for (const auto& [name, expectation] : object_.*member) {
      output_.tables += name + " = ";
      if (expectation.min == expectation.max) {
        output_.tables += std::to_string(expectation.min) + "\n";
        continue;
      }
      output_.tables += "{ min = " + std::to_string(expectation.min);
      output_.tables += expectation.max == UINT64_MAX ? "" : ", max = " + std::to_string(expectation.max);
      output_.tables += " }\n";
    }
  }

  /// One line for each, so that a long list can be read; these stand before all tables.
  template <class U, class Visit>
  void rows(std::string_view key, std::vector<U> T::*member, Visit visit) {
    if ((object_.*member).empty()) {
      return;
    }
    name_clients();
    output_.head += "\n" + std::string{key} + " = [\n";
    for (const U& element : object_.*member) {
      Writer<U> writer{output_, element, usual_of<U>, "", path_of(key)};
      visit(writer);
      output_.head += "  " + writer.row() + ",\n";
    }
    output_.head += "]\n";
  }

  /// What was written of an action.
  std::string row() const { return "{ " + row_ + " }"; }

  void action_kind(std::string_view key, ActionKind T::*member) { line(key, json_text(name(object_.*member))); }

  void client(std::string_view key, std::uint32_t T::*member) {
    const std::uint32_t client = object_.*member;
    if (concerns_client(object_.kind)) {
      line(key, client < output_.clients.size() && !output_.clients[client].empty() ? json_text(output_.clients[client])
                                                                                    : std::to_string(client));
    }
  }

 private:
  template <class>
  friend class Writer;

  template <class U>
  static inline const U usual_of{};

  template <class U, class Visit>
  void write(std::string_view key, const U& object, const U& usual, std::string header, Visit visit) {
    Writer<U> writer{output_, object, usual, std::move(header), path_of(key)};
    visit(writer);
  }

  std::string path_of(std::string_view key) const { return (path_.empty() ? "" : path_ + ".") + std::string{key}; }

  void open() {
    if (!opened_ && !header_.empty()) {
      output_.tables += "\n" + header_ + "\n";
    }
    opened_ = true;
  }

  template <class Value>
  void add(std::string_view key, Value T::*member, const std::string& value) {
    if (object_.*member != usual_.*member || is_required(key)) {
      line(key, value);
    }
  }

  // A push says to whom, even where it is the usual 0.
  bool is_required(std::string_view key) const {
    if constexpr (std::is_same_v<T, Action>) {
      return key == "to" && has_receiver(object_.kind) && object_.receiver.empty();
    }
    return false;
  }

  void line(std::string_view key, const std::string& value) {
    const std::string text = std::string{key} + " = " + value;
    if constexpr (std::is_same_v<T, Action>) {
      row_ += (row_.empty() ? "" : ", ") + text;
    } else if (path_.empty()) {
      output_.head += text + "\n";
    } else {
      open();
      output_.tables += text + "\n";
    }
  }

  // Only of a scenario.
  void name_clients() {
    Scenario who;
    who.groups = object_.groups;
    who.only_actions = true;
    std::map<std::string, std::size_t> times;
    for (const PlannedClient& client : make_plan(who, 0).clients) {
      ++times[client.name];
      output_.clients.push_back(client.name);
    }
    for (std::string& client : output_.clients) {
      client = times[client] == 1 ? client : "";
    }
  }

  Output& output_;
  const T& object_;
  const T& usual_;
  std::string header_;
  std::string path_;
  bool opened_ = false;
  std::string row_;
};

}  // namespace detail

/// One action as a row of a scenario, with the number of its client.
inline std::string to_toml(const Action& action) {
  detail::Output output;
  const Action usual;
  detail::Writer<Action> writer{output, action, usual, "", ""};
  detail::visit_action(writer);
  return writer.row();
}

/// A scenario as a file of TOML that restante-sim reads. Each line of `comment` becomes a comment at the beginning.
/// What is as usual is not written.
inline std::string to_toml(const Scenario& scenario, std::string_view comment = {}) {
  detail::Output output;
  const Scenario usual;
  detail::Writer<Scenario> writer{output, scenario, usual, "", ""};
  detail::visit_scenario(writer);
  std::string text;
  while (!comment.empty()) {
    const std::size_t end = comment.find('\n');
    text += ("# " + std::string{comment.substr(0, end)}) + "\n";
    comment.remove_prefix(end == std::string_view::npos ? comment.size() : end + 1);
  }
  return text + output.head + output.tables;
}

}  // namespace restante::sim
