// What cannot be seen of the real server without waiting for half a minute; the rest is in tests/e2e/operate_test.py.
#include "operate_socket.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <string>

namespace restante_server {
namespace {

using namespace std::chrono_literals;
using boost::asio::local::stream_protocol;
using boost::system::error_code;

class OperateSocketTest : public ::testing::Test {
 protected:
  OperateSocketTest() {
    std::string name = (std::filesystem::temp_directory_path() / "restante-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~OperateSocketTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path place() const { return folder_ / "operate"; }

  stream_protocol::socket connect() {
    stream_protocol::socket socket{context_};
    socket.connect(place().string());
    return socket;
  }

  // Runs the loop until the other side is gone. Nobody there reads, so that soon nothing can be written.
  void run_until_ended(stream_protocol::socket& socket) {
    socket.non_blocking(true);
    error_code error;
    while (!error || error == boost::asio::error::would_block) {
      context_.run_one();
      socket.write_some(boost::asio::buffer("\n", 1), error);
    }
    socket.non_blocking(false);
  }

  std::filesystem::path folder_;
  boost::asio::io_context context_{1};
};

TEST_F(OperateSocketTest, EndsAConnectionThatSaysNothing) {
  OperateSocket socket{context_, place(), [](std::string_view) { return ""; }, {.idle_max = 1ms}};
  stream_protocol::socket client = connect();
  char byte = 0;
  error_code ended;
  client.async_read_some(boost::asio::buffer(&byte, 1), [&](const error_code& error, std::size_t) { ended = error; });
  while (!ended) {
    context_.run_one();
  }
  EXPECT_EQ(ended, boost::asio::error::eof);
}

TEST_F(OperateSocketTest, EndsAConnectionThatDoesNotReadItsAnswer) {
  const std::string long_answer(16'000'000, 'x');
  OperateSocket socket{context_, place(), [&](std::string_view) { return long_answer; }, {.idle_max = 1ms}};
  stream_protocol::socket client = connect();
  boost::asio::write(client, boost::asio::buffer("ask\n", 4));
  run_until_ended(client);
  std::string read(2 * long_answer.size(), ' ');
  error_code error;
  EXPECT_LT(boost::asio::read(client, boost::asio::buffer(read), error), long_answer.size());
}

TEST_F(OperateSocketTest, EndsConnectionsAndRemovesItsFileWhenItStops) {
  OperateSocket socket{context_, place(), [](std::string_view) { return "answer"; }};
  stream_protocol::socket client = connect();
  boost::asio::write(client, boost::asio::buffer("ask\n", 4));
  std::string read(7, ' ');
  bool answered = false;
  boost::asio::async_read(client, boost::asio::buffer(read), [&](const error_code&, std::size_t) { answered = true; });
  while (!answered) {
    context_.run_one();
  }
  EXPECT_EQ(read, "answer\n");
  socket.stop();
  EXPECT_FALSE(std::filesystem::exists(place()));
  error_code error;
  EXPECT_EQ(boost::asio::read(client, boost::asio::buffer(read), error), 0U);
  // What was under way comes to an end, and finds nobody.
  context_.run();
}

}  // namespace
}  // namespace restante_server
