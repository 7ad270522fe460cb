// A program that uses the library's client of restante.v2, and what it keeps when it ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/mail_storage.hpp>
#include <restante/sim/v2_delivery_checker.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>
#include <restante/v2/client.hpp>

namespace restante::sim {

/// How a client of restante.v2 behaves.
struct CorrespondentSetup {
  /// What it opens: no classic id, so that the two protocols do not meet in one mailbox.
  std::string address = {};
  /// Rooms that it is in.
  std::vector<std::string> rooms = {};
  /// Stores the offset of each message with its effect, so that both outlive the program.
  bool keeps_offsets = false;
  /// Its outbox, and its resume token, outlive the program.
  bool keeps_outbox = false;
  /// Each so-manieth thing that its outbox or inbox should keep cannot be kept; 0 for none.
  std::uint32_t storage_fails_every = 0;
  /// Asks what becomes of each message, until it has arrived.
  bool asks_receipts = false;
  /// How long after a message was handed over it is done with it; 0 for at once.
  Duration handles_for{};
  /// Of what it pushes; 0 for none.
  Duration time_to_live{};
  /// v2::ClientOptions of the same names.
  Duration reply_timeout = v2::ClientOptions{}.reply_timeout;
  std::uint32_t pushes_per_receiver_max = 1;
  std::uint32_t messages_in_hand_max = 64;
  std::uint32_t fetch_bytes_max = 1024 * 1024;
};

namespace detail {

/// What of a program outlives it, as far as it is kept.
struct CorrespondentStorage : public MailStorage {
  std::optional<ResumeToken> resume_token;
};

}  // namespace detail

/// The program, and its storage. Everything that it pushes is a letter; the checker hears of all that it is told and
/// handed.
template <class T>
requires ClientTransport<T>
class Correspondent {
 public:
  /// Does something later.
  using Alarm = std::function<void(Duration delay, std::function<void()> action)>;

  Correspondent(Letters& letters, V2DeliveryChecker& checker, ClientIndex index, CorrespondentSetup setup, Alarm alarm)
      : letters_{letters}, checker_{checker}, index_{index}, setup_{std::move(setup)}, alarm_{std::move(alarm)} {
    checker_.judge(index,
                   {setup_.address, setup_.keeps_offsets, setup_.keeps_outbox, setup_.pushes_per_receiver_max == 1});
    storage_.fails_in = storage_.fails_every = setup_.storage_fails_every;
  }
  Correspondent(const Correspondent&) = delete;
  Correspondent& operator=(const Correspondent&) = delete;

  const CorrespondentSetup& setup() const noexcept { return setup_; }

  /// Starts the program, which connects to nothing yet. The transport must live until it ends.
  void start(T& transport, std::uint64_t seed) {
    using namespace std::chrono_literals;
    transport_ = &transport;
    v2::ClientOptions options;
    options.address = setup_.address;
    options.resume_token = storage_.resume_token;
    options.reply_timeout = setup_.reply_timeout;
    options.reconnect_after_max = 5s;
    options.seed = seed;
    options.pushes_per_receiver_max = setup_.pushes_per_receiver_max;
    options.messages_in_hand_max = setup_.messages_in_hand_max;
    options.fetch_bytes_max = setup_.fetch_bytes_max;
    // Longer than anything takes: a fetch that is forgotten stays so.
    options.fetch_wait = wait;
    options.on_message = [this](const v2::Delivery& delivery) { return handle(delivery); };
    options.on_event = [this](const v2::ClientEvent& event) { told(event); };
    program_.emplace(transport, storage_, storage_, std::move(options));
    for (const std::string& room : setup_.rooms) {
      program_->join(room);
    }
  }

  void connect() { program_->connect(); }
  void close() { program_->close(); }

  /// The program ends without a word.
  void crash() {
    program_.reset();
    ++lives_;
    asking_ = 0;
    receipts_.clear();
    if (!setup_.keeps_outbox) {
      storage_.outbox.clear();
      storage_.resume_token.reset();
    }
    checker_.ended(index_);
  }

  /// Pushes a letter.
  void push(std::string_view receiver, std::size_t payload_bytes) {
    const auto time_to_live = std::chrono::duration_cast<std::chrono::milliseconds>(setup_.time_to_live);
    const auto [number, payload] = letters_.write({.sender = index_,
                                                   .from = setup_.address,
                                                   .to = std::string{receiver},
                                                   .time_to_live_ms = static_cast<std::uint64_t>(time_to_live.count())},
                                                  payload_bytes);
    by_id_[program_->push(receiver, payload, time_to_live)] = number;
  }

