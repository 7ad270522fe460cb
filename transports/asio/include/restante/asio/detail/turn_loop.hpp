// How connections are read, written and ended, in turns.
//
// Everything happens in turns. A turn begins when the kernel or a timer has something for us; it reports what came,
// tells the listener that the turn ended, and then writes what each connection has to say with one call. See
// docs/adr/0002 and 0006.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/asio/detail/frame.hpp>
#include <restante/asio/detail/loop_base.hpp>
#include <restante/asio/detail/session.hpp>
#include <restante/asio/detail/watcher.hpp>
#include <restante/asio/engine.hpp>
#include <restante/assert.hpp>
#include <restante/callback.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

/// What was read from a socket, or why nothing can be.
struct Fetched {
  bool something = false;
  ErrorCode error = {};
  std::span<std::uint8_t> bytes = {};
};

/// Lives as long as an operation of the kernel may still come back to it.
template <Engine E>
class TurnLoop : public LoopBase<E>, public std::enable_shared_from_this<TurnLoop<E>> {
 public:
  using LoopBase<E>::LoopBase;

 protected:
  using typename LoopBase<E>::Session;
  using LoopBase<E>::after_report_;
  using LoopBase<E>::begin_report;
  using LoopBase<E>::broken;
  using LoopBase<E>::buffer;
  using LoopBase<E>::context_;
  using LoopBase<E>::end;
  using LoopBase<E>::endings_;
  using LoopBase<E>::established_;
  using LoopBase<E>::expect_something;
  using LoopBase<E>::find_any;
  using LoopBase<E>::finish;
  using LoopBase<E>::left;
  using LoopBase<E>::listener_;
  using LoopBase<E>::masks;
  using LoopBase<E>::on_empty_;
  using LoopBase<E>::output_of;
  using LoopBase<E>::place_;
  using LoopBase<E>::release;
  using LoopBase<E>::reported_;
  using LoopBase<E>::reporting_;
  using LoopBase<E>::resumed_;
  using LoopBase<E>::role_;
  using LoopBase<E>::sessions_;
  using LoopBase<E>::spare_;
  using LoopBase<E>::stopped_;
  using LoopBase<E>::take_up_again;
  using LoopBase<E>::timing_;
  using LoopBase<E>::touch;
  using LoopBase<E>::touched_;
  using LoopBase<E>::watch;
  using LoopBase<E>::watcher_;

  /// Takes bytes of the handshake off the front, at least one.
  virtual void handshake(Session& session, std::span<std::uint8_t>& bytes) = 0;

  /// The handshake of TLS is complete, and that of WebSocket comes next.
  virtual void secured(Session& session) = 0;

  /// The handshake of TLS failed: the connection must be ended.
  virtual void not_secured(Session& session, const ErrorCode& error) = 0;

  /// The socket is there: reads from it from now on.
  void attach(Session& session, Socket socket) {
    session.socket = std::move(socket);
    watch(session, true, false);
    if (!waiting_) {
      wait_for_sockets();
    }
  }

  /// Reads what there is, as far as that is possible without waiting, and reports it.
  void read(Session& session) {
    if (const Fetched fetched = fetch(session, buffer(0)); fetched.something) {
      bytes_came(session, fetched.error, fetched.bytes);
    }
  }

  template <class Work>
  void turn(Work&& work) {
    timing_.turn_begins();
    work();
    settle();
    if (const std::size_t messages = std::exchange(messages_in_turn_, 0); messages > 0 && on_turn_ != nullptr) {
      (*on_turn_)(messages, timing_.turn_takes());
    }
    timing_.turn_ends();
    sessions_.bury();
  }

  void post_turn() override {
    if (!turn_posted_) {
      turn_posted_ = true;
      boost::asio::post(context_, [self = this->shared_from_this()] {
        self->turn_posted_ = false;
        self->turn([&] { self->serve_resumed(); });
      });
    }
  }

  void report_woken() {
    begin_report();
    if (listener_ != nullptr) {
      reported_ = true;
      listener_->woken();
    }
  }

  /// Told how many messages a turn brought and how long it took; or nullptr.
  Callback<void(std::size_t, Duration)>* on_turn_ = nullptr;

 private:
  // Turns.

  // Only while there are connections, so that a loop of somebody else's runs out of work when there is none.
  void wait_for_sockets() {
    waiting_ = true;
    watcher_.async_wait([self = this->shared_from_this()](const ErrorCode& error) {
      if (!error && !self->stopped_) {
        self->serve_sockets();
        if (self->waiting_) {
          self->wait_for_sockets();
        }
      }
    });
  }

  // One batch after another, as long as many sockets have something, but not so long that what else there is in the
  // loop would have to wait.
  void serve_sockets() {
    constexpr int batches_max = 16;
    std::size_t found = 2;
    for (int batches = 0; batches < batches_max && found > 1 && !stopped_; ++batches) {
      std::span<const Watcher::Event> events = watcher_.take();
      found = events.size();
      if (found > 0) {
        turn([&] {
          while (!events.empty()) {
            const std::size_t group = std::min(events.size(), place_.reads_at_once());
            serve(events.first(group));
            events = events.subspan(group);
          }
        });
      }
    }
  }

