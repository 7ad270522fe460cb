// What the connections of a run ask for by restante.v2, and what they must be answered.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/v2/codec.hpp>

#include "frame.hpp"
#include "mix.hpp"
#include "payloads.hpp"

namespace restante::bench {

/// The numbers of pushes, none of which may be used twice unless it was refused (docs/protocol.md, restante.v2, rule
/// 3). At most `window` of them are to be unanswered at a time.
class SequenceNumbers {
 public:
  SequenceNumbers(std::uint64_t highest_accepted, std::uint64_t window)
      : accepted_{highest_accepted}, given_{highest_accepted}, window_{window} {}

  std::uint64_t next() {
    if (given_ < accepted_ + window_) [[likely]] {
      return ++given_;
    }
    // All that may be used have been. Those above the highest one accepted that are not under way were refused.
    while (refused_.front() <= accepted_) {
      refused_.pop_front();
    }
    const std::uint64_t number = refused_.front();
    refused_.pop_front();
    return number;
  }

  void accepted(std::uint64_t number) {
    accepted_ = std::max(accepted_, number);
    while (!refused_.empty() && refused_.front() <= accepted_) {
      refused_.pop_front();
    }
  }

  void refused(std::uint64_t number) { refused_.push_back(number); }

 private:
  std::uint64_t accepted_;
  std::uint64_t given_;
  std::uint64_t window_;
  std::deque<std::uint64_t> refused_;
};

/// The requests of one connection in their order, and the rules that their replies have to keep to. Each FETCH asks for
/// one message and does not wait. Each ACK is for the oldest message that came and has none yet, or again for the one
/// before where there is none. Replies are taken to come in the order of requests: the protocol allows another, but no
/// server that this measures makes use of it.
class V2Requests {
 public:
  /// The subprotocol to ask for.
  static constexpr std::string_view protocol = v2::protocol_name;
  /// The requests that get one message.
  static constexpr std::size_t requests_to_get = 2;
  /// The most requests of a connection that may be in flight, so that never more pushes are unanswered than the
  /// smallest window allows.
  static constexpr std::size_t in_flight_max = 256;