  /// The next thing that it should keep cannot be kept.
  void fail_storage() { storage_.fails_in = 1; }

  void heal_storage() { storage_.fails_in = storage_.fails_every = 0; }

  bool is_open() const noexcept { return program_ && program_->is_open(); }
  bool is_connected() const noexcept { return program_ && program_->state() == ClientState::connected; }
  std::size_t outbox_messages() const noexcept { return program_ ? program_->outbox_messages() : 0; }

 private:
  using Program = v2::Client<T, detail::CorrespondentStorage, detail::CorrespondentStorage>;

  struct ReceiptWanted {
    std::uint64_t sequence = 0;
    MessageState known = MessageState::unknown;
    bool to_room = false;
  };

  v2::Handling handle(const v2::Delivery& delivery) {
    checker_.handed(transport_->now(), index_, delivery);
    if (setup_.keeps_offsets) {
      storage_.offsets[{std::string{delivery.source}, delivery.epoch}] = delivery.offset;
    }
    if (setup_.handles_for == Duration::zero()) {
      return v2::Handling::done;
    }
    alarm_(setup_.handles_for, [this, life = lives_, source = std::string{delivery.source}, epoch = delivery.epoch,
                                offset = delivery.offset] {
      if (life == lives_ && program_) {
        program_->done(source, epoch, offset);
      }
    });
    return v2::Handling::later;
  }

  void told(const v2::ClientEvent& event) {
    if (const auto* const ended = std::get_if<v2::client_event::PushEnded>(&event)) {
      push_ended(*ended);
    } else if (const auto* const opened = std::get_if<v2::client_event::AddressOpened>(&event)) {
      storage_.resume_token = opened->opened.resume_token;
      checker_.opened(transport_->now(), index_, opened->opened.epoch, opened->epoch_changed);
      if (opened->epoch_changed) {
        receipts_.clear();
      }
      ask_receipts();
    } else if (std::holds_alternative<v2::client_event::StorageFailed>(event)) {
      checker_.storage_failed();
    } else if (const auto* const missed = std::get_if<v2::client_event::MessagesMissed>(&event)) {
      checker_.missed(transport_->now(), index_, *missed);
      if (setup_.keeps_offsets) {
        storage_.offsets[{std::string{missed->room}, missed->epoch}] = missed->offset;
      }
    }
  }

  void push_ended(const v2::client_event::PushEnded& ended) {
    checker_.told(transport_->now(), by_id_.at(ended.result.id), ended.error);
    if (setup_.asks_receipts && !ended.error) {
      receipts_.push_back({ended.result.sequence, MessageState::unknown, is_room(ended.result.receiver)});
      ask_receipts();
    }
  }

  // A few at a time, for each takes one of the waits that a connection may have.
  void ask_receipts() {
    while (is_open() && asking_ < asking_max && !receipts_.empty()) {
      const ReceiptWanted wanted = receipts_.front();
      receipts_.pop_front();
      ++asking_;
      program_->receipt(wanted.sequence, wanted.known, wait,
                        [this, wanted](std::error_code error, MessageState state) { answered(wanted, error, state); });
    }
  }

  void answered(ReceiptWanted wanted, std::error_code error, MessageState state) {
    --asking_;
    const bool goes_on = state == MessageState::waiting || (state == MessageState::fetched && !wanted.to_room);
    if (error || goes_on) {
      wanted.known = error ? wanted.known : state;
      receipts_.push_back(wanted);
    }
    ask_receipts();
  }

  static constexpr std::chrono::milliseconds wait = std::chrono::hours{1};
  static constexpr std::size_t asking_max = 8;

  Letters& letters_;
  V2DeliveryChecker& checker_;
  ClientIndex index_;
  CorrespondentSetup setup_;
  Alarm alarm_;
  T* transport_ = nullptr;
  detail::CorrespondentStorage storage_;
  std::map<v2::PushId, LetterNumber> by_id_;
  std::deque<ReceiptWanted> receipts_;
  std::size_t asking_ = 0;
  std::uint64_t lives_ = 0;
  std::optional<Program> program_;
};

}  // namespace restante::sim
