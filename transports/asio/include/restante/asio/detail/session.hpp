// What is kept for one connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <restante/asio/detail/deadlines.hpp>
#include <restante/asio/detail/socket.hpp>
#include <restante/asio/detail/tls_channel.hpp>
#include <restante/asio/detail/watcher.hpp>
#include <restante/asio/engine.hpp>
#include <restante/transport.hpp>

namespace restante::asio_detail {

/// Where a connection stands.
enum class Phase : std::uint8_t {
  /// There is none any more.
  gone,
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

/// A connection. What it holds while nothing is under way is small: buffers belong to the loop, and are lent.
template <Engine E>
struct Session : WithDeadline {
  Session(Connection connection, Role role, std::size_t message_bytes_max, typename E::Shared& shared)
      : name{connection}, engine{role, message_bytes_max, shared} {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { take_deadline_back(); }

  std::size_t waiting_bytes() const noexcept { return output.size() - output_begin; }

  /// Bytes that were read and not yet parsed.
  std::span<std::uint8_t> unread() noexcept { return std::span{unread_bytes}.subspan(unread_begin); }

  void forget_unread() {
    unread_bytes = {};
    unread_begin = 0;
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
      output_begin += tls ? tls->write(bytes, error) : socket.write_some(bytes, error);
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
    return phase != Phase::finishing || !tls || tls->say_end(error);
  }

  /// Does what can be done at once to let the peer have what waits.
  void say_goodbye(std::span<std::uint8_t> scratch) {
    phase = Phase::finishing;
    drop_unfinished_tls();
    ErrorCode error;
    write_out(error);
    socket.end_sending();
    // Bytes that nobody read would make the kernel take back what was just written. More than this is not waited for.
    error = {};
    for (int reads = 0; reads < 16 && socket.is_open() && !error; ++reads) {
      socket.read_some(scratch, error);
    }
  }

  const Connection name;
  Phase phase = Phase::connecting;
  bool paused = false;
  /// The kernel takes no more for now.
  bool waits_for_writable = false;
  /// Is in the list of sessions that are looked at before the turn ends.
  bool touched = false;
  /// Is in the list of sessions that are parsed, or read from, in the next turn although the kernel does not say so.
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

  /// The answer to the latest ping. RFC 6455, section 5.5.3, lets us leave out answers to those before, which bounds
  /// what a peer can make us queue.
  std::uint8_t pong_bytes = 0;
  std::array<std::uint8_t, 125> pong;

  Socket socket;
  Watcher::Watch watch;
  /// Between the socket and the buffers, where the connection is one of TLS; else nullptr.
  std::unique_ptr<TlsChannel> tls;

  std::vector<std::uint8_t> unread_bytes;
  std::size_t unread_begin = 0;

  std::vector<std::uint8_t> output;
  std::size_t output_begin = 0;

  /// Why the connection ends, once it does.
  Ending ending;

  /// While a server's handshake is under way.
  std::unique_ptr<typename E::ServerHandshake> handshake;
  std::size_t handshake_bytes = 0;
  E engine;
};

}  // namespace restante::asio_detail
