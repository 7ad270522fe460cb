// Durations, shares and lists as text, and text as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <restante/bytes.hpp>
#include <restante/time.hpp>

namespace restante_sim {

/// "250ms", "1m30s": whole numbers of h, m, s, ms, us and ns, larger units first; "0s" for none. Not for negative ones.
std::string to_text(restante::Duration duration);

/// The other way round; nothing for what to_text() cannot say. A number may be larger than its unit needs: "90s".
std::optional<restante::Duration> duration_from(std::string_view text);

/// A duration for people, to about three digits: "1.24 s".
std::string rounded(restante::Duration duration);

/// Of a million, as a percentage: "2%", "0.05%".
std::string share_text(std::uint32_t per_million);

/// The other way round; nothing for what is no percentage from 0 to 100 with at most four digits after the point.
std::optional<std::uint32_t> share_from(std::string_view text);

/// 1234567 as "1,234,567".
std::string with_commas(std::uint64_t number);

/// "one thing", "2 things".
std::string counted(std::uint64_t number, std::string_view thing);

/// Bytes in hexadecimal digits.
std::string hex(restante::BytesView bytes);

/// 16 hexadecimal digits.
std::string hex(std::uint64_t number);

/// As a string of JSON, with its quotes. Bytes that are no UTF-8 come out as they are.
std::string json_text(std::string_view text);

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
