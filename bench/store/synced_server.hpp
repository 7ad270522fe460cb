// The least that any server does between a request and its reply if a thread of its own waits for the disk.
#pragma once

#include <array>
#include <boost/asio.hpp>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "log.hpp"

namespace restante::bench {

/// Whatever comes from its one client is a request. A thread waits for it and hands it to another, which writes a page
/// to a file that has its length, syncs, and hands it back for the reply: no protocol, no mailbox, no database.
class SyncedServer {
 public:
  SyncedServer(const std::filesystem::path& path, std::uint32_t pages) : file_{path}, pages_{pages} {
    const std::vector<std::uint8_t> page(page_bytes);
    for (std::uint32_t number = 0; number < pages; ++number) {
      file_.write(page, std::uint64_t{number} * page_bytes);
    }
    file_.sync();
    acceptor_.async_accept(connection_, [this](boost::system::error_code error) {
      if (!error) {
        connection_.set_option(Tcp::no_delay{true});
        read();
      }
    });
    writer_ = std::thread{[this] { write_until_stopped(); }};
    server_ = std::thread{[this] { loop_.run(); }};
  }

  SyncedServer(const SyncedServer&) = delete;
  SyncedServer& operator=(const SyncedServer&) = delete;

  ~SyncedServer() {
    loop_.stop();
    server_.join();
    {
      const std::lock_guard guard{mutex_};
      ending_ = true;
    }
    asked_.notify_one();
    writer_.join();
  }

  boost::asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

 private:
  using Tcp = boost::asio::ip::tcp;
  static constexpr std::size_t page_bytes = 4096;

  void read() {
    connection_.async_read_some(boost::asio::buffer(request_), [this](boost::system::error_code error, std::size_t) {
      if (error) {
        return;
      }
      {
        const std::lock_guard guard{mutex_};
        request_waits_ = true;
      }
      asked_.notify_one();
    });
  }

  void write_until_stopped() {
    const std::vector<std::uint8_t> page(page_bytes, 'x');
    std::uint32_t number = 0;
    std::unique_lock lock{mutex_};
    while (true) {
      asked_.wait(lock, [this] { return request_waits_ || ending_; });
      if (ending_) {
        return;
      }
      request_waits_ = false;
      lock.unlock();
      file_.write(page, std::uint64_t{number++ % pages_} * page_bytes);
      file_.sync();
      boost::asio::post(loop_, [this] {
        boost::asio::write(connection_, boost::asio::buffer(reply_));
        read();
      });
      lock.lock();
    }
  }

  SyncedFile file_;
  const std::uint32_t pages_;
  boost::asio::io_context loop_{1};
  /// While the other thread has the request, nothing else keeps the loop running.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> working_{loop_.get_executor()};
  Tcp::acceptor acceptor_{loop_, {boost::asio::ip::address_v4::loopback(), 0}};
  Tcp::socket connection_{loop_};
  std::array<std::uint8_t, 4096> request_{};
  std::array<std::uint8_t, 5> reply_{};

  std::mutex mutex_;  // For the next two.
  bool request_waits_ = false;
  bool ending_ = false;
  std::condition_variable asked_;
  std::thread writer_;
  std::thread server_;
};

/// A client of it.
class SyncedClient {
 public:
  explicit SyncedClient(const SyncedServer& server) {
    connection_.connect(server.endpoint());
    connection_.set_option(boost::asio::ip::tcp::no_delay{true});
  }

  /// Sends so many bytes, and waits for the reply.
  void request(const std::vector<std::uint8_t>& bytes) {
    boost::asio::write(connection_, boost::asio::buffer(bytes));
    boost::asio::read(connection_, boost::asio::buffer(reply_));
  }

 private:
  boost::asio::io_context loop_{1};
  boost::asio::ip::tcp::socket connection_{loop_};
  std::array<std::uint8_t, 5> reply_{};
};

}  // namespace restante::bench
