// restante-bench: how many requests a server answers, and how long they take.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include <restante/version.hpp>

#include "run.hpp"
#include "v2_requests.hpp"

namespace {

using restante::bench::Mix;
using restante::bench::Protocol;
using restante::bench::RunOptions;
using restante::bench::RunResult;

// Above this part of one processor, this program may have been what was measured. At a given rate it stays awake, and
// what tells is how much of the latency is its own.
constexpr double own_processor_max = 0.9;
constexpr double own_delay_max = 0.2;

const std::map<std::string, Mix> mixes{{"echo", Mix::echo}, {"ring", Mix::ring}, {"fan-in", Mix::fan_in},
                                       {"hot", Mix::hot},   {"push", Mix::push}, {"get", Mix::get}};

const std::map<std::string, Protocol> protocols{{"classic", Protocol::classic}, {"v2", Protocol::v2}};

struct CommandLine {
  std::string url = "ws://127.0.0.1:12345";
  std::string protocol = "classic";
  std::string mix = "echo";
  double seconds = 5;
  double warm_up = 1;
  std::uint64_t requests = 0;
  double timeout = 10;
  pid_t server = 0;
  bool json = false;
  RunOptions options;
};

double microseconds(std::uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1000;
}

bool was_the_limit(const RunOptions& options, const RunResult& result) {
  if (options.rate == 0) {
    return result.own_processor > own_processor_max;
  }
  return static_cast<double>(result.own_delay.percentile(990)) >
         own_delay_max * static_cast<double>(result.latency.percentile(990));
}

double server_microseconds_per_request(const RunResult& result) {
  return result.answered == 0 ? 0
                              : *result.server_processor * result.seconds * 1e6 / static_cast<double>(result.answered);
}

void print_json(const CommandLine& line, const RunResult& result) {
  nlohmann::json report{{"url", line.url},
                        {"protocol", line.protocol},
                        {"mix", line.mix},
                        {"connections", line.options.connections},
                        {"idle_connections", line.options.idle_connections},
                        {"in_flight", line.options.in_flight},
                        {"batch", line.options.batch},
                        {"rate", line.options.rate},
                        {"payload_bytes", line.options.payload_bytes},
                        {"seconds", result.seconds},
                        {"requests", result.answered},
                        {"requests_per_second", static_cast<double>(result.answered) / result.seconds},
                        {"messages", result.messages},
                        {"messages_per_second", static_cast<double>(result.messages) / result.seconds},
                        {"late", result.late},
                        {"full", result.full},
                        {"empty", result.empty},
                        {"latency_us",
                         {{"p50", microseconds(result.latency.percentile(500))},
                          {"p90", microseconds(result.latency.percentile(900))},
                          {"p99", microseconds(result.latency.percentile(990))},
                          {"p99.9", microseconds(result.latency.percentile(999))},
                          {"max", microseconds(result.latency.max())}}},
                        {"own_delay_us_p99", microseconds(result.own_delay.percentile(990))},
                        {"own_processor", result.own_processor},
                        {"was_the_limit", was_the_limit(line.options, result)}};
  if (result.server_processor) {
    report["server_processor"] = *result.server_processor;
    report["server_us_per_request"] = server_microseconds_per_request(result);
  }
  std::printf("%s\n", report.dump(2).c_str());
}

void print_table(const CommandLine& line, const RunResult& result) {
  std::printf("%zu connections (and %zu idle), %zu in flight%s, %zu bytes, %s protocol, mix %s, %s\n",
              line.options.connections, line.options.idle_connections, line.options.in_flight,
              line.options.batch ? " sent at once" : "", line.options.payload_bytes, line.protocol.c_str(),
              line.mix.c_str(), line.options.rate == 0 ? "each request after a reply" : "requests at a fixed rate");
  std::printf("  %-22s %14.0f /s\n", "requests", static_cast<double>(result.answered) / result.seconds);
  std::printf("  %-22s %14llu in %.2f s, each reply checked\n", "", static_cast<unsigned long long>(result.answered),
              result.seconds);
  std::printf("  %-22s %14.0f /s\n", "messages", static_cast<double>(result.messages) / result.seconds);
  for (const auto& [name, permille] : {std::pair{"latency, half", 500U},
                                       {"latency, 90 %", 900U},
                                       {"latency, 99 %", 990U},
                                       {"latency, 99.9 %", 999U}}) {
    std::printf("  %-22s %14.1f us\n", name, microseconds(result.latency.percentile(permille)));
  }
  std::printf("  %-22s %14.1f us\n", "latency, longest", microseconds(result.latency.max()));
  if (result.server_processor) {
    std::printf("  %-22s %14.1f %%, %.2f us per request\n", "the server's processor", *result.server_processor * 100,
                server_microseconds_per_request(result));
  }
  std::printf("  %-22s %14.1f %%\n", "this program's", result.own_processor * 100);
  if (line.options.rate != 0) {
    std::printf("  %-22s %14.1f us for 99 %% of the requests\n", "its own delay",
                microseconds(result.own_delay.percentile(990)));
  }
  if (result.full + result.empty > 0) {
    std::printf("  %-22s %14llu full, %llu empty\n", "mailboxes were", static_cast<unsigned long long>(result.full),
                static_cast<unsigned long long>(result.empty));
  }
  if (result.late > 0) {
    std::printf("%llu requests had not begun when they should have: that was more than the server can do.\n",
                static_cast<unsigned long long>(result.late));
  }
  if (was_the_limit(line.options, result)) {
    std::printf(line.options.rate == 0
                    ? "This program used nearly all of a processor: the server may be faster than this says.\n"
                    : "This program was late itself: latencies may be shorter than this says.\n");
  }
}

void describe_load(CLI::App& app, CommandLine& line) {
  app.add_option("--url", line.url, "the server: ws://host:port/path")->capture_default_str();
  app.add_option("--protocol", line.protocol,
                 "classic; or v2, where each connection opens an address of 8 bytes, a PUSH, a FETCH and an ACK is a "
                 "request each, and the latter two are made in place of a GET")
      ->check(CLI::IsMember(protocols))
      ->capture_default_str();
  app.add_option("--connections", line.options.connections,
                 "connections that make requests, one for each id or address")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("--first-id", line.options.first_id,
                 "the first of their ids, or of the addresses bench000, bench001, …: nobody may hold them, and what is "
                 "in their mailboxes is taken out")
      ->check(CLI::Range(0, 255))
      ->capture_default_str();
  app.add_option("--idle", line.options.idle_connections, "connections that make none")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--in-flight", line.options.in_flight, "requests of a connection that wait for replies at a time")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_flag("--batch", line.options.batch,
               "all connections send as many at once, and the next when all are answered: for counting what a server "
               "does");
  app.add_option("--payload", line.options.payload_bytes, "bytes of a message")
      ->check(CLI::Range(0, 254))
      ->capture_default_str();
  app.add_option("--mix", line.mix,
                 "echo: push to oneself and get it, in turn; ring: push to the next, get one's own; fan-in: all push "
                 "to the first, which gets as much; hot: the same, but it gets no more than each of them pushes, so "
                 "that its mailbox is full; push, get: only that")
      ->check(CLI::IsMember(mixes))
      ->capture_default_str();
}

