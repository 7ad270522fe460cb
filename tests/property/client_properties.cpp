// Clients on links that jitter, stall and break, and a server that crashes: every callback is called once and in order,
// each result is what the server answered to just that request, and the books of both sides agree.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <restante/client.hpp>
#include <restante/memory.hpp>
#include <restante/messenger.hpp>

#include "generators.hpp"
#include "witness.hpp"

namespace restante::property {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t clients = 3;

/// The payload that nobody else pushes, of at least 6 bytes.
Bytes unique_payload(Peer client, std::uint32_t number, std::size_t length) {
  Bytes payload(std::max<std::size_t>(length, 6), 0x61);
  payload[0] = static_cast<std::uint8_t>(client);
  for (std::size_t index = 0; index < 4; ++index) {
    payload[1 + index] = static_cast<std::uint8_t>(number >> (8 * index));
  }
  return payload;
}

/// A Client, what was asked of it, and what it said.
class Actor {
 public:
  Actor(Peer number, MemoryNetwork& network, MemoryServer& server, const LinkOptions& link, ClientOptions options)
      : number_{number},
        requests_max_{options.requests_max},
        reconnect_after_max_{options.reconnect_after_max},
        transport_{network, server, {.name = "peer " + std::to_string(number), .link = link}} {
    options.on_event = [this](const ClientEvent& event) {
      std::visit([this](const auto& happened) { this->see(happened); }, event);
    };
    client_.emplace(transport_, std::move(options));
  }

  void associate(Id id) {
    const std::size_t request = begin(property::associate(id).bytes, false);
    client_->associate(id, [this, request, id](std::error_code error, classic::AssociateResult result) {
      finish(request, error,
             {0x00, static_cast<std::uint8_t>(result == classic::AssociateResult::associated ? 1 : 3), id});
      expect(error || result != classic::AssociateResult::unauthorised, "nobody asked for a credential");
      if (!error && result == classic::AssociateResult::associated) {
        restored_.insert(id);
        missing_.erase(id);
      }
    });
    check_how_it_began(request);
  }

  void push(Id sender, Id receiver, std::size_t length) {
    const Bytes payload = unique_payload(number_, ++pushes_, length);
    const bool too_large = payload.size() > 254;
    const std::size_t request = begin(property::push(sender, receiver, payload).bytes, too_large);
    client_->push(sender, receiver, payload,
                  [this, request, sender](std::error_code error, classic::PushResult result) {
                    const bool associated = result != classic::PushResult::not_associated;
                    const Bytes accepted{0x01, 0x02, sender};
                    const Bytes full{0x01, 0x03, sender};
                    finish(request, error,
                           result == classic::PushResult::accepted ? accepted
                           : result == classic::PushResult::mailbox_full
                               ? full
                               : Bytes{0x00, static_cast<std::uint8_t>(associated ? 3 : 2), sender});
                    if (!error && result == classic::PushResult::accepted) {
                      ++accepted_;
                    }
                  });
    check_how_it_began(request);
  }

  /// Gets, and gets again as long as something comes, so many times.
  void get(Id id, std::size_t more) {
    const std::size_t request = begin(property::get(id).bytes, false);
    client_->get(id, [this, request, id, more](std::error_code error, const classic::GetResult& result) {
      finish(request, error, reply_of(id, result));
      if (error == Error::disconnected) {
        ++gets_disconnected_;
      } else if (!error && result.kind == classic::GetResult::Kind::message) {
        got_.emplace_back(result.payload.begin(), result.payload.end());
        if (more > 0) {
          get(id, more - 1);
        }
      }
    });
    check_how_it_began(request);
  }

  void connect() {
    wanted_ = true;
    client_->connect();
  }
  void close() {
    wanted_ = false;
    restored_.clear();
    client_->close();
  }
  /// An id that was still taken when it is forgotten is not claimed again.
  void forget(Id id) {
    restored_.erase(id);
    missing_.erase(id);
    client_->forget(id);
  }
  bool is_wanted() const { return wanted_; }

