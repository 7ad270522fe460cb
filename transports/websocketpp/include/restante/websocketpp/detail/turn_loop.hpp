// How connections are read, written and ended, in turns.
//
// Everything happens in turns. A turn begins when the kernel or a timer has something for us; it reports what came,
// tells the listener that the turn ended, and then writes what each connection has to say with one call. See
// docs/adr/0002.
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/callback.hpp>
#include <restante/transport.hpp>
#include <restante/websocketpp/detail/session.hpp>
#include <restante/websocketpp/detail/timing.hpp>

namespace restante::websocketpp_detail {

/// Lives as long as an operation of the kernel may still come back to it.
class TurnLoop : public std::enable_shared_from_this<TurnLoop> {
 public:
  TurnLoop(boost::asio::io_context& context, Role role, const EndpointOptions& options)
      : context_{context},
        role_{role},
        options_{options},
        timing_{context, options},
        sessions_{context, options.read_buffer_bytes} {}

  TurnLoop(const TurnLoop&) = delete;
  TurnLoop& operator=(const TurnLoop&) = delete;

  virtual ~TurnLoop() = default;

  SteadyTime now() const { return timing_.now(); }

 protected:
  /// Takes bytes of the handshake from the session's read buffer, at least one.
  virtual void handshake(Session& session) = 0;

  /// The handshake of TLS is complete, and that of WebSocket comes next.
  virtual void secured(Session& session) = 0;

  /// The handshake of TLS failed: the connection must be ended.
  virtual void not_secured(Session& session, const ErrorCode& error) = 0;

  Session& claim() {
    Session& session = sessions_.claim();
    session.engine.emplace(role_, options_.message_bytes_max, random_);
    timing_.handshakes.set(session, now());
    return session;
  }

  void release(Session& session) { sessions_.release(session); }

  /// The handshake is complete.
  void open(Session& session, std::string_view peer, std::string_view protocol) {
    session.phase = Phase::open;
    ++established_;
    expect_something(session);
    reported_ = true;
    listener_->opened(session.name, Opened{peer, protocol});
  }

