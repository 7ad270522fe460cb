// Reads tests/vectors/v2_packets.txt, and writes packets as its lines do; tests/vectors/README.md describes the format.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <restante/v2/codec.hpp>
#include <restante/v2/packet.hpp>

#include "packets.hpp"
#include "vectors.hpp"

namespace restante::test {

/// One line of the file.
struct V2Vector {
  /// "client", "server", "readable", "malformed", "unreadable" or "address": says which members mean something.
  std::string kind;
  /// The packet's name, the case, or the kind of an address.
  std::string name;
  /// As they stand in the line.
  std::string fields;
  Bytes rest;
  /// The packet, or the name of an address.
  Bytes bytes;
  Bytes reply;
  std::size_t line = 0;
};

/// The bytes of a name as the vectors write them: "%c3%85sa".
inline Bytes parse_name(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      bytes += parse_bytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(text[i]));
    }
  }
  return bytes;
}

inline std::string written_name(BytesView name) {
  std::string text;
  for (const std::uint8_t byte : name) {
    const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') || byte == '#' || byte == '*' || byte == '-' || byte == '.';
    text += is_plain ? std::string(1, static_cast<char>(byte)) : "%" + to_hex(BytesView{&byte, 1});
  }
  return text;
}

/// All lines. Throws std::runtime_error, with the line, when the file cannot be read.
inline std::vector<V2Vector> read_v2_vectors(const std::string& path) {
  const std::map<std::string, std::size_t> widths{{"client", 5},    {"server", 5},     {"readable", 5},
                                                  {"malformed", 4}, {"unreadable", 3}, {"address", 3}};
  std::ifstream file{path};
  if (!file) {
    throw std::runtime_error{"cannot read " + path};
  }
  std::vector<V2Vector> vectors;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[line.find_first_not_of(' ')] == '#') {
      continue;
    }
    const std::vector<std::string> columns = detail::split_columns(line);
    try {
      if (const auto width = widths.find(columns[0]); width == widths.end() || width->second != columns.size()) {
        throw std::runtime_error{"unknown kind, or a wrong number of columns"};
      }
      V2Vector vector{.kind = columns[0], .name = columns[1], .fields = {}, .rest = {}, .bytes = {}, .reply = {}};
      vector.line = number;
      if (columns.size() == 5) {
        vector.fields = columns[2];
        vector.rest = parse_bytes(columns[3]);
        vector.bytes = parse_bytes(columns[4]);
      } else {
        vector.bytes = vector.kind == "address" ? parse_name(columns[2]) : parse_bytes(columns[2]);
        vector.reply = columns.size() > 3 ? parse_bytes(columns[3]) : Bytes{};
      }
      vectors.push_back(vector);
    } catch (const std::exception& error) {
      throw std::runtime_error{path + ":" + std::to_string(number) + ": " + error.what()};
    }
  }
  return vectors;
}

/// Writes the fields of a packet as the vectors do.
class FieldsWriter {
 public:
  const std::string& text() const { return text_; }
  const Bytes& rest_bytes() const { return rest_; }

  template <class Integer>
  void number(std::string_view name, const Integer& field) {
    add(name, std::to_string(static_cast<std::uint64_t>(field)));
  }
  void name(std::string_view name, BytesView field) { add(name, written_name(field)); }
  void digits(std::string_view name, std::uint64_t field) {
    std::string text(16, '0');
    for (std::size_t i = 16; i-- > 0; field /= 16) {
      text[i] = "0123456789abcdef"[field % 16];
    }
    add(name, text);
  }
  void token(std::string_view name, const ResumeToken& field) {
    std::string text = to_hex(field);
    text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
    add(name, text);
  }
  void rest(BytesView field) { rest_ = Bytes{field}; }
  void members(std::string_view name, BytesView field) {
    std::string text;
    while (const auto member = v2::take_member(field)) {
      text += (text.empty() ? "" : ",") + std::string{member->present ? "1:" : "0:"} + written_name(member->name);
    }
    add(name, text + (field.empty() ? "" : " and what is no member"));
  }

 private:
  void add(std::string_view name, const std::string& value) {
    text_ += (text_.empty() ? "" : " ") + std::string{name} + "=" + value;
  }

  std::string text_;
  Bytes rest_;
};

/// Makes the fields of a packet from what stands in a line, which must live as long; so must the reader.
class FieldsReader {
 public:
  explicit FieldsReader(const V2Vector& vector) : left_{vector.fields}, rest_{vector.rest} {}

  bool complete() const { return left_.empty(); }

