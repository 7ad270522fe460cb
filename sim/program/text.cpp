#include "text.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace restante_sim {
namespace {

using restante::Duration;

constexpr std::string_view digits = "0123456789";

// Takes a whole number off the front of a text; nothing where there is none, or one that is too large.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::size_t length = 0;
  std::int64_t number = 0;
  while (length < text.size() && digits.find(text[length]) != std::string_view::npos) {
    const int digit = text[length] - '0';
    if (++length > 18) {
      return std::nullopt;
    }
    number = number * 10 + digit;
  }
  if (length == 0) {
    return std::nullopt;
  }
  text.remove_prefix(length);
  return number;
}

}  // namespace

std::optional<Duration> duration_from(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  Duration sum{};
  Duration smallest = Duration::max();
  while (!text.empty()) {
    const std::optional<std::int64_t> number = take_number(text);
    const std::string_view name = text.substr(0, text.find_first_of(digits));
    const restante::sim::detail::Unit* found = nullptr;
    for (const restante::sim::detail::Unit& unit : restante::sim::detail::units) {
      found = unit.name == name ? &unit : found;
    }
    if (!number || found == nullptr || found->length >= smallest || *number > (Duration::max() - sum) / found->length) {
      return std::nullopt;
    }
    sum += *number * found->length;
    smallest = found->length;
    text.remove_prefix(name.size());
  }
  return sum;
}

std::string rounded(Duration duration) {
  for (const restante::sim::detail::Unit& unit : restante::sim::detail::units) {
    if (duration >= unit.length && unit.length <= std::chrono::minutes{1}) {
      const double number = static_cast<double>(duration.count()) / static_cast<double>(unit.length.count());
      std::array<char, 32> buffer{};
      std::snprintf(buffer.data(), buffer.size(), number >= 100 ? "%.0f %s" : "%.3g %s", number, unit.name.data());
      return buffer.data();
    }
  }
  return "0 s";
}

std::optional<std::uint32_t> share_from(std::string_view text) {
  if (!text.ends_with('%')) {
    return std::nullopt;
  }
  text.remove_suffix(1);
  const std::optional<std::int64_t> percent = take_number(text);
  if (!percent || *percent > 100) {
    return std::nullopt;
  }
  std::int64_t per_million = *percent * 10'000;
  if (!text.empty()) {
    if (text.front() != '.' || text.size() < 2 || text.size() > 5) {
      return std::nullopt;
    }
    text.remove_prefix(1);
    std::string fraction{text};
    fraction.resize(4, '0');
    std::string_view rest = fraction;
    const std::optional<std::int64_t> number = take_number(rest);
    if (!number || !rest.empty()) {
      return std::nullopt;
    }
    per_million += *number;
  }
  return per_million > 1'000'000 ? std::nullopt : std::optional{static_cast<std::uint32_t>(per_million)};
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t end = text.size(); end > 3; end -= 3) {
    text.insert(end - 3, ",");
  }
  return text;
}

std::string counted(std::uint64_t number, std::string_view thing) {
  return with_commas(number) + " " + std::string{thing} + (number == 1 ? "" : "s");
}

std::string hex(restante::BytesView bytes) {
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += hexadecimal[byte >> 4U];
    text += hexadecimal[byte & 15U];
  }
  return text;
}

std::string hex(std::uint64_t number) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
  }
  return hex(restante::BytesView{bytes});
}

std::string shell_text(std::string_view text) {
  constexpr std::string_view harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!text.empty() && text.find_first_not_of(harmless) == std::string_view::npos) {
    return std::string{text};
  }
  std::string quoted = "'";
  for (const char character : text) {
    quoted += character == '\'' ? "'\\''" : std::string(1, character);
  }
  return quoted + "'";
}

}  // namespace restante_sim
