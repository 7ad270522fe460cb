// A Messenger with a store that commits late, fails, and forgets: no reply leaves before what came before it is
// durable, every reply leaves as soon as it is, whoever waits when a commit fails is closed with 1013, and afterwards
// the mailboxes are what the store has.
//
// After every action the network is run until it is quiet, so that which replies must have come, and which must not, is
// known exactly.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <restante/memory.hpp>
#include <restante/messenger.hpp>

#include "generators.hpp"
#include "manual_store.hpp"
#include "raw_peer.hpp"
#include "witness.hpp"

namespace restante::property {

using namespace std::chrono_literals;

using test::Line;
using test::RawPeer;

inline constexpr std::size_t peers = 4;
inline constexpr Duration latency = 1ms;
inline constexpr Duration retry_after = 3s;
/// Longer than any test lasts: what becomes of a stuck connection is told in flow_properties.cpp.
inline constexpr Duration stuck_after = 1000h;
inline constexpr std::size_t small_window_bytes = 100;
inline constexpr std::size_t reply_bytes_max = 259;

enum class ActionKind {
  connect,
  talk,
  leave,
  break_off,
  complete,
  complete_as_one,
  complete_and_fail,
  pass_time,
  fail_loads,
  crash,
  end_and_start,
  stop_reading,
  read_again,
};

struct Action {
  ActionKind kind = ActionKind::talk;
  Peer peer = 0;
  std::size_t count = 0;
  std::size_t kept = 0;
  std::vector<Request> requests;
};

inline std::ostream& operator<<(std::ostream& out, const Action& action) {
  constexpr std::array names{
      "connect",   "talk",       "leave", "break off",     "complete",     "complete as one", "complete and fail",
      "pass time", "fail loads", "crash", "end and start", "stop reading", "read again"};
  out << "\n  " << names[static_cast<std::size_t>(action.kind)] << " peer " << action.peer << " count " << action.count
      << " kept " << action.kept;
  if (action.kind == ActionKind::talk) {
    for (const Request& request : action.requests) {
      out << "\n    " << request;
    }
  }
  return out;
}

inline rc::Gen<Action> action() {
  return rc::gen::build<Action>(
      rc::gen::set(&Action::kind, rc::gen::weightedElement<ActionKind>({{4, ActionKind::connect},
                                                                        {14, ActionKind::talk},
                                                                        {1, ActionKind::leave},
                                                                        {1, ActionKind::break_off},
                                                                        {8, ActionKind::complete},
                                                                        {2, ActionKind::complete_as_one},
                                                                        {2, ActionKind::complete_and_fail},
                                                                        {2, ActionKind::pass_time},
                                                                        {1, ActionKind::fail_loads},
                                                                        {1, ActionKind::crash},
                                                                        {1, ActionKind::end_and_start},
                                                                        {3, ActionKind::stop_reading},
                                                                        {3, ActionKind::read_again}})),
      rc::gen::set(&Action::peer, rc::gen::inRange<Peer>(0, peers)),
      rc::gen::set(&Action::count, rc::gen::inRange<std::size_t>(0, 4)),
      rc::gen::set(&Action::kept, rc::gen::inRange<std::size_t>(0, 6)),
      rc::gen::set(&Action::requests,
                   rc::gen::scale(0.2, rc::gen::container<std::vector<Request>>(generate::request(peers)))));
}

struct Setup {
  ModelLimits limits;
  std::uint32_t commits_max = 2;
  std::size_t waiting_bytes_max = 64 * 1024;
  std::size_t held_bytes_max = 16 * 1024 * 1024;
  Offset offset_gap = 0;
  std::size_t preloaded = 0;
  /// Whether the links hold little, so that a peer who does not read is felt at once, and peers stop reading.
  bool slow_readers = false;
};

inline std::ostream& operator<<(std::ostream& out, const Setup& setup) {
  return out << "capacity " << setup.limits.mailbox_messages_max << ", commits " << setup.commits_max << ", waiting "
             << setup.waiting_bytes_max << ", held " << setup.held_bytes_max << ", gap " << setup.offset_gap
             << ", preloaded " << setup.preloaded << (setup.slow_readers ? ", slow readers" : "");
}

inline rc::Gen<Setup> setup(bool slow_readers) {
  return rc::gen::map(rc::gen::tuple(rc::gen::element<std::size_t>(1, 3, 100), rc::gen::element<std::uint32_t>(1, 2, 3),
                                     rc::gen::element<std::size_t>(1, 300, 2000, 64 * 1024),
                                     rc::gen::element<std::size_t>(1, 500, 3000, 16 * 1024 * 1024),
                                     rc::gen::element<Offset>(0, 5), rc::gen::element<std::size_t>(0, 1, 5)),
                      [slow_readers](const auto& drawn) {
                        return Setup{
                            {std::get<0>(drawn), 254}, std::get<1>(drawn), std::get<2>(drawn), std::get<3>(drawn),
                            std::get<4>(drawn),        std::get<5>(drawn), slow_readers};
                      });
}

class World {
 public:
  explicit World(const Setup& setup, Archive* archive)
      : setup_{setup},
        network_{{.seed = 1, .link = link_of(setup)}},
        server_{network_},
        store_{setup.commits_max, retry_after, setup.offset_gap, archive},
        witness_{setup.limits} {
    for (std::size_t index = 0; index < setup.preloaded; ++index) {
      store_.preload(1, {7, payload_of(index, 99)}, 1000);
    }
    for (Peer peer = 0; peer < peers; ++peer) {
      peers_.emplace_back(network_, server_, "peer " + std::to_string(peer));
    }
    witness_.mark = [this] { return store_.recorded(); };
    witness_.now = [this] { return network_.now(); };
    witness_.stored_messages = [this] { return store_.durable(); };
    if (!setup.slow_readers) {
      witness_.watch_order_of_resuming();
    }
    // Whatever it was paused for, a connection goes on only while no more waits for its peer than may.
    witness_.may_resume = [this](Connection connection) {
      const LinkCounters counters = network_.counters(connection, Direction::to_client);
      return counters.sent_bytes - counters.delivered_bytes <= window_bytes() + setup_.waiting_bytes_max ||
             counters.lost > 0;
    };
    store_.now = [this] { return network_.now(); };
    start();
  }

