#include "operate_socket.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <utility>

namespace restante_server {
namespace {

using boost::system::error_code;

[[noreturn]] void cannot_listen(const std::filesystem::path& path, const std::string& why) {
  throw std::runtime_error("cannot listen for the operator at " + path.string() + ": " + why);
}

boost::asio::local::stream_protocol::endpoint endpoint_of(const std::filesystem::path& path) {
  try {
    return {path.string()};
  } catch (const boost::system::system_error&) {
    cannot_listen(path, "a socket's name has at most 107 bytes");
  }
}

// The line that says why there is no answer, in the form of those of operate_answer.cpp.
std::string refusal(const std::string& name, const std::string& sentence) {
  return R"({"error":")" + name + R"(","sentence":")" + sentence + "\"}\n";
}

}  // namespace

/// One connection: a line, its answer, the next line.
class OperateSocket::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(OperateSocket& owner, Protocol::socket socket)
      : owner_{&owner}, socket_{std::move(socket)}, deadline_{owner.context_} {}

  void read() {
    limit_time();
    boost::asio::async_read_until(
        socket_, boost::asio::dynamic_buffer(input_, owner_->limits_.request_bytes_max), '\n',
        [self = shared_from_this()](const error_code& error, std::size_t bytes) { self->came(error, bytes); });
  }

  /// Nothing of it reaches its owner any more.
  void end() {
    owner_ = nullptr;
    error_code ignored;
    socket_.close(ignored);
    deadline_.cancel();
  }

 private:
  void came(const error_code& error, std::size_t bytes) {
    if (owner_ == nullptr) {
      return;
    }
    if (error == boost::asio::error::not_found) {
      write(refusal("malformed", "a request has at most " + std::to_string(owner_->limits_.request_bytes_max) +
                                     " bytes, with the end of its line"),
            true);
    } else if (error) {
      // What came of a line without its end is no request.
      leave();
    } else {
      const std::string line = input_.substr(0, bytes - 1);
      input_.erase(0, bytes);
      write(owner_->answer_(line) + '\n', false);
    }
  }

  void write(std::string answer, bool is_last) {
    output_ = std::move(answer);
    limit_time();
    boost::asio::async_write(socket_, boost::asio::buffer(output_),
                             [self = shared_from_this(), is_last](const error_code& error, std::size_t) {
                               if (self->owner_ != nullptr) {
                                 error || is_last ? self->leave() : self->read();
                               }
                             });
  }

  void limit_time() {
    deadline_.expires_after(owner_->limits_.idle_max);
    deadline_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled && self->owner_ != nullptr) {
        self->leave();
      }
    });
  }

  void leave() {
    OperateSocket& owner = *owner_;
    const std::shared_ptr<Session> self = shared_from_this();
    end();
    owner.sessions_.erase(self);
  }

  OperateSocket* owner_;
  Protocol::socket socket_;
  boost::asio::steady_timer deadline_;
  std::string input_;
  std::string output_;
};

OperateSocket::OperateSocket(boost::asio::io_context& context, std::filesystem::path path, Answer answer,
                             OperateLimits limits)
    : path_{std::move(path)},
      answer_{std::move(answer)},
      limits_{limits},
      context_{context},
      acceptor_{context},
      accept_again_{context} {
  make_room();
  listen();
  accept();
}

void OperateSocket::stop() {
  if (!acceptor_.is_open()) {
    return;
  }
  error_code ignored;
  acceptor_.close(ignored);
  accept_again_.cancel();
  for (const std::shared_ptr<Session>& session : std::exchange(sessions_, {})) {
    session->end();
  }
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == file_) {
    ::unlink(path_.c_str());
  }
}

// A server that could not end properly leaves its socket behind.
void OperateSocket::make_room() const {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) != 0) {
    return;
  }
  if (!S_ISSOCK(status.st_mode)) {
    cannot_listen(path_, "there is something that is no socket; move it away, or choose another place");
  }
  error_code error;
  Protocol::socket probe{context_};
  probe.connect(endpoint_of(path_), error);
  if (!error) {
    cannot_listen(path_, "another program listens there; stop that one, or choose another place");
  }
  if (error != boost::asio::error::connection_refused) {
    cannot_listen(path_, "there is a socket, and whether anybody listens cannot be told: " + error.message());
  }
  if (::unlink(path_.c_str()) != 0) {
    cannot_listen(path_, "the socket that was left there cannot be removed: " +
                             error_code{errno, boost::system::system_category()}.message());
  }
}

// Nobody can connect before it listens, and then its mode is what it has to be.
void OperateSocket::listen() {
  const Protocol::endpoint endpoint = endpoint_of(path_);
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) {
    acceptor_.bind(endpoint, error);
  }
  struct stat status {};
  if (!error && (::chmod(path_.c_str(), S_IRUSR | S_IWUSR) != 0 || ::lstat(path_.c_str(), &status) != 0)) {
    error = {errno, boost::system::system_category()};
  }
  if (!error) {
    device_ = status.st_dev;
    file_ = status.st_ino;
    acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    cannot_listen(path_, error.message());
  }
}

void OperateSocket::accept() {
  acceptor_.async_accept([this](const error_code& error, Protocol::socket socket) {
    if (error == boost::asio::error::operation_aborted) {
      // There may be no owner any more.
      return;
    }
    if (error == boost::system::errc::too_many_files_open ||
        error == boost::system::errc::too_many_files_open_in_system || error == boost::asio::error::no_buffer_space ||
        error == boost::asio::error::no_memory) {
      accept_later();
      return;
    }
    if (!error) {
      accepted(std::move(socket));
    }
    accept();
  });
}

void OperateSocket::accepted(Protocol::socket socket) {
  if (sessions_.size() < limits_.connections_max) {
    (*sessions_.insert(std::make_shared<Session>(*this, std::move(socket))).first)->read();
    return;
  }
  // There is room for as much as this on a connection that is new: nobody has to wait for it to leave.
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(boost::asio::buffer(refusal("limit_reached", "there are too many connections to this socket")),
                    ignored);
}

// The connection stays in the kernel's queue until there is a file descriptor for it.
void OperateSocket::accept_later() {
  constexpr std::chrono::milliseconds pause_length{50};
  accept_again_.expires_after(pause_length);
  accept_again_.async_wait([this](const error_code& cancelled) {
    if (!cancelled) {
      accept();
    }
  });
}

}  // namespace restante_server
