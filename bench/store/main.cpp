// How fast the store in a file of SQLite is, beside SQLite itself and beside the disk: the same messages in batches of
// the same size, each batch durable before the next begins.
//
//     restante-store-bench [--quick] [FOLDER]     the folder is where the files are made, and gone afterwards
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/sqlite.hpp>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t senders = 50;
constexpr std::uint32_t receivers = 50;
constexpr std::size_t payload_bytes = 64;
const std::vector<std::uint8_t> payload(payload_bytes, 'x');

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

restante::Address named(std::uint32_t number) {
  return restante::Address::at(restante::Address::classic_count + number);
}

class NoMailboxes final : public restante::MessageLoader {
 public:
  std::uint64_t messages = 0;
  void message(const restante::MessageStored&) override { ++messages; }
  void next_offset(restante::Address, restante::Offset) override {}
};

// A store with people in it, each commit of which is waited for.
class Store {
 public:
  explicit Store(const std::filesystem::path& path) : store_{{.path = path}} {
    store_.start({this, [](void* context) { static_cast<Store*>(context)->ring(); }});
    RESTANTE_ASSERT(!store_.load(loaded), "the store cannot be loaded");
    if (loaded.messages == 0) {
      for (std::uint32_t number = 0; number < senders + receivers; ++number) {
        const std::string name = "p" + std::to_string(number);
        store_.record(restante::AddressAdded{named(number), restante::as_bytes(name), number + 1});
      }
      commit();
    }
  }

  // Each sender to another receiver, in turn.
  void push() {
    const std::uint32_t sender = pushed_ % senders;
    const std::uint64_t number = pushed_ / senders;
    store_.record(restante::MessageStored{.receiver = named(senders + sender),
                                          .offset = number,
                                          .sender = named(sender),
                                          .payload = payload,
                                          .sequence = number + 1,
                                          .time_ms = std::uint64_t{1'700'000'000'000} + pushed_});
    ++pushed_;
  }

  void acknowledge_all() {
    for (std::uint32_t receiver = 0; receiver < receivers; ++receiver) {
      store_.record(restante::MessagesDelivered{named(senders + receiver), pushed_ / senders});
      store_.record(restante::MessagesAcknowledged{named(senders + receiver), pushed_ / senders});
    }
    commit();
  }

  void commit() {
    store_.commit(++turn_);
    std::unique_lock lock{mutex_};
    rang_.wait(lock, [this] { return std::exchange(rings_, false); });
    lock.unlock();
    const auto completed = store_.completed();
    RESTANTE_ASSERT(completed && !completed->error && completed->turn == turn_, "a commit failed");
  }

  NoMailboxes loaded;

 private:
  void ring() {
    const std::lock_guard guard{mutex_};
    rings_ = true;
    rang_.notify_one();
  }

  restante::SqliteStore store_;
  std::mutex mutex_;
  std::condition_variable rang_;
  bool rings_ = false;
  std::uint64_t turn_ = 0;
  std::uint32_t pushed_ = 0;
};

double store_pushes(const std::filesystem::path& path, std::uint32_t batch, std::uint32_t messages) {
  Store store{path};
  const auto begin = Clock::now();
  for (std::uint32_t done = 0; done < messages; done += batch) {
    for (std::uint32_t i = 0; i < batch; ++i) {
      store.push();
    }
    store.commit();
  }
  return messages / seconds_since(begin);
}