  void perform(const Action& action) {
    switch (action.kind) {
      case ActionKind::connect:
        connect(action.peer);
        break;
      case ActionKind::talk:
        for (const Request& request : action.requests) {
          send(request);
        }
        break;
      case ActionKind::leave:
        if (peers_[action.peer].is_open()) {
          peers_[action.peer].close();
        }
        break;
      case ActionKind::break_off:
        if (peers_[action.peer].is_open()) {
          network_.break_connection(peers_[action.peer].line().connection);
        }
        break;
      case ActionKind::complete:
        store_.complete(action.count, false);
        break;
      case ActionKind::complete_as_one:
        store_.complete(action.count, true);
        break;
      case ActionKind::complete_and_fail:
        complete_and_fail(action.count % 2, action.kept);
        break;
      case ActionKind::pass_time:
        network_.run_for(action.count * retry_after / 2);
        break;
      case ActionKind::fail_loads:
        store_.fail_loads(action.count);
        break;
      case ActionKind::crash:
        server_.crash();
        restart(action.kept, close_code::abnormal);
        break;
      case ActionKind::end_and_start:
        restart(action.kept, close_code::going_away);
        break;
      case ActionKind::stop_reading:
        if (setup_.slow_readers && peers_[action.peer].is_open()) {
          reading_[action.peer] = false;
          peers_[action.peer].pause();
        }
        break;
      case ActionKind::read_again:
        read_again(action.peer);
        break;
    }
    settle();
    check();
  }

  /// The store works again, everybody is answered, and every message that the books know is really there.
  void heal_and_drain() {
    store_.fail_loads(0);
    for (Peer peer = 0; peer < peers; ++peer) {
      read_again(peer);
    }
    network_.run_for(retry_after);
    finish_commits();
    check();
    RC_ASSERT(messenger_->store_available());
    for (RawPeer& peer : peers_) {
      if (peer.is_open()) {
        peer.close();
      }
    }
    settle();
    RC_ASSERT(witness_.model().ids_held() == 0U);
    connect(0);
    settle();
    const ModelMailboxes mailboxes = witness_.model().mailboxes();
    for (const auto& [id, mailbox] : mailboxes) {
      peers_[0].send(associate(id).bytes);
      for (std::size_t number = 0; number <= mailbox.size(); ++number) {
        peers_[0].send(get(id).bytes);
      }
    }
    finish_commits();
    check();
    RC_ASSERT(peers_[0].line().received.size() == peers_[0].line().sent.size());
    RC_ASSERT(witness_.model().held() == 0U);
    RC_ASSERT(store_.durable().empty());
  }

