#include "store_lines.hpp"

#include <sodium.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/address_name.hpp>

namespace restante::cli {
namespace {

using nlohmann::json;
/// Keeps the order of its fields.
using Line = nlohmann::ordered_json;

constexpr std::string_view format = "restante-store";
constexpr int version = 1;
constexpr int variant = sodium_base64_VARIANT_ORIGINAL;

std::string to_base64(BytesView bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();
  return text;
}

std::vector<std::uint8_t> from_base64(const std::string& text) {
  std::vector<std::uint8_t> bytes(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, nullptr, variant) != 0) {
    throw std::runtime_error("the payload is no base64");
  }
  bytes.resize(size);
  return bytes;
}

// 64 bits are more than many programs can read as a number.
std::string to_hexadecimal(Epoch epoch) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, epoch >>= 4U) {
    *digit = digits[epoch & 15U];
  }
  return text;
}

Epoch from_hexadecimal(const std::string& text) {
  if (text.size() != 16 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw std::runtime_error("the epoch has not 16 hexadecimal digits");
  }
  return std::stoull(text, nullptr, 16);
}

/// How many numbers a window tells of.
std::uint64_t numbers_in_window(std::uint64_t highest) {
  return std::min(highest, SequenceWindow::width);
}

/// Understands a line after the other.
class Reader {
 public:
  explicit Reader(MessageLoader& loader) : loader_{loader} {}

  void take(const std::string& text) {
    if (is_complete_) {
      throw std::runtime_error("nothing may come behind the end");
    }
    const json line = json::parse(text, nullptr, false);
    if (!line.is_object()) {
      throw std::runtime_error("this is no object of JSON");
    }
    const std::string type = string_of(line, "type");
    if (lines_ == 0) {
      begin(line, type);
    } else if (type == "address") {
      address(line);
    } else if (type == "window") {
      window(line);
    } else if (type == "member") {
      loader_.member({address_of(line, "room"), address_of(line, "member"), number_of(line, "cursor")},
                     number_of(line, "delivered_end"));
    } else if (type == "message") {
      message(line);
    } else if (type == "mailbox") {
      mailbox(line);
    } else if (type == "end") {
      end(line);
    } else {
      throw std::runtime_error("there is no type '" + type + "'");
    }
    ++lines_;
  }

  bool is_complete() const noexcept { return is_complete_; }

 private:
  static const json& field_of(const json& line, const char* field) {
    const auto found = line.find(field);
    if (found == line.end()) {
      throw std::runtime_error("\"" + std::string{field} + "\" is missing");
    }
    return *found;
  }
  static std::string string_of(const json& line, const char* field) {
    const json& value = field_of(line, field);
    if (!value.is_string()) {
      throw std::runtime_error("\"" + std::string{field} + "\" is no text");
    }
    return value.get<std::string>();
  }
  static std::uint64_t number_of(const json& line, const char* field) {
    const json& value = field_of(line, field);
    if (!value.is_number_unsigned()) {
      throw std::runtime_error("\"" + std::string{field} + "\" is no whole number from 0 on");
    }
    return value.get<std::uint64_t>();
  }
  Address address_of(const json& line, const char* field) const {
    const std::string name = string_of(line, field);
    if (const int id = classic_id_of(as_bytes(name)); id >= 0) {
      return Address{static_cast<std::uint8_t>(id)};
    }
    const auto found = addresses_.find(name);
    if (found == addresses_.end()) {
      throw std::runtime_error("no address came before that is \"" + name + "\"");
    }
    return found->second;
  }

  static void begin(const json& line, const std::string& type) {
    if (type != format) {
      throw std::runtime_error("the first line must have the type \"" + std::string{format} + "\"");
    }
    if (number_of(line, "version") != version) {
      throw std::runtime_error("only version 1 is known here");
    }
  }

  void address(const json& line) {
    const std::string name = string_of(line, "name");
    const std::uint64_t number = number_of(line, "number");
    const json& opened = field_of(line, "opened");
    if (number > UINT32_MAX || !opened.is_boolean()) {
      throw std::runtime_error("\"number\" is too large, or \"opened\" neither true nor false");
    }
    const Address address = Address::at(static_cast<std::uint32_t>(number));
    addresses_.emplace(name, address);
    loader_.address({address, as_bytes(name), from_hexadecimal(string_of(line, "epoch"))}, opened.get<bool>());
  }

