#include "secret_input.hpp"

#include <sodium.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include <restante/authentication/token.hpp>

namespace restante::cli {
namespace {

bool is_terminal() {
  return ::isatty(STDIN_FILENO) == 1;
}

// While it lives, what is typed is not shown.
class Unseen {
 public:
  Unseen() {
    if (is_terminal() && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
      termios unseen = before_;
      unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
      unseen.c_lflag |= ECHONL;
      changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen) == 0;
    }
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen() {
    if (changed_) {
      ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
  }

 private:
  termios before_{};
  bool changed_ = false;
};

// Byte by byte, past the buffers of the standard library, which nobody wipes.
Secret read_line() {
  Secret line{token_bytes_max};
  std::size_t size = 0;
  for (;;) {
    char byte = 0;
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0 && size == 0) {
      throw std::runtime_error("standard input has nothing to read");
    }
    if (got <= 0 || byte == '\n') {
      line.shorten(size);
      return line;
    }
    if (size == line.size()) {
      throw std::runtime_error("the line is too long");
    }
    line.data()[size++] = static_cast<std::uint8_t>(byte);
  }
}

}  // namespace

Secret read_secret(std::string_view prompt) {
  if (is_terminal()) {
    std::fprintf(stderr, "%.*s: ", static_cast<int>(prompt.size()), prompt.data());
  }
  const Unseen unseen;
  return read_line();
}

Secret read_new_secret(std::string_view prompt) {
  Secret secret = read_secret(prompt);
  if (is_terminal()) {
    const Secret again = read_secret("The same again");
    if (again.size() != secret.size() || sodium_memcmp(again.data(), secret.data(), secret.size()) != 0) {
      throw std::runtime_error("the two differ");
    }
  }
  return secret;
}

}  // namespace restante::cli