 private:
  void start() {
    const bool loads = store_.loads_to_fail() == 0;
    witness_.forget_messenger();
    witness_.model().set_store_available(true);
    witness_.model().load(loads ? store_.durable() : ModelMailboxes{});
    messenger_.emplace(
        server_, store_,
        MessengerOptions{.mailbox_messages_max = static_cast<std::uint32_t>(setup_.limits.mailbox_messages_max),
                         .waiting_bytes_max = setup_.waiting_bytes_max,
                         .stuck_after = stuck_after,
                         .commits_in_flight_max = setup_.commits_max,
                         .held_bytes_max = setup_.held_bytes_max,
                         .store_retry_after = retry_after,
                         .on_event = witness_.listener()});
    RC_ASSERT(messenger_->store_available() == loads);
  }

  void restart(std::size_t kept_changes, CloseCode expected) {
    const std::vector<Peer> open = open_peers();
    for (const Peer peer : open) {
      read_again(peer);
    }
    messenger_.reset();
    store_.crash(kept_changes);
    settle();
    for (const Peer peer : open) {
      RC_ASSERT(peers_[peer].line().close_code == expected);
    }
    start();
  }

  static LinkOptions link_of(const Setup& setup) {
    LinkOptions link;
    link.latency = latency;
    link.window_bytes = setup.slow_readers ? small_window_bytes : link.window_bytes;
    return link;
  }

  std::size_t window_bytes() const { return std::max<std::size_t>(link_of(setup_).window_bytes, reply_bytes_max); }

  void read_again(Peer peer) {
    reading_[peer] = true;
    if (peers_[peer].is_open()) {
      peers_[peer].resume();
    }
  }

  void connect(Peer peer) {
    if (peers_[peer].is_free()) {
      reading_[peer] = true;
      peers_[peer].open();
    }
  }

  void send(const Request& request) {
    RawPeer& peer = peers_[request.peer];
    if (!peer.is_open()) {
      return;
    }
    const WitnessedConnection* seen = witness_.find(peer.line().connection);
    peer.send(addressed(request, seen == nullptr ? std::vector<Id>{} : witness_.model().ids_of(seen->number)).bytes);
  }

  void complete_and_fail(std::size_t count, std::size_t kept) {
    if (store_.commits_under_way() <= count) {
      store_.complete(count, false);
      return;
    }
    // Who waits for what will not be durable when the commit fails?
    const std::vector<Peer> open = open_peers();
    store_.complete_and_fail(count, kept);
    const std::uint64_t durable = store_.durable_count();
    std::vector<Peer> waiting;
    for (const Peer peer : open) {
      const std::vector<std::uint64_t>& marks = seen_by_messenger(peer).marks;
      if (!marks.empty() && marks.back() > durable) {
        waiting.push_back(peer);
      }
    }
    settle();
    for (const Peer peer : open) {
      const bool waited = std::find(waiting.begin(), waiting.end(), peer) != waiting.end();
      const Line& line = peers_[peer].line();
      if (!reading_[peer]) {
        continue;
      }
      RC_ASSERT(line.close_code == (waited ? std::optional{close_code::try_again_later} : std::nullopt));
      RC_ASSERT(!waited || !line.close_reason.empty());
      if (waited) {
        const std::vector<std::uint64_t>& marks = seen_by_messenger(peer).marks;
        const auto released = std::upper_bound(marks.begin(), marks.end(), durable) - marks.begin();
        RC_ASSERT(line.received.size() == static_cast<std::size_t>(released));
      }
    }
  }

  void finish_commits() {
    settle();
    while (store_.commits_under_way() > 0) {
      store_.complete(1, false);
      settle();
    }
  }

  void settle() { RC_ASSERT(network_.run_until_quiet(1min)); }

  std::vector<Peer> open_peers() const {
    std::vector<Peer> open;
    for (Peer peer = 0; peer < peers; ++peer) {
      if (peers_[peer].is_open()) {
        open.push_back(peer);
      }
    }
    return open;
  }

  const WitnessedConnection& seen_by_messenger(Peer peer) const {
    const WitnessedConnection* seen = witness_.find(peers_[peer].line().connection);
    RC_ASSERT(seen != nullptr);
    return *seen;
  }

  void check() {
    RC_ASSERT(witness_.fault() == "");
    RC_ASSERT(store_.fault() == "");
    for (const RawPeer& peer : peers_) {
      RC_ASSERT(peer.fault() == "");
      if (!peer.lines().empty() && witness_.find(peer.line().connection) != nullptr) {
        RC_ASSERT(witness_.compare(peer.line()) == "");
      }
    }
    check_replies();
    check_commits();
    check_retries();
    check_numbers();
    // The store was told of every message as it was accepted, and of every one that was taken.
    RC_ASSERT(!store_.is_loaded() || store_.latest() == witness_.model().mailboxes());
  }

