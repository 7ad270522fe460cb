// Reads an object of JSON that somebody else wrote, and that must mean the same to every reader.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace restante {

/// The object that is the whole text; nothing where it is no JSON, no object, no UTF-8, nested more than 16 deep, or
/// where a name stands twice in one object: readers differ in which of the two they take.
inline std::optional<nlohmann::json> parse_json_object(std::string_view text) {
  constexpr int depth_max = 16;
  using Found = nlohmann::json::parse_event_t;
  // The names of each object that is open, the innermost last.
  std::vector<std::set<std::string>> names;
  bool unequivocal = true;
  const auto look = [&](int depth, Found found, nlohmann::json& value) {
    unequivocal = unequivocal && depth <= depth_max;
    if (found == Found::object_start) {
      names.emplace_back();
    } else if (found == Found::object_end) {
      names.pop_back();
    } else if (found == Found::key) {
      unequivocal = names.back().insert(value.get<std::string>()).second && unequivocal;
    }
    return true;
  };
  nlohmann::json parsed = nlohmann::json::parse(text, look, false);
  if (!parsed.is_object() || !unequivocal) {
    return std::nullopt;
  }
  return parsed;
}

/// The text of a name; nothing where there is none, or it is no text.
inline std::optional<std::string> text_member(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) {
    return std::nullopt;
  }
  return found->get<std::string>();
}

}  // namespace restante
