// Which pushes of restante.v2 are accepted (docs/protocol.md, restante.v2, rules 2 to 4 and 8).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include <restante/core/attending.hpp>

namespace restante::detail {

template <class Recorder>
class Accepting : public Attending<Recorder> {
  using Base = Attending<Recorder>;

 public:
  using Base::Base;

 protected:
  // Rules 2 and 3, in the order in which rule 2 lists them.
  [[gnu::always_inline]] std::optional<Refusal> push(Address sender, const v2::Push& request, bool& duplicate) {
    if (request.payload.size() > this->options_.limits.payload_bytes_max) {
      return Refusal::payload_too_large;
    }
    AddressState& state = addresses_.known(sender);
    if (request.sequence != 0) {
      const auto verdict =
          state.window ? state.window->judge(request.sequence) : SequenceWindow{}.judge(request.sequence);
      if (verdict == SequenceWindow::Verdict::duplicate) {
        duplicate = true;
        return std::nullopt;
      }
      if (verdict != SequenceWindow::Verdict::unseen) {
        return verdict == SequenceWindow::Verdict::stale ? Refusal::stale_sequence : Refusal::sequence_ahead;
      }
    }
    if (!this->writable_) {
      return Refusal::storage_unavailable;
    }
    Address receiver = addresses_.find_receiver(request.receiver, state);
    if (receiver == Addresses::none) [[unlikely]] {
      const Made made = make_receiver(request.receiver, request.payload.size());
      if (made.refusal) {
        return made.refusal;
      }
      receiver = state.last_receiver = made.address;
    }
    AddressState& target = addresses_.known(receiver);
    const bool is_mailbox = target.kind == NameKind::mailbox;
    Mailbox& mailbox = mailboxes_[receiver.index()];
    std::uint32_t quota = Quotas::none;
    if (const auto refusal = is_mailbox ? admit_to_mailbox(sender, receiver, mailbox, state, target, request, quota)
                                        : admit_elsewhere(sender, receiver, request.receiver, request.payload.size()))
        [[unlikely]] {
      return refusal;
    }
    std::uint64_t expires_ms = 0;
    if (const std::uint64_t time_to_live_ms = is_mailbox && !target.was_opened
                                                  ? time_to_live_of_unopened(request.time_to_live_ms)
                                                  : request.time_to_live_ms;
        time_to_live_ms != 0) [[unlikely]] {
      expires_ms = wall_ms_ + std::min(time_to_live_ms, v2::number_max - wall_ms_);
    }
    MessagePool::Message& message =
        this->store(receiver, mailbox, sender, request.payload, request.sequence, expires_ms);
    if (request.sequence != 0) {
      if (!state.window) {
        state.window = std::make_unique<SequenceWindow>();
      }
      state.window->accept(request.sequence);
      // Its own state changed, and those of numbers that are too old now.
      if (state.waits_for_receipts != 0) {
        this->make_ready(sender);
      }
    }
    this->track(message, state, mailbox, target, request.sequence, expires_ms, quota);
    return std::nullopt;
  }

  using Base::addresses_;
  using Base::mailboxes_;
  using Base::memberships_;
  using Base::pool_;
  using Base::wall_ms_;

 private:
  struct Made {
    Address address = Addresses::none;
    std::optional<Refusal> refusal = std::nullopt;
  };

  // Makes the mailbox that a push is for, which is not there yet.
  [[gnu::noinline]] Made make_receiver(v2::Name name, std::size_t payload_bytes) {
    const NameKind kind = kind_of_name(name);
    if (kind != NameKind::mailbox) {
      return {.refusal = kind == NameKind::room ? Refusal::no_such_room : Refusal::bad_address};
    }
    if (const auto refusal = why_not_in_mailbox(nullptr, name, payload_bytes)) {
      return {.refusal = refusal};
    }
    const Address address = this->make_address(name);
    return {address, address == Addresses::none ? std::optional{Refusal::limit_reached} : std::nullopt};
  }

