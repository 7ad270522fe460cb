// What is set in a scenario, made usual again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <restante/classic/packet.hpp>
#include <restante/sim/scenario.hpp>
#include <restante/sim/scenario_fields.hpp>
#include <restante/time.hpp>

namespace restante_sim {

/// Counts what is not as usual, and makes one of these things usual; see scenario_fields.hpp. How long a scenario
/// takes, who is there and when something happens is not touched: shrink has better ways with that.
template <class T>
class UsualMaker {
 public:
  /// `left` is how many of these things to pass over; it is counted down, and nothing happens once it is below 0.
  UsualMaker(T& object, std::int64_t& left) : object_{object}, left_{left} {}

  void flag(std::string_view key, bool T::*member) {
    if (key != "only_actions") {
      make(member);
    }
  }

  template <class Number>
  void number(std::string_view key, Number T::*member, std::uint64_t, std::uint64_t) {
    if (key != "id" && key != "count" && key != "to") {
      make(member);
    }
  }

  void duration(std::string_view key, restante::Duration T::*member, restante::Duration = {}) {
    if (key != "duration" && key != "heals_within") {
      make(member);
    }
  }

  void share(std::string_view, std::uint32_t T::*member) { make(member); }

  template <class Choice, std::size_t count>
  void choice(std::string_view, Choice T::*member, const std::string_view (&)[count]) {
    make(member);
  }

  template <class U, class Visit>
  void table(std::string_view, U T::*member, Visit visit) {
    inside(object_.*member, visit);
  }

  template <class U, class Visit>
  void optional_table(std::string_view, std::optional<U> T::*member, Visit visit) {
    if (!(object_.*member)) {
      return;
    }
    if (left_-- == 0) {
      object_.*member = std::nullopt;
    } else {
      inside(*(object_.*member), visit);
    }
  }

  template <class Visit>
  void same_table(std::string_view, Visit visit) {
    visit(*this);
  }

  template <class U, class Visit>
  void tables(std::string_view, std::vector<U> T::*member, Visit visit) {
    for (U& element : object_.*member) {
      inside(element, visit);
    }
  }

  template <class U, class Visit>
  void rows(std::string_view key, std::vector<U> T::*member, Visit visit) {
    tables(key, member, visit);
  }

  void text(std::string_view, std::string T::*) {}
  void names(std::string_view, std::vector<std::string> T::*) {}
  void ids(std::string_view, std::vector<restante::classic::ClientId> T::*) {}
  void required_duration(std::string_view, restante::Duration T::*) {}
  void action_kind(std::string_view, restante::sim::ActionKind T::*) {}
  void client(std::string_view, std::uint32_t T::*) {}
  void expectations(std::string_view, std::map<std::string, restante::sim::Expectation> T::*) {}

 private:
  template <class Value>
  void make(Value T::*member) {
    static const T usual{};
    if (object_.*member != usual.*member && left_-- == 0) {
      object_.*member = usual.*member;
    }
  }

  template <class U, class Visit>
  void inside(U& object, Visit visit) {
    UsualMaker<U> maker{object, left_};
    visit(maker);
  }

  T& object_;
  std::int64_t& left_;
};

/// The scenario with one of the things as usual that are not; nothing where there are not more than `number` of them.
inline std::optional<restante::sim::Scenario> with_one_usual(restante::sim::Scenario scenario, std::size_t number) {
  auto left = static_cast<std::int64_t>(number);
  UsualMaker<restante::sim::Scenario> maker{scenario, left};
  restante::sim::detail::visit_scenario(maker);
  return left < 0 ? std::optional{std::move(scenario)} : std::nullopt;
}

}  // namespace restante_sim
