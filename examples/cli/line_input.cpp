#include "line_input.hpp"

#include <unistd.h>

#include <boost/asio/read_until.hpp>
#include <utility>

namespace restante::cli {

LineInput::LineInput(Loop& loop, std::function<void(std::string_view)> typed, std::function<void()> ended)
    : loop_{loop}, typed_{std::move(typed)}, ended_{std::move(ended)}, input_{loop.context(), ::dup(STDIN_FILENO)} {}

void LineInput::read() {
  // Long lines are refused by length, not by running out of memory.
  boost::asio::async_read_until(input_, boost::asio::dynamic_buffer(lines_, 65536), '\n',
                                [this](const boost::system::error_code& error, std::size_t bytes) {
                                  if (loop_.finished()) {
                                    return;
                                  }
                                  if (error == boost::asio::error::eof) {
                                    if (!lines_.empty()) {
                                      typed_(lines_);
                                    }
                                    ended_();
                                  } else if (error) {
                                    loop_.fail("cannot read what is typed: " + error.message());
                                  } else {
                                    const std::string line = lines_.substr(0, bytes - 1);
                                    lines_.erase(0, bytes);
                                    typed_(line);
                                    read();
                                  }
                                });
}

}  // namespace restante::cli
