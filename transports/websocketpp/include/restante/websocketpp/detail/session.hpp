// What is kept for one connection.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <restante/assert.hpp>
#include <restante/transport.hpp>
#include <restante/websocketpp/detail/deadlines.hpp>
#include <restante/websocketpp/detail/engine.hpp>
#include <restante/websocketpp/detail/socket.hpp>
#include <restante/websocketpp/detail/tls_channel.hpp>

namespace restante::websocketpp_detail {

/// Buffers that are larger than this are given back once they are empty.
inline constexpr std::size_t kept_bytes = std::size_t{64} * 1024;

/// Where a connection stands.
enum class Phase : std::uint8_t {
  /// There is none in this slot.
  unused,
  /// Before the end of the handshake.
  connecting,
  /// The listener was told that it opened.
  open,
  /// Our close frame is under way, and the peer's has not come.
  closing,
  /// The listener was told that it closed, or never knew of it; the last bytes are leaving.
  finishing,
};

/// How a connection ends.
struct Ending {
  CloseCode code = close_code::abnormal;
  std::string reason;
  /// Tells the peer, behind the replies.
  bool send_frame = false;
  /// After the last byte has left, waits until the peer ends the connection, so that it gets to read what was sent:
  /// closing a socket with unread bytes in it takes back what the peer has not read.
  bool linger = false;
  /// Nothing leaves any more.
  bool drop = false;
};

/// A slot for connections, used again and again with all of its memory.
struct Session : WithDeadline {
  Session(boost::asio::io_context& context, std::uint32_t slot, std::size_t read_buffer_bytes)
      : socket{context.get_executor()},
        name{slot, 1},
        read_buffer{std::make_unique_for_overwrite<std::uint8_t[]>(read_buffer_bytes)} {}

  std::size_t waiting_bytes() const noexcept { return output.size() - output_begin; }

  /// Makes the slot ready for the next connection; the name of the one before is not used again.
  void reset() {
    ErrorCode ignored;
    tls.reset();
    socket.close(ignored);
    take_deadline_back();
    ++name.generation;
    phase = Phase::unused;
    paused = reading = waits_for_writable = touched = resumed = ending_soon = false;
    sends_waiting = swallows = send_ended = pong_due = false;
    read_begin = read_end = 0;
    output_begin = 0;
    output.clear();
    release_memory();
    ending = Ending{};
    engine.reset();
    request.reset();
    response.reset();
    handshake_bytes = 0;
  }

  /// What is said from now on is said plainly, when TLS did not get as far as saying it.
  void drop_unfinished_tls() {
    if (tls && !tls->established()) {
      tls.reset();
    }
  }

  /// Writes what waits, at the very end that nothing more comes, too. Gives whether all of it has left; when not,
  /// `error` says why.
  bool write_out(ErrorCode& error) {
    while (waiting_bytes() > 0) {
      const BytesView bytes{output.data() + output_begin, waiting_bytes()};
      output_begin +=
          tls ? tls->write(bytes, error) : socket.write_some(boost::asio::buffer(bytes.data(), bytes.size()), error);
      if (error) {
        // What has left makes room, at a cost that stays in proportion.
        if (output_begin > output.size() / 2) {
          output.erase(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(output_begin));
          output_begin = 0;
        }
        return false;
      }
    }
    output.clear();
    output_begin = 0;
    release_memory();
    return phase != Phase::finishing || !tls || tls->say_end(error);
  }

  /// Does what can be done at once to let the peer have what waits.
  void say_goodbye(std::size_t read_buffer_bytes) {
    phase = Phase::finishing;
    drop_unfinished_tls();
    ErrorCode error;
    write_out(error);
    socket.shutdown(boost::asio::socket_base::shutdown_send, error);
    // Bytes that nobody read would make the kernel take back what was just written. More than this is not waited for.
    error = {};
    for (int reads = 0; reads < 16 && socket.is_open() && !error; ++reads) {
      socket.read_some(boost::asio::buffer(read_buffer.get(), read_buffer_bytes), error);
    }
  }

