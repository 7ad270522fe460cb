// A server's loops: one, or several with a thread and connections of their own each, that report to one listener.
//
// With several, a loop reads from its sockets, takes the lock, reports what came and lets the listener answer, gives
// the lock back, and writes. What the listener says about a connection of another loop is kept for that loop, which
// takes it up before it reports anything itself, so that what is said about a connection stays in order. See
// docs/adr/0008.
#pragma once

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <restante/asio/detail/acceptor.hpp>
#include <restante/asio/detail/report_lock.hpp>
#include <restante/asio/detail/server_endpoint.hpp>
#include <restante/asio/options.hpp>
#include <restante/assert.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

template <Engine E>
class ServerLoops : public std::enable_shared_from_this<ServerLoops<E>> {
 public:
  /// Listens at once. The first loop runs in `context`, which the caller runs; run_others() runs the rest.
  ServerLoops(boost::asio::io_context& context, WebSocketServerOptions options)
      : shared_{std::make_shared<ServerShared>(std::move(options))},
        acceptor_{context, shared_->options.host, shared_->options.port} {
    const WebSocketServerOptions& checked = shared_->options;
    RESTANTE_ASSERT(checked.threads >= 1, "threads must be at least 1");
    RESTANTE_ASSERT(checked.connections_max >= 1, "connections_max must be at least 1");
    RESTANTE_ASSERT(checked.pending_handshakes_max >= 1, "pending_handshakes_max must be at least 1");
    RESTANTE_ASSERT(checked.header_bytes_max >= 1 && checked.header_bytes_max <= 15'000,
                    "header_bytes_max must be 1 to 15,000");
    const std::shared_ptr<TlsContext> tls = make_tls();
    for (std::uint32_t index = 0; index < checked.threads; ++index) {
      loops_.push_back(std::make_unique<Loop>(*this, index == 0 ? &context : nullptr, index));
      loops_.back()->endpoint->use_tls(tls);
    }
  }

  std::uint16_t port() const { return acceptor_.port(); }
  bool alone() const noexcept { return loops_.size() == 1; }

