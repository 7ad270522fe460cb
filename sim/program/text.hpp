// Durations, shares and lists as text, and text as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <restante/bytes.hpp>
#include <restante/sim/text.hpp>
#include <restante/time.hpp>

namespace restante_sim {

using restante::sim::detail::json_text;
using restante::sim::detail::share_text;
using restante::sim::detail::to_text;

/// The other way round than to_text(); nothing for what it cannot say. A number may be larger than its unit needs:
/// "90s".
std::optional<restante::Duration> duration_from(std::string_view text);

/// A duration for people, to about three digits: "1.24 s".
std::string rounded(restante::Duration duration);

/// The other way round than share_text(); nothing for what is no percentage from 0 to 100 with at most four digits
/// after the point.
std::optional<std::uint32_t> share_from(std::string_view text);

/// 1234567 as "1,234,567".
std::string with_commas(std::uint64_t number);

/// "one thing", "2 things".
std::string counted(std::uint64_t number, std::string_view thing);

/// Bytes in hexadecimal digits.
std::string hex(restante::BytesView bytes);

/// 16 hexadecimal digits.
std::string hex(std::uint64_t number);

/// As an argument that a shell takes as it is.
std::string shell_text(std::string_view text);

/// The elements with commas between them.
template <class Range>
std::string joined(const Range& range) {
  std::string text;
  for (const auto& element : range) {
    text += (text.empty() ? "" : ", ") + std::string{element};
  }
  return text;
}

}  // namespace restante_sim