  /// `index` of `connections` in all, which open the addresses bench000, bench001, … from that with the number
  /// `first_id` on. At most `in_flight` requests will be in flight.
  V2Requests(Mix mix, std::size_t index, std::size_t connections, std::size_t payload_bytes, std::size_t first_id,
             std::size_t in_flight)
      : mix_{mix},
        number_{static_cast<std::uint8_t>(first_id + index)},
        address_{address_of(first_id + index)},
        receiver_{address_of(first_id + receiver_of(mix, index, connections))},
        payloads_{mix, payload_bytes},
        payload_(payloads_.filling().begin(), payloads_.filling().end()),
        tags_{in_flight <= 63       ? Tags{1, 63}
              : in_flight <= 16'320 ? Tags{64, 16'320}
                                    : Tags{16'384, 1'000'000}},
        unanswered_(in_flight_max),
        frame_(frame_header_bytes_max + payload_bytes + v2::packet_bytes_beyond_payload) {
    if (pushes(mix, index)) {
      steps_[steps_size_++] = Step::push;
    }
    if (gets(mix, index)) {
      steps_[steps_size_++] = Step::fetch;
      if (mix != Mix::get) {
        steps_[steps_size_++] = Step::acknowledge;
      }
    }
  }

  /// What people call this connection.
  std::string name() const { return "address " + std::string{address_.begin(), address_.end()}; }

  /// Opens the address, takes out of its mailbox what an earlier run may have left there, and lets one message pass
  /// through it, so that there is one to acknowledge. `ask(packet, check)` sends a request and gives each reply to
  /// `check`, which gives whether that was all. Throws std::runtime_error where a reply is not what it must be.
  template <class Ask>
  void prepare(Ask&& ask) {
    std::vector<std::uint8_t> packet(payload_.size() + v2::packet_bytes_beyond_payload);
    v2::Opened opened;
    ask(v2::encode(v2::Open{.tag = tags_.first, .address = address_}, packet),
        [&](BytesView reply) { return expect(reply, opened, "be opened (does somebody else use it?)"); });
    epoch_ = opened.epoch;
    if (opened.window < in_flight_max || opened.payload_bytes_max < payload_.size()) {
      throw std::runtime_error(name() + " may not push such payloads, or not so many at a time");
    }
    numbers_ = {opened.highest_sequence, in_flight_max};
    empty(ask, packet);
    const std::uint64_t sequence = numbers_.next();
    v2::Accepted accepted;
    ask(v2::encode(v2::Push{.tag = tags_.first, .receiver = address_, .sequence = sequence, .payload = payload_},
                   packet),
        [&](BytesView reply) { return expect(reply, accepted, "be pushed to"); });
    numbers_.accepted(sequence);
    empty(ask, packet);
  }

  /// Requests that were made, and those whose last reply was checked.
  std::uint64_t asked() const noexcept { return asked_; }
  std::uint64_t answered() const noexcept { return answered_; }
  std::uint64_t in_flight() const noexcept { return asked_ - answered_; }

  /// The next request as a frame, valid until the next call. prepare() must have been called.
  BytesView next() {
    const v2::Tag tag = tags_.of(asked_);
    const std::span<std::uint8_t> packet = std::span{frame_}.subspan(frame_header_bytes_max);
    BytesView encoded;
    switch (step_of(asked_)) {
      case Step::push: {
        payloads_.number_next([this](std::size_t place, std::uint8_t byte) { payload_[place] = byte; });
        std::uint64_t& sequence = unanswered_[pushed_++ % unanswered_.size()];
        sequence = numbers_.next();
        encoded =
            v2::encode(v2::Push{.tag = tag, .receiver = receiver_, .sequence = sequence, .payload = payload_}, packet);
        break;
      }
      case Step::fetch:
        encoded =
            v2::encode(v2::Fetch{.tag = tag, .epoch = epoch_, .messages_max = 1, .bytes_max = payload_.size()}, packet);
        break;
      case Step::acknowledge:
        if (!delivered_.empty()) {
          acknowledged_ = delivered_.front();
          delivered_.pop_front();
        }
        encoded = v2::encode(v2::Acknowledge{.tag = tag, .epoch = epoch_, .offset = acknowledged_}, packet);
        break;
    }
    ++asked_;
    return mask_in_place(frame_, encoded.size());
  }

  /// Whether a reply is one that the oldest request can have now: empty, or what was wrong.
  std::string_view check(BytesView reply) {
    if (answered_ == asked_) {
      return "a packet came that nothing had asked for";
    }
    const v2::Reply packet = v2::decode_reply(reply);
    const v2::Tag tag = tags_.of(answered_);
    if (const auto* refused = std::get_if<v2::Refused>(&packet); refused != nullptr && refused->tag == tag) {
      return check_refused(refused->reason);
    }
    switch (step_of(answered_)) {
      case Step::push:
        if (const auto* accepted = std::get_if<v2::Accepted>(&packet); accepted != nullptr && accepted->tag == tag) {
          ++answered_;
          numbers_.accepted(unanswered_[decided_++ % unanswered_.size()]);
          return accepted->duplicate ? "a PUSH was taken for one that was accepted before" : std::string_view{};
        }
        return "a PUSH was not answered with ACCEPTED";
      case Step::fetch:
        if (const auto* message = std::get_if<v2::Message>(&packet); message != nullptr && message->tag == tag) {
          return check_message(*message);
        }
        if (const auto* fetched = std::get_if<v2::Fetched>(&packet); fetched != nullptr && fetched->tag == tag) {
          return check_fetched(*fetched);
        }
        return "a FETCH was not answered with MESSAGE or FETCHED";
      case Step::acknowledge:
        break;
    }
    if (const auto* done = std::get_if<v2::Acknowledged>(&packet); done != nullptr && done->tag == tag) {
      ++answered_;
      return {};
    }
    return "an ACK was not answered with ACKED";
  }

  /// Messages that came.
  std::uint64_t messages() const noexcept { return messages_; }
  /// Replies that said that nothing was stored, or nothing was there.
  std::uint64_t full() const noexcept { return full_; }
  std::uint64_t empty() const noexcept { return empty_; }

 private:
  using Address = std::array<std::uint8_t, 8>;
  enum class Step : std::uint8_t { push, fetch, acknowledge };

  // Tags whose numbers take equally many bytes, in turn.
  struct Tags {
    v2::Tag first;
    v2::Tag count;
    v2::Tag of(std::uint64_t request) const noexcept { return first + static_cast<v2::Tag>(request % count); }
  };

  static Address address_of(std::size_t number) {
    const auto digit = [&](std::size_t unit) { return static_cast<std::uint8_t>('0' + number / unit % 10); };
    return {'b', 'e', 'n', 'c', 'h', digit(100), digit(10), digit(1)};
  }

  Step step_of(std::uint64_t request) const noexcept { return steps_[request % steps_size_]; }

  template <class Packet>
  bool expect(BytesView reply, Packet& packet, const char* what) const {
    const v2::Reply decoded = v2::decode_reply(reply);
    const auto* found = std::get_if<Packet>(&decoded);
    if (found == nullptr) {
      throw std::runtime_error(name() + " could not " + what + ": the reply was" + hexadecimal(reply));
    }
    packet = *found;
    return true;
  }

  // Fetches and acknowledges until nothing is left.
  template <class Ask>
  void empty(Ask& ask, std::vector<std::uint8_t>& packet) {
    const v2::Fetch fetch{.tag = tags_.first, .epoch = epoch_, .messages_max = 256, .bytes_max = 65'536};
    bool is_empty = false;
    while (!is_empty) {
      is_empty = true;
      ask(v2::encode(fetch, packet), [&](BytesView reply) {
        const v2::Reply decoded = v2::decode_reply(reply);
        if (const auto* message = std::get_if<v2::Message>(&decoded)) {
          is_empty = false;
          acknowledged_ = message->offset;
          return false;
        }
        v2::Fetched fetched;
        return expect(reply, fetched, "be fetched from");
      });
      if (!is_empty) {
        v2::Acknowledged acknowledged;
        ask(v2::encode(v2::Acknowledge{.tag = tags_.first, .epoch = epoch_, .offset = acknowledged_}, packet),
            [&](BytesView reply) { return expect(reply, acknowledged, "be emptied"); });
      }
    }
    highest_offset_ = acknowledged_;
  }

  std::string_view check_refused(Refusal reason) {
    const bool was_push = step_of(answered_) == Step::push;
    if (!was_push || mix_ == Mix::echo || (reason != Refusal::mailbox_full && reason != Refusal::quota_exceeded)) {
      return "a request was refused";
    }
    ++answered_;
    ++full_;
    numbers_.refused(unanswered_[decided_++ % unanswered_.size()]);
    return {};
  }

  std::string_view check_message(const v2::Message& message) {
    if (brought_) {
      return "more messages came than were asked for";
    }
    if (!message.source.empty() || mix_ == Mix::get) {
      return "a message came that cannot be in its mailbox";
    }
    if (message.offset <= highest_offset_) {
      return "a message came with an offset that was not above all before";
    }
    brought_ = true;
    ++messages_;
    highest_offset_ = message.offset;
    delivered_.push_back(message.offset);
    const int sender = number_of(message.sender);
    return sender < 0 || (mix_ == Mix::echo && sender != number_)
               ? "a message came back with another sender"
               : payloads_.check(static_cast<std::uint8_t>(sender), message.payload);
  }

  std::string_view check_fetched(const v2::Fetched& fetched) {
    if (fetched.delivered != (brought_ ? 1U : 0U)) {
      return "FETCHED names another number of messages than came";
    }
    if (mix_ == Mix::echo && (!brought_ || fetched.remaining != 0)) {
      return "a FETCH did not bring the message that was pushed before it";
    }
    ++answered_;
    empty_ += brought_ ? 0 : 1;
    brought_ = false;
    return {};
  }

  // The number in the name of one of our addresses; -1 for another one.
  static int number_of(v2::Name name) {
    if (name.size() != Address{}.size() || !std::equal(name.begin(), name.begin() + 5, address_of(0).begin())) {
      return -1;
    }
    int number = 0;
    for (const std::uint8_t digit : name.subspan(5)) {
      if (digit < '0' || digit > '9') {
        return -1;
      }
      number = number * 10 + (digit - '0');
    }
    return number <= 255 ? number : -1;
  }

  Mix mix_;
  std::uint8_t number_;
  Address address_;
  Address receiver_;
  Payloads payloads_;
  std::vector<std::uint8_t> payload_;
  Tags tags_;
  std::array<Step, 3> steps_{};
  std::size_t steps_size_ = 0;
  Epoch epoch_ = 0;
  SequenceNumbers numbers_{0, in_flight_max};
  // The sequence numbers of the pushes under way, the n-th at n modulo the size.
  std::vector<std::uint64_t> unanswered_;
  std::uint64_t pushed_ = 0;
  std::uint64_t decided_ = 0;
  // What came and is not acknowledged, and what was acknowledged last.
  std::deque<Offset> delivered_;
  Offset acknowledged_ = 0;
  Offset highest_offset_ = 0;
  // The oldest request is a FETCH that brought its message.
  bool brought_ = false;
  std::vector<std::uint8_t> frame_;
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t full_ = 0;
  std::uint64_t empty_ = 0;
};

}  // namespace restante::bench
