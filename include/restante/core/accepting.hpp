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
    AddressState& state = addresses_[sender];
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
    AddressState* target = receiver == Addresses::none ? nullptr : &addresses_[receiver];
    std::uint32_t quota = Quotas::none;
    std::uint64_t time_to_live_ms = request.time_to_live_ms;
    const NameKind kind = target == nullptr ? kind_of_name(request.receiver) : target->kind;
    if (const auto refusal = kind == NameKind::mailbox
                                 ? admit_to_mailbox(sender, receiver, target, request, quota, time_to_live_ms)
                             : kind == NameKind::classic ? admit_classic(sender, receiver, *target, request)
                             : kind == NameKind::room    ? admit_to_room(state, receiver, request)
                                                         : std::optional{Refusal::bad_address}) {
      return refusal;
    }
    const std::uint64_t expires_ms =
        time_to_live_ms == 0 ? 0 : wall_ms_ + std::min(time_to_live_ms, v2::number_max - wall_ms_);
    this->store(receiver, sender, request.payload, request.sequence, expires_ms);
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
    this->track(state, *target, request.sequence, expires_ms, quota);
    return std::nullopt;
  }

  using Base::addresses_;
  using Base::mailboxes_;
  using Base::memberships_;
  using Base::pool_;
  using Base::wall_ms_;

 private:
  [[gnu::noinline]] std::optional<Refusal> admit_classic(Address sender, Address receiver, const AddressState& target,
                                                         const v2::Push& request) const {
    if (!sender.is_classic() || request.payload.size() > this->options_.payload_bytes_max) {
      return Refusal::classic_limit;
    }
    if (is_unknown(&target, request.receiver)) {
      return Refusal::no_such_address;
    }
    return mailboxes_[receiver.index()].size() >= this->options_.mailbox_messages_max
               ? std::optional{Refusal::mailbox_full}
               : std::nullopt;
  }

  // Whether nobody can receive there, on a server that knows who there is.
  bool is_unknown(const AddressState* target, BytesView name) const {
    const Authoriser* const authoriser = this->options_.authoriser;
    return authoriser != nullptr && (target == nullptr || !target->was_opened) && !authoriser->provisioned(name);
  }

  bool has_memory_for(const v2::Push& request) const {
    return this->memory_bytes_ + MessagePool::cost_bytes(static_cast<std::uint32_t>(request.payload.size())) <=
           this->options_.limits.memory_bytes_max;
  }

  // `target` is what is kept of the receiver, or null where it is not there yet.
  [[gnu::always_inline]] std::optional<Refusal> admit_to_mailbox(Address sender, Address& receiver,
                                                                 AddressState*& target, const v2::Push& request,
                                                                 std::uint32_t& quota, std::uint64_t& time_to_live_ms) {
    const Limits& limits = this->options_.limits;
    if (is_unknown(target, request.receiver)) {
      return Refusal::no_such_address;
    }
    const bool is_unopened = target == nullptr || !target->was_opened;
    if (!has_memory_for(request) || (is_unopened && this->unopened_messages_ >= limits.unopened_messages_max)) {
      return Refusal::limit_reached;
    }
    if (target == nullptr) {
      receiver = this->make_address(request.receiver);
      if (receiver == Addresses::none) {
        return Refusal::limit_reached;
      }
      target = &addresses_[receiver];
    }
    if (is_unopened) {
      time_to_live_ms = time_to_live_ms == 0 ? limits.unopened_time_to_live_ms
                                             : std::min(time_to_live_ms, limits.unopened_time_to_live_ms);
    }
    const Mailbox& mailbox = mailboxes_[receiver.index()];
    if (mailbox.size() >= limits.mailbox_messages_max ||
        mailbox.bytes() + request.payload.size() > limits.mailbox_bytes_max) {
      return Refusal::mailbox_full;
    }
    quota = this->quotas_.find(receiver, sender);
    if (quota != Quotas::none) {
      const Quotas::Use& use = this->quotas_.at(quota);
      if (use.messages >= limits.sender_messages_max || use.bytes + request.payload.size() > limits.sender_bytes_max) {
        return Refusal::quota_exceeded;
      }
    }
    quota = this->quotas_.add(quota, receiver, sender, request.payload.size());
    return std::nullopt;
  }

  [[gnu::noinline]] std::optional<Refusal> admit_to_room(const AddressState& sender, Address room,
                                                         const v2::Push& request) {
    if (room == Addresses::none) {
      return Refusal::no_such_room;
    }
    if (memberships_.find(sender, room) == Memberships::none) {
      return Refusal::not_a_member;
    }
    if (!has_memory_for(request)) {
      return Refusal::limit_reached;
    }
    const Limits& limits = this->options_.limits;
    const Mailbox& log = mailboxes_[room.index()];
    while (log.size() >= limits.room_messages_max || log.bytes() + request.payload.size() > limits.room_bytes_max) {
      this->record(MessageRemoved{room, log.oldest(pool_).offset, MessageState::purged});
      this->remove(room, log.oldest_index(), MessageState::purged, true);
    }
    return std::nullopt;
  }
};

}  // namespace restante::detail