// The same rows of messages, and nothing else.
double bare_inserts(const std::filesystem::path& path, std::uint32_t batch, std::uint32_t messages) {
  namespace detail = restante::detail;
  detail::Database database = detail::open_database(path.string(), nullptr, false);
  sqlite3_wal_autocheckpoint(database.handle(), 16'384);
  detail::Statement insert{database, "INSERT INTO messages VALUES(?, ?, ?, ?, ?, ?, ?, ?)"};
  const auto begin = Clock::now();
  for (std::uint32_t done = 0; done < messages; done += batch) {
    detail::Transaction transaction{database};
    for (std::uint32_t i = done; i < done + batch; ++i) {
      const std::uint32_t number = i / senders;
      insert.run(i + 1, named(senders + i % senders).index(), number, named(i % senders).index(), number + 1,
                 1'700'000'000'000 + i, 0, restante::BytesView{payload});
    }
    transaction.commit();
  }
  return messages / seconds_since(begin);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// One write and its sync, of as many bytes as a message takes at least.
double disk_seconds(const std::filesystem::path& path, std::uint32_t times) {
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  RESTANTE_ASSERT(file >= 0, "a file cannot be made");
  const std::vector<std::uint8_t> page(4096, 'x');
  std::vector<double> took;
  for (std::uint32_t i = 0; i < times; ++i) {
    const auto begin = Clock::now();
    RESTANTE_ASSERT(
        ::write(file, page.data(), page.size()) == static_cast<ssize_t>(page.size()) && ::fdatasync(file) == 0,
        "the disk failed");
    took.push_back(seconds_since(begin));
  }
  ::close(file);
  return median(took);
}

double commit_seconds(const std::filesystem::path& path, std::uint32_t times) {
  Store store{path};
  std::vector<double> took;
  for (std::uint32_t i = 0; i < times; ++i) {
    const auto begin = Clock::now();
    store.push();
    store.commit();
    took.push_back(seconds_since(begin));
  }
  return median(took);
}

void measure_loading(const std::filesystem::path& path, std::uint32_t messages) {
  {
    Store store{path};
    for (std::uint32_t i = 0; i < messages; ++i) {
      store.push();
      if (i % 10'000 == 9'999) {
        store.commit();
      }
    }
    store.commit();
  }
  const auto begin = Clock::now();
  Store store{path};
  std::printf("%u messages are checked and loaded in %.2f s\n", messages, seconds_since(begin));
  RESTANTE_ASSERT(store.loaded.messages == messages, "messages are missing");
  const auto again = Clock::now();
  store.acknowledge_all();
  std::printf("and acknowledged in %.2f s\n", seconds_since(again));
}

}  // namespace

int main(int count, char** arguments) {
  bool quick = false;
  std::string place = std::filesystem::temp_directory_path();
  for (int i = 1; i < count; ++i) {
    std::strcmp(arguments[i], "--quick") == 0 ? static_cast<void>(quick = true)
                                              : static_cast<void>(place = arguments[i]);
  }
  std::string folder_name = place + "/restante-store-XXXXXX";
  RESTANTE_ASSERT(::mkdtemp(folder_name.data()) != nullptr, "the folder cannot be made");
  const std::filesystem::path folder = folder_name;
  const std::uint32_t rounds = quick ? 2 : 7;
  for (const std::uint32_t batch : {32U, 320U, 1'600U}) {
    const std::uint32_t messages = batch * (quick ? 4 : 200);
    std::vector<double> ours;
    std::vector<double> bare;
    // In turn, so that what else the machine does is felt by both.
    for (std::uint32_t round = 0; round < rounds; ++round) {
      const std::string number = std::to_string(batch) + "-" + std::to_string(round);
      bare.push_back(bare_inserts(folder / ("bare" + number), batch, messages));
      ours.push_back(store_pushes(folder / ("store" + number), batch, messages));
    }
    std::printf("batches of %5u: store %8.0f messages/s, bare inserts %8.0f rows/s, ratio %.2f\n", batch, median(ours),
                median(bare), median(ours) / median(bare));
  }
  const std::uint32_t times = quick ? 20 : 2'000;
  const double disk = disk_seconds(folder / "disk", times);
  const double commit = commit_seconds(folder / "one", times);
  std::printf("one message: store %.3f ms, write and sync %.3f ms, ratio %.2f\n", commit * 1e3, disk * 1e3,
              commit / disk);
  measure_loading(folder / "million", quick ? 20'000 : 1'000'000);
  std::filesystem::remove_all(folder);
}
