// What the connections of a run ask for, and what they must be answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/classic/codec.hpp>

namespace restante::bench {

/// Which requests a connection makes.
enum class Mix : std::uint8_t {
  /// Pushes to itself and gets that, in turn: every reply is known beforehand.
  echo,
  /// Pushes to the next connection's id, and gets its own, in turn.
  ring,
  /// All push to the first connection's id, which gets and does nothing else.
  fan_in,
  /// Pushes to itself only: after a mailbox is full, all are refused.
  push,
  /// Gets only, from an empty mailbox.
  get,
};

/// The requests of one connection, one after another, and the check of their replies, which come in the same order.
class Requests {
 public:
  /// `index` of `connections` in all, which hold the ids 0, 1, 2, …
  Requests(Mix mix, std::size_t index, std::size_t connections, std::size_t payload_bytes)
      : mix_{mix},
        id_{static_cast<classic::ClientId>(index)},
        receiver_{static_cast<classic::ClientId>(receiver(mix, index, connections))},
        payload_(payload_bytes, 'x'),
        last_from_(256) {}

  classic::ClientId id() const noexcept { return id_; }

  /// The next request, valid until the next call.
  BytesView next() {
    const bool pushes = mix_ == Mix::push || (mix_ == Mix::fan_in && id_ != 0) ||
                        ((mix_ == Mix::echo || mix_ == Mix::ring) && turn_++ % 2 == 0);
    if (!pushes) {
      expected_.push_back(Expected::get);
      return classic::encode(classic::Get{id_}, buffer_);
    }
    expected_.push_back(Expected::push);
    write_number(pushed_++);
    return classic::encode(classic::make_push(id_, receiver_, payload_), buffer_);
  }

  /// Whether a reply is one that the oldest request can have; what was wrong otherwise.
  std::optional<std::string> check(BytesView reply) {
    if (expected_.empty()) {
      return "a packet came that nothing had asked for";
    }
    const Expected expected = expected_.front();
    expected_.pop_front();
    const classic::ServerPacket packet = classic::decode_server_packet(reply);
    return expected == Expected::push ? check_push(packet) : check_get(packet);
  }

  /// Replies that say that nothing was stored, or nothing was there.
  std::uint64_t full() const noexcept { return full_; }
  std::uint64_t empty() const noexcept { return empty_; }

 private:
  enum class Expected : std::uint8_t { push, get };

  static std::size_t receiver(Mix mix, std::size_t index, std::size_t connections) {
    switch (mix) {
      case Mix::ring:
        return (index + 1) % connections;
      case Mix::fan_in:
        return 0;
      case Mix::echo:
      case Mix::push:
      case Mix::get:
        break;
    }
    return index;
  }

  // The first eight bytes of a payload, or as many as there are, number the pushes of a sender.
  void write_number(std::uint64_t number) {
    for (std::size_t i = 0; i < payload_.size() && i < 8; ++i) {
      payload_[i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
  }

  static std::uint64_t read_number(BytesView payload) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < payload.size() && i < 8; ++i) {
      number |= std::uint64_t{payload[i]} << (8 * i);
    }
    return number;
  }

  std::optional<std::string> check_push(const classic::ServerPacket& packet) {
    if (const auto* ack = std::get_if<classic::PositiveAck>(&packet); ack != nullptr && ack->id == id_) {
      return std::nullopt;
    }
    if (const auto* full = std::get_if<classic::BufferFull>(&packet);
        full != nullptr && full->id == id_ && mix_ != Mix::echo) {
      ++full_;
      return std::nullopt;
    }
    return "a PUSH was answered with something else than POSITIVEACK";
  }

  std::optional<std::string> check_get(const classic::ServerPacket& packet) {
    if (const auto* empty = std::get_if<classic::BufferEmpty>(&packet);
        empty != nullptr && empty->id == id_ && mix_ != Mix::echo) {
      ++empty_;
      return std::nullopt;
    }
    const auto* response = std::get_if<classic::GetResponse>(&packet);
    if (response == nullptr || response->id != id_) {
      return "a GET was answered with something else than GETRESPONSE";
    }
    if (response->payload.size() != payload_.size()) {
      return "a message came back with another length";
    }
    if (payload_.size() >= 8) {
      // Numbers grow from message to message of a sender; in an echo none is left out.
      const std::uint64_t number = read_number(response->payload);
      std::uint64_t& next = last_from_[response->sender];
      if (number < next || (mix_ == Mix::echo && number != next)) {
        return "messages came back in another order";
      }
      next = number + 1;
    }
    return std::nullopt;
  }

  Mix mix_;
  classic::ClientId id_;
  classic::ClientId receiver_;
  std::vector<std::uint8_t> payload_;
  std::vector<std::uint64_t> last_from_;
  std::array<std::uint8_t, classic::packet_bytes_max> buffer_{};
  std::deque<Expected> expected_;
  std::uint64_t turn_ = 0;
  std::uint64_t pushed_ = 0;
  std::uint64_t full_ = 0;
  std::uint64_t empty_ = 0;
};

}  // namespace restante::bench