  void window(const json& line) {
    const Address sender = address_of(line, "sender");
    const std::uint64_t highest = number_of(line, "highest");
    const std::string states = string_of(line, "states");
    if (states.size() != numbers_in_window(highest) || states.empty() || states.back() == '0' ||
        states.find_first_not_of("0123456") != std::string::npos) {
      throw std::runtime_error("\"states\" needs a digit from 0 to 6 for each number, the last one not 0");
    }
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (states[i] != '0') {
        loader_.sequence(sender, highest - states.size() + 1 + i, static_cast<MessageState>(states[i] - '0'));
      }
    }
  }

  void message(const json& line) {
    const std::vector<std::uint8_t> payload = from_base64(string_of(line, "payload"));
    loader_.message({.receiver = address_of(line, "to"),
                     .offset = number_of(line, "offset"),
                     .sender = address_of(line, "from"),
                     .payload = payload,
                     .sequence = number_of(line, "sequence"),
                     .time_ms = number_of(line, "time_ms"),
                     .expires_ms = number_of(line, "expires_ms")});
  }

  void mailbox(const json& line) {
    const Address address = address_of(line, "name");
    if (const std::uint64_t end = number_of(line, "delivered_end"); end != 0) {
      loader_.delivered({address, end - 1});
    }
    loader_.next_offset(address, number_of(line, "next_offset"));
  }

  void end(const json& line) {
    if (number_of(line, "lines") != lines_) {
      throw std::runtime_error("lines are missing, or are too many, before this one");
    }
    is_complete_ = true;
  }

  MessageLoader& loader_;
  std::map<std::string, Address> addresses_;
  std::uint64_t lines_ = 0;
  bool is_complete_ = false;
};

}  // namespace

StoreLinesWriter::StoreLinesWriter(std::FILE* file) : file_{file} {
  write(Line{{"type", format}, {"version", version}}.dump());
}

void StoreLinesWriter::address(const AddressAdded& added, bool was_opened) {
  const std::string name{as_text(added.name)};
  names_[added.address] = name;
  write(Line{{"type", "address"},
             {"number", added.address.index()},
             {"name", name},
             {"epoch", to_hexadecimal(added.epoch)},
             {"opened", was_opened}}
            .dump());
}

void StoreLinesWriter::sequence(Address sender, std::uint64_t sequence, MessageState state) {
  if (sender != sender_) {
    write_window();
    sender_ = sender;
  }
  window_.restore(sequence, state);
}

void StoreLinesWriter::member(const MemberJoined& joined, Offset delivered_end) {
  write_window();
  write(Line{{"type", "member"},
             {"room", name_of(joined.room)},
             {"member", name_of(joined.member)},
             {"cursor", joined.cursor},
             {"delivered_end", delivered_end}}
            .dump());
}

void StoreLinesWriter::delivered(const MessagesDelivered& delivered) {
  write_window();
  delivered_ends_[delivered.receiver] = delivered.up_to + 1;
}

void StoreLinesWriter::message(const MessageStored& stored) {
  write_window();
  write(Line{{"type", "message"},
             {"to", name_of(stored.receiver)},
             {"offset", stored.offset},
             {"from", name_of(stored.sender)},
             {"sequence", stored.sequence},
             {"time_ms", stored.time_ms},
             {"expires_ms", stored.expires_ms},
             {"payload", to_base64(stored.payload)}}
            .dump());
}

void StoreLinesWriter::next_offset(Address receiver, Offset offset) {
  write_window();
  const auto end = delivered_ends_.find(receiver);
  write(Line{{"type", "mailbox"},
             {"name", name_of(receiver)},
             {"next_offset", offset},
             {"delivered_end", end == delivered_ends_.end() ? 0 : end->second}}
            .dump());
}

void StoreLinesWriter::finish() {
  write_window();
  write(Line{{"type", "end"}, {"lines", lines_}}.dump());
  if (std::fflush(file_) != 0) {
    throw std::runtime_error("the lines cannot be written: " + std::generic_category().message(errno));
  }
}

void StoreLinesWriter::write(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fputc('\n', file_) == EOF) {
    throw std::runtime_error("the lines cannot be written: " + std::generic_category().message(errno));
  }
  ++lines_;
}

void StoreLinesWriter::write_window() {
  const std::uint64_t highest = window_.highest();
  if (highest == 0) {
    return;
  }
  std::string states;
  for (std::uint64_t sequence = highest - numbers_in_window(highest) + 1; sequence <= highest; ++sequence) {
    states += static_cast<char>('0' + static_cast<int>(window_.state(sequence)));
  }
  write(Line{{"type", "window"}, {"sender", name_of(sender_)}, {"highest", highest}, {"states", states}}.dump());
  window_ = {};
}

std::string StoreLinesWriter::name_of(Address address) const {
  const auto found = names_.find(address);
  return found == names_.end() ? std::to_string(address.index()) : found->second;
}

void read_store_lines(std::istream& lines, MessageLoader& loader, const std::function<bool()>& is_interrupted) {
  Reader reader{loader};
  std::uint64_t number = 0;
  for (std::string line; !is_interrupted() && std::getline(lines, line);) {
    ++number;
    try {
      reader.take(line);
    } catch (const std::exception& error) {
      throw std::runtime_error("line " + std::to_string(number) + ": " + error.what());
    }
  }
  if (is_interrupted()) {
    throw std::runtime_error("interrupted: nothing was put there");
  }
  if (!reader.is_complete()) {
    throw std::runtime_error("the lines end before their end: " + std::to_string(number) + " came");
  }
}

}  // namespace restante::cli
