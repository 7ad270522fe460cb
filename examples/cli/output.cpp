#include "output.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

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

// A character of UTF-8 and how many bytes it has; one byte and no code where there is none.
struct Character {
  std::size_t bytes = 1;
  std::optional<std::uint32_t> code;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  if (byte(0) < 0x80) {
    return {1, byte(0)};
  }
  const std::size_t length = byte(0) >= 0xf0 && byte(0) < 0xf5 ? 4 : byte(0) >= 0xe0 ? 3 : byte(0) >= 0xc2 ? 2 : 0;
  if (length == 0 || byte(0) >= 0xf5 || text.size() < length) {
    return {};
  }
  std::uint32_t code = byte(0) & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) {
      return {};
    }
    code = code << 6U | (byte(i) & 0x3fU);
  }
  return {length, code};
}

// Control characters can make a terminal do things, and those for the direction of writing show a text as another.
bool is_harmless(std::uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool direction = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return !control && !direction;
}

}  // namespace

std::string printable(std::string_view text, bool lines) {
  std::string shown;
  while (!text.empty()) {
    const Character character = first_character(text);
    const bool wanted = lines && (character.code == '\n' || character.code == '\t');
    if (character.code && (wanted || is_harmless(*character.code))) {
      shown += text.substr(0, character.bytes);
    } else {
      for (const char byte : text.substr(0, character.bytes)) {
        shown += "\\x";
        shown += digits[static_cast<std::uint8_t>(byte) >> 4U];
        shown += digits[static_cast<std::uint8_t>(byte) & 15U];
      }
    }
    text.remove_prefix(character.bytes);
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

void Output::address(std::string_view address) const {
  if (json_) {
    print_object(nlohmann::json{{"address", address}});
  } else {
    print_line(printable(address, false));
  }
}

void Output::line(std::string_view text) const {
  print_line(text);
}

void Output::opened(std::string_view name) const {
  if (json_) {
    print_object(nlohmann::json{{"opened", name}});
  } else {
    print_line("opened " + printable(name, false));
  }
}

void Output::pushed(std::string_view sender, std::string_view receiver, std::uint64_t sequence) const {
  if (json_) {
    print_object(nlohmann::json{{"accepted", true}, {"from", sender}, {"to", receiver}, {"sequence", sequence}});
  }
}

void Output::receipt(std::uint64_t sequence, MessageState state) const {
  constexpr std::string_view states[] = {"unknown", "waiting", "fetched", "acknowledged", "taken", "expired", "purged"};
  const std::string_view name = states[static_cast<std::size_t>(state)];
  if (json_) {
    print_object(nlohmann::json{{"sequence", sequence}, {"state", name}});
  } else {
    print_line(std::to_string(sequence) + ": " + std::string{name});
  }
}

void Output::mail(std::string_view receiver, const v2::Delivery& delivery) const {
  if (json_) {
    nlohmann::json object{{"to", delivery.source.empty() ? receiver : delivery.source},
                          {"from", delivery.sender},
                          {"offset", delivery.offset},
                          {"time_ms", delivery.time_ms},
                          {"text", as_text(delivery.payload)},
                          {"bytes", hexadecimal(delivery.payload)}};
    print_object(object);
  } else {
    const std::string room = delivery.source.empty() ? "" : printable(delivery.source, false) + " ";
    print_line(room + printable(delivery.sender, false) + ": " + printable(as_text(delivery.payload), true));
  }
}

void Output::member(std::string_view room, const v2::RoomMember& member) const {
  if (json_) {
    print_object(nlohmann::json{{"room", room}, {"member", member.name}, {"present", member.present}});
  } else {
    print_line(printable(member.name, false) + (member.present ? " is there" : " is away"));
  }
}

void Output::membership(std::string_view room, std::string_view what) const {
  if (json_) {
    print_object(nlohmann::json{{what, room}});
  } else {
    print_line(std::string{what} + " " + printable(room, false));
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
