// What the benchmarks measure where there are many: who wait, and who are in a room.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <restante/assert.hpp>
#include <restante/messenger.hpp>
#include <restante/v2/codec.hpp>

#include "v2_workload.hpp"

namespace bench {

/// The numbers of waiters, and of members, that are compared.
inline constexpr std::array<std::uint32_t, 2> crowds{10, 10'000};

/// What the room keeps. Little, because everybody reads it to its end before waiting.
inline constexpr std::uint32_t kept_in_room = 32;

inline restante::MessengerOptions options_for_crowds() {
  restante::MessengerOptions options;
  options.limits.addresses_max = 2 * crowds.back();
  options.limits.room_members_max = 2 * crowds.back();
  options.limits.room_messages_max = kept_in_room;
  return options;
}

/// Connections that each wait with a FETCH for the own mailbox, and one that pushes to some of them.
class V2Waiters : V2Connections {
 public:
  /// Those who are woken in a round: so many as there are at least.
  static constexpr std::uint32_t round_requests = crowds.front();

  explicit V2Waiters(std::uint32_t waiters)
      : V2Connections{waiters + 1, options_for_crowds()}, waiters_{waiters}, pusher_{waiters} {
    RESTANTE_ASSERT(waiters % round_requests == 0, "the rounds must come to everybody equally often");
    for (std::uint32_t slot = 0; slot < waiters; ++slot) {
      fetches_.push_back(bytes_of(restante::v2::Fetch{
          .tag = 3, .epoch = peers_[slot].epoch, .messages_max = 1, .bytes_max = 1'000, .wait_ms = 60'000 + slot}));
      request(slot, fetches_[slot]);
    }
    // Everybody has been woken before anything is measured.
    for (std::uint32_t round = 0; round < waiters / round_requests; ++round) {
      prepare();
      wake_round();
      wait_round();
    }
  }

  /// Makes the packets of the next two rounds.
  void prepare() {
    woken_.clear();
    pushes_.clear();
    acknowledgements_.clear();
    for (std::uint32_t i = 0; i < round_requests; ++i) {
      // Now here, now there, and everybody in turn.
      const auto slot = static_cast<std::uint32_t>((wakes_ + i) * 997 % waiters_);
      woken_.push_back(slot);
      pushes_.push_back(push_of(pusher_, peers_[slot].address()));
      acknowledgements_.push_back(bytes_of(
          restante::v2::Acknowledge{.tag = 4, .epoch = peers_[slot].epoch, .offset = peers_[slot].acknowledged++}));
    }
  }

  /// A PUSH that wakes somebody: ACCEPTED for the one, MESSAGE and FETCHED for the other.
  void wake_round() {
    for (const Bytes& push : pushes_) {
      request(pusher_, push);
    }
    wakes_ += round_requests;
  }

  /// ACK and ACKED, and the FETCH that waits again.
  void wait_round() {
    for (std::uint32_t i = 0; i < round_requests; ++i) {
      request(woken_[i], acknowledgements_[i]);
      request(woken_[i], fetches_[woken_[i]]);
    }
  }

  /// Makes sure that what was measured is what was meant.
  void check() const {
    const restante::MessengerCounters counters = messenger_.counters();
    RESTANTE_ASSERT(counters.books.stored == wakes_ && counters.books.acknowledged == wakes_ &&
                        counters.waits == waiters_ && counters.packets_sent == peers_.size() + 4 * wakes_,
                    "somebody was not woken");
  }

 private:
  std::uint32_t waiters_;
  std::uint32_t pusher_;
  std::vector<std::uint32_t> woken_;
  std::vector<Bytes> pushes_;
  std::vector<Bytes> acknowledgements_;
  std::vector<Bytes> fetches_;
  std::uint64_t wakes_ = 0;
};

/// The members of a room that keeps as much as it may, so that each push makes place for itself.
class V2Room : V2Connections {
 public:
  static constexpr std::uint32_t round_requests = Workload::round_requests;

  explicit V2Room(std::uint32_t members) : V2Connections{members, options_for_crowds()} {
    for (std::uint32_t slot = 0; slot < members; ++slot) {
      epoch_ = ask<restante::v2::Joined>(slot, restante::v2::Join{.tag = 2, .room = name()}).epoch;
    }
    // The room has been full, and everybody has waited, before anything is measured.
    prepare_pushes();
    push_round();
    prepare_waiting();
    serve_round();
  }

  /// Makes the packets of the next round of pushes.
  void prepare_pushes() {
    pushes_.clear();
    for (std::uint32_t i = 0; i < round_requests; ++i) {
      pushes_.push_back(push_of(pusher, name()));
    }
  }

  /// PUSH and ACCEPTED, while nobody waits.
  void push_round() {
    for (const Bytes& push : pushes_) {
      request(pusher, push);
    }
    pushed_ += round_requests;
  }

  /// Everybody waits, and somebody has pushed.
  void prepare_waiting() {
    const Bytes to_the_end = fetch_of(kept_in_room, 0);
    const Bytes fetch = fetch_of(1, 60'000);
    for (std::uint32_t slot = 0; slot < peers_.size(); ++slot) {
      request(slot, to_the_end);
      request(slot, fetch);
    }
    RESTANTE_ASSERT(messenger_.counters().waits == peers_.size(), "somebody does not wait");
    transport_.listener().received({pusher, 1}, restante::MessageType::binary, push_of(pusher, name()));
    ++pushed_;
  }

  /// MESSAGE and FETCHED for everybody, in as many turns as that takes.
  void serve_round() {
    transport_.listener().turn_ended();
    while (messenger_.counters().waits != 0) {
      transport_.listener().woken();
    }
  }

  /// Makes sure that what was measured is what was meant.
  void check() const {
    const restante::Books books = messenger_.counters().books;
    RESTANTE_ASSERT(books.stored == pushed_ && books.held == kept_in_room, "a request of the benchmark was refused");
  }

 private:
  static constexpr std::uint32_t pusher = 0;

  static restante::BytesView name() { return restante::as_bytes("#meeting"); }

  Bytes fetch_of(std::uint64_t messages, std::uint64_t wait_ms) const {
    return bytes_of(restante::v2::Fetch{.tag = 3,
                                        .source = name(),
                                        .epoch = epoch_,
                                        .messages_max = messages,
                                        .bytes_max = messages * payload_bytes,
                                        .wait_ms = wait_ms});
  }

  restante::Epoch epoch_ = 0;
  std::vector<Bytes> pushes_;
  std::uint64_t pushed_ = 0;
};

}  // namespace bench