  void serve(std::span<const Watcher::Event> events) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      Session* const session = find_any(events[i].connection);
      fetched_[i] = session != nullptr ? serve(*session, events[i], buffer(i)) : Fetched{};
    }
    begin_report();
    for (std::size_t i = 0; i < events.size(); ++i) {
      // What was reported before may have ended it.
      Session* const session = fetched_[i].something ? find_any(events[i].connection) : nullptr;
      if (session != nullptr) {
        bytes_came(*session, fetched_[i].error, fetched_[i].bytes);
      }
    }
  }

  Fetched serve(Session& session, const Watcher::Event& event, std::span<std::uint8_t> into) {
    if (event.writable && std::exchange(session.waits_for_writable, false)) {
      watch(session, session.watch.readable(), false);
      touch(session);
    }
    const bool tls_goes_on = event.writable && session.tls && session.tls->wants_to_write();
    return event.readable || tls_goes_on ? fetch(session, into) : Fetched{};
  }

  void serve_resumed() {
    begin_report();
    std::vector<Connection> resumed;
    resumed.swap(resumed_);
    for (const Connection connection : resumed) {
      if (Session* const session = find_any(connection); session != nullptr && session->resumed) {
        session->resumed = false;
        parse_unread(*session);
        if (session->tls && session->tls->holds_more() && session->phase != Phase::finishing) {
          read(*session);
        }
      }
    }
  }

  void settle() {
    for (;;) {
      if (std::exchange(reported_, false)) {
        listener_->turn_ended();
      } else if (!endings_.empty()) {
        begin_report();
        scratch_.swap(endings_);
        for (Session* const session : scratch_) {
          conclude(*session);
        }
        scratch_.clear();
      } else if (std::exchange(reporting_, false)) {
        after_report_();
      } else if (!touched_.empty()) {
        scratch_.swap(touched_);
        for (Session* const session : scratch_) {
          session->touched = false;
          write(*session);
        }
        scratch_.clear();
      } else {
        break;
      }
    }
    arm_timer();
    if (sessions_.used() == 0) {
      if (std::exchange(waiting_, false)) {
        watcher_.stop();
      }
      if (on_empty_) {
        std::exchange(on_empty_, nullptr)();
      }
    }
  }

  void conclude(Session& session) {
    if (session.phase == Phase::gone) {
      return;
    }
    session.ending_soon = false;
    const Connection name = session.name;
    const Ending ending = std::move(session.ending);
    const bool told = session.phase != Phase::connecting || role_ == Role::client;
    if (session.phase == Phase::open || session.phase == Phase::closing) {
      --established_;
      left();
    }
    if (session.phase == Phase::open && ending.send_frame) {
      append_close_frame(output_of(session), ending.code, ending.reason, masks());
    }
    if (ending.drop) {
      release(session);
    } else {
      finish(session, ending.linger);
    }
    if (told) {
      reported_ = true;
      listener_->closed(name, Closed{ending.code, ending.reason});
    }
  }

  // Reading.

  // Tells the listener nothing.
  Fetched fetch(Session& session, std::span<std::uint8_t> into) {
    if (session.ending_soon || session.resumed) {
      // What waits to be parsed comes first; the kernel says it again.
      return {};
    }
    if (session.paused) {
      watch(session, false, session.watch.writable());
      return {};
    }
    ErrorCode error;
    // What comes at the very end is thrown away, whatever it says.
    const bool over_tls = session.tls && session.phase != Phase::finishing;
    const std::size_t bytes = over_tls ? fetch_tls(session, into, error) : session.socket.read_some(into, error);
    return {!would_block(error), error, into.first(bytes)};
  }

  // Goes on with the handshake of TLS, and reads.
  std::size_t fetch_tls(Session& session, std::span<std::uint8_t> into, ErrorCode& error) {
    touch(session);
    TlsChannel& tls = *session.tls;
    if (!tls.established() && tls.shake_hands(error)) {
      secured(session);
    }
    if (!tls.established()) {
      if (would_block(error)) {
        watch(session, true, tls.wants_to_write());
      } else {
        not_secured(session, error);
      }
      error = boost::asio::error::would_block;
      return 0;
    }
    const std::size_t bytes = tls.read(into, error);
    if (tls.holds_more()) {
      // A turn of its own, not this one: others come first.
      take_up_again(session);
    }
    watch(session, true, tls.wants_to_write() || session.waits_for_writable);
    return bytes;
  }

  void bytes_came(Session& session, const ErrorCode& error, std::span<std::uint8_t> bytes) {
    if (error) {
      broken(session, error);
      return;
    }
    if (session.phase == Phase::open) {
      expect_something(session);
    }
    if (const std::span<const std::uint8_t> rest = parse(session, bytes); !rest.empty()) {
      session.unread_bytes.assign(rest.begin(), rest.end());
    }
  }

  void parse_unread(Session& session) {
    const std::size_t rest = parse(session, session.unread()).size();
    if (rest == 0) {
      session.forget_unread();
    } else {
      session.unread_begin = session.unread_bytes.size() - rest;
    }
  }

  // Gives what has to be parsed later. What comes after the end of a connection is thrown away.
  std::span<std::uint8_t> parse(Session& session, std::span<std::uint8_t> bytes) {
    while (!session.ending_soon) {
      if (session.phase == Phase::connecting) {
        if (bytes.empty()) {
          return bytes;
        }
        handshake(session, bytes);
      } else if (session.phase == Phase::open && session.paused) {
        return bytes;
      } else if (session.phase != Phase::open && session.phase != Phase::closing) {
        break;
      } else if (Frame frame; session.engine.next(bytes, frame)) {
        take(session, frame);
      } else {
        return {};
      }
    }
    return {};
  }

  void take(Session& session, const Frame& frame) {
    switch (frame.kind) {
      case Frame::Kind::text:
      case Frame::Kind::binary:
        if (session.phase == Phase::open) {
          reported_ = true;
          ++messages_in_turn_;
          listener_->received(session.name, frame.kind == Frame::Kind::text ? MessageType::text : MessageType::binary,
                              frame.payload);
        }
        break;
      case Frame::Kind::ping:
        session.pong_bytes = static_cast<std::uint8_t>(std::min(frame.payload.size(), session.pong.size()));
        std::copy_n(frame.payload.begin(), session.pong_bytes, session.pong.begin());
        session.pong_due = true;
        touch(session);
        break;
      case Frame::Kind::pong:
        break;
      case Frame::Kind::close:
        // The server ends the connection first (RFC 6455, section 7.1.1).
        end(session, {frame.code, std::string{frame.reason}, true, role_ == Role::client, false});
        break;
      case Frame::Kind::fault:
        end(session, {frame.code, std::string{frame.reason}, true, true, false});
        break;
    }
  }

  // Writing.

  void write(Session& session) {
    if (session.phase == Phase::gone || session.waits_for_writable || session.ending_soon) {
      return;
    }
    if (session.pong_due && session.phase == Phase::open) {
      append_frame(output_of(session), Opcode::pong, BytesView{session.pong}.first(session.pong_bytes), masks());
      session.pong_due = false;
    }
    ErrorCode error;
    if (session.write_out(error)) {
      spare_.take_back(session.output);
      all_left(session);
    } else if (would_block(error)) {
      session.waits_for_writable = true;
      watch(session, session.watch.readable(), true);
    } else {
      broken(session, error);
    }
  }

  void all_left(Session& session) {
    if (session.phase == Phase::finishing) {
      // A peer's TLS says that it ends too, and that must not make the kernel take back what the peer has not read.
      if (!session.ending.linger && !session.tls) {
        release(session);
      } else if (!session.send_ended) {
        session.send_ended = true;
        session.socket.end_sending();
      }
    } else if (std::exchange(session.sends_waiting, false) && session.phase == Phase::open && session.paused) {
      begin_report();
      if (session.phase == Phase::open && session.paused && session.waiting_bytes() == 0) {
        reported_ = true;
        listener_->drained(session.name);
      }
    }
  }

  // Time.

  void arm_timer() {
    if (!stopped_) {
      timing_.arm([self = this->shared_from_this()](const ErrorCode& error) {
        if (!error && !self->stopped_) {
          self->timing_.fired();
          self->turn([&] { self->expire(); });
        }
      });
    }
  }

  // Calls `act` with each session whose deadline in the list has come; it must take the deadline back.
  template <class Act>
  void each_due(Deadlines& list, Act&& act) {
    while (list.due() <= this->now()) {
      Session& session = static_cast<Session&>(*list.first());
      session.take_deadline_back();
      act(session);
    }
  }

  void expire() {
    each_due(timing_.handshakes, [&](Session& session) {
      if (role_ == Role::client) {
        end(session, {close_code::abnormal, "the handshake took too long", false, false, true});
      } else {
        release(session);
      }
    });
    each_due(timing_.pings, [&](Session& session) {
      append_frame(output_of(session), Opcode::ping, {}, masks());
      timing_.pongs.set(session, this->now());
      touch(session);
    });
    each_due(timing_.pongs, [&](Session& session) {
      end(session, {close_code::abnormal, "the peer does not answer", false, false, true});
    });
    each_due(timing_.closings, [&](Session& session) { end(session, {close_code::abnormal, {}, false, false, true}); });
    each_due(timing_.finishings, [&](Session& session) { release(session); });
    if (timing_.take_wake_up()) {
      report_woken();
    }
  }

  /// Somebody waits for the sockets.
  bool waiting_ = false;
  bool turn_posted_ = false;
  std::size_t messages_in_turn_ = 0;
  std::vector<Session*> scratch_;
  std::array<Fetched, Watcher::batch> fetched_;
};

}  // namespace restante::asio_detail