  std::string reload_tls() {
    RESTANTE_ASSERT(shared_->options.tls.has_value(), "reload_tls() needs a server with TLS");
    try {
      const std::shared_ptr<TlsContext> tls = make_tls();
      for_each_in_its_thread([tls](ServerEndpoint<E>& endpoint) { endpoint.use_tls(tls); });
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  }

  /// Calls `done` in the first loop when no connection is left.
  template <class Done>
  void shut_down(Done done) {
    acceptor_.stop();
    left_to_empty_ = loops_.size();
    for_each_in_its_thread([self = this->shared_from_this(), done](ServerEndpoint<E>& endpoint) {
      endpoint.shut_down([self, done] {
        if (self->left_to_empty_.fetch_sub(1) == 1) {
          boost::asio::post(self->loops_.front()->context, done);
        }
      });
    });
  }

  /// Runs all loops but the first, until stop_others().
  void run_others() {
    for (std::size_t index = 1; index < loops_.size(); ++index) {
      Loop& loop = *loops_[index];
      loop.context.restart();
      loop.thread = std::thread{[&loop] { loop.context.run(); }};
    }
  }

  void stop_others() {
    for (std::size_t index = 1; index < loops_.size(); ++index) {
      loops_[index]->context.stop();
    }
    for (std::size_t index = 1; index < loops_.size(); ++index) {
      loops_[index]->thread.join();
    }
  }

  /// Calls `work` while no loop reports.
  template <class Work>
  void exclusively(Work&& work) {
    if (alone()) {
      work();
    } else {
      const std::lock_guard guard{lock_};
      work();
    }
  }

  LockTimes lock_times() const noexcept { return lock_.times(); }

  // For the acceptor.

  void accepted(Socket socket) {
    Loop& loop = *loops_[next_loop_++ % loops_.size()];
    if (&loop == loops_.front().get()) {
      loop.endpoint->accepted(std::move(socket));
    } else {
      boost::asio::post(loop.context, [endpoint = loop.endpoint, socket = std::move(socket)]() mutable {
        endpoint->accepted(std::move(socket));
      });
    }
  }

  void short_of_resources(const std::string& sentence) { loops_.front()->endpoint->short_of_resources(sentence); }

  // The functions of the concept Transport. With several loops they are called in a report, or exclusively, or before
  // anything runs; except wake().

  void start(TransportListener& listener) {
    shared_->protocols = protocols_of(listener);
    for (const auto& loop : loops_) {
      loop->endpoint->start(listener);
    }
    acceptor_.accept(this->shared_from_this());
  }

  /// No loop runs.
  void stop() {
    acceptor_.stop();
    for (const auto& loop : loops_) {
      loop->endpoint->stop();
    }
  }

  std::size_t send(Connection connection, BytesView message) {
    Loop& loop = loop_of(connection);
    if (mine(loop)) {
      return loop.endpoint->send(connection, message);
    }
    std::size_t& waiting = loop.waiting_bytes_of(connection);
    waiting += message.size();
    loop.ask({Order::Kind::send, connection, 0, {message.begin(), message.end()}});
    return waiting;
  }

  void close(Connection connection, CloseCode code, std::string_view reason) {
    Loop& loop = loop_of(connection);
    if (mine(loop)) {
      loop.endpoint->close(connection, code, reason);
    } else {
      loop.ask({Order::Kind::close, connection, code, std::string{reason}});
    }
  }

  void pause(Connection connection) {
    Loop& loop = loop_of(connection);
    mine(loop) ? loop.endpoint->pause(connection) : loop.ask({Order::Kind::pause, connection});
  }

  void resume(Connection connection) {
    Loop& loop = loop_of(connection);
    mine(loop) ? loop.endpoint->resume(connection) : loop.ask({Order::Kind::resume, connection});
  }

  SteadyTime now() const {
    const Loop& loop = reporting_ != nullptr ? *reporting_ : *loops_.front();
    // A turn that began earlier may report later, and time must not go back.
    latest_now_ = std::max(latest_now_, loop.endpoint->now());
    return latest_now_;
  }

  void wake_at(SteadyTime time) {
    Loop& loop = *loops_.front();
    if (mine(loop)) {
      loop.endpoint->wake_at(time);
    } else if (std::exchange(wake_at_, time) != time) {
      loop.ask({Order::Kind::wake_at, {}});
    }
  }

  void wake() { loops_.front()->endpoint->wake(); }

 private:
  /// Something that the listener said while another loop reported.
  struct Order {
    enum class Kind : std::uint8_t { send, close, pause, resume, wake_at };
    Kind kind = Kind::send;
    Connection connection = {};
    CloseCode code = 0;
    /// A message, or a reason.
    std::string bytes = {};
  };

  struct Loop {
    Loop(ServerLoops& all_loops, boost::asio::io_context* given, std::uint32_t index)
        : all{all_loops},
          own{given == nullptr ? std::make_unique<boost::asio::io_context>(1) : nullptr},
          context{given == nullptr ? *own : *given},
          keeps_running{given == nullptr ? std::make_unique<Guard>(own->get_executor()) : nullptr},
          endpoint{std::make_shared<ServerEndpoint<E>>(
              context, all.shared_, LoopPlace{index, static_cast<std::uint32_t>(all.shared_->options.threads)})} {
      if (all.shared_->options.threads > 1) {
        endpoint->share_listener([this] { begin_report(); }, [this] { end_report(); });
      }
    }

    void begin_report() {
      all.lock_.lock();
      all.reporting_ = this;
      if (!orders.empty()) {
        carry_out_orders();
      }
    }

    void end_report() {
      all.reporting_ = nullptr;
      all.lock_.unlock();
    }

    void ask(Order order) {
      orders.push_back(std::move(order));
      if (orders.size() == 1) {
        boost::asio::post(context, [asked = endpoint] { asked->take_turn(); });
      }
    }

    void carry_out_orders() {
      std::vector<Order> taken;
      taken.swap(orders);
      for (const Order& order : taken) {
        carry_out(order);
      }
    }

    void carry_out(const Order& order) {
      switch (order.kind) {
        case Order::Kind::send:
          waiting_bytes_of(order.connection) = endpoint->send(order.connection, as_bytes(order.bytes));
          break;
        case Order::Kind::close:
          endpoint->close(order.connection, order.code, order.bytes);
          break;
        case Order::Kind::pause:
          endpoint->pause(order.connection);
          break;
        case Order::Kind::resume:
          endpoint->resume(order.connection);
          break;
        case Order::Kind::wake_at:
          endpoint->wake_at(all.wake_at_);
          break;
      }
    }

    /// What waits to leave, as far as another loop can know: what there was when the last order was carried out, and
    /// what was ordered since.
    std::size_t& waiting_bytes_of(Connection connection) {
      const std::size_t place = connection.slot / all.loops_.size();
      if (waiting_bytes.size() <= place) {
        waiting_bytes.resize(place + 1);
      }
      return waiting_bytes[place];
    }

    using Guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

    ServerLoops& all;
    std::unique_ptr<boost::asio::io_context> own;
    boost::asio::io_context& context;
    std::unique_ptr<Guard> keeps_running;
    std::shared_ptr<ServerEndpoint<E>> endpoint;
    std::thread thread;
    // Guarded by the lock.
    std::vector<Order> orders;
    std::vector<std::size_t> waiting_bytes;
  };

  Loop& loop_of(Connection connection) const { return *loops_[connection.slot % loops_.size()]; }

  /// Whether this thread is the one that owns the loop's connections.
  bool mine(const Loop& loop) const noexcept { return alone() || reporting_ == &loop; }

  std::shared_ptr<TlsContext> make_tls() const {
    const auto& options = shared_->options.tls;
    return options ? std::make_shared<TlsContext>(make_tls_context(*options)) : nullptr;
  }

  template <class Work>
  void for_each_in_its_thread(Work work) {
    for (const auto& loop : loops_) {
      if (alone()) {
        work(*loop->endpoint);
      } else {
        boost::asio::post(loop->context, [work, endpoint = loop->endpoint]() mutable { work(*endpoint); });
      }
    }
  }

  std::shared_ptr<ServerShared> shared_;
  Acceptor acceptor_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::size_t next_loop_ = 0;
  std::atomic<std::size_t> left_to_empty_ = 0;

  ReportLock lock_;
  // Guarded by the lock.
  Loop* reporting_ = nullptr;
  mutable SteadyTime latest_now_{};
  SteadyTime wake_at_ = never;
};

}  // namespace restante::asio_detail
