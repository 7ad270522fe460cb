// What a client of the storm received, in a file: its inbox and the effects of its messages in one.
#pragma once

#include <cerrno>
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

/// Each message that was handled is a line "<epoch> <offset> <source> <sender> <text>", written at once; a source that
/// is the own mailbox is "-". Nothing in it may have a space. A program that is killed leaves whole lines behind, or a
/// last one without its end, which counts as not written.
class Book {
 public:
  /// Reads what the file has. Throws std::system_error.
  explicit Book(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::string whole;
    for (std::string line; std::getline(file, line) && !file.eof();) {
      whole += line + '\n';
      std::istringstream fields{line};
      Place place;
      std::string source;
      fields >> place.epoch >> place.offset >> source;
      places_[source] = place;
    }
    file.close();
    const std::string fresh = path + ".new";
    file_ = std::fopen(fresh.c_str(), "wb");
    if (file_ == nullptr || std::fwrite(whole.data(), 1, whole.size(), file_) != whole.size() ||
        std::fflush(file_) != 0 || std::rename(fresh.c_str(), path.c_str()) != 0) {
      throw std::system_error{errno, std::generic_category(), path};
    }
  }
  ~Book() { std::fclose(file_); }
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;

  /// The effect of a message and its place, in one. Gives whether it is kept.
  bool add(const restante::v2::Delivery& delivery) {
    const std::string source = key_of(delivery.source);
    const std::string line = std::to_string(delivery.epoch) + ' ' + std::to_string(delivery.offset) + ' ' + source +
                             ' ' + std::string{delivery.sender} + ' ' +
                             std::string{restante::as_text(delivery.payload)} + '\n';
    places_[source] = {delivery.epoch, delivery.offset};
    return std::fwrite(line.data(), 1, line.size(), file_) == line.size() && std::fflush(file_) == 0;
  }

  std::optional<restante::Offset> handled_up_to(std::string_view source, restante::Epoch epoch) const {
    const auto found = places_.find(key_of(source));
    return found == places_.end() || found->second.epoch != epoch ? std::nullopt : std::optional{found->second.offset};
  }
  std::error_code handled(std::string_view, restante::Epoch, restante::Offset) { return {}; }

 private:
  struct Place {
    restante::Epoch epoch = 0;
    restante::Offset offset = 0;
  };

  static std::string key_of(std::string_view source) { return source.empty() ? "-" : std::string{source}; }

  std::FILE* file_ = nullptr;
  std::map<std::string, Place> places_;
};
