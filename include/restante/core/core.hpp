// The rules of mailboxes: who may do what, and what becomes of a message. All of them stand here, once.
//
// Plain and pure: no clock, no randomness, no threads, no bytes of a protocol. The same requests in the same order give
// the same replies and the same changes, always.
#pragma once

#include <array>
#include <cstdint>
#include <system_error>
#include <vector>

#include <restante/assert.hpp>
#include <restante/core/address.hpp>
#include <restante/core/change.hpp>
#include <restante/core/counters.hpp>
#include <restante/core/mailbox.hpp>
#include <restante/core/message_pool.hpp>
#include <restante/core/reply.hpp>
#include <restante/core/request.hpp>
#include <restante/store.hpp>

namespace restante {

struct CoreOptions {
  /// Messages that a mailbox holds, 1–1,000,000; the next one is refused.
  std::uint32_t mailbox_messages_max = 100;
  /// Bytes of a payload, 0–254; a longer one is refused.
  std::uint32_t payload_bytes_max = MessagePool::payload_bytes_max;
};

/// Mailboxes, and the sessions that hold their addresses. Tells `Recorder` of each change before it replies. Not thread
/// safe. Options out of range fail an assertion.
template <RecordsChanges Recorder>
class Core {
 public:
  /// Sessions are numbered below this.
  static constexpr Session sessions_max = UINT32_MAX;

  /// `recorder` must live longer than the core.
  explicit Core(Recorder& recorder, CoreOptions options = {}) : recorder_{recorder}, options_{options} {
    RESTANTE_ASSERT(options.mailbox_messages_max >= 1 && options.mailbox_messages_max <= 1'000'000,
                    "mailbox_messages_max must be 1 to 1,000,000");
    RESTANTE_ASSERT(options.payload_bytes_max <= MessagePool::payload_bytes_max,
                    "payload_bytes_max must be at most 254");
    holders_.fill(no_session);
  }

  /// The most memory, in bytes, that the messages of a core with these options take.
  static constexpr std::uint64_t memory_bytes_max(CoreOptions options) noexcept {
    return MessagePool::memory_bytes_max(std::uint64_t{options.mailbox_messages_max} * Address::classic_count);
  }

  /// A held address stays with its holder, whoever asks, the holder included (docs/protocol.md, rule 1).
  AssociateReply execute(Session session, const Associate& request) {
    Session& holder = holders_[request.address.index()];
    if (holder != no_session) {
      ++answers_.address_taken;
      return AssociateReply::address_taken;
    }
    holder = session;
    if (session >= held_.size()) {
      held_.resize(std::size_t{session} + 1, no_address);
    }
    next_held_[request.address.index()] = held_[session];
    held_[session] = request.address.index();
    ++addresses_held_;
    ++answers_.associated;
    return AssociateReply::associated;
  }

  /// The receiver need not be held by anybody, and may be the sender (docs/protocol.md, rule 4).
  PushReply execute(Session session, const Push& request) {
    if (!holds(session, request.sender)) {
      ++answers_.push_not_associated;
      return PushReply::not_associated;
    }
    if (request.payload.size() > options_.payload_bytes_max) {
      ++answers_.push_payload_too_large;
      return PushReply::payload_too_large;
    }
    if (!writable_) {
      ++answers_.storage_unavailable;
      return PushReply::storage_unavailable;
    }
    Mailbox& mailbox = mailboxes_[request.receiver.index()];
    if (mailbox.size() >= options_.mailbox_messages_max) {
      ++answers_.push_mailbox_full;
      return PushReply::mailbox_full;
    }
    recorder_.record(MessageStored{request.receiver, mailbox.next_offset(), request.sender, request.payload});
    mailbox.append(pool_, request.sender, request.payload);
    ++books_.stored;
    ++books_.held;
    payload_bytes_held_ += request.payload.size();
    ++answers_.push_stored;
    return PushReply::stored;
  }

