// The place where an operator asks: a socket in the file system (docs/operations.md, "Mailboxes").
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace restante_server {

/// How much of a server its operator may take up.
struct OperateLimits {
  /// Connections at a time; the next one is told so and closed.
  std::size_t connections_max = 8;
  /// Bytes of a request, with the end of its line; a longer one is told so and closed.
  std::size_t request_bytes_max = 4'096;
  /// How long a connection may take to say a request, or to read an answer.
  std::chrono::steady_clock::duration idle_max = std::chrono::seconds{30};
};

/// Listens on a Unix-domain socket that its owner alone can open, and answers each line with a line. Connections are
/// served in turns with everything else in the loop. Lives on the thread that runs it.
class OperateSocket {
 public:
  /// Gives the answer to a line, neither with its end.
  using Answer = std::function<std::string(std::string_view line)>;

  /// Listens at once. Takes the place of a socket that nobody listens on any more. Throws std::runtime_error with a
  /// sentence for the operator where it cannot listen: somebody does already, something else is there, or the system
  /// does not let it.
  OperateSocket(boost::asio::io_context& context, std::filesystem::path path, Answer answer, OperateLimits limits = {});
  OperateSocket(const OperateSocket&) = delete;
  OperateSocket& operator=(const OperateSocket&) = delete;

  /// As stop().
  ~OperateSocket() { stop(); }

  /// Ends all connections and removes the file, unless another one lies in its place now. Nothing is asked after it.
  void stop();

 private:
  using Protocol = boost::asio::local::stream_protocol;
  class Session;

  void make_room() const;
  void listen();
  void accept();
  void accepted(Protocol::socket socket);
  void accept_later();

  std::filesystem::path path_;
  Answer answer_;
  OperateLimits limits_;
  boost::asio::io_context& context_;
  Protocol::acceptor acceptor_;
  boost::asio::steady_timer accept_again_;
  std::set<std::shared_ptr<Session>> sessions_;
  /// Which file it listens on: another one may come to have its name.
  dev_t device_ = 0;
  ino_t file_ = 0;
};

}  // namespace restante_server