  const Client<MemoryClient>& client() const { return *client_; }
  MemoryClient& transport() { return transport_; }
  const std::string& fault() const { return fault_; }
  /// What the server answered on each connection, as far as it was told.
  const std::map<Connection, std::vector<Bytes>>& answers() const { return answers_; }
  /// What was sent on each connection because it was asked for.
  const std::map<Connection, std::vector<Bytes>>& sent() const { return sent_; }
  /// The ids that must be claimed on each connection before anything else.
  const std::map<Connection, std::set<Id>>& claims() const { return claims_; }
  /// The ids that are claimed again later, because they were found taken.
  const std::map<Connection, std::set<Id>>& later_claims() const { return later_claims_; }
  const std::vector<Bytes>& got() const { return got_; }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t gets_disconnected() const { return gets_disconnected_; }
  bool all_called_back() const { return answered_ + rejected_ == requests_.size(); }
  const std::set<Id>& missing() const { return missing_; }

 private:
  struct Asked {
    Bytes bytes;
    bool too_large = false;
    Client<MemoryClient>::State state = Client<MemoryClient>::State::idle;
    std::size_t waiting = 0;
    bool sent = false;
    bool finished = false;
    bool beginning = true;
  };

  static Bytes reply_of(Id id, const classic::GetResult& result) {
    switch (result.kind) {
      case classic::GetResult::Kind::message: {
        Bytes reply{0x02, 0x00, id, result.sender, static_cast<std::uint8_t>(result.payload.size())};
        reply.insert(reply.end(), result.payload.begin(), result.payload.end());
        return reply;
      }
      case classic::GetResult::Kind::empty:
        return {0x01, 0x01, id};
      case classic::GetResult::Kind::not_associated:
        return {0x00, 0x02, id};
      case classic::GetResult::Kind::refused:
        break;
    }
    return {0x00, 0x03, id};
  }

  void expect(bool condition, const char* explanation) {
    if (!condition && fault_.empty()) {
      fault_ = explanation;
    }
  }

  std::size_t begin(Bytes bytes, bool too_large) {
    requests_.push_back({std::move(bytes), too_large, client_->state(), client_->requests()});
    return requests_.size() - 1;
  }

  /// A request is sent exactly when it can be.
  void check_how_it_began(std::size_t number) {
    Asked& asked = requests_[number];
    asked.beginning = false;
    asked.sent = client_->requests() > asked.waiting;
    const bool connected = asked.state == Client<MemoryClient>::State::connected;
    expect(asked.sent == (connected && !asked.too_large && asked.waiting < requests_max_),
           "a request was sent that cannot be, or not sent that can be");
    if (asked.sent) {
      sent_order_.push_back(number);
      sent_[transport_.connection()].push_back(asked.bytes);
    }
  }

  void finish(std::size_t number, std::error_code error, Bytes answer) {
    Asked& asked = requests_[number];
    expect(!asked.beginning, "a callback was called from inside the request");
    expect(!asked.finished, "a callback was called twice");
    asked.finished = true;
    if (!asked.sent) {
      ++rejected_;
      const std::error_code expected = asked.too_large ? Error::payload_too_large
                                       : asked.state != Client<MemoryClient>::State::connected
                                           ? Error::not_connected
                                           : Error::too_many_requests;
      expect(error == expected, "a request that was not sent ended with another error than it should");
      return;
    }
    expect(answered_ < sent_order_.size() && sent_order_[answered_] == number, "callbacks came out of order");
    ++answered_;
    expect(!error || error == Error::disconnected, "a request that was sent ended with an error that makes no sense");
    if (!error) {
      answers_[transport_.connection()].push_back(std::move(answer));
    }
  }

  // It may have been forgotten while the reply was under way.
  bool was_claimed(Id id) { return claims_[transport_.connection()].contains(id); }

