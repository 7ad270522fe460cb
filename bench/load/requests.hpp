// What the connections of a run ask for by the classic protocol, and what they must be answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/classic/codec.hpp>

#include "frame.hpp"
#include "mix.hpp"
#include "payloads.hpp"

namespace restante::bench {

/// The requests of one connection in their order, and the rules that their replies have to keep to. Replies come in the
/// order of requests, so that nothing is remembered but how many there were.
class Requests {
 public:
  /// The subprotocol to ask for.
  static constexpr std::string_view protocol = {};
  /// The requests that get one message.
  static constexpr std::size_t requests_to_get = 1;

  /// `index` of `connections` in all, which hold the ids `first_id`, `first_id` + 1, …
  Requests(Mix mix, std::size_t index, std::size_t connections, std::size_t payload_bytes, std::size_t first_id = 0)
      : mix_{mix},
        pushes_{pushes(mix, index)},
        gets_{gets(mix, index)},
        id_{static_cast<classic::ClientId>(first_id + index)},
        payloads_{mix, payload_bytes} {
    std::array<std::uint8_t, classic::packet_bytes_max> packet;
    get_frame_ = masked_frame(classic::encode(classic::Get{id_}, packet));
    const auto receiver = static_cast<classic::ClientId>(first_id + receiver_of(mix, index, connections));
    push_frame_ = masked_frame(classic::encode(classic::make_push(id_, receiver, payloads_.filling()), packet));
  }

  classic::ClientId id() const noexcept { return id_; }

  /// What people call this connection.
  std::string name() const { return "id " + std::to_string(id_); }

  /// Associates the id, and takes out of its mailbox what an earlier run may have left there. `ask(packet, check)`
  /// sends a request and gives the reply to `check`, which gives whether that was all. Throws std::runtime_error where
  /// the reply is not what it must be.
  template <class Ask>
  void prepare(Ask&& ask) {
    std::array<std::uint8_t, classic::packet_bytes_max> packet;
    ask(classic::encode(classic::Associate{.id = id_}, packet), [this](BytesView reply) {
      if (!std::holds_alternative<classic::AssociationSuccess>(classic::decode_server_packet(reply))) {
        throw std::runtime_error(name() + " could not be associated, the reply was" + hexadecimal(reply) +
                                 ": does somebody else use it?");
      }
      return true;
    });
    bool is_empty = false;
    while (!is_empty) {
      ask(classic::encode(classic::Get{id_}, packet), [&](BytesView reply) {
        is_empty = !std::holds_alternative<classic::GetResponse>(classic::decode_server_packet(reply));
        return true;
      });
    }
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
    const std::size_t start = push_frame_.size() - payloads_.filling().size();
    payloads_.number_next([&](std::size_t place, std::uint8_t byte) {
      push_frame_[start + place] = byte ^ mask_of(push_header_bytes + place);
    });
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

  /// Messages that came.
  std::uint64_t messages() const noexcept { return messages_; }
  /// Replies that said that nothing was stored, or nothing was there.
  std::uint64_t full() const noexcept { return full_; }
  std::uint64_t empty() const noexcept { return empty_; }

 private:
  static constexpr std::size_t push_header_bytes = 5;

  // Whether the request of this number, counted from 0, is a PUSH.
  bool is_push(std::uint64_t request) const noexcept { return pushes_ && (!gets_ || request % 2 == 0); }

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
      ++messages_;
      return mix_ == Mix::echo && response->sender != id_ ? "a message came back with another sender"
                                                          : payloads_.check(response->sender, response->payload);
    }
    if (const auto* empty = std::get_if<classic::BufferEmpty>(&packet);
        empty != nullptr && empty->id == id_ && mix_ != Mix::echo) {
      ++empty_;
      return {};
    }
    return mix_ == Mix::echo ? "a GET was not answered with GETRESPONSE"
                             : "a GET was answered with something that cannot be in its mailbox";
  }

  Mix mix_;
  bool pushes_;
  bool gets_;
  classic::ClientId id_;
  Payloads payloads_;
  std::vector<std::uint8_t> get_frame_;
  std::vector<std::uint8_t> push_frame_;
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t full_ = 0;
  std::uint64_t empty_ = 0;
};

}  // namespace restante::bench
