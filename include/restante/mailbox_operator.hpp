// What an operator may do with the mailboxes of a Messenger while it serves: look at them without reading anybody's
// mail, empty them, and retire addresses. Nothing of it can be reached by a client.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <restante/core/address_name.hpp>
#include <restante/core/refusal.hpp>
#include <restante/messenger.hpp>
#include <restante/transport.hpp>
#include <restante/v2/packet.hpp>

namespace restante {

/// What is known of a mailbox or a room, but for the messages in it.
struct MailboxSummary {
  std::string name = {};
  NameKind kind = NameKind::bad;
  /// 0 for a classic id that no client of restante.v2 ever opened.
  Epoch epoch = 0;
  /// Some connection holds the address, by either protocol.
  bool is_held = false;
  /// Of a room: how many they are.
  std::size_t members = 0;
  /// As STATUS tells them of a mailbox (docs/protocol.md, restante.v2, rule 9), and of a room in the same way. The tag
  /// says nothing.
  v2::Mailbox numbers = {};
};

struct MailboxPage {
  std::vector<MailboxSummary> mailboxes = {};
  /// Where the next page begins; nothing after the last one.
  std::optional<std::uint32_t> next = {};
};

/// What is known of a message, but for its payload.
struct MessageSummary {
  Offset offset = 0;
  std::string sender = {};
  /// Since it was accepted, in milliseconds.
  std::uint64_t age_ms = 0;
  std::uint32_t payload_bytes = 0;
};

struct MemberSummary {
  std::string name = {};
  /// Some connection holds the address.
  bool is_held = false;
};

/// What purge() or retire() did.
struct Removal {
  /// Why nothing was done: no_such_address, no_such_room or storage_unavailable.
  std::optional<Refusal> refused = {};
  /// Messages that were removed.
  std::uint32_t messages = 0;
  /// A connection held the address and is closed with close_code::retired.
  bool closed_holder = false;
};

/// What an operator may ask for. Each call sees mailboxes as they are at that moment. Not thread safe: called on the
/// transport's thread, and never by what the Messenger calls; where a transport has several threads, in its
/// exclusively().
class MailboxOperator {
 public:
  /// How many addresses a page of list() is taken from, at most: so long does nobody else have a turn.
  static constexpr std::uint32_t listed_at_once_max = 4'096;

  virtual ~MailboxOperator() = default;

  /// Mailboxes and rooms, the classic ids first and those that nobody uses left out, from `from` on, which is 0 or what
  /// the page before said. At most `count` of them, at least 1 being asked for; there may be fewer, even none, and more
  /// on the next page. What is there from the first page to the last is listed once.
  virtual MailboxPage list(std::uint32_t from, std::uint32_t count) = 0;

  /// The mailbox or room of this name. Each classic id has one; nothing where there is none.
  virtual std::optional<MailboxSummary> find(std::string_view name) = 0;

  /// The oldest messages of a mailbox or a room, at most `count`.
  virtual std::vector<MessageSummary> oldest_messages(std::string_view name, std::uint32_t count) = 0;

  /// The rooms that an address is a member of, in the order in which it joined them: Limits::memberships_max at most.
  virtual std::vector<std::string> rooms_of(std::string_view name) = 0;

  /// The members of a room in the order of the bytes of their names, from behind `after` on, at most `count`.
  virtual std::vector<MemberSummary> members_of(std::string_view room, std::string_view after, std::uint32_t count) = 0;

  /// Removes all messages of a mailbox or a room. Its epoch stays; senders are told that their messages were purged,
  /// and members of a room how many they missed.
  virtual Removal purge(std::string_view name) = 0;

  /// Forgets an address or a room and everything about it: see Core::retire(). Its holder is closed with
  /// close_code::retired and may open the address again, which is a new one then; to keep it out, take away its
  /// credential first. A connection that holds several classic ids loses all of them.
  virtual Removal retire(std::string_view name) = 0;
};

/// Does that with a Messenger, which must live longer. Changes are recorded and committed as those of clients are.
template <class M>
class MessengerOperator final : public MailboxOperator {
 public:
  explicit MessengerOperator(M& messenger) : messenger_{messenger} {}

  MailboxPage list(std::uint32_t from, std::uint32_t count) override {
    return carry_out([&](const auto& core) {
      MailboxPage page;
      const std::uint32_t end = core.addresses().indices();
      std::uint32_t index = from;
      for (std::uint32_t seen = 0; index < end && seen < listed_at_once_max && page.mailboxes.size() < count; ++seen) {
        const Address address = Address::at(index++);
        if (is_used(core, address)) {
          page.mailboxes.push_back(summary_of(core, address));
        }
      }
      if (index < end) {
        page.next = index;
      }
      return page;
    });
  }

