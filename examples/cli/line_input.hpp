// Lines of standard input, as they are typed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "loop.hpp"

namespace restante::cli {

/// Reads while its loop runs.
class LineInput {
 public:
  /// `typed` gets each line without its end, `ended` is called once, after the last one.
  LineInput(Loop& loop, std::function<void(std::string_view)> typed, std::function<void()> ended);

  void start() { read(); }

 private:
  void read();

  Loop& loop_;
  std::function<void(std::string_view)> typed_;
  std::function<void()> ended_;
  boost::asio::posix::stream_descriptor input_;
  std::string lines_;
};

}  // namespace restante::cli
