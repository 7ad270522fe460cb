// What a client of restante.v2 has to push: in which order, with which numbers, and how many at once (docs/protocol.md,
// restante.v2, rule 3).
#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/core/address_name.hpp>
#include <restante/error.hpp>
#include <restante/v2/error.hpp>
#include <restante/v2/outbox.hpp>
#include <restante/v2/packet.hpp>

namespace restante::v2::detail {

/// Messages from push() until what became of them is known.
///
/// Each receiver has a lane. The first message of a lane is ready when not too many of the lane are under way and the
/// lane is not held back. Of those that are ready, the ones with a number go first, in the order of their numbers: they
/// were sent before.
template <KeepsOutbox Outbox>
class Outgoing final : private OutboxLoader {
 public:
  struct Limits {
    std::size_t messages_max = 0;
    std::size_t bytes_max = 0;
    std::size_t under_way_per_receiver_max = 0;
  };

  /// A message whose fate is known, and who is to be told.
  struct Ended {
    PushId id = 0;
    std::string receiver;
    std::uint64_t sequence = 0;
    PushCallback callback;
    std::error_code error;
  };

  Outgoing(Outbox& outbox, Limits limits) : outbox_{outbox}, limits_{limits} {}

  /// Takes over what an earlier run left. Throws std::system_error when the outbox cannot say.
  void load() {
    if (const std::error_code error = outbox_.load(*this)) {
      throw std::system_error{error, "the outbox cannot be loaded"};
    }
  }

