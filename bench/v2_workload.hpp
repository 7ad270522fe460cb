// What the benchmarks measure of restante.v2: requests through a whole Messenger, codec included.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <restante/assert.hpp>
#include <restante/messenger.hpp>
#include <restante/v2/codec.hpp>

#include "null_transport.hpp"
#include "workload.hpp"

namespace bench {

/// A Messenger, and connections that opened an address of 8 bytes each. Every request is a turn of its own.
class V2Connections {
 public:
  V2Connections(const V2Connections&) = delete;
  V2Connections& operator=(const V2Connections&) = delete;

 protected:
  using Bytes = std::vector<std::uint8_t>;
  static constexpr std::size_t payload_bytes = Workload::payload_bytes;

  struct Peer {
    std::array<char, 8> name{'b', 'o', 'x'};
    restante::Epoch epoch = 0;
    /// The number of its latest push.
    std::uint64_t sequence = 0;
    /// Messages of its mailbox that it acknowledged, from the first on.
    std::uint64_t acknowledged = 0;

    restante::BytesView address() const { return restante::as_bytes({name.data(), name.size()}); }
  };

  explicit V2Connections(std::uint32_t count, restante::MessengerOptions options = {})
      : messenger_{transport_, with_known_entropy(std::move(options))}, peers_(count) {
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      transport_.listener().opened({slot, 1}, {.protocol = restante::v2::protocol_name});
      const std::string number = std::to_string(10'000 + slot);
      std::copy(number.begin(), number.end(), peers_[slot].name.begin() + 3);
      peers_[slot].epoch =
          ask<restante::v2::Opened>(slot, restante::v2::Open{.tag = 1, .address = peers_[slot].address()}).epoch;
    }
  }

  template <class Packet>
  static Bytes bytes_of(const Packet& packet) {
    Bytes bytes(payload_bytes + restante::v2::packet_bytes_beyond_payload);
    bytes.resize(restante::v2::encode(packet, bytes).size());
    return bytes;
  }

  /// The next push of a peer.
  Bytes push_of(std::uint32_t slot, restante::BytesView receiver) {
    const Bytes payload(payload_bytes, 'x');
    return bytes_of(
        restante::v2::Push{.tag = 2, .receiver = receiver, .sequence = ++peers_[slot].sequence, .payload = payload});
  }

  void request(std::uint32_t slot, restante::BytesView bytes) {
    restante::TransportListener& listener = transport_.listener();
    listener.received({slot, 1}, restante::MessageType::binary, bytes);
    listener.turn_ended();
  }

  /// Makes a request, and gives the reply that it must have.
  template <class Reply, class Packet>
  Reply ask(std::uint32_t slot, const Packet& packet) {
    request(slot, bytes_of(packet));
    const restante::v2::Reply reply = restante::v2::decode_reply(transport_.last());
    RESTANTE_ASSERT(std::holds_alternative<Reply>(reply), "a request of the benchmark was refused");
    return std::get<Reply>(reply);
  }

  NullTransport transport_;
  restante::Messenger<NullTransport> messenger_;
  std::vector<Peer> peers_;

 private:
  // Where a name lies in a table depends on a random key, and how long it takes to find on that: the same each time.
  static restante::MessengerOptions with_known_entropy(restante::MessengerOptions options) {
    options.entropy = [state = std::uint64_t{0}]() mutable {
      state += 0x9e37'79b9'7f4a'7c15U;
      return state * 0xbf58'476d'1ce4'e5b9U;
    };
    return options;
  }
};

/// Connections in a ring: each pushes to the next. Rounds of pushes and rounds of fetches keep the size in turn, as
/// those of Workload do.
class V2Workload : V2Connections {
 public:
  static constexpr std::uint32_t round_requests = Workload::round_requests;

  explicit V2Workload(Size size) : V2Connections{size.connections} {
    RESTANTE_ASSERT(round_requests % size.connections == 0, "the connections must share a round evenly");
    // Every mailbox holds what it is to hold, and has been as full as it will ever be.
    for (std::uint32_t message = 0; message < size.held; ++message) {
      for (std::uint32_t slot = 0; slot < size.connections; ++slot) {
        request(slot, push_to_next(slot));
        ++accepted_;
      }
    }
    prepare();
    push_round();
    fetch_round();
  }

  /// Makes the packets of the next round of pushes and the next of fetches, so that they cost nothing while those are
  /// measured.
  void prepare() {
    pushes_.clear();
    acknowledgements_.clear();
    for (std::uint32_t i = 0; i < round_requests; ++i) {
      const Peer& peer = peers_[i % peers_.size()];
      pushes_.push_back(push_to_next(static_cast<std::uint32_t>(i % peers_.size())));
      acknowledgements_.push_back(bytes_of(
          restante::v2::Acknowledge{.tag = 4, .epoch = peer.epoch, .offset = peer.acknowledged + i / peers_.size()}));
    }
    for (Peer& peer : peers_) {
      peer.acknowledged += round_requests / peers_.size();
    }
    if (fetches_.empty()) {
      for (const Peer& peer : peers_) {
        fetches_.push_back(
            bytes_of(restante::v2::Fetch{.tag = 3, .epoch = peer.epoch, .messages_max = 1, .bytes_max = 1'000}));
      }
    }
  }

  /// PUSH and its ACCEPTED.
  void push_round() {
    const auto peers = static_cast<std::uint32_t>(peers_.size());
    for (std::uint32_t i = 0; i < round_requests;) {
      for (std::uint32_t slot = 0; slot < peers; ++slot, ++i) {
        request(slot, pushes_[i]);
      }
    }
    accepted_ += round_requests;
  }

  /// FETCH, MESSAGE, FETCHED, ACK and ACKED.
  void fetch_round() {
    const auto peers = static_cast<std::uint32_t>(peers_.size());
    for (std::uint32_t i = 0; i < round_requests;) {
      for (std::uint32_t slot = 0; slot < peers; ++slot, ++i) {
        request(slot, fetches_[slot]);
        request(slot, acknowledgements_[i]);
      }
    }
    acknowledged_ += round_requests;
  }

  /// Makes sure that what was measured is what was meant.
  void check() const {
    const restante::Books books = messenger_.counters().books;
    RESTANTE_ASSERT(books.stored == accepted_ && books.acknowledged == acknowledged_,
                    "a request of the benchmark was refused");
  }

 private:
  Bytes push_to_next(std::uint32_t slot) { return push_of(slot, peers_[(slot + 1) % peers_.size()].address()); }

  std::vector<Bytes> pushes_;
  std::vector<Bytes> fetches_;
  std::vector<Bytes> acknowledgements_;
  std::uint64_t accepted_ = 0;
  std::uint64_t acknowledged_ = 0;
};

}  // namespace bench