void describe_measuring(CLI::App& app, CommandLine& line) {
  app.add_option("--rate", line.options.rate,
                 "requests per second in all, begun on time whatever the server does; latencies count from then; "
                 "0: the next one follows a reply")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--seconds", line.seconds, "how long is measured")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  app.add_option("--warm-up", line.warm_up, "seconds before that")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--requests", line.requests, "so many requests in all, without warming up, in place of --seconds")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}));
  app.add_option("--timeout", line.timeout, "seconds that the server may be silent while replies are due")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--server-pid", line.server, "the server's process on this machine, to measure its processor time")
      ->check(CLI::PositiveNumber);
  app.add_flag("--json", line.json, "print one JSON object");
}

// What no single option can be blamed for. Throws std::invalid_argument.
void check_together(const RunOptions& options) {
  if (options.connections + options.first_id > 256) {
    throw std::invalid_argument("--connections and --first-id: there are 256 ids, and the last is 255");
  }
  if (options.connections == 0 && (options.idle_connections == 0 || options.rate > 0 || options.requests)) {
    throw std::invalid_argument("--connections: somebody has to make the requests");
  }
  if ((options.mix == Mix::fan_in || options.mix == Mix::hot) && options.connections < 2) {
    throw std::invalid_argument("--mix: fan-in and hot need two connections or more");
  }
  if (options.protocol == Protocol::v2 && options.in_flight > restante::bench::V2Requests::in_flight_max) {
    throw std::invalid_argument("--in-flight: with v2 at most 256, because no more pushes may wait for their replies");
  }
  if (options.batch && options.rate > 0) {
    throw std::invalid_argument("--batch and --rate: requests are sent either at once or on time");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app{"Puts load on a server of Restante's protocols, checks every reply, and says how fast it was."};
  app.set_version_flag("--version", std::string{"restante-bench "} + restante::version);
  describe_load(app, line);
  describe_measuring(app, line);
  try {
    app.parse(argc, argv);
    line.options.url = restante::bench::Url::parse(line.url);
    line.options.protocol = protocols.at(line.protocol);
    line.options.mix = mixes.at(line.mix);
    line.options.measured = std::chrono::duration<double>{line.seconds};
    line.options.warm_up = std::chrono::duration<double>{line.warm_up};
    line.options.patience = std::chrono::duration<double>{line.timeout};
    if (line.requests != 0) {
      line.options.requests = line.requests;
    }
    if (line.server != 0) {
      line.options.server = line.server;
    }
    check_together(line.options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante-bench: %s\n", error.what());
    return 2;
  }
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  if (shows_progress) {
    line.options.progress = [](double seconds, std::uint64_t answered) {
      std::fprintf(stderr, "\r%6.0f s %12llu requests in the last one ", seconds,
                   static_cast<unsigned long long>(answered));
    };
  }
  try {
    const RunResult result = run(line.options);
    if (shows_progress) {
      std::fprintf(stderr, "\r%60s\r", "");
    }
    line.json ? print_json(line, result) : print_table(line, result);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%srestante-bench: %s\n", shows_progress ? "\n" : "", error.what());
    return 1;
  }
}
