// Every message that a client of restante.v2 pushes in a simulation, and what became of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/change.hpp>
#include <restante/sim/connection_table.hpp>
#include <restante/sim/trace.hpp>
#include <restante/time.hpp>

namespace restante::sim {

/// What time it is for people in a simulation: milliseconds since 1970-01-01 00:00 UTC.
inline std::uint64_t wall_clock_ms(SteadyTime time) noexcept {
  constexpr std::uint64_t begin = 1'700'000'000'000;
  return begin + static_cast<std::uint64_t>(
                     std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

/// Names a letter: its place among all.
using LetterNumber = std::uint32_t;

struct Letter {
  /// What its program was told of the push.
  enum class Told : std::uint8_t {
    nothing,
    accepted,
    refused,
    unknown,
    /// Its program ended, and kept nothing.
    forgotten,
  };
  /// Where it is, as far as the server's replies say.
  enum class Fate : std::uint8_t { not_stored, held, acknowledged, expired, trimmed, lost };

  ClientIndex sender = no_client;
  std::string from = {};
  std::string to = {};
  std::uint64_t time_to_live_ms = 0;
  std::uint64_t fingerprint = 0;

  Told told = Told::nothing;
  Fate fate = Fate::not_stored;
  /// ACCEPTED left the server: it may not be lost any more.
  bool promised = false;
  /// The epoch of its sender in which it was sent.
  Epoch epoch = 0;
  /// How many had been accepted before it, of all.
  std::uint64_t position = 0;
  /// Where it was stored: the epoch of the place, and the offset there.
  Epoch stored_epoch = 0;
  Offset stored_offset = 0;
  /// Who it was handed to, once for each time.
  std::vector<ClientIndex> handed_to = {};
};

/// Each payload begins with the number of its letter, so that none can be taken for another.
class Letters {
 public:
  static constexpr std::size_t payload_bytes_min = 4;

  /// Makes a letter, and the payload that says which it is, of at least payload_bytes_min bytes.
  std::pair<LetterNumber, std::vector<std::uint8_t>> write(Letter letter, std::size_t payload_bytes) {
    const auto number = static_cast<LetterNumber>(letters_.size());
    std::vector<std::uint8_t> payload(std::max(payload_bytes, payload_bytes_min));
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<std::uint8_t>(i < payload_bytes_min ? number >> 8 * i : 'a' + i % 26);
    }
    letter.fingerprint = fingerprint(payload);
    letters_.push_back(std::move(letter));
    return {number, std::move(payload)};
  }

  /// The letter with this payload, or nothing where nobody wrote it.
  std::optional<LetterNumber> find(BytesView payload) const {
    if (payload.size() < payload_bytes_min) {
      return std::nullopt;
    }
    LetterNumber number = 0;
    for (std::size_t i = 0; i < payload_bytes_min; ++i) {
      number |= LetterNumber{payload[i]} << 8 * i;
    }
    const bool is_one = number < letters_.size() && letters_[number].fingerprint == fingerprint(payload);
    return is_one ? std::optional{number} : std::nullopt;
  }

  Letter& operator[](LetterNumber number) { return letters_[number]; }
  const Letter& operator[](LetterNumber number) const { return letters_[number]; }
  std::size_t size() const noexcept { return letters_.size(); }
  auto begin() const noexcept { return letters_.begin(); }
  auto end() const noexcept { return letters_.end(); }

 private:
  std::vector<Letter> letters_;
};

}  // namespace restante::sim