  void see(const client_event::Connected&) {
    expect(wanted_, "a connection was made that nobody asked for");
    claims_[transport_.connection()] = restored_;
    missing_.clear();
  }
  void see(const client_event::Disconnected& event) {
    expect(event.reconnects_after >= Duration::zero() && event.reconnects_after <= reconnect_after_max_,
           "the next try comes too late");
    expect(event.reconnects == wanted_, "it reconnects, or does not, against what it was told");
    missing_.clear();
  }
  void see(const client_event::IdRestored& event) {
    expect(restored_.contains(event.id) || was_claimed(event.id), "an id was claimed again that was not held");
    answers_[transport_.connection()].push_back({0x00, 0x01, event.id});
    missing_.erase(event.id);
  }
  void see(const client_event::IdNotRestored& event) {
    expect(event.result == classic::AssociateResult::taken, "an id was not restored for a reason that makes no sense");
    answers_[transport_.connection()].push_back({0x00, 0x03, event.id});
    expect(restored_.contains(event.id) || was_claimed(event.id), "an id was claimed again that was not held");
    later_claims_[transport_.connection()].insert(event.id);
    if (restored_.contains(event.id)) {
      missing_.insert(event.id);
    }
  }

  Peer number_;
  std::size_t requests_max_;
  Duration reconnect_after_max_;
  MemoryClient transport_;
  std::deque<Asked> requests_;
  std::vector<std::size_t> sent_order_;
  std::size_t answered_ = 0;
  std::size_t rejected_ = 0;
  std::uint32_t pushes_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t gets_disconnected_ = 0;
  std::map<Connection, std::vector<Bytes>> answers_;
  std::map<Connection, std::vector<Bytes>> sent_;
  std::vector<Bytes> got_;
  bool wanted_ = false;
  /// Ids that must be claimed on the next connection, and those of them that are taken on this one.
  std::set<Id> restored_;
  std::set<Id> missing_;
  std::map<Connection, std::set<Id>> claims_;
  std::map<Connection, std::set<Id>> later_claims_;
  std::string fault_;
  std::optional<Client<MemoryClient>> client_;
};

enum class ActionKind {
  connect,
  associate,
  push,
  get,
  forget,
  close,
  stall,
  go_on,
  break_off,
  crash_server,
  pass_time,
};

struct Action {
  ActionKind kind = ActionKind::push;
  Peer client = 0;
  /// Whether the id is the client's own, which it always associates.
  bool own = true;
  Id id = 0;
  Id receiver = 0;
  std::size_t count = 0;
  Duration duration{};
};

std::ostream& operator<<(std::ostream& out, const Action& action) {
  constexpr std::array names{"connect", "associate", "push",      "get",          "forget",   "close",
                             "stall",   "go on",     "break off", "crash server", "pass time"};
  return out << "\n  " << names[static_cast<std::size_t>(action.kind)] << " client " << action.client << " id "
             << (action.own ? "own" : std::to_string(action.id)) << " receiver " << unsigned{action.receiver}
             << " count " << action.count << " duration " << action.duration.count();
}

rc::Gen<Action> action() {
  return rc::gen::build<Action>(
      rc::gen::set(&Action::kind, rc::gen::weightedElement<ActionKind>({{4, ActionKind::connect},
                                                                        {3, ActionKind::associate},
                                                                        {24, ActionKind::push},
                                                                        {20, ActionKind::get},
                                                                        {1, ActionKind::forget},
                                                                        {1, ActionKind::close},
                                                                        {1, ActionKind::stall},
                                                                        {3, ActionKind::go_on},
                                                                        {2, ActionKind::break_off},
                                                                        {1, ActionKind::crash_server},
                                                                        {14, ActionKind::pass_time}})),
      rc::gen::set(&Action::client, rc::gen::inRange<Peer>(0, clients)),
      rc::gen::set(&Action::own, rc::gen::weightedElement<bool>({{6, true}, {1, false}})),
      rc::gen::set(&Action::id, rc::gen::inRange<Id>(0, clients)),
      rc::gen::set(&Action::receiver, rc::gen::inRange<Id>(0, clients)),
      rc::gen::set(&Action::count, rc::gen::weightedOneOf<std::size_t>({{5, rc::gen::inRange<std::size_t>(0, 12)},
                                                                        {1, rc::gen::element<std::size_t>(254, 255)}})),
      rc::gen::set(&Action::duration, rc::gen::element<Duration>(0ns, 1ms, 5ms, 50ms, 300ms, 2s)));
}

struct Setup {
  ModelLimits limits;
  std::uint64_t seed = 0;
  std::size_t requests_max = 1024;
  Duration reply_timeout = 30s;
  std::vector<LinkOptions> links;
};

rc::Gen<LinkOptions> link() {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::element<Duration>(0ns, 1ms, 40ms), rc::gen::element<Duration>(0ns, 1ms, 30ms),
                     rc::gen::element<std::uint64_t>(0, 3000), rc::gen::element<std::uint64_t>(300, 64 * 1024)),
      [](const auto& drawn) {
        return LinkOptions{.latency = std::get<0>(drawn),
                           .jitter = std::get<1>(drawn),
                           .bytes_per_second = std::get<2>(drawn),
                           .window_bytes = std::get<3>(drawn)};
      });
}