  /// Exactly those replies have come that may come.
  void check_replies() const {
    const std::uint64_t durable = store_.durable_count();
    std::size_t held_in_all = 0;
    for (const Peer peer : open_peers()) {
      const WitnessedConnection& seen = seen_by_messenger(peer);
      const Line& line = peers_[peer].line();
      const auto released = static_cast<std::size_t>(std::upper_bound(seen.marks.begin(), seen.marks.end(), durable) -
                                                     seen.marks.begin());
      if (!reading_[peer]) {
        check_slow_reader(peer, released);
      } else {
        RC_ASSERT(line.received.size() == released);
        RC_ASSERT(seen.is_open());
      }
      // What is held is bounded: a connection that goes beyond makes one more reply at most.
      std::size_t held = 0;
      for (std::size_t index = released; index + 1 < seen.replies.size(); ++index) {
        held += seen.replies[index].size() + seen.requests[index].size();
      }
      RC_ASSERT(held <= setup_.waiting_bytes_max);
      held_in_all += held;
      if (durable == store_.recorded() && reading_[peer]) {
        RC_ASSERT(!seen.paused);
        RC_ASSERT(line.received.size() == line.sent.size());
      }
    }
    RC_ASSERT(held_in_all <= setup_.held_bytes_max);
  }

  /// What waits for a peer who does not read is bounded: what made it too much, and what was held for the store then.
  void check_slow_reader(Peer peer, std::size_t released) const {
    const WitnessedConnection& seen = seen_by_messenger(peer);
    const Line& line = peers_[peer].line();
    RC_ASSERT(line.received.size() <= released);
    std::size_t outstanding = 0;
    for (std::size_t index = line.received.size(); index < released; ++index) {
      outstanding += seen.replies[index].size();
    }
    RC_ASSERT(outstanding <= window_bytes() + 2 * (setup_.waiting_bytes_max + reply_bytes_max));
    RC_ASSERT(seen.paused || !seen.is_open() || outstanding <= window_bytes() + setup_.waiting_bytes_max);
  }

  /// Changes wait for a commit only while as many are under way as may be.
  void check_commits() const {
    RC_ASSERT(!store_.has_uncommitted_changes() || store_.commits_under_way() == setup_.commits_max);
  }

  /// While the store cannot be loaded, it is tried again when that was asked for. (Not earlier: the store watches
  /// that.)
  void check_retries() const {
    RC_ASSERT(messenger_->store_available() == store_.is_loaded());
    RC_ASSERT(store_.is_loaded() || network_.now() < store_.last_load() + retry_after);
  }

  void check_numbers() const {
    const ClassicModel& model = witness_.model();
    const MessengerCounters counters = messenger_->counters();
    RC_ASSERT(counters.books == (Books{model.loaded(), model.stored(), model.taken(), model.held()}));
    RC_ASSERT(counters.books.loaded + counters.books.stored == counters.books.taken + counters.books.held);
    RC_ASSERT(counters.addresses_held == model.ids_held());
    RC_ASSERT(counters.connections_opened == witness_.opened());
    RC_ASSERT(counters.connections_closed == witness_.closed());
    RC_ASSERT(counters.connections_open == open_peers().size());
    RC_ASSERT(counters.connections_paused == witness_.paused());
    RC_ASSERT(counters.packets_received == witness_.packets());
    RC_ASSERT(counters.packets_sent == witness_.packets());
    for (std::uint32_t index = 0; index < Address::classic_count; ++index) {
      const auto id = static_cast<Id>(index);
      RC_ASSERT(messenger_->depth(Address{id}) == model.depth(id));
    }
  }

  Setup setup_;
  MemoryNetwork network_;
  MemoryServer server_;
  std::deque<RawPeer> peers_;
  /// Whether each peer reads what comes.
  std::array<bool, peers> reading_{};
  ManualStore store_;
  Witness witness_;
  std::optional<Messenger<MemoryServer, ManualStore>> messenger_;
};

/// Draws what happens in a world, and lets it happen. What becomes durable is kept in the archive, if there is one.
inline void keeps_its_promise(bool slow_readers, Archive* archive = nullptr) {
  const Setup drawn = *setup(slow_readers);
  const auto actions = *rc::gen::scale(2, rc::gen::container<std::vector<Action>>(action()));
  World world{drawn, archive};
  for (const Action& action : actions) {
    world.perform(action);
  }
  world.heal_and_drain();
}

}  // namespace restante::property
