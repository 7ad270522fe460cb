// What a program has to push, and how far it has come with its mail, in a file: an outbox and an inbox for
// restante::v2::Client. One line for each thing that happened, synced before anything relies on it.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <restante/v2/inbox.hpp>
#include <restante/v2/outbox.hpp>

/// Keeps an account besides: a sum that messages add to. It is written in one line with the offset of the message that
/// changed it, so that either both are kept or none.
class Journal {
 public:
  /// Reads the file, where there is one, and writes it anew with what still matters. Throws std::system_error.
  explicit Journal(std::string path) : path_{std::move(path)} {
    std::ifstream file{path_, std::ios::binary};
    for (std::string line; std::getline(file, line) && !file.eof();) {  // A line without an end was being written.
      read(line);
    }
    file.close();
    rewrite();
  }
  ~Journal() { std::fclose(file_); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  long sum() const { return sum_; }
  std::size_t messages() const { return messages_.size(); }

  /// The effect of a message and its place, in one: for the handler of the program.
  std::error_code add(const restante::v2::Delivery& delivery, long amount) {
    const std::string line = handled_line(delivery.source, {delivery.epoch, delivery.offset}, sum_ + amount);
    if (const std::error_code error = append(line)) {
      return error;
    }
    read(line);
    return {};
  }

  // As an inbox. The offset is there already.

  std::optional<restante::Offset> handled_up_to(std::string_view source, restante::Epoch epoch) const {
    const auto found = places_.find(std::string{source});
    return found == places_.end() || found->second.epoch != epoch ? std::nullopt : std::optional{found->second.offset};
  }
  std::error_code handled(std::string_view, restante::Epoch, restante::Offset) { return {}; }

  // As an outbox.

  std::error_code load(restante::v2::OutboxLoader& loader) const {
    for (const auto& [id, kept] : messages_) {
      loader.message(
          {id, kept.receiver, kept.time_to_live, restante::as_bytes(kept.payload), kept.sequence, kept.epoch});
    }
    return {};
  }
  std::error_code added(const restante::v2::OutgoingMessage& message) {
    const Message kept{std::string{message.receiver}, message.time_to_live,
                       std::string{restante::as_text(message.payload)}};
    return note(added_line(message.id, kept));
  }
  std::error_code numbered(restante::v2::PushId id, restante::Epoch epoch, std::uint64_t sequence) {
    return note(numbered_line(id, epoch, sequence));
  }
  void removed(restante::v2::PushId id) {
    // What comes back is sent with its number again, and the server knows it.
    static_cast<void>(note("removed " + std::to_string(id)));
  }

 private:
  struct Message {
    std::string receiver;
    std::chrono::milliseconds time_to_live{};
    std::string payload;
    restante::Epoch epoch = 0;
    std::uint64_t sequence = 0;
  };
  struct Place {
    restante::Epoch epoch = 0;
    restante::Offset offset = 0;
  };

  static std::string added_line(restante::v2::PushId id, const Message& message) {
    return "added " + std::to_string(id) + ' ' + std::to_string(message.time_to_live.count()) + ' ' +
           hexadecimal(message.receiver) + ' ' + hexadecimal(message.payload);
  }
  static std::string numbered_line(restante::v2::PushId id, restante::Epoch epoch, std::uint64_t sequence) {
    return "numbered " + std::to_string(id) + ' ' + std::to_string(epoch) + ' ' + std::to_string(sequence);
  }
  static std::string handled_line(std::string_view source, Place place, long sum) {
    return "handled " + std::to_string(place.epoch) + ' ' + std::to_string(place.offset) + ' ' + std::to_string(sum) +
           ' ' + hexadecimal(source);
  }

  // A text of any bytes, in which no line ends; "-" before it, so that there is something to read where it is empty.
  static std::string hexadecimal(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string written = "-";
    for (const char byte : text) {
      written += digits[static_cast<std::uint8_t>(byte) >> 4U];
      written += digits[static_cast<std::uint8_t>(byte) & 15U];
    }
    return written;
  }
  static std::string from_hexadecimal(std::string_view written) {
    std::string text;
    for (written.remove_prefix(1); written.size() >= 2; written.remove_prefix(2)) {
      unsigned byte = 0;
      std::from_chars(written.data(), written.data() + 2, byte, 16);
      text += static_cast<char>(byte);
    }
    return text;
  }

  void read(const std::string& line) {
    std::istringstream fields{line};
    std::string kind;
    restante::v2::PushId id = 0;
    std::string name;
    std::string payload;
    fields >> kind;
    if (kind == "added") {
      std::chrono::milliseconds::rep time_to_live = 0;
      fields >> id >> time_to_live >> name >> payload;
      messages_[id] = {from_hexadecimal(name), std::chrono::milliseconds{time_to_live}, from_hexadecimal(payload)};
    } else if (kind == "numbered") {
      fields >> id;
      fields >> messages_[id].epoch >> messages_[id].sequence;
    } else if (kind == "removed") {
      fields >> id;
      messages_.erase(id);
    } else if (kind == "handled") {
      Place place;
      fields >> place.epoch >> place.offset >> sum_ >> name;
      places_[from_hexadecimal(name)] = place;
    }
  }

  void rewrite() {
    const std::string fresh = path_ + ".new";
    file_ = std::fopen(fresh.c_str(), "wb");
    check(file_ != nullptr);
    for (const auto& [id, message] : messages_) {
      check(!append(added_line(id, message)));
      check(message.sequence == 0 || !append(numbered_line(id, message.epoch, message.sequence)));
    }
    for (const auto& [source, place] : places_) {
      check(!append(handled_line(source, place, sum_)));
    }
    check(std::rename(fresh.c_str(), path_.c_str()) == 0);
  }

  void check(bool worked) const {
    if (!worked) {
      throw std::system_error{errno, std::generic_category(), path_};
    }
  }

  std::error_code note(const std::string& line) {
    const std::error_code error = append(line);
    if (!error) {
      read(line);
    }
    return error;
  }

  std::error_code append(const std::string& line) {
    if (broken_) {
      return broken_;
    }
    const bool kept = std::fwrite(line.data(), 1, line.size(), file_) == line.size() &&
                      std::fputc('\n', file_) != EOF && std::fflush(file_) == 0 && ::fsync(::fileno(file_)) == 0;
    if (!kept) {
      // What stands in the file now is not known: nothing more is written behind it.
      broken_ = {errno, std::generic_category()};
    }
    return broken_;
  }

  std::string path_;
  std::FILE* file_ = nullptr;
  std::error_code broken_;
  std::map<restante::v2::PushId, Message> messages_;
  std::map<std::string, Place> places_;
  long sum_ = 0;
};
