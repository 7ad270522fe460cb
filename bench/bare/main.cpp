// restante-bare-server: how fast a server of the classic protocol on WebSockets can be at all on one processor. One
// read for each socket that is ready, frames parsed where they lie, mailboxes in an array, all replies of a read in one
// send. It trusts whoever connects, and anybody may take any mailbox: something to compare with, not something to use.
//
// Usage: restante-bare-server [--port N]     0, the default, is any port that is free
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <restante/classic/codec.hpp>

namespace {

namespace classic = restante::classic;
using restante::BytesView;

/// Whatever goes wrong with a descriptor ends the program.
int checked(int result, const char* what) {
  if (result < 0) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  return result;
}

struct Message {
  classic::ClientId sender;
  std::uint8_t length;
  std::array<std::uint8_t, classic::payload_bytes_max> payload;
};

/// The messages of an id, oldest first.
class Mailbox {
 public:
  /// False where it is full.
  bool push(const classic::Push& push) {
    if (end_ - begin_ == messages_.size()) {
      return false;
    }
    Message& message = messages_[end_++ % messages_.size()];
    message.sender = push.sender;
    message.length = push.length;
    std::memcpy(message.payload.data(), push.payload.data(), push.length);
    return true;
  }

  /// The oldest message, valid until the next push; nullptr where there is none.
  const Message* get() { return begin_ == end_ ? nullptr : &messages_[begin_++ % messages_.size()]; }

 private:
  std::array<Message, 100> messages_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

class Server {
 public:
  explicit Server(std::uint16_t port)
      : listener_{checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")},
        epoll_{checked(epoll_create1(EPOLL_CLOEXEC), "epoll")},
        signals_{ending_signals()},
        input_(read_bytes_max + frame_bytes_max),
        output_(output_bytes_max) {
    const sockaddr_in address{
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    checked(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    checked(listen(listener_, 4096), "listen");
    watch(listener_);
    watch(signals_);
  }

  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t bytes = sizeof address;
    checked(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &bytes), "getsockname");
    return ntohs(address.sin_port);
  }

  /// Serves until SIGTERM or SIGINT comes.
  void run() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = checked(epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1), "epoll_wait");
      for (int i = 0; i < count; ++i) {
        const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
        if (descriptor == signals_) {
          return;
        }
        descriptor == listener_ ? accept_one() : serve(descriptor);
      }
    }
  }

 private:
  struct Connection {
    bool shook_hands = false;
    /// What came of a frame, or of the handshake, that is not whole yet.
    std::vector<std::uint8_t> rest;
  };

  static constexpr std::size_t read_bytes_max = std::size_t{64} * 1024;
  // Of a frame that is not whole, or a handshake.
  static constexpr std::size_t frame_bytes_max = 8192;
  // The shortest frame has six bytes, and the longest reply is one to a GET.
  static constexpr std::size_t output_bytes_max =
      (read_bytes_max + frame_bytes_max) / 6 * (4 + classic::packet_bytes_max);

