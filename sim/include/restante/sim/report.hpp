// What came out of a simulation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <restante/time.hpp>

namespace restante::sim {

/// Something that must not be, with a sentence that says what it was.
struct Violation {
  /// The checker that saw it.
  std::string checker;
  SteadyTime time{};
  std::string sentence;
};

/// Interesting states, which a run that is worth much has been in: each is counted when it is reached.
enum class Sometimes : std::uint8_t {
  mailbox_full,
  associate_refused,
  push_not_associated,
  get_not_associated,
  malformed_answered,
  connection_broke_with_data_in_flight,
  message_lost_with_connection,
  connection_paused,
  connection_stuck,
  server_crashed_with_messages_held,
  server_crashed_during_commit,
  storage_unavailable_answered,
  store_failed,
  /// Of a disk with transactions (restante/sim/store.hpp).
  turns_committed_as_one,
  durable_told_with_failure,
  failed_commit_kept,
  failed_commit_lost,
  id_restored,
  id_taken_on_return,
  outcome_unknown,
  // Of restante.v2.
  push_repeated,
  push_unknown,
  delivered_again,
  handed_again,
  message_expired,
  room_trimmed,
  messages_missed,
  epoch_changed,
  address_taken_over,
  client_storage_failed,
  /// How many there are.
  count,
};

/// Whether only clients of restante.v2 can reach it.
constexpr bool is_of_v2(Sometimes state) noexcept {
  return state >= Sometimes::push_repeated && state < Sometimes::count;
}

/// The word that reports use.
constexpr std::string_view name(Sometimes state) noexcept {
  switch (state) {
    case Sometimes::mailbox_full:
      return "mailbox_full";
    case Sometimes::associate_refused:
      return "associate_refused";
    case Sometimes::push_not_associated:
      return "push_not_associated";
    case Sometimes::get_not_associated:
      return "get_not_associated";
    case Sometimes::malformed_answered:
      return "malformed_answered";
    case Sometimes::connection_broke_with_data_in_flight:
      return "connection_broke_with_data_in_flight";
    case Sometimes::message_lost_with_connection:
      return "message_lost_with_connection";
    case Sometimes::connection_paused:
      return "connection_paused";
    case Sometimes::connection_stuck:
      return "connection_stuck";
    case Sometimes::server_crashed_with_messages_held:
      return "server_crashed_with_messages_held";
    case Sometimes::server_crashed_during_commit:
      return "server_crashed_during_commit";
    case Sometimes::storage_unavailable_answered:
      return "storage_unavailable_answered";
    case Sometimes::store_failed:
      return "store_failed";
    case Sometimes::turns_committed_as_one:
      return "turns_committed_as_one";
    case Sometimes::durable_told_with_failure:
      return "durable_told_with_failure";
    case Sometimes::failed_commit_kept:
      return "failed_commit_kept";
    case Sometimes::failed_commit_lost:
      return "failed_commit_lost";
    case Sometimes::id_restored:
      return "id_restored";
    case Sometimes::id_taken_on_return:
      return "id_taken_on_return";
    case Sometimes::outcome_unknown:
      return "outcome_unknown";
    case Sometimes::push_repeated:
      return "push_repeated";
    case Sometimes::push_unknown:
      return "push_unknown";
    case Sometimes::delivered_again:
      return "delivered_again";
    case Sometimes::handed_again:
      return "handed_again";
    case Sometimes::message_expired:
      return "message_expired";
    case Sometimes::room_trimmed:
      return "room_trimmed";
    case Sometimes::messages_missed:
      return "messages_missed";
    case Sometimes::epoch_changed:
      return "epoch_changed";
    case Sometimes::address_taken_over:
      return "address_taken_over";
    case Sometimes::client_storage_failed:
      return "client_storage_failed";
    case Sometimes::count:
      break;
  }
  return "unknown";
}

/// How often each state was reached.
class SometimesCounts {
 public:
  void reach(Sometimes state, std::uint64_t times = 1) { counts_[static_cast<std::size_t>(state)] += times; }
  std::uint64_t operator[](Sometimes state) const { return counts_[static_cast<std::size_t>(state)]; }