  /// Ends a connection with this turn, after the listener had its chance to reply to what came before.
  void end(Session& session, Ending ending) {
    if (session.ending_soon || session.phase == Phase::unused) {
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

  /// Goes on with the handshake of TLS, and reads, as far as that is possible without waiting.
  void advance_tls(Session& session) {
    touch(session);
    if (!session.tls || session.phase == Phase::finishing) {
      return;
    }
    ErrorCode error;
    if (!session.tls->established()) {
      if (!session.tls->shake_hands(error)) {
        if (!would_block(error)) {
          not_secured(session, error);
        }
        return;
      }
      secured(session);
    }
    const std::size_t bytes = session.tls->read({session.read_buffer.get(), options_.read_buffer_bytes}, error);
    if (!would_block(error)) {
      bytes_came(session, error, bytes);
    }
  }

  /// Lets what waits leave, and then the connection go, without telling the listener, who does not know of it.
  void finish(Session& session, bool linger = true) {
    session.phase = Phase::finishing;
    session.ending.linger = linger;
    session.drop_unfinished_tls();
    // What still comes is read and thrown away.
    session.paused = false;
    session.read_begin = session.read_end = 0;
    timing_.finishings.set(session, now());
    touch(session);
  }

  /// Sees to it that the session is written to and read from before the turn ends.
  void touch(Session& session) {
    if (!session.touched) {
      session.touched = true;
      touched_.push_back(&session);
    }
  }

  template <class Work>
  void turn(Work&& work) {
    timing_.turn_begins();
    work();
    settle();
    if (const std::size_t messages = std::exchange(messages_in_turn_, 0); messages > 0 && on_turn_) {
      on_turn_(messages, timing_.turn_takes());
    }
    timing_.turn_ends();
  }

  /// Asks for a turn when none is under way.
  void schedule() {
    if (!timing_.in_turn()) {
      post_turn();
    }
  }

  void post_turn() {
    if (!turn_posted_) {
      turn_posted_ = true;
      boost::asio::post(context_, [self = shared_from_this()] {
        self->turn_posted_ = false;
        self->turn([&] { self->parse_resumed(); });
      });
    }
  }

  void reparse(Session& session) {
    if (!session.resumed) {
      session.resumed = true;
      resumed_.push_back(&session);
    }
    // A turn of its own, not this one: others come first.
    post_turn();
  }

  void expect_something(Session& session) {
    if (options_.ping_interval > Duration::zero()) {
      timing_.pings.set(session, now());
    }
  }

  void report_woken() {
    if (listener_ != nullptr) {
      reported_ = true;
      listener_->woken();
    }
  }

  MaskSource* masks() noexcept { return role_ == Role::client ? &random_ : nullptr; }

  boost::asio::io_context& context_;
  const Role role_;
  const EndpointOptions options_;
  TransportListener* listener_ = nullptr;
  bool stopped_ = false;
  /// Open or closing.
  std::size_t established_ = 0;

  Timing timing_;
  SessionTable sessions_;
  /// The listener was told something since it was last told that a turn ended.
  bool reported_ = false;
  /// Told how many messages a turn brought and how long it took.
  Callback<void(std::size_t, Duration)> on_turn_;
  /// Called once when there is no connection any more.
  Callback<void()> on_empty_;
  /// Looked at before the turn ends.
  std::vector<Session*> touched_;
  /// Parsed in the next turn.
  std::vector<Session*> resumed_;
  /// Ended before the turn ends.
  std::vector<Session*> endings_;

 private:
  // Turns.

  void parse_resumed() {
    scratch_.swap(resumed_);
    for (Session* const session : scratch_) {
      if (std::exchange(session->resumed, false)) {
        parse(*session);
        touch(*session);
      }
    }
    scratch_.clear();
  }

  void settle() {
    for (;;) {
      if (std::exchange(reported_, false)) {
        listener_->turn_ended();
      } else if (!endings_.empty()) {
        scratch_.swap(endings_);
        for (Session* const session : scratch_) {
          conclude(*session);
        }
        scratch_.clear();
      } else if (!touched_.empty()) {
        scratch_.swap(touched_);
        for (Session* const session : scratch_) {
          if (std::exchange(session->touched, false)) {
            write(*session);
            read(*session);
          }
        }
        scratch_.clear();
      } else {
        break;
      }
    }
    arm_timer();
    if (on_empty_ && sessions_.used() == 0) {
      std::exchange(on_empty_, nullptr)();
    }
  }

  void conclude(Session& session) {
    session.ending_soon = false;
    const Connection name = session.name;
    const Ending ending = std::move(session.ending);
    const bool told = session.phase != Phase::connecting || role_ == Role::client;
    if (session.phase == Phase::open || session.phase == Phase::closing) {
      --established_;
    }
    if (session.phase == Phase::open && ending.send_frame) {
      append_close_frame(session.output, ending.code, ending.reason, masks());
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

  void read(Session& session) {
    if (session.phase == Phase::unused || session.reading || session.paused || session.read_begin != session.read_end ||
        session.ending_soon || !session.socket.is_open()) {
      return;
    }
    session.reading = true;
    // What comes at the very end is thrown away, whatever it says.
    if (session.tls && session.phase != Phase::finishing) {
      wait_for_tls(session);
      return;
    }
    session.socket.async_read_some(
        boost::asio::buffer(session.read_buffer.get(), options_.read_buffer_bytes),
        [self = shared_from_this(), &session, name = session.name](const ErrorCode& error, std::size_t bytes) {
          if (session.name == name) {
            session.reading = false;
            self->turn([&] { self->bytes_came(session, error, bytes); });
          }
        });
  }

  void wait_for_tls(Session& session) {
    session.tls->wait([self = shared_from_this(), &session, name = session.name](const ErrorCode& error) {
      if (session.name == name) {
        session.reading = false;
        self->turn([&] { error ? self->broken(session, error) : self->advance_tls(session); });
      }
    });
  }

  void bytes_came(Session& session, const ErrorCode& error, std::size_t bytes) {
    if (error) {
      broken(session, error);
      return;
    }
    session.read_end = bytes;
    if (session.phase == Phase::open && !session.paused) {
      expect_something(session);
    }
    parse(session);
    touch(session);
  }

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

  void parse(Session& session) {
    while (session.read_begin < session.read_end && !session.ending_soon) {
      if (session.phase == Phase::connecting) {
        handshake(session);
      } else if (session.phase == Phase::open && session.paused) {
        return;
      } else if (session.phase == Phase::open || session.phase == Phase::closing) {
        parse_frame(session);
      } else {
        break;
      }
    }
    session.read_begin = session.read_end = 0;
  }

  void parse_frame(Session& session) {
    std::error_code error;
    session.read_begin += session.engine->take_bytes(
        {session.read_buffer.get() + session.read_begin, session.read_end - session.read_begin}, error);
    if (error) {
      end(session, {Engine::close_code_of(error), error.message(), true, true, false});
      return;
    }
    const IncomingMessage* const message = session.engine->take_message();
    if (message == nullptr) {
      return;
    }
    const BytesView payload = as_bytes(message->payload());
    switch (message->get_opcode()) {
      case opcode::close:
        peer_closed(session, read_close_frame(*message));
        break;
      case opcode::ping:
        session.pong_bytes = std::min(payload.size(), session.pong.size());
        std::copy_n(payload.begin(), session.pong_bytes, session.pong.begin());
        session.pong_due = true;
        break;
      case opcode::pong:
        break;
      default:
        if (session.phase == Phase::open) {
          reported_ = true;
          ++messages_in_turn_;
          listener_->received(session.name,
                              message->get_opcode() == opcode::text ? MessageType::text : MessageType::binary, payload);
        }
        session.engine->release_memory(kept_bytes);
        break;
    }
  }

  void peer_closed(Session& session, PeerClose close) {
    if (close.fault != 0) {
      end(session, {close.fault, "a close frame that RFC 6455 does not allow", true, true, false});
    } else {
      // The server ends the connection first (RFC 6455, section 7.1.1).
      end(session, {close.code, std::move(close.reason), true, role_ == Role::client, false});
    }
  }

  // Writing.

  void write(Session& session) {
    if (session.phase == Phase::unused || session.waits_for_writable || session.ending_soon) {
      return;
    }
    if (session.pong_due && session.phase == Phase::open) {
      append_frame(session.output, opcode::pong, BytesView{session.pong}.first(session.pong_bytes), masks());
      session.pong_due = false;
    }
    ErrorCode error;
    if (session.write_out(error)) {
      all_left(session);
    } else if (would_block(error)) {
      wait_for_writable(session);
    } else {
      broken(session, error);
    }
  }

  void wait_for_writable(Session& session) {
    session.waits_for_writable = true;
    session.socket.async_wait(boost::asio::socket_base::wait_write,
                              [self = shared_from_this(), &session, name = session.name](const ErrorCode& error) {
                                if (session.name == name) {
                                  session.waits_for_writable = false;
                                  self->turn([&] {
                                    if (error) {
                                      self->broken(session, error);
                                    } else {
                                      self->touch(session);
                                    }
                                  });
                                }
                              });
  }

  void all_left(Session& session) {
    if (session.phase == Phase::finishing) {
      // A peer's TLS says that it ends too, and that must not make the kernel take back what the peer has not read.
      if (!session.ending.linger && !session.tls) {
        release(session);
      } else if (!session.send_ended) {
        session.send_ended = true;
        ErrorCode ignored;
        session.socket.shutdown(boost::asio::socket_base::shutdown_send, ignored);
      }
    } else if (std::exchange(session.sends_waiting, false) && session.phase == Phase::open && session.paused) {
      reported_ = true;
      listener_->drained(session.name);
    }
  }

  // Time.

  void arm_timer() {
    if (!stopped_) {
      timing_.arm([self = shared_from_this()](const ErrorCode& error) {
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
    while (list.due() <= now()) {
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
      append_frame(session.output, opcode::ping, {}, masks());
      timing_.pongs.set(session, now());
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

  bool turn_posted_ = false;
  std::size_t messages_in_turn_ = 0;
  MaskSource random_;
  std::vector<Session*> scratch_;
};

}  // namespace restante::websocketpp_detail