  static int ending_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    return checked(signalfd(-1, &signals, SFD_CLOEXEC), "signalfd");
  }

  void watch(int descriptor) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
    checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
  }

  void accept_one() {
    // The socket blocks: a peer that does not read stops the server, which here is what it gets.
    const int descriptor = checked(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), "accept");
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connections_.size() <= static_cast<std::size_t>(descriptor)) {
      connections_.resize(static_cast<std::size_t>(descriptor) + 1);
    }
    connections_[static_cast<std::size_t>(descriptor)] = {};
    watch(descriptor);
  }

  void serve(int descriptor) {
    Connection& connection = connections_[static_cast<std::size_t>(descriptor)];
    const std::size_t rest = connection.rest.size();
    std::copy(connection.rest.begin(), connection.rest.end(), input_.begin());
    const ssize_t count = recv(descriptor, input_.data() + rest, read_bytes_max, MSG_DONTWAIT);
    if (count <= 0) {
      close(descriptor);
      return;
    }
    std::span<std::uint8_t> bytes{input_.data(), rest + static_cast<std::size_t>(count)};
    output_bytes_ = 0;
    if (!connection.shook_hands && (connection.shook_hands = shake_hands(bytes))) {
      bytes = {};
    }
    if (connection.shook_hands) {
      while (const std::size_t frame = answer_frame(bytes)) {
        bytes = bytes.subspan(frame);
      }
    }
    connection.rest.assign(bytes.begin(), bytes.end());
    if (output_bytes_ > 0) {
      send(descriptor, output_.data(), output_bytes_, MSG_NOSIGNAL);
    }
    // What is no frame of a request stays there, until it is too much. A peer that is gone is noticed by the next read.
    if (connection.rest.size() > frame_bytes_max) {
      close(descriptor);
    }
  }

  // False where the request is not whole yet. A client says nothing more until it has the answer.
  bool shake_hands(BytesView bytes) {
    const std::string_view request = restante::as_text(bytes);
    constexpr std::string_view name = "Sec-WebSocket-Key: ";
    const std::size_t at = request.find(name);
    if (!request.ends_with("\r\n\r\n") || at == std::string_view::npos) {
      return false;
    }
    const std::size_t start = at + name.size();
    const std::string key =
        std::string{request.substr(start, request.find('\r', start) - start)} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned digest_bytes = 0;
    EVP_Digest(key.data(), key.size(), digest.data(), &digest_bytes, EVP_sha1(), nullptr);
    std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> text{};
    EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest_bytes));
    const std::string answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                               ("Sec-WebSocket-Accept: " + std::string{reinterpret_cast<char*>(text.data())}) +
                               "\r\n\r\n";
    output_bytes_ = answer.copy(reinterpret_cast<char*>(output_.data()), output_.size());
    return true;
  }

  // RFC 6455, section 5.2. Takes the mask off where the frame lies, and gives its length: 0 where it is not whole yet,
  // and for anything else than a binary message of less than 64 KiB in one frame.
  std::size_t answer_frame(std::span<std::uint8_t> bytes) {
    if (bytes.size() < 6 || bytes[0] != binary) {
      return 0;
    }
    std::size_t header = 6;
    std::size_t length = bytes[1] & 0x7FU;
    if (length == 126 && bytes.size() >= 8) {
      header = 8;
      length = static_cast<std::size_t>(bytes[2]) << 8U | bytes[3];
    } else if (length >= 126) {
      return 0;
    }
    if (bytes.size() < header + length) {
      return 0;
    }
    const std::span<std::uint8_t> payload = bytes.subspan(header, length);
    const std::array<std::uint8_t, 4> mask{bytes[header - 4], bytes[header - 3], bytes[header - 2], bytes[header - 1]};
    unmask(payload, mask);
    answer(payload);
    return header + length;
  }

  static void unmask(std::span<std::uint8_t> payload, std::array<std::uint8_t, 4> mask) {
    std::uint64_t wide = 0;
    std::memcpy(&wide, mask.data(), 4);
    std::memcpy(reinterpret_cast<char*>(&wide) + 4, mask.data(), 4);
    std::size_t at = 0;
    for (; at + 8 <= payload.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, &payload[at], 8);
      word ^= wide;
      std::memcpy(&payload[at], &word, 8);
    }
    for (; at < payload.size(); ++at) {
      payload[at] ^= mask[at % 4];
    }
  }

  void answer(BytesView request) {
    const classic::ClientPacket packet = classic::decode_client_packet(request);
    if (const auto* push = std::get_if<classic::Push>(&packet); push != nullptr && push->length_is_valid()) {
      mailboxes_[push->receiver].push(*push) ? reply(classic::PositiveAck{push->sender})
                                             : reply(classic::BufferFull{push->sender});
    } else if (const auto* get = std::get_if<classic::Get>(&packet)) {
      const Message* message = mailboxes_[get->id].get();
      message == nullptr
          ? reply(classic::BufferEmpty{get->id})
          : reply(classic::GetResponse{get->id, message->sender, {message->payload.data(), message->length}});
    } else if (const auto* associate = std::get_if<classic::Associate>(&packet)) {
      reply(classic::AssociationSuccess{associate->id});
    } else {
      reply(classic::UnknownError{request.size() > 2 ? request[2] : std::uint8_t{0}});
    }
  }

  template <class Packet>
  void reply(const Packet& packet) {
    std::uint8_t* const frame = &output_[output_bytes_];
    const std::size_t length = classic::encode(packet, {frame + 2, classic::packet_bytes_max}).size();
    frame[0] = binary;
    if (length < 126) {
      frame[1] = static_cast<std::uint8_t>(length);
      output_bytes_ += 2 + length;
      return;
    }
    std::memmove(frame + 4, frame + 2, length);
    frame[1] = 126;
    frame[2] = static_cast<std::uint8_t>(length >> 8U);
    frame[3] = static_cast<std::uint8_t>(length);
    output_bytes_ += 4 + length;
  }

  static constexpr std::uint8_t binary = 0x82;

  int listener_;
  int epoll_;
  int signals_;
  std::vector<Connection> connections_;
  std::vector<std::uint8_t> input_;
  std::vector<std::uint8_t> output_;
  std::size_t output_bytes_ = 0;
  std::array<Mailbox, 256> mailboxes_;
};

}  // namespace

int main(int count, char** arguments) {
  const bool understood = count == 1 || (count == 3 && std::string_view{arguments[1]} == "--port");
  if (!understood) {
    std::fputs("Usage: restante-bare-server [--port N]\n", stderr);
    return 2;
  }
  try {
    // The mailboxes are megabytes: too much for a stack.
    static Server server{static_cast<std::uint16_t>(count == 3 ? std::strtoul(arguments[2], nullptr, 10) : 0)};
    std::printf("Listening on http://127.0.0.1:%u\n", server.port());
    std::fflush(stdout);
    server.run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante-bare-server: %s\n", error.what());
    return 2;
  }
}
