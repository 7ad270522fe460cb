// The two ends of the in-memory network, as transports for Messenger and Client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/memory/exchange.hpp>
#include <restante/memory/network.hpp>
#include <restante/memory/program.hpp>
#include <restante/transport.hpp>

namespace restante {

namespace memory {

/// What both ends can do: the Transport concept (restante/transport.hpp), whose words hold here, and a crash. wake() is
/// the one exception to them: it must be called from the thread that runs the network.
class EndpointBase {
 public:
  EndpointBase(const EndpointBase&) = delete;
  EndpointBase& operator=(const EndpointBase&) = delete;

  /// May be called again after stop() or crash(): the program starts anew, and hears nothing of its former life.
  void start(TransportListener& listener) { program_.listen(listener); }

  void stop() {
    exchange_.close_all(number_);
    program_.silence();
  }

  /// Ends as a program does that is killed, without a word to its listener. Of what it had sent, the seed decides how
  /// much still arrives; what was on its way to it is lost; its peers see 1006 one latency later at the earliest.
  void crash() {
    exchange_.crash(number_);
    program_.silence();
  }

  /// On a stream, what exceeds LinkOptions::window_bytes waits; on a datagram link nothing ever waits. The connection
  /// must have been reported as opened: before that, too, messages are swallowed.
  std::size_t send(Connection connection, BytesView message) { return send(connection, MessageType::binary, message); }

  /// Sends a text message, which need not be UTF-8, and gives the bytes that wait as send() does.
  std::size_t send_text(Connection connection, std::string_view message) {
    return send(connection, MessageType::text, as_bytes(message));
  }

  /// 1006 cannot be said; the reason has at most 123 bytes.
  void close(Connection connection, CloseCode code, std::string_view reason) {
    RESTANTE_ASSERT(code != close_code::abnormal, "1006 says that nothing was said: it cannot be sent");
    RESTANTE_ASSERT(reason.size() <= 123, "the reason does not fit into a close frame");
    exchange_.close(connection, side_, code, reason);
  }

  void pause(Connection connection) { exchange_.set_paused(connection, side_, true); }
  void resume(Connection connection) { exchange_.set_paused(connection, side_, false); }

  SteadyTime now() const noexcept { return timeline_.now(); }
  void wake_at(SteadyTime time) { program_.wake_at(time); }

  /// Only from the thread that runs the network. Between lives it does nothing.
  void wake() { program_.wake(); }

 protected:
  EndpointBase(Timeline& timeline, Exchange& exchange, std::size_t side, Profile profile)
      : timeline_{timeline},
        exchange_{exchange},
        program_{timeline, std::move(profile)},
        side_{side},
        number_{exchange.enlist(program_)} {}

  ~EndpointBase() {
    stop();
    exchange_.delist(number_);
  }

  const Program& program() const noexcept { return program_; }
  std::size_t number() const noexcept { return number_; }

 private:
  std::size_t send(Connection connection, MessageType type, BytesView message) {
    return static_cast<std::size_t>(exchange_.send_message(connection, side_, type, message));
  }

  Timeline& timeline_;
  Exchange& exchange_;
  Program program_;
  std::size_t side_;
  std::size_t number_;
};

}  // namespace memory

struct MemoryServerOptions {
  /// What clients see as their peer.
  std::string name = "server";
  /// A longer message closes its connection with 1009, where that speaks no subprotocol.
  std::uint64_t message_bytes_max = 64 * 1024;
};

/// A server at a MemoryNetwork: a Transport for Messenger. It accepts connections while it is started, and only then.
/// The network must outlive it.
class MemoryServer : public memory::EndpointBase {
 public:
  explicit MemoryServer(MemoryNetwork& network, const MemoryServerOptions& options = {})
      : EndpointBase{network.timeline_,
                     network.exchange_,
                     1,
                     {.name = options.name, .message_bytes_max = options.message_bytes_max}} {}

 private:
  friend class MemoryClient;
};

struct MemoryClientOptions {
  /// What the server sees as its peer.
  std::string name = "client";
  /// What its connections are like; if not given, what MemoryNetwork::link() says now.
  std::optional<LinkOptions> link = {};
  /// A longer message closes its connection with 1009, where that speaks no subprotocol.
  std::uint64_t message_bytes_max = UINT64_MAX;
};

/// A client at a MemoryNetwork: a ClientTransport for Client, with one connection at a time to one server. The network
/// must outlive it; when the server is gone, connections to it fail.
class MemoryClient : public memory::EndpointBase {
 public:
  MemoryClient(MemoryNetwork& network, const MemoryServer& server, const MemoryClientOptions& options = {})
      : EndpointBase{network.timeline_,
                     network.exchange_,
                     0,
                     {.name = options.name, .message_bytes_max = options.message_bytes_max}},
        exchange_{network.exchange_},
        server_{server.number()},
        link_{options.link.value_or(network.link())} {
    memory::check(link_);
  }

  /// Starts to open the connection: opened() follows after twice the latency, or closed() with 1006 when the server
  /// does not listen or LinkOptions::open_timeout is over. The client must be started and have no connection.
  Connection open() {
    RESTANTE_ASSERT(program().listener() != nullptr, "a client must be started before it opens a connection");
    RESTANTE_ASSERT(connection() == Connection{}, "the client's last connection has not ended yet");
    connection_ = exchange_.open(number(), server_, link_);
    return connection_;
  }

  void stop() {
    EndpointBase::stop();
    connection_ = {};
  }

  void crash() {
    EndpointBase::crash();
    connection_ = {};
  }

  /// The connection that is opening, open or closing; Connection{} when there is none.
  Connection connection() const noexcept {
    return exchange_.exists_at_client(connection_) ? connection_ : Connection{};
  }

  /// Changes what the link is like: at once for messages that are sent from now on, except for the kind, which is that
  /// of the next connection.
  void set_link(const LinkOptions& options) {
    memory::check(options);
    link_ = options;
    exchange_.set_options(number(), options);
  }
  const LinkOptions& link() const noexcept { return link_; }

  /// Cuts the client off from its server in one direction, or connects it again, for connections that exist and for
  /// those to come. On a stream, and while connections open and close, everything waits; datagrams are lost.
  void set_partitioned(Direction direction, bool partitioned) {
    exchange_.set_partitioned(number(), memory::index(direction), partitioned);
  }
  /// The same in both directions.
  void set_partitioned(bool partitioned) {
    set_partitioned(Direction::to_server, partitioned);
    set_partitioned(Direction::to_client, partitioned);
  }

  /// What happened on all connections of this client.
  LinkCounters counters(Direction direction) const {
    return exchange_.client_counters(number(), memory::index(direction));
  }

 private:
  memory::Exchange& exchange_;
  std::size_t server_;
  LinkOptions link_;
  Connection connection_;
};

static_assert(Transport<MemoryServer> && ClientTransport<MemoryClient>);

}  // namespace restante
