// Durations, shares and strings, as scenarios and reports write them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <restante/time.hpp>

namespace restante::sim::detail {

struct Unit {
  std::string_view name;
  Duration length;
};

inline constexpr std::array<Unit, 6> units{{{"h", std::chrono::hours{1}},
                                            {"m", std::chrono::minutes{1}},
                                            {"s", std::chrono::seconds{1}},
                                            {"ms", std::chrono::milliseconds{1}},
                                            {"us", std::chrono::microseconds{1}},
                                            {"ns", std::chrono::nanoseconds{1}}}};

/// "250ms", "1m30s": whole numbers of h, m, s, ms, us and ns, larger units first; "0s" for none. Not for negative ones.
inline std::string to_text(Duration duration) {
  std::string text;
  for (const Unit& unit : units) {
    const Duration::rep number = duration / unit.length;
    if (number > 0) {
      text += std::to_string(number) + std::string{unit.name};
      duration -= number * unit.length;
    }
  }
  return text.empty() ? "0s" : text;
}

/// Of a million, as a percentage: "2%", "0.05%".
inline std::string share_text(std::uint32_t per_million) {
  std::string text = std::to_string(per_million / 10'000);
  if (const std::uint32_t rest = per_million % 10'000; rest != 0) {
    text += "." + std::to_string(10'000 + rest).substr(1);
    text.resize(text.find_last_not_of('0') + 1);
  }
  return text + "%";
}

/// As a string of JSON, which is one of TOML, with its quotes. Bytes that are no UTF-8 come out as they are.
inline std::string json_text(std::string_view text) {
  std::string json = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') {
      json += '\\';
      json += character;
    } else if (static_cast<unsigned char>(character) < 0x20) {
      constexpr std::string_view digits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(character);
      json += "\\u00";
      json += digits[byte >> 4U];
      json += digits[byte & 0xfU];
    } else {
      json += character;
    }
  }
  return json + "\"";
}

}  // namespace restante::sim::detail