  template <class Integer>
  void number(std::string_view name, Integer& field) {
    const std::string_view text = value(name);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
      throw std::runtime_error{std::string{name} + " is no number"};
    }
    field = static_cast<Integer>(number);
  }
  void name(std::string_view name, BytesView& field) { field = kept_.emplace_back(parse_name(value(name))); }
  void digits(std::string_view name, std::uint64_t& field) {
    field = std::stoull(std::string{value(name)}, nullptr, 16);
  }
  void token(std::string_view name, ResumeToken& field) {
    const std::string_view text = value(name);
    for (std::size_t i = 0; i < field.size(); ++i) {
      field[i] = parse_bytes(text.substr(2 * i, 2)).at(0);
    }
  }
  void rest(BytesView& field) { field = rest_; }
  void members(std::string_view name, BytesView& field) {
    Bytes& bytes = kept_.emplace_back();
    std::istringstream listed{std::string{value(name)}};
    for (std::string member; std::getline(listed, member, ',');) {
      const Bytes text = parse_name(member.substr(2));
      bytes.push_back(member[0] == '1' ? 1 : 0);
      bytes.push_back(static_cast<std::uint8_t>(text.size()));
      bytes += text;
    }
    field = bytes;
  }

 private:
  std::string_view value(std::string_view name) {
    const std::string_view field = left_.substr(0, left_.find(' '));
    left_.remove_prefix(std::min(left_.size(), field.size() + 1));
    if (!field.starts_with(name) || field.substr(name.size(), 1) != "=") {
      throw std::runtime_error{"'" + std::string{field} + "' where " + std::string{name} + " should be"};
    }
    return field.substr(name.size() + 1);
  }

  std::string_view left_;
  BytesView rest_;
  std::deque<Bytes> kept_;
};

// The fields of each packet from left to right, for a FieldsWriter or a FieldsReader: docs/protocol.md once more, and
// not the codec's lists. `text` is the one, `packet` is written or read.

void describe(auto& text, v2::Open& packet) {
  text.name("address", packet.address);
  text.number("proof", packet.proof);
  text.rest(packet.secret);
}
void describe(auto& text, v2::Push& packet) {
  text.name("receiver", packet.receiver);
  text.number("sequence", packet.sequence);
  text.number("time_to_live", packet.time_to_live_ms);
  text.rest(packet.payload);
}
void describe(auto& text, v2::Fetch& packet) {
  text.name("source", packet.source);
  text.digits("epoch", packet.epoch);
  text.number("flags", packet.rewind);
  text.number("messages", packet.messages_max);
  text.number("bytes", packet.bytes_max);
  text.number("wait", packet.wait_ms);
}
void describe(auto& text, v2::Acknowledge& packet) {
  text.name("source", packet.source);
  text.digits("epoch", packet.epoch);
  text.number("offset", packet.offset);
}
void describe(auto& text, v2::Receipt& packet) {
  text.number("sequence", packet.sequence);
  text.number("known_state", packet.known_state);
  text.number("wait", packet.wait_ms);
}
void describe(auto& text, v2::Join& packet) {
  text.name("room", packet.room);
}
void describe(auto& text, v2::Leave& packet) {
  text.name("room", packet.room);
}
void describe(auto& text, v2::Status& packet) {
  text.name("source", packet.source);
  text.number("known_version", packet.known_version);
  text.name("after", packet.after);
  text.number("members", packet.members_max);
  text.number("wait", packet.wait_ms);
}
void describe(auto& text, v2::Opened& packet) {
  text.number("flags", packet.took_over);
  text.digits("epoch", packet.epoch);
  text.number("depth", packet.depth);
  text.number("first_unacknowledged_offset", packet.first_unacknowledged);
  text.number("highest_sequence", packet.highest_sequence);
  text.number("window", packet.window);
  text.number("payload_bytes", packet.payload_bytes_max);
  text.number("mailbox_messages", packet.mailbox_messages_max);
  text.number("mailbox_bytes", packet.mailbox_bytes_max);
  text.number("waits", packet.waits_max);
  text.token("resume_token", packet.resume_token);
}
void describe(auto& text, v2::Accepted& packet) {
  text.number("flags", packet.duplicate);
}
void describe(auto& text, v2::Message& packet) {
  text.name("source", packet.source);
  text.number("offset", packet.offset);
  text.number("time", packet.time_ms);
  text.name("sender", packet.sender);
  text.rest(packet.payload);
}
void describe(auto& text, v2::Fetched& packet) {
  text.number("delivered", packet.delivered);
  text.number("remaining", packet.remaining);
}
void describe(auto& text, v2::Missed& packet) {
  text.name("room", packet.room);
  text.number("count", packet.count);
}
void describe(auto&, v2::Acknowledged&) {}
void describe(auto& text, v2::State& packet) {
  text.number("state", packet.state);
}
void describe(auto& text, v2::Joined& packet) {
  text.digits("epoch", packet.epoch);
  text.number("first_kept_offset", packet.first_kept);
  text.number("cursor", packet.cursor);
  text.number("next_offset", packet.next_offset);
}
void describe(auto&, v2::Left&) {}
void describe(auto& text, v2::Mailbox& packet) {
  text.number("version", packet.version);
  text.number("depth", packet.depth);
  text.number("bytes", packet.bytes);
  text.number("oldest_age", packet.oldest_age_ms);
  text.number("stored", packet.stored);
  text.number("acknowledged", packet.acknowledged);
  text.number("taken", packet.taken);
  text.number("expired", packet.expired);
  text.number("purged", packet.purged);
}
void describe(auto& text, v2::Members& packet) {
  text.number("version", packet.version);
  text.number("members_in_all", packet.total);
  text.number("more", packet.more);
  text.members("members", packet.members);
}
void describe(auto& text, v2::Refused& packet) {
  text.number("reason", packet.reason);
}

