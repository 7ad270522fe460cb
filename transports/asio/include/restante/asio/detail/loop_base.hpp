// What a loop of connections knows, and the small steps that its turns are made of.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/asio/detail/session.hpp>
#include <restante/asio/detail/session_table.hpp>
#include <restante/asio/detail/timing.hpp>
#include <restante/asio/detail/watcher.hpp>
#include <restante/asio/engine.hpp>
#include <restante/callback.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

/// Which of several loops this is that share a listener.
struct LoopPlace {
  std::uint32_t index = 0;
  std::uint32_t count = 1;

  /// Sockets that are read from before the first of them is reported. A loop that is alone reads and reports in turn,
  /// while the bytes are in the cache; others do not make the listener, which takes one at a time, wait for the kernel.
  std::size_t reads_at_once() const noexcept { return count == 1 ? 1 : Watcher::batch; }
};

/// The connections of one loop, and what has to be done about them before the turn ends.
template <Engine E>
class LoopBase {
 public:
  LoopBase(boost::asio::io_context& context, Role role, const EndpointOptions& options, LoopPlace place = {})
      : context_{context},
        role_{role},
        options_{options},
        place_{place},
        timing_{context, options},
        watcher_{context},
        sessions_{place.index, place.count},
        read_buffer_(options.read_buffer_bytes * place.reads_at_once()) {}

  LoopBase(const LoopBase&) = delete;
  LoopBase& operator=(const LoopBase&) = delete;

  virtual ~LoopBase() = default;

  SteadyTime now() const { return timing_.now(); }

 protected:
  using Session = asio_detail::Session<E>;

  /// Has a turn soon.
  virtual void post_turn() = 0;

  /// A connection that was open is not any more.
  virtual void left() noexcept {}

  Session& claim() {
    Session& session = sessions_.claim(role_, options_.message_bytes_max, shared_);
    timing_.handshakes.set(session, now());
    return session;
  }

  void release(Session& session) { sessions_.release(session); }

  /// The handshake is complete, and agreed on this subprotocol, or on none.
  void open(Session& session, std::string_view peer, const Protocol* protocol) {
    if (protocol != nullptr) {
      session.engine.set_message_bytes_max(protocol->message_bytes_max);
    }
    session.phase = Phase::open;
    ++established_;
    expect_something(session);
    reported_ = true;
    listener_->opened(session.name, Opened{peer, name_of(protocol)});
  }

  /// Ends a connection with this turn, after the listener had its chance to reply to what came before.
  void end(Session& session, Ending&& ending) {
    if (session.ending_soon || session.phase == Phase::gone) {
      return;
    }
    session.ending_soon = true;
    session.take_deadline_back();
    if (session.phase == Phase::closing) {
      // It ends because we closed it: the code and the reason are those that we gave, and the peer has our frame.
      session.ending.linger = ending.linger;
      session.ending.drop = ending.drop;
    } else {
      session.ending = std::move(ending);
    }
    endings_.push_back(&session);
  }

  /// Lets what waits leave, and then the connection go, without telling the listener, who does not know of it.
  void finish(Session& session, bool linger = true) {
    session.phase = Phase::finishing;
    session.ending.linger = linger;
    session.drop_unfinished_tls();
    // What still comes is read and thrown away.
    session.paused = false;
    session.forget_unread();
    timing_.finishings.set(session, now());
    touch(session);
    watch(session, true, session.waits_for_writable);
  }

  /// Sees to it that the session is written to before the turn ends.
  void touch(Session& session) {
    if (!session.touched) {
      session.touched = true;
      touched_.push_back(&session);
    }
  }

  /// Where to put what is to leave, before the session is touched.
  std::vector<std::uint8_t>& output_of(Session& session) {
    spare_.lend(session.output);
    return session.output;
  }

  /// Asks for a turn when none is under way.
  void schedule() {
    if (!timing_.in_turn()) {
      post_turn();
    }
  }

  /// Has a session looked at in a turn of its own, although the kernel has nothing new for it.
  void take_up_again(Session& session) {
    if (!session.resumed) {
      session.resumed = true;
      resumed_.push_back(session.name);
    }
    post_turn();
  }

  void expect_something(Session& session) {
    if (options_.ping_interval > Duration::zero()) {
      timing_.pings.set(session, now());
    }
  }

  /// Before anything is reported in a turn, and before it is looked up whether it should be: what other loops asked for
  /// comes first. Ends before anything is written.
  void begin_report() {
    if (before_report_ && !reporting_) {
      reporting_ = true;
      before_report_();
    }
  }

  MaskSource* masks() noexcept { return role_ == Role::client ? &shared_.masks : nullptr; }

  void broken(Session& session, const ErrorCode& error) {
    const bool unknown = session.phase == Phase::connecting && role_ == Role::server;
    if (unknown || session.phase == Phase::finishing) {
      release(session);
    } else if (error == boost::asio::error::eof) {
      end(session, {close_code::abnormal, "the peer ended the connection without closing it"});
    } else {
      end(session, {close_code::abnormal, error.message(), false, false, true});
    }
  }

  /// Watches the socket for these two.
  void watch(Session& session, bool readable, bool writable) {
    if (!watcher_.watch(session.socket, session.name, session.watch, readable, writable)) {
      broken(session, boost::asio::error::no_memory);
    }
  }

  Session* find_any(Connection connection) const {
    return sessions_.find(connection, Phase::connecting, Phase::finishing);
  }

  std::span<std::uint8_t> buffer(std::size_t index) {
    return std::span{read_buffer_}.subspan(index * options_.read_buffer_bytes, options_.read_buffer_bytes);
  }

  boost::asio::io_context& context_;
  const Role role_;
  const EndpointOptions options_;
  const LoopPlace place_;
  TransportListener* listener_ = nullptr;
  bool stopped_ = false;
  /// Open or closing.
  std::size_t established_ = 0;

  Timing timing_;
  Watcher watcher_;
  /// Before what uses it.
  typename E::Shared shared_;
  SessionTable<E> sessions_;
  SpareBuffers spare_;
  /// What was read last, from whichever connections.
  std::vector<std::uint8_t> read_buffer_;
  /// The listener was told something since it was last told that a turn ended.
  bool reported_ = false;
  /// Where several loops share a listener: called before a loop reports, and when it has.
  Callback<void()> before_report_;
  Callback<void()> after_report_;
  /// Called once when there is no connection any more.
  Callback<void()> on_empty_;
  /// Between before_report_ and after_report_.
  bool reporting_ = false;
  /// Written to before the turn ends.
  std::vector<Session*> touched_;
  /// Looked at in the next turn.
  std::vector<Connection> resumed_;
  /// Ended before the turn ends.
  std::vector<Session*> endings_;
};

}  // namespace restante::asio_detail