  /// Gives memory back that an unusual amount of waiting bytes took.
  void release_memory() {
    if (output.capacity() > kept_bytes) {
      std::vector<std::uint8_t>{}.swap(output);
    }
  }

  Socket socket;
  /// Between the socket and the buffers, where the connection is one of TLS; else nullptr.
  std::unique_ptr<TlsChannel> tls;
  Connection name;
  Phase phase = Phase::unused;
  bool paused = false;
  /// A read is under way.
  bool reading = false;
  /// The kernel takes no more for now.
  bool waits_for_writable = false;
  /// Is in the list of sessions that are looked at before the turn ends.
  bool touched = false;
  /// Is in the list of sessions that were resumed.
  bool resumed = false;
  /// Is in the list of sessions that end with this turn.
  bool ending_soon = false;
  /// Something that send() queued waits to leave.
  bool sends_waiting = false;
  /// Too much waited: nothing more is queued.
  bool swallows = false;
  /// The peer was told that nothing more comes.
  bool send_ended = false;
  bool pong_due = false;

  std::unique_ptr<std::uint8_t[]> read_buffer;
  /// Read and not yet parsed.
  std::size_t read_begin = 0;
  std::size_t read_end = 0;

  std::vector<std::uint8_t> output;
  std::size_t output_begin = 0;

  /// The answer to the latest ping. RFC 6455, section 5.5.3, lets us leave out answers to those before, which bounds
  /// what a peer can make us queue.
  std::array<std::uint8_t, 125> pong = {};
  std::size_t pong_bytes = 0;

  /// Why the connection ends, once it does.
  Ending ending;

  std::optional<Engine> engine;
  std::optional<HandshakeRequest> request;
  std::optional<HandshakeResponse> response;
  std::size_t handshake_bytes = 0;
};

/// All slots of an endpoint, in use or not.
class SessionTable {
 public:
  SessionTable(boost::asio::io_context& context, std::size_t read_buffer_bytes)
      : context_{context}, read_buffer_bytes_{read_buffer_bytes} {}
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  ~SessionTable() {
    for (const std::unique_ptr<Session>& session : sessions_) {
      session->take_deadline_back();
    }
  }

  const std::vector<std::unique_ptr<Session>>& all() const noexcept { return sessions_; }
  std::size_t used() const noexcept { return used_; }

  Session& claim() {
    if (free_.empty()) {
      const auto slot = static_cast<std::uint32_t>(sessions_.size());
      sessions_.push_back(std::make_unique<Session>(context_, slot, read_buffer_bytes_));
      free_.push_back(slot);
    }
    Session& session = *sessions_[free_.back()];
    free_.pop_back();
    ++used_;
    session.phase = Phase::connecting;
    return session;
  }

  void release(Session& session) {
    RESTANTE_ASSERT(session.phase != Phase::unused, "a connection ends once only");
    session.reset();
    --used_;
    // A slot whose numbers are used up is left alone, so that no name comes twice.
    if (session.name.generation != std::numeric_limits<std::uint32_t>::max()) {
      free_.push_back(session.name.slot);
    }
  }

  /// The session of a connection that is open, or in a phase from `earliest` to `latest`; nullptr when there is none.
  Session* find(Connection connection, Phase earliest = Phase::open, Phase latest = Phase::open) const {
    if (connection.slot >= sessions_.size()) {
      return nullptr;
    }
    Session* const session = sessions_[connection.slot].get();
    const bool known = session->name == connection && session->phase >= earliest && session->phase <= latest;
    return known ? session : nullptr;
  }

 private:
  boost::asio::io_context& context_;
  std::size_t read_buffer_bytes_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<std::uint32_t> free_;
  std::size_t used_ = 0;
};

}  // namespace restante::websocketpp_detail