/// A packet as the vectors write it.
struct PacketText {
  std::string name;
  std::string fields;
  Bytes rest;
  friend bool operator==(const PacketText&, const PacketText&) = default;
};

inline void PrintTo(const PacketText& text, std::ostream* stream) {
  *stream << text.name << " | " << text.fields << " | " << to_hex(text.rest);
}

/// Any of v2::Request or v2::Reply; bytes that could not be read are called so.
template <class Packets>
PacketText text_of(const Packets& packets) {
  constexpr bool is_request = std::is_same_v<Packets, v2::Request>;
  constexpr std::string_view requests[] = {"unreadable", "OPEN", "PUSH",  "FETCH", "ACK",
                                           "RECEIPT",    "JOIN", "LEAVE", "STATUS"};
  constexpr std::string_view replies[] = {"unreadable", "OPENED", "ACCEPTED", "MESSAGE", "FETCHED", "MISSED", "ACKED",
                                          "STATE",      "JOINED", "LEFT",     "MAILBOX", "MEMBERS", "REFUSED"};
  FieldsWriter writer;
  const auto describe_it = [&writer](auto packet) {
    if constexpr (requires { describe(writer, packet); }) {
      writer.number("tag", packet.tag);
      describe(writer, packet);
    }
  };
  std::visit(describe_it, packets);
  return {std::string{is_request ? requests[packets.index()] : replies[packets.index()]}, writer.text(),
          writer.rest_bytes()};
}

/// The bytes that the codec writes for what a line says. Throws std::runtime_error where the line cannot be understood.
inline Bytes encoded_vector(const V2Vector& vector) {
  FieldsReader reader{vector};
  std::vector<std::uint8_t> room(vector.bytes.size() + v2::packet_bytes_beyond_payload);
  const auto encoded = [&](auto packet) {
    reader.number("tag", packet.tag);
    describe(reader, packet);
    if (!reader.complete()) {
      throw std::runtime_error{"more fields than " + vector.name + " has"};
    }
    return Bytes{v2::encode(packet, room)};
  };
  const std::string_view name = vector.name;
  return name == "OPEN"       ? encoded(v2::Open{})
         : name == "PUSH"     ? encoded(v2::Push{})
         : name == "FETCH"    ? encoded(v2::Fetch{})
         : name == "ACK"      ? encoded(v2::Acknowledge{})
         : name == "RECEIPT"  ? encoded(v2::Receipt{})
         : name == "JOIN"     ? encoded(v2::Join{})
         : name == "LEAVE"    ? encoded(v2::Leave{})
         : name == "STATUS"   ? encoded(v2::Status{})
         : name == "OPENED"   ? encoded(v2::Opened{})
         : name == "ACCEPTED" ? encoded(v2::Accepted{})
         : name == "MESSAGE"  ? encoded(v2::Message{})
         : name == "FETCHED"  ? encoded(v2::Fetched{})
         : name == "MISSED"   ? encoded(v2::Missed{})
         : name == "ACKED"    ? encoded(v2::Acknowledged{})
         : name == "STATE"    ? encoded(v2::State{})
         : name == "JOINED"   ? encoded(v2::Joined{})
         : name == "LEFT"     ? encoded(v2::Left{})
         : name == "MAILBOX"  ? encoded(v2::Mailbox{})
         : name == "MEMBERS"  ? encoded(v2::Members{})
         : name == "REFUSED"  ? encoded(v2::Refused{})
                              : throw std::runtime_error{"no packet is called " + vector.name};
}

}  // namespace restante::test