  // Why nothing can lie in a mailbox, however empty it is. `target` is what is kept of it, or null where it is not
  // there yet.
  [[gnu::always_inline]] std::optional<Refusal> why_not_in_mailbox(const AddressState* target, v2::Name name,
                                                                   std::size_t payload_bytes) const {
    if (is_unknown(target, name)) {
      return Refusal::no_such_address;
    }
    const bool is_unopened = target == nullptr || !target->was_opened;
    return !has_memory_for(payload_bytes) ||
                   (is_unopened && this->unopened_messages_ >= this->options_.limits.unopened_messages_max)
               ? std::optional{Refusal::limit_reached}
               : std::nullopt;
  }

  // Whether nobody can receive there, on a server that knows who there is.
  [[gnu::always_inline]] bool is_unknown(const AddressState* target, v2::Name name) const {
    const Authoriser* const authoriser = this->options_.authoriser;
    return authoriser != nullptr && (target == nullptr || !target->was_opened) && !authoriser->provisioned(name);
  }

  [[gnu::always_inline]] bool has_memory_for(std::size_t payload_bytes) const {
    return this->memory_bytes_ + MessagePool::cost_bytes(static_cast<std::uint32_t>(payload_bytes)) <=
           this->options_.limits.memory_bytes_max;
  }

  [[gnu::always_inline]] std::optional<Refusal> admit_to_mailbox(Address sender, Address receiver,
                                                                 const Mailbox& mailbox, AddressState& state,
                                                                 const AddressState& target, const v2::Push& request,
                                                                 std::uint32_t& quota) {
    const Limits& limits = this->options_.limits;
    if (const auto refusal = why_not_in_mailbox(&target, request.receiver, request.payload.size())) [[unlikely]] {
      return refusal;
    }
    if (mailbox.size() >= limits.mailbox_messages_max ||
        mailbox.bytes() + request.payload.size() > limits.mailbox_bytes_max) [[unlikely]] {
      return Refusal::mailbox_full;
    }
    quota = this->quotas_.find(receiver, sender, state.last_quota);
    if (quota != Quotas::none) {
      const Quotas::Use& use = this->quotas_.at(quota);
      if (use.messages >= limits.sender_messages_max || use.bytes + request.payload.size() > limits.sender_bytes_max)
          [[unlikely]] {
        return Refusal::quota_exceeded;
      }
    }
    quota = state.last_quota = this->quotas_.add(quota, receiver, sender, request.payload.size());
    return std::nullopt;
  }

  // What is kept for somebody who never came is not kept for long.
  std::uint64_t time_to_live_of_unopened(std::uint64_t time_to_live_ms) const {
    const std::uint64_t longest_ms = this->options_.limits.unopened_time_to_live_ms;
    return time_to_live_ms == 0 ? longest_ms : std::min(time_to_live_ms, longest_ms);
  }

  // To a classic id or a room.
  [[gnu::noinline]] std::optional<Refusal> admit_elsewhere(Address sender, Address receiver, v2::Name name,
                                                           std::size_t payload_bytes) {
    return addresses_[receiver].kind == NameKind::classic ? admit_classic(sender, receiver, name, payload_bytes)
                                                          : admit_to_room(sender, receiver, payload_bytes);
  }

  std::optional<Refusal> admit_classic(Address sender, Address receiver, v2::Name name,
                                       std::size_t payload_bytes) const {
    if (!sender.is_classic() || payload_bytes > this->options_.payload_bytes_max) {
      return Refusal::classic_limit;
    }
    if (is_unknown(&addresses_[receiver], name)) {
      return Refusal::no_such_address;
    }
    return mailboxes_[receiver.index()].size() >= this->options_.mailbox_messages_max
               ? std::optional{Refusal::mailbox_full}
               : std::nullopt;
  }

  std::optional<Refusal> admit_to_room(Address sender, Address room, std::size_t payload_bytes) {
    if (memberships_.find(addresses_[sender], room) == Memberships::none) {
      return Refusal::not_a_member;
    }
    if (!has_memory_for(payload_bytes)) {
      return Refusal::limit_reached;
    }
    const Limits& limits = this->options_.limits;
    const Mailbox& log = mailboxes_[room.index()];
    while (log.size() >= limits.room_messages_max || log.bytes() + payload_bytes > limits.room_bytes_max) {
      this->record(MessageRemoved{room, log.oldest(pool_).offset, MessageState::purged});
      this->remove(room, log.oldest_index(), MessageState::purged, true);
    }
    return std::nullopt;
  }
};

}  // namespace restante::detail
