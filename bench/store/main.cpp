// How fast the store in a file of SQLite is, beside SQLite itself, beside the least that a log of one's own would do,
// beside a server that does nothing but sync, and beside the disk: the same messages in batches of the same size, each
// batch durable before the next begins.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/sqlite.hpp>

#include "log.hpp"
#include "synced_server.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t senders = 50;
constexpr std::uint32_t receivers = 50;
constexpr std::uint64_t first_time_ms = 1'700'000'000'000;

struct CommandLine {
  std::vector<std::uint32_t> batches;
  std::uint32_t messages = 300'000;
  std::uint32_t rounds = 5;
  std::uint32_t payload_bytes = 64;
  std::uint32_t times = 2'000;
  std::uint32_t held = 1'000'000;
  std::string folder = std::filesystem::temp_directory_path();
  std::vector<std::string> only;
  bool quick = false;
  bool json = false;

  bool measures(const std::string& what) const {
    return only.empty() || std::find(only.begin(), only.end(), what) != only.end();
  }
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

restante::Address named(std::uint32_t number) {
  return restante::Address::at(restante::Address::classic_count + number);
}

// The push of this number: each sender to another receiver, in turn.
restante::MessageStored push_of(std::uint32_t number, restante::BytesView payload) {
  const std::uint32_t sender = number % senders;
  return {.receiver = named(senders + sender),
          .offset = number / senders,
          .sender = named(sender),
          .payload = payload,
          .sequence = number / senders + std::uint64_t{1},
          .time_ms = first_time_ms + number};
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
  Store(const std::filesystem::path& path, std::uint32_t payload_bytes)
      : store_{{.path = path}}, payload_(payload_bytes, 'x') {
    store_.start({this, [](void* context) { static_cast<Store*>(context)->ring(); }});
    NoMailboxes loader;
    RESTANTE_ASSERT(!store_.load(loader), "the store cannot be loaded");
    held_ = static_cast<std::uint32_t>(loader.messages);
    if (held_ == 0) {
      for (std::uint32_t number = 0; number < senders + receivers; ++number) {
        const std::string name = "p" + std::to_string(number);
        store_.record(restante::AddressAdded{named(number), restante::as_bytes(name), number + 1});
      }
      commit();
    }
  }

  std::uint32_t held() const { return held_; }

  void push() { store_.record(push_of(held_++, payload_)); }

  // As if each receiver had fetched and acknowledged all that it has.
  void acknowledge_all() {
    for (std::uint32_t number = held_ - receivers; number < held_; ++number) {
      const restante::MessageStored latest = push_of(number, payload_);
      store_.record(restante::MessagesDelivered{latest.receiver, latest.offset});
      store_.record(restante::MessagesAcknowledged{latest.receiver, latest.offset});
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

 private:
  void ring() {
    const std::lock_guard guard{mutex_};
    rings_ = true;
    rang_.notify_one();
  }

  restante::SqliteStore store_;
  std::vector<std::uint8_t> payload_;
  std::mutex mutex_;
  std::condition_variable rang_;
  bool rings_ = false;
  std::uint64_t turn_ = 0;
  std::uint32_t held_ = 0;
};

// The rows of messages of the same pushes, and nothing else.
class BareInserts {
 public:
  BareInserts(const std::filesystem::path& path, std::uint32_t payload_bytes)
      : database_{restante::detail::open_database(path.string(), nullptr, true)}, payload_(payload_bytes, 'x') {
    sqlite3_wal_autocheckpoint(database_.handle(), 16'384);
    insert_ = {database_, "INSERT INTO messages VALUES(?, ?, ?, ?, ?, ?, ?, ?)"};
  }

  void push() {
    if (!transaction_) {
      transaction_.emplace(database_);
    }
    const restante::MessageStored push = push_of(pushed_++, payload_);
    insert_.run(pushed_, push.receiver.index(), push.offset, push.sender.index(), push.sequence, push.time_ms,
                push.expires_ms, push.payload);
  }

  void commit() {
    transaction_->commit();
    transaction_.reset();
  }

 private:
  restante::detail::Database database_;
  restante::detail::Statement insert_;
  std::optional<restante::detail::Transaction> transaction_;
  std::vector<std::uint8_t> payload_;
  std::uint32_t pushed_ = 0;
};

// The same pushes, appended to a file.
class Log {
 public:
  Log(const std::filesystem::path& path, std::uint32_t payload_bytes) : log_{path}, payload_(payload_bytes, 'x') {}

  void push() {
    const restante::MessageStored push = push_of(pushed_++, payload_);
    log_.push({push.receiver.index(), push.sender.index(), push.offset, push.sequence, push.time_ms, push.expires_ms},
              push.payload);
  }

  void commit() { log_.commit(); }

 private:
  restante::bench::AppendOnlyLog log_;
  std::vector<std::uint8_t> payload_;
  std::uint32_t pushed_ = 0;
};

// Messages per second.
template <class Target>
double pushes_per_second(const std::filesystem::path& path, const CommandLine& line, std::uint32_t batch) {
  Target target{path, line.payload_bytes};
  const std::uint32_t batches = std::max(line.messages / batch, 1U);
  const auto begin = Clock::now();
  for (std::uint32_t i = 0; i < batches; ++i) {
    for (std::uint32_t j = 0; j < batch; ++j) {
      target.push();
    }
    target.commit();
  }
  return static_cast<double>(batches) * batch / seconds_since(begin);
}

// Of one after another, in microseconds.
template <class Work>
double median_microseconds(std::uint32_t times, Work work) {
  std::vector<double> took;
  for (std::uint32_t i = 0; i < times; ++i) {
    const auto begin = Clock::now();
    work(i);
    took.push_back(seconds_since(begin) * 1e6);
  }
  return median(took);
}

template <class Target>
double commit_microseconds(const std::filesystem::path& path, const CommandLine& line) {
  Target target{path, line.payload_bytes};
  return median_microseconds(line.times, [&](std::uint32_t) {
    target.push();
    target.commit();
  });
}

// A request through a socket, and its reply after the sync.
double served_microseconds(const std::filesystem::path& path, const CommandLine& line) {
  const restante::bench::SyncedServer server{path, line.times};
  restante::bench::SyncedClient client{server};
  const std::vector<std::uint8_t> request(line.payload_bytes + 1, 'x');
  return median_microseconds(line.times, [&](std::uint32_t) { client.request(request); });
}

constexpr std::size_t page_bytes = 4096;

// To a file that has its length, and to one that grows with each.
nlohmann::json measure_disk(const std::filesystem::path& folder, const CommandLine& line) {
  restante::bench::SyncedFile file{folder / "disk"};
  const std::vector<std::uint8_t> page(page_bytes, 'x');
  const auto write_and_sync = [&](std::uint32_t number) {
    file.write(page, std::uint64_t{number} * page_bytes);
    file.sync();
  };
  const double append = median_microseconds(line.times, write_and_sync);
  const double overwrite = median_microseconds(line.times, write_and_sync);
  return {{"append", append}, {"overwrite", overwrite}};
}

nlohmann::json measure_batches(const std::filesystem::path& folder, const CommandLine& line, std::uint32_t batch) {
  using Measure = double (*)(const std::filesystem::path&, const CommandLine&, std::uint32_t);
  const std::pair<const char*, Measure> all[] = {
      {"bare", pushes_per_second<BareInserts>}, {"store", pushes_per_second<Store>}, {"log", pushes_per_second<Log>}};
  std::vector<double> found[std::size(all)];
  // In turn, so that what else the machine does is felt by all.
  for (std::uint32_t round = 0; round < line.rounds; ++round) {
    for (std::size_t i = 0; i < std::size(all); ++i) {
      if (line.measures(all[i].first)) {
        found[i].push_back(all[i].second(folder / (all[i].first + std::to_string(round)), line, batch));
      }
    }
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
      std::filesystem::remove(entry);
    }
  }
  nlohmann::json report{{"batch", batch}};
  for (std::size_t i = 0; i < std::size(all); ++i) {
    if (!found[i].empty()) {
      report[all[i].first] = median(found[i]);
    }
  }
  return report;
}

nlohmann::json measure_load(const std::filesystem::path& path, const CommandLine& line) {
  {
    Store store{path, line.payload_bytes};
    while (store.held() < line.held) {
      store.push();
      if (store.held() % 10'000 == 0) {
        store.commit();
      }
    }
    store.commit();
  }
  const auto begin = Clock::now();
  Store store{path, line.payload_bytes};
  const double loading = seconds_since(begin);
  RESTANTE_ASSERT(store.held() == line.held, "messages are missing");
  const auto again = Clock::now();
  store.acknowledge_all();
  const double acknowledging = seconds_since(again);
  return {{"messages", line.held}, {"seconds", loading}, {"acknowledge_seconds", acknowledging}};
}

nlohmann::json measure(const std::filesystem::path& folder, const CommandLine& line) {
  nlohmann::json report;
  if (line.measures("disk")) {
    report["disk_us"] = measure_disk(folder, line);
  }
  if (line.measures("one")) {
    report["one_us"] = {{"store", commit_microseconds<Store>(folder / "one", line)},
                        {"bare", commit_microseconds<BareInserts>(folder / "bare", line)},
                        {"log", commit_microseconds<Log>(folder / "log", line)},
                        {"server", served_microseconds(folder / "server", line)}};
  }
  if (line.measures("bare") || line.measures("store") || line.measures("log")) {
    for (const std::uint32_t batch : line.batches) {
      report["batches"].push_back(measure_batches(folder, line, batch));
    }
  }
  if (line.measures("load")) {
    report["load"] = measure_load(folder / "held", line);
  }
  return report;
}

void print(const nlohmann::json& report) {
  if (report.contains("disk_us")) {
    std::printf("write and sync of a page: %.0f us, %.0f us where the file grows\n",
                report["disk_us"]["overwrite"].get<double>(), report["disk_us"]["append"].get<double>());
  }
  if (report.contains("one_us")) {
    std::printf("one message at a time: store %.0f us, bare insert %.0f us, log %.0f us, bare server %.0f us\n",
                report["one_us"]["store"].get<double>(), report["one_us"]["bare"].get<double>(),
                report["one_us"]["log"].get<double>(), report["one_us"]["server"].get<double>());
  }
  for (const nlohmann::json& batch : report.value("batches", nlohmann::json::array())) {
    std::printf("batches of %u, messages/s:", batch["batch"].get<std::uint32_t>());
    for (const char* const name : {"store", "bare", "log"}) {
      if (batch.contains(name)) {
        std::printf(" %s %.0f", name, batch[name].get<double>());
      }
    }
    std::printf("\n");
  }
  if (report.contains("load")) {
    std::printf("%u messages: checked and loaded in %.2f s, acknowledged in %.2f s\n",
                report["load"]["messages"].get<std::uint32_t>(), report["load"]["seconds"].get<double>(),
                report["load"]["acknowledge_seconds"].get<double>());
  }
}

void describe(CLI::App& app, CommandLine& line) {
  app.add_option("--folder", line.folder, "where the files are made, which are gone afterwards")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--only", line.only, "some of: disk, one (message at a time), store, bare, log, load")
      ->check(CLI::IsMember({"disk", "one", "store", "bare", "log", "load"}));
  app.add_option("--batch", line.batches, "messages of a transaction; 32, 320 and 1600 where nothing is said")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--messages", line.messages, "how many in all, for each batch")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  app.add_option("--rounds", line.rounds, "the median of so many")->check(CLI::Range(1, 1'000))->capture_default_str();
  app.add_option("--payload", line.payload_bytes, "bytes of a message")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--times", line.times, "how many for what is done one at a time")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--held", line.held, "messages that are loaded, in tens of thousands")
      ->check(CLI::Range(10'000, 100'000'000))
      ->capture_default_str();
  app.add_flag("--quick", line.quick, "so little of everything that the numbers mean nothing");
  app.add_flag("--json", line.json, "print one JSON object");
}

}  // namespace

int main(int count, char** arguments) {
  CommandLine line;
  CLI::App app{"Measures the store in a file of SQLite, bare SQLite, an append-only log, and the disk."};
  describe(app, line);
  CLI11_PARSE(app, count, arguments);
  if (line.quick) {
    line.messages = 2'000;
    line.rounds = 2;
    line.times = 20;
    line.held = 20'000;
  }
  if (line.batches.empty()) {
    line.batches = {32, 320, 1'600};
  }
  try {
    std::string name = line.folder + "/restante-store-XXXXXX";
    RESTANTE_ASSERT(::mkdtemp(name.data()) != nullptr, "the folder cannot be made");
    const nlohmann::json report = measure(name, line);
    std::filesystem::remove_all(name);
    line.json ? static_cast<void>(std::printf("%s\n", report.dump(2).c_str())) : print(report);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante-store-bench: %s\n", error.what());
    return 1;
  }
}
