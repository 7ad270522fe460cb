#include "output.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace restante::cli {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

std::string hexadecimal(BytesView bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

// Each line is of use as soon as it is there, in a pipe too.
void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

// What is no UTF-8 becomes U+FFFD; the bytes stand beside it.
void print_object(const nlohmann::json& object) {
  print_line(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

std::string printable(std::string_view text, bool lines) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    // U+0080 to U+009F are control characters too, two bytes in UTF-8.
    const bool second_control = byte == 0xc2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xa0;
    if ((byte < 0x20 && !(lines && (byte == '\n' || byte == '\t'))) || byte == 0x7f || second_control) {
      shown += "\\x";
      shown += digits[byte >> 4U];
      shown += digits[byte & 15U];
    } else {
      shown += text[i];
    }
  }
  return shown;
}

void Output::associated(classic::ClientId id) const {
  if (json_) {
    print_object(nlohmann::json{{"associated", id}});
  } else {
    print_line("associated " + std::to_string(id));
  }
}

void Output::accepted(classic::ClientId sender, classic::ClientId receiver) const {
  if (json_) {
    print_object(nlohmann::json{{"accepted", true}, {"from", sender}, {"to", receiver}});
  }
}

void Output::message(classic::ClientId receiver, classic::ClientId sender, BytesView payload) const {
  if (json_) {
    print_object(nlohmann::json{
        {"to", receiver}, {"from", sender}, {"text", as_text(payload)}, {"bytes", hexadecimal(payload)}});
  } else {
    print_line(std::to_string(sender) + ": " + printable(as_text(payload), true));
  }
}

void Output::error(std::string_view sentence) const {
  if (json_) {
    print_object(nlohmann::json{{"error", sentence}});
  }
  std::fprintf(stderr, "restante: %.*s\n", static_cast<int>(sentence.size()), sentence.data());
}

void Output::note(std::string_view sentence) const {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(sentence.size()), sentence.data());
}

}  // namespace restante::cli
