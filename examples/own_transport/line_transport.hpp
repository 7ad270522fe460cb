// A transport of one's own: one connection, whose messages are lines of hexadecimal digits on standard input and
// output.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <restante/transport.hpp>

/// "00 00 07" is a binary message of three bytes; a line that is not made of pairs of digits is a text message.
class LineTransport {
 public:
  LineTransport() {
    if (::pipe2(wake_pipe_.data(), O_NONBLOCK | O_CLOEXEC) != 0) {
      throw std::system_error{errno, std::generic_category(), "pipe2"};
    }
  }
  LineTransport(const LineTransport&) = delete;
  LineTransport& operator=(const LineTransport&) = delete;
  ~LineTransport() {
    ::close(wake_pipe_[0]);
    ::close(wake_pipe_[1]);
  }

  // What Messenger asks of a transport.

  void start(restante::TransportListener& listener) { listener_ = &listener; }
  void stop() { close(connection_, restante::close_code::going_away, "the program ends"); }

  std::size_t send(restante::Connection, restante::BytesView message) {
    for (std::size_t index = 0; open_ && index < message.size(); ++index) {
      std::printf("%02x%c", unsigned{message[index]}, index + 1 == message.size() ? '\n' : ' ');
    }
    return 0;  // Standard output makes us wait rather than keep bytes that could not leave yet.
  }

  void close(restante::Connection, restante::CloseCode code, std::string_view reason) {
    if (open_) {
      open_ = false;
      close_code_ = code;
      std::printf("closed %u %.*s\n", unsigned{code}, static_cast<int>(reason.size()), reason.data());
    }
  }

  void pause(restante::Connection) { paused_ = true; }
  void resume(restante::Connection) { paused_ = false; }

  restante::SteadyTime now() const { return restante::SteadyTime{std::chrono::steady_clock::now().time_since_epoch()}; }
  void wake_at(restante::SteadyTime time) { wake_at_ = time; }
  void wake() {
    // From any thread. When the pipe is full, there is more than enough in it to wake us.
    [[maybe_unused]] const auto written = ::write(wake_pipe_[1], "", 1);
  }

  // What this program does with it.

  /// Reports all that comes until the input ends. Must be called first, and once.
  void run_until_input_ends() {
    open_ = true;
    listener_->opened(connection_, {.peer = "standard input"});
    while (open_ && !(input_ended_ && input_.empty())) {
      turn();
    }
  }

  /// Goes on until close() was called.
  void run_until_closed() {
    while (open_) {
      turn();
    }
    listener_->closed(connection_, {close_code_, ""});
    listener_->turn_ended();
  }

 private:
  static constexpr std::size_t message_bytes_max = 64 * 1024;

  void turn() {
    wait();
    std::array<char, 256> scratch;
    const bool wake_was_called = ::read(wake_pipe_[0], scratch.data(), scratch.size()) > 0;
    if (wake_was_called || now() >= wake_at_) {
      wake_at_ = restante::never;
      listener_->woken();
    }
    while (open_ && !paused_ && !input_.empty()) {
      const std::size_t end = input_.find('\n');
      if (end == std::string::npos && !input_ended_) {
        break;
      }
      const std::string line = input_.substr(0, end);
      input_.erase(0, end == std::string::npos ? end : end + 1);
      report(line);
    }
    if (open_ && input_.size() > 4 * message_bytes_max) {
      close(connection_, restante::close_code::message_too_big, "the line is too long");
    }
    listener_->turn_ended();
    std::fflush(stdout);
  }

  // Until there is input, wake() was called, or the time has come.
  void wait() {
    const bool reads = !paused_ && !input_ended_;
    const bool has_line = !paused_ && (input_.find('\n') != std::string::npos || (input_ended_ && !input_.empty()));
    std::array<pollfd, 2> waited_for{{{wake_pipe_[0], POLLIN, 0}, {reads ? STDIN_FILENO : -1, POLLIN, 0}}};
    ::poll(waited_for.data(), waited_for.size(), has_line ? 0 : milliseconds_until(wake_at_));
    if (waited_for[1].revents != 0) {
      std::array<char, 4096> chunk;
      const auto count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
      input_.append(chunk.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
      input_ended_ = count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
    }
  }

  int milliseconds_until(restante::SteadyTime time) const {
    if (time == restante::never) {
      return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  void report(std::string_view line) {
    std::vector<std::uint8_t> bytes;
    for (std::string_view rest = line; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(3, rest.size()))) {
      const std::string_view digits = rest.substr(0, 2);
      std::uint8_t byte = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      const bool is_pair = error == std::errc{} && end == digits.data() + 2;
      if (!is_pair || (rest.size() > 2 && rest[2] != ' ')) {
        listener_->received(connection_, restante::MessageType::text, restante::as_bytes(line));
        return;
      }
      bytes.push_back(byte);
    }
    if (bytes.size() > message_bytes_max) {
      close(connection_, restante::close_code::message_too_big, "the message is too long");
    } else {
      listener_->received(connection_, restante::MessageType::binary, bytes);
    }
  }

  restante::TransportListener* listener_ = nullptr;
  restante::Connection connection_{0, 1};
  bool open_ = false;
  bool paused_ = false;
  restante::CloseCode close_code_ = restante::close_code::abnormal;
  restante::SteadyTime wake_at_ = restante::never;
  std::array<int, 2> wake_pipe_{};
  std::string input_;
  bool input_ended_ = false;
};

static_assert(restante::Transport<LineTransport>);