  /// The oldest message leaves the mailbox: fetched and acknowledged in one step (docs/protocol.md, rule 3).
  GetReply execute(Session session, const Get& request) {
    if (!holds(session, request.address)) {
      ++answers_.get_not_associated;
      return {.result = GetReply::Result::not_associated};
    }
    if (!writable_) {
      ++answers_.storage_unavailable;
      return {.result = GetReply::Result::storage_unavailable};
    }
    Mailbox& mailbox = mailboxes_[request.address.index()];
    if (mailbox.size() == 0) {
      ++answers_.get_empty;
      return {.result = GetReply::Result::empty};
    }
    const MessagePool::Message& message = mailbox.oldest(pool_);
    recorder_.record(MessageTaken{request.address, message.offset});
    mailbox.remove_oldest(pool_);
    ++books_.taken;
    --books_.held;
    payload_bytes_held_ -= message.payload_bytes;
    ++answers_.get_message;
    return {GetReply::Result::message, message.sender, message.payload()};
  }

  /// Whether this session holds the address.
  bool holds(Session session, Address address) const noexcept { return holders_[address.index()] == session; }

  /// Frees every address that the session holds; the mailboxes stay as they are (docs/protocol.md, rule 2).
  void end(Session session) {
    if (session >= held_.size()) {
      return;
    }
    for (std::uint32_t address = held_[session]; address != no_address; address = next_held_[address]) {
      holders_[address] = no_session;
      --addresses_held_;
    }
    held_[session] = no_address;
  }

  /// Empties all mailboxes and fills them with what the store gives back. Sessions keep what they hold. When the store
  /// fails, the mailboxes are empty and nothing can be changed until a later load() succeeds.
  template <LoadsMessages S>
  std::error_code load(S& store) {
    mailboxes_ = {};
    pool_ = {};
    books_ = {};
    payload_bytes_held_ = 0;
    Loader loader{*this};
    const std::error_code error = store.load(loader);
    if (error) {
      mailboxes_ = {};
      pool_ = {};
      books_ = {};
      payload_bytes_held_ = 0;
    }
    writable_ = !error;
    return error;
  }

  /// Refuses from now on whatever would change a mailbox, until load() succeeds.
  void refuse_changes() noexcept { writable_ = false; }

  /// Whether changes are accepted.
  bool accepts_changes() const noexcept { return writable_; }

  /// How many messages the mailbox holds.
  std::uint32_t depth(Address address) const noexcept { return mailboxes_[address.index()].size(); }

  /// How many addresses are held by some session.
  std::uint32_t addresses_held() const noexcept { return addresses_held_; }

  /// Bytes of the payloads of all messages that are held.
  std::uint64_t payload_bytes_held() const noexcept { return payload_bytes_held_; }

  const Books& books() const noexcept { return books_; }
  const Answers& answers() const noexcept { return answers_; }
  const CoreOptions& options() const noexcept { return options_; }

 private:
  static constexpr Session no_session = UINT32_MAX;
  static constexpr std::uint32_t no_address = UINT32_MAX;

  class Loader final : public MessageLoader {
   public:
    explicit Loader(Core& core) : core_{core} {}

    // A mailbox may be given more than it may hold now, after the limit was lowered: nothing is thrown away.
    void message(const MessageStored& stored) override {
      Mailbox& mailbox = core_.mailboxes_[stored.receiver.index()];
      mailbox.skip_to(stored.offset);
      mailbox.append(core_.pool_, stored.sender, stored.payload);
      ++core_.books_.loaded;
      ++core_.books_.held;
      core_.payload_bytes_held_ += stored.payload.size();
    }

    void next_offset(Address receiver, Offset offset) override { core_.mailboxes_[receiver.index()].skip_to(offset); }

   private:
    Core& core_;
  };

  Recorder& recorder_;
  CoreOptions options_;
  bool writable_ = true;
  std::uint32_t addresses_held_ = 0;
  MessagePool pool_;
  std::array<Mailbox, Address::classic_count> mailboxes_;
  std::array<Session, Address::classic_count> holders_{};
  // The addresses of a session are a list through next_held_ that begins at held_[session].
  std::vector<std::uint32_t> held_;
  std::array<std::uint32_t, Address::classic_count> next_held_{};
  Books books_;
  std::uint64_t payload_bytes_held_ = 0;
  Answers answers_;
};

}  // namespace restante
