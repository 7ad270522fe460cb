// The layer under Beast's WebSocket stream: bytes that the loop has read, and no socket.
//
// Nothing happens in it by itself. An operation waits until the loop gives bytes and calls run(), and what Beast would
// post to an executor waits for the same call. Only one of these is ever under way, because Beast is only asked to
// read.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/role.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <restante/beast/detail/continuation.hpp>
#include <restante/bytes.hpp>

namespace restante::beast_detail {

class MemoryStream {
 public:
  /// Runs what it is given when the loop calls run().
  class executor_type {  // NOLINT(readability-identifier-naming): as Asio has it
   public:
    explicit executor_type(MemoryStream& stream) noexcept : stream_{&stream} {}

    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
      return stream_->context_;
    }
    static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
      return boost::asio::execution::blocking_t::never;
    }
    executor_type require(boost::asio::execution::blocking_t::never_t) const noexcept { return *this; }

    template <class Function>
    void execute(Function&& function) const {
      stream_->go_on_with(std::forward<Function>(function));
    }

    bool operator==(const executor_type&) const noexcept = default;

   private:
    MemoryStream* stream_;
  };

  /// Beast asks for a context to keep its services in. Nothing of ours runs there.
  explicit MemoryStream(boost::asio::execution_context& context) : context_{context} {}

  MemoryStream(const MemoryStream&) = delete;
  MemoryStream& operator=(const MemoryStream&) = delete;

  // For the engine.

  /// Gives bytes that may be read until they are taken back.
  void give(BytesView bytes) noexcept { input_ = bytes; }

  /// Takes back what was not read.
  BytesView take_back() noexcept { return std::exchange(input_, {}); }

  /// Puts what is written from now on behind `output`, or throws it away where that is nullptr.
  void write_to(std::string* output) noexcept { output_ = output; }

  /// Does a step. False: there is nothing to do without more bytes.
  bool run() {
    if (!next_ || (waits_for_bytes_ && input_.empty())) {
      return false;
    }
    waits_for_bytes_ = false;
    next_.run();
    return true;
  }

  // For Beast: the requirements of an AsyncStream.

  executor_type get_executor() noexcept { return executor_type{*this}; }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    waits_for_bytes_ = true;
    next_.set([this, buffers, handler = std::forward<Handler>(handler)]() mutable {
      const std::size_t bytes =
          boost::asio::buffer_copy(buffers, boost::asio::const_buffer{input_.data(), input_.size()});
      input_ = input_.subspan(bytes);
      handler(boost::beast::error_code{}, bytes);
    });
  }

  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    const std::size_t bytes = boost::asio::buffer_size(buffers);
    if (output_ != nullptr) {
      const std::size_t before = output_->size();
      output_->resize(before + bytes);
      boost::asio::buffer_copy(boost::asio::buffer(output_->data() + before, bytes), buffers);
    }
    go_on_with(
        [bytes, handler = std::forward<Handler>(handler)]() mutable { handler(boost::beast::error_code{}, bytes); });
  }

  /// Beast would end the connection. The loop does.
  template <class Handler>
  friend void async_teardown(boost::beast::role_type, MemoryStream& stream, Handler&& handler) {
    stream.go_on_with([handler = std::forward<Handler>(handler)]() mutable { handler(boost::beast::error_code{}); });
  }

  /// Beast would end the connection after a timeout. There are none.
  friend void beast_close_socket(MemoryStream&) {}

 private:
  template <class Function>
  void go_on_with(Function&& function) {
    waits_for_bytes_ = false;
    next_.set(std::forward<Function>(function));
  }

  boost::asio::execution_context& context_;
  BytesView input_;
  std::string* output_ = nullptr;
  bool waits_for_bytes_ = false;
  Continuation next_;
};

}  // namespace restante::beast_detail