class World {
 public:
  explicit World(const Setup& setup)
      : setup_{setup}, network_{{.seed = setup.seed, .link = {}}}, server_{network_}, witness_{setup.limits} {
    witness_.now = [this] { return network_.now(); };
    start();
    for (const LinkOptions& options : setup.links) {
      actors_.emplace_back(actors_.size(), network_, server_, options,
                           ClientOptions{.requests_max = setup.requests_max,
                                         .reply_timeout = setup.reply_timeout,
                                         .reconnect_after = 100ms,
                                         .reconnect_after_max = 2s,
                                         .restore_retry_after = 300ms,
                                         .seed = setup.seed + actors_.size()});
    }
    for (Peer client = 0; client < clients; ++client) {
      actors_[client].connect();
    }
    network_.run_for(1s);
    for (Peer client = 0; client < clients; ++client) {
      actors_[client].associate(static_cast<Id>(client));
    }
  }

  void perform(const Action& action) {
    Actor& actor = actors_[action.client];
    const Id id = action.own ? static_cast<Id>(action.client) : action.id;
    const Connection connection = actor.transport().connection();
    switch (action.kind) {
      case ActionKind::connect:
        actor.connect();
        break;
      case ActionKind::associate:
        actor.associate(id);
        break;
      case ActionKind::push:
        actor.push(id, action.receiver, action.count);
        break;
      case ActionKind::get:
        actor.get(id, action.count % 5);
        break;
      case ActionKind::forget:
        actor.forget(id);
        break;
      case ActionKind::close:
        actor.close();
        break;
      case ActionKind::stall:
        network_.set_stalled(connection, action.count % 2 == 0 ? Direction::to_server : Direction::to_client, true);
        break;
      case ActionKind::go_on:
        network_.set_stalled(connection, false);
        break;
      case ActionKind::break_off:
        network_.break_connection(connection,
                                  {.arrive_at_server = std::nullopt,
                                   .arrive_at_client = std::nullopt,
                                   .server_learns_after = action.count % 3 == 0 ? action.duration : Duration{},
                                   .client_learns_after = action.count % 3 == 1 ? action.duration : Duration{}});
        break;
      case ActionKind::crash_server:
        lost_in_crashes_ += witness_.model().held();
        server_.crash();
        messenger_.reset();
        start();
        break;
      case ActionKind::pass_time:
        network_.run_for(action.duration);
        break;
    }
    check();
  }

  /// Everybody is connected again, holds what it held unless somebody else does, and is answered.
  void heal() {
    for (Actor& actor : actors_) {
      network_.set_stalled(actor.transport().connection(), false);
      if (!actor.is_wanted()) {
        actor.connect();
      }
    }
    network_.run_for(5min);
    check();
    for (Peer number = 0; number < clients; ++number) {
      Actor& actor = actors_[number];
      RC_ASSERT(actor.client().state() == Client<MemoryClient>::State::connected);
      // An id that somebody else has is claimed again and again: that may be under way.
      RC_ASSERT(actor.client().requests() <= actor.missing().size());
      RC_ASSERT(actor.all_called_back());
      for (const Id id : actor.missing()) {
        RC_ASSERT(is_held(id));
      }
    }
    check_accounts();
  }

 private:
  void start() {
    witness_.forget_messenger();
    witness_.model().load({});
    messenger_.emplace(server_, MessengerOptions{.mailbox_messages_max =
                                                     static_cast<std::uint32_t>(setup_.limits.mailbox_messages_max),
                                                 .on_event = witness_.listener()});
  }

  Peer number_in_model(Actor& actor) const {
    const WitnessedConnection* seen = witness_.find(actor.transport().connection());
    RC_ASSERT(seen != nullptr);
    return seen->number;
  }

