// What a server and a client have in common: the functions of the concept Transport.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <restante/asio/detail/turn_loop.hpp>
#include <restante/assert.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

/// "127.0.0.1:80" or "[::1]:80".
inline std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

/// A TurnLoop as its listener sees it.
template <Engine E>
class Endpoint : public TurnLoop<E> {
 public:
  using TurnLoop<E>::TurnLoop;

  // The functions of the concept Transport.

  void start(TransportListener& listener) {
    RESTANTE_ASSERT(!started_, "a transport must be started once only");
    started_ = true;
    listener_ = &listener;
    started();
  }

  void stop() {
    if (stopped_) {
      return;
    }
    stopped_ = true;
    listener_ = nullptr;
    stop_accepting();
    sessions_.for_each([&](Session& session) { leave(session); });
    touched_.clear();
    resumed_.clear();
    endings_.clear();
    sessions_.bury();
    reported_ = false;
    on_empty_ = nullptr;
    watcher_.stop();
    timing_.stop();
  }

  std::size_t send(Connection connection, BytesView message) {
    Session* const session = sessions_.find(connection);
    if (session == nullptr || session->swallows) {
      return 0;
    }
    if (session->waiting_bytes() + message.size() + frame_header_bytes_max > options_.send_queue_bytes_max) {
      session->swallows = true;
      this->end(*session,
                {close_code::policy_violation, "what is sent to this connection is not read", true, true, false});
    } else {
      append_frame(this->output_of(*session), Opcode::binary, message, this->masks());
      session->sends_waiting = true;
      this->touch(*session);
    }
    this->schedule();
    return session->waiting_bytes();
  }

  void close(Connection connection, CloseCode code, std::string_view reason) {
    RESTANTE_ASSERT(may_be_sent(code),
                    "a connection must be closed with a code that may be sent: RFC 6455, section 7.4");
    RESTANTE_ASSERT(reason.size() <= close_reason_bytes_max, "the reason for closing must have at most 123 bytes");
    // A client knows its connection before it is open.
    Session* const session = sessions_.find(connection, role_ == Role::client ? Phase::connecting : Phase::open);
    if (session == nullptr || session->ending_soon) {
      return;
    }
    if (session->phase == Phase::connecting) {
      this->end(*session, {code, std::string{reason}, false, false, true});
    } else {
      session->ending.code = code;
      session->ending.reason = reason;
      append_close_frame(this->output_of(*session), code, reason, this->masks());
      session->phase = Phase::closing;
      timing_.closings.set(*session, this->now());
      this->touch(*session);
      // What comes now is read only to find the peer's close frame.
      receive_again(*session);
    }
    this->schedule();
  }

  void pause(Connection connection) {
    if (Session* const session = sessions_.find(connection); session != nullptr && !session->paused) {
      session->paused = true;
      // Nothing is read from it, a pong neither.
      session->take_deadline_back();
    }
  }

  void resume(Connection connection) {
    if (Session* const session = sessions_.find(connection); session != nullptr && session->paused) {
      this->expect_something(*session);
      receive_again(*session);
    }
  }

  void wake_at(SteadyTime time) {
    timing_.wake_at(time);
    this->schedule();
  }

  void wake() {
    if (!wake_posted_.exchange(true, std::memory_order_acq_rel)) {
      boost::asio::post(context_, [self = std::static_pointer_cast<Endpoint>(this->shared_from_this())] {
        self->wake_posted_.store(false, std::memory_order_release);
        self->turn([&] { self->report_woken(); });
      });
    }
  }

  /// Closes every connection with 1001 and calls `done` when there is none any more.
  template <class Done>
  void shut_down(Done done) {
    stop_accepting();
    on_empty_ = std::move(done);
    sessions_.for_each([&](Session& session) {
      if (session.phase == Phase::open) {
        close(session.name, close_code::going_away, "the server shuts down");
      } else if (session.phase == Phase::connecting && role_ == Role::server) {
        this->release(session);
      }
    });
    this->post_turn();
  }

 protected:
  using typename TurnLoop<E>::Session;
  using LoopBase<E>::context_;
  using LoopBase<E>::endings_;
  using LoopBase<E>::established_;
  using LoopBase<E>::listener_;
  using LoopBase<E>::on_empty_;
  using LoopBase<E>::options_;
  using LoopBase<E>::reported_;
  using LoopBase<E>::resumed_;
  using LoopBase<E>::role_;
  using LoopBase<E>::sessions_;
  using LoopBase<E>::stopped_;
  using LoopBase<E>::timing_;
  using LoopBase<E>::touched_;
  using LoopBase<E>::watcher_;

  /// The listener is there.
  virtual void started() {}
  /// No connection may come or be made any more.
  virtual void stop_accepting() {}

 private:
  void receive_again(Session& session) {
    session.paused = false;
    this->watch(session, true, session.watch.writable());
    this->take_up_again(session);
  }

  /// What can be done at once to tell a peer that we go.
  void leave(Session& session) {
    if (session.phase == Phase::open) {
      append_close_frame(this->output_of(session), close_code::going_away, "the transport stops", this->masks());
    }
    if (session.phase == Phase::open || session.phase == Phase::closing) {
      --established_;
      this->left();
    }
    session.say_goodbye(this->read_buffer_);
    this->release(session);
  }

  bool started_ = false;
  std::atomic<bool> wake_posted_ = false;
};

}  // namespace restante::asio_detail