  SometimesCounts& operator+=(const SometimesCounts& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      counts_[i] += other.counts_[i];
    }
    return *this;
  }

  friend bool operator==(const SometimesCounts&, const SometimesCounts&) = default;

 private:
  std::array<std::uint64_t, static_cast<std::size_t>(Sometimes::count)> counts_{};
};

/// What became of a client's requests.
struct ClientTotals {
  std::uint64_t accepted = 0;
  std::uint64_t mailbox_full = 0;
  /// Answered with a refusal of another kind.
  std::uint64_t refused = 0;
  /// The connection ended before the reply came.
  std::uint64_t unknown = 0;
  /// Not sent, because there was no connection, or too many others were under way.
  std::uint64_t not_connected = 0;
  std::uint64_t messages = 0;
  std::uint64_t found_empty = 0;

  friend bool operator==(const ClientTotals&, const ClientTotals&) = default;
};

/// What clients and server did, in numbers.
struct Totals {
  std::uint64_t requests_received = 0;
  std::uint64_t replies_sent = 0;
  std::uint64_t pushes_accepted = 0;
  std::uint64_t pushes_mailbox_full = 0;
  /// Messages that left a mailbox.
  std::uint64_t messages_taken = 0;
  /// Messages that reached the client that asked for them.
  std::uint64_t messages_delivered = 0;
  /// Messages whose connection ended between GET and its response, which the classic protocol allows.
  std::uint64_t messages_lost_with_connection = 0;
  /// Messages that a server without a disk forgot when it crashed.
  std::uint64_t messages_lost_in_crash = 0;
  std::uint64_t messages_held = 0;
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_broken = 0;
  std::uint64_t datagrams_lost = 0;
  std::uint64_t datagrams_doubled = 0;

  friend bool operator==(const Totals&, const Totals&) = default;
};

/// A number of a run by the name that expectations and reports use.
struct NamedNumber {
  std::string_view name;
  std::uint64_t value = 0;
};

/// All of them, in the order in which they are told.
inline std::array<NamedNumber, 13> numbers_of(const Totals& totals) {
  return {{
      {"requests_received", totals.requests_received},
      {"replies_sent", totals.replies_sent},
      {"pushes_accepted", totals.pushes_accepted},
      {"pushes_mailbox_full", totals.pushes_mailbox_full},
      {"messages_taken", totals.messages_taken},
      {"messages_delivered", totals.messages_delivered},
      {"messages_lost_with_connection", totals.messages_lost_with_connection},
      {"messages_lost_in_crash", totals.messages_lost_in_crash},
      {"messages_held", totals.messages_held},
      {"connections_opened", totals.connections_opened},
      {"connections_broken", totals.connections_broken},
      {"datagrams_lost", totals.datagrams_lost},
      {"datagrams_doubled", totals.datagrams_doubled},
  }};
}

/// Collects what checkers find.
class Findings {
 public:
  /// More are counted, and not kept.
  static constexpr std::size_t kept_max = 20;

  void violation(std::string_view checker, SteadyTime time, std::string sentence) {
    ++violations_count_;
    if (violations_.size() < kept_max) {
      violations_.push_back({std::string{checker}, time, std::move(sentence)});
    }
  }

  /// The same for what did not come about after everything had healed.
  void liveness_failure(std::string_view checker, SteadyTime time, std::string sentence) {
    ++liveness_failures_count_;
    if (liveness_failures_.size() < kept_max) {
      liveness_failures_.push_back({std::string{checker}, time, std::move(sentence)});
    }
  }

  const std::vector<Violation>& violations() const noexcept { return violations_; }
  const std::vector<Violation>& liveness_failures() const noexcept { return liveness_failures_; }
  std::uint64_t violations_count() const noexcept { return violations_count_; }
  std::uint64_t liveness_failures_count() const noexcept { return liveness_failures_count_; }

  SometimesCounts sometimes;
  Totals totals;

 private:
  std::vector<Violation> violations_;
  std::vector<Violation> liveness_failures_;
  std::uint64_t violations_count_ = 0;
  std::uint64_t liveness_failures_count_ = 0;
};

}  // namespace restante::sim