  bool is_held(Id id) {
    return std::any_of(actors_.begin(), actors_.end(),
                       [&](Actor& actor) { return witness_.model().holds(number_in_model(actor), id); });
  }

  static bool is_prefix(const std::vector<Bytes>& beginning, const std::vector<Bytes>& whole) {
    return beginning.size() <= whole.size() && std::equal(beginning.begin(), beginning.end(), whole.begin());
  }

  void check() {
    RC_ASSERT(witness_.fault() == "");
    for (const Actor& actor : actors_) {
      RC_ASSERT(actor.fault() == "");
      for (const auto& [connection, answers] : actor.answers()) {
        const WitnessedConnection* seen = witness_.find(connection);
        RC_ASSERT(seen != nullptr);
        RC_ASSERT(is_prefix(answers, seen->replies));
      }
      for (const auto& [connection, claims] : actor.claims()) {
        check_requests(actor, connection, claims);
      }
    }
  }

  /// The server saw the claims first, each once, and then what was asked for, in order; ids that were found taken are
  /// claimed in between.
  void check_requests(const Actor& actor, Connection connection, const std::set<Id>& claims) const {
    const WitnessedConnection* seen = witness_.find(connection);
    RC_ASSERT(seen != nullptr);
    const std::vector<Bytes>& requests = seen->requests;
    std::set<Id> claimed;
    for (std::size_t index = 0; index < std::min(claims.size(), requests.size()); ++index) {
      RC_ASSERT(requests[index].size() == 3U);
      RC_ASSERT(requests[index][0] == 0x00);
      RC_ASSERT(claims.contains(requests[index][2]));
      RC_ASSERT(claimed.insert(requests[index][2]).second);
    }
    const auto later = actor.later_claims().find(connection);
    const auto is_later_claim = [&](const Bytes& request) {
      return request[0] == 0x00 && later != actor.later_claims().end() && later->second.contains(request[2]);
    };
    std::vector<Bytes> arrived;
    if (requests.size() > claims.size()) {
      std::remove_copy_if(requests.begin() + static_cast<std::ptrdiff_t>(claims.size()), requests.end(),
                          std::back_inserter(arrived), is_later_claim);
    }
    std::vector<Bytes> sent;
    if (const auto asked = actor.sent().find(connection); asked != actor.sent().end()) {
      std::remove_copy_if(asked->second.begin(), asked->second.end(), std::back_inserter(sent), is_later_claim);
    }
    RC_ASSERT(is_prefix(arrived, sent));
  }

  /// What was accepted was delivered once, or is held, or was lost in a way that the protocol admits.
  void check_accounts() {
    std::set<Bytes> delivered;
    std::uint64_t accepted = 0;
    std::uint64_t may_be_lost = lost_in_crashes_;
    for (const Actor& actor : actors_) {
      accepted += actor.accepted();
      may_be_lost += actor.gets_disconnected();
      for (const Bytes& payload : actor.got()) {
        RC_ASSERT(delivered.insert(payload).second);
      }
    }
    RC_ASSERT(accepted <= delivered.size() + witness_.model().held() + may_be_lost);
  }

  Setup setup_;
  MemoryNetwork network_;
  MemoryServer server_;
  Witness witness_;
  std::optional<Messenger<MemoryServer>> messenger_;
  std::deque<Actor> actors_;
  std::uint64_t lost_in_crashes_ = 0;
};

RC_GTEST_PROP(ClientOnBadLinks, MatchesRepliesToRequestsAndAgreesWithTheBooksOfTheServer, ()) {
  const Setup drawn{{*rc::gen::element<std::size_t>(2, 100), 254},
                    *rc::gen::arbitrary<std::uint64_t>(),
                    *rc::gen::element<std::size_t>(1, 3, 1024, 1024),
                    *rc::gen::element<Duration>(200ms, 30s),
                    *rc::gen::container<std::vector<LinkOptions>>(clients, link())};
  const auto actions = *rc::gen::scale(4, rc::gen::container<std::vector<Action>>(action()));
  World world{drawn};
  for (const Action& action : actions) {
    world.perform(action);
  }
  world.heal();
}

}  // namespace
}  // namespace restante::property
