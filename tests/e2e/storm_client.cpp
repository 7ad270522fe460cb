// A client of restante.v2 as a program would have it, for storm_test.py: what it has to push and what it received are
// in files, so that it can be killed at any moment and started again.
//
// Usage: restante-storm-client <port> <address> <folder>
//
// Reads commands, one in a line, and says what happened, each in a line:
//   join <room>
//   push <receiver> <text>    added <text>, and later accepted <text>, refused <text> or unknown <text>
// Besides: handled <text>, missed <room> <count>, restarted <room>, failed <what must not happen>.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>

#include <restante/v2/client.hpp>
#include <restante/websocketpp.hpp>

#include "../../examples/embed/journal.hpp"
#include "storm_book.hpp"

using namespace std::chrono_literals;
namespace client_event = restante::v2::client_event;

namespace {

/// The text of each push, which its result names only by its number.
using Texts = std::map<restante::v2::PushId, std::string>;

/// An outbox that remembers texts.
class Outbox {
 public:
  Outbox(const std::string& path, Texts& texts) : journal_{path}, texts_{texts} {}

  std::error_code load(restante::v2::OutboxLoader& loader) {
    class Reader final : public restante::v2::OutboxLoader {
     public:
      Reader(restante::v2::OutboxLoader& next, Texts& texts) : next_{next}, texts_{texts} {}
      void message(const restante::v2::OutgoingMessage& message) override {
        texts_[message.id] = restante::as_text(message.payload);
        next_.message(message);
      }

     private:
      restante::v2::OutboxLoader& next_;
      Texts& texts_;
    } reader{loader, texts_};
    return journal_.load(reader);
  }
  std::error_code added(const restante::v2::OutgoingMessage& message) {
    texts_[message.id] = restante::as_text(message.payload);
    return journal_.added(message);
  }
  std::error_code numbered(restante::v2::PushId id, restante::Epoch epoch, std::uint64_t sequence) {
    return journal_.numbered(id, epoch, sequence);
  }
  void removed(restante::v2::PushId id) { journal_.removed(id); }

 private:
  Journal journal_;
  Texts& texts_;
};

class StormClient {
 public:
  StormClient(std::uint16_t port, const std::string& address, const std::string& folder)
      : outbox_{folder + '/' + address + ".outbox", texts_},
        book_{folder + '/' + address + ".book"},
        transport_{loop_, {.host = "127.0.0.1", .port = port}},
        client_{transport_, outbox_, book_, options(address)},
        input_{loop_, ::dup(STDIN_FILENO)} {
    client_.connect();
    read_command();
  }

  void run() { loop_.run(); }

 private:
  restante::v2::ClientOptions options(const std::string& address) {
    restante::v2::ClientOptions options{.address = address};
    options.reconnect_after = 50ms;
    options.reconnect_after_max = 500ms;
    options.reply_timeout = 2s;
    options.fetch_wait = 2s;
    options.retry_after = 200ms;
    options.seed = static_cast<std::uint64_t>(::getpid());
    options.on_message = [this](const restante::v2::Delivery& delivery) {
      if (!book_.add(delivery)) {
        std::_Exit(2);
      }
      std::printf("handled %.*s\n", static_cast<int>(delivery.payload.size()),
                  restante::as_text(delivery.payload).data());
      return restante::v2::Handling::done;
    };
    options.on_event = [this](const restante::v2::ClientEvent& event) {
      std::visit([this](const auto& happened) { tell(happened); }, event);
    };
    return options;
  }

  template <class Event>
  void tell(const Event&) {}
  void tell(const client_event::PushEnded& ended) { tell_of_push(ended.error, ended.result); }
  void tell(const client_event::MessagesMissed& missed) {
    std::printf("missed %.*s %llu\n", static_cast<int>(missed.room.size()), missed.room.data(),
                static_cast<unsigned long long>(missed.count));
  }
  void tell(const client_event::RoomRestarted& restarted) {
    std::printf("restarted %.*s\n", static_cast<int>(restarted.room.size()), restarted.room.data());
  }
  void tell(const client_event::StorageFailed& failed) { std::printf("failed %s\n", failed.error.message().c_str()); }
  void tell(const client_event::ProtocolMissing&) { std::puts("failed the server does not speak restante.v2"); }

  void tell_of_push(std::error_code error, const restante::v2::PushResult& result) {
    const bool is_unknown = error == restante::Error::outcome_unknown;
    std::printf("%s %s %s\n",
                !error       ? "accepted"
                : is_unknown ? "unknown"
                             : "refused",
                texts_[result.id].c_str(), error ? error.message().c_str() : "");
    texts_.erase(result.id);
  }

  void read_command() {
    boost::asio::async_read_until(input_, boost::asio::dynamic_buffer(line_), '\n',
                                  [this](boost::system::error_code error, std::size_t size) {
                                    if (error) {
                                      loop_.stop();
                                      return;
                                    }
                                    carry_out(line_.substr(0, size - 1));
                                    line_.erase(0, size);
                                    read_command();
                                  });
  }

  void carry_out(const std::string& line) {
    std::istringstream fields{line};
    std::string command;
    std::string name;
    std::string text;
    fields >> command >> name >> text;
    if (command == "join") {
      client_.join(name);
    } else if (command == "push") {
      client_.push(
          name, restante::as_bytes(text),
          [this](std::error_code error, const restante::v2::PushResult& result) { tell_of_push(error, result); });
      std::printf("added %s\n", text.c_str());
    } else {
      std::printf("failed this is no command: %s\n", line.c_str());
    }
  }

  boost::asio::io_context loop_;
  Texts texts_;
  Outbox outbox_;
  Book book_;
  restante::WebsocketppClient transport_;
  restante::v2::Client<restante::WebsocketppClient, Outbox, Book> client_;
  boost::asio::posix::stream_descriptor input_;
  std::string line_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: restante-storm-client <port> <address> <folder>\n", stderr);
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  StormClient client{static_cast<std::uint16_t>(std::stoi(argv[1])), argv[2], argv[3]};
  client.run();
}
