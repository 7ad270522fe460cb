// A transport that goes nowhere: what a Messenger costs by itself, without a network below it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <restante/transport.hpp>

namespace bench {

/// Counts what it is told to send and throws it away. The workload plays the peers by calling the listener itself.
class NullTransport {
 public:
  void start(restante::TransportListener& listener) { listener_ = &listener; }
  void stop() {}
  std::size_t send(restante::Connection, restante::BytesView message) {
    ++messages_sent_;
    bytes_sent_ += message.size();
    last_ = message;
    return 0;
  }
  void close(restante::Connection, restante::CloseCode, std::string_view) {}
  void pause(restante::Connection) {}
  void resume(restante::Connection) {}
  restante::SteadyTime now() const { return {}; }
  void wake_at(restante::SteadyTime) {}
  void wake() {}

  restante::TransportListener& listener() const { return *listener_; }
  std::uint64_t messages_sent() const { return messages_sent_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  /// The latest message, until the Messenger is called again.
  restante::BytesView last() const { return last_; }

 private:
  restante::TransportListener* listener_ = nullptr;
  std::uint64_t messages_sent_ = 0;
  std::uint64_t bytes_sent_ = 0;
  restante::BytesView last_ = {};
};

static_assert(restante::Transport<NullTransport>);

}  // namespace bench
