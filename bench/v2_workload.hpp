// What the benchmarks measure of restante.v2: requests through a whole Messenger, codec included.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <restante/assert.hpp>
#include <restante/messenger.hpp>
#include <restante/v2/codec.hpp>

#include "null_transport.hpp"
#include "workload.hpp"

namespace bench {

/// Connections with an address of 8 bytes each, in a ring: each pushes to the next. Rounds of pushes and rounds of
/// fetches keep the size in turn, as those of Workload do.
class V2Workload {
 public:
  static constexpr std::uint32_t round_requests = Workload::round_requests;

  explicit V2Workload(Size size) : peers_(size.connections) {
    RESTANTE_ASSERT(round_requests % size.connections == 0, "the connections must share a round evenly");
    for (std::uint32_t slot = 0; slot < size.connections; ++slot) {
      transport_.listener().opened({slot, 1}, {.protocol = restante::v2::protocol_name});
      const std::string number = std::to_string(1000 + slot);
      std::copy(number.begin(), number.end(), peers_[slot].name.begin() + 4);
      std::array<std::uint8_t, 128> buffer;
      request(slot, restante::v2::encode(restante::v2::Open{.tag = 1, .address = peers_[slot].address()}, buffer));
      const restante::v2::Reply reply = restante::v2::decode_reply(transport_.last());
      peers_[slot].epoch = std::get<restante::v2::Opened>(reply).epoch;
    }
    // Every mailbox holds what it is to hold, and has been as full as it will ever be.
    for (std::uint32_t message = 0; message < size.held; ++message) {
      for (std::uint32_t slot = 0; slot < size.connections; ++slot) {
        request(slot, push_of(slot));
        ++accepted_;
      }
    }
    prepare();
    push_round();
    fetch_round();
  }

  V2Workload(const V2Workload&) = delete;
  V2Workload& operator=(const V2Workload&) = delete;

  /// Makes the packets of the next rounds, so that they cost nothing while those are measured.
  void prepare() {
    pushes_.clear();
    acknowledgements_.clear();
    for (std::uint32_t i = 0; i < round_requests; ++i) {
      const Peer& peer = peers_[i % peers_.size()];
      Bytes bytes = push_of(static_cast<std::uint32_t>(i % peers_.size()));
      pushes_.push_back(bytes);
      bytes.resize(payload_bytes);
      bytes.resize(
          restante::v2::encode(
              restante::v2::Acknowledge{.tag = 4, .epoch = peer.epoch, .offset = peer.acknowledged + i / peers_.size()},
              bytes)
              .size());
      acknowledgements_.push_back(bytes);
    }
    if (fetches_.empty()) {
      for (const Peer& peer : peers_) {
        Bytes bytes(payload_bytes);
        bytes.resize(
            restante::v2::encode(
                restante::v2::Fetch{.tag = 3, .epoch = peer.epoch, .messages_max = 1, .bytes_max = 1'000}, bytes)
                .size());
        fetches_.push_back(bytes);
      }
    }
  }

  /// PUSH and its ACCEPTED.
  void push_round() {
    for (std::uint32_t i = 0; i < round_requests; ++i) {
      request(static_cast<std::uint32_t>(i % peers_.size()), pushes_[i]);
    }
    accepted_ += round_requests;
  }

  /// FETCH, MESSAGE, FETCHED, ACK and ACKED.
  void fetch_round() {
    for (std::uint32_t i = 0; i < round_requests; ++i) {
      const auto slot = static_cast<std::uint32_t>(i % peers_.size());
      request(slot, fetches_[slot]);
      request(slot, acknowledgements_[i]);
    }
    acknowledged_ += round_requests;
    for (Peer& peer : peers_) {
      peer.acknowledged += round_requests / peers_.size();
    }
  }

  /// Makes sure that what was measured is what was meant.
  void check() const {
    const restante::Books books = messenger_.counters().books;
    RESTANTE_ASSERT(books.stored == accepted_ && books.acknowledged == acknowledged_,
                    "a request of the benchmark was refused");
  }

 private:
  static constexpr std::size_t payload_bytes = Workload::payload_bytes;
  using Bytes = std::vector<std::uint8_t>;

  struct Peer {
    std::array<char, 8> name{'u', 's', 'e', 'r'};
    restante::Epoch epoch = 0;
    std::uint64_t sequence = 0;
    restante::Offset acknowledged = 0;

    restante::BytesView address() const { return restante::as_bytes({name.data(), name.size()}); }
  };

  /// The next push of a peer.
  Bytes push_of(std::uint32_t slot) {
    const Bytes payload(payload_bytes, 'x');
    Bytes bytes(payload_bytes + restante::v2::packet_bytes_beyond_payload);
    bytes.resize(restante::v2::encode(restante::v2::Push{.tag = 2,
                                                         .receiver = peers_[(slot + 1) % peers_.size()].address(),
                                                         .sequence = ++peers_[slot].sequence,
                                                         .payload = payload},
                                      bytes)
                     .size());
    return bytes;
  }

  void request(std::uint32_t slot, restante::BytesView bytes) {
    restante::TransportListener& listener = transport_.listener();
    listener.received({slot, 1}, restante::MessageType::binary, bytes);
    listener.turn_ended();
  }

  NullTransport transport_;
  restante::Messenger<NullTransport> messenger_{transport_};
  std::vector<Peer> peers_;
  std::vector<Bytes> pushes_;
  std::vector<Bytes> fetches_;
  std::vector<Bytes> acknowledgements_;
  std::uint64_t accepted_ = 0;
  std::uint64_t acknowledged_ = 0;
};

}  // namespace bench
