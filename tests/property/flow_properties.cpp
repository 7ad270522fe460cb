// Links that are slow, jitter, stall and break, and readers that do not read: whatever they do, requests are answered
// in order, no reply is lost or invented, what waits for a slow reader is bounded, who stays stuck is closed in time,
// and nobody else notices.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <restante/memory.hpp>
#include <restante/messenger.hpp>

#include "generators.hpp"
#include "raw_peer.hpp"
#include "witness.hpp"

namespace restante::property {
namespace {

using namespace std::chrono_literals;

using test::Line;
using test::RawPeer;

constexpr std::size_t peers = 4;
/// The id of a client with a good link, which nobody else uses.
constexpr Id bystander_id = 200;
constexpr Duration bystander_latency = 1ms;
constexpr std::size_t reply_bytes_max = 259;

enum class ActionKind {
  connect,
  talk,
  ask_for_much,
  stop_reading,
  read_again,
  stall,
  go_on,
  leave,
  break_off,
  send_text,
  pass_time,
};

struct Action {
  ActionKind kind = ActionKind::talk;
  Peer peer = 0;
  std::size_t count = 0;
  Duration duration{};
  std::vector<Request> requests;
};

std::ostream& operator<<(std::ostream& out, const Action& action) {
  constexpr std::array names{"connect", "talk",  "ask for much", "stop reading", "read again", "stall",
                             "go on",   "leave", "break off",    "send text",    "pass time"};
  out << "\n  " << names[static_cast<std::size_t>(action.kind)] << " peer " << action.peer << " count " << action.count
      << " duration " << action.duration.count();
  if (action.kind == ActionKind::talk) {
    for (const Request& request : action.requests) {
      out << "\n    " << request;
    }
  }
  return out;
}

rc::Gen<Action> action() {
  return rc::gen::build<Action>(
      rc::gen::set(&Action::kind, rc::gen::weightedElement<ActionKind>({{4, ActionKind::connect},
                                                                        {10, ActionKind::talk},
                                                                        {4, ActionKind::ask_for_much},
                                                                        {2, ActionKind::stop_reading},
                                                                        {2, ActionKind::read_again},
                                                                        {1, ActionKind::stall},
                                                                        {2, ActionKind::go_on},
                                                                        {1, ActionKind::leave},
                                                                        {1, ActionKind::break_off},
                                                                        {1, ActionKind::send_text},
                                                                        {5, ActionKind::pass_time}})),
      rc::gen::set(&Action::peer, rc::gen::inRange<Peer>(0, peers)),
      rc::gen::set(&Action::count, rc::gen::inRange<std::size_t>(0, 30)),
      rc::gen::set(&Action::duration, rc::gen::element<Duration>(0ns, 10us, 1ms, 5ms, 50ms, 100ms, 300ms, 1s, 3s)),
      rc::gen::set(&Action::requests,
                   rc::gen::scale(0.2, rc::gen::container<std::vector<Request>>(generate::request(peers)))));
}

rc::Gen<LinkOptions> link(LinkKind kind) {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::element<Duration>(0ns, 100us, 1ms, 20ms), rc::gen::element<Duration>(0ns, 1ms, 30ms),
                     rc::gen::element<std::uint64_t>(0, 3000, 100'000),
                     rc::gen::element<std::uint64_t>(1, 300, 2000, 64 * 1024),
                     rc::gen::element<std::uint32_t>(0, 100'000)),
      [kind](const auto& drawn) {
        LinkOptions options;
        options.kind = kind;
        options.latency = std::get<0>(drawn);
        options.jitter = std::get<1>(drawn);
        options.bytes_per_second = std::get<2>(drawn);
        options.window_bytes = std::get<3>(drawn);
        options.loss_per_million = std::get<4>(drawn);
        options.duplication_per_million = std::get<4>(drawn);
        return options;
      });
}

struct Setup {
  ModelLimits limits;
  std::size_t waiting_bytes_max = 64 * 1024;
  Duration stuck_after = 30s;
  std::uint64_t seed = 0;
  std::vector<LinkOptions> links;
};

Setup setup(LinkKind kind) {
  return {{*rc::gen::element<std::size_t>(2, 100), 254},
          *rc::gen::element<std::size_t>(1, 300, 1000, 64 * 1024),
          *rc::gen::element<Duration>(50ms, 1s, 30s),
          *rc::gen::arbitrary<std::uint64_t>(),
          *rc::gen::container<std::vector<LinkOptions>>(peers, link(kind))};
}

class World {
 public:
  explicit World(const Setup& setup)
      : setup_{setup}, network_{{.seed = setup.seed, .link = {}}}, server_{network_}, witness_{setup.limits} {
    for (const LinkOptions& options : setup.links) {
      peers_.emplace_back(network_, server_, "peer " + std::to_string(peers_.size()), options);
    }
    peers_.emplace_back(network_, server_, "peer beside them", LinkOptions{.latency = bystander_latency});
    witness_.now = [this] { return network_.now(); };
    // Something waits exactly while more was sent than the window holds.
    witness_.may_resume = [this](Connection connection) {
      const LinkCounters counters = network_.counters(connection, Direction::to_client);
      const auto peer = std::find_if(peers_.begin(), peers_.end(), [connection](const RawPeer& candidate) {
        return !candidate.lines().empty() && candidate.line().connection == connection;
      });
      return peer == peers_.end() || counters.sent_bytes - counters.delivered_bytes <= window_of(*peer) ||
             counters.lost > 0;
    };
    messenger_.emplace(server_, MessengerOptions{.mailbox_messages_max =
                                                     static_cast<std::uint32_t>(setup_.limits.mailbox_messages_max),
                                                 .waiting_bytes_max = setup_.waiting_bytes_max,
                                                 .stuck_after = setup_.stuck_after,
                                                 .on_event = witness_.listener()});
    bystander().open();
    network_.run_for(2 * bystander_latency);
    bystander().send(associate(bystander_id).bytes);
    network_.run_for(2 * bystander_latency);
    RC_ASSERT(bystander().line().received.size() == 1U);
  }

  void perform(const Action& action) {
    RawPeer& peer = peers_[action.peer];
    switch (action.kind) {
      case ActionKind::connect:
        if (peer.is_free()) {
          peer.open();
        }
        break;
      case ActionKind::talk:
        for (const Request& request : action.requests) {
          send(request);
        }
        break;
      case ActionKind::ask_for_much:
        ask_for_much(action.peer, action.count);
        break;
      case ActionKind::pass_time:
        break;
      default:
        if (peer.is_open()) {
          disturb(peer, action);
        }
        break;
    }
    run_for(action.kind == ActionKind::pass_time ? action.duration : std::min<Duration>(action.duration, 1ms));
    check();
  }

  /// Everything works again: whoever is connected gets all replies, and nobody stays paused.
  void heal() {
    for (Peer peer = 0; peer < peers; ++peer) {
      if (!peers_[peer].lines().empty()) {
        network_.set_stalled(peers_[peer].line().connection, false);
        peers_[peer].resume();
      }
    }
    RC_ASSERT(network_.run_until_quiet(24h));
    check();
    for (const RawPeer& peer : peers_) {
      if (peer.is_open() && !broken_.contains(peer.line().connection)) {
        const WitnessedConnection* seen = witness_.find(peer.line().connection);
        RC_ASSERT(seen != nullptr);
        RC_ASSERT(!seen->paused);
        if (is_stream(peer)) {
          RC_ASSERT(seen->requests.size() == peer.line().sent.size());
          RC_ASSERT(peer.line().received.size() == peer.line().sent.size());
        }
      }
    }
  }

  /// Shutting down ends every connection that the Messenger still has, with 1001, after the replies that were made.
  void shut_down() {
    std::vector<Connection> open;
    for (const auto& [connection, seen] : witness_.connections()) {
      if (seen.is_open()) {
        open.push_back(connection);
      }
    }
    messenger_->shut_down();
    for (const Connection connection : open) {
      RC_ASSERT(witness_.find(connection)->refused == std::optional{close_code::going_away});
    }
    RC_ASSERT(network_.run_until_quiet(24h));
    check();
    RC_ASSERT(messenger_->counters().connections_open == 0U);
    RC_ASSERT(messenger_->counters().addresses_held == 0U);
  }

 private:
  RawPeer& bystander() { return peers_.back(); }

  static std::size_t window_of(const RawPeer& peer) {
    return std::max<std::size_t>(peer.link().window_bytes, reply_bytes_max);
  }

  static bool is_stream(const RawPeer& peer) { return peer.link().kind == LinkKind::stream; }

  std::vector<Id> ids_of(const RawPeer& peer) const {
    const WitnessedConnection* seen = witness_.find(peer.line().connection);
    return seen == nullptr ? std::vector<Id>{} : witness_.model().ids_of(seen->number);
  }

  void send(const Request& request) {
    RawPeer& peer = peers_[request.peer];
    if (peer.is_open()) {
      peer.send(addressed(request, ids_of(peer)).bytes);
    }
  }

  /// Pushes to itself and gets, so that many long replies wait.
  void ask_for_much(Peer number, std::size_t count) {
    RawPeer& peer = peers_[number];
    if (!peer.is_open()) {
      return;
    }
    const Id id = ids_of(peer).empty() ? static_cast<Id>(number) : ids_of(peer).front();
    peer.send(associate(id).bytes);
    for (std::size_t index = 0; index < count; ++index) {
      peer.send(push(id, id, payload_of(254, static_cast<std::uint32_t>(index))).bytes);
      peer.send(get(id).bytes);
    }
  }

  void disturb(RawPeer& peer, const Action& action) {
    const Connection connection = peer.line().connection;
    const Direction direction = action.count % 2 == 0 ? Direction::to_server : Direction::to_client;
    switch (action.kind) {
      case ActionKind::stop_reading:
        peer.pause();
        break;
      case ActionKind::read_again:
        peer.resume();
        break;
      case ActionKind::stall:
        network_.set_stalled(connection, direction, true);
        break;
      case ActionKind::go_on:
        network_.set_stalled(connection, false);
        break;
      case ActionKind::leave:
        peer.close();
        break;
      case ActionKind::break_off:
        broken_.insert(connection);
        network_.break_connection(connection,
                                  {.arrive_at_server = std::nullopt,
                                   .arrive_at_client = std::nullopt,
                                   .server_learns_after = action.count % 3 == 0 ? action.duration : Duration{},
                                   .client_learns_after = action.count % 3 == 1 ? action.duration : Duration{}});
        break;
      case ActionKind::send_text:
        peer.send_text("hello");
        break;
      default:
        break;
    }
  }

  /// Lets time pass, while the bystander goes on as if nothing was.
  void run_for(Duration duration) {
    const std::size_t received = bystander().line().received.size();
    bystander().send(push(bystander_id, bystander_id, {static_cast<std::uint8_t>(received)}).bytes);
    bystander().send(get(bystander_id).bytes);
    network_.run_for(2 * bystander_latency);
    const Line& line = bystander().line();
    RC_ASSERT(line.received.size() == received + 2);
    RC_ASSERT(line.received[received] == (Bytes{0x01, 0x02, bystander_id}));
    RC_ASSERT(line.received[received + 1] ==
              (Bytes{0x02, 0x00, bystander_id, bystander_id, 1, static_cast<std::uint8_t>(received)}));
    network_.run_for(duration);
  }

  void check() {
    RC_ASSERT(witness_.fault() == "");
    for (const RawPeer& peer : peers_) {
      RC_ASSERT(peer.fault() == "");
      for (const Line& line : peer.lines()) {
        RC_ASSERT(!is_stream(peer) || witness_.compare(line) == "");
      }
    }
    check_endings();
    check_bounds();
    check_numbers();
  }

  void check_endings() {
    std::uint64_t stuck = 0;
    for (const auto& [connection, seen] : witness_.connections()) {
      if (seen.refused == std::optional{close_code::policy_violation}) {
        ++stuck;
        RC_ASSERT(seen.paused);
        RC_ASSERT(seen.refused_at == after(seen.paused_at, setup_.stuck_after));
      } else if (seen.is_open() && seen.paused) {
        RC_ASSERT(network_.now() < after(seen.paused_at, setup_.stuck_after));
      }
    }
    RC_ASSERT(messenger_->counters().connections_stuck == stuck);
  }

  /// What the Messenger made and its client did not get is in the window of the link, or waits; and that is bounded. A
  /// connection is paused when more waits than may, and only then.
  void check_bounds() {
    for (const RawPeer& peer : peers_) {
      const WitnessedConnection* seen = peer.is_open() ? witness_.find(peer.line().connection) : nullptr;
      // On a broken connection nobody can tell what waits from what is lost.
      if (seen == nullptr || !seen->is_open() || !is_stream(peer) || broken_.contains(peer.line().connection)) {
        continue;
      }
      const std::size_t window = window_of(peer);
      const std::size_t outstanding = seen->reply_bytes() - bytes_of(peer.line().received);
      RC_ASSERT(outstanding <= setup_.waiting_bytes_max + reply_bytes_max + window);
      RC_ASSERT(outstanding > 0 || !seen->paused);
      // More than the window can hold waits, and it is more than may wait.
      RC_ASSERT(outstanding <= setup_.waiting_bytes_max + window || seen->paused);
    }
  }

  static std::size_t bytes_of(const std::vector<Bytes>& messages) {
    std::size_t sum = 0;
    for (const Bytes& message : messages) {
      sum += message.size();
    }
    return sum;
  }

  void check_numbers() const {
    const ClassicModel& model = witness_.model();
    const MessengerCounters counters = messenger_->counters();
    RC_ASSERT(counters.books == (Books{model.loaded(), model.stored(), model.taken(), model.held()}));
    RC_ASSERT(counters.addresses_held == model.ids_held());
    RC_ASSERT(counters.connections_opened == witness_.opened());
    RC_ASSERT(counters.connections_closed == witness_.closed());
    RC_ASSERT(counters.connections_open == witness_.opened() - witness_.closed());
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
  Witness witness_;
  std::set<Connection> broken_;
  std::optional<Messenger<MemoryServer>> messenger_;
};

void survives_its_links(LinkKind kind) {
  const Setup drawn = setup(kind);
  const auto actions = *rc::gen::scale(2, rc::gen::container<std::vector<Action>>(action()));
  World world{drawn};
  for (const Action& action : actions) {
    world.perform(action);
  }
  world.heal();
  world.shut_down();
}

RC_GTEST_PROP(MessengerOnBadLinks, AnswersInOrderAndBoundsWhatWaitsOnStreams, ()) {
  survives_its_links(LinkKind::stream);
}

RC_GTEST_PROP(MessengerOnBadLinks, AnswersWhatArrivesOnDatagramLinks, ()) {
  survives_its_links(LinkKind::datagram);
}

}  // namespace
}  // namespace restante::property
