// restante-bench: how many requests a server of the classic protocol answers, and how long they take.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include <restante/version.hpp>

#include "run.hpp"

namespace {

using restante::bench::Mix;
using restante::bench::RunOptions;
using restante::bench::RunResult;

// Above this part of one processor, this program may have been what was measured.
constexpr double own_processor_max = 0.9;

const std::map<std::string, Mix> mixes{
    {"echo", Mix::echo}, {"ring", Mix::ring}, {"fan-in", Mix::fan_in}, {"push", Mix::push}, {"get", Mix::get}};

struct CommandLine {
  std::string url = "ws://127.0.0.1:12345";
  std::string mix = "echo";
  double seconds = 5;
  double warm_up = 1;
  pid_t server = 0;
  bool json = false;
  RunOptions options;
};

double microseconds(const RunResult& result, std::uint64_t permille) {
  return static_cast<double>(result.latency.percentile(permille)) / 1000;
}

void print_json(const CommandLine& line, const RunResult& result) {
  nlohmann::json report{{"url", line.url},
                        {"mix", line.mix},
                        {"connections", line.options.connections},
                        {"idle_connections", line.options.idle_connections},
                        {"in_flight", line.options.in_flight},
                        {"rate", line.options.rate},
                        {"payload_bytes", line.options.payload_bytes},
                        {"seconds", result.seconds},
                        {"requests", result.answered},
                        {"requests_per_second", static_cast<double>(result.answered) / result.seconds},
                        {"full", result.full},
                        {"empty", result.empty},
                        {"latency_us",
                         {{"p50", microseconds(result, 500)},
                          {"p90", microseconds(result, 900)},
                          {"p99", microseconds(result, 990)},
                          {"p99.9", microseconds(result, 999)},
                          {"max", static_cast<double>(result.latency.max()) / 1000}}},
                        {"own_processor", result.own_processor},
                        {"own_processor_was_the_limit", result.own_processor > own_processor_max}};
  if (result.server_processor) {
    report["server_processor"] = *result.server_processor;
    report["server_us_per_request"] =
        *result.server_processor * result.seconds * 1e6 / static_cast<double>(result.answered);
  }
  std::printf("%s\n", report.dump(2).c_str());
}

void print_table(const CommandLine& line, const RunResult& result) {
  std::printf("%zu connections (and %zu idle), %zu in flight, %zu bytes, mix %s, %s\n", line.options.connections,
              line.options.idle_connections, line.options.in_flight, line.options.payload_bytes, line.mix.c_str(),
              line.options.rate == 0 ? "each request after a reply" : "requests at a fixed rate");
  std::printf("  %-22s %14.0f /s\n", "requests", static_cast<double>(result.answered) / result.seconds);
  std::printf("  %-22s %14llu in %.2f s, each reply checked\n", "", static_cast<unsigned long long>(result.answered),
              result.seconds);
  for (const auto& [name, permille] : {std::pair{"latency, half", 500U},
                                       {"latency, 90 %", 900U},
                                       {"latency, 99 %", 990U},
                                       {"latency, 99.9 %", 999U}}) {
    std::printf("  %-22s %14.1f us\n", name, microseconds(result, permille));
  }
  std::printf("  %-22s %14.1f us\n", "latency, longest", static_cast<double>(result.latency.max()) / 1000);
  if (result.server_processor) {
    std::printf("  %-22s %14.1f %%, %.2f us per request\n", "the server's processor", *result.server_processor * 100,
                *result.server_processor * result.seconds * 1e6 / static_cast<double>(result.answered));
  }
  std::printf("  %-22s %14.1f %%\n", "this program's", result.own_processor * 100);
  if (result.full + result.empty > 0) {
    std::printf("  %-22s %14llu full, %llu empty (since the start)\n", "mailboxes were",
                static_cast<unsigned long long>(result.full), static_cast<unsigned long long>(result.empty));
  }
  if (result.own_processor > own_processor_max) {
    std::printf("This program used nearly all of a processor: the server may be faster than this says.\n");
  }
}

void describe(CLI::App& app, CommandLine& line) {
  app.set_version_flag("--version", std::string{"restante-bench "} + restante::version);
  app.add_option("--url", line.url, "the server: ws://host:port/path")->capture_default_str();
  app.add_option("--connections", line.options.connections, "connections that make requests, one for each id")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--idle", line.options.idle_connections, "connections that make none")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--in-flight", line.options.in_flight, "requests of a connection that wait for replies at a time")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--rate", line.options.rate,
                 "requests per second in all, begun on time whatever the server does; latencies count from then; "
                 "0: the next one follows a reply")
      ->capture_default_str();
  app.add_option("--payload", line.options.payload_bytes, "bytes of a message")
      ->check(CLI::Range(0, 254))
      ->capture_default_str();
  app.add_option("--mix", line.mix,
                 "echo: push to oneself and get it, in turn; ring: push to the next, get one's own; fan-in: all push "
                 "to the first, which gets; push, get: only that")
      ->check(CLI::IsMember(mixes))
      ->capture_default_str();
  app.add_option("--seconds", line.seconds, "how long is measured")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  app.add_option("--warm-up", line.warm_up, "seconds before that")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--server-pid", line.server, "the server's process on this machine, to measure its processor time");
  app.add_flag("--json", line.json, "print one JSON object");
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app{"Puts load on a server of Restante's classic protocol, checks every reply, and says how fast it was."};
  describe(app, line);
  try {
    app.parse(argc, argv);
    line.options.url = restante::bench::Url::parse(line.url);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante-bench: %s\n", error.what());
    return 2;
  }
  line.options.mix = mixes.at(line.mix);
  line.options.measured = std::chrono::duration<double>{line.seconds};
  line.options.warm_up = std::chrono::duration<double>{line.warm_up};
  if (line.server != 0) {
    line.options.server = line.server;
  }
  if (isatty(STDERR_FILENO) != 0) {
    line.options.progress = [](double seconds, std::uint64_t answered) {
      std::fprintf(stderr, "\r%6.0f s %12llu requests in the last one ", seconds,
                   static_cast<unsigned long long>(answered));
    };
  }
  try {
    const RunResult result = run(line.options);
    if (line.options.progress) {
      std::fprintf(stderr, "\r%60s\r", "");
    }
    line.json ? print_json(line, result) : print_table(line, result);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restante-bench: %s\n", error.what());
    return 1;
  }
}
