// What a program that uses the library's client of restante.v2 keeps beyond its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/v2/inbox.hpp>
#include <restante/v2/outbox.hpp>

namespace restante::sim {

/// An outbox, and an inbox whose offsets the program stores with the effects of messages: both as a disk would have
/// them. Not thread safe.
class MailStorage {
 public:
  /// What a disk says that is full.
  static constexpr std::errc failure = std::errc::no_space_on_device;

  struct Kept {
    std::string receiver;
    std::vector<std::uint8_t> payload;
    std::chrono::milliseconds time_to_live{};
    std::uint64_t sequence = 0;
    Epoch epoch = 0;
  };

  std::error_code load(v2::OutboxLoader& loader) {
    for (const auto& [id, kept] : outbox) {
      loader.message({id, kept.receiver, kept.time_to_live, kept.payload, kept.sequence, kept.epoch});
    }
    return {};
  }
  std::error_code added(const v2::OutgoingMessage& message) {
    if (fails()) {
      return std::make_error_code(failure);
    }
    outbox[message.id] = {
        std::string{message.receiver}, {message.payload.begin(), message.payload.end()}, message.time_to_live};
    return {};
  }
  std::error_code numbered(v2::PushId id, Epoch epoch, std::uint64_t sequence) {
    if (fails()) {
      return std::make_error_code(failure);
    }
    outbox.at(id).epoch = epoch;
    outbox.at(id).sequence = sequence;
    return {};
  }
  void removed(v2::PushId id) { outbox.erase(id); }

  // Offsets are stored with the effects: the client has nothing to add.
  std::optional<Offset> handled_up_to(std::string_view source, Epoch epoch) {
    const auto found = offsets.find({std::string{source}, epoch});
    return found == offsets.end() ? std::nullopt : std::optional{found->second};
  }
  std::error_code handled(std::string_view, Epoch, Offset) {
    return fails() ? std::make_error_code(failure) : std::error_code{};
  }

  std::map<v2::PushId, Kept> outbox;
  std::map<std::pair<std::string, Epoch>, Offset> offsets;
  /// The how-manieth thing from now on cannot be kept, and then each so-manieth; 0 for none.
  std::uint32_t fails_in = 0;
  std::uint32_t fails_every = 0;

 private:
  bool fails() {
    if (fails_in == 0 || --fails_in > 0) {
      return false;
    }
    fails_in = fails_every;
    return true;
  }
};

}  // namespace restante::sim