  std::size_t size() const noexcept { return messages_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

  /// The name of the next message.
  PushId next_id() noexcept { return ++last_id_; }

  /// Takes a message whose id is from next_id(), and the callback only where no error is given.
  std::error_code add(const OutgoingMessage& message, PushCallback& callback) {
    if (kind_of_name(as_bytes(message.receiver)) == NameKind::bad) {
      return Refusal::bad_address;
    }
    if (connected_ && message.payload.size() > payload_bytes_max_) {
      return Refusal::payload_too_large;
    }
    if (messages_.size() >= limits_.messages_max || bytes_ + message.payload.size() > limits_.bytes_max) {
      return Error::outbox_full;
    }
    if (const std::error_code error = outbox_.added(message)) {
      return error;
    }
    keep(message).callback = std::move(callback);
    return {};
  }

  /// The address is open. `was_taken` says that somebody else had it meanwhile. Gives the messages of which nothing can
  /// be known any more, and those that the server would not take.
  std::vector<Ended> opened(const Opened& opened, bool was_taken) {
    // Numbers that this client did not give mean that somebody else pushed from the address: what has no answer yet may
    // have got the same number as a message of his.
    const bool is_same_epoch = opened.epoch == epoch_;
    const bool others_pushed = was_taken || (is_same_epoch && opened.highest_sequence > highest_given_);
    connected_ = true;
    epoch_ = opened.epoch;
    window_ = opened.window;
    payload_bytes_max_ = opened.payload_bytes_max;
    highest_accepted_ = opened.highest_sequence;
    std::vector<PushId> lost;
    for (const auto& [id, message] : messages_) {
      const bool is_unknown = message.sequence != 0 && (message.epoch != epoch_ || others_pushed);
      if (is_unknown || message.payload.size() > payload_bytes_max_) {
        lost.push_back(id);
      }
    }
    std::vector<Ended> ended;
    for (const PushId id : lost) {
      const bool was_sent = messages_.at(id).sequence != 0;
      ended.push_back(
          end(id, was_sent ? make_error_code(Error::outcome_unknown) : make_error_code(Refusal::payload_too_large)));
    }
    highest_given_ = is_same_epoch ? std::max(highest_given_, highest_accepted_) : highest_accepted_;
    for (const auto& [sequence, id] : numbered_) {
      highest_given_ = std::max(highest_given_, sequence);
    }
    number_from_start_when_none_waits();
    return ended;
  }

  /// The connection ended: what was under way is to be sent again.
  void closed() {
    connected_ = false;
    for (auto& [name, lane] : lanes_) {
      lane.under_way = 0;
    }
    for (auto& [id, message] : messages_) {
      if (std::exchange(message.under_way, false)) {
        lanes_[message.receiver].waiting.insert(rank_of(id, message));
      }
    }
    ready_.clear();
    for (auto& [name, lane] : lanes_) {
      set_ready(lane);
    }
  }

  /// Nothing is sent to this receiver until it is let go.
  void hold(std::string_view receiver, bool held) {
    Lane& lane = lanes_[std::string{receiver}];
    lane.held = held;
    set_ready(lane);
    drop_if_empty(std::string{receiver});
  }

  /// The next message to send, which has its number and is under way from now on; 0 where none may be sent now. The
  /// error says that the outbox could not keep the number.
  std::pair<PushId, std::error_code> take() {
    if (!connected_ || ready_.empty()) {
      return {};
    }
    const Rank rank = *ready_.begin();
    Message& message = messages_.at(rank.id);
    if (message.sequence == 0) {
      if (!may_number()) {
        return {};
      }
      if (const std::error_code error = outbox_.numbered(rank.id, epoch_, next_sequence_)) {
        return {0, error};
      }
    }
    Lane& lane = lanes_.at(message.receiver);
    lane.waiting.erase(rank);
    if (message.sequence == 0) {
      message.sequence = next_sequence_++;
      message.epoch = epoch_;
      highest_given_ = std::max(highest_given_, message.sequence);
      numbered_.emplace(message.sequence, rank.id);
    }
    message.under_way = true;
    ++lane.under_way;
    set_ready(lane);
    return {rank.id, {}};
  }

  /// The packet of a message that take() gave; valid until the next call.
  Push packet(PushId id) const {
    const Message& message = messages_.at(id);
    return {.receiver = as_bytes(message.receiver),
            .sequence = message.sequence,
            .time_to_live_ms = static_cast<std::uint64_t>(message.time_to_live.count()),
            .payload = message.payload};
  }

  /// The server has it, from now on or since earlier.
  Ended accepted(PushId id) {
    highest_accepted_ = std::max(highest_accepted_, messages_.at(id).sequence);
    return end(id, {});
  }

  /// The server does not take it.
  Ended refused(PushId id, Refusal reason) { return end(id, reason); }

  /// The server does not take it now: it is sent again, with the same number.
  void put_back(PushId id) {
    Message& message = messages_.at(id);
    message.under_way = false;
    Lane& lane = lanes_.at(message.receiver);
    --lane.under_way;
    lane.waiting.insert(rank_of(id, message));
    set_ready(lane);
  }

 private:
  struct Message {
    std::string receiver;
    std::vector<std::uint8_t> payload;
    std::chrono::milliseconds time_to_live{};
    PushCallback callback;
    std::uint64_t sequence = 0;
    Epoch epoch = 0;
    bool under_way = false;
  };

  // Orders messages: first those that have a number.
  struct Rank {
    std::uint64_t sequence = 0;
    PushId id = 0;
    friend bool operator==(const Rank&, const Rank&) = default;
    friend auto operator<=>(const Rank&, const Rank&) = default;
  };

  struct Lane {
    std::set<Rank> waiting;
    std::size_t under_way = 0;
    bool held = false;
    // What stands in ready_ for this lane.
    std::optional<Rank> ready;
  };

  static Rank rank_of(PushId id, const Message& message) {
    return {message.sequence != 0 ? message.sequence : UINT64_MAX, id};
  }

  void message(const OutgoingMessage& loaded) override {
    last_id_ = std::max(last_id_, loaded.id);
    Message& kept = keep(loaded);
    if (kept.sequence != 0) {
      numbered_.emplace(kept.sequence, loaded.id);
    }
  }

  Message& keep(const OutgoingMessage& given) {
    Message& kept = messages_[given.id];
    kept.receiver = given.receiver;
    kept.payload.assign(given.payload.begin(), given.payload.end());
    kept.time_to_live = given.time_to_live;
    kept.sequence = given.sequence;
    kept.epoch = given.epoch;
    bytes_ += given.payload.size();
    Lane& lane = lanes_[kept.receiver];
    lane.waiting.insert(rank_of(given.id, kept));
    set_ready(lane);
    return kept;
  }

  // Rule 3. Numbers that were refused are not used up, so that the highest one accepted counts as well.
  bool may_number() const {
    const std::uint64_t lowest = numbered_.empty() ? next_sequence_ : numbered_.begin()->first;
    return next_sequence_ - lowest < window_ && next_sequence_ - highest_accepted_ <= window_;
  }

  // Numbers between the highest accepted and the next were all refused, and are free.
  void number_from_start_when_none_waits() {
    next_sequence_ =
        numbered_.empty() ? highest_accepted_ + 1 : std::max(numbered_.rbegin()->first, highest_accepted_) + 1;
  }

  Ended end(PushId id, std::error_code error) {
    const auto found = messages_.find(id);
    Message& message = found->second;
    Ended ended{id, message.receiver, message.sequence, std::move(message.callback), error};
    bytes_ -= message.payload.size();
    Lane& lane = lanes_.at(message.receiver);
    if (message.under_way) {
      --lane.under_way;
    } else {
      lane.waiting.erase(rank_of(id, message));
    }
    set_ready(lane);
    // A loaded number of another epoch may stand there twice.
    if (const auto number = numbered_.find(message.sequence); number != numbered_.end() && number->second == id) {
      numbered_.erase(number);
    }
    messages_.erase(found);
    outbox_.removed(id);
    drop_if_empty(ended.receiver);
    if (numbered_.empty()) {
      number_from_start_when_none_waits();
    }
    return ended;
  }

  void set_ready(Lane& lane) {
    if (lane.ready) {
      ready_.erase(*lane.ready);
      lane.ready.reset();
    }
    if (!lane.held && !lane.waiting.empty() && lane.under_way < limits_.under_way_per_receiver_max) {
      lane.ready = *lane.waiting.begin();
      ready_.insert(*lane.ready);
    }
  }

  void drop_if_empty(const std::string& receiver) {
    const auto lane = lanes_.find(receiver);
    if (lane != lanes_.end() && lane->second.waiting.empty() && lane->second.under_way == 0 && !lane->second.held) {
      lanes_.erase(lane);
    }
  }

  Outbox& outbox_;
  Limits limits_;
  std::map<PushId, Message> messages_;
  std::map<std::string, Lane> lanes_;
  std::set<Rank> ready_;
  // Those that have a number, under way or to be sent again.
  std::map<std::uint64_t, PushId> numbered_;
  std::size_t bytes_ = 0;
  PushId last_id_ = 0;
  bool connected_ = false;
  Epoch epoch_ = 0;
  std::uint64_t window_ = 0;
  std::uint64_t payload_bytes_max_ = 0;
  std::uint64_t highest_accepted_ = 0;
  std::uint64_t highest_given_ = 0;
  std::uint64_t next_sequence_ = 1;
};

}  // namespace restante::v2::detail
