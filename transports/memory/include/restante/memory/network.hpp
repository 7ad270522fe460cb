// The in-memory network: virtual time, a seed, and faults on purpose.
#pragma once

#include <cstdint>
#include <string_view>

#include <restante/assert.hpp>
#include <restante/memory/exchange.hpp>
#include <restante/memory/link.hpp>
#include <restante/memory/random.hpp>
#include <restante/memory/timeline.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante {

struct MemoryNetworkOptions {
  /// All chance of the network comes from it.
  std::uint64_t seed = 0;
  /// What connections are like, for clients that were not told otherwise.
  LinkOptions link = {};
};

/// What connects MemoryServers and MemoryClients. It must outlive them, and is used from one thread. Nothing happens
/// and no time passes but in run_for(), run_until(), run_until_quiet() and step(), which must not be called by a
/// listener or an event.
///
/// A Connection names the same connection at both of its ends.
class MemoryNetwork {
 public:
  explicit MemoryNetwork(const MemoryNetworkOptions& options = {})
      : random_{options.seed}, link_{options.link}, exchange_{timeline_, random_.fork("connections")} {
    memory::check(link_);
  }
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  /// Virtual time. It starts at SteadyTime{} and goes on from event to event.
  SteadyTime now() const noexcept { return timeline_.now(); }

  /// Where the events of the network are; a program may schedule its own, and cancel those.
  Timeline& timeline() noexcept { return timeline_; }

  /// A generator for the program's own decisions. The same label gives the same numbers, whatever the network draws.
  Random random(std::string_view label) const noexcept { return random_.fork("program").fork(label); }

  /// Lets the next event happen, whenever it is due, and says whether there was one.
  bool step() { return timeline_.step(); }

  /// Lets everything happen that is due in the next `duration`, its end included. Not negative.
  void run_for(Duration duration) {
    RESTANTE_ASSERT(duration >= Duration::zero(), "time does not go back");
    timeline_.run_until(after(now(), duration));
  }

  /// Lets everything happen that is due up to `time`, that time included.
  void run_until(SteadyTime time) { timeline_.run_until(time); }

  /// Runs until nothing is on its way, and says whether that came about within `limit`; if it did not, `limit` has
  /// passed. What waits for somebody's wake_at() or for the end of a stall or a partition is not on its way.
  bool run_until_quiet(Duration limit) {
    const SteadyTime deadline = after(now(), limit);
    while (!timeline_.quiet() && timeline_.next() <= deadline) {
      timeline_.step();
    }
    if (!timeline_.quiet()) {
      timeline_.run_until(deadline);
    }
    return timeline_.quiet();
  }

  /// What connections are like, for clients that are made from now on and not told otherwise.
  void set_link(const LinkOptions& options) {
    memory::check(options);
    link_ = options;
  }
  const LinkOptions& link() const noexcept { return link_; }

  /// Breaks a connection without a word. The ends find out by a report of closed() with 1006. A connection that is
  /// gone: nothing happens.
  void break_connection(Connection connection, const Break& how = {}) { exchange_.break_off(connection, how); }

  /// While a connection is stalled nothing arrives, and nothing is lost because of it: what is overdue when the stall
  /// ends arrives at that moment. A connection that is gone: nothing happens.
  void set_stalled(Connection connection, Direction direction, bool stalled) {
    exchange_.set_stalled(connection, memory::index(direction), stalled);
  }
  /// The same in both directions.
  void set_stalled(Connection connection, bool stalled) {
    set_stalled(connection, Direction::to_server, stalled);
    set_stalled(connection, Direction::to_client, stalled);
  }

  /// What happened on a connection. Zeros once it has ended at both sides.
  LinkCounters counters(Connection connection, Direction direction) const {
    return exchange_.counters(connection, memory::index(direction));
  }

  /// What happened on all connections since the beginning.
  LinkCounters counters(Direction direction) const { return exchange_.all_counters(memory::index(direction)); }

 private:
  friend class MemoryServer;
  friend class MemoryClient;

  Timeline timeline_;
  Random random_;
  LinkOptions link_;
  memory::Exchange exchange_;
};

}  // namespace restante
