// What the benchmarks measure: requests through a whole Messenger, codec included.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <restante/assert.hpp>
#include <restante/classic/codec.hpp>
#include <restante/messenger.hpp>

#include "null_transport.hpp"

namespace bench {

/// How much there is beside the one request that is measured.
struct Size {
  /// Connections; the 256 ids are dealt out among them.
  std::uint32_t connections = 2;
  /// Messages that every one of the 256 mailboxes holds before each round, up to 99.
  std::uint32_t held = 0;
};

/// The sizes of all benchmarks.
inline constexpr std::array<Size, 6> sizes{{{2, 0}, {2, 50}, {2, 99}, {256, 0}, {256, 50}, {256, 99}}};

/// A Messenger with its connections, and a round of requests of each kind. A round of pushes puts one message into
/// every mailbox, and a round of gets takes one out of each, so that the two in turn keep the size. Every request is a
/// turn of its own, which is the dearest that a transport can make it.
class Workload {
 public:
  /// The requests of a round.
  static constexpr std::uint32_t round_requests = restante::Address::classic_count;
  static constexpr std::size_t payload_bytes = 64;

  explicit Workload(Size size) {
    RESTANTE_ASSERT(size.connections >= 1, "nobody could send the requests");
    std::array<std::uint8_t, payload_bytes> payload;
    payload.fill('x');
    for (std::uint32_t slot = 0; slot < size.connections; ++slot) {
      transport_.listener().opened({slot, 1}, {});
    }
    for (std::uint32_t id = 0; id < round_requests; ++id) {
      const auto sender = static_cast<std::uint8_t>(id);
      const auto receiver = static_cast<std::uint8_t>(id + 1);
      const restante::Connection connection{id % size.connections, 1};
      requests_.push_back({connection, {}, {}});
      restante::classic::encode(restante::classic::make_push(sender, receiver, payload), requests_.back().push);
      restante::classic::encode(restante::classic::Get{sender}, requests_.back().get);
      std::array<std::uint8_t, 3> associate;
      request(connection, restante::classic::encode(restante::classic::Associate{sender}, associate));
    }
    // The pool has been as full as it will ever be before anything is measured.
    for (std::uint32_t message = 0; message < size.held + 1; ++message) {
      push_round();
    }
    get_round();
    check(round_requests * std::uint64_t{size.held});
  }

  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  /// PUSH and its POSITIVEACK, once for each mailbox.
  void push_round() {
    for (const Requests& requests : requests_) {
      request(requests.connection, requests.push);
    }
    pushes_ += round_requests;
  }

  /// GET and its GETRESPONSE, once for each mailbox.
  void get_round() {
    for (const Requests& requests : requests_) {
      request(requests.connection, requests.get);
    }
    gets_ += round_requests;
  }

  /// Makes sure that what was measured is what was meant: that no request was refused.
  void check(std::uint64_t held) const {
    const restante::MessengerCounters counters = messenger_.counters();
    RESTANTE_ASSERT(counters.answers.push_stored == pushes_ && counters.answers.get_message == gets_,
                    "a request of the benchmark was refused");
    RESTANTE_ASSERT(counters.books.held == held, "the mailboxes do not hold what the benchmark is named after");
    RESTANTE_ASSERT(transport_.messages_sent() == round_requests + pushes_ + gets_, "a reply did not leave");
  }

 private:
  struct Requests {
    restante::Connection connection;
    std::array<std::uint8_t, 5 + payload_bytes> push;
    std::array<std::uint8_t, 3> get;
  };

  void request(restante::Connection connection, restante::BytesView bytes) {
    restante::TransportListener& listener = transport_.listener();
    listener.received(connection, restante::MessageType::binary, bytes);
    listener.turn_ended();
  }

  NullTransport transport_;
  restante::Messenger<NullTransport> messenger_{transport_};
  std::vector<Requests> requests_;
  std::uint64_t pushes_ = 0;
  std::uint64_t gets_ = 0;
};

}  // namespace bench
