// What the connections of a run ask for, and what they must be answered.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/classic/codec.hpp>

#include "frame.hpp"

namespace restante::bench {

/// Which requests a connection makes.
enum class Mix : std::uint8_t {
  /// Pushes to itself and gets that, in turn: every reply is known beforehand.
  echo,
  /// Pushes to the next connection's id, and gets its own, in turn.
  ring,
  /// All push to the first connection's id, which gets and does nothing else, with as many requests in flight as all
  /// others have together. Where that is more than the mailbox holds, it is full at times.
  fan_in,
  /// The same, and the first has no more in flight than anybody else: the mailbox is full nearly always.
  hot,
  /// Pushes to itself alone: the mailbox is full after the first hundred.
  push,
  /// Gets alone: the mailbox is empty.
  get,
};

/// The requests of one connection in their order, and the rules that their replies have to keep to. Replies come in the
/// order of requests, so that nothing is remembered but how many there were.
class Requests {
 public:
  /// `index` of `connections` in all, which hold the ids `first_id`, `first_id` + 1, …
  Requests(Mix mix, std::size_t index, std::size_t connections, std::size_t payload_bytes, std::size_t first_id = 0)
      : mix_{mix},
        is_first_{index == 0},
        id_{static_cast<classic::ClientId>(first_id + index)},
        filling_(payload_bytes, 'x'),
        number_bytes_{std::min<std::size_t>(payload_bytes, 8)},
        next_from_(256) {
    std::array<std::uint8_t, classic::packet_bytes_max> packet;
    get_frame_ = masked_frame(classic::encode(classic::Get{id_}, packet));
    const auto receiver = static_cast<classic::ClientId>(first_id + receiver_of(mix, index, connections));
    push_frame_ = masked_frame(classic::encode(classic::make_push(id_, receiver, filling_), packet));
  }

  classic::ClientId id() const noexcept { return id_; }

  /// How many times as many requests as the others this connection has in flight.
  std::size_t in_flight_factor(std::size_t connections) const noexcept {
    return mix_ == Mix::fan_in && is_first_ ? connections - 1 : 1;
  }

  /// Requests that were made, and replies that were checked.
  std::uint64_t asked() const noexcept { return asked_; }
  std::uint64_t answered() const noexcept { return answered_; }
  std::uint64_t in_flight() const noexcept { return asked_ - answered_; }

  /// The next request as a frame, valid until the next call.
  BytesView next() {
    if (!is_push(asked_++)) {
      return get_frame_;
    }
    // The first bytes of a payload number the pushes of a sender.
    const std::size_t start = push_frame_.size() - filling_.size();
    for (std::size_t i = 0; i < number_bytes_; ++i) {
      push_frame_[start + i] = static_cast<std::uint8_t>(pushed_ >> (8 * i)) ^ mask_of(push_header_bytes + i);
    }
    ++pushed_;
    return push_frame_;
  }

  /// Whether a reply is one that the oldest request can have: empty, or what was wrong.
  std::string_view check(BytesView reply) {
    if (answered_ == asked_) {
      return "a packet came that nothing had asked for";
    }
    const classic::ServerPacket packet = classic::decode_server_packet(reply);
    return is_push(answered_++) ? check_push(packet) : check_get(packet);
  }

  /// Replies that said that nothing was stored, or nothing was there.
  std::uint64_t full() const noexcept { return full_; }
  std::uint64_t empty() const noexcept { return empty_; }

 private:
  static constexpr std::size_t push_header_bytes = 5;

  static std::size_t receiver_of(Mix mix, std::size_t index, std::size_t connections) {
    switch (mix) {
      case Mix::ring:
        return (index + 1) % connections;
      case Mix::fan_in:
      case Mix::hot:
        return 0;
      case Mix::echo:
      case Mix::push:
      case Mix::get:
        break;
    }
    return index;
  }

  // Whether the request of this number, counted from 0, is a PUSH.
  bool is_push(std::uint64_t request) const noexcept {
    switch (mix_) {
      case Mix::echo:
      case Mix::ring:
        return request % 2 == 0;
      case Mix::fan_in:
      case Mix::hot:
        return !is_first_;
      case Mix::push:
        return true;
      case Mix::get:
        break;
    }
    return false;
  }

  std::string_view check_push(const classic::ServerPacket& packet) {
    if (const auto* ack = std::get_if<classic::PositiveAck>(&packet); ack != nullptr && ack->id == id_) {
      return {};
    }
    if (const auto* full = std::get_if<classic::BufferFull>(&packet);
        full != nullptr && full->id == id_ && mix_ != Mix::echo) {
      ++full_;
      return {};
    }
    return mix_ == Mix::echo ? "a PUSH was not answered with POSITIVEACK"
                             : "a PUSH was answered neither with POSITIVEACK nor with BUFFERFULL";
  }

  std::string_view check_get(const classic::ServerPacket& packet) {
    if (const auto* response = std::get_if<classic::GetResponse>(&packet);
        response != nullptr && response->id == id_ && mix_ != Mix::get) {
      return check_message(*response);
    }
    if (const auto* empty = std::get_if<classic::BufferEmpty>(&packet);
        empty != nullptr && empty->id == id_ && mix_ != Mix::echo) {
      ++empty_;
      return {};
    }
    return mix_ == Mix::echo ? "a GET was not answered with GETRESPONSE"
                             : "a GET was answered with something that cannot be in its mailbox";
  }

  std::string_view check_message(const classic::GetResponse& response) {
    if (response.payload.size() != filling_.size()) {
      return "a message came back with another length";
    }
    if (mix_ == Mix::echo && response.sender != id_) {
      return "a message came back with another sender";
    }
    if (!std::equal(response.payload.begin() + static_cast<std::ptrdiff_t>(number_bytes_), response.payload.end(),
                    filling_.begin() + static_cast<std::ptrdiff_t>(number_bytes_))) {
      return "a message came back changed";
    }
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < number_bytes_; ++i) {
      number |= std::uint64_t{response.payload[i]} << (8 * i);
    }
    std::uint64_t& next = next_from_[response.sender];
    const std::uint64_t wanted = number_bytes_ == 8 ? next : next & ((std::uint64_t{1} << (8 * number_bytes_)) - 1);
    // Nothing is missing in an echo. Elsewhere a push may have been refused, and the numbers of short payloads wrap.
    if (mix_ == Mix::echo ? number != wanted : number_bytes_ == 8 && number < wanted) {
      return "messages came back in another order, or twice, or not at all";
    }
    next = mix_ == Mix::echo ? next + 1 : number + 1;
    return {};
  }

  Mix mix_;
  bool is_first_;
  classic::ClientId id_;
  std::vector<std::uint8_t> filling_;
  std::size_t number_bytes_;
  std::vector<std::uint8_t> get_frame_;
  std::vector<std::uint8_t> push_frame_;
  // The number of the message that must come next from each sender, or a later one.
  std::vector<std::uint64_t> next_from_;
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t pushed_ = 0;
  std::uint64_t full_ = 0;
  std::uint64_t empty_ = 0;
};

}  // namespace restante::bench