  std::optional<MailboxSummary> find(std::string_view name) override {
    return carry_out([&](const auto& core) {
      const Address address = address_of(core, name);
      return address == Addresses::none ? std::nullopt : std::optional{summary_of(core, address)};
    });
  }

  std::vector<MessageSummary> oldest_messages(std::string_view name, std::uint32_t count) override {
    return carry_out([&](const auto& core) {
      std::vector<MessageSummary> summaries;
      if (const Address address = address_of(core, name); address != Addresses::none) {
        MessagePool::Index index = core.mailbox(address).oldest_index();
        for (; index != MessagePool::none && summaries.size() < count; index = core.messages().at(index).next) {
          const MessagePool::Message& message = core.messages().at(index);
          summaries.push_back({.offset = message.offset,
                               .sender = core.addresses()[message.sender].name,
                               .age_ms = core.age_ms_of(message),
                               .payload_bytes = message.payload_bytes});
        }
      }
      return summaries;
    });
  }

  std::vector<std::string> rooms_of(std::string_view name) override {
    return carry_out([&](const auto& core) {
      std::vector<std::string> rooms;
      if (const Address address = address_of(core, name); address != Addresses::none) {
        for (const Memberships::Index index : core.addresses()[address].memberships) {
          rooms.push_back(core.addresses()[core.memberships()[index].room].name);
        }
      }
      return rooms;
    });
  }

  std::vector<MemberSummary> members_of(std::string_view room, std::string_view after, std::uint32_t count) override {
    return carry_out([&](const auto& core) {
      std::vector<MemberSummary> members;
      const Address address = address_of(core, room);
      if (address != Addresses::none && core.addresses()[address].room) {
        const auto& all = core.addresses()[address].room->members;
        for (auto member = all.upper_bound(after); member != all.end() && members.size() < count; ++member) {
          members.push_back({std::string{member->first}, core.is_held(core.memberships()[member->second].member)});
        }
      }
      return members;
    });
  }

  Removal purge(std::string_view name) override {
    return remove(name, [](auto& core, Address address) { return Removal{.messages = core.purge(address)}; });
  }

  Removal retire(std::string_view name) override {
    return remove(name, [this](auto& core, Address address) {
      Removal removal;
      removal.messages = core.depth(address);
      typename M::Replies replies{messenger_};
      if (const std::optional<Session> holder = core.retire(address, replies)) {
        removal.closed_holder = true;
        close(*holder);
      }
      return removal;
    });
  }

 private:
  // Messages whose time is over are gone before anything is looked at. What changes by this is served and committed
  // when the transport has its next turn, which it is asked for.
  template <class Work>
  auto carry_out(Work&& work) {
    messenger_.next_millisecond_ = SteadyTime::min();
    messenger_.set_time();
    messenger_.request_bytes_ = 0;
    auto result = work(messenger_.core_);
    messenger_.transport_.wake();
    return result;
  }

  template <class Work>
  Removal remove(std::string_view name, Work&& work) {
    return carry_out([&](auto& core) {
      if (!core.accepts_changes()) {
        return Removal{.refused = Refusal::storage_unavailable};
      }
      const Address address = address_of(core, name);
      if (address == Addresses::none) {
        const bool is_room = kind_of_name(as_bytes(name)) == NameKind::room;
        return Removal{.refused = is_room ? Refusal::no_such_room : Refusal::no_such_address};
      }
      return work(core, address);
    });
  }

  void close(Session slot) {
    auto& session = messenger_.outgoing_.sessions()[slot];
    if (!session.closing) {
      messenger_.outgoing_.leave({slot, session.generation}, session, close_code::retired,
                                 "the operator retired this address");
    }
  }

  template <class C>
  static Address address_of(const C& core, std::string_view name) {
    return core.addresses().find(as_bytes(name));
  }

  template <class C>
  static bool is_used(const C& core, Address address) {
    const AddressState& state = core.addresses()[address];
    return state.kind != NameKind::bad &&
           (!address.is_classic() || state.epoch != 0 || core.is_held(address) || core.depth(address) != 0);
  }

  template <class C>
  static MailboxSummary summary_of(const C& core, Address address) {
    const AddressState& state = core.addresses()[address];
    return {.name = state.name,
            .kind = state.kind,
            .epoch = state.epoch,
            .is_held = core.is_held(address),
            .members = state.room ? state.room->members.size() : 0,
            .numbers = core.numbers_of(address)};
  }

  M& messenger_;
};

template <class M>
MessengerOperator(M&) -> MessengerOperator<M>;

}  // namespace restante
